/** Repairs the journal of a data directory, holding it against what the ledger has seen of it. */
import { join } from 'node:path';
import { lockDirectory } from '../storage/directory-lock.ts';
import { type RepairReport, repairJournal } from '../storage/journal/repair.ts';
import { ledgerPosition } from './rebuild.ts';

/** @throws DirectoryLockedError while a receiver runs on the directory, JournalError, LedgerError */
export async function repairData(dataDir: string): Promise<RepairReport> {
  const lock = await lockDirectory(dataDir);
  try {
    return await repairJournal(join(dataDir, 'journal'), {
      knownSequence: await ledgerPosition(join(dataDir, 'ledger.duckdb')),
    });
  } finally {
    await lock.release();
  }
}
