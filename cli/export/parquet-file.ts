/** Rows as a Parquet file, by DuckDB: decimals and nanoseconds exact, rows in their order. */
import { rm } from 'node:fs/promises';
import {
  BIGINT,
  DECIMAL,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBMapValue,
  DuckDBTimestampNanosecondsValue,
  type DuckDBType,
  type DuckDBValue,
  MAP,
  TIMESTAMP_NS,
  VARCHAR,
} from '@duckdb/node-api';
import { instantFromText } from '../../storage/query/instant.ts';
import type { Column, ColumnType } from './columns.ts';

/** Buffers of DuckDB's own. What does not fit stands in the staging file. */
const MEMORY_LIMIT = '512MB';
const WIDTH = 38;
/** What a chunk of DuckDB's holds. */
const CHUNK_ROWS = 2_048;

/** @param path is written anew; a staging file stands beside it meanwhile */
export async function writeParquet<Row>(
  path: string,
  columns: readonly Column<Row>[],
  pages: AsyncIterable<Row[]>,
): Promise<void> {
  const staging = `${path}.staging`;
  await removeDatabase(staging);
  const instance = await DuckDBInstance.create(staging, {
    memory_limit: MEMORY_LIMIT,
    threads: '2',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    try {
      await stage(connection, columns, pages);
      await connection.run(`COPY staged TO ${quoted(path, "'")} (FORMAT parquet, COMPRESSION zstd)`);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
    await removeDatabase(staging);
  }
}

async function stage<Row>(
  connection: DuckDBConnection,
  columns: readonly Column<Row>[],
  pages: AsyncIterable<Row[]>,
): Promise<void> {
  const described = columns.map(({ name, type }) => `${quoted(name, '"')} ${duckType(type)}`);
  await connection.run(`CREATE TABLE staged (${described.join(', ')})`);
  const types = columns.map(({ type }) => duckType(type));
  const appender = await connection.createAppender('staged');
  try {
    for await (const rows of pages) {
      // By chunks, because a map that is appended by itself costs four times as much as all of its row.
      for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
        const part = rows.slice(from, from + CHUNK_ROWS);
        const chunk = DuckDBDataChunk.create(types, part.length);
        for (const [place, { name, type, value }] of columns.entries())
          chunk.setColumnValues(
            place,
            part.map((row) => duckValue(name, type, value(row))),
          );
        appender.appendDataChunk(chunk);
      }
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
}

function duckType(type: ColumnType): DuckDBType {
  switch (type.is) {
    case 'text':
      return VARCHAR;
    case 'integer':
      return BIGINT;
    case 'time':
      return TIMESTAMP_NS;
    case 'map':
      return MAP(VARCHAR, VARCHAR);
    case 'decimal':
      return DECIMAL(WIDTH, type.scale);
  }
}

function duckValue(
  name: string,
  type: ColumnType,
  value: string | number | Record<string, string> | null,
): DuckDBValue {
  if (value === null) return null;
  switch (type.is) {
    case 'text':
      return String(value);
    case 'integer':
      return BigInt(value as number);
    case 'time':
      return new DuckDBTimestampNanosecondsValue(unixNano(value as string));
    case 'map':
      return new DuckDBMapValue(
        Object.entries(value as Record<string, string>).map(([key, text]) => ({ key, value: text })),
      );
    case 'decimal': {
      const scaled = scaledDecimal(value as string, type.scale);
      if (scaled !== null) return new DuckDBDecimalValue(scaled, WIDTH, type.scale);
      throw new Error(
        `${name} ${value} has more digits than a Parquet column of DECIMAL(${WIDTH}, ${type.scale}) holds: ` +
          'export CSV or NDJSON, which hold all of them',
      );
    }
  }
}

/** value × 10^scale of a plain decimal; null where it is none of 38 digits that is exact. */
export function scaledDecimal(text: string, scale: number): bigint | null {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = ''] = match;
  const digits = fraction.replace(/0+$/, '');
  if (digits.length > scale) return null;
  const scaled = BigInt(whole + digits.padEnd(scale, '0'));
  if (scaled >= 10n ** BigInt(WIDTH)) return null;
  return sign === '-' ? -scaled : scaled;
}

function unixNano(text: string): bigint {
  const instant = instantFromText(text, 'UTC');
  if (typeof instant !== 'bigint') throw new Error(`a time of the receiver must be RFC 3339 (got "${text}")`);
  return instant;
}

async function removeDatabase(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.wal`, { force: true });
}

function quoted(text: string, mark: "'" | '"'): string {
  return `${mark}${text.replaceAll(mark, mark + mark)}${mark}`;
}
