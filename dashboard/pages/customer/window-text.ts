/** Windows of usage as texts. (Pure.) */
import { timeText } from '../../format/time.ts';
import type { UsageWindow } from './usage-search.ts';

/** @param windowEnd RFC 3339; not in it */
export function windowText(
  { windowStart, windowEnd }: { windowStart: string; windowEnd: string },
  window: UsageWindow,
  zone: string,
): string {
  if (window === 'day') return timeText(windowStart, zone, 'day');
  if (window === 'hour') return timeText(windowStart, zone, 'minute');
  const isMidnight = (at: string): boolean => timeText(at, zone, 'second').endsWith('00:00:00');
  if (!isMidnight(windowStart) || !isMidnight(windowEnd))
    return `${timeText(windowStart, zone, 'minute')} – ${timeText(windowEnd, zone, 'minute')}`;
  // Of whole days, people name the last one that is in it.
  const first = timeText(windowStart, zone, 'day');
  const last = timeText(Date.parse(windowEnd) - 1, zone, 'day');
  return first === last ? first : `${first} – ${last}`;
}
