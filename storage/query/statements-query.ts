/** Statements: GET /api/v1/statements and one of them by its id. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { z } from 'zod';
import { type CursorPosition, cursorPosition, cursorText, fingerprint } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { invalid, QueryParameters } from './parameters.ts';
import { BoundValues, instant } from './statement.ts';

/** A question that {@link parseStatementsQuery} found well-formed. Plain data. */
export interface StatementsQuery {
  /** Any of these; null = all. */
  customerIds: string[] | null;
  /** Periods that have a part behind this, Unix nanoseconds; null = any. */
  from: bigint | null;
  /** Periods that begin before this. */
  to: bigint | null;
  state: 'valid' | 'reopened' | 'all';
  limit: number;
  /** Sequence and ordinal of the last row of the page before. */
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
  /** Newest first. */
  rows: StatementRow[];
  nextCursor: string | null;
}

export interface StoredStatement extends StatementRow {
  /** Canonical JSON of the content, which the hash covers. */
  content: string;
  /** The id that the customer has today; null: nobody has it any more. */
  presentCustomerId: string | null;
}

const PARAMETERS = ['customerId', 'from', 'to', 'timeZone', 'state', 'limit', 'cursor'] as const;

/** @throws QueryError naming the parameter at fault */
export function parseStatementsQuery(params: Iterable<[string, string]>): StatementsQuery {
  const parameters = new QueryParameters(params, PARAMETERS);
  const timeZone = parameters.timeZone();
  const query: StatementsQuery = {
    customerIds: parameters.filter().customerIds,
    from: parameters.instant('from', timeZone) ?? null,
    to: parameters.instant('to', timeZone) ?? null,
    state: parameters.one('state', state) ?? 'all',
    limit: parameters.limit(),
    after: null,
  };
  if (query.from !== null && query.to !== null && query.to < query.from)
    throw invalid('to', 'to must not be before from', parameters.all('to')![0]);
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) query.after = cursorPosition(cursor, statementsFingerprint(query), isPlace);
  return query;
}

const state = z.enum(['valid', 'reopened', 'all'], { error: 'state must be valid, reopened or all' });

/** Whether a cursor's position is a frame and a place in it. */
export function isPlace(position: CursorPosition): boolean {
  return position.length === 2 && position.every((part) => /^\d{1,16}$/.test(part ?? ''));
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
  const { customerIds, from, to, after, limit } = query;
  const bound = new BoundValues();
  const conditions = ['true'];
  // A customer that became another one is found by both ids.
  if (customerIds !== null) {
    const ids = `(SELECT unnest(${bound.texts(customerIds)}))`;
    conditions.push(`(t.customer_id IN ${ids} OR c.id IN ${ids})`);
  }
  if (from !== null) conditions.push(`t.period_end > ${instant(from)}`);
  if (to !== null) conditions.push(`t.period_start < ${instant(to)}`);
  if (query.state !== 'all')
    conditions.push(`t.reopened_by IS ${query.state === 'valid' ? 'NULL' : 'NOT NULL'}`);
  if (after !== null)
    conditions.push(`(t.sequence < ${after[0]} OR (t.sequence = ${after[0]} AND t.ordinal < ${after[1]}))`);
  const reader = await connection.runAndReadAll(
    `SELECT ${COLUMNS} FROM stored.statements t LEFT JOIN stored.customers c USING (customer)
    WHERE ${conditions.join(' AND ')} ORDER BY t.sequence DESC, t.ordinal DESC LIMIT ${limit + 1}`,
    bound.values,
  );
  const found = reader.getRows();
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const isLast = found.length <= limit || last === undefined;
  const position = isLast ? null : [String(last[11]), String(last[12])];
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
