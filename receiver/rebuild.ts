/** Makes the ledger anew from the journal, the source of truth. */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockDirectory } from '../storage/directory-lock.ts';
import { Ledger } from '../storage/ledger.ts';
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
      knownSequence: await ledgerPosition(join(dataDir, 'ledger.duckdb')),
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

/**
 * The journal sequence that the present ledger has reached: a journal that ends before it has lost usage, and the
 * ledger that still has it must not be replaced. 0 where there is none that opens.
 */
export async function ledgerPosition(path: string): Promise<number> {
  if (!existsSync(path)) return 0;
  try {
    const ledger = await Ledger.open({ path });
    const { position } = ledger;
    await ledger.close();
    return position;
  } catch {
    return 0;
  }
}

/** A closed DuckDB database is one file; one that was killed has its WAL beside it. */
async function removeDatabase(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.wal`, { force: true });
}
