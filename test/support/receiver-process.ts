/** A receiver in a process of its own, as users run it: started, stopped, killed, and heard when it fails. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const COMMAND = fileURLToPath(new URL('../../cli/usage-meter.ts', import.meta.url));

export interface ReceiverOptions {
  dataDir: string;
  /** 0 (the default) takes a free one. */
  port?: number;
  /** Added to the environment; settings of the surrounding shell are kept out. */
  env?: Record<string, string>;
  /** Node's own options, such as --cpu-prof. */
  nodeArgs?: string[];
  args?: string[];
  /** Wait until recovery is over (default) or only until the port is bound. */
  until?: 'ready' | 'listening';
  startTimeoutMs?: number;
  /** Also write what the receiver says on stderr here. */
  stderrFile?: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ReceiverProcess {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** Everything it said so far, stdout after its first line and stderr. */
  output(): string;
  /** SIGTERM. @throws Error with its output if it does not end by itself with exit code 0 */
  stop(timeoutMs?: number): Promise<void>;
  /** SIGKILL: nothing is flushed, nothing is said. */
  kill(): Promise<Exit>;
  readonly exited: Promise<Exit>;
}

/** @throws Error with everything the receiver said, if it ends or says nothing before it listens */
export async function startReceiver(options: ReceiverOptions): Promise<ReceiverProcess> {
  const { dataDir, port = 0, until = 'ready', startTimeoutMs = 60_000 } = options;
  const child = spawn(
    process.execPath,
    [
      ...(options.nodeArgs ?? []),
      COMMAND,
      'serve',
      '--port',
      String(port),
      '--data-dir',
      dataDir,
      '--log',
      'json',
      ...(options.args ?? []),
    ],
    { env: { ...cleanEnvironment(), ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const heard = listenTo(child, options.stderrFile);
  const first = await withinTime(
    startTimeoutMs,
    Promise.race([
      heard.firstLine,
      heard.exited.then((exit) => {
        throw new Error(`receiver ended before it listened (${describe(exit)}):\n${heard.output()}`);
      }),
    ]),
    () => {
      child.kill('SIGKILL');
      return new Error(`receiver did not listen within ${startTimeoutMs} ms:\n${heard.output()}`);
    },
  );
  const said = parseFirstLine(first, heard.output);
  const receiver: ReceiverProcess = {
    url: said.url,
    port: said.port,
    pid: child.pid!,
    dataDir,
    output: heard.output,
    exited: heard.exited,
    async stop(timeoutMs = 60_000) {
      child.kill('SIGTERM');
      const exit = await withinTime(timeoutMs, heard.exited, () => {
        child.kill('SIGKILL');
        return new Error(`receiver did not stop within ${timeoutMs} ms:\n${heard.output()}`);
      });
      if (exit.code !== 0) throw new Error(`receiver stopped with ${describe(exit)}:\n${heard.output()}`);
    },
    kill() {
      child.kill('SIGKILL');
      return heard.exited;
    },
  };
  try {
    if (until === 'ready') await becomeReady(receiver, startTimeoutMs);
  } catch (error) {
    await receiver.kill();
    throw error;
  }
  return receiver;
}

/** What a promise gives, or the error of being late; being late is forgotten once it has given anything. */
async function withinTime<T>(timeoutMs: number, promise: Promise<T>, late: () => Error): Promise<T> {
  const { promise: isLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), timeoutMs);
  try {
    return await Promise.race([promise, isLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until /readyz is 200, which is when recovery is over. */
export async function becomeReady(receiver: ReceiverProcess, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let ended: Exit | undefined;
  void receiver.exited.then((exit) => {
    ended = exit;
  });
  for (;;) {
    const status = await fetch(`${receiver.url}/readyz`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    if (ended !== undefined) throw new Error(`receiver ended (${describe(ended)}):\n${receiver.output()}`);
    if (Date.now() > deadline) {
      throw new Error(`receiver is not ready after ${timeoutMs} ms (${status}):\n${receiver.output()}`);
    }
    await sleep(20);
  }
}

/** Runs a command of the CLI to its end. @throws Error with its output unless it exits with 0 */
export async function runCommand(args: string[], timeoutMs = 600_000): Promise<string> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const heard = listenTo(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const exit = await heard.exited;
  clearTimeout(timer);
  if (exit.code !== 0) {
    throw new Error(`usage-meter ${args.join(' ')}: ${describe(exit)}\n${heard.output()}`);
  }
  return heard.output();
}

/** A port that was free a moment ago: for a receiver that has to come back where it was. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function listenTo(child: ChildProcess, stderrFile?: string) {
  const said: string[] = [];
  const file = stderrFile === undefined ? undefined : openFile(stderrFile);
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      said.push(String(error));
      resolve({ code: null, signal: null });
    });
    // "close" and not "exit": only then has everything it said arrived.
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const firstLine = new Promise<string>((resolve) => {
    const lines = createInterface({ input: child.stdout! });
    lines.once('line', (line) => resolve(line));
    lines.on('line', (line) => remember(said, line));
  });
  createInterface({ input: child.stderr! }).on('line', (line) => {
    remember(said, line);
    file?.write(`${line}\n`);
  });
  return { exited, firstLine, output: () => said.join('\n') };
}

/** A receiver that logs every request must not fill the tests' memory. */
function remember(said: string[], line: string): void {
  said.push(line);
  if (said.length > 2000) said.splice(0, 1000);
}

function openFile(path: string) {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
  return createWriteStream(path, { flags: 'a' });
}

function parseFirstLine(line: string, output: () => string): { url: string; port: number } {
  try {
    const said: unknown = JSON.parse(line);
    if (
      typeof said === 'object' &&
      said !== null &&
      'url' in said &&
      'port' in said &&
      typeof said.url === 'string' &&
      typeof said.port === 'number'
    ) {
      return { url: said.url, port: said.port };
    }
  } catch {
    // Falls through to the message below, which shows the line.
  }
  throw new Error(`the receiver's first line is not the JSON that was promised: ${line}\n${output()}`);
}

/** The shell's own settings of the receiver or of exporters would change what is tested. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(USAGE_METER_|OTEL_|NODE_OPTIONS$|VITEST)/.test(name)) environment[name] = value;
  }
  return environment;
}

function describe({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/** Where the receiver keeps its ledger. */
export function ledgerPath(dataDir: string): string {
  return join(dataDir, 'ledger.duckdb');
}
