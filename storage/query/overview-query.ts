/** What an overview shows of the ledger: today's records, who used most, what was not counted. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import { RESOLUTION_OPEN } from '../duckdb/schema.ts';
import { IS_RECORD } from '../duckdb/usage-totals.ts';
import { codeName, type QuarantineCode } from '../quarantine-codes.ts';
import { textFromInstant } from './instant.ts';
import { instant, runSum, scaledSum } from './statement.ts';

/** Dimensions of one reason that are told; the others are in its signals all the same. */
const MOST_DIMENSIONS = 20;

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

export interface QuarantineTotal {
  reason: QuarantineCode;
  /** Open ones; each counts once however often it came. */
  signals: number;
  /** When one of them came last, RFC 3339 in UTC. */
  lastSeen: string;
  /** What they would have counted, by dimension, the most signals first; quantities of several do not add up. */
  dimensions: QuarantineAtStake[];
}

export interface QuarantineAtStake {
  /** null where the signals name none. */
  dimensionId: string | null;
  signals: number;
  /** An exact decimal; null where none has a value that is a quantity. */
  quantity: string | null;
}

export interface OverviewAnswer {
  /** Records with a timestamp of today. */
  recordsToday: number;
  /** The most records first; those of an id that was deleted are left out. */
  topCustomers: { customerId: string; name: string | null; records: number }[];
  /** In the order in which the reasons apply. */
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
    quarantine: await queryQuarantineTotals(connection),
  };
}

/** All that is in quarantine, by reason. */
export async function queryQuarantineTotals(connection: DuckDBConnection): Promise<QuarantineTotal[]> {
  const read = await runSum(connection, (sums) => {
    const sum = sums.of('quantity');
    return `SELECT code, dimension_id, count(*) AS signals, count(quantity), coalesce(${sum.whole}, 0),
        coalesce(${sum.rest}, 0), epoch_ns(max(last_seen))
      FROM stored.quarantine WHERE resolution = '${RESOLUTION_OPEN}'
      GROUP BY code, dimension_id ORDER BY code, signals DESC, dimension_id NULLS FIRST`;
  });
  const totals = new Map<QuarantineCode, QuarantineTotal & { last: bigint }>();
  for (const [code, dimensionId, count, quantities, whole, rest, last] of read) {
    const reason = codeName(Number(code));
    const total = totals.get(reason) ?? { reason, signals: 0, lastSeen: '', dimensions: [], last: 0n };
    totals.set(reason, total);
    total.signals += Number(count);
    if ((last as bigint) > total.last) total.last = last as bigint;
    if (total.dimensions.length === MOST_DIMENSIONS) continue;
    total.dimensions.push({
      dimensionId: dimensionId as string | null,
      signals: Number(count),
      quantity: quantities === 0n ? null : textFromScaled(scaledSum(whole, rest)),
    });
  }
  return [...totals.values()].map(({ last, ...total }) => ({ ...total, lastSeen: textFromInstant(last) }));
}

export interface FirstRunAnswer {
  /** Whether a usage record ever came that counts. */
  hasRecords: boolean;
  quarantine: QuarantineTotal[];
}

export async function queryFirstRun(connection: DuckDBConnection): Promise<FirstRunAnswer> {
  const reader = await connection.runAndReadAll(`SELECT 1 FROM stored.usage WHERE ${IS_RECORD} LIMIT 1`);
  return { hasRecords: reader.currentRowCount > 0, quarantine: await queryQuarantineTotals(connection) };
}
