/** The lake's small tables: views of the ledger, each as one file that is written when its contents may have changed. */
import { mkdir } from 'node:fs/promises';
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

/** Writes the tables that may have changed. @param newFile gives a name that was never there */
export async function writeTables(
  connection: DuckDBConnection,
  directory: string,
  present: Readonly<Record<string, TableFile>>,
  newFile: (table: string) => string,
): Promise<Record<string, TableFile>> {
  const tables: Record<string, TableFile> = {};
  for (const name of TABLE_VIEWS) {
    const read = await connection.runAndReadAll(SIGNATURES[name] ?? `SELECT ${CHANGES}`);
    // A release that gives the view other columns writes it anew.
    const signature = `${viewNamed(name).columns.map(([column]) => column)} ${read.getRows()[0][0]}`;
    if (present[name]?.signature === signature) {
      tables[name] = present[name];
      continue;
    }
    const file = newFile(name);
    await mkdir(folderOf(directory, file), { recursive: true });
    await connection.run(
      `COPY (SELECT * FROM main.${name}) TO ${quoted(join(directory, file))} (FORMAT parquet, COMPRESSION zstd)`,
    );
    await syncFile(join(directory, file));
    await syncDirectory(folderOf(directory, file));
    tables[name] = { file, signature };
  }
  return tables;
}
