/** The windows into which a range falls, in any time zone. (Pure.) */
import { Temporal } from 'temporal-polyfill';

/** Windows of one range. Minutes of two months, hours of eleven years. */
export const MAX_WINDOWS = 100_000;

export const WINDOW_SIZES = ['total', 'minute', 'hour', 'day', 'week', 'month', 'period'] as const;

/** `week` begins on Monday (ISO 8601); `period` on the anchor's day of each month. */
export type WindowSize = (typeof WINDOW_SIZES)[number];

/** A half-open range and how it is cut. */
export interface WindowedRange {
  window: WindowSize;
  /** IANA name. */
  timeZone: string;
  /** Day of month on which a period begins, 1 to 31, clamped to the month's end; null for other windows. */
  anchor: number | null;
  /** Unix nanoseconds, included. */
  from: bigint;
  /** Unix nanoseconds, excluded. */
  to: bigint;
}

const MINUTE_NANO = 60_000_000_000n;
const HOUR_NANO = 60n * MINUTE_NANO;
const DAY_NANO = 24n * HOUR_NANO;

/** About how many windows a range has (within two of it and a day's worth of clock changes), at no cost. */
export function estimatedWindowCount({ window, from, to }: WindowedRange): number {
  const nominal = { total: null, minute: MINUTE_NANO, hour: HOUR_NANO, day: DAY_NANO, week: 7n * DAY_NANO };
  const length = window === 'month' || window === 'period' ? 28n * DAY_NANO : nominal[window];
  return length === null ? 1 : Number((to - from) / length) + 1;
}

/**
 * Where windows begin and end, Unix nanoseconds, ascending: window i is [boundary[i], boundary[i + 1]). The first is
 * `from` and the last `to`, so the windows at the edges are cut to the range. An empty range has none.
 *
 * A day is from midnight to midnight of the zone's clock, whether that takes 23, 24 or 25 hours. Where the clock
 * changes, the running minute and hour end; an hour that the clock repeats is therefore two windows.
 */
export function windowBoundaries(range: WindowedRange): bigint[] {
  if (range.from >= range.to) return [];
  switch (range.window) {
    case 'total':
      return [range.from, range.to];
    case 'minute':
      return clockBoundaries(range, MINUTE_NANO);
    case 'hour':
      return clockBoundaries(range, HOUR_NANO);
    default:
      return calendarBoundaries(range);
  }
}

/** Boundaries at whole multiples of `length` on the local clock, and wherever that clock is changed. */
function clockBoundaries({ timeZone, from, to }: WindowedRange, length: bigint): bigint[] {
  const boundaries = [from];
  let stretchStart = zonedDateTime(from, timeZone);
  for (;;) {
    const start = stretchStart.epochNanoseconds;
    const change = stretchStart.getTimeZoneTransition('next');
    const end = change === null || change.epochNanoseconds > to ? to : change.epochNanoseconds;
    const offset = BigInt(stretchStart.offsetNanoseconds);
    const sinceFullLocal = modulo(start + offset, length);
    for (let boundary = start - sinceFullLocal + length; boundary < end; boundary += length) {
      boundaries.push(boundary);
    }
    boundaries.push(end);
    if (change === null || end === to) return boundaries;
    stretchStart = change;
  }
}

/** Boundaries at the start of local days: each day, Monday, first of the month or anchor day. */
function calendarBoundaries({ window, timeZone, anchor, from, to }: WindowedRange): bigint[] {
  const boundaries = [from];
  const firstDay = zonedDateTime(from, timeZone).toPlainDate();
  for (let step = 1; ; step++) {
    const boundary = windowDay(firstDay, step).toZonedDateTime(timeZone).epochNanoseconds;
    if (boundary >= to) break;
    // Not greater where a zone skipped a whole day (Apia had no 30 December 2011), or where `from` stands in a
    // late evening that the clock repeats after midnight.
    if (boundary > boundaries[boundaries.length - 1]) boundaries.push(boundary);
  }
  boundaries.push(to);
  return boundaries;

  /** The first day of the window `step` windows behind the one that holds `day`. */
  function windowDay(day: Temporal.PlainDate, step: number): Temporal.PlainDate {
    switch (window) {
      case 'day':
        return day.add({ days: step });
      case 'week':
        return day.add({ days: step * 7 - (day.dayOfWeek - 1) });
      default: {
        const anchorDay = anchor ?? 1;
        // `with` and `add` clamp to the month's end. The current period began last month while this month's
        // anchor is still to come.
        const thisMonth = day.with({ day: anchorDay });
        const began = Temporal.PlainDate.compare(thisMonth, day) <= 0 ? 0 : 1;
        return day
          .with({ day: 1 })
          .add({ months: step - began })
          .with({ day: anchorDay });
      }
    }
  }
}

function zonedDateTime(unixNano: bigint, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochNanoseconds(unixNano).toZonedDateTimeISO(timeZone);
}

/** The remainder that is never negative. */
function modulo(value: bigint, divisor: bigint): bigint {
  const remainder = value % divisor;
  return remainder < 0n ? remainder + divisor : remainder;
}
