/** Ranges of time as they stand in the address: a preset, or two bounds as the API takes them. (Pure.) */
import { text } from '../app/search.ts';
import { addDays, boundFault, type CalendarDate, dateIn, monthStart } from './time.ts';

export const PRESETS = ['this-month', 'last-month', '7d', '30d'] as const;
export type Preset = (typeof PRESETS)[number];

export const PRESET_LABELS: Readonly<Record<Preset, string>> = {
  'this-month': 'This month',
  'last-month': 'Last month',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
};

/** `range` names a preset, or `from` and `to` are given; half-open. Spread it into a page's search. */
export interface RangeSearch {
  range?: Preset;
  from?: string;
  to?: string;
}

/** Of a page's `validateSearch`: what makes no range is left out. */
export function readRange(search: Record<string, unknown>): RangeSearch {
  const from = text(search, 'from');
  const to = text(search, 'to');
  if (from !== undefined && to !== undefined && boundFault(from) === null && boundFault(to) === null)
    return { from, to };
  const range = PRESETS.find((preset) => preset === search.range);
  return range === undefined ? {} : { range };
}

/** What the API is asked for, with the zone as its `timeZone`. */
export interface Range {
  from: string;
  /** Not in it. */
  to: string;
}

export function rangeOf(
  { range, from, to }: RangeSearch,
  zone: string,
  nowMs: number,
  byDefault: Preset = 'this-month',
): Range {
  if (from !== undefined && to !== undefined) return { from, to };
  return presetRange(range ?? byDefault, dateIn(zone, nowMs));
}

/** @param today is in each of them but last month */
export function presetRange(preset: Preset, today: CalendarDate): Range {
  const tomorrow = addDays(today, 1);
  switch (preset) {
    case 'this-month':
      return { from: monthStart(today), to: monthStart(today, 1) };
    case 'last-month':
      return { from: monthStart(today, -1), to: monthStart(today) };
    case '7d':
      return { from: addDays(today, -6), to: tomorrow };
    case '30d':
      return { from: addDays(today, -29), to: tomorrow };
  }
}
