/** The range of time that a command is about, as flags say it. (Pure.) */
import { Temporal } from 'temporal-polyfill';
import { isTimeZone } from '../storage/query/instant.ts';
import { UsageError } from './usage-error.ts';

export interface RangeFlags {
  from?: string;
  to?: string;
  last?: string;
  month?: string;
  day?: string;
  timeZone?: string;
}

/** Texts for the parameters `from` and `to`: RFC 3339, or dates in the time zone. */
export interface Range {
  from: string;
  to: string;
}

const UNITS: Readonly<Record<string, string>> = {
  s: 'seconds',
  m: 'minutes',
  h: 'hours',
  d: 'days',
  w: 'weeks',
  mo: 'months',
  y: 'years',
};

/**
 * `--from` (with `--to`, else until now), `--last 30d`, `--month 2026-10`, `--day 2026-10-05`.
 * @returns null where no flag says one
 * @throws UsageError
 */
export function readRange(flags: RangeFlags, now: Temporal.Instant): Range | null {
  const said = (['from', 'last', 'month', 'day'] as const).filter((name) => flags[name] !== undefined);
  if (said.length > 1)
    throw new UsageError(`say the range once: --${said[0]} or --${said[1]}, not both of them`);
  if (flags.to !== undefined && flags.from === undefined)
    throw new UsageError('--to needs --from: the range is from one to the other');
  const zone = flags.timeZone ?? 'UTC';
  if (!isTimeZone(zone))
    throw new UsageError(`--time-zone must be an IANA time zone, like Europe/Berlin (got "${zone}")`);
  const present = now.toZonedDateTimeISO(zone);
  // Whether these are instants is the receiver's to say.
  if (flags.from !== undefined) return { from: flags.from, to: flags.to ?? textOf(now) };
  if (flags.last !== undefined)
    return { from: textOf(present.subtract(durationOf(flags.last)).toInstant()), to: textOf(now) };
  if (flags.month !== undefined) {
    const month = monthOf(flags.month, present);
    return {
      from: month.toPlainDate({ day: 1 }).toString(),
      to: month.add({ months: 1 }).toPlainDate({ day: 1 }).toString(),
    };
  }
  if (flags.day !== undefined) {
    const day = dayOf(flags.day, present);
    return { from: day.toString(), to: day.add({ days: 1 }).toString() };
  }
  return null;
}

/** The month that it is in the time zone of the flags. @throws UsageError */
export function thisMonth(flags: RangeFlags, now: Temporal.Instant): Range {
  return readRange(
    { month: 'this', ...(flags.timeZone === undefined ? {} : { timeZone: flags.timeZone }) },
    now,
  )!;
}

/** Days and longer are those of the calendar. */
function durationOf(text: string): Temporal.Duration {
  const short = /^(\d{1,6})(mo|[smhdwy])$/.exec(text);
  try {
    const duration =
      short === null
        ? Temporal.Duration.from(text)
        : Temporal.Duration.from({ [UNITS[short[2]]]: Number(short[1]) });
    if (duration.sign > 0) return duration;
  } catch {
    // Told below.
  }
  throw new UsageError(`--last must be like 90m, 24h, 30d, 2w, 6mo, 1y or P1DT12H (got "${text}")`);
}

function monthOf(text: string, present: Temporal.ZonedDateTime): Temporal.PlainYearMonth {
  const own = present.toPlainDate().toPlainYearMonth();
  if (text === 'this') return own;
  if (text === 'last') return own.subtract({ months: 1 });
  try {
    if (/^\d{4}-\d{2}$/.test(text)) return Temporal.PlainYearMonth.from(text);
  } catch {
    // Told below.
  }
  throw new UsageError(`--month must be like 2026-10, or this, or last (got "${text}")`);
}

function dayOf(text: string, present: Temporal.ZonedDateTime): Temporal.PlainDate {
  const own = present.toPlainDate();
  if (text === 'today') return own;
  if (text === 'yesterday') return own.subtract({ days: 1 });
  try {
    if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return Temporal.PlainDate.from(text);
  } catch {
    // Told below.
  }
  throw new UsageError(`--day must be like 2026-10-05, or today, or yesterday (got "${text}")`);
}

function textOf(instant: Temporal.Instant): string {
  return instant.toString();
}
