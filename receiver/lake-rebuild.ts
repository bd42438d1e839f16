/** Makes the lake anew from the ledger, while no receiver runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lockDirectory } from '../storage/directory-lock.ts';
import { deleteUnknownFiles } from '../storage/lake/lake-export.ts';
import { Ledger } from '../storage/ledger.ts';

export interface LakeRebuildOptions {
  dataDir: string;
  /** Told after each step: rows of usage that are in the lake. */
  onProgress?: (rows: number) => void;
}

/**
 * Writes all usage anew, in parts as large as they get. Readers see the old lake until the first step is done, then one
 * that grows.
 * @throws DirectoryLockedError while a receiver runs on the directory; LedgerError
 */
export async function rebuildLake(
  options: LakeRebuildOptions,
): Promise<{ directory: string; rows: number; parts: number }> {
  const { dataDir, onProgress } = options;
  const directory = join(dataDir, 'lake');
  const path = join(dataDir, 'ledger.duckdb');
  const lock = await lockDirectory(dataDir);
  try {
    if (!existsSync(path)) throw new Error(`there is no ledger ${path} to make a lake of`);
    const ledger = await Ledger.open({ path, threads: 2, memoryLimit: '1GB' });
    try {
      let rows = 0;
      for (let isFirst = true; ; isFirst = false) {
        const report = await ledger.exportLake({
          directory,
          rewriteRows: Number.POSITIVE_INFINITY,
          isQuiet: true,
          anew: isFirst,
          // Nobody can have opened what an earlier step wrote for long; what was there before stays an hour.
          keepReplacedMs: 3600_000,
        });
        rows += report.newRows;
        onProgress?.(rows);
        if (!report.isBehind) {
          await deleteUnknownFiles(directory);
          return { directory, rows, parts: report.parts };
        }
      }
    } finally {
      await ledger.close();
    }
  } finally {
    await lock.release();
  }
}
