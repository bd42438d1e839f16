import { afterEach, expect, test } from 'vitest';
import { SeriesFilter } from '../../../storage/duckdb/series-filter.ts';
import { Random } from '../../support/random.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger | null = null;
afterEach(async () => {
  await ledger?.close();
  ledger = null;
});

test('series, contexts, customers and dimensions are stored once, with keys from 1 on', async () => {
  ledger = await MemoryLedger.open();
  const frame = (time: number): TestPoint[] =>
    ['a', 'b', 'c'].map((series) => ({ series, time: at(time), value: '1', dimension: `d-${series}` }));
  let writer = new BatchWriter();
  await ledger.load(writer.batch(frame(1)));
  writer.reset();
  await ledger.load(writer.batch(frame(2)));
  await ledger.restart();
  writer = new BatchWriter(2, await ledger.known());
  await ledger.load(writer.batch(frame(3), [{ series: 'd', time: at(3), value: '1', dimension: 'd-a' }]));
  const keys = async (table: string, key: string) =>
    (await ledger!.rows(`SELECT ${key} FROM stored.${table} ORDER BY 1`)).flat();
  expect(await keys('series', 'series')).toEqual(['1', '2', '3', '4']);
  // Resource, scope and metric of d are those of a.
  expect(await keys('contexts', 'context')).toEqual(['1', '2', '3']);
  expect(await keys('customers', 'customer')).toEqual(['1', '2', '3', '4']);
  expect(await keys('dimensions', 'dimension')).toEqual(['1', '2', '3']);
});

test('customers keep their keys in the order in which they were discovered, also many at once', async () => {
  ledger = await MemoryLedger.open();
  const points = Array.from({ length: 2500 }, (_, i) => ({ series: `s-${i}`, time: at(1), value: '1' }));
  await ledger.load(new BatchWriter().batch(points));
  expect(
    await ledger.rows("SELECT count(*) FROM stored.customers WHERE id = 's-' || (customer - 1)"),
  ).toEqual([['2500']]);
});

test('the filter knows every series that was added, and hardly any other', () => {
  const filter = new SeriesFilter();
  const random = new Random(7);
  const hash = () => Uint32Array.from({ length: 4 }, () => Math.floor(random.next() * 4294967296));
  const added = Array.from({ length: 50_000 }, hash);
  added.push(new Uint32Array(4));
  for (const words of added) filter.add(words, 0);
  expect(added.every((words) => filter.maybeKnown(words, 0))).toBe(true);
  expect(Array.from({ length: 50_000 }, hash).filter((words) => filter.maybeKnown(words, 0))).toEqual([]);
});

test('beyond its limit the filter leaves every answer to the database', () => {
  const filter = new SeriesFilter(2);
  const hash = (word: number) => Uint32Array.of(word, word, 0, 0);
  filter.add(hash(1), 0);
  filter.add(hash(2), 0);
  expect(filter.maybeKnown(hash(3), 0)).toBe(false);
  filter.add(hash(3), 0);
  expect([1, 2, 3, 4].map((word) => filter.maybeKnown(hash(word), 0))).toEqual([true, true, true, true]);
});
