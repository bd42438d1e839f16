/** An instant in the chosen zone; its title has it as the receiver told it. */
import type { ReactNode } from 'react';
import { useTimeZone } from '../app/time-zone.ts';
import { type TimeDetail, timeText } from '../format/time.ts';

/** @param props.at RFC 3339 */
export function Time({ at, detail = 'minute' }: { at: string; detail?: TimeDetail }): ReactNode {
  const [zone] = useTimeZone();
  return (
    <time dateTime={at} title={at}>
      {timeText(at, zone, detail)}
    </time>
  );
}
