/** Repairs the journal of a data directory, holding it against what the ledger has seen of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { lockDirectory } from '../storage/directory-lock.ts';
import { type RepairReport, repairJournal } from '../storage/journal/repair.ts';
import { Ledger } from '../storage/ledger.ts';

/** @throws DirectoryLockedError while a receiver runs on the directory, JournalError, LedgerError */
export async function repairData(dataDir: string): Promise<RepairReport> {
  const lock = await lockDirectory(dataDir);
  try {
    return await repairJournal(join(dataDir, 'journal'), { knownSequence: await ledgerPosition(dataDir) });
  } finally {
    await lock.release();
  }
}

async function ledgerPosition(dataDir: string): Promise<number> {
  const path = join(dataDir, 'ledger.duckdb');
  if (!existsSync(path)) return 0;
  const ledger = await Ledger.open({ path });
  const { position } = ledger;
  await ledger.close();
  return position;
}
