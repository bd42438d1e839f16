/** Usage records as they are stored: GET /api/v1/records. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { type AsOf, asOfParameter, knownAsOf } from './as-of.ts';
import { cursorPosition, cursorText, fingerprint } from './cursor.ts';
import { QueryParameters, type UsageFilter } from './parameters.ts';
import {
  isRecordPosition,
  nextPosition,
  ORDER_COLUMNS,
  ORDER_WIDTH,
  orderColumnsOf,
  pageBegin,
  type RecordDirection,
  type RecordPosition,
  recordOrder,
} from './record-order.ts';
import {
  BoundValues,
  filterKeys,
  instant,
  keyConditions,
  matchesNothing,
  seriesConditions,
} from './statement.ts';
import { RECORD_COLUMNS, RECORD_WIDTH, toUsageRecord, type UsageRecord, withNames } from './usage-record.ts';

/** A question that {@link parseRecordsQuery} found well-formed. Plain data: it may be posted to another thread. */
export interface RecordsQuery extends UsageFilter {
  /** Any of these; null = all. */
  meterIds: string[] | null;
  /** Unix nanoseconds, included. */
  from: bigint;
  /** Unix nanoseconds, excluded. */
  to: bigint;
  /** By timestamp, then in the order in which they came; or all of it the other way. */
  order: RecordDirection;
  /** Rows of this page at most. */
  limit: number;
  /** The last record of the page before. */
  after: RecordPosition | null;
  /** What the ledger knew then; null = now. */
  asOf: AsOf | null;
  /** Up to when records are complete, Unix nanoseconds: whoever asks says it; null = not known. */
  completeUntil: bigint | null;
}

/** Rows as `order` says. */
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
  'meterId',
  'order',
  'limit',
  'cursor',
  'asOf',
] as const;

const direction = z.enum(['asc', 'desc'], { error: 'order must be asc or desc' });

/**
 * Reads the parameters of GET /api/v1/records; `timeZone` is that of bare dates, `meterId` (repeatable) leaves out what
 * other meters counted.
 * @throws QueryError naming the parameter at fault
 */
export function parseRecordsQuery(params: Iterable<[string, string]>): RecordsQuery {
  const parameters = new QueryParameters(params, PARAMETERS);
  const timeZone = parameters.timeZone();
  const query: RecordsQuery = {
    ...parameters.filter(),
    ...parameters.range(timeZone),
    meterIds: parameters.all('meterId'),
    order: parameters.one('order', direction) ?? 'asc',
    limit: parameters.limit(),
    after: null,
    asOf: asOfParameter(parameters, timeZone),
    completeUntil: null,
  };
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) {
    query.after = cursorPosition(cursor, recordsFingerprint(query), isRecordPosition) as RecordPosition;
  }
  return query;
}

function recordsFingerprint(query: RecordsQuery): string {
  const { limit: _limit, after: _after, completeUntil: _completeUntil, ...question } = query;
  return fingerprint(question);
}

/**
 * Answers from one state of the ledger.
 * @throws QueryError naming `asOf` where it is not known
 */
export async function queryRecords(
  connection: DuckDBConnection,
  query: RecordsQuery,
): Promise<RecordsAnswer> {
  if (query.from >= query.to) return { rows: [], nextCursor: null };
  const keys = await filterKeys(connection, query);
  if (matchesNothing(keys)) return { rows: [], nextCursor: null };

  const { visible } = await knownAsOf(connection, query);
  const bound = new BoundValues();
  const conditions = [
    `time >= ${instant(query.from)}`,
    `time < ${instant(query.to)}`,
    visible,
    ...keyConditions(keys),
  ];
  if (query.metadata.length > 0 || query.meterIds !== null) {
    const matching = [seriesConditions(keys, query, bound)];
    if (query.meterIds !== null) {
      matching.push(`meter_id IN (SELECT unnest(${bound.texts(query.meterIds)}))`);
    }
    conditions.push(`series IN (SELECT series FROM stored.series WHERE ${matching.join(' AND ')})`);
  }
  const { order } = query;
  const { condition, offset } = pageBegin(query.after, order);
  conditions.push(condition);
  // Where the page ends is found by times alone, and only the rows up to there are read whole.
  const wanted = query.limit + 1 + offset;
  const end = await connection.runAndReadAll(
    `SELECT epoch_ns(${order === 'asc' ? 'max' : 'min'}(time)) FROM (
      SELECT time FROM stored.usage WHERE ${conditions.join(' AND ')} ORDER BY time ${order} LIMIT ${wanted})`,
    bound.values,
  );
  const lastTime = end.getRows()[0][0] as bigint | null;
  if (lastTime === null) return { rows: [], nextCursor: null };
  conditions.push(`time ${order === 'asc' ? '<=' : '>='} ${instant(lastTime)}`);
  // The page is cut on narrow rows; only its own rows meet the dictionaries.
  const reader = await connection.runAndReadAll(
    `
    WITH page AS (
      SELECT series, customer, dimension, start_time, time, quantity, kind, sequence, event, ${ORDER_COLUMNS}
      FROM stored.usage WHERE ${conditions.join(' AND ')}
      ORDER BY ${recordOrder(order)} LIMIT ${query.limit + 1} OFFSET ${offset})
    SELECT ${RECORD_COLUMNS}, ${orderColumnsOf('u')} FROM ${withNames('page')}
    ORDER BY ${orderColumnsOf('u', order)}`,
    bound.values,
  );
  const stored = reader.getRows();
  const shown = stored.slice(0, query.limit);
  const rows = shown.map(toUsageRecord);
  if (stored.length <= query.limit) return { rows, nextCursor: null };
  const places = shown.map((row) => row.slice(RECORD_WIDTH, RECORD_WIDTH + ORDER_WIDTH));
  return { rows, nextCursor: cursorText(recordsFingerprint(query), nextPosition(places, query.after)) };
}
