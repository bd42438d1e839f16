/** usage.duckdb: a small database of views over the lake's files, replaced as a whole at each export. */
import { chmod, copyFile, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { macroStatements } from '../duckdb/macros.ts';
import { lakeViewStatements } from './lake-views.ts';
import { type Manifest, syncDirectory, syncFile } from './manifest.ts';

export const CATALOGUE_FILE = 'usage.duckdb';

/** A catalogue that grew beyond this by what was replaced in it is written anew. */
const COPIED_BYTES = 4 * 1024 * 1024;

/** The catalogue that this thread published last, and what created its views. */
let published: { path: string; views: Map<string, string> } | null = null;

/**
 * Writes the catalogue beside the present one. Comments are most of the work, so what is as it was is copied.
 * @returns puts it in its place: whoever opens the path finds the old one or the new one, and keeps what was opened
 */
export async function writeCatalogue(directory: string, manifest: Manifest): Promise<() => Promise<void>> {
  const path = resolve(directory, CATALOGUE_FILE);
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  await rm(`${beside}.wal`, { force: true });
  const statements = lakeViewStatements(resolve(directory), manifest);
  const views = new Map([...statements].map(([name, ofView]) => [name, ofView.join(';\n')] as const));
  const known = (await copyPublished(path, beside)) ? published!.views : new Map<string, string>();
  const instance = await DuckDBInstance.create(beside, {
    threads: '1',
    memory_limit: '256MB',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    await connection.run('BEGIN');
    for (const [name, ofView] of statements) {
      if (known.get(name) === views.get(name)) continue;
      await connection.run(`DROP VIEW IF EXISTS ${name}`);
      for (const statement of ofView) await connection.run(statement);
    }
    // They never change, so a copy has them.
    if (known.size === 0) for (const statement of macroStatements()) await connection.run(statement);
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
    published = { path, views };
  };
}

/**
 * Whether the catalogue is surely that of the manifest. After a crash between the two it is the one before, until this
 * thread has published one.
 */
export function isPublished(directory: string): boolean {
  return published?.path === resolve(directory, CATALOGUE_FILE);
}

/** @returns false where there is none of ours, or it is to be written anew */
async function copyPublished(path: string, beside: string): Promise<boolean> {
  if (published?.path !== path) return false;
  const size = (await stat(path).catch(() => null))?.size ?? Number.POSITIVE_INFINITY;
  if (size > COPIED_BYTES) return false;
  await copyFile(path, beside);
  await chmod(beside, 0o644);
  return true;
}
