/** Runs `usage-meter import`: here, or in a process of its own, as users do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { importCommand } from '../../cli/import/command.ts';
import type { ImportSummary } from '../../cli/import/import-summary.ts';
import { COMMAND } from './receiver-process.ts';

export interface ImportRun {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface StartedImport {
  child: ChildProcess;
  ended: Promise<ImportRun>;
}

export function startImport(
  args: readonly string[],
  environment: Record<string, string> = {},
): StartedImport {
  const child = spawn(process.execPath, [COMMAND, 'import', ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const ended = new Promise<ImportRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...said }));
  });
  return { child, ended };
}

/** In this process: its flags, its work and its output are those of the command. */
export async function runImport(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<ImportRun> {
  const run: ImportRun = { code: null, signal: null, stdout: '', stderr: '' };
  const complain = (text: string) => {
    run.stderr += text;
  };
  const command = importCommand({
    environment,
    print: (text) => {
      run.stdout += `${text}\n`;
    },
    complain,
    terminal: { write: complain },
    end: (exitCode) => {
      run.code = exitCode;
    },
  });
  await command.parseAsync(args, { from: 'user' });
  return run;
}

/** With --json. @throws Error with what it said, where it printed no summary */
export async function importSummary(
  args: readonly string[],
): Promise<{ code: number | null; summary: ImportSummary }> {
  const { code, stdout, stderr } = await runImport([...args, '--json']);
  try {
    return { code, summary: JSON.parse(stdout) as ImportSummary };
  } catch {
    throw new Error(`import ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`);
  }
}
