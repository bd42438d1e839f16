/**
 * Windows by another road than storage/query/windows.ts: step along the range, ask Intl what the local clock shows,
 * and begin a window where what it shows belongs to another one.
 */
import type { WindowedRange } from '../../../storage/query/windows.ts';

const STEP_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** Window starts, Unix nanoseconds, for ranges and clock changes at whole quarters of an hour. */
export function windowStartsByStepping(range: WindowedRange): bigint[] {
  const from = Number(range.from / 1_000_000n);
  const to = Number(range.to / 1_000_000n);
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: range.timeZone,
    calendar: 'gregory',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const starts: number[] = [];
  let before: number | string | null = null;
  for (let time = from; time < to; time += STEP_MS) {
    const part = Object.fromEntries(
      format.formatToParts(time).map(({ type, value }) => [type, Number(value)]),
    );
    const local = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute);
    const label = windowLabel(range, local, local - time);
    // A day that the clock enters twice has begun already.
    const begins =
      before === null || (typeof label === 'number' ? label > (before as number) : label !== before);
    if (begins) {
      starts.push(time);
      before = label;
    }
    if (range.window === 'minute') {
      for (let minute = 1; minute < 15 && time + minute * 60_000 < to; minute++)
        starts.push(time + minute * 60_000);
    }
  }
  return starts.map((start) => BigInt(start) * 1_000_000n);
}

/** What all instants of a window have in common: a local day that begins it, or the clock's hour and offset. */
function windowLabel({ window, anchor }: WindowedRange, local: number, offset: number): number | string {
  const date = new Date(local);
  const day = Math.floor(local / DAY_MS) * DAY_MS;
  switch (window) {
    case 'total':
      return 'total';
    case 'minute':
      return `${local} ${offset}`;
    case 'hour':
      return `${Math.floor(local / 3_600_000)} ${offset}`;
    case 'day':
      return day;
    case 'week':
      return day - ((date.getUTCDay() + 6) % 7) * DAY_MS;
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    case 'period': {
      const start = (month: number): number => {
        const lastDay = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
        return Date.UTC(date.getUTCFullYear(), month, Math.min(anchor!, lastDay));
      };
      const month = date.getUTCMonth();
      return start(month) <= day ? start(month) : start(month - 1);
    }
  }
}
