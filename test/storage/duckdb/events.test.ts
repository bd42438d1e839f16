import { afterEach, describe, expect, test } from 'vitest';
import { EventFilter } from '../../../storage/duckdb/event-filter.ts';
import type { LedgerBatch } from '../../../storage/ledger-batch.ts';
import { Random } from '../../support/random.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger;
afterEach(() => ledger?.close());

/** An event of customer a. */
function event(id: string, time: number, value: string, more: Partial<TestPoint> = {}): TestPoint {
  return { series: 'a', role: 'event', event: id, time: at(time), value, ...more };
}

type Step = TestPoint[] | 'restart' | 'reset';

/** Each step a load of one frame. */
async function inLoads(steps: Step[]): Promise<void> {
  ledger = await MemoryLedger.open();
  let writer = new BatchWriter();
  for (const step of steps) {
    if (step === 'reset') writer.reset();
    else if (step === 'restart') {
      await ledger.restart();
      writer = new BatchWriter(ledger.position, await ledger.known());
    } else await ledger.load(writer.batch(step));
  }
}

/** All steps as frames of one load. */
async function inOneLoad(steps: Step[]): Promise<void> {
  ledger = await MemoryLedger.open();
  const writer = new BatchWriter();
  const batches: LedgerBatch[] = [];
  for (const step of steps) if (Array.isArray(step)) batches.push(writer.batch(step));
  await ledger.load(...batches);
}

/** Each step a load, none of which is committed before the end. */
async function inStagedLoads(steps: Step[]): Promise<void> {
  ledger = await MemoryLedger.open();
  const writer = new BatchWriter();
  for (const step of steps) if (Array.isArray(step)) await ledger.loadWhole(writer.batch(step));
  await ledger.commit();
}

const future: Partial<TestPoint> = { code: 'time_in_future' };
/** Its time is when it came. */
const arrived: Partial<TestPoint> = { timeIsArrival: true };

describe.each([
  ['a load per frame', inLoads],
  ['one load', inOneLoad],
  ['loads that stay staged', inStagedLoads],
])('events in %s', (_, load) => {
  test.each<[string, Step[], string[], string[]]>([
    ['one', [[event('e', 1, '1.5')]], ['a 0 1 1.5 record'], []],
    ['a retry', [[event('e', 1, '1')], [event('e', 1, '1')]], ['a 0 1 1 record'], []],
    ['twice in a frame', [[event('e', 1, '1'), event('e', 1, '1')]], ['a 0 1 1 record'], []],
    [
      'a retry after a restart',
      [[event('e', 1, '1')], 'restart', [event('e', 1, '1')]],
      ['a 0 1 1 record'],
      [],
    ],
    ['a retry after a reset', [[event('e', 1, '1')], 'reset', [event('e', 1, '1')]], ['a 0 1 1 record'], []],
    [
      'equal in all but the id',
      [[event('e', 1, '1'), event('f', 1, '1')], [event('g', 1, '1')]],
      ['a 0 1 1 record', 'a 0 1 1 record', 'a 0 1 1 record'],
      [],
    ],
    [
      'out of order, old ones after new ones',
      [[event('e', 9, '1')], 'restart', [event('f', 1, '2')], [event('f', 1, '2'), event('e', 9, '1')]],
      ['a 0 1 2 record', 'a 0 9 1 record'],
      [],
    ],
    [
      'another value: the first holds, the other is listed once',
      [[event('e', 1, '1')], [event('e', 1, '2')], [event('e', 1, '2')], [event('e', 1, '1')]],
      ['a 0 1 1 record'],
      ['event_conflict a 0 1 2'],
    ],
    [
      'another time, long after',
      [[event('e', 1, '1')], 'restart', [event('e', 900_000, '1')], [event('e', 900_000, '1')]],
      ['a 0 1 1 record'],
      ['event_conflict a 0 900000 1'],
    ],
    [
      'another start',
      [[event('e', 2, '1')], [event('e', 2, '1', { start: at(1) })]],
      ['a 0 2 1 record'],
      ['event_conflict a 1 2 1'],
    ],
    [
      'without a time of its own: the first arrival holds',
      [
        [event('e', 1, '1', arrived)],
        [event('e', 2, '1', arrived)],
        'restart',
        [event('e', 3, '1', arrived)],
      ],
      ['a 0 1 1 record'],
      [],
    ],
    [
      'without a time of its own, and another value',
      [[event('e', 1, '1', arrived)], [event('e', 2, '2', arrived)], [event('e', 3, '2', arrived)]],
      ['a 0 1 1 record'],
      ['event_conflict a 0 2 2'],
    ],
    [
      'without a time of its own, at fault however often it comes',
      [
        [event('e', 1, '1', { ...arrived, code: 'unknown_customer' })],
        [event('e', 2, '1', { ...arrived, code: 'unknown_customer' })],
      ],
      [],
      ['unknown_customer a 0 1 1'],
    ],
    [
      'another customer',
      [[event('e', 1, '1')], [event('e', 1, '1', { series: 'b' })]],
      ['a 0 1 1 record'],
      ['event_conflict b 0 1 1'],
    ],
    [
      'conflicts of the same key, each content once',
      [
        [event('e', 1, '1'), event('e', 1, '2'), event('e', 1, '3')],
        [event('e', 1, '3'), event('e', 1, '2')],
      ],
      ['a 0 1 1 record'],
      ['event_conflict a 0 1 2', 'event_conflict a 0 1 3'],
    ],
    [
      'the same by another version of the rule is no conflict',
      [[event('e', 1, '1')], 'restart', [event('e', 1, '7', { meterVersion: 2 })]],
      ['a 0 1 1 record'],
      [],
    ],
    [
      'another time by another version is one',
      [[event('e', 1, '1')], [event('e', 2, '1', { meterVersion: 2 })]],
      ['a 0 1 1 record'],
      ['event_conflict a 0 2 1'],
    ],
    [
      'a fault, listed once',
      [[event('e', 1, '1', future)], [event('e', 1, '1', future)], 'restart', [event('e', 1, '1', future)]],
      [],
      ['time_in_future a 0 1 1'],
    ],
    [
      'two keys with the same faulty content',
      [[event('e', 1, '1', future), event('f', 1, '1', future)]],
      [],
      ['time_in_future a 0 1 1', 'time_in_future a 0 1 1'],
    ],
    [
      'a fault, then good',
      [[event('e', 1, '1', future)], 'restart', [event('e', 1, '1')], [event('e', 1, '1', future)]],
      ['a 0 1 1 record'],
      [],
    ],
    [
      'one of two keys turns good',
      [[event('e', 1, '1', future), event('f', 1, '1', future)], [event('e', 1, '1')]],
      ['a 0 1 1 record'],
      ['time_in_future a 0 1 1'],
    ],
    [
      'a fault of another version, listed once',
      [
        [event('e', 1, 'many', { meterVersion: 1, code: 'not_a_number' })],
        [event('e', 1, '7', { meterVersion: 2, code: 'wrong_unit' })],
        'restart',
        [event('e', 1, '7', { meterVersion: 2, code: 'wrong_unit' })],
        [event('e', 1, 'many', { meterVersion: 3, code: 'not_a_number' })],
      ],
      [],
      ['not_a_number a 0 1 text'],
    ],
    [
      'a conflict, read otherwise by another version, listed once',
      [
        [event('e', 1, '1')],
        [event('e', 2, '1')],
        'restart',
        [event('e', 2, '7', { meterVersion: 2 })],
        [event('e', 3, '7', { meterVersion: 2 })],
      ],
      ['a 0 1 1 record'],
      ['event_conflict a 0 2 1', 'event_conflict a 0 3 7'],
    ],
    [
      'a fault of another version, then good',
      [
        [event('e', 1, 'many', { meterVersion: 1, code: 'not_a_number' })],
        [event('e', 1, '7', { meterVersion: 2 })],
      ],
      ['a 0 1 7 record'],
      [],
    ],
    [
      'another content of a counted key that has a fault keeps its fault',
      [
        [event('e', 1, '1')],
        [event('e', 1, '2', future)],
        [event('e', 1, '3', { code: 'unknown_customer' })],
      ],
      ['a 0 1 1 record'],
      ['event_conflict a 0 1 3', 'time_in_future a 0 1 2'],
    ],
    [
      'text that is no number',
      [[event('e', 1, 'many', { code: 'not_a_number' }), event('e', 1, 'few', { code: 'not_a_number' })]],
      [],
      ['not_a_number a 0 1 text', 'not_a_number a 0 1 text'],
    ],
    [
      'beside points of metrics',
      [
        [event('e', 1, '1'), { series: 'b', time: at(1), value: '1' }],
        [{ series: 'b', time: at(1), value: '1' }],
      ],
      ['a 0 1 1 record', 'b 0 1 1 record'],
      [],
    ],
    ['negative', [[event('e', 1, '-2.5')], [event('e', 1, '-2.5')]], ['a 0 1 -2.5 record'], []],
  ])('%s', async (_, steps, usage, quarantined) => {
    await load(steps);
    expect(await ledger.usage()).toEqual(usage);
    expect(await ledger.quarantined()).toEqual(quarantined);
  });
});

test('a signal in quarantine is found by its frame, its place there and its meter', async () => {
  await inLoads([
    [event('d', 1, '1')],
    [event('e', 1, '1'), event('f', 2, '2', future), event('g', 3, '3', future)],
  ]);
  expect(
    await ledger.rows('SELECT journal_sequence, ordinal, meter_id FROM quarantined ORDER BY ALL'),
  ).toEqual([
    ['2', '1', 'builtin'],
    ['2', '2', 'builtin'],
  ]);
});

test('events are no windows: they do not meet and do not collide', async () => {
  await inLoads([[event('e', 1, '1'), event('f', 1, '1'), event('g', 9, '1', { start: at(8) })]]);
  expect(await ledger.rows('FROM usage_flags')).toEqual([]);
});

test('record ids begin with the time, and no two are equal', async () => {
  await inLoads([[event('e', 1, '1'), event('f', 1, '1')]]);
  const ids = (await ledger.rows('SELECT record_id FROM usage_records')).flat();
  expect(ids.map((id) => BigInt(`0x${id.slice(0, 16)}`))).toEqual([at(1), at(1)]);
  expect(new Set(ids).size).toBe(2);
  expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
});

test('the filter knows every key that was added, and hardly any other, also beyond its limit', () => {
  const random = new Random(3);
  const keys = (count: number) =>
    Uint32Array.from({ length: count * 4 }, () => Math.floor(random.next() * 4294967296));
  // Two blocks at first, eight at most: 128 keys before answers get worse.
  const filter = new EventFilter(0, 2, 8);
  const known = keys(120);
  for (let key = 0; key < 120; key++) filter.add(known, key * 4);
  expect(filter.bytes).toBe(8 * 64);
  const others = keys(1000);
  const probe = new EventFilter(16_000);
  for (let key = 0; key < 120; key++) probe.add(known, key * 4);
  for (let key = 0; key < 120; key++) expect(filter.add(known, key * 4)).toBe(true);
  let mistaken = 0;
  for (let key = 0; key < 1000; key++) if (probe.add(others, key * 4)) mistaken += 1;
  expect(mistaken).toBe(0);
  const more = keys(1000);
  for (let key = 0; key < 1000; key++) filter.add(more, key * 4);
  for (let key = 0; key < 1000; key++) expect(filter.add(more, key * 4)).toBe(true);
  expect(filter.bytes).toBe(8 * 64);
});
