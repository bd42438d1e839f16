import { describe, expect, test } from 'vitest';
import { compareReadings, type Reading, SegmentTail } from '../../../storage/duckdb/cumulative.ts';
import { Random, seedFromEnvironment } from '../../support/random.ts';

const SDK = { startUnixNano: 1n, sinceUnixNano: 0n, fromSdk: true };
const OTHER = { ...SDK, fromSdk: false };
const UNKNOWN = { ...SDK, startUnixNano: 0n };
/** Its meter came to be after it began. */
const OLDER = { ...SDK, sinceUnixNano: 2n };

function reading(time: number, value: number): Reading {
  return { timeUnixNano: BigInt(time), value: BigInt(value) };
}

test.each<[string, typeof SDK, [time: number, value: number][], [time: number, value: number], string]>([
  ['growth', SDK, [[2, 5]], [3, 8], '3'],
  ['no growth', SDK, [[2, 5]], [3, 5], '0'],
  ['a decrease', SDK, [[2, 8]], [3, 2], '0'],
  [
    'growth after a decrease',
    SDK,
    [
      [2, 8],
      [3, 2],
    ],
    [4, 9],
    '1',
  ],
  ['the first one', SDK, [], [2, 5], '5'],
  ['the first one at its start', SDK, [], [1, 5], '5'],
  [
    'a late one',
    SDK,
    [
      [2, 5],
      [4, 9],
    ],
    [3, 8],
    '3, -3 at 4',
  ],
  [
    'a late one below',
    SDK,
    [
      [2, 5],
      [4, 9],
    ],
    [3, 4],
    '0',
  ],
  [
    'a late greatest one',
    SDK,
    [
      [2, 5],
      [4, 7],
      [5, 9],
      [6, 20],
    ],
    [3, 10],
    '5, -2 at 4, -2 at 5, -1 at 6',
  ],
  ['a late first one', SDK, [[4, 9]], [2, 5], '5, -5 at 4'],
  [
    'the same time, a greater value',
    SDK,
    [
      [2, 5],
      [3, 9],
    ],
    [2, 7],
    '2, -2 at 3',
  ],
  ['the same time, a smaller value', SDK, [[2, 5]], [2, 3], '3, -3 at 2'],
  ['the first one at its start by nobody known', OTHER, [], [1, 100], '0 baseline'],
  ['after a baseline', OTHER, [[1, 100]], [2, 225], '125'],
  ['a late baseline', OTHER, [[2, 225]], [1, 100], '0 baseline, -100 at 2'],
  [
    'a smaller baseline',
    OTHER,
    [
      [1, 100],
      [2, 225],
    ],
    [1, 60],
    '0 baseline instead of 100, 40 at 1',
  ],
  ['the first one after its start by nobody known', OTHER, [], [2, 5], '5'],
  ['the first one of an unknown start', UNKNOWN, [], [2, 5], '0 baseline'],
  ['growth of an unknown start', UNKNOWN, [[2, 5]], [3, 8], '3'],
  ['an unknown start that began again', UNKNOWN, [[2, 5]], [3, 2], '2'],
  [
    'a late one of an unknown start',
    UNKNOWN,
    [
      [2, 5],
      [4, 9],
    ],
    [3, 8],
    '3, -3 at 4',
  ],
  [
    'a late new beginning',
    UNKNOWN,
    [
      [2, 5],
      [4, 9],
    ],
    [3, 1],
    '1, 4 at 4',
  ],
  ['the first one of a total that began before its meter', OLDER, [], [3, 5], '0 baseline'],
  ['a late first one of it', OLDER, [[4, 9]], [3, 5], '0 baseline instead of 9, 4 at 4'],
  ['growth of it', OLDER, [[3, 5]], [4, 9], '4'],
  ['the first one of a total that began with its meter', { ...SDK, sinceUnixNano: 1n }, [], [3, 5], '5'],
  ['a late first one of an unknown start', UNKNOWN, [[4, 9]], [2, 5], '0 baseline instead of 9, 4 at 4'],
])('%s', (_, rule, stored, [time, value], outcome) => {
  const tail = new SegmentTail(
    rule,
    null,
    stored.map(([t, v]) => reading(t, v)),
  );
  const { increment, isBaseline, displacedBaseline, corrections } = tail.insert(reading(time, value));
  const text = [
    `${increment}${isBaseline ? ' baseline' : ''}${displacedBaseline ? ` instead of ${displacedBaseline.value}` : ''}`,
    ...corrections.map(({ timeUnixNano, change }) => `${change} at ${timeUnixNano}`),
  ].join(', ');
  expect(text).toBe(outcome);
});

describe('any order of arrival', () => {
  const seed = seedFromEnvironment(1);
  test.each([
    ['an SDK', SDK],
    ['nobody known', OTHER],
    ['an unknown start', UNKNOWN],
    ['a total older than its meter', OLDER],
  ])('gives the same increments, of %s', (_, rule) => {
    const random = new Random(seed);
    for (let round = 0; round < 300; round++) {
      const distinct = new Map<string, Reading>();
      for (let i = random.integer(1, 12); i > 0; i--) {
        const [time, value] = [random.integer(1, 9), random.integer(0, 20)];
        distinct.set(`${time} ${value}`, reading(time, value));
      }
      const readings = [...distinct.values()];
      const inOrder = incrementsOf(rule, readings.toSorted(compareReadings));
      expect(incrementsOf(rule, random.shuffled(readings)), `seed ${seed}, round ${round}`).toEqual(inOrder);
    }
  });

  /** Sum per time of increments and corrections, and the baseline that is left. */
  function incrementsOf(rule: typeof SDK, arrival: Reading[]): unknown {
    const tail = new SegmentTail(rule, null);
    const sums = new Map<bigint, bigint>();
    const add = (time: bigint, quantity: bigint) => sums.set(time, (sums.get(time) ?? 0n) + quantity);
    const baselines = new Set<bigint>();
    for (const one of arrival) {
      const { increment, isBaseline, displacedBaseline, corrections } = tail.insert(one);
      add(one.timeUnixNano, increment);
      for (const { timeUnixNano, change } of corrections) add(timeUnixNano, change);
      if (displacedBaseline !== null) expect(baselines.delete(displacedBaseline.value)).toBe(true);
      if (isBaseline) baselines.add(one.value);
    }
    return [[...sums].sort(([a], [b]) => Number(a - b)), [...baselines], tail.level];
  }
});
