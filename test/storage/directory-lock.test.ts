import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type DirectoryLock,
  type DirectoryLockedError,
  lockDirectory,
} from '../../storage/directory-lock.ts';
import { freeDiskBytes } from '../../storage/journal/free-disk.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A process that holds the lock until it is killed. */
async function holderProcess() {
  const script = `
    const { lockDirectory } = await import(${JSON.stringify(new URL('../../storage/directory-lock.ts', import.meta.url).href)});
    await lockDirectory(${JSON.stringify(directory)});
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  expect(String(line)).toBe('locked\n');
  return child;
}

test('another process is refused and told who holds the directory', async () => {
  const holder = await holderProcess();
  try {
    await expect(lockDirectory(directory)).rejects.toMatchObject({
      code: 'DIRECTORY_LOCKED',
      pid: holder.pid,
      message: expect.stringContaining(`process ${holder.pid} on `),
    } satisfies Partial<Record<keyof DirectoryLockedError, unknown>>);
  } finally {
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
});

test('kill -9 of the holder leaves nothing to clear away', async () => {
  const holder = await holderProcess();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = await lockDirectory(directory);
  await lock.release();
});

test('what a dead holder wrote about itself holds nobody off, even if its process id lives again', async () => {
  await writeFile(join(directory, 'LOCK'), '');
  await writeFile(
    join(directory, 'LOCK.holder'),
    JSON.stringify({ pid: process.pid, host: 'here', since: 'then' }),
  );
  const lock = await lockDirectory(directory);
  await lock.release();
});

test('the same process is refused too, until it releases', async () => {
  const first = await lockDirectory(directory);
  await expect(lockDirectory(directory)).rejects.toThrow(/\(this process\)/);
  // The refused attempt must not have dropped the lock: POSIX locks go with any close of the file.
  const other = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { lockDirectory } = await import(${JSON.stringify(new URL('../../storage/directory-lock.ts', import.meta.url).href)});
       await lockDirectory(${JSON.stringify(directory)}).then(() => process.exit(0), () => process.exit(7));`,
    ],
    { stdio: 'inherit' },
  );
  expect((await once(other, 'exit'))[0]).toBe(7);
  await first.release();
  await first.release();
  const second = await lockDirectory(directory);
  await second.release();
});

test('of many who ask at once after a crash, one gets it', async () => {
  const holder = await holderProcess();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const asked = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory)));
  const got = asked.filter(
    (answer): answer is PromiseFulfilledResult<DirectoryLock> => answer.status === 'fulfilled',
  );
  expect(got).toHaveLength(1);
  await got[0].value.release();
});

test('free disk is a plausible number of bytes', async () => {
  expect(await freeDiskBytes(directory)).toBeGreaterThan(1024 * 1024);
});
