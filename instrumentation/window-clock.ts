/** The clock that bounds usage windows: wall time that never repeats and never goes back within a process. */
import type { HrTime } from '@opentelemetry/api';

/** Between two readings there is room for one more instant. */
const STEP_NANOS = 2;
const NANOS_PER_MILLI = 1_000_000;

export interface WindowClock {
  /** A time after every time given before, as near to the wall clock as that allows. */
  next(): HrTime;
}

/**
 * A data point counts once per (series, start, time, value), so two windows that look alike would count as one.
 * Milliseconds are too coarse for that: two flushes in the same millisecond, or two cluster workers that share a
 * `service.instance.id`, would produce equal windows. Hence nanoseconds, whose last six digits come from the
 * monotonic clock, and a strict order. A wall clock that is set back would make a start that is after its time;
 * here time waits instead.
 * @param nowMillis the wall clock, Unix milliseconds
 * @param nanos any number that moves within a millisecond
 */
export function createWindowClock(nowMillis: () => number, nanos: () => number): WindowClock {
  let millis = 0;
  let nanosOfMilli = 0;
  return {
    next() {
      const now = Math.floor(nowMillis());
      if (now > millis) {
        millis = now;
        nanosOfMilli = nanos() % (NANOS_PER_MILLI - STEP_NANOS);
      } else {
        nanosOfMilli += STEP_NANOS;
        if (nanosOfMilli >= NANOS_PER_MILLI) {
          millis++;
          nanosOfMilli = 0;
        }
      }
      return [Math.floor(millis / 1000), (millis % 1000) * NANOS_PER_MILLI + nanosOfMilli];
    },
  };
}

/** One nanosecond earlier: still after every time that the clock gave before `time`. */
export function instantBefore(time: HrTime): HrTime {
  return time[1] > 0 ? [time[0], time[1] - 1] : [time[0] - 1, 999_999_999];
}

/** One clock for the process, so that two meters never write the same window of the same series. */
export const processClock = createWindowClock(Date.now, () => process.hrtime()[1]);
