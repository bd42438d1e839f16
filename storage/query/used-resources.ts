/**
 * Lists of customers and dimensions, which usage may discover: in an order that people choose, with how much usage
 * each has, and when the newest was.
 */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { type CursorPosition, cursorPosition, cursorText, isInstant } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { QueryParameters } from './parameters.ts';
import {
  booleanParameter,
  LIST_PARAMETERS,
  listConditions,
  listFingerprint,
  listParameters,
  type ResourceList,
  type ResourceListQuery,
  type SearchedTexts,
  textCondition,
} from './resource-list.ts';
import { BoundValues, type FilterKeys, matchesNothing } from './statement.ts';
import { activityOf, type KeptTotals, keptTotals, usedTable } from './used-keys.ts';
import { windowBoundaries } from './windows.ts';

/** Days of {@link UsedListQuery.activity} at most. */
export const MAX_ACTIVITY_DAYS = 366;

/** So many are not named one by one in a statement. */
const MANY_KEYS = 1_000;

/** What a list can be ordered by: the id as bytes, the name without regard to case, the time of the newest record. */
export const LIST_ORDERS = ['id', 'name', 'lastSeen'] as const;
export type ListOrder = (typeof LIST_ORDERS)[number];

/** Plain data: it may be posted to another thread. */
export interface UsedListQuery extends ResourceListQuery {
  /** What an id, or another text that the list is searched by, has in it, in any case; null = all. */
  contained: string | null;
  /** Only those that nobody declared, or only the declared ones; null = both. */
  discovered: boolean | null;
  /** What is null comes last in either direction; equals are ordered by their ids. */
  sort: ListOrder;
  descending: boolean;
  /** Boundaries of the days whose records are counted one by one, Unix nanoseconds; null = none are. */
  activity: bigint[] | null;
}

/** What usage says of a customer or dimension. */
export interface Used {
  /** Usage records that count, without corrections of running totals. */
  records: number;
  /** Timestamp of the newest of them, RFC 3339 in UTC; null where there is none. */
  lastSeen: string | null;
  /** How many of them each day has, oldest first; with `activity` only. */
  activity?: number[];
}

/** One page, with how many rows all pages have together. */
export interface UsedList<Row> extends ResourceList<Row & Used> {
  total: number;
}

/** So many days, today the last, of a zone. */
export const ACTIVITY_PARAMETERS = ['activity', 'timeZone'] as const;

export const USED_LIST_PARAMETERS = [
  'search',
  'discovered',
  'sort',
  'order',
  ...ACTIVITY_PARAMETERS,
  ...LIST_PARAMETERS,
] as const;

const sort = z.enum(LIST_ORDERS, { error: `sort must be one of ${LIST_ORDERS.join(', ')}` });
const order = z.enum(['asc', 'desc'], { error: 'order must be asc or desc' });
const days = z
  .string()
  .regex(/^\d{1,3}$/, { error: `activity must be a number of days from 1 to ${MAX_ACTIVITY_DAYS}` })
  .transform(Number)
  .refine((value) => value >= 1 && value <= MAX_ACTIVITY_DAYS, {
    error: `activity must be a number of days from 1 to ${MAX_ACTIVITY_DAYS}`,
  });

/**
 * Reads {@link USED_LIST_PARAMETERS}, all of them optional, but for the cursor.
 * @param nowUnixNano `activity` ends with its day
 */
export function usedListParameters(parameters: QueryParameters, nowUnixNano: bigint): UsedListQuery {
  const sorted = parameters.one('sort', sort) ?? 'id';
  // The newest first is what somebody means who orders by time.
  const direction = parameters.one('order', order) ?? (sorted === 'lastSeen' ? 'desc' : 'asc');
  return {
    ...listParameters(parameters),
    contained: parameters.one('search', z.string()) || null,
    discovered: booleanParameter(parameters, 'discovered') ?? null,
    sort: sorted,
    descending: direction === 'desc',
    activity: activityParameter(parameters, nowUnixNano),
  };
}

/** @throws QueryError naming the parameter at fault */
export function parseUsedList(params: Iterable<[string, string]>, nowUnixNano: bigint): UsedListQuery {
  const parameters = new QueryParameters(params, USED_LIST_PARAMETERS);
  return withUsedCursor(parameters, usedListParameters(parameters, nowUnixNano));
}

/** Reads `cursor`, once all else that belongs to the question is known. */
export function withUsedCursor<Query extends UsedListQuery>(
  parameters: QueryParameters,
  query: Query,
): Query {
  const cursor = parameters.one('cursor', z.string());
  if (cursor === undefined) return query;
  return { ...query, after: cursorPosition(cursor, usedFingerprint(query), isPositionIn(query.sort)) };
}

/** The days may have moved on between two pages. */
function usedFingerprint({ activity: _activity, ...question }: UsedListQuery): string {
  return listFingerprint(question);
}

/** A position is what the row is ordered by, null where it has none, and its id. */
function isPositionIn(sorted: ListOrder): (position: CursorPosition) => boolean {
  return ([key, id, ...rest]) =>
    rest.length === 0 &&
    typeof id === 'string' &&
    (key === null || (typeof key === 'string' && (sorted !== 'lastSeen' || isInstant(key))));
}

/** Takes {@link ACTIVITY_PARAMETERS} out of those of a list that answers about usage by a question of its own. */
export function takeActivity(
  params: Iterable<[string, string]>,
  nowUnixNano: bigint,
): { rest: [string, string][]; activity: bigint[] | null } {
  const names: readonly string[] = ACTIVITY_PARAMETERS;
  const taken = [...params];
  const parameters = new QueryParameters(
    taken.filter(([name]) => names.includes(name)),
    names,
  );
  return {
    rest: taken.filter(([name]) => !names.includes(name)),
    activity: activityParameter(parameters, nowUnixNano),
  };
}

/** Reads {@link ACTIVITY_PARAMETERS}: boundaries of the days, oldest first; null where none are asked for. */
function activityParameter(parameters: QueryParameters, nowUnixNano: bigint): bigint[] | null {
  const activity = parameters.one('activity', days);
  const timeZone = parameters.timeZone();
  return activity === undefined ? null : lastDays(activity, timeZone, nowUnixNano);
}

/** Boundaries of the last days of a zone, the one that runs included. A day that a zone left out is none of them. */
function lastDays(count: number, timeZone: string, nowUnixNano: bigint): bigint[] {
  const today = Temporal.Instant.fromEpochNanoseconds(nowUnixNano).toZonedDateTimeISO(timeZone).toPlainDate();
  const startOf = (day: Temporal.PlainDate) => day.toZonedDateTime(timeZone).epochNanoseconds;
  const [from, to] = [startOf(today.subtract({ days: count - 1 })), startOf(today.add({ days: 1 }))];
  return windowBoundaries({ window: 'day', timeZone, anchor: null, from, to });
}

/** What is listed. */
export interface ListedTable<Row> {
  table: 'stored.customers' | 'stored.dimensions';
  /** Its integer key, also in usage. */
  key: 'customer' | 'dimension';
  /** Columns of a row, the id first. */
  columns: string;
  searched: SearchedTexts;
  toRow(columns: DuckDBValue[]): Row;
}

/**
 * One page of a list. Its statements have to see one snapshot of the ledger.
 * @param ofCustomer only what has usage of the customer with this key, and that usage; null = all
 */
export async function queryUsedList<Row extends { id: string }>(
  connection: DuckDBConnection,
  query: UsedListQuery,
  listed: ListedTable<Row>,
  ofCustomer: number | null = null,
): Promise<UsedList<Row>> {
  const { table, key } = listed;
  const ofWhom = { customers: ofCustomer === null ? null : [ofCustomer], dimensions: null };
  const kept = await keptTotals(connection);
  const used = `(${usedTable(key, ofWhom, kept)}) used USING (${key})`;
  const source = ofCustomer === null ? table : `${table} JOIN ${used}`;
  const counted = new BoundValues();
  const [[total]] = await rowsOf(
    connection,
    `SELECT count(*) FROM ${source} WHERE ${conditionsOf(query, listed, counted).join(' AND ')}`,
    counted,
  );

  const bound = new BoundValues();
  const conditions = conditionsOf(query, listed, bound);
  if (query.after !== null) conditions.push(behindPosition(query, query.after, bound));
  const by = ORDER_COLUMNS[query.sort];
  const isOrderedByUsage = query.sort === 'lastSeen' && ofCustomer === null;
  // Whole rows are only read of what is on the page.
  const found = await rowsOf(
    connection,
    `SELECT ${key}, (${by})::VARCHAR, id FROM ${isOrderedByUsage ? `${table} LEFT JOIN ${used}` : source}
      WHERE ${conditions.join(' AND ')}
      ORDER BY ${by} ${query.descending ? 'DESC' : 'ASC'} NULLS LAST, id LIMIT ${query.limit + 1}`,
    bound,
  );
  const page = found.slice(0, query.limit);
  const keys = page.map(([one]) => Number(one));
  const resources = await resourcesOf(connection, listed, keys);
  const ofPage = { ...ofWhom, [`${key}s`]: keys };
  const seen = await usedOf(connection, key, keys.length > MANY_KEYS ? ofWhom : ofPage, kept);
  const activity = query.activity === null ? null : await activityOf(connection, key, ofPage, query.activity);
  const rows = keys.map((one) => ({
    ...resources.get(one)!,
    ...(seen.get(one) ?? { records: 0, lastSeen: null }),
    ...(activity === null ? {} : { activity: activity(one) }),
  }));
  const last = found.length > query.limit ? page[query.limit - 1] : null;
  return {
    rows,
    total: Number(total),
    nextCursor: last === null ? null : cursorText(usedFingerprint(query), last.slice(1) as CursorPosition),
  };
}

async function resourcesOf<Row>(
  connection: DuckDBConnection,
  { table, key, columns, toRow }: ListedTable<Row>,
  keys: number[],
): Promise<Map<number, Row>> {
  if (keys.length === 0) return new Map();
  const bound = new BoundValues();
  // Constants leave blocks out; many of them take longer to be parsed than blocks to be read.
  const wanted =
    keys.length > MANY_KEYS ? `SELECT unnest(${bound.bigints(keys.map(BigInt))})` : keys.join(', ');
  const rows = await rowsOf(
    connection,
    `SELECT ${key}, ${columns} FROM ${table} WHERE ${key} IN (${wanted})`,
    bound,
  );
  return new Map(rows.map(([one, ...rest]) => [Number(one), toRow(rest)]));
}

/** Columns of the listed table, and of the usage beside it. */
const ORDER_COLUMNS: Record<ListOrder, string> = {
  id: 'id',
  name: 'lower(name)',
  lastSeen: 'epoch_ns(newest)',
};

function conditionsOf(
  query: UsedListQuery,
  { searched }: Pick<ListedTable<unknown>, 'searched'>,
  bound: BoundValues,
): string[] {
  const conditions = ['NOT deleted', ...listConditions({ ...query, after: null }, 'id', searched, bound)];
  if (query.contained !== null) conditions.push(textCondition('contains', query.contained, searched, bound));
  if (query.discovered !== null) conditions.push(`discovered = ${query.discovered}`);
  return conditions;
}

/** Rows that come after the last one of a page, as they are ordered. */
function behindPosition(
  { sort: sorted, descending }: UsedListQuery,
  [key, id]: CursorPosition,
  bound: BoundValues,
): string {
  const by = ORDER_COLUMNS[sorted];
  const isBehind = `id > ${bound.text(id!)}`;
  if (key === null) return `${by} IS NULL AND ${isBehind}`;
  const value = sorted === 'lastSeen' ? key : bound.text(key);
  return `(${by} ${descending ? '<' : '>'} ${value} OR (${by} = ${value} AND ${isBehind}) OR ${by} IS NULL)`;
}

async function usedOf(
  connection: DuckDBConnection,
  key: 'customer' | 'dimension',
  keys: FilterKeys,
  kept: KeptTotals,
): Promise<Map<number, Used>> {
  if (matchesNothing(keys)) return new Map();
  const rows = await rowsOf(
    connection,
    `SELECT ${key}, records, epoch_ns(newest) FROM (${usedTable(key, keys, kept)})`,
    new BoundValues(),
  );
  return new Map(
    rows.map(([one, records, newest]) => [
      Number(one),
      { records: Number(records), lastSeen: textFromInstant(newest as bigint) },
    ]),
  );
}

async function rowsOf(
  connection: DuckDBConnection,
  sql: string,
  bound: BoundValues,
): Promise<DuckDBValue[][]> {
  return (await connection.runAndReadAll(sql, bound.values)).getRows();
}
