/** A small lake as an export makes it, and questions to it through a pool of real processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { SqlPool, SqlRequest } from '../../../receiver/sql/sql-pool.ts';
import type { LedgerChange } from '../../../storage/changes.ts';
import { exportLake } from '../../../storage/lake/lake-export.ts';
import { at, BatchWriter, type TestPoint } from '../../storage/duckdb/batches.ts';
import { MemoryLedger } from '../../storage/duckdb/memory-ledger.ts';

export interface SampleLake {
  directory: string;
  remove(): void;
}

/** Two customers, two dimensions, four records, one quarantined. */
export const SAMPLE: TestPoint[] = [
  { series: 'a', customer: 'acme', time: at(1), value: '1.5', metadata: { region: 'eu' } },
  { series: 'a', customer: 'acme', time: at(86_400), value: '0.000000000001', metadata: { region: 'eu' } },
  { series: 'b', customer: 'globex, "Inc"', time: at(2), value: '9007199254740993' },
  { series: 'c', customer: 'acme', dimension: 'tokens', time: at(3), value: '7' },
  { series: 'd', customer: 'acme', time: at(4), value: 'NaN', code: 'not_a_number' },
];

/** @param more what people changed before the points came, and points that came in a request after them */
export async function sampleLake(
  points: TestPoint[] = SAMPLE,
  more: { changes?: LedgerChange[]; later?: TestPoint[] } = {},
): Promise<SampleLake> {
  const directory = mkdtempSync(join(tmpdir(), 'sample-lake-'));
  const ledger = await MemoryLedger.open();
  try {
    const writer = new BatchWriter();
    if (more.changes !== undefined) await ledger.load(writer.changes(more.changes));
    await ledger.load(writer.batch(points, more.later ?? []));
    await exportLake(ledger.connection, {
      directory,
      rewriteRows: 0,
      isQuiet: false,
      anew: false,
      keepReplacedMs: 0,
    });
  } finally {
    await ledger.close();
  }
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** The whole answer as bytes. @throws SqlError, also where it breaks off */
export async function ask(pool: SqlPool, sql: string, more: Partial<SqlRequest> = {}): Promise<Buffer> {
  const answer = await pool.run({
    sql,
    format: 'json',
    maxRows: 1_000_000,
    maxMilliseconds: 60_000,
    signal: new AbortController().signal,
    ...more,
  });
  return await buffer(answer.bytes);
}

export async function rowsOf(pool: SqlPool, sql: string): Promise<unknown[][]> {
  return (JSON.parse((await ask(pool, sql)).toString()) as { rows: unknown[][] }).rows;
}
