/** Stored usage moves into the order of questions, and nobody notices. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLUSTER_ROWS } from '../../../storage/duckdb/clustering.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger;
beforeEach(async () => {
  ledger = await MemoryLedger.open();
});
afterEach(() => ledger.close());

const delta = (series: string, time: number, value = '1'): TestPoint => ({ series, time: at(time), value });

/** Customer and second of each stored row, as they lie. */
async function lying(): Promise<string[]> {
  const rows = await ledger.rows(`SELECT c.id, (epoch_ns(u.time) - ${at(0)}) // 1000000000
    FROM stored.usage u JOIN stored.customers c USING (customer) ORDER BY u.rowid`);
  return rows.map((row) => row.join(' '));
}

describe('rows of frames', () => {
  beforeEach(() =>
    ledger.load(
      new BatchWriter().batch(
        [delta('b', 1), delta('a', 1)],
        [delta('b', 2), delta('a', 2)],
        [delta('b', 3), delta('a', 3)],
      ),
    ),
  );

  test.each([
    //  rows at once  moved     as they lie
    [CLUSTER_ROWS, [6, 0], ['b 1', 'b 2', 'b 3', 'a 1', 'a 2', 'a 3']],
    [5, [4, 2, 0], ['b 1', 'b 2', 'a 1', 'a 2', 'b 3', 'a 3']],
    // A frame is moved whole.
    [1, [2, 2, 2, 0], ['b 1', 'a 1', 'b 2', 'a 2', 'b 3', 'a 3']],
  ])('are moved %i at once', async (mostRows, moved, expected) => {
    const usage = await ledger.usage();
    for (const rows of moved) expect(await ledger.cluster(mostRows)).toBe(rows);
    expect(await lying()).toEqual(expected);
    expect(await ledger.usage()).toEqual(usage);
  });
});

test('what came since the last move is moved by the next one, and only that', async () => {
  const writer = new BatchWriter();
  await ledger.load(writer.batch([delta('b', 1), delta('a', 1)]));
  expect(await ledger.cluster(CLUSTER_ROWS)).toBe(2);
  await ledger.load(writer.batch([delta('a', 2), delta('b', 2)]));
  expect(await ledger.cluster(CLUSTER_ROWS)).toBe(2);
  expect(await lying()).toEqual(['b 1', 'a 1', 'b 2', 'a 2']);
});

test('a point that comes again after its row was moved counts once', async () => {
  const writer = new BatchWriter();
  await ledger.load(writer.batch([delta('a', 1), delta('a', 2)]));
  await ledger.cluster(CLUSTER_ROWS);
  await ledger.load(writer.batch([delta('a', 1), delta('a', 2), delta('a', 3)]));
  await ledger.restart();
  const again = new BatchWriter(ledger.position, await ledger.known());
  await ledger.load(again.batch([delta('a', 2), delta('a', 4)]));
  expect(await ledger.totals()).toEqual({ a: '4' });
});
