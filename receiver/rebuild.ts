/** Makes the ledger anew from the journal, the source of truth. */
import { rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockDirectory } from '../storage/directory-lock.ts';
import { Ingest, type RecoveryProgress } from './ingest.ts';

export interface RebuildOptions {
  dataDir: string;
  /** A file for the new ledger; without it, it takes the place of the present one. */
  into?: string;
  onProgress?: (progress: RecoveryProgress) => void;
}

/**
 * Interprets the whole journal into a fresh ledger, and only when that is complete puts it in place.
 * @returns where it is, and the last journal sequence in it
 * @throws DirectoryLockedError while a receiver runs on the directory; what opening a journal and a ledger throws
 */
export async function rebuildLedger(
  options: RebuildOptions,
): Promise<{ path: string; lastSequence: number }> {
  const { dataDir, onProgress } = options;
  const path = options.into === undefined ? join(dataDir, 'ledger.duckdb') : resolve(options.into);
  const making = `${path}.rebuild`;
  const lock = await lockDirectory(dataDir);
  try {
    await removeDatabase(making);
    const ingest = await Ingest.open({
      dataDir,
      ledgerPath: making,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const { lastSequence } = ingest.journal;
    await ingest.close();
    await removeDatabase(path);
    await rename(making, path);
    return { path, lastSequence };
  } finally {
    await lock.release();
  }
}

/** A closed DuckDB database is one file; one that was killed has its WAL beside it. */
async function removeDatabase(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.wal`, { force: true });
}
