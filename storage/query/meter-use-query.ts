/** What each meter counted in the last days, and what of its signals is in quarantine: beside lists of meters. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { RESOLUTION_OPEN } from '../duckdb/schema.ts';
import { IS_RECORD } from '../duckdb/usage-totals.ts';
import { codeName, type QuarantineCode } from '../quarantine-codes.ts';
import { textFromInstant } from './instant.ts';
import { BoundValues, instant } from './statement.ts';
import { windowIndex } from './window-index.ts';

/** Plain data: it may be posted to another thread. */
export interface MeterUseQuery {
  meterIds: string[];
  /** Boundaries of the days whose records are counted one by one, Unix nanoseconds, oldest first. */
  activity: bigint[];
}

/** Of one meter, all its versions together. */
export interface MeterUse {
  meterId: string;
  /** Usage records of all these days that count, without corrections of running totals. */
  records: number;
  /** Timestamp of the newest of them, RFC 3339 in UTC; null where these days have none. */
  lastSeen: string | null;
  /** How many of them each day has, oldest first. */
  activity: number[];
  /** Signals that nobody settled yet, by reason, in the order in which the reasons apply. */
  quarantined: { reason: QuarantineCode; signals: number }[];
}

/** One for each meter that was asked for, in that order. Its statements have to see one snapshot of the ledger. */
export async function queryMeterUse(
  connection: DuckDBConnection,
  { meterIds, activity }: MeterUseQuery,
): Promise<MeterUse[]> {
  const days = activity.length - 1;
  const uses = new Map(
    meterIds.map((meterId): [string, MeterUse] => [
      meterId,
      { meterId, records: 0, lastSeen: null, activity: new Array<number>(days).fill(0), quarantined: [] },
    ]),
  );
  if (uses.size === 0) return [];
  const rowsOf = async (sql: (bound: BoundValues) => string): Promise<DuckDBValue[][]> => {
    const bound = new BoundValues();
    return (await connection.runAndReadAll(sql(bound), bound.values)).getRows();
  };
  const isAsked = (bound: BoundValues) => `meter_id IN (${meterIds.map((id) => bound.text(id)).join(', ')})`;

  // The join is with the table itself: DuckDB knows the range of its keys and makes an array of it, half the cost.
  for (const [meterId, day, records, newest] of await rowsOf((bound) => {
    const { column, table, join } = windowIndex(activity, 'activity', bound);
    return `${table === '' ? '' : `WITH ${table.replace(/,$/, '')}`}
    SELECT meter_id, ${column} AS day, count(*), epoch_ns(max(time))
    FROM stored.usage JOIN stored.series USING (series) ${join}
    WHERE ${IS_RECORD} AND time >= ${instant(activity[0])} AND time < ${instant(activity[days])} AND ${isAsked(bound)}
    GROUP BY ALL ORDER BY day`;
  })) {
    const use = uses.get(meterId as string)!;
    use.records += Number(records);
    use.activity[Number(day)] = Number(records);
    use.lastSeen = textFromInstant(newest as bigint);
  }
  for (const [meterId, code, signals] of await rowsOf(
    (bound) => `SELECT meter_id, code, count(*) FROM stored.quarantine JOIN stored.series USING (series)
    WHERE resolution = '${RESOLUTION_OPEN}' AND ${isAsked(bound)} GROUP BY ALL ORDER BY code`,
  ))
    uses
      .get(meterId as string)!
      .quarantined.push({ reason: codeName(Number(code)), signals: Number(signals) });
  return [...uses.values()];
}
