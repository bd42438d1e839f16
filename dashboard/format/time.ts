/**
 * Times in a zone, and calendar dates. The API takes bare dates with a `timeZone` and makes instants of them, so the
 * page needs no time zone arithmetic of its own: `Intl.DateTimeFormat` shows, and dates are counted as UTC's. (Pure.)
 */

/** `short-day` has no year, for axes; `time` no date. */
export type TimeDetail = 'month' | 'day' | 'short-day' | 'hour' | 'minute' | 'second' | 'time';

const OPTIONS: Readonly<Record<TimeDetail, Intl.DateTimeFormatOptions>> = {
  month: { year: 'numeric', month: 'short' },
  day: { year: 'numeric', month: 'short', day: '2-digit' },
  'short-day': { month: 'short', day: '2-digit' },
  hour: { month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  minute: {
    year: 'numeric',
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  },
  second: {
    year: 'numeric',
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  },
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
};

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, detail: TimeDetail): Intl.DateTimeFormat {
  const key = `${zone} ${detail}`;
  let known = formats.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat('en-GB', { ...OPTIONS[detail], timeZone: zone });
    formats.set(key, known);
  }
  return known;
}

/** An instant (RFC 3339, or milliseconds) in a zone, for people. A text that is no time is shown as it is. */
export function timeText(instant: string | number, zone: string, detail: TimeDetail): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? String(instant) : format(zone, detail).format(date);
}

/** How long ago: "5 minutes ago". */
export function ageText(instant: string, nowMs: number): string {
  const seconds = Math.round((nowMs - Date.parse(instant)) / 1000);
  if (Number.isNaN(seconds)) return '';
  if (Math.abs(seconds) < 5) return 'just now';
  const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
  const units = [
    ['second', 60],
    ['minute', 60],
    ['hour', 24],
    ['day', 30],
    ['month', 12],
    ['year', Number.POSITIVE_INFINITY],
  ] as const;
  let amount = seconds;
  for (const [unit, next] of units) {
    if (Math.abs(amount) < next) return relative.format(-amount, unit);
    amount = Math.round(amount / next);
  }
  return '';
}

/** A date of the calendar: "2026-03-01". */
export type CalendarDate = string;

const dates = new Map<string, Intl.DateTimeFormat>();

/** The date of an instant in a zone. */
export function dateIn(zone: string, nowMs: number): CalendarDate {
  let known = dates.get(zone);
  if (known === undefined) {
    known = new Intl.DateTimeFormat('en-u-ca-iso8601', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    dates.set(zone, known);
  }
  const parts = known.formatToParts(nowMs);
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}`;
}

export function addDays(date: CalendarDate, days: number): CalendarDate {
  const [year, month, day] = date.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1, day + days)).toISOString().slice(0, 10);
}

/** The first day of a date's month, or of one so many months later. */
export function monthStart(date: CalendarDate, months = 0): CalendarDate {
  const [year, month] = date.split('-').map(Number);
  return new Date(Date.UTC(year, month - 1 + months, 1)).toISOString().slice(0, 10);
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/** What is wrong with a text as the API's `from` or `to`; null where it is a date or RFC 3339 with an offset. */
export function boundFault(text: string): string | null {
  if (DATE.test(text) || INSTANT.test(text))
    return Number.isNaN(Date.parse(text)) ? 'There is no such date or time' : null;
  return 'A date, like 2026-03-01, or a time with its offset, like 2026-03-01T08:00:00+01:00';
}
