import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { deleteUnknownFiles } from '../../../storage/lake/lake-export.ts';
import { Random } from '../../support/random.ts';

const KILLS = 8;
const RECORDS_PER_FRAME = 3;

test('killed at any instant, the lake is one that was exported, and the next export goes on from it', {
  timeout: 240_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lake-crash-'));
  const directory = join(folder, 'lake');
  const random = new Random(7);
  let told = 0;
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const program = new URL('./crash-child.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [program, join(folder, 'ledger.duckdb'), directory], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let exports = 2 + random.integer(0, 6);
      const enough = Promise.withResolvers<void>();
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = text.trim().split('\n');
        told = Math.max(told, Number(lines.at(-1)));
        exports -= lines.length;
        if (exports <= 0) enough.resolve();
      });
      await enough.promise;
      // Somewhere within the next export.
      await sleep(random.integer(0, 60));
      child.kill('SIGKILL');
      await once(child, 'close');
      const position = await whole(directory);
      expect(position).toBeGreaterThanOrEqual(told);
      told = position;
      // What a receiver does when it starts: nothing that is read is among it.
      await deleteUnknownFiles(directory);
      expect(await whole(directory)).toBe(position);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** @returns the position of the lake, which has everything up to there and nothing else */
async function whole(directory: string): Promise<number> {
  const instance = await DuckDBInstance.create(join(directory, 'usage.duckdb'), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(`SELECT (SELECT journal_sequence FROM lake_status)::INTEGER,
      (SELECT count(*) FROM usage_records)::INTEGER, (SELECT sum(quantity) FROM usage_daily)::INTEGER,
      (SELECT count(DISTINCT record_id) FROM usage_records)::INTEGER,
      (SELECT max(journal_sequence) FROM usage_records)::INTEGER`);
    const [position, records, ofDays, ids, last] = reader.getRows()[0].map(Number);
    const expected = position * RECORDS_PER_FRAME;
    expect({ records, ofDays, ids, last }).toEqual({
      records: expected,
      ofDays: expected,
      ids: expected,
      last: position,
    });
    return position;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
