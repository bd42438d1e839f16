/** `usage-meter sql`: a query from the command line, a file, stdin or a person; its answer as it comes. */
import { createWriteStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Shell } from '../shell.ts';
import { UsageError } from '../usage-error.ts';
import { LakeSource, ReceiverSource, type SqlSource } from './sql-source.ts';
import { tableOf } from './sql-table.ts';

export interface SqlFlags {
  file?: string;
  format: 'table' | 'csv' | 'json' | 'parquet' | 'arrow';
  output?: string;
  rows?: string;
  seconds?: string;
  url?: string;
  lake?: string;
}

/** Rows of a table, and of any other answer, unless said otherwise. */
const TABLE_ROWS = 200;
const ANSWER_ROWS = 1_000_000;

/** @throws UsageError, RefusedError, ReceiverError, SqlError */
export async function sql(query: string | undefined, flags: SqlFlags, shell: Shell): Promise<void> {
  const limits = limitsOf(flags);
  if (query !== undefined && flags.file !== undefined)
    throw new UsageError('a query is on the command line or in --file, not both');
  if (
    (flags.format === 'parquet' || flags.format === 'arrow') &&
    flags.output === undefined &&
    shell.output.isTTY
  )
    throw new UsageError('Parquet and Arrow are no text: name a file with --output, or send it on with |');
  const source = await sourceOf(flags, shell);
  try {
    const given = query ?? (flags.file === undefined ? undefined : await fileText(flags.file));
    if (given === undefined && shell.input.isTTY) {
      const { askInteractively } = await import('./interactive.ts');
      await askInteractively(
        source,
        { rows: Number(flags.rows ?? TABLE_ROWS), seconds: limits.seconds },
        shell,
      );
    } else {
      await answer(source, given ?? (await text(shell.input)), flags, limits, shell);
    }
  } finally {
    await source.close();
  }
}

async function answer(
  source: SqlSource,
  query: string,
  { format, output }: SqlFlags,
  limits: { rows: number; seconds: number },
  shell: Shell,
): Promise<void> {
  if (format === 'table') {
    const { lines, note } = await tableOf(source, query, limits, shell.width);
    const shown = `${lines.join('\n')}\n`;
    if (output === undefined) shell.output.write(shown);
    else await pipeline(Readable.from([shown]), createWriteStream(output));
    if (note !== null) shell.note(note);
    return;
  }
  const { bytes } = await source.ask({ query, format, ...limits, signal: new AbortController().signal });
  if (output === undefined) {
    // The terminal, or whoever reads, stays open.
    await pipeline(bytes, shell.output as Writable, { end: false });
    return;
  }
  try {
    await pipeline(bytes, createWriteStream(output));
  } catch (error) {
    // Half an answer must not look like one.
    await rm(output, { force: true });
    throw error;
  }
}

async function sourceOf({ lake, url }: SqlFlags, shell: Shell): Promise<SqlSource> {
  if (lake === undefined) return new ReceiverSource(url, shell);
  if (url !== undefined) throw new UsageError('--lake asks no receiver: leave --url out');
  const directory = resolve(lake);
  if ((await stat(directory).catch(() => null)) === null)
    throw new UsageError(`--lake: there is no folder ${directory}`);
  return new LakeSource(directory);
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--file: ${(error as Error).message}`);
  }
}

function limitsOf({ rows, seconds, format }: SqlFlags): { rows: number; seconds: number } {
  if (rows !== undefined && !/^[1-9]\d{0,7}$/.test(rows))
    throw new UsageError(`--rows must be a whole number from 1 to 99999999 (got "${rows}")`);
  const time = seconds === undefined ? 60 : Number(seconds);
  if (!(time > 0 && time <= 300))
    throw new UsageError(`--seconds must be a number up to 300 (got "${seconds}")`);
  return {
    rows: rows === undefined ? (format === 'table' ? TABLE_ROWS : ANSWER_ROWS) : Number(rows),
    seconds: time,
  };
}
