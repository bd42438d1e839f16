import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ReceiverProcess, runCommand, startReceiver } from '../../support/receiver-process.ts';

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
