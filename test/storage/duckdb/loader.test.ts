import { afterEach, describe, expect, test } from 'vitest';
import type { LedgerBatch } from '../../../storage/ledger-batch.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger;
afterEach(() => ledger.close());

/** A delta point of customer a. */
function delta(time: number, value: string, more: Partial<TestPoint> = {}): TestPoint {
  return { series: 'a', time: at(time), value, ...more };
}

/** A reading of customer c, written by an SDK unless said otherwise. */
function reading(
  start: number | null,
  time: number,
  value: string,
  more: Partial<TestPoint> = {},
): TestPoint {
  const startNano = start === null ? 0n : at(start);
  return { series: 'c', role: 'cumulative', start: startNano, time: at(time), value, ...more };
}

type Step = TestPoint[] | 'restart' | 'reset';

/** Each step a load of one frame. */
async function inLoads(steps: Step[]): Promise<void> {
  ledger = await MemoryLedger.open();
  let writer = new BatchWriter();
  for (const step of steps) {
    if (step === 'reset') {
      writer.reset();
    } else if (step === 'restart') {
      await ledger.restart();
      writer = new BatchWriter(ledger.position, await ledger.known());
    } else {
      await ledger.load(writer.batch(step));
    }
  }
}

/** All steps as frames of one load; a restart or reset makes no difference then, and is left out. */
async function inOneLoad(steps: Step[]): Promise<void> {
  ledger = await MemoryLedger.open();
  const writer = new BatchWriter();
  const batches: LedgerBatch[] = [];
  for (const step of steps) if (Array.isArray(step)) batches.push(writer.batch(step));
  await ledger.load(...batches);
}

const GROUPINGS = [
  ['a load per frame', inLoads],
  ['one load', inOneLoad],
] as const;

describe.each(GROUPINGS)('delta points in %s', (_, load) => {
  test.each<[string, Step[], string[]]>([
    ['one', [[delta(1, '1.5')]], ['a 0 1 1.5 record']],
    ['the same twice in a frame', [[delta(1, '1'), delta(1, '1')]], ['a 0 1 1 record']],
    ['a retry', [[delta(1, '1')], [delta(1, '1')]], ['a 0 1 1 record']],
    [
      'a retry after the next interval',
      [[delta(1, '1')], [delta(2, '2')], [delta(1, '1')]],
      ['a 0 1 1 record', 'a 0 2 2 record'],
    ],
    ['out of order', [[delta(2, '2')], [delta(1, '1')]], ['a 0 1 1 record', 'a 0 2 2 record']],
    ['same time, other value', [[delta(1, '1')], [delta(1, '2')]], ['a 0 1 1 record', 'a 0 1 2 record']],
    [
      'same time, other start',
      [[delta(2, '1', { start: at(1) })], [delta(2, '1')], [delta(2, '1', { start: at(1) })]],
      ['a 0 2 1 record', 'a 1 2 1 record'],
    ],
    ['zero', [[delta(1, '0')]], ['a 0 1 0 record']],
    ['negative', [[delta(1, '-2.5')], [delta(1, '-2.5')]], ['a 0 1 -2.5 record']],
    [
      'the smallest and the greatest',
      [[delta(1, '0.000000000001'), delta(2, '99999999999999999999999999.999999999999')]],
      ['a 0 1 0.000000000001 record', 'a 0 2 99999999999999999999999999.999999999999 record'],
    ],
    ['a retry after a restart', [[delta(1, '1')], 'restart', [delta(1, '1')]], ['a 0 1 1 record']],
    ['a retry after a reset', [[delta(1, '1')], 'reset', [delta(1, '1')]], ['a 0 1 1 record']],
    [
      'old and new after a restart, while another series is ahead',
      [
        [delta(1, '1'), delta(9, '9', { series: 'b' })],
        'restart',
        [delta(1, '1'), delta(2, '2'), delta(1, '1')],
      ],
      ['a 0 1 1 record', 'a 0 2 2 record', 'b 0 9 9 record'],
    ],
    [
      'late points of a series that is ahead, after a restart',
      [
        [delta(1, '1'), delta(5, '5')],
        'restart',
        [delta(3, '3')],
        [delta(3, '3'), delta(5, '5'), delta(6, '6')],
      ],
      ['a 0 1 1 record', 'a 0 3 3 record', 'a 0 5 5 record', 'a 0 6 6 record'],
    ],
    [
      'times within one tick of a double',
      [
        [
          { ...delta(1, '1') },
          { ...delta(1, '1'), time: at(1) + 1n },
          { ...delta(1, '1'), time: at(1) + 1n },
        ],
      ],
      ['a 0 1 1 record', 'a 0 1 1 record'],
    ],
  ])('%s', async (_, steps, usage) => {
    await load(steps);
    expect(await ledger.usage()).toEqual(usage);
    expect(await ledger.quarantined()).toEqual([]);
  });
});

describe.each(GROUPINGS)('readings in %s', (_, load) => {
  const outside: Partial<TestPoint> = { fromSdk: false };
  test.each<[string, Step[], Record<string, string>, string[]]>([
    ['growth', [[reading(1, 2, '5')], [reading(1, 3, '8')]], { c: '8' }, []],
    ['growth after a restart', [[reading(1, 2, '5')], 'restart', [reading(1, 3, '8')]], { c: '8' }, []],
    ['growth after a reset', [[reading(1, 2, '5')], 'reset', [reading(1, 3, '8')]], { c: '8' }, []],
    ['a retry', [[reading(1, 2, '5')], [reading(1, 2, '5')], [reading(1, 3, '8')]], { c: '8' }, []],
    [
      'a retry after a restart',
      [[reading(1, 2, '5'), reading(1, 3, '8')], 'restart', [reading(1, 2, '5'), reading(1, 3, '8')]],
      { c: '8' },
      [],
    ],
    ['a late reading', [[reading(1, 2, '5')], [reading(1, 4, '9')], [reading(1, 3, '8')]], { c: '9' }, []],
    ['a late first reading', [[reading(1, 4, '9')], [reading(1, 3, '8')]], { c: '9' }, []],
    [
      'a late greatest value',
      [[reading(1, 2, '5'), reading(1, 4, '6')], [reading(1, 3, '8')]],
      { c: '8' },
      [],
    ],
    ['a decrease', [[reading(1, 2, '8')], [reading(1, 3, '2')], [reading(1, 4, '9')]], { c: '9' }, []],
    ['a new start', [[reading(1, 2, '8')], [reading(3, 4, '2')], [reading(3, 5, '3')]], { c: '11' }, []],
    [
      'two writers at once',
      [[reading(1, 5, '8')], [reading(3, 6, '2')], [reading(1, 7, '10')], [reading(3, 8, '3')]],
      { c: '13' },
      [],
    ],
    ['an SDK at its own start', [[reading(1, 1, '5')], [reading(1, 2, '8')]], { c: '8' }, []],
    [
      'a first reading at its start by nobody known',
      [[reading(1, 1, '100', outside)], [reading(1, 2, '225', outside)]],
      { c: '125' },
      ['baseline c 1 1 100'],
    ],
    [
      'the same, the first one late',
      [[reading(1, 2, '225', outside)], [reading(1, 1, '100', outside)]],
      { c: '125' },
      ['baseline c 1 1 100'],
    ],
    [
      'the same after a restart, repeated',
      [
        [reading(1, 1, '100', outside)],
        'restart',
        [reading(1, 2, '225', outside), reading(1, 1, '100', outside)],
      ],
      { c: '125' },
      ['baseline c 1 1 100'],
    ],
    [
      'a smaller baseline takes its place',
      [[reading(1, 1, '100', outside)], [reading(1, 2, '225', outside)], [reading(1, 1, '60', outside)]],
      { c: '165' },
      ['baseline c 1 1 60'],
    ],
    [
      'an unknown start',
      [[reading(null, 1, '5')], [reading(null, 2, '8')]],
      { c: '3' },
      ['baseline c 0 1 5'],
    ],
    [
      'an unknown start that begins again',
      [[reading(null, 1, '5')], [reading(null, 2, '8')], [reading(null, 3, '2')], [reading(null, 4, '4')]],
      { c: '7' },
      ['baseline c 0 1 5'],
    ],
    [
      'an unknown start, the first reading late',
      [[reading(null, 2, '8')], [reading(null, 3, '9')], [reading(null, 1, '5')]],
      { c: '4' },
      ['baseline c 0 1 5'],
    ],
    [
      'a late baseline after a restart',
      [
        [reading(null, 2, '8')],
        [reading(null, 3, '9')],
        'restart',
        [reading(null, 1, '5'), reading(null, 4, '11')],
      ],
      { c: '6' },
      ['baseline c 0 1 5'],
    ],
    [
      'known start after unknown start',
      [[reading(null, 1, '5')], [reading(1, 2, '8')], [reading(null, 3, '6')]],
      { c: '1' },
      ['baseline c 0 1 5', 'mixed_start c 1 2 8'],
    ],
    [
      'unknown start after known start, and after a restart',
      [
        [reading(1, 2, '8')],
        [reading(null, 3, '9')],
        'restart',
        [reading(null, 4, '10')],
        [reading(1, 5, '9')],
      ],
      { c: '9' },
      ['mixed_start c 0 3 9', 'mixed_start c 0 4 10'],
    ],
    [
      'mixed start comes before an unknown dimension, and after a negative value',
      [
        [reading(1, 2, '8', { code: 'unknown_dimension' })],
        'restart',
        [
          reading(null, 3, '9', { code: 'unknown_dimension' }),
          reading(null, 3, '-9', { code: 'negative_monotonic' }),
        ],
      ],
      {},
      ['mixed_start c 0 3 9', 'negative_monotonic c 0 3 -9', 'unknown_dimension c 1 2 8'],
    ],
    [
      'more digits than 64 bits',
      [[reading(1, 2, '9223372036854775807.000000000001')], [reading(1, 3, '18446744073709551616')]],
      { c: '18446744073709551616' },
      [],
    ],
  ])('%s', async (_, steps, totals, quarantined) => {
    await load(steps);
    expect(await ledger.totals()).toEqual(totals);
    expect(await ledger.quarantined()).toEqual(quarantined);
  });

  test('a late reading splits the increment after it', async () => {
    await load([[reading(1, 2, '5')], [reading(1, 4, '9')], [reading(1, 3, '8')]]);
    expect(await ledger.usage()).toEqual([
      'c 1 2 5 increment',
      'c 1 3 3 increment',
      'c 1 4 4 increment',
      'c 1 4 -3 correction',
    ]);
    expect(await ledger.rows('SELECT records FROM usage_daily')).toEqual([['3']]);
  });
});

describe.each(GROUPINGS)('quarantine in %s', (_, load) => {
  const future: Partial<TestPoint> = { code: 'time_in_future' };
  test.each<[string, Step[], string[], string[]]>([
    [
      'each key once, under its first code',
      [
        [delta(1, '1', future), delta(1, '1', future)],
        [delta(1, '1', { code: 'wrong_unit' })],
        'restart',
        [delta(1, '1', future), delta(1, '2', future)],
      ],
      [],
      ['time_in_future a 0 1 1', 'time_in_future a 0 1 2'],
    ],
    [
      'values that are no decimals',
      [
        [
          delta(1, 'NaN', { code: 'not_a_number' }),
          { ...delta(1, ''), value: null, code: 'no_value' },
          delta(1, 'Infinity', { code: 'infinite' }),
          delta(1, '1e300', { code: 'out_of_range' }),
        ],
        [delta(1, 'NaN', { code: 'not_a_number' })],
      ],
      [],
      [
        'infinite a 0 1 Infinity',
        'no_value a 0 1 no value',
        'not_a_number a 0 1 NaN',
        'out_of_range a 0 1 1e+300',
      ],
    ],
    [
      'no customer',
      [[delta(1, '1', { series: 'x', customer: null, code: 'missing_customer' })]],
      [],
      ['missing_customer - 0 1 1'],
    ],
    ['a counted key is not listed', [[delta(1, '1')], [delta(1, '1', future)]], ['a 0 1 1 record'], []],
    [
      'a counted key is not listed, after a restart',
      [[delta(1, '1')], 'restart', [delta(1, '1', future)]],
      ['a 0 1 1 record'],
      [],
    ],
    [
      'what is good the second time is counted, and leaves',
      [[delta(1, '1', future), delta(2, '2', future)], [delta(1, '1')], [delta(1, '1')]],
      ['a 0 1 1 record'],
      ['time_in_future a 0 2 2'],
    ],
    [
      'the same, after a restart',
      [
        [delta(1, '1', future), delta(2, '2', future)],
        'restart',
        [delta(1, '1')],
        [delta(1, '1'), delta(3, '3')],
      ],
      ['a 0 1 1 record', 'a 0 3 3 record'],
      ['time_in_future a 0 2 2'],
    ],
    [
      'good points between quarantined ones',
      [[delta(9, '1', future)], [delta(3, '3')], [delta(5, '5')], [delta(5, '5')], [delta(10, '7')]],
      ['a 0 3 3 record', 'a 0 5 5 record', 'a 0 10 7 record'],
      ['time_in_future a 0 9 1'],
    ],
    [
      'a reading that leaves quarantine as a baseline',
      [[reading(null, 1, '5', future)], [reading(null, 1, '5')], [reading(null, 2, '7')]],
      ['c 0 1 0 increment', 'c 0 2 2 increment'],
      ['baseline c 0 1 5'],
    ],
    [
      'a time that no timestamp can say',
      [
        [{ ...delta(1, '1', future), time: 2n ** 64n - 1n }],
        [{ ...delta(1, '1', future), time: 2n ** 64n - 1n }],
      ],
      [],
      ['time_in_future a 0 0 1'],
    ],
  ])('%s', async (_, steps, usage, quarantined) => {
    await load(steps);
    expect(await ledger.usage()).toEqual(usage);
    expect(await ledger.quarantined()).toEqual(quarantined);
  });

  test('says when a signal came first and last', async () => {
    await load([[delta(1, '1', future)], [delta(2, '2')], [delta(1, '1', future)]]);
    expect(
      await ledger.rows(`SELECT journal_sequence, (last_seen - first_seen)::VARCHAR FROM quarantined`),
    ).toEqual([['1', '00:00:02']]);
  });
});

describe('registry', () => {
  test('a customer that becomes known after its series', async () => {
    await inLoads([
      [delta(1, '1', { code: 'time_in_future' }), delta(1, '1', { series: 'b' })],
      [delta(2, '2')],
      [delta(3, '3')],
    ]);
    expect(await ledger.usage()).toEqual(['a 0 2 2 record', 'a 0 3 3 record', 'b 0 1 1 record']);
  });

  test('a point of nobody known is a mistake of ours', async () => {
    ledger = await MemoryLedger.open();
    const writer = new BatchWriter(0, { customers: ['a'], dimensions: ['api.requests'] });
    await expect(ledger.load(writer.batch([delta(1, '1')]))).rejects.toThrow(/belongs to customer "a"/);
  });

  test('frames without a row move the position', async () => {
    await inLoads([[], [delta(1, '1')], []]);
    expect(ledger.position).toBe(3);
    await ledger.restart();
    expect(ledger.position).toBe(3);
  });
});
