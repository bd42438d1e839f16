/**
 * Windows by another road than storage/query/windows.ts: walk along the range in quarters of an hour, and begin a
 * window where what the local clock shows belongs to another one.
 */

const MINUTE = 60_000_000_000n;
const QUARTER = 15n * MINUTE;
const WEEK = 7n * 24n * 60n * MINUTE;
const DAY_MS = 86_400_000;

export type ModelWindow = 'total' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'period';

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, Map<bigint, bigint>>();

/** What Intl says of the local clock: nanoseconds ahead of UTC at a whole quarter of an hour. */
function probedOffset(unixNano: bigint, zone: string): bigint {
  const known = offsets.get(zone) ?? new Map<bigint, bigint>();
  offsets.set(zone, known);
  const cached = known.get(unixNano);
  if (cached !== undefined) return cached;
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    formats.set(zone, format);
  }
  const time = Number(unixNano / 1_000_000n);
  const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
  const local = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute);
  const offset = BigInt(local - time) * 1_000_000n;
  known.set(unixNano, offset);
  return offset;
}

/** The zones in question change their clocks at whole quarters of an hour, and not twice within a week. */
function offsetAt(unixNano: bigint, zone: string): bigint {
  let low = unixNano - (unixNano % WEEK);
  let high = low + WEEK;
  if (probedOffset(low, zone) === probedOffset(high, zone)) return probedOffset(low, zone);
  while (high - low > QUARTER) {
    const middle = low + ((high - low) / QUARTER / 2n) * QUARTER;
    if (probedOffset(middle, zone) === probedOffset(low, zone)) low = middle;
    else high = middle;
  }
  return probedOffset(unixNano < high ? low : high, zone);
}

/** Window starts, Unix nanoseconds; the first is `from`. */
export function modelWindowStarts(
  from: bigint,
  to: bigint,
  window: ModelWindow,
  zone: string,
  anchor: number | null,
): bigint[] {
  const starts: bigint[] = [];
  const step = window === 'minute' ? MINUTE : QUARTER;
  let before: bigint | string | null = null;
  for (let time = from; time < to; time = time - (time % step) + step) {
    const label = windowLabel(time, window, zone, anchor);
    // A day that the clock enters twice has begun already.
    const begins =
      before === null || (typeof label === 'bigint' ? label > (before as bigint) : label !== before);
    if (!begins) continue;
    starts.push(time);
    before = label;
  }
  return starts;
}

/** What all instants of a window have in common: a local day that begins it, or the clock's hour and offset. */
function windowLabel(
  time: bigint,
  window: ModelWindow,
  zone: string,
  anchor: number | null,
): bigint | string {
  const offset = offsetAt(time, zone);
  const local = time + offset;
  const date = new Date(Number(local / 1_000_000n));
  const day = Math.floor(date.getTime() / DAY_MS) * DAY_MS;
  switch (window) {
    case 'total':
      return 'total';
    case 'minute':
      return `${local / MINUTE} ${offset}`;
    case 'hour':
      return `${local / (60n * MINUTE)} ${offset}`;
    case 'day':
      return BigInt(day);
    case 'week':
      return BigInt(day - ((date.getUTCDay() + 6) % 7) * DAY_MS);
    case 'month':
      return BigInt(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1));
    case 'period': {
      const start = (month: number): number => {
        const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
        return Date.UTC(date.getUTCFullYear(), month, Math.min(anchor!, lastDay));
      };
      const month = date.getUTCMonth();
      return BigInt(start(month) <= day ? start(month) : start(month - 1));
    }
  }
}
