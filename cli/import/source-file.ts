/** One file of an import, whatever its format: its columns, its content's hash, its rows. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { CsvReader } from './csv-reader.ts';
import { ImportError } from './import-error.ts';
import type { InputFile } from './input-files.ts';
import { type MappingOptions, mapObjects, mapTable, type RowMapper } from './mapping.ts';
import { NdjsonReader } from './ndjson-reader.ts';
import { ParquetReader } from './parquet-reader.ts';
import type { SourceRow } from './source-row.ts';
import { contentOf, textBlocks } from './text-blocks.ts';

export interface SourceOptions {
  /** Between the columns of .csv files. */
  delimiter: string;
  mapping: MappingOptions;
}

/** Hex digits of the content's SHA-256 that stand for it. */
const HASH_DIGITS = 32;
/** Rows that are handed on at once. */
const SLICE_ROWS = 2000;

/**
 * How the rows of a file become usage records.
 * @throws ImportError "WRONG_MAPPING", "UNREADABLE"; the message names the file
 */
export async function rowMapper(file: InputFile, { delimiter, mapping }: SourceOptions): Promise<RowMapper> {
  return naming(file, async () => {
    if (file.format === 'ndjson') return mapObjects(mapping);
    if (file.format === 'parquet') {
      const reader = await ParquetReader.open(file.path);
      try {
        return mapTable(mapping, reader.columns);
      } finally {
        reader.close();
      }
    }
    const names = await headerOf(file, delimiter);
    try {
      return mapTable(
        mapping,
        names.map((name) => ({ name })),
      );
    } catch (error) {
      const hint = names.length === 1 ? otherDelimiter(names[0]) : '';
      if (!(error instanceof ImportError) || hint === '') throw error;
      throw new ImportError(error.code, error.message + hint);
    }
  });
}

/**
 * The first 32 hex digits of the SHA-256 of what the file holds; of gzip that is what it inflates to.
 * @param onBytes told of each piece read, in bytes of the file
 * @throws ImportError "UNREADABLE"
 */
export async function contentHash(file: InputFile, onBytes?: (bytes: number) => void): Promise<string> {
  return naming(file, async () => {
    const hash = createHash('sha256');
    for await (const bytes of contentOf(file.path, file.isGzip, onBytes)) hash.update(bytes);
    return hash.digest('hex').slice(0, HASH_DIGITS);
  });
}

/**
 * The rows of a file, in its order.
 * @param onBytes told of each piece read, in bytes of the file
 * @throws ImportError "UNREADABLE"; rows before that have been given
 */
export async function* sourceRows(
  file: InputFile,
  mapper: RowMapper,
  delimiter: string,
  onBytes: (bytes: number) => void,
): AsyncGenerator<SourceRow[]> {
  try {
    if (file.format === 'parquet') {
      yield* parquetRows(file, mapper, onBytes);
      return;
    }
    const reader =
      file.format === 'ndjson' ? new NdjsonReader() : new CsvReader(delimiterOf(file, delimiter));
    for await (const block of textBlocks(contentOf(file.path, file.isGzip, onBytes)))
      yield* slices(reader.push(block));
    if (reader instanceof CsvReader) yield* slices(reader.end());
  } catch (error) {
    throw named(file, error);
  }
}

/** What tells that somebody has written to a file. */
export async function stampOf(file: InputFile): Promise<string> {
  return naming(file, async () => {
    const { size, mtimeNs, ino } = await stat(file.path, { bigint: true });
    return `${ino}:${size}:${mtimeNs}`;
  });
}

async function* parquetRows(
  file: InputFile,
  mapper: RowMapper,
  onBytes: (bytes: number) => void,
): AsyncGenerator<SourceRow[]> {
  const reader = await ParquetReader.open(file.path);
  try {
    for await (const rows of reader.rows(mapper.used)) {
      onBytes((file.bytes * rows.length) / reader.rowCount);
      yield rows;
    }
  } finally {
    reader.close();
  }
}

function* slices(rows: SourceRow[]): Generator<SourceRow[]> {
  for (let at = 0; at < rows.length; at += SLICE_ROWS) yield rows.slice(at, at + SLICE_ROWS);
}

async function headerOf(file: InputFile, delimiter: string): Promise<string[]> {
  const reader = new CsvReader(delimiterOf(file, delimiter));
  for await (const block of textBlocks(contentOf(file.path, file.isGzip))) {
    reader.push(block);
    if (reader.header !== null) return reader.header;
  }
  reader.end();
  if (reader.header === null) throw new ImportError('UNREADABLE', 'is empty: it has no header');
  return reader.header;
}

function delimiterOf(file: InputFile, delimiter: string): string {
  return file.format === 'tsv' ? '\t' : delimiter;
}

function otherDelimiter(header: string): string {
  const found = [';', '\t', '|', ','].find((delimiter) => header.includes(delimiter));
  if (found === undefined) return '';
  return ` (are its columns separated by "${found === '\t' ? '\\t' : found}"? --delimiter says so)`;
}

async function naming<T>(file: InputFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw named(file, error);
  }
}

function named(file: InputFile, error: unknown): ImportError {
  if (error instanceof ImportError)
    return new ImportError(error.code, `${file.path} ${error.message}`, error);
  const message = error instanceof Error ? error.message : String(error);
  return new ImportError('UNREADABLE', `${file.path} cannot be read: ${message}`, error);
}
