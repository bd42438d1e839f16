/** Rows of an answer about usage as series of a chart: the greatest groups, and the others together. (Pure.) */
import type { RowOf } from '../../api/client.ts';
import { counted } from '../../format/count.ts';
import { fromScaled, scaled } from '../../format/decimal.ts';

export type UsageRow = RowOf<'GET /api/v1/usage'>;

/** Told apart by colour; what is left is one more. */
const MAX_GROUPS = 7;

export interface UsageSeries {
  label: string;
  /** The value of the key that rows are grouped by; undefined: not grouped, or others together. */
  group: string | null | undefined;
  values: (string | null)[];
}

export interface UsagePicture {
  /** Begin of each window, as the rows say it, oldest first. */
  windows: string[];
  series: UsageSeries[];
}

/**
 * @param starts where windows begin, also those without usage
 * @param label of what is not grouped
 */
export function usagePicture(
  rows: readonly UsageRow[],
  starts: readonly string[],
  groupKey: string | null,
  label: string,
): UsagePicture {
  const texts = new Map(starts.map((start) => [Date.parse(start), start]));
  // Rows cut windows: where they say another instant, it holds.
  for (const { windowStart } of rows) texts.set(Date.parse(windowStart), windowStart);
  const order = [...texts.keys()].sort((a, b) => a - b);
  const windows = order.map((at) => texts.get(at) as string);
  const placeOf = new Map(windows.map((start, place) => [start, place]));

  const groups = new Map<string | null | undefined, { sum: bigint; quantities: Map<number, string> }>();
  for (const row of rows) {
    const name = groupKey === null ? undefined : (row.metadata?.[groupKey] ?? null);
    const group = groups.get(name) ?? { sum: 0n, quantities: new Map() };
    group.sum += scaled(row.quantity);
    group.quantities.set(placeOf.get(row.windowStart) as number, row.quantity);
    groups.set(name, group);
  }
  const sorted = [...groups].sort(([, a], [, b]) => (a.sum < b.sum ? 1 : a.sum > b.sum ? -1 : 0));
  const series = sorted.slice(0, MAX_GROUPS).map(([group, { quantities }]) => ({
    label: group === undefined ? label : groupLabel(group, groupKey ?? ''),
    group,
    values: windows.map((_, place) => quantities.get(place) ?? null),
  }));
  const rest = sorted.slice(MAX_GROUPS).map(([, { quantities }]) => quantities);
  if (rest.length === 0) return { windows, series };
  const sums = windows.map((_, place) => {
    const present = rest.flatMap((quantities) => quantities.get(place) ?? []);
    return present.length === 0 ? null : fromScaled(present.reduce((sum, each) => sum + scaled(each), 0n));
  });
  return {
    windows,
    series: [...series, { label: counted(rest.length, 'other'), group: undefined, values: sums }],
  };
}

/** What a group is called, for people. */
export function groupLabel(group: string | null, key: string): string {
  if (group === null) return `without ${key.slice(0, 40)}`;
  return group === '' ? 'empty' : group.slice(0, 200);
}
