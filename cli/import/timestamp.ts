/** When usage occurred, as files spell it, to Unix nanoseconds. (Pure.) */
import { Temporal } from 'temporal-polyfill';
import { scaledFromText } from '../../storage/decimal.ts';

export const TIME_FORMATS = ['text', 's', 'ms', 'us', 'ns'] as const;
/** `text`: RFC 3339 and its relatives; the others are Unix time in that unit. */
export type TimeFormat = (typeof TIME_FORMATS)[number];

const NANOS_PER_UNIT = { s: 1_000_000_000n, ms: 1_000_000n, us: 1000n, ns: 1n } as const;
/** What a quantity's text is multiplied with when it is read. */
const SCALE = 10n ** 12n;
const NANOS_PER_SECOND = 1_000_000_000n;
/** 2262-01-01Z: where 64-bit nanoseconds end. */
const END_UNIX_NANO = 9_214_646_400_000_000_000n;

const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(?: ?([Zz]|UTC|[+-]\d{2}(?::?\d{2})?))?)?$/;

/** What is remembered of the calendar: a file is mostly in the order of time. */
const REMEMBERED_DATES = 2000;
const REMEMBERED_MINUTES = 10_000;

/** Reads all timestamps of an import: one format, one zone. */
export class TimestampReader {
  readonly #format: TimeFormat;
  readonly #timeZone: string | null;
  /** Date to its midnight in UTC, in Unix milliseconds; null where there is no such date. */
  readonly #dates = new Map<string, number | null>();
  /** Local minute to its Unix milliseconds; null where the zone's clocks skip it. */
  readonly #minutes = new Map<string, number | null>();

  /** @param timeZone IANA zone of times without an offset; null: they are refused */
  constructor(format: TimeFormat, timeZone: string | null) {
    this.#format = format;
    this.#timeZone = timeZone;
  }

  /** @returns Unix nanoseconds, or what is wrong, to follow the column's name */
  read(text: string): bigint | { problem: string } {
    const trimmed = text.trim();
    const unixNano = this.#format === 'text' ? this.#fromText(trimmed) : fromUnixTime(trimmed, this.#format);
    if (typeof unixNano !== 'bigint') return unixNano;
    if (unixNano <= 0n || unixNano >= END_UNIX_NANO)
      return { problem: 'must lie between the years 1970 and 2262' };
    return unixNano;
  }

  #fromText(text: string): bigint | { problem: string } {
    const match = DATE_TIME.exec(text);
    if (match === null) {
      return {
        problem: /^\d+(\.\d+)?$/.test(text)
          ? 'must be a date and time (of Unix time, --time-format s, ms, us or ns says the unit)'
          : 'must be a date and time, like 2026-03-01T00:00:00Z',
      };
    }
    const [, year, month, day, hour, minute = '00', second = '00', fraction = '', offset] = match;
    if (fraction.length > 9 && /[1-9]/.test(fraction.slice(9)))
      return { problem: 'has more than 9 fraction digits (nanoseconds)' };
    const date = `${year}-${month}-${day}`;
    const midnightMs = this.#midnightMs(date);
    if (midnightMs === null || +(hour ?? '0') > 23 || +minute > 59 || +second > 59)
      return { problem: 'must be a date and time that exists' };
    const nanos = fraction === '' ? 0n : BigInt(fraction.slice(0, 9).padEnd(9, '0'));
    if (offset !== undefined) {
      const offsetMinutes = minutesOf(offset);
      if (offsetMinutes === null) return { problem: 'has an offset that does not exist' };
      const unixMinutes = midnightMs / 60_000 + +(hour ?? '0') * 60 + +minute - offsetMinutes;
      return BigInt(unixMinutes * 60_000 + +second * 1000) * 1_000_000n + nanos;
    }
    if (this.#timeZone === null) {
      return { problem: 'has no offset from UTC: --time-zone says in which zone it is (such as UTC)' };
    }
    const zoned = this.#localMinute(date, hour === undefined ? null : `${hour}:${minute}`);
    if (zoned === null) return { problem: `does not exist in ${this.#timeZone}: clocks were put forward` };
    return BigInt(zoned) * 1_000_000n + BigInt(second) * NANOS_PER_SECOND + nanos;
  }

  /** Of a date in UTC, in Unix milliseconds; null where there is no such date. */
  #midnightMs(date: string): number | null {
    let unixMs = this.#dates.get(date);
    if (unixMs === undefined) {
      const parsed = new Date(`${date}T00:00:00Z`);
      // The 30th of February is taken for the 2nd of March.
      const isReal = !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
      unixMs = isReal ? parsed.getTime() : null;
      if (this.#dates.size >= REMEMBERED_DATES) this.#dates.clear();
      this.#dates.set(date, unixMs);
    }
    return unixMs;
  }

  /** @param time null: where the day begins, which need not be midnight */
  #localMinute(date: string, time: string | null): number | null {
    const key = time === null ? date : `${date}T${time}`;
    const known = this.#minutes.get(key);
    if (known !== undefined) return known;
    const unixMs = time === null ? startOfDay(date, this.#timeZone!) : atMinute(key, this.#timeZone!);
    if (this.#minutes.size >= REMEMBERED_MINUTES) this.#minutes.clear();
    this.#minutes.set(key, unixMs);
    return unixMs;
  }
}

function startOfDay(date: string, timeZone: string): number {
  return Temporal.PlainDate.from(date).toZonedDateTime(timeZone).epochMilliseconds;
}

/** Of two minutes with the same name (clocks were put back) the earlier; null where there is none. */
function atMinute(local: string, timeZone: string): number | null {
  const plain = Temporal.PlainDateTime.from(local);
  const zoned = plain.toZonedDateTime(timeZone, { disambiguation: 'earlier' });
  return zoned.toPlainDateTime().equals(plain) ? zoned.epochMilliseconds : null;
}

function minutesOf(offset: string): number | null {
  if (/^(?:[Zz]|UTC)$/.test(offset)) return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function fromUnixTime(text: string, unit: 's' | 'ms' | 'us' | 'ns'): bigint | { problem: string } {
  const scaled = /^\d{1,26}(\.\d{1,12})?([eE]\+?\d{1,2})?$/.test(text) ? scaledFromText(text) : null;
  if (scaled === null) return { problem: `must be Unix time in ${unit}, like ${EXAMPLES[unit]}` };
  const nanos = scaled * NANOS_PER_UNIT[unit];
  if (nanos % SCALE !== 0n) return { problem: 'is given finer than nanoseconds' };
  return nanos / SCALE;
}

const EXAMPLES = {
  s: '1772323200',
  ms: '1772323200000',
  us: '1772323200000000',
  ns: '1772323200000000000',
} as const;
