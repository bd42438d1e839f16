/** The command line: which sub-commands there are, and how the end of each is told. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { ConfigError } from '../receiver/config-error.ts';
import { addCompletionCommand } from './completion/command.ts';
import { addExportCommand } from './export/command.ts';
import { ReceiverError } from './http-client.ts';
import { importCommand } from './import/command.ts';
import type { ImportShell } from './import/import-run.ts';
import { addMetersCommand } from './meters/command.ts';
import { addPeriodCommands } from './periods/command.ts';
import { addQuarantineCommand } from './quarantine/command.ts';
import { RefusedError } from './receiver-api.ts';
import { addRecordsCommand } from './records/command.ts';
import { addResourceCommands } from './resources/command.ts';
import { addServerCommands } from './server/command.ts';
import { EXIT, processShell, type Shell } from './shell.ts';
import { addSqlCommand } from './sql/command.ts';
import { addLakeCommand } from './sql/lake-command.ts';
import { DEFAULT_WIDTH } from './text-table.ts';
import { addUsageCommands } from './usage/command.ts';
import { UsageError } from './usage-error.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 3 done in part.`;

/** The command with all that is below it. */
export function program(shell: Shell): Command {
  const program = new Command('usage-meter')
    .description('Billing-grade usage metering from OpenTelemetry')
    .version(release(), '-V, --version', 'the release')
    .addHelpText('after', EXIT_CODES)
    .configureOutput({
      writeOut: (text) => shell.output.write(text),
      writeErr: (text) => shell.errors.write(text),
      getOutHelpWidth: () => helpWidth(shell.output),
      getErrHelpWidth: () => helpWidth(shell.errors),
    })
    .exitOverride();
  addServerCommands(program, shell);
  addUsageCommands(program, shell);
  addSqlCommand(program, shell);
  addLakeCommand(program, shell);
  addRecordsCommand(program, shell);
  addResourceCommands(program, shell);
  addQuarantineCommand(program, shell);
  addExportCommand(program, shell);
  addPeriodCommands(program, shell);
  program.addCommand(importCommand(importShell(shell)).copyInheritedSettings(program));
  addMetersCommand(program, shell);
  addCompletionCommand(program, shell);
  return program;
}

/** By the package's own name, because the sources and what is built of them stand at different depths. */
function release(): string {
  const { version } = createRequire(import.meta.url)('otel-usage-meter/package.json') as { version: string };
  return version;
}

function helpWidth({ columns }: { columns?: number }): number {
  return columns ?? DEFAULT_WIDTH;
}

/** Runs a command of this process and sets its exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  const shell = processShell();
  // Whoever reads the output has read enough, as head does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT.done);
  });
  const code = await runCommand(argv.slice(2), shell);
  if (code !== EXIT.done) process.exitCode = code;
}

/**
 * Runs a command.
 * @param args as typed behind `usage-meter`
 * @returns the exit code, see {@link EXIT}
 */
export async function runCommand(args: readonly string[], shell: Shell): Promise<number> {
  try {
    await program(shell).parseAsync(args, { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    return failed(error, shell);
  }
}

function failed(error: unknown, shell: Shell): number {
  // It has said why by itself; help is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUsage;
  if (error instanceof z.ZodError) {
    const [{ path, message }] = error.issues;
    shell.note(
      `usage-meter: the receiver answers otherwise than this release expects (${path.join('.')}: ${message}): ` +
        'use the usage-meter of its release',
    );
    return EXIT.failed;
  }
  // Each problem of a file is a line that editors can follow.
  if (error instanceof ConfigError) {
    shell.note(error.message);
    return EXIT.failed;
  }
  shell.note(`usage-meter: ${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof UsageError) return EXIT.wrongUsage;
  if (error instanceof ReceiverError && error.code === 'INVALID_URL') return EXIT.wrongUsage;
  // A parameter at fault was a flag.
  if (error instanceof RefusedError && error.problem.parameter !== undefined) return EXIT.wrongUsage;
  return EXIT.failed;
}

function importShell(shell: Shell): ImportShell {
  return {
    environment: shell.environment,
    print: (text) => shell.print(text),
    complain: (text) => shell.note(text),
    terminal: shell.errors,
    end: (exitCode) => {
      shell.exitCode = exitCode;
    },
  };
}
