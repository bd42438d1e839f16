/** Local times of a zone and the instants that they are: clocks skip some, and show some twice. (Pure.) */

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d{1,9}))?(?:Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
/** 2262-01-01Z: later times are no usage. */
const LATEST_UNIX_NANO = 9_214_646_400_000_000_000n;

/** Unix nanoseconds of RFC 3339 text with an offset; else what is wrong with it, for whoever types it. */
export function instantOf(text: string): bigint | string {
  const match = RFC_3339.exec(text);
  if (match === null) {
    return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?$/.test(text)
      ? 'Say the offset too: Z for UTC, or like +01:00'
      : 'A time with its offset, like 2026-03-01T08:00:00+01:00';
  }
  const [, year, month, day, , fraction = ''] = match;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day)) return 'There is no such date';
  const wholeSeconds = BigInt(Date.parse(text.replace(/\.\d+/, '')));
  const unixNano = wholeSeconds * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  if (unixNano <= 0n) return 'Usage is later than 1970';
  return unixNano < LATEST_UNIX_NANO ? unixNano : 'Usage is earlier than 2262';
}

/** What a local time is in its zone. */
export type ZonedTime =
  /** One instant, or two: the clocks went back over it, and `instants` has the earlier one first. */
  | { instants: readonly string[]; skipped: null }
  /** None: the clocks went forward over it. `skipped` is what they showed at that moment instead. */
  | { instants: readonly []; skipped: { local: string; instant: string } };

/**
 * @param local "2026-03-29T02:30:00", a date and time that the calendar has
 * @returns instants as RFC 3339 with the zone's offset
 */
export function zonedTime(local: string, zone: string): ZonedTime {
  const asUtc = Date.parse(`${local}Z`);
  const before = offsetMs(zone, asUtc - DAY_MS);
  const after = offsetMs(zone, asUtc + DAY_MS);
  const instants = [...new Set([before, after])]
    .map((offset) => ({ offset, instant: asUtc - offset }))
    .filter(({ offset, instant }) => offsetMs(zone, instant) === offset)
    .map(({ instant }) => instant)
    .sort((a, b) => a - b);
  if (instants.length > 0) return { instants: instants.map((each) => zonedText(each, zone)), skipped: null };
  const instant = asUtc - before;
  return { instants: [], skipped: { local: localText(instant, zone), instant: zonedText(instant, zone) } };
}

/** RFC 3339 to the second, with the zone's offset of that moment; in UTC where the offset has seconds. */
export function zonedText(unixMs: number, zone: string): string {
  const offset = offsetMs(zone, unixMs);
  if (offset === 0 || offset % MINUTE_MS !== 0) return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
  const minutes = Math.abs(offset / MINUTE_MS);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${localText(unixMs, zone)}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** What the clocks of a zone show: "2026-03-29T03:30:00". */
export function localText(unixMs: number, zone: string): string {
  return new Date(unixMs + offsetMs(zone, unixMs)).toISOString().slice(0, 19);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** By how much the zone's clocks are ahead of UTC. */
function offsetMs(zone: string, unixMs: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-u-ca-iso8601', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const parts = format.formatToParts(unixMs);
  const part = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((each) => each.type === type)?.value);
  const shown = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return shown - Math.floor(unixMs / 1000) * 1000;
}
