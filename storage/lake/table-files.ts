/** The lake's small tables: views of the ledger, each as one file that is written when its contents may have changed. */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TABLE_VIEWS, viewNamed } from './lake-views.ts';
import { folderOf, syncDirectory, syncFile, type TableFile } from './manifest.ts';
import { quoted } from './part-file.ts';

/**
 * What moves whenever the table's rows may have: cheaper than the rows. People's changes are in stored.changes; what is
 * discovered or quarantined has a frame of its own. Views that are not named here show what people did.
 */
const CHANGES = '(SELECT coalesce(max(sequence), 0) FROM stored.changes)';
const SIGNATURES: Record<string, string> = {
  customers: `SELECT concat_ws(' ', count(*), max(sequence), ${CHANGES}) FROM stored.customers`,
  dimensions: `SELECT concat_ws(' ', count(*), max(sequence), ${CHANGES}) FROM stored.dimensions`,
  quarantined: `SELECT concat_ws(' ', count(*), max(sequence), max(epoch_ns(last_seen)), ${CHANGES}) FROM stored.quarantine`,
  quarantine_resolved: `SELECT concat_ws(' ', count(*), max(epoch_ns(last_seen)), ${CHANGES}) FROM stored.quarantine
    WHERE resolution <> 'open'`,
  usage_voided: `SELECT concat_ws(' ', count(*), max(sequence), ${CHANGES},
    (SELECT max(sequence) FROM stored.dimensions)) FROM stored.voids`,
};

/**
 * A table that is large is not written with every export: what it took to write is a tenth of the time until it may be
 * written again. Quarantine can have millions of rows, and grow with every request.
 */
const REST_PER_WRITE = 10;
/** Smaller tables are written at once, whatever the machine was doing the last time. */
const SMALL_BYTES = 1024 * 1024;

/**
 * Writes the tables that may have changed, but for those that were written a moment ago for what they cost.
 * @param newFile gives a name that was never there
 * @returns isStale: some table is not as the ledger has it
 */
export async function writeTables(
  connection: DuckDBConnection,
  directory: string,
  present: Readonly<Record<string, TableFile>>,
  newFile: (table: string) => string,
): Promise<{ tables: Record<string, TableFile>; isStale: boolean }> {
  const tables: Record<string, TableFile> = {};
  let isStale = false;
  for (const name of TABLE_VIEWS) {
    const read = await connection.runAndReadAll(SIGNATURES[name] ?? `SELECT ${CHANGES}`);
    // A release that gives the view other columns writes it anew.
    const form = `${viewNamed(name).columns.map(([column]) => column)} `;
    const signature = `${form}${read.getRows()[0][0]}`;
    const before = present[name];
    const at = Date.now();
    const rests =
      before !== undefined &&
      before.bytes > SMALL_BYTES &&
      at < before.at + REST_PER_WRITE * before.milliseconds;
    // Other columns do not wait: the view over them is made now.
    const isSameForm = before?.signature.startsWith(form) === true;
    if (before?.signature === signature || (rests && isSameForm)) {
      isStale ||= before.signature !== signature;
      tables[name] = before;
      continue;
    }
    const file = newFile(name);
    await mkdir(folderOf(directory, file), { recursive: true });
    await connection.run(
      `COPY (SELECT * FROM main.${name}) TO ${quoted(join(directory, file))} (FORMAT parquet, COMPRESSION zstd)`,
    );
    await syncFile(join(directory, file));
    await syncDirectory(folderOf(directory, file));
    const { size: bytes } = await stat(join(directory, file));
    tables[name] = { file, signature, at, milliseconds: Date.now() - at, bytes };
  }
  return { tables, isStale };
}
