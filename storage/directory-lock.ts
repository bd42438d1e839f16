/**
 * One process per directory. The lock is the kernel's own, on a file `LOCK`, taken through SQLite because Node has
 * no call for it: it ends with the process however that dies, so there is no stale lock to judge and no process id
 * that somebody else may have got since. It holds between containers that share a volume on one machine, too.
 *
 * What it does not cover: a network file system whose server does not keep locks, so two machines on one NFS export
 * mounted with `nolock`; somebody who deletes `LOCK` while it is held; and code in the holding process that opens
 * and closes the file `LOCK` by itself, which drops a POSIX lock.
 *
 * Node 22 prints one ExperimentalWarning for SQLite; Node 24 none.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/** Another process, or another part of this one, holds the directory. `pid` is null where it could not be read. */
export class DirectoryLockedError extends Error {
  readonly code = 'DIRECTORY_LOCKED';
  /** The other may end. */
  readonly retryable = true;
  readonly pid: number | null;

  constructor(path: string, holder: { pid: number; host: string; since: string } | null) {
    const who =
      holder === null
        ? 'another process'
        : `process ${holder.pid} on ${holder.host}${holder.pid === process.pid ? ' (this process)' : ''}, since ${holder.since}`;
    super(`directory ${path} is in use by ${who}. Stop it first, or choose another directory`);
    this.name = 'DirectoryLockedError';
    this.pid = holder?.pid ?? null;
  }
}

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of a directory, which is created if it is not there.
 * @throws DirectoryLockedError at once if it is held
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  await mkdir(path, { recursive: true });
  // Beside the lock and not in it: its holder must not open and close the lock file.
  const holderFile = join(path, 'LOCK.holder');
  const database = new DatabaseSync(join(path, 'LOCK'));
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    throw new DirectoryLockedError(path, await readHolder(holderFile));
  }
  try {
    const holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
    await writeFile(holderFile, `${JSON.stringify(holder)}\n`);
  } catch {
    // Only the text of an error: a full disk must not keep the receiver from answering queries.
  }
  return {
    async release() {
      if (!database.isOpen) return;
      await rm(holderFile, { force: true });
      database.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: number }).errcode === SQLITE_BUSY;
}

async function readHolder(file: string): Promise<{ pid: number; host: string; since: string } | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // The holder writes it a moment after it has the lock.
    return null;
  }
}
