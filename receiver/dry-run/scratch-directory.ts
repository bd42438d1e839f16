/** A directory for what a dry run writes: it goes away with the dry run, or at the next one where that was killed. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'usage-meter-dry-run-';
/** The process that made it, and what makes it the only one. */
const NAME = /^usage-meter-dry-run-(\d+)-\w+$/;

export interface ScratchDirectory extends AsyncDisposable {
  readonly path: string;
}

/** @param parent default: the system's directory for temporary files */
export async function scratchDirectory(parent = tmpdir()): Promise<ScratchDirectory> {
  await removeAbandoned(parent);
  const path = await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Those of processes that are no more. Another user's, and what else cannot be removed, is left alone. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const match = NAME.exec(name);
    if (match === null || isRunning(Number(match[1]))) continue;
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and is somebody else's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
