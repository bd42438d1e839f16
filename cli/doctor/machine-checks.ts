/** Whether this machine can run a receiver: Node, configuration, disk, port. */
import { constants } from 'node:fs';
import { access, open, rm, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { exposureFault, type LoadedConfig } from '../../receiver/config.ts';
import { problemText } from '../../receiver/config-error.ts';
import { freeDiskBytes } from '../../storage/journal/free-disk.ts';
import { type Check, fail, messageOf, ok, warn } from './check.ts';

const MIB = 1024 * 1024;
/** As package.json has it. */
const LEAST_NODE = [22, 15];
/** Groups that are written and synced, each of a block. */
const PROBES = 20;
const PROBE_BYTES = 4096;
/** An acknowledgement waits for one of these. */
const SLOW_SYNC_MS = 25;

/** File systems that keep less than a receiver needs, by the number that statfs has for each (linux/magic.h). */
const FILE_SYSTEMS: Readonly<Record<number, { name: string; what: string }>> = {
  16914836: { name: 'tmpfs', what: 'is memory: everything is gone after a restart of the machine' },
  2240043254: { name: 'ramfs', what: 'is memory: everything is gone after a restart of the machine' },
  2035054128: { name: 'overlay', what: 'goes with its container: put the data directory on a volume' },
  26985: { name: 'NFS', what: 'may not keep locks nor syncs: two receivers could write to it' },
  20859: { name: 'SMB', what: 'may not keep locks nor syncs: two receivers could write to it' },
  4283649346: { name: 'CIFS', what: 'may not keep locks nor syncs: two receivers could write to it' },
};

/** @param version as process.versions.node has it */
export function nodeCheck(version: string): Check {
  const [major, minor] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor))
    return ok('node', `version ${version}`);
  const least = LEAST_NODE.join('.');
  return fail('node', `version ${version} is too old`, `install Node ${least} or newer; 24 is best`);
}

export function configurationChecks({ server, file }: LoadedConfig): Check[] {
  const fault = exposureFault(server);
  const checks: Check[] = [];
  if (fault !== null) checks.push(fail('configuration', fault, 'the receiver will not start like this'));
  for (const warning of file?.warnings ?? [])
    checks.push(warn('configuration', problemText(warning), 'usage-meter config check shows all of it'));
  if (checks.length > 0) return checks;
  return [ok('configuration', file === null ? 'no file: flags, environment and defaults' : file.path)];
}

/** Whether the directory can be used; the second is where its disk is to be looked at. */
export async function directoryCheck(dataDir: string): Promise<{ check: Check; diskPath: string | null }> {
  const name = 'data directory';
  try {
    const found = await stat(dataDir);
    if (!found.isDirectory())
      return {
        check: fail(name, `${dataDir} is no directory`, 'say another with --data-dir'),
        diskPath: null,
      };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      return { check: fail(name, messageOf(error), 'say another with --data-dir'), diskPath: null };
    const parent = await nearestDirectory(dataDir);
    if (await isWritable(parent))
      return { check: ok(name, `${dataDir} is made by the first start`), diskPath: parent };
    const detail = `${dataDir} is not there, and ${parent} cannot be written to`;
    return { check: fail(name, detail, 'make it for the user who runs the receiver'), diskPath: null };
  }
  if (await isWritable(dataDir)) return { check: ok(name, dataDir), diskPath: dataDir };
  const detail = `${dataDir} cannot be read and written by this user`;
  return {
    check: fail(name, detail, 'give it to the user who runs the receiver, or be that user'),
    diskPath: null,
  };
}

async function nearestDirectory(path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path || (await stat(parent).catch(() => null)) !== null) return parent;
  return await nearestDirectory(parent);
}

async function isWritable(path: string): Promise<boolean> {
  return await access(path, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

export async function diskChecks(path: string, minFreeBytes: number): Promise<Check[]> {
  const { type } = await statfs(path);
  const known = FILE_SYSTEMS[type];
  const kind =
    known === undefined
      ? []
      : [warn('file system', `${known.name} ${known.what}`, 'use a directory on a disk of its own machine')];
  return [spaceCheck(await freeDiskBytes(path), minFreeBytes), ...kind];
}

/** Bytes that are left, and below which usage is refused. (Pure.) */
export function spaceCheck(free: number, minFreeBytes: number): Check {
  const detail = `${mebibytes(free)} free; below ${mebibytes(minFreeBytes)} usage is refused`;
  if (free < minFreeBytes)
    return fail('disk space', detail, 'free some, or use a larger disk; nothing is lost meanwhile');
  if (free < 4 * minFreeBytes) return warn('disk space', detail, 'make room soon');
  return ok('disk space', detail);
}

function mebibytes(bytes: number): string {
  const mib = bytes / MIB;
  return mib < 10_240 ? `${Math.floor(mib)} MiB` : `${Math.floor(mib / 1024)} GiB`;
}

/** Writes a small file into the directory, syncs it as the journal does, and removes it. */
export async function syncCheck(path: string): Promise<Check> {
  const probe = join(path, `.usage-meter-doctor-${process.pid}`);
  const milliseconds: number[] = [];
  try {
    const handle = await open(probe, 'wx');
    try {
      const block = Buffer.alloc(PROBE_BYTES, 1);
      for (let written = 0; written < PROBES; written++) {
        const started = performance.now();
        await handle.write(block, 0, PROBE_BYTES, written * PROBE_BYTES);
        await handle.datasync();
        milliseconds.push(performance.now() - started);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    return fail(
      'fsync',
      messageOf(error),
      'what is acknowledged must reach the disk: repair it, or use another',
    );
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
  return syncTimeCheck(milliseconds);
}

/** By the time that each took. (Pure.) */
export function syncTimeCheck(milliseconds: readonly number[]): Check {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1];
  const detail = `${median.toFixed(1)} ms (median of ${sorted.length}), ${sorted[sorted.length - 1].toFixed(1)} ms at most`;
  if (median <= SLOW_SYNC_MS) return ok('fsync', detail);
  return warn('fsync', detail, 'every acknowledgement waits for one: use a faster disk, or larger batches');
}

/** Whether a receiver that is started now would get its port. */
export async function portCheck(host: string, port: number): Promise<Check> {
  if (port === 0) return ok('port', 'a free one is picked');
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return ok('port', `${host}:${port} is free`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const detail = `${host}:${port} cannot be taken: ${code ?? messageOf(error)}`;
    const advice =
      code === 'EADDRINUSE'
        ? 'another program listens there, perhaps a Collector: stop it, or choose with --port'
        : code === 'EACCES'
          ? 'ports below 1024 need rights: choose another with --port'
          : 'choose with --host and --port';
    return fail('port', detail, advice);
  }
}
