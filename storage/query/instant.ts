/**
 * Instants at the edge of a query: RFC 3339 text to Unix nanoseconds and back. (Pure.)
 *
 * Zone arithmetic is Temporal's: the standard's own API with IANA rules and nanoseconds, by a polyfill until every
 * supported Node release has it, and then without.
 */
import { Temporal } from 'temporal-polyfill';

/**
 * 1900-01-01Z and 2262-01-01Z. The end is where 64-bit nanoseconds end; usage begins in 1970, and the distance from
 * the earliest instant to any usage fits into 64 bits too.
 */
const EARLIEST_UNIX_NANO = -2_208_988_800_000_000_000n;
const LATEST_UNIX_NANO = 9_214_646_400_000_000_000n;

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:[0-5]\d(?:\.(\d+))?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** What is wrong with a text that is no instant: the end of a sentence "… must be …". */
export interface InstantFault {
  fault: string;
}

/**
 * Unix nanoseconds of an RFC 3339 date-time with an offset, or of the start of a bare date in `timeZone` (midnight,
 * or the first instant of a day whose midnight is skipped).
 */
export function instantFromText(text: string, timeZone: string): bigint | InstantFault {
  const dateTime = DATE_TIME.exec(text);
  let unixNano: bigint;
  try {
    if (dateTime !== null) {
      if ((dateTime[1]?.length ?? 0) > 9)
        return { fault: 'given to at most 9 fraction digits (nanoseconds)' };
      unixNano = Temporal.Instant.from(text).epochNanoseconds;
    } else if (DATE.test(text)) {
      unixNano = Temporal.PlainDate.from(text).toZonedDateTime(timeZone).epochNanoseconds;
    } else if (/^\d{4}-\d{2}-\d{2}[Tt\s].* \d{2}:?\d{2}$/.test(text)) {
      // The query string's own escape for a space.
      return { fault: 'RFC 3339 with an offset; the "+" of an offset is written %2B in a URL' };
    } else if (/^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/.test(text)) {
      return {
        fault: 'RFC 3339 with an offset, as in 2026-03-01T00:00:00Z: a date-time without one is ambiguous',
      };
    } else {
      return { fault: 'RFC 3339 with an offset (2026-03-01T00:00:00Z) or a date (2026-03-01)' };
    }
  } catch {
    return { fault: 'a date and time that exists' };
  }
  if (unixNano < EARLIEST_UNIX_NANO || unixNano > LATEST_UNIX_NANO) {
    return { fault: 'between the years 1900 and 2262' };
  }
  return unixNano;
}

/** RFC 3339 in UTC with as many fraction digits as the instant needs: `2026-03-01T08:00:00Z`. */
export function textFromInstant(unixNano: bigint): string {
  const second = unixNano / 1_000_000_000n;
  const fraction = unixNano % 1_000_000_000n;
  const wholeSecond = fraction < 0n ? second - 1n : second;
  const nanos = fraction < 0n ? fraction + 1_000_000_000n : fraction;
  const text = new Date(Number(wholeSecond) * 1000).toISOString().slice(0, 19);
  return nanos === 0n ? `${text}Z` : `${text}.${nanos.toString().padStart(9, '0').replace(/0+$/, '')}Z`;
}

/** Whether a text names a zone of the IANA database, canonical or an alias (`US/Pacific`). */
export function isTimeZone(text: string): boolean {
  // Temporal also takes offsets ("+05:30") and whole date-times for zones; a zone here is a name.
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(text)) return false;
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text);
    return true;
  } catch {
    return false;
  }
}
