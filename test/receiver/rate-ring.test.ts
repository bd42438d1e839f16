import { expect, test } from 'vitest';
import { RATE_SECONDS, RateRing } from '../../receiver/rate-ring.ts';

const START = 1_772_323_200;

/** The last seconds of a series, of which all others are 0. */
function ending(series: number[], length: number): number[] {
  expect(series).toHaveLength(RATE_SECONDS);
  expect(series.slice(0, -length).every((count) => count === 0)).toBe(true);
  return series.slice(-length);
}

test('counts are told by whole seconds, the one that runs is not', () => {
  const ring = new RateRing();
  ring.note(START, 3);
  ring.note(START, 4);
  ring.note(START + 2, 5);
  ring.note(START + 3, 100);
  expect(ending(ring.before(START + 3), 3)).toEqual([7, 0, 5]);
  expect(ending(ring.before(START + 4), 4)).toEqual([7, 0, 5, 100]);
});

test.each([
  ['just in it', RATE_SECONDS, 1],
  ['just out of it', RATE_SECONDS + 1, 0],
  ['once around', RATE_SECONDS + 2, 0],
  ['long ago', 10 * RATE_SECONDS, 0],
])('what is %s', (_, later, sum) => {
  const ring = new RateRing();
  ring.note(START, 1);
  expect(ring.before(START + later).reduce((a, b) => a + b)).toBe(sum);
});

test('a clock that goes back loses nothing', () => {
  const ring = new RateRing();
  ring.note(START, 1);
  ring.note(START - 30, 1);
  expect(ending(ring.before(START + 1), 1)).toEqual([2]);
});
