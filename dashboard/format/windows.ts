/** Where the windows of a range begin in a zone: the places of a chart, also of windows without usage. (Pure.) */
import type { Range } from './range.ts';
import { addDays, type CalendarDate, dateIn, monthStart } from './time.ts';

/** As GET /api/v1/usage has them. */
export type WindowSize = 'hour' | 'day' | 'week' | 'month' | 'period' | 'total';

/** More places than this are no picture. */
export const MAX_PLACES = 2_000;
const HOUR_MS = 3_600_000;

/**
 * RFC 3339 in UTC, oldest first; null where there are more than {@link MAX_PLACES}. The receiver alone cuts usage: this
 * only says where bars stand.
 * @param anchor of `period`: the day of month on which it begins
 */
export function windowStarts(
  { from, to }: Range,
  window: WindowSize,
  zone: string,
  anchor = 1,
): string[] | null {
  const fromMs = instantOf(from, zone);
  const toMs = instantOf(to, zone);
  if (!(fromMs < toMs)) return [];
  const starts: string[] = [];
  for (let ms = fromMs; ms < toMs; ms = nextStart(ms, window, zone, anchor)) {
    if (starts.length === MAX_PLACES) return null;
    starts.push(instantText(ms));
  }
  return starts;
}

function nextStart(ms: number, window: WindowSize, zone: string, anchor: number): number {
  if (window === 'total') return Number.POSITIVE_INFINITY;
  if (window === 'hour') {
    const offset = offsetMs(ms, zone);
    return (Math.floor((ms + offset) / HOUR_MS) + 1) * HOUR_MS - offset;
  }
  return startOfDay(nextDate(dateIn(zone, ms), window, anchor), zone);
}

function nextDate(date: CalendarDate, window: WindowSize, anchor: number): CalendarDate {
  switch (window) {
    case 'week':
      return addDays(date, 7 - ((new Date(date).getUTCDay() + 6) % 7));
    case 'month':
      return monthStart(date, 1);
    case 'period': {
      const here = anchorDate(date, 0, anchor);
      return here > date ? here : anchorDate(date, 1, anchor);
    }
    default:
      return addDays(date, 1);
  }
}

/** A month that has no such day has its last one. */
function anchorDate(date: CalendarDate, months: number, anchor: number): CalendarDate {
  const last = addDays(monthStart(date, months + 1), -1);
  const day = String(anchor).padStart(2, '0');
  return day < last.slice(8) ? `${last.slice(0, 8)}${day}` : last;
}

/** The first instant of a day, Unix ms: clocks may leave out its midnight. */
function startOfDay(date: CalendarDate, zone: string): number {
  const midnight = Date.parse(date);
  const guess = midnight - offsetMs(midnight, zone);
  const start = midnight - offsetMs(guess, zone);
  return dateIn(zone, start) < date ? Math.max(start, guess) : start;
}

/** Unix ms of a bound: a bare date is its midnight in the zone. */
function instantOf(bound: string, zone: string): number {
  return bound.length === 10 ? startOfDay(bound, zone) : Date.parse(bound);
}

const offsets = new Map<string, Intl.DateTimeFormat>();

function offsetMs(ms: number, zone: string): number {
  let format = offsets.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
    offsets.set(zone, format);
  }
  const name = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value;
  const match = /([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name ?? '');
  if (match === null) return 0;
  const [, sign, hours, minutes, seconds = '0'] = match;
  const magnitude = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -magnitude : magnitude;
}

function instantText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.000Z$/, 'Z');
}
