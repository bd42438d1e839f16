/** How many usage records a customer or dimension has, and when the newest was, by the ledger's integer keys. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { KIND_CORRECTION } from '../duckdb/schema.ts';
import { BoundValues, type FilterKeys, instant, keyConditions, matchesNothing } from './statement.ts';
import { windowIndex } from './window-index.ts';

/** Rows of stored.usage that are usage records that count. */
const IS_RECORD = `voided_by IS NULL AND kind <> ${KIND_CORRECTION}`;

/**
 * SQL of a table with the columns `by`, records and newest (a timestamp): a row for each that has a record.
 * @param keys whose usage; null = all
 */
export async function usedTable(
  _connection: DuckDBConnection,
  by: 'customer' | 'dimension',
  keys: FilterKeys,
): Promise<string> {
  return `SELECT ${by}, count(*) AS records, max(time) AS newest FROM stored.usage
    WHERE ${[IS_RECORD, ...keyConditions(keys)].join(' AND ')} GROUP BY ${by}`;
}

/**
 * Records of each of these windows, oldest first, by key.
 * @param boundaries Unix nanoseconds: window i is [boundary[i], boundary[i + 1])
 */
export async function activityOf(
  connection: DuckDBConnection,
  by: 'customer' | 'dimension',
  keys: FilterKeys,
  boundaries: readonly bigint[],
): Promise<(key: number) => number[]> {
  const length = boundaries.length - 1;
  const counts = new Map<number, number[]>();
  const of = (key: number) => counts.get(key) ?? new Array<number>(length).fill(0);
  if (matchesNothing(keys)) return of;
  const bound = new BoundValues();
  const { column, table, join } = windowIndex(boundaries, 'activity', bound);
  const times = [`time >= ${instant(boundaries[0])}`, `time < ${instant(boundaries[length])}`];
  const reader = await connection.runAndReadAll(
    `${table === '' ? '' : `WITH ${table.replace(/,$/, '')}`}
    SELECT ${by}, ${column} AS day, count(*) FROM stored.usage ${join}
    WHERE ${[IS_RECORD, ...times, ...keyConditions(keys)].join(' AND ')} GROUP BY ALL`,
    bound.values,
  );
  for (const [key, day, records] of reader.getRows()) {
    const days = of(Number(key));
    days[Number(day)] = Number(records);
    counts.set(Number(key), days);
  }
  return of;
}
