/** What an overview shows of the ledger: today's records, who used most, what was not counted. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { IS_RECORD } from '../duckdb/usage-totals.ts';
import { NO_FILTER } from './quarantine-filter.ts';
import { type QuarantineTotal, queryQuarantineTotals } from './quarantine-totals-query.ts';
import { instant } from './statement.ts';

/** Half-open, Unix nanoseconds. */
export interface InstantRange {
  from: bigint;
  to: bigint;
}

/** Plain data: it may be posted to another thread. */
export interface OverviewQuery {
  today: InstantRange;
  /** Of the customers with most records. */
  range: InstantRange;
  /** Customers at most. */
  top: number;
}

export interface OverviewAnswer {
  /** Records with a timestamp of today. */
  recordsToday: number;
  /** The most records first; those of an id that was deleted are left out. */
  topCustomers: { customerId: string; name: string | null; records: number }[];
  /** All that is in quarantine, in the order in which the reasons apply. */
  quarantine: QuarantineTotal[];
}

export async function queryOverview(
  connection: DuckDBConnection,
  { today, range, top }: OverviewQuery,
): Promise<OverviewAnswer> {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const within = ({ from, to }: InstantRange) =>
    `${IS_RECORD} AND time >= ${instant(from)} AND time < ${instant(to)}`;
  const [[recordsToday]] = await rows(`SELECT count(*) FROM stored.usage WHERE ${within(today)}`);
  const customers = await rows(`SELECT c.id, c.name, u.records FROM (
      SELECT customer, count(*) AS records FROM stored.usage WHERE ${within(range)} GROUP BY customer) u
    JOIN stored.customers c USING (customer) WHERE NOT c.deleted
    ORDER BY u.records DESC, c.id LIMIT ${top}`);
  return {
    recordsToday: Number(recordsToday),
    topCustomers: customers.map(([id, name, records]) => ({
      customerId: id as string,
      name: name as string | null,
      records: Number(records),
    })),
    quarantine: (await queryQuarantineTotals(connection, NO_FILTER)).rows,
  };
}

export interface FirstRunAnswer {
  /** Whether a usage record ever came that counts. */
  hasRecords: boolean;
  quarantine: QuarantineTotal[];
}

export async function queryFirstRun(connection: DuckDBConnection): Promise<FirstRunAnswer> {
  const reader = await connection.runAndReadAll(`SELECT 1 FROM stored.usage WHERE ${IS_RECORD} LIMIT 1`);
  const { rows } = await queryQuarantineTotals(connection, NO_FILTER);
  return { hasRecords: reader.currentRowCount > 0, quarantine: rows };
}
