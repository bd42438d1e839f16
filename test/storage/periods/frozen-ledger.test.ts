/** The ledger as of its position and under other terms: for whoever asks so, and for nobody else. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../../storage/duckdb/database.ts';
import { Loader } from '../../../storage/duckdb/loader.ts';
import { type BillingTerms, inFrozenLedger } from '../../../storage/periods/frozen-ledger.ts';
import { periodUsage } from '../../../storage/periods/period-usage.ts';
import { measureTexts } from '../../../storage/periods/stated.ts';
import { at, BatchWriter } from '../duckdb/batches.ts';

/** Records are committed four at a time; what else there is, at once. */
const ROW_GROUP = 4;
const RANGE = { from: at(0), to: at(1000) };

let database: Awaited<ReturnType<typeof openDatabase>>;
let loader: Loader;
let asking: DuckDBConnection;
let writer: BatchWriter;

beforeEach(async () => {
  database = await openDatabase({
    path: ':memory:',
    memoryLimit: '256MB',
    threads: 1,
    checkpointThreshold: '16MB',
  });
  loader = await Loader.open(database.connection, ROW_GROUP);
  asking = await database.instance.connect();
  writer = new BatchWriter();
});

afterEach(async () => {
  await loader.close();
  asking.closeSync();
  database.connection.closeSync();
  database.instance.closeSync();
});

const terms = (changes: Partial<BillingTerms['terms']>, unitPrice: string | null = null): BillingTerms => ({
  unit: '1',
  unitPrice,
  terms: {
    aggregation: 'sum',
    uniqueKey: null,
    levelTtl: null,
    interval: 'none',
    usageIncrement: null,
    rounding: null,
    ...changes,
  },
});

/** What a customer's usage in api.requests is, frozen. */
function frozenUsage(customerId: string, how: BillingTerms | null = null, connection = asking) {
  return inFrozenLedger(connection, async (frozen) => {
    if (how !== null) await frozen.bill(new Map([['api.requests', how]]));
    const usage = await periodUsage(frozen, RANGE, 'UTC', [customerId]);
    const found = usage.get(customerId)?.get('api.requests');
    return found === undefined ? null : Object.values(measureTexts(found)).join(' ');
  });
}

test('rows of frames behind the position are not seen, though they are stored', async () => {
  const delta = (n: number) => ({
    series: 'delta',
    customer: 'delta',
    start: at(n),
    time: at(n + 1),
    value: '1',
  });
  const reading = (n: number, value: string) => ({
    series: 'total',
    customer: 'total',
    role: 'cumulative' as const,
    fromSdk: true,
    start: at(0),
    time: at(n),
    value,
  });
  // Two records fill a row group with the readings; the others wait, and with them the position.
  const frames = [[delta(1), delta(2), reading(1, '10')], [delta(3), delta(4), delta(5)], [reading(2, '30')]];
  await loader.take([writer.batch(...frames)]);
  await loader.commit('whole row groups');
  const stored = await asking.runAndReadAll('SELECT max(sequence) FROM stored.usage');
  expect([loader.position, stored.getRows()]).toEqual([1, [[3n]]]);
  expect(await frozenUsage('total')).toBe('10 10 ');
  expect(await frozenUsage('delta')).toBe('2 2 ');
  await loader.commit('everything');
  expect(await frozenUsage('total')).toBe('30 30 ');
  expect(await frozenUsage('delta')).toBe('5 5 ');
});

describe('terms', () => {
  beforeEach(async () => {
    await loader.take([
      writer.batch(
        ['3', '4', '5'].map((value, n) => ({
          series: 'a',
          customer: 'a',
          start: at(n),
          time: at(n + 1),
          value,
        })),
      ),
    ]);
    await loader.commit('everything');
  });

  test.each([
    ['those of today', null, '12 12 '],
    ['a price', terms({}, '0.5'), '12 12 6'],
    ['an increment', terms({ usageIncrement: '10', rounding: 'ceiling' }, '0.5'), '12 20 10'],
    ['another aggregation', terms({ aggregation: 'max' }), '5 5 '],
    ['a count', terms({ aggregation: 'count' }), '3 3 '],
  ])('are %s', async (_, how, expected) => {
    expect(await frozenUsage('a', how)).toBe(expected);
    // And today's for whoever asks next.
    expect(await frozenUsage('a')).toBe('12 12 ');
  });

  test('are of one question, while others are asked', async () => {
    const other = await database.instance.connect();
    const ask = async (connection: DuckDBConnection, price: string) => {
      const answers = new Set<string | null>();
      for (let round = 0; round < 10; round++)
        answers.add(await frozenUsage('a', terms({}, price), connection));
      return [...answers];
    };
    const answers = await Promise.all([ask(asking, '1'), ask(other, '2')]);
    other.closeSync();
    expect(answers).toEqual([['12 12 12'], ['12 12 24']]);
  });

  test('do not stay on a connection, even after a failure', async () => {
    const failed = inFrozenLedger(asking, async (frozen) => {
      await frozen.bill(new Map([['api.requests', terms({ aggregation: 'max' })]]));
      await frozen.rows('SELECT nothing');
    });
    await expect(failed).rejects.toThrow('nothing');
    const seen = await asking.runAndReadAll('SELECT aggregation, current_schema() FROM stored.dimensions');
    expect(seen.getRows()).toEqual([['sum', 'main']]);
    const name = await asking.runAndReadAll('SELECT current_database()');
    expect(name.getRows()).toEqual([['memory']]);
  });
});
