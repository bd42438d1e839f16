/** Which quarantined signals a question is about: the same parameters for every question about quarantine. */
import type { SignalReference } from '../changes.ts';
import { codeNumber, QUARANTINE_CODES, type QuarantineCode } from '../quarantine-codes.ts';
import { invalid, type QueryParameters } from './parameters.ts';
import { type BoundValues, instant, metadataValue } from './statement.ts';

/** Plain data: it may be posted to another thread. */
export interface QuarantineFilter {
  /** Any of these; null = all, also signals that name no customer. */
  customerIds: (string | null)[] | null;
  /** Any of these; null = all, also signals that name no dimension. */
  dimensionIds: (string | null)[] | null;
  /** Any of these; null = all. */
  meterIds: string[] | null;
  /** Any of these; null = all. */
  reasons: QuarantineCode[] | null;
  /** Each key must have one of its values: of what the meter would have kept of the signal. */
  metadata: { key: string; values: string[] }[];
  /** Signals that were seen from here on, Unix nanoseconds; null = from the beginning. */
  from: bigint | null;
  /** Signals that were seen before, Unix nanoseconds; null = until now. */
  to: bigint | null;
  /**
   * Signals whose own time is from here on, Unix nanoseconds; null = any. Those whose time is at fault may be of any
   * time: they fit, whatever they say.
   */
  timeFrom: bigint | null;
  /** Signals whose own time is before, likewise; null = any. */
  timeTo: bigint | null;
}

/** Reasons for which a signal's own time is not to be relied on. */
const TIME_FAULTS: readonly QuarantineCode[] = ['time_zero', 'start_after_time', 'time_in_future'];

/** All signals. */
export const NO_FILTER: QuarantineFilter = {
  customerIds: null,
  dimensionIds: null,
  meterIds: null,
  reasons: null,
  metadata: [],
  from: null,
  to: null,
  timeFrom: null,
  timeTo: null,
};

/** Parameters of every question about quarantine. */
export const FILTER_PARAMETERS = [
  'customerId',
  'dimensionId',
  'missing',
  'meterId',
  'reason',
  'metadata.',
  'from',
  'to',
  'timeFrom',
  'timeTo',
  'timeZone',
] as const;

/**
 * Reads {@link FILTER_PARAMETERS}. `missing=customerId` asks for signals that name no customer, beside those of the
 * customers asked for; `missing=dimensionId` likewise.
 * @throws QueryError naming the parameter at fault
 */
export function filterParameters(parameters: QueryParameters): QuarantineFilter {
  const zone = parameters.timeZone();
  const missing = parameters.all('missing') ?? [];
  for (const text of missing) {
    if (text !== 'customerId' && text !== 'dimensionId') {
      throw invalid('missing', 'missing must be customerId or dimensionId', text);
    }
  }
  const { customerIds, dimensionIds, metadata } = parameters.filter();
  const orMissing = (name: string, ids: string[] | null) =>
    missing.includes(name) ? [null, ...(ids ?? [])] : ids;
  const range = (first: string, end: string): [bigint | null, bigint | null] => {
    const from = parameters.instant(first, zone) ?? null;
    const to = parameters.instant(end, zone) ?? null;
    if (from !== null && to !== null && to < from)
      throw invalid(end, `${end} must not be before ${first}`, parameters.all(end)![0]);
    return [from, to];
  };
  const [from, to] = range('from', 'to');
  const [timeFrom, timeTo] = range('timeFrom', 'timeTo');
  return {
    customerIds: orMissing('customerId', customerIds),
    dimensionIds: orMissing('dimensionId', dimensionIds),
    meterIds: parameters.all('meterId'),
    reasons:
      parameters.all('reason')?.map((text) => {
        const reason = QUARANTINE_CODES.find((code) => code === text);
        if (reason !== undefined) return reason;
        throw invalid('reason', `reason must be one of ${QUARANTINE_CODES.join(', ')}`, text);
      }) ?? null,
    metadata,
    from,
    to,
    timeFrom,
    timeTo,
  };
}

/** Conditions of a filter on stored.quarantine joined with stored.series. */
export function filterConditions(filter: QuarantineFilter, bound: BoundValues): string[] {
  const conditions: string[] = [];
  if (filter.from !== null) conditions.push(`last_seen >= ${instant(filter.from)}`);
  if (filter.to !== null) conditions.push(`first_seen < ${instant(filter.to)}`);
  if (filter.timeFrom !== null || filter.timeTo !== null) {
    const isWithin = [
      ...(filter.timeFrom === null ? [] : [`time_nano >= ${natural(filter.timeFrom)}`]),
      ...(filter.timeTo === null ? [] : [`time_nano < ${natural(filter.timeTo)}`]),
    ].join(' AND ');
    const faults = TIME_FAULTS.map(codeNumber).join(', ');
    conditions.push(`(time_nano = 0 OR code IN (${faults}) OR (${isWithin}))`);
  }
  if (filter.reasons !== null) conditions.push(`code IN (${filter.reasons.map(codeNumber).join(', ')})`);
  const anyOf = (column: string, ids: (string | null)[] | null) => {
    if (ids === null) return;
    const named = ids.filter((id) => id !== null);
    const isNamed = `coalesce(${column} IN (SELECT unnest(${bound.texts(named)})), false)`;
    conditions.push(ids.includes(null) ? `(${column} IS NULL OR ${isNamed})` : isNamed);
  };
  anyOf('customer_id', filter.customerIds);
  anyOf('dimension_id', filter.dimensionIds);
  anyOf('meter_id', filter.meterIds);
  for (const { key, values } of filter.metadata)
    conditions.push(`${metadataValue(key, bound)} IN (SELECT unnest(${bound.texts(values)}))`);
  return conditions;
}

/** The times of signals are unsigned. */
function natural(unixNano: bigint): bigint {
  return unixNano < 0n ? 0n : unixNano;
}

/** A signal's name in URLs and lists: `SEQUENCE.ORDINAL.METER`. */
export function signalId({ sequence, ordinal, meterId }: SignalReference): string {
  return `${sequence}.${ordinal}.${meterId}`;
}

/** What a signal's id names; null if it is none. The meter's id comes last, because it may have dots. */
export function signalReference(id: string): SignalReference | null {
  const match = /^([1-9]\d{0,15})\.(0|[1-9]\d{0,8})\.(.+)$/s.exec(id);
  if (match === null) return null;
  const sequence = Number(match[1]);
  if (!Number.isSafeInteger(sequence)) return null;
  return { sequence, ordinal: Number(match[2]), meterId: match[3] };
}
