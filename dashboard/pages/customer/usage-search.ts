/** Which usage of a customer is shown, as it stands in the address of the profile and of an explanation. (Pure.) */
import type { RequestOptions } from '../../api/client.ts';
import { oneOf, text, texts } from '../../app/search.ts';
import { type RangeSearch, rangeOf, readRange } from '../../format/range.ts';

export const WINDOWS = ['hour', 'day', 'week', 'month', 'period', 'total'] as const;
export type UsageWindow = (typeof WINDOWS)[number];

export interface UsageSearch extends RangeSearch {
  dimension?: string;
  window?: UsageWindow;
  /** Day of month on which a `period` begins. */
  anchor?: string;
  /** A metadata key. */
  groupBy?: string;
  /** Metadata that records must have, each as {@link filterText} writes it. */
  filter?: string[];
}

export function readUsageSearch(search: Record<string, unknown>): UsageSearch {
  const dimension = text(search, 'dimension');
  const window = oneOf(search, 'window', WINDOWS);
  const anchor = text(search, 'anchor');
  const groupBy = text(search, 'groupBy');
  const filter = texts(search, 'filter').filter((each) => readFilter(each) !== null);
  return {
    ...readRange(search),
    ...(dimension === undefined ? {} : { dimension }),
    ...(window === undefined ? {} : { window }),
    ...(anchor !== undefined && /^([1-9]|[12]\d|3[01])$/.test(anchor) ? { anchor } : {}),
    ...(groupBy === undefined ? {} : { groupBy }),
    ...(filter.length === 0 ? {} : { filter }),
  };
}

export interface MetadataFilter {
  key: string;
  value: string;
}

/** `region=eu`; in a key, `=` and `%` are percent-encoded. */
export function filterText({ key, value }: MetadataFilter): string {
  return `${key.replaceAll('%', '%25').replaceAll('=', '%3D')}=${value}`;
}

/** The other way; null where there is no `=`. */
export function readFilter(filter: string): MetadataFilter | null {
  const at = filter.indexOf('=');
  if (at <= 0) return null;
  const key = filter.slice(0, at).replaceAll('%3D', '=').replaceAll('%25', '%');
  return { key, value: filter.slice(at + 1) };
}

/** A question about usage of one customer and dimension, in a zone. */
export interface UsageQuestion {
  customerId: string;
  dimensionId: string;
  from: string;
  to: string;
  timeZone: string;
  window: UsageWindow;
  anchor: number;
  /** The metadata key that rows are told apart by; null: none. */
  groupKey: string | null;
  filters: readonly MetadataFilter[];
}

/** @param shortest the shortest window that the dimension's interval allows */
export function usageQuestion(
  search: UsageSearch,
  { customerId, dimensionId, timeZone }: Pick<UsageQuestion, 'customerId' | 'dimensionId' | 'timeZone'>,
  nowMs: number,
  shortest: UsageWindow = 'hour',
): UsageQuestion {
  const window = search.window ?? 'day';
  return {
    ...rangeOf(search, timeZone, nowMs),
    customerId,
    dimensionId,
    timeZone,
    window: WINDOWS.indexOf(window) < WINDOWS.indexOf(shortest) ? shortest : window,
    anchor: Number(search.anchor ?? '1'),
    groupKey: search.groupBy ?? null,
    filters: (search.filter ?? []).map(readFilter).filter((each) => each !== null),
  };
}

/** A dimension that is aggregated by intervals has no shorter windows. */
export function shortestWindow(interval: 'none' | 'hour' | 'day' | 'month'): UsageWindow {
  return interval === 'none' ? 'hour' : interval;
}

type UsageQuery = RequestOptions<'GET /api/v1/usage'>['query'];

/** As the API takes it. */
export function usageQuery(question: UsageQuestion): UsageQuery {
  const { customerId, dimensionId, from, to, timeZone, window, anchor, groupKey, filters } = question;
  return {
    customerId,
    dimensionId,
    from,
    to,
    timeZone,
    window,
    ...(window === 'period' ? { anchor } : {}),
    ...(groupKey === null ? {} : { groupBy: ['customerId', 'dimensionId', `metadata.${groupKey}`] }),
    ...(filters.length === 0 ? {} : { metadata: metadataOf(filters) }),
  };
}

function metadataOf(filters: readonly MetadataFilter[]): Record<string, string[]> {
  const values = new Map<string, string[]>();
  for (const { key, value } of filters) values.set(key, [...(values.get(key) ?? []), value]);
  return Object.fromEntries(values);
}
