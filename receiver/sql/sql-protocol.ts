/** What the receiver and a process that runs analysts' queries say to each other. Rows go over the process's stdout. */
import type { SqlErrorCode, SqlPosition } from './sql-error.ts';

export const SQL_FORMATS = ['json', 'csv', 'parquet', 'arrow'] as const;
export type SqlFormat = (typeof SQL_FORMATS)[number];

export const CONTENT_TYPES: Record<SqlFormat, string> = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  parquet: 'application/vnd.apache.parquet',
  arrow: 'application/vnd.apache.arrow.stream',
};

/** A process's fixed settings, as its only argument: JSON. */
export interface SqlProcessOptions {
  /** The lake's folder, absolute. */
  lakeDirectory: string;
  /** The process's own, for what does not fit in memory; whoever started it removes it. */
  temporaryDirectory: string;
  /** Of DuckDB's buffers. No wall: see sql-pool.ts. */
  memoryBytes: number;
  threads: number;
}

export interface SqlJob {
  sql: string;
  format: SqlFormat;
  /** An answer with more is an error. */
  maxRows: number;
}

export type FromSqlProcess =
  | { type: 'ready' }
  /** Bytes follow. */
  | { type: 'head'; asOf: string }
  /** All bytes were written. */
  | { type: 'done'; bytes: number }
  | { type: 'failed'; code: SqlErrorCode; message: string; position: SqlPosition | null };
