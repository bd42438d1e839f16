/** `usage-meter import`: files of usage into a running receiver, each row once however often it is repeated. */
import { realpath } from 'node:fs/promises';
import { DEFAULT_URL, ReceiverClient, ReceiverError } from '../http-client.ts';
import { Progress, type ProgressOutput } from '../progress.ts';
import { ImportError } from './import-error.ts';
import { type FileOutcome, type ImportContext, importFile } from './import-file.ts';
import { type ImportFlags, type ImportOptions, readFlags } from './import-options.ts';
import { type ImportSummary, summaryText } from './import-summary.ts';
import { type InputFile, inputFiles } from './input-files.ts';
import type { RowMapper } from './mapping.ts';
import { RejectsFile } from './rejects-file.ts';
import { rowMapper } from './source-file.ts';
import { UsageSums } from './usage-sums.ts';

/** Everything was imported. */
export const EXIT_DONE = 0;
/** Nothing could be done, or not to the end: the message says why. Repeating the command goes on. */
export const EXIT_FAILED = 1;
export const EXIT_WRONG_USAGE = 2;
/** Some rows were rejected, or a file could not be read to its end. */
export const EXIT_REJECTED = 3;

/** Where the command runs: a person's terminal, a script, a test. */
export interface ImportShell {
  /** For USAGE_METER_API_KEY. */
  environment: NodeJS.ProcessEnv;
  /** The result, a text of lines. */
  print(text: string): void;
  /** Why there is none, a line. */
  complain(text: string): void;
  /** Of the progress. */
  terminal: ProgressOutput;
  /** Called once, with the exit code. */
  end(exitCode: number): void;
}

/** Pairs of customer and dimension that a dry run shows. */
const SHOWN_SUMS = 20;

/** Runs the command, prints what it did and ends. */
export async function importFiles(
  paths: readonly string[],
  flags: ImportFlags,
  shell: ImportShell,
): Promise<void> {
  const complain = (message: string) => shell.complain(`usage-meter: ${message}`);
  try {
    const options = readFlags(paths, flags, DEFAULT_URL);
    const files = await inputFiles(paths);
    await checkRejectsPath(options.rejectsPath, files);
    const { summary, text } = await run(options, files, shell);
    if (options.isJson) shell.print(JSON.stringify(summary));
    else if (text !== '') shell.print(text);
    if (summary.error !== null) complain(summary.error);
    shell.end(summary.error === null ? exitCodeOf(summary) : EXIT_FAILED);
  } catch (error) {
    if (!(error instanceof ImportError || error instanceof ReceiverError)) throw error;
    complain(error.message);
    shell.end(error.code === 'WRONG_USAGE' || error.code === 'INVALID_URL' ? EXIT_WRONG_USAGE : EXIT_FAILED);
  }
}

function exitCodeOf({ files }: ImportSummary): number {
  if (files.every(({ error, rows }) => error !== null && rows === 0)) return EXIT_FAILED;
  const isWhole = files.every(({ error, rejected }) => error === null && rejected === 0);
  return isWhole ? EXIT_DONE : EXIT_REJECTED;
}

/** @throws ImportError, ReceiverError before anything is sent; later trouble stands in the summary */
async function run(
  options: ImportOptions,
  files: readonly InputFile[],
  shell: ImportShell,
): Promise<{ summary: ImportSummary; text: string }> {
  const { delimiter, isDryRun, url } = options;
  // Nothing is sent before every file is known to have what the mapping needs.
  const mappers: RowMapper[] = [];
  for (const file of files) mappers.push(await rowMapper(file, options));
  const startedAt = Date.now();
  const progress = new Progress(
    shell.terminal,
    files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const client = isDryRun
    ? null
    : new ReceiverClient({
        url,
        apiKey: shell.environment.USAGE_METER_API_KEY,
        patienceMs: options.patienceMs,
        onRetry: (reason, pauseMs) => progress.note(`${reason}: again in ${(pauseMs / 1000).toFixed(1)} s`),
      });
  const rejects = new RejectsFile(options.rejectsPath);
  const context: ImportContext = {
    client,
    delimiter,
    stateFolder: options.stateFolder,
    meaning: meaningOf(options),
    rejects,
    progress,
    sums: isDryRun ? new UsageSums() : null,
  };
  const outcomes: FileOutcome[] = [];
  let failure: string | null = null;
  try {
    // Before a large file is read: whether anybody answers.
    await client?.request({ method: 'GET', path: '/readyz', isRepeatable: true });
    for (const [index, file] of files.entries()) {
      const outcome = emptyOutcome(file.path);
      outcomes.push(outcome);
      await importFile(context, file, mappers[index], outcome).catch((error: unknown) => {
        if (!isAboutFile(error)) throw error;
        outcome.error = error.message;
      });
    }
  } catch (error) {
    if (!(error instanceof ImportError || error instanceof ReceiverError)) throw error;
    failure = `${error.message}${outcomes.length > 0 ? '; repeat the command to go on from here' : ''}`;
  } finally {
    progress.end();
    await rejects.close();
  }
  const summary: ImportSummary = {
    dryRun: isDryRun,
    files: outcomes,
    rejectsFile: rejects.hasAny ? rejects.path : null,
    error: failure,
    ...(context.sums === null ? {} : { sums: context.sums.top(SHOWN_SUMS), pairs: context.sums.pairs }),
    seconds: (Date.now() - startedAt) / 1000,
  };
  const text = outcomes.length === 0 ? '' : summaryText(summary, rejects.examples);
  return { summary, text };
}

/** Everything that makes the same row another record, or sends it elsewhere. */
function meaningOf({ mapping, delimiter, url }: ImportOptions): string {
  const { columns, constants, ...rest } = mapping;
  return JSON.stringify([[...columns].sort(), [...constants].sort(), rest, delimiter, url]);
}

function emptyOutcome(path: string): FileOutcome {
  return {
    path,
    contentHash: null,
    rows: 0,
    stored: 0,
    duplicates: 0,
    acknowledgedEarlier: 0,
    rejected: 0,
    error: null,
  };
}

function isAboutFile(error: unknown): error is ImportError {
  return error instanceof ImportError && (error.code === 'UNREADABLE' || error.code === 'FILE_CHANGED');
}

/** @throws ImportError "WRONG_USAGE" where the rejects would be written over what is imported */
async function checkRejectsPath(rejectsPath: string, files: readonly InputFile[]): Promise<void> {
  const real = await realpath(rejectsPath).catch(() => null);
  if (real === null) return;
  for (const { path } of files)
    if ((await realpath(path)) === real)
      throw new ImportError('WRONG_USAGE', `--rejects ${rejectsPath} is one of the files to import`);
}
