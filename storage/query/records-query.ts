/** Usage records as they are stored: GET /api/v1/records. */
import type { DuckDBConnection, DuckDBDecimalValue } from '@duckdb/node-api';
import { z } from 'zod';
import { textFromScaled } from '../decimal.ts';
import { KIND_CORRECTION, KIND_RECORD } from '../duckdb/schema.ts';
import { RECORD_ID } from '../duckdb/views.ts';
import { type CursorPosition, cursorPosition, cursorText, fingerprint } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { QueryParameters, type UsageFilter } from './parameters.ts';
import {
  BoundValues,
  behind,
  filterKeys,
  instant,
  keyConditions,
  matchesNothing,
  seriesConditions,
} from './statement.ts';

/** A question that {@link parseRecordsQuery} found well-formed. Plain data: it may be posted to another thread. */
export interface RecordsQuery extends UsageFilter {
  /** Unix nanoseconds, included. */
  from: bigint;
  /** Unix nanoseconds, excluded. */
  to: bigint;
  /** Rows of this page at most. */
  limit: number;
  /** Time (Unix nanoseconds) and row of the last record of the page before. */
  after: CursorPosition | null;
}

/** One stored usage record; the sum over a range's records is its usage. */
export interface UsageRecord {
  /** Derived from the identity of the point, as in the view usage_records. */
  recordId: string;
  customerId: string;
  dimensionId: string;
  /** Exact decimal in the dimension's unit. */
  recordValue: string;
  unit: string;
  /** RFC 3339 in UTC, to the nanosecond. */
  timestamp: string;
  /** Begin of the record's period, where it is known. */
  startTime?: string;
  metadata: Record<string, string>;
  meterId: string;
  /**
   * `record`: a delta as it came. `increment`: the growth of a running total. `correction`: of an increment, by a
   * reading that came late; not counted among `records`.
   */
  kind: 'record' | 'increment' | 'correction';
}

/** Rows by timestamp, then in the order in which they were stored. */
export interface RecordsAnswer {
  rows: UsageRecord[];
  /** Asks for the next page; null on the last one. */
  nextCursor: string | null;
}

const PARAMETERS = [
  'customerId',
  'dimensionId',
  'from',
  'to',
  'timeZone',
  'metadata.',
  'limit',
  'cursor',
] as const;

/**
 * Reads the parameters of GET /api/v1/records; `timeZone` is that of bare dates.
 * @throws QueryError naming the parameter at fault
 */
export function parseRecordsQuery(params: Iterable<[string, string]>): RecordsQuery {
  const parameters = new QueryParameters(params, PARAMETERS);
  const query: RecordsQuery = {
    ...parameters.filter(),
    ...parameters.range(parameters.timeZone()),
    limit: parameters.limit(),
    after: null,
  };
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) query.after = cursorPosition(cursor, recordsFingerprint(query), isPosition);
  return query;
}

function isPosition(position: CursorPosition): boolean {
  return (
    position.length === 2 && position.every((part) => typeof part === 'string' && /^-?\d{1,19}$/.test(part))
  );
}

function recordsFingerprint({ limit: _limit, after: _after, ...question }: RecordsQuery): string {
  return fingerprint(question);
}

/** Answers from one snapshot of the ledger. */
export async function queryRecords(
  connection: DuckDBConnection,
  query: RecordsQuery,
): Promise<RecordsAnswer> {
  if (query.from >= query.to) return { rows: [], nextCursor: null };
  const keys = await filterKeys(connection, query);
  if (matchesNothing(keys)) return { rows: [], nextCursor: null };

  const bound = new BoundValues();
  const conditions = [
    `time >= ${instant(query.from)}`,
    `time < ${instant(query.to)}`,
    'voided_by IS NULL',
    ...keyConditions(keys),
  ];
  if (query.metadata.length > 0) {
    const matching = seriesConditions(keys, query, bound);
    conditions.push(`series IN (SELECT series FROM stored.series WHERE ${matching})`);
  }
  if (query.after !== null) {
    const [time, row] = query.after as [string, string];
    // Rows of stored.usage are never deleted, so a row keeps its number.
    conditions.push(
      behind([
        { name: 'time', value: instant(BigInt(time)) },
        { name: 'rowid', value: row },
      ]),
    );
  }
  // The page is cut on narrow rows; only its own rows meet the dictionaries.
  const reader = await connection.runAndReadAll(
    `
    WITH page AS (
      SELECT rowid AS row, series, customer, dimension, start_time, time, quantity, kind, sequence, event
      FROM stored.usage WHERE ${conditions.join(' AND ')}
      ORDER BY time, rowid LIMIT ${query.limit + 1})
    SELECT ${RECORD_ID}, c.id, d.id, u.quantity, d.unit, epoch_ns(u.time), epoch_ns(u.start_time), s.metadata,
      s.meter_id, u.kind, u.row
    FROM page u
      JOIN stored.series s USING (series)
      JOIN stored.customers c ON c.customer = u.customer
      JOIN stored.dimensions d ON d.dimension = u.dimension
    ORDER BY u.time, u.row`,
    bound.values,
  );
  const stored = reader.getRows();
  const rows = stored.slice(0, query.limit).map((row): UsageRecord => {
    const [recordId, customerId, dimensionId, quantity, unit, time, start, metadata, meterId, kind] = row;
    return {
      recordId: recordId as string,
      customerId: customerId as string,
      dimensionId: dimensionId as string,
      recordValue: textFromScaled((quantity as DuckDBDecimalValue).value),
      unit: unit as string,
      timestamp: textFromInstant(time as bigint),
      ...(start === 0n ? {} : { startTime: textFromInstant(start as bigint) }),
      metadata: JSON.parse(metadata as string),
      meterId: meterId as string,
      kind: kind === KIND_RECORD ? 'record' : kind === KIND_CORRECTION ? 'correction' : 'increment',
    };
  });
  if (stored.length <= query.limit) return { rows, nextCursor: null };
  const last = stored[query.limit - 1];
  const nextCursor = cursorText(recordsFingerprint(query), [String(last[5]), String(last[10])]);
  return { rows, nextCursor };
}
