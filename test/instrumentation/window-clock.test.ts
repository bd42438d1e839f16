import { expect, test } from 'vitest';
import { createWindowClock, instantBefore } from '../../instrumentation/window-clock.ts';

const nanos = ([seconds, rest]: [number, number]) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);

test.each<[string, number[]]>([
  ['stands still', [1000, 1000, 1000]],
  ['is set back by an hour', [3_600_000, 0, 1]],
  ['runs', [1000, 1001, 2000]],
  ['jumps ahead and back', [1000, 9_000_000, 1000]],
])('while the wall clock %s, times grow, with room for one instant between them', (_, millis) => {
  const wall = [...millis];
  const clock = createWindowClock(
    () => wall.shift()!,
    () => 999_999,
  );
  const times = millis.map(() => nanos(clock.next()));
  for (let i = 1; i < times.length; i++) expect(times[i] - times[i - 1]).toBeGreaterThanOrEqual(2n);
  expect(times[0] / 1_000_000n).toBe(BigInt(millis[0]));
});

test('a million readings within one millisecond stay in order and leave it', () => {
  const clock = createWindowClock(
    () => 5,
    () => 0,
  );
  let last = 0n;
  for (let i = 0; i < 1_000_000; i++) {
    const time = nanos(clock.next());
    if (time <= last) throw new Error(`${time} after ${last}`);
    last = time;
  }
  expect(last / 1_000_000n).toBe(6n);
});

test.each<[string, [number, number], [number, number]]>([
  ['within a second', [5, 10], [5, 9]],
  ['at its begin', [5, 0], [4, 999_999_999]],
])('the instant before: %s', (_, time, before) => {
  expect(instantBefore(time)).toEqual(before);
});
