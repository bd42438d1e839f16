/** DuckDB in other processes, as people have it: each opens the lake's catalogue read-only, asks, and closes it. */
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a question was answered with. Queries cast every column to text, so that nobody's numbers lose digits. */
export type Answer =
  | {
      rows: (string | null)[][];
      /** Until the lake was open; null where that cannot be told from the rest. */
      openMs: number | null;
      /** Until the answer was there. */
      ms: number;
    }
  | { error: string };

export interface LakeClient {
  readonly name: string;
  /** One question at a time. */
  ask(query: string): Promise<Answer>;
  close(): Promise<void>;
}

const PYTHON_PROGRAM = fileURLToPath(new URL('./ask.py', import.meta.url));
const BINDING_PROGRAM = fileURLToPath(new URL('./ask.ts', import.meta.url));

/** @param python a Python that has the package duckdb */
export function pythonClient(python: string, catalogue: string): LakeClient {
  return lineClient("DuckDB's Python package", [python, PYTHON_PROGRAM, catalogue]);
}

/** Opens the lake with its first question and keeps it open. */
export function holdingClient(python: string, catalogue: string): LakeClient {
  return lineClient('a session that stays open', [python, PYTHON_PROGRAM, catalogue, '--hold']);
}

export function bindingClient(catalogue: string): LakeClient {
  return lineClient('our binding', [process.execPath, BINDING_PROGRAM, catalogue]);
}

/** A process for each question, as on a shell's line. @param duckdb the program */
export function commandLineClient(duckdb: string, catalogue: string): LakeClient {
  return {
    name: "DuckDB's command line",
    ask(query) {
      const startedAt = performance.now();
      return new Promise((resolve) => {
        const args = ['-no-init', '-readonly', '-json', '-cmd', 'SET threads = 1', '-c', query, catalogue];
        execFile(duckdb, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
          if (error !== null || stderr !== '') return resolve({ error: stderr || error!.message });
          const rows = (JSON.parse(stdout || '[]') as Record<string, string | null>[]).map(Object.values);
          resolve({ rows, openMs: null, ms: performance.now() - startedAt });
        });
      });
    },
    close: async () => {},
  };
}

/** A program that answers a line with a line. */
function lineClient(name: string, [program, ...args]: string[]): LakeClient {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let settle: (answer: Answer) => void = () => {};
  let isClosed = false;
  const closed = new Promise<void>((resolve) => {
    const onEnd = (what: string) => {
      isClosed = true;
      settle({ error: `${program} ended: ${what}` });
      resolve();
    };
    child.once('error', (error) => onEnd(error.message));
    child.once('close', (code, signal) => onEnd(String(signal ?? code)));
  });
  createInterface({ input: child.stdout }).on('line', (line) => settle(JSON.parse(line) as Answer));
  return {
    name,
    ask(query) {
      if (isClosed) return Promise.resolve({ error: `${program} has ended` });
      return new Promise((resolve) => {
        settle = resolve;
        child.stdin.write(`${JSON.stringify(query)}\n`);
      });
    },
    close() {
      child.stdin.end();
      return closed;
    },
  };
}
