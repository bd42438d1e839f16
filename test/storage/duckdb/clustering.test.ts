/** Stored usage moves into the order of questions, and nobody notices. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLUSTER_ROWS, clusterUsage } from '../../../storage/duckdb/clustering.ts';
import { openDatabase } from '../../../storage/duckdb/database.ts';
import { ROW_GROUP } from '../../../storage/duckdb/loader.ts';
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

test('questions that are asked while whole row groups are moved see each row once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-clustering-'));
  const { instance, connection } = await openDatabase({
    path: join(folder, 'ledger.duckdb'),
    memoryLimit: '512MB',
    threads: 2,
    checkpointThreshold: '16MB',
  });
  await connection.run(`INSERT INTO stored.usage BY NAME
    SELECT 1 AS series, i % 50 AS customer, 1 AS dimension, make_timestamp_ns(0) AS start_time,
      make_timestamp_ns(i) AS time, 1 AS quantity, 0 AS kind, 1 AS sequence
    FROM range(${3 * ROW_GROUP}) rows(i)`);
  await connection.run('UPDATE stored.position SET sequence = 1');
  const seen = new Set<string>();
  let isMoving = true;
  const ask = async () => {
    const asking = await instance.connect();
    while (isMoving) {
      const reader = await asking.runAndReadAll('SELECT count(*), sum(quantity)::BIGINT FROM stored.usage');
      seen.add(reader.getRows()[0].join(' '));
    }
    asking.closeSync();
  };
  const asked = [ask(), ask()];
  const moving = await instance.connect();
  for (let move = 0; move < 6; move++) {
    expect(await clusterUsage(moving, CLUSTER_ROWS)).toBe(3 * ROW_GROUP);
    await moving.run('UPDATE stored.clustering SET through_sequence = 0');
  }
  isMoving = false;
  await Promise.all(asked);
  for (const each of [moving, connection]) each.closeSync();
  instance.closeSync();
  rmSync(folder, { recursive: true });
  expect([...seen]).toEqual([`${3 * ROW_GROUP} ${3 * ROW_GROUP}`]);
}, 60_000);
