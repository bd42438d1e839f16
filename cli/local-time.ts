/** Instants by the clock of a time zone, for people. (Pure.) */
import { Temporal } from 'temporal-polyfill';

/**
 * A date where a day begins, else date and time; the offset tells the repeated hour apart: `2026-03-01`,
 * `2026-03-01 08:00 UTC`, `2026-10-25 02:00 +01:00`.
 * @param text RFC 3339
 */
export function localTime(text: string, timeZone: string): string {
  const time = Temporal.Instant.from(text).toZonedDateTimeISO(timeZone);
  if (time.equals(time.startOfDay())) return time.toPlainDate().toString();
  const shown = time
    .toPlainDateTime()
    .toString(time.second === 0 && time.millisecond === 0 ? { smallestUnit: 'minute' } : {});
  return `${shown.replace('T', ' ')} ${timeZone === 'UTC' ? 'UTC' : time.offset}`;
}

/** To the second: `2026-03-01T08:00:00Z`. */
export function wholeSeconds(text: string): string {
  return text.replace(/\.\d+Z$/, 'Z');
}
