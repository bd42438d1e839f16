import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Journal } from '../../../storage/journal/journal.ts';
import { contents, newDirectory } from './journal-files.ts';

const APPENDER = fileURLToPath(new URL('./appender.ts', import.meta.url));

test('kill -9 in the middle of appending, 40 times: nothing that was acknowledged is missing', async () => {
  const directory = await newDirectory();
  let acknowledged = 0;
  let acknowledgements = 0;
  for (let kill = 0; kill < 40; kill++) {
    const child = spawn(process.execPath, [APPENDER, 'endless', directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    // Another number of acknowledgements each time, so that kills fall everywhere in the life of a segment.
    let left = 1 + ((kill * 37) % 101);
    for await (const line of createInterface({ input: child.stdout })) {
      // A line that the kill cut in two is no acknowledgement that anybody has read.
      if (!/^\d+$/.test(line)) continue;
      acknowledged = Math.max(acknowledged, Number(line));
      acknowledgements++;
      if (--left === 0) child.kill('SIGKILL');
    }
    expect((await exited)[1]).toBe('SIGKILL');

    const journal = await Journal.open(directory, { segmentBytes: 64 * 1024 });
    expect(journal.lastSequence, `after kill ${kill + 1}`).toBeGreaterThanOrEqual(acknowledged);
    acknowledged = journal.lastSequence;
    await journal.close();
  }
  const journal = await Journal.open(directory);
  const found = await contents(journal);
  expect(found).toEqual(
    Array.from({ length: acknowledged }, (_, at) => `${at + 1}:${((at + 1) * 397) % 5000}`),
  );
  expect(found.length).toBeGreaterThanOrEqual(acknowledgements);
  expect(journal.recovery.segments).toBeGreaterThan(10);
  await journal.close();
});

/**
 * Ways to a full disk that this machine allows: a limit on the size of files works everywhere; a small file system of
 * our own wherever user namespaces are open to everyone (or we are root).
 */
function fullDisks(): { disk: string; cause: string; command: (directory: string) => string }[] {
  const appender = `exec "$0" "${APPENDER}" full`;
  const disks = [
    {
      disk: 'a file that may not grow',
      cause: 'EFBIG',
      // Blocks of 512 bytes in POSIX, of 1024 in bash.
      command: (directory: string) => `ulimit -f 100 && ${appender} "${directory}"`,
    },
  ];
  const mounted = (directory: string) =>
    `mount -t tmpfs -o size=512k tmpfs "${directory}" && head -c 65536 /dev/zero > "${directory}/filler"`;
  try {
    execFileSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt'], {
      stdio: 'ignore',
    });
    disks.push({
      disk: 'a file system without room',
      cause: 'ENOSPC',
      command: (directory) =>
        `exec unshare -rm sh -c '${mounted(directory)} && ${appender} "${directory}" "${directory}/filler"' "$0"`,
    });
  } catch {
    // Not allowed here: the row above remains.
  }
  return disks;
}

test.each(fullDisks())(
  '$disk: all who wait are refused, nothing is lost, and room lets it go on',
  async ({ cause, command }) => {
    const directory = await newDirectory();
    const child = spawn('sh', ['-c', command(directory), process.execPath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const lines: Record<string, unknown>[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(JSON.parse(line));
    expect((await exited)[0]).toBe(0);

    const refusal = {
      refused: 3,
      code: 'WRITE_FAILED',
      retryable: true,
      cause,
      sameForLater: true,
      sameForAppend: true,
    };
    const acknowledged = lines[1].acknowledged as number;
    expect(acknowledged).toBeGreaterThan(3);
    expect(lines).toEqual([
      refusal,
      { acknowledged },
      { reopened: acknowledged, cut: true },
      refusal,
      { acknowledged },
      { acknowledged: acknowledged + 1 },
    ]);
    if (cause === 'EFBIG') {
      const journal = await Journal.open(directory);
      expect(await contents(journal)).toHaveLength(acknowledged + 1);
      await journal.close();
    }
  },
);
