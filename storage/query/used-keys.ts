/** How many usage records a customer or dimension has, and when the newest was, by the ledger's integer keys. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { IS_RECORD } from '../duckdb/usage-totals.ts';
import { BoundValues, type FilterKeys, instant, keyConditions, matchesNothing } from './statement.ts';
import { windowIndex } from './window-index.ts';

/** Of more customers and dimensions with voided records, all usage is read. */
const MOST_VOIDED = 1_000;

/** How far the totals that are kept can be used. */
export interface KeptTotals {
  /** They are of the frames up to this one; 0: of none. */
  through: number;
  /** Customers and dimensions of which records were voided since: (customer, dimension), as SQL. */
  voided: string[];
}

/** Asks for them before {@link usedTable}, in the same snapshot. */
export async function keptTotals(connection: DuckDBConnection): Promise<KeptTotals> {
  const state = await connection.runAndReadAll(
    'SELECT through_sequence, as_of_sequence FROM stored.usage_totals_state',
  );
  const [through, asOf] = state.getRows()[0].map(Number);
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT customer, dimension FROM stored.usage
    WHERE voided_by > ${asOf} AND sequence <= ${through} LIMIT ${MOST_VOIDED + 1}`,
  );
  const voided = reader.getRows().map(([customer, dimension]) => `(${customer}, ${dimension})`);
  return voided.length > MOST_VOIDED ? { through: 0, voided: [] } : { through, voided };
}

/**
 * SQL of a table with the columns `by`, records and newest (a timestamp): a row for each that has a record.
 * @param keys whose usage; null = all
 */
export function usedTable(
  by: 'customer' | 'dimension',
  keys: FilterKeys,
  { through, voided }: KeptTotals,
): string {
  const ofKeys = keyConditions(keys);
  const where = (...conditions: string[]) => `WHERE ${[...conditions, ...ofKeys].join(' AND ')}`;
  const counted = (condition: string) => `SELECT ${by}, count(*) AS records, max(time) AS newest
    FROM stored.usage ${where(IS_RECORD, condition)} GROUP BY ${by}`;
  const parts = [counted(`sequence > ${through}`)];
  const isVoided = `(customer, dimension) IN (${voided.join(', ')})`;
  if (through > 0)
    parts.push(
      `SELECT ${by}, records, newest FROM stored.usage_totals
        ${where(voided.length === 0 ? 'true' : `NOT ${isVoided}`)}`,
    );
  if (voided.length > 0) parts.push(counted(`sequence <= ${through} AND ${isVoided}`));
  if (parts.length === 1) return parts[0];
  return `SELECT ${by}, sum(records)::BIGINT AS records, max(newest) AS newest
    FROM (${parts.join('\nUNION ALL ')}) GROUP BY ${by}`;
}

/** The dimensions of which customers have, or ever had, a row: voided ones too, which earlier states count. */
export async function everUsed(connection: DuckDBConnection, keys: FilterKeys): Promise<Set<number>> {
  const state = await connection.runAndReadAll('SELECT through_sequence FROM stored.usage_totals_state');
  const [[through]] = state.getRows();
  const parts = [
    ['stored.usage_totals', 'true'],
    ['stored.usage', `sequence > ${through}`],
    ['stored.usage', 'voided_by IS NOT NULL'],
  ].map(
    ([table, condition]) =>
      `SELECT dimension FROM ${table} WHERE ${[condition, ...keyConditions(keys)].join(' AND ')}`,
  );
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT dimension FROM (${parts.join(' UNION ALL ')})`,
  );
  return new Set(reader.getRows().map(([dimension]) => Number(dimension)));
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
