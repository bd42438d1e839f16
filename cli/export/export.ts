/** `usage-meter export`: records or usage of one state of the ledger, page by page into a file or to stdout. */
import { createWriteStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Temporal } from 'temporal-polyfill';
import { type FilterFlags, filterParams, named, optional, rangeParams } from '../flags.ts';
import { Progress } from '../progress.ts';
import { type Range, type RangeFlags, readRange } from '../range.ts';
import { type Params, ReceiverApi, type ReceiverFlags, RefusedError } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { counted } from '../text-table.ts';
import { usageParams } from '../usage/query.ts';
import { UsageRow } from '../usage/usage-row.ts';
import { UsageError } from '../usage-error.ts';
import { type Column, RECORD_COLUMNS, UsageRecord, usageColumns } from './columns.ts';
import { csvLines, ndjsonLines } from './text-writers.ts';

export const FORMATS = ['csv', 'ndjson', 'parquet'] as const;
type Format = (typeof FORMATS)[number];

export interface ExportFlags extends RangeFlags, FilterFlags, ReceiverFlags {
  format?: Format;
  output?: string;
  /** Of records. */
  meter?: string[];
  asOf?: string;
  /** Of usage. */
  window?: string;
  anchor?: string;
  groupBy?: string;
  fill?: boolean;
}

/** For how long a receiver that restarts is waited for: an export of hours goes on after it. */
const PATIENCE_MS = 60_000;

/** @throws UsageError, RefusedError, ReceiverError */
export async function exportRecords(flags: ExportFlags, shell: Shell): Promise<void> {
  const target = targetOf(flags);
  const range = rangeOf(flags);
  await untilStopped(flags, shell, (api) => recordsTo(target, range, api, flags, shell));
}

async function recordsTo(
  target: Target,
  range: Range,
  api: ReceiverApi,
  flags: ExportFlags,
  shell: Shell,
): Promise<void> {
  const about: Params = [...rangeParams(range, flags), ...filterParams(flags)];
  // What other meters counted cannot be told apart there.
  const total = flags.meter === undefined ? await recordCount(api, about, flags.asOf) : null;
  const asOf = flags.asOf ?? (await api.presentState());
  const params: Params = [...about, ...named('meterId', flags.meter), ['asOf', asOf]];
  const pages = api.pages('/records', params, UsageRecord);
  await write({ what: 'record', target, range, asOf, total, pages, columns: RECORD_COLUMNS }, flags, shell);
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function exportUsage(flags: ExportFlags, shell: Shell): Promise<void> {
  const target = targetOf(flags);
  const range = rangeOf(flags);
  await untilStopped(flags, shell, async (api) => {
    const asOf = flags.asOf ?? (await api.presentState());
    const pages = api.pages('/usage', usageParams({ ...flags, asOf }, range), UsageRow);
    const columns = usageColumns(flags.groupBy);
    await write({ what: 'row', target, range, asOf, total: null, pages, columns }, flags, shell);
  });
}

/** Ctrl-C ends it in order: what was begun is removed. */
async function untilStopped(
  flags: ExportFlags,
  shell: Shell,
  run: (api: ReceiverApi) => Promise<void>,
): Promise<void> {
  const stopping = new AbortController();
  const stop = () => stopping.abort(new Error('stopped'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    await run(new ReceiverApi(flags, shell, { patienceMs: PATIENCE_MS, signal: stopping.signal }));
  } catch (error) {
    throw stopping.signal.aborted ? stopping.signal.reason : error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

interface Export<Row> {
  /** What a row is. */
  what: string;
  target: Target;
  range: Range;
  /** Which state of the ledger. */
  asOf: string;
  /** Rows, where it is known. */
  total: number | null;
  pages: AsyncGenerator<{ rows: Row[] }>;
  columns: readonly Column<Row>[];
}

async function write<Row>(exported: Export<Row>, flags: ExportFlags, shell: Shell): Promise<void> {
  const { what, target, range, asOf, total, columns } = exported;
  const progress = new Progress(shell.errors, total);
  progress.phase(target.path ?? 'export');
  let rows = 0;
  async function* pages(): AsyncGenerator<Row[]> {
    for await (const page of exported.pages) {
      rows += page.rows.length;
      progress.advance(page.rows.length);
      progress.countRows(page.rows.length);
      yield page.rows;
    }
  }
  try {
    if (target.path === null) {
      await pipeline(lines(target.format, columns, pages()), shell.output, { end: false });
      return;
    }
    await intoFile(target.path, target.format, columns, pages());
  } finally {
    progress.end();
  }
  const { size } = await stat(target.path);
  const { format, path } = target;
  if (flags.json) shell.printJson({ output: path, format, rows, bytes: size, ...range, asOf });
  else shell.print(`${counted(rows, what)} in ${path} (${counted(size, 'byte')}), as of ${asOf}`);
}

/** The file is there when it is whole and on disk. */
async function intoFile<Row>(
  path: string,
  format: Format,
  columns: readonly Column<Row>[],
  pages: AsyncIterable<Row[]>,
): Promise<void> {
  const part = `${path}.part`;
  try {
    if (format === 'parquet') {
      const { writeParquet } = await import('./parquet-file.ts');
      await writeParquet(part, columns, pages);
    } else {
      await pipeline(lines(format, columns, pages), createWriteStream(part));
    }
    const handle = await open(part, 'r');
    await handle.sync();
    await handle.close();
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function lines<Row>(
  format: Format,
  columns: readonly Column<Row>[],
  pages: AsyncIterable<Row[]>,
): AsyncGenerator<string> {
  return format === 'csv' ? csvLines(columns, pages) : ndjsonLines(pages);
}

interface Target {
  /** null: stdout. */
  path: string | null;
  format: Format;
}

/** The format is said, or the file's name says it. @throws UsageError */
function targetOf({ output, format, json }: ExportFlags): Target {
  const path = output === undefined || output === '-' ? null : output;
  const ending = path === null ? '' : extname(path).slice(1);
  const named = ending === 'jsonl' ? 'ndjson' : FORMATS.find((one) => one === ending);
  const chosen = format ?? named ?? (path === null ? 'csv' : undefined);
  if (chosen === undefined)
    throw new UsageError(`say the --format, ${FORMATS.join(', ')}: "${path}" does not end in one`);
  if (chosen === 'parquet' && path === null)
    throw new UsageError('Parquet is written to a file: name it with --output');
  if (json && path === null)
    throw new UsageError('--json tells about the file of --output; --format ndjson writes rows as JSON');
  return { path, format: chosen };
}

/** @throws UsageError */
function rangeOf(flags: RangeFlags): Range {
  const range = readRange(flags, Temporal.Now.instant());
  if (range !== null) return range;
  throw new UsageError('say what range to export: --month, --day, --last, or --from and --to');
}

/**
 * How many there are, for the progress. Waits for what was acknowledged, so that the state of then has it.
 * @returns null where usage cannot be asked for so: what is wrong with the range, the records' own answer says
 */
async function recordCount(
  api: ReceiverApi,
  about: Params,
  asOf: string | undefined,
): Promise<number | null> {
  const params: Params = [...about, ['fill', 'false'], ...optional('asOf', asOf)];
  let records = 0;
  try {
    for await (const { rows } of api.pages('/usage', params, UsageRow))
      for (const row of rows) records += row.records;
  } catch (error) {
    if (error instanceof RefusedError) return null;
    throw error;
  }
  return records;
}
