/** Statements: GET /api/v1/statements and one of them by its id. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { z } from 'zod';
import {
  type CursorPosition,
  cursorPosition,
  cursorText,
  fingerprint,
  isDecimal,
  isInstant,
  isOrdinal,
} from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { invalid, QueryParameters } from './parameters.ts';
import { BoundValues, instant } from './statement.ts';

/** What a list of statements can be sorted by. */
export const STATEMENT_ORDERS = ['closedAt', 'customerId', 'from', 'amount'] as const;
export type StatementOrder = (typeof STATEMENT_ORDERS)[number];

/** A question that {@link parseStatementsQuery} found well-formed. Plain data. */
export interface StatementsQuery {
  /** Any of these; null = all. */
  customerIds: string[] | null;
  /** Periods that have a part behind this, Unix nanoseconds; null = any. */
  from: bigint | null;
  /** Periods that begin before this. */
  to: bigint | null;
  state: 'valid' | 'reopened' | 'all';
  sort: StatementOrder;
  desc: boolean;
  limit: number;
  /** What the last row of the page before is sorted by, where that is not when it was closed; its sequence and ordinal. */
  after: CursorPosition | null;
}

/** A statement without its lines. */
export interface StatementRow {
  id: string;
  /** As the statement says it. */
  customerId: string;
  from: string;
  to: string;
  timeZone: string;
  closedAt: string;
  asOfSequence: number;
  /** Sum of all amounts; null without a price. */
  amount: string | null;
  note: string | null;
  hash: string;
  previousHash: string | null;
  /** The journal frame that closed it. */
  sequence: number;
  /** null: it is valid. */
  reopened: Reopening | null;
}

/** Why and when a statement stopped to state anything. */
export interface Reopening {
  at: string;
  note: string;
  /** The journal frame that re-opened it. */
  sequence: number;
}

export interface StatementsAnswer {
  /** As the question sorts them; of those that are alike, the newest first. */
  rows: StatementRow[];
  nextCursor: string | null;
}

export interface StoredStatement extends StatementRow {
  /** Canonical JSON of the content, which the hash covers. */
  content: string;
  /** The id that the customer has today; null: nobody has it any more. */
  presentCustomerId: string | null;
}

const PARAMETERS = [
  'customerId',
  'from',
  'to',
  'timeZone',
  'state',
  'sort',
  'order',
  'limit',
  'cursor',
] as const;

/** @throws QueryError naming the parameter at fault */
export function parseStatementsQuery(params: Iterable<[string, string]>): StatementsQuery {
  const parameters = new QueryParameters(params, PARAMETERS);
  const timeZone = parameters.timeZone();
  const sort = parameters.one('sort', order) ?? 'closedAt';
  const query: StatementsQuery = {
    customerIds: parameters.filter().customerIds,
    from: parameters.instant('from', timeZone) ?? null,
    to: parameters.instant('to', timeZone) ?? null,
    state: parameters.one('state', state) ?? 'all',
    sort,
    desc: (parameters.one('order', direction) ?? (sort === 'customerId' ? 'asc' : 'desc')) === 'desc',
    limit: parameters.limit(),
    after: null,
  };
  if (query.from !== null && query.to !== null && query.to < query.from)
    throw invalid('to', 'to must not be before from', parameters.all('to')![0]);
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined)
    query.after = cursorPosition(cursor, statementsFingerprint(query), (position) =>
      sort === 'closedAt' ? isPlace(position) : isSortedPlace(sort, position),
    );
  return query;
}

const order = z.enum(STATEMENT_ORDERS, { error: `sort must be one of ${STATEMENT_ORDERS.join(', ')}` });
const direction = z.enum(['asc', 'desc'], { error: 'order must be asc or desc' });

const state = z.enum(['valid', 'reopened', 'all'], { error: 'state must be valid, reopened or all' });

/** Whether a cursor's position is a frame and a place in it. */
export function isPlace(position: CursorPosition): boolean {
  return position.length === 2 && position.every(isOrdinal);
}

function isSortedPlace(sort: SortedBy, [value, ...place]: CursorPosition): boolean {
  return value !== undefined && (value === null || SORTED[sort].isValue(value)) && isPlace(place);
}

type SortedBy = Exclude<StatementOrder, 'closedAt'>;

/**
 * What a sort compares, its type, and what a cursor may have of it. Amounts are texts; one that no decimal holds is
 * sorted as if there were none.
 */
const SORTED: Readonly<Record<SortedBy, { by: string; type: string; isValue: (text: string) => boolean }>> = {
  customerId: { by: 't.customer_id', type: 'VARCHAR', isValue: () => true },
  from: { by: 'epoch_ns(t.period_start)', type: 'BIGINT', isValue: isInstant },
  amount: { by: 'TRY_CAST(t.amount AS DECIMAL(38, 12))', type: 'DECIMAL(38, 12)', isValue: isDecimal },
};

/** The order of a list, and which rows are behind the page before. Without a value comes last, whatever the direction. */
function orderOf({ sort, desc, after }: StatementsQuery, bound: BoundValues) {
  const [less, direction] = desc ? ['<', 'DESC'] : ['>', 'ASC'];
  const behindPlace = ([sequence, ordinal]: CursorPosition, sign: string) =>
    `(t.sequence ${sign} ${sequence} OR (t.sequence = ${sequence} AND t.ordinal ${sign} ${ordinal}))`;
  if (sort === 'closedAt')
    return {
      value: 'NULL',
      order: `t.sequence ${direction}, t.ordinal ${direction}`,
      behind: after === null ? 'true' : behindPlace(after, less),
    };
  const { by, type } = SORTED[sort];
  const order = `${by} ${direction} NULLS LAST, t.sequence DESC, t.ordinal DESC`;
  if (after === null) return { value: by, order, behind: 'true' };
  const [value, ...place] = after;
  if (value === null) return { value: by, order, behind: `(${by} IS NULL AND ${behindPlace(place, '<')})` };
  const last = `${bound.text(value)}::${type}`;
  const behind = `(${by} IS NULL OR ${by} ${less} ${last} OR (${by} = ${last} AND ${behindPlace(place, '<')}))`;
  return { value: by, order, behind };
}

function statementsFingerprint({ limit: _limit, after: _after, ...question }: StatementsQuery): string {
  return fingerprint(question);
}

const COLUMNS = `t.id, t.customer_id, epoch_ns(t.period_start), epoch_ns(t.period_end), t.time_zone,
  epoch_ns(t.closed_at), t.as_of, t.amount, t.note, t.hash, t.previous_hash, t.sequence, t.ordinal, t.reopened_by,
  epoch_ns(t.reopened_at), t.reopen_note`;
const WIDTH = 16;

/** Answers from one snapshot of the ledger. */
export async function queryStatements(
  connection: DuckDBConnection,
  query: StatementsQuery,
): Promise<StatementsAnswer> {
  const { customerIds, from, to, limit } = query;
  const bound = new BoundValues();
  const { value, order, behind } = orderOf(query, bound);
  const conditions = [behind];
  // A customer that became another one is found by both ids.
  if (customerIds !== null) {
    const ids = `(SELECT unnest(${bound.texts(customerIds)}))`;
    conditions.push(`(t.customer_id IN ${ids} OR c.id IN ${ids})`);
  }
  if (from !== null) conditions.push(`t.period_end > ${instant(from)}`);
  if (to !== null) conditions.push(`t.period_start < ${instant(to)}`);
  if (query.state !== 'all')
    conditions.push(`t.reopened_by IS ${query.state === 'valid' ? 'NULL' : 'NOT NULL'}`);
  const reader = await connection.runAndReadAll(
    `SELECT ${COLUMNS}, (${value})::VARCHAR FROM stored.statements t LEFT JOIN stored.customers c USING (customer)
    WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${limit + 1}`,
    bound.values,
  );
  const found = reader.getRows();
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const isLast = found.length <= limit || last === undefined;
  const place = isLast ? [] : [String(last[11]), String(last[12])];
  const position = isLast
    ? null
    : query.sort === 'closedAt'
      ? place
      : [last[WIDTH] as string | null, ...place];
  return {
    rows: page.map(toStatementRow),
    nextCursor: position === null ? null : cursorText(statementsFingerprint(query), position),
  };
}

/** The statement of this id, valid or not; null where there is none. */
export async function queryStatement(
  connection: DuckDBConnection,
  id: string,
): Promise<StoredStatement | null> {
  const reader = await connection.runAndReadAll(
    `SELECT ${COLUMNS}, t.content, c.id FROM stored.statements t LEFT JOIN stored.customers c USING (customer)
    WHERE t.id = $1`,
    [id],
  );
  const row = reader.getRows()[0];
  if (row === undefined) return null;
  const [content, presentCustomerId] = row.slice(WIDTH) as [string, string | null];
  return { ...toStatementRow(row), content, presentCustomerId };
}

function toStatementRow(row: DuckDBValue[]): StatementRow {
  const [id, customerId, from, to, timeZone, closedAt, asOf, amount, note, hash, previousHash, ...frames] =
    row;
  const [sequence, , reopenedBy, reopenedAt, reopenNote] = frames;
  return {
    id: id as string,
    customerId: customerId as string,
    from: textFromInstant(from as bigint),
    to: textFromInstant(to as bigint),
    timeZone: timeZone as string,
    closedAt: textFromInstant(closedAt as bigint),
    asOfSequence: Number(asOf),
    amount: amount as string | null,
    note: note as string | null,
    hash: hash as string,
    previousHash: previousHash as string | null,
    sequence: Number(sequence),
    reopened:
      reopenedBy === null
        ? null
        : {
            at: textFromInstant(reopenedAt as bigint),
            note: reopenNote as string,
            sequence: Number(reopenedBy),
          },
  };
}
