/**
 * Runs analysts' queries in processes of their own, and ends those that break a limit.
 *
 * DuckDB's memory_limit is no wall, a query can be built to run for ever, and a crash would take everything in its
 * process along. So: a process with no environment, a low priority, a limit of the kernel on its memory, its size looked
 * at ten times a second, and SIGKILL. The receiver's own memory holds no row that nobody reads: stdout is a pipe.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { SqlError, type SqlErrorCode } from './sql-error.ts';
import type { FromSqlProcess, SqlJob, SqlProcessOptions } from './sql-protocol.ts';

export interface SqlPoolOptions {
  /** The lake's folder, absolute. */
  lakeDirectory: string;
  /** Queries at a time. */
  processes?: number;
  /** Queries that wait for a process; more are sent away. */
  maxWaiting?: number;
  /** Of DuckDB's buffers, each. */
  memoryBytes?: number;
  /** A process larger than this is killed. */
  maxResidentBytes?: number;
}

export interface SqlRequest extends SqlJob {
  /** Until the last byte is read. */
  maxMilliseconds: number;
  /** Whoever asked has gone. */
  signal: AbortSignal;
}

/** An answer that has begun. The stream breaks off with a SqlError where the rest cannot follow. */
export interface SqlAnswer {
  /** Up to when the lake is complete, RFC 3339. */
  asOf: string;
  bytes: Readable;
}

const LOOK_MS = 100;
const DEFAULTS = {
  processes: 2,
  maxWaiting: 16,
  memoryBytes: 512e6,
  maxResidentBytes: 1e9,
};
/** What Node and DuckDB take of the kernel's limit before a query comes, or touch and do not use. */
const DATA_LIMIT_MARGIN_BYTES = 1.5e9;
const MAX_FILE_BYTES = 4 * 2 ** 30;
/** A process that was this large at the end of a query does not get another. */
const REUSABLE_RESIDENT_BYTES = 300e6;
const IDLE_MS = 5 * 60_000;

export class SqlPool {
  readonly #options: Required<SqlPoolOptions>;
  readonly #processes = new Set<SqlProcess>();
  #idle: SqlProcess[] = [];
  #waiting: { give: (process: SqlProcess) => void; refuse: (error: SqlError) => void }[] = [];
  #isStopped = false;

  constructor(options: SqlPoolOptions) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Process ids, for whoever looks after them. */
  get pids(): number[] {
    return [...this.#processes].map(({ pid }) => pid);
  }

  /**
   * Runs a query. Resolves when its first bytes are there: until then it can still be an error.
   * @throws SqlError
   */
  async run(request: SqlRequest): Promise<SqlAnswer> {
    const process = await this.#take(request.signal);
    const run = process.run(request);
    void run.ended.then((isHealthy) => this.#giveBack(process, isHealthy));
    return await run.begun;
  }

  /** Ends all processes. What was under way breaks off. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { refuse } of this.#waiting.splice(0)) refuse(stopped());
    await Promise.all(
      [...this.#processes].map((process) => process.kill('STOPPED', 'the receiver is stopping')),
    );
  }

  #take(signal: AbortSignal): Promise<SqlProcess> {
    if (this.#isStopped) return Promise.reject(stopped());
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    if (this.#processes.size < this.#options.processes) return Promise.resolve(this.#start());
    if (this.#waiting.length >= this.#options.maxWaiting) {
      return Promise.reject(
        new SqlError(
          'BUSY',
          `${this.#options.processes} queries run and ${this.#waiting.length} wait: ask again`,
        ),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<SqlProcess>();
    const waiter = { give: resolve, refuse: reject };
    this.#waiting.push(waiter);
    signal.addEventListener('abort', () => {
      const at = this.#waiting.indexOf(waiter);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      reject(stopped());
    });
    return promise;
  }

  #start(): SqlProcess {
    const { lakeDirectory, memoryBytes, maxResidentBytes } = this.#options;
    const process = new SqlProcess({ lakeDirectory, memoryBytes, maxResidentBytes });
    this.#processes.add(process);
    void process.exited.then(() => {
      this.#processes.delete(process);
      this.#idle = this.#idle.filter((one) => one !== process);
      this.#serveNext();
    });
    return process;
  }

  #giveBack(process: SqlProcess, isHealthy: boolean): void {
    if (!isHealthy || this.#isStopped) {
      void process.kill('STOPPED', 'it is not used any more');
      return;
    }
    this.#idle.push(process);
    process.endWhenIdle(IDLE_MS);
    this.#serveNext();
  }

  #serveNext(): void {
    if (this.#waiting.length === 0 || this.#isStopped) return;
    const process =
      this.#idle.pop() ?? (this.#processes.size < this.#options.processes ? this.#start() : null);
    if (process !== null) this.#waiting.shift()!.give(process);
  }
}

function stopped(): SqlError {
  return new SqlError('STOPPED', 'the receiver is stopping');
}

interface Run {
  begun: Promise<SqlAnswer>;
  /** Whether the process can run another query. */
  ended: Promise<boolean>;
}

type SqlProcessLimits = Pick<Required<SqlPoolOptions>, 'lakeDirectory' | 'memoryBytes' | 'maxResidentBytes'>;

/** One process; it runs one query at a time. */
class SqlProcess {
  readonly #limits: SqlProcessLimits;
  readonly #temporaryDirectory = join(tmpdir(), `usage-meter-sql-${randomUUID()}`);
  readonly #ready = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #child: ChildProcess | null = null;
  /** Tells the query that is under way how it ended. */
  #fail: ((error: SqlError) => void) | null = null;
  #receive: ((message: FromSqlProcess) => void) | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #isDead = false;

  constructor(limits: SqlProcessLimits) {
    this.#limits = limits;
    this.#ready.promise.catch(() => {});
    void this.#spawn();
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get exited(): Promise<void> {
    return this.#exited.promise;
  }

  run({ sql, format, maxRows, maxMilliseconds, signal }: SqlRequest): Run {
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    const begun = Promise.withResolvers<SqlAnswer>();
    const ended = Promise.withResolvers<boolean>();
    const bytes = new PassThrough();
    // Whoever reads hears of it too; nobody has to.
    bytes.on('error', () => {});
    let asOf: string | null = null;
    let expected: number | null = null;
    let came = 0;
    let isOver = false;
    const stdout = () => this.#child!.stdout!;
    const finish = (error: SqlError | null, isHealthy: boolean) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      clearInterval(look);
      signal.removeEventListener('abort', leave);
      this.#fail = null;
      this.#receive = null;
      if (this.#child !== null) stdout().off('data', onData).off('readable', onData);
      bytes.off('drain', onDrain);
      if (error === null) {
        bytes.end();
      } else {
        begun.reject(error);
        bytes.destroy(error);
      }
      ended.resolve(isHealthy);
    };
    const kill = (code: SqlErrorCode, message: string) => {
      finish(new SqlError(code, message), false);
      void this.kill(code, message);
    };
    const onDrain = () => stdout().resume();
    const endIfComplete = () => {
      if (expected === null || came < expected) return;
      void this.#isReusable().then((isHealthy) => finish(null, isHealthy));
    };
    const onData = (piece: Buffer) => {
      came += piece.length;
      if (!bytes.write(piece)) stdout().pause();
      endIfComplete();
    };
    const leave = () => kill('STOPPED', 'whoever asked has gone');
    const timer = setTimeout(
      () => kill('TIME_LIMIT', `the query took longer than ${maxMilliseconds / 1000} s and was ended`),
      maxMilliseconds,
    );
    const look = setInterval(() => {
      void residentBytes(this.pid).then((size) => {
        const { maxResidentBytes } = this.#limits;
        if (size > maxResidentBytes)
          kill('MEMORY_LIMIT', `the query took more than ${maxResidentBytes / 1e6} MB and was ended`);
      });
    }, LOOK_MS);
    signal.addEventListener('abort', leave);
    this.#fail = (error) => finish(error, false);
    this.#receive = (message) => {
      if (message.type === 'head') {
        asOf = message.asOf;
        begun.resolve({ asOf, bytes });
      } else if (message.type === 'done') {
        expected = message.bytes;
        endIfComplete();
      } else if (message.type === 'failed') {
        const error = new SqlError(message.code, message.message, message.position);
        // After the first bytes its stdout may hold more: nobody could tell them from the next answer's.
        void this.#isReusable().then((isHealthy) => finish(error, isHealthy && asOf === null));
      }
    };
    if (signal.aborted) leave();
    void this.#ready.promise.then(
      () => {
        if (isOver) return;
        bytes.on('drain', onDrain);
        stdout().on('data', onData);
        const job: SqlJob = { sql, format, maxRows };
        this.#child!.send(job);
      },
      (error) => finish(error as SqlError, false),
    );
    return { begun: begun.promise, ended: ended.promise };
  }

  /** Ends it after a while, unless it gets another query. */
  endWhenIdle(milliseconds: number): void {
    this.#idleTimer = setTimeout(() => void this.kill('STOPPED', 'it was idle'), milliseconds);
    this.#idleTimer.unref();
  }

  async kill(code: SqlErrorCode, message: string): Promise<void> {
    this.#isDead = true;
    this.#fail?.(new SqlError(code, message));
    this.#ready.reject(new SqlError(code, message));
    this.#child?.kill('SIGKILL');
    await this.#exited.promise;
  }

  async #spawn(): Promise<void> {
    const { lakeDirectory, memoryBytes } = this.#limits;
    try {
      await mkdir(this.#temporaryDirectory, { recursive: true, mode: 0o700 });
      if (this.#isDead) return await this.#gone();
      const options: SqlProcessOptions = {
        lakeDirectory,
        memoryBytes,
        temporaryDirectory: this.#temporaryDirectory,
        threads: 2,
      };
      const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
      const program = fileURLToPath(new URL(`./sql-process.${ending}`, import.meta.url));
      const command = [process.execPath, '--max-old-space-size=256', program, JSON.stringify(options)];
      const [file, ...args] = limited(command, memoryBytes + DATA_LIMIT_MARGIN_BYTES);
      const child = spawn(file, args, {
        stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
        // Nothing of the receiver's environment: it holds API keys.
        env: { UV_THREADPOOL_SIZE: '4' },
        cwd: this.#temporaryDirectory,
      });
      this.#child = child;
      child.on('error', (cause) => void this.#gone(cause));
      child.once('exit', () => void this.#gone());
      child.on('message', (message: FromSqlProcess) => {
        if (message.type === 'ready') this.#ready.resolve();
        else this.#receive?.(message);
      });
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch (cause) {
      await this.#gone(cause);
    }
  }

  /** @param cause why, where it did not just end */
  async #gone(cause?: unknown): Promise<void> {
    const reason =
      cause === undefined ? 'ended' : `failed: ${cause instanceof Error ? cause.message : cause}`;
    const error = new SqlError('PROCESS_DIED', `the process that ran the query ${reason}`);
    this.#isDead = true;
    this.#ready.reject(error);
    this.#fail?.(error);
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    await rm(this.#temporaryDirectory, { recursive: true, force: true }).catch(() => {});
    this.#exited.resolve();
  }

  async #isReusable(): Promise<boolean> {
    return !this.#isDead && (await residentBytes(this.pid)) < REUSABLE_RESIDENT_BYTES;
  }
}

/** A command with the kernel's limits on data and files, where there is a shell that can set them. */
function limited(command: string[], dataBytes: number): string[] {
  if (!existsSync('/bin/sh')) return command;
  // What cannot be limited on this system is left: the size is looked at all the same. Files count in 512 bytes.
  const limits = [
    'ulimit -c 0',
    `ulimit -d ${Math.round(dataBytes / 1024)}`,
    `ulimit -f ${MAX_FILE_BYTES / 512}`,
    // Where memory runs out, the kernel ends this one first.
    'echo 1000 > /proc/self/oom_score_adj',
  ].map((limit) => `(${limit}) 2>/dev/null && ${limit} 2>/dev/null`);
  return ['/bin/sh', '-c', `${limits.join('; ')}; exec "$0" "$@"`, ...command];
}

/** 0 where the system does not say. */
async function residentBytes(pid: number): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
