/** Rows as a Parquet file, by DuckDB: decimals and nanoseconds exact, rows in their order. */
import { rm } from 'node:fs/promises';
import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBMapValue,
  DuckDBTimestampNanosecondsValue,
  MAP,
  VARCHAR,
} from '@duckdb/node-api';
import { instantFromText } from '../../storage/query/instant.ts';
import type { Column, ColumnType } from './columns.ts';

/** Buffers of DuckDB's own. What does not fit stands in the staging file. */
const MEMORY_LIMIT = '512MB';
const WIDTH = 38;

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
  const described = columns.map(({ name, type }) => `${quoted(name, '"')} ${sqlType(type)}`);
  await connection.run(`CREATE TABLE staged (${described.join(', ')})`);
  const appender = await connection.createAppender('staged');
  try {
    for await (const rows of pages) {
      for (const row of rows) {
        for (const { name, type, value } of columns) append(appender, name, type, value(row));
        appender.endRow();
      }
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
}

function sqlType(type: ColumnType): string {
  switch (type.is) {
    case 'text':
      return 'VARCHAR';
    case 'integer':
      return 'BIGINT';
    case 'time':
      return 'TIMESTAMP_NS';
    case 'map':
      return 'MAP(VARCHAR, VARCHAR)';
    case 'decimal':
      return `DECIMAL(${WIDTH}, ${type.scale})`;
  }
}

function append(
  appender: DuckDBAppender,
  name: string,
  type: ColumnType,
  value: string | number | Record<string, string> | null,
): void {
  if (value === null) {
    appender.appendNull();
    return;
  }
  switch (type.is) {
    case 'text':
      appender.appendVarchar(String(value));
      return;
    case 'integer':
      appender.appendBigInt(BigInt(value as number));
      return;
    case 'time':
      appender.appendTimestampNanoseconds(new DuckDBTimestampNanosecondsValue(unixNano(value as string)));
      return;
    case 'map': {
      const entries = Object.entries(value as Record<string, string>).map(([key, text]) => ({
        key,
        value: text,
      }));
      appender.appendMap(new DuckDBMapValue(entries), MAP(VARCHAR, VARCHAR));
      return;
    }
    case 'decimal': {
      const scaled = scaledDecimal(value as string, type.scale);
      if (scaled === null)
        throw new Error(
          `${name} ${value} has more digits than a Parquet column of DECIMAL(${WIDTH}, ${type.scale}) holds: ` +
            'export CSV or NDJSON, which hold all of them',
        );
      appender.appendDecimal(new DuckDBDecimalValue(scaled, WIDTH, type.scale));
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
