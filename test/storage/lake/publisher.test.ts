import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LakePublisher } from '../../../storage/lake/publisher.ts';
import { Ledger } from '../../../storage/ledger.ts';
import { type ReceiverProcess, runCommand, startReceiver } from '../../support/receiver-process.ts';
import { at, BatchWriter } from '../duckdb/batches.ts';

let dataDir: string;
let receiver: ReceiverProcess;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'publisher-'));
  receiver = await startReceiver({ dataDir });
});
afterEach(async () => {
  await receiver.kill();
  rmSync(dataDir, { recursive: true, force: true });
});

async function record(...values: [customerId: string, recordValue: string][]): Promise<void> {
  const response = await fetch(`${receiver.url}/api/v1/usage`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(
      values.map(([customerId, recordValue]) => ({
        customerId,
        recordValue,
        dimensionId: 'requests',
        timestamp: new Date().toISOString(),
      })),
    ),
  });
  expect(response.status).toBe(201);
}

async function inLake(sql: string): Promise<string[][]> {
  const instance = await DuckDBInstance.create(join(dataDir, 'lake', 'usage.duckdb'), {
    access_mode: 'READ_ONLY',
  });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson().map((row) => row.map(String));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Asks until the lake says so; a lake that is not there yet is waited for, any other error is one. */
async function untilLake(sql: string, expected: string[][]): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await inLake(sql).catch((error: Error) => {
      if (!/does not exist/.test(error.message)) throw error;
      return null;
    });
    if (JSON.stringify(found) === JSON.stringify(expected)) return;
    if (Date.now() > deadline) expect(found).toEqual(expected);
    await sleep(100);
  }
}

const TOTALS = 'SELECT customer_id, sum(quantity)::VARCHAR FROM usage_daily GROUP BY 1 ORDER BY 1';

describe('while the receiver runs', () => {
  test('the lake follows, goes on after a kill, and counts nothing twice', { timeout: 120_000 }, async () => {
    await record(['acme', '1.5'], ['globex', '2']);
    await untilLake(TOTALS, [
      ['acme', '1.500000000000'],
      ['globex', '2.000000000000'],
    ]);
    const earlier = join(dataDir, 'earlier.duckdb');
    copyFileSync(join(dataDir, 'lake', 'usage.duckdb'), earlier);
    await record(['acme', '0.000000000001']);
    await receiver.kill();
    receiver = await startReceiver({ dataDir });
    await untilLake(TOTALS, [
      ['acme', '1.500000000001'],
      ['globex', '2.000000000000'],
    ]);
    // As after a kill between manifest and catalogue: the catalogue is an earlier one, and nothing new comes.
    await receiver.stop();
    renameSync(earlier, join(dataDir, 'lake', 'usage.duckdb'));
    receiver = await startReceiver({ dataDir });
    await untilLake('SELECT count(*) FROM usage_records', [['3']]);
    await record(['initech', '7']);
    await untilLake('SELECT count(*) FROM usage_records', [['4']]);
    // What comes at the last moment is there after the stop.
    await record(['initech', '1']);
    await receiver.stop();
    expect(receiver.output()).not.toMatch(/lake could not/);
    expect(await inLake('SELECT count(*) FROM usage_records')).toEqual([['5']]);
    const rebuilt = await runCommand(['lake', 'rebuild', '--data-dir', dataDir]);
    expect(rebuilt).toMatch(/rebuilt .*lake: 5 records in 1 file$/m);
    // The lake is there without a receiver, too.
    expect(await inLake('SELECT count(*), count(DISTINCT record_id) FROM usage_records')).toEqual([
      ['5', '5'],
    ]);
  });
});

test('a day with more digits than SQL has keeps nobody else out of the lake', async () => {
  const vast = '90000000000000000000000000';
  await record(
    ['vast', vast],
    ['vast', vast],
    ['acme', '1.5'],
    ['great', '10000000000000000.5'],
    ['great', '1'],
    ['half', vast],
  );
  await untilLake('SELECT customer_id, quantity::VARCHAR, records FROM usage_daily ORDER BY 1', [
    ['acme', '1.500000000000', '1'],
    ['great', '10000000000000001.500000000000', '2'],
    ['half', '90000000000000000000000000.000000000000', '1'],
    ['vast', 'null', '2'],
  ]);
  expect(await inLake('SELECT count(*) FROM usage_records')).toEqual([['6']]);
  // What comes in another file is not the whole of it, and may be too much with it.
  await record(['vast', '5'], ['acme', '1'], ['great', '0.25'], ['half', vast]);
  await untilLake('SELECT customer_id, quantity::VARCHAR, records FROM usage_daily ORDER BY 1', [
    ['acme', '2.500000000000', '2'],
    ['great', '10000000000000001.750000000000', '3'],
    ['half', 'null', '2'],
    ['vast', 'null', '3'],
  ]);
});

test('while the process is busy the lake waits, and it has everything in the end', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'busy-publisher-'));
  const ledger = await Ledger.open({ path: join(directory, 'ledger.duckdb') });
  const writer = new BatchWriter();
  const append = (time: number) => {
    ledger.append(writer.batch([{ series: 'a', time: at(time), value: '1' }]));
    return ledger.whenLoaded(time);
  };
  let share = 0;
  let asked = Promise.withResolvers<void>();
  const published: number[] = [];
  let publication = Promise.withResolvers<void>();
  const publisher = LakePublisher.start({
    directory: join(directory, 'lake'),
    ledger,
    keepReplacedMs: 0,
    cpuShare: () => {
      asked.resolve();
      return share;
    },
    onPublished: ({ position }) => {
      published.push(position);
      publication.resolve();
    },
    onFailed: (error) => publication.reject(error),
  });
  try {
    await publication.promise;
    share = 64;
    await append(1);
    // It looks, sees that the process is busy, and looks again.
    for (let look = 0; look < 3; look++) {
      asked = Promise.withResolvers<void>();
      await asked.promise;
    }
    expect(published).toEqual([0]);
    publication = Promise.withResolvers<void>();
    share = 0;
    await publication.promise;
    expect(published).toEqual([0, 1]);
    share = 64;
    await append(2);
    await publisher.finish();
    expect(published).toEqual([0, 1, 2]);
  } finally {
    await publisher.stop();
    await ledger.close();
    rmSync(directory, { recursive: true });
  }
});
