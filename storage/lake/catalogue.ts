/** usage.duckdb: a small database of views over the lake's files, replaced as a whole at each export. */
import { chmod, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { lakeViewStatements } from './lake-views.ts';
import { type Manifest, syncDirectory, syncFile } from './manifest.ts';

export const CATALOGUE_FILE = 'usage.duckdb';

/**
 * Writes the catalogue beside the present one.
 * @returns puts it in its place: whoever opens the path finds the old one or the new one, and keeps what was opened
 */
export async function writeCatalogue(directory: string, manifest: Manifest): Promise<() => Promise<void>> {
  const path = join(directory, CATALOGUE_FILE);
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  await rm(`${beside}.wal`, { force: true });
  const instance = await DuckDBInstance.create(beside, {
    threads: '1',
    memory_limit: '256MB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    await connection.run('BEGIN');
    for (const statement of lakeViewStatements(resolve(directory), manifest)) await connection.run(statement);
    await connection.run('COMMIT');
    await connection.run('CHECKPOINT');
    connection.closeSync();
  } finally {
    instance.closeSync();
  }
  // A session that opens it for writing would keep all others out until the next export.
  await chmod(beside, 0o444);
  await syncFile(beside);
  return async () => {
    await rename(beside, path);
    await syncDirectory(directory);
  };
}
