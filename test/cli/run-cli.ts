/** Runs a command of the CLI to its end, whatever that is. */
import { type ChildProcess, spawn } from 'node:child_process';
import { COMMAND } from '../support/receiver-process.ts';

export interface CliEnd {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Told of the process as it starts. */
  onStart?: (child: ChildProcess) => void;
}

export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(USAGE_METER_|NODE_OPTIONS$|VITEST)/.test(name)),
  );
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd: options.cwd,
    env: { ...environment, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end: CliEnd = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    end.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    end.stderr += text;
  });
  options.onStart?.(child);
  await new Promise((resolve) => child.once('close', resolve));
  return { ...end, code: child.exitCode };
}
