/**
 * Builds the dashboard into dashboard/dist, unless it is there and newer than its sources. Several processes may want
 * it at once (a receiver, test files): one builds, the others wait for it.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';
import { DASHBOARD_OUTPUT, isDashboardStale } from '../receiver/dashboard.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, 'node_modules', '.cache');
const lock = join(cache, 'dashboard.lock');

/** @returns whether there was something to build */
export async function buildDashboard(): Promise<boolean> {
  if (!(await isDashboardStale())) return false;
  await mkdir(cache, { recursive: true });
  while (!takeLock()) await sleep(100);
  try {
    if (!(await isDashboardStale())) return false;
    // Who was killed while it held the lock has left its folder behind.
    for (const name of await readdir(cache))
      if (name.startsWith('dashboard-')) await rm(join(cache, name), { recursive: true, force: true });
    // Sources that change while it builds are newer than what comes of it.
    const begin = new Date();
    // A test's, or a developer's, would make a page for development.
    process.env.NODE_ENV = 'production';
    const folder = await mkdtemp(join(cache, 'dashboard-'));
    try {
      await build({
        configFile: join(root, 'dashboard', 'vite.config.ts'),
        logLevel: 'warn',
        build: { outDir: folder, emptyOutDir: true },
      });
      await compress(folder);
      await utimes(join(folder, 'index.html'), begin, begin);
      await rm(DASHBOARD_OUTPUT, { recursive: true, force: true });
      await rename(folder, DASHBOARD_OUTPUT);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return true;
  } finally {
    rmSync(lock, { force: true });
  }
}

/** A lock whose process has ended is none. */
function takeLock(): boolean {
  try {
    const file = openSync(lock, 'wx');
    writeFileSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0;
  if (holder > 0 && !isRunning(holder)) rmSync(lock, { force: true });
  return false;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Once here instead of with every answer. */
async function compress(folder: string): Promise<void> {
  for (const each of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!each.isFile()) continue;
    const path = join(each.parentPath, each.name);
    const text = await readFile(path);
    const gzip = gzipSync(text, { level: 9 });
    if (gzip.length < text.length) await writeFile(`${path}.gz`, gzip);
  }
}

if (import.meta.main) {
  try {
    await buildDashboard();
  } catch (error) {
    // What is wrong with a source, for a log and a page: without colours, and without where the bundler found it.
    console.error(stripVTControlCharacters((error as Error).message));
    process.exitCode = 1;
  }
}
