/**
 * The dashboard's files as the receiver has them: built with the package, or, in a clone, built when they are missing
 * or older than their sources. The port is bound and usage is taken whatever becomes of the build.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Log } from './log.ts';

/** A file of the built page, as it is answered. */
export interface DashboardFile {
  type: string;
  body: Buffer;
  /** null where it would not be smaller. */
  gzip: Buffer | null;
  /** Its name has its content's hash: it is the same for ever. */
  immutable: boolean;
}

/** `files` by path, with `/index.html` for every page. */
export type DashboardState =
  | { kind: 'building' }
  | { kind: 'ready'; files: ReadonlyMap<string, DashboardFile> }
  | { kind: 'failed' };

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json; charset=utf-8',
  sql: 'text/plain; charset=utf-8',
};

const root = fileURLToPath(new URL('../', import.meta.url));
/** Only a clone has it: the package comes with the built page. */
const BUILD_SCRIPT = join(root, 'scripts', 'build-dashboard.ts');
/** What a person types to see why a build fails. */
export const BUILD_COMMAND = 'npx node scripts/build-dashboard.ts';
/** In a clone, what the build reads and where it writes. */
export const DASHBOARD_SOURCES = [
  'dashboard',
  'examples/sql-cookbook',
  'client',
  'package.json',
  'package-lock.json',
];
export const DASHBOARD_OUTPUT = join(root, 'dashboard', 'dist');
/** Enough of what a failed build says to see what is wrong. */
const MAX_REASON_LENGTH = 4000;
const MAX_ATTEMPTS = 5;

export class Dashboard {
  readonly #log: Log;
  #state: DashboardState = { kind: 'building' };
  #build: ChildProcess | null = null;
  #stopped = false;

  constructor(log: Log) {
    this.#log = log;
  }

  get state(): DashboardState {
    return this.#state;
  }

  /** Builds what has to be built, and reads the files. What goes wrong is logged. */
  async open(): Promise<void> {
    try {
      if (!existsSync(BUILD_SCRIPT)) {
        this.#state = { kind: 'ready', files: await readFiles(join(root, 'dashboard')) };
        return;
      }
      for (let attempt = 1; !this.#stopped && this.#state.kind === 'building'; attempt += 1) {
        if (await isDashboardStale()) await this.#buildPage();
        try {
          this.#state = { kind: 'ready', files: await readFiles(DASHBOARD_OUTPUT) };
        } catch (error) {
          // Another process of this clone puts a new page there just now.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === MAX_ATTEMPTS) throw error;
        }
      }
    } catch (error) {
      if (this.#stopped) return;
      this.#log.error('the dashboard cannot be shown', { error: (error as Error).message });
      this.#state = { kind: 'failed' };
    }
  }

  /** Ends a build that is under way. */
  stop(): void {
    this.#stopped = true;
    this.#build?.kill('SIGTERM');
  }

  /** In a process of its own: the main thread has requests to answer. @throws Error with what the build said */
  async #buildPage(): Promise<void> {
    if (this.#stopped) return;
    this.#log.info('the dashboard is being built: it is missing or older than its sources');
    const build = spawn(process.execPath, [BUILD_SCRIPT], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#build = build;
    // Usage comes first.
    if (build.pid !== undefined) setPriority(build.pid, constants.priority.PRIORITY_LOW);
    let said = '';
    for (const stream of [build.stdout, build.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-MAX_REASON_LENGTH);
      });
    const code = await new Promise<number | null>((resolve, reject) => {
      build.once('error', reject);
      build.once('close', resolve);
    });
    this.#build = null;
    if (code !== 0 && !this.#stopped) throw new Error(`its build failed:\n${said.trim()}`);
    if (code === 0) this.#log.info('the dashboard is built');
  }
}

/** Whether the built page of this clone is missing, or older than anything that it is made of. */
export async function isDashboardStale(): Promise<boolean> {
  const built = await stat(join(DASHBOARD_OUTPUT, 'index.html')).catch(() => null);
  if (built === null) return true;
  const times = await Promise.all(DASHBOARD_SOURCES.map((source) => newestChange(join(root, source))));
  return Math.max(...times) > built.mtimeMs;
}

/** The time of a folder counts, too: it is when something was taken out of it. */
async function newestChange(path: string): Promise<number> {
  if (path === DASHBOARD_OUTPUT) return 0;
  const { mtimeMs, isFile } = await stat(path).then(
    (found) => ({ mtimeMs: found.mtimeMs, isFile: found.isFile() }),
    () => ({ mtimeMs: 0, isFile: true }),
  );
  if (isFile) return mtimeMs;
  const names = await readdir(path);
  const below = await Promise.all(names.map((name) => newestChange(join(path, name))));
  // The output is beside its sources, so making it changes the time of the folder that both are in.
  const own = path === join(root, 'dashboard') ? 0 : mtimeMs;
  return Math.max(own, ...below);
}

/** They are few and small: in memory, nothing that is asked for can name a file that is none of the page's. */
async function readFiles(directory: string): Promise<ReadonlyMap<string, DashboardFile>> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  const files = new Map<string, DashboardFile>();
  for (const path of paths) {
    const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
    if (type === undefined) continue;
    const name = path.slice(directory.length).replaceAll('\\', '/');
    files.set(name, {
      type,
      body: await readFile(path),
      gzip: paths.includes(`${path}.gz`) ? await readFile(`${path}.gz`) : null,
      immutable: name.startsWith('/assets/'),
    });
  }
  if (!files.has('/index.html')) throw new Error(`there is no page in ${directory}`);
  return files;
}
