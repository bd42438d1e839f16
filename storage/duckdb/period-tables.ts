/**
 * Statements in the ledger: their tables, the views of analysts, and what closing and re-opening change.
 *
 * stored.statements keeps each statement's content as the text that its hash covers. stored.stated has the same lines
 * and adjustments as rows, to add up what was stated; it never says more than the content does.
 */
import {
  type DuckDBAppender,
  type DuckDBConnection,
  DuckDBTimestampNanosecondsValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import {
  canonicalJson,
  type StatementAdjustment,
  type StatementContent,
  type StatementLine,
  statementId,
} from '../periods/statement-content.ts';
import { instantFromText } from '../query/instant.ts';
import { NO_KEY } from './slot-table.ts';
import type { View } from './views.ts';

/** Creates tables, in an empty database. */
export const PERIOD_TABLES: readonly string[] = [
  // customer is who the statement is about today: it moves when that customer becomes another one; customer_id stays.
  // (sequence, ordinal) is the frame that closed, and the place in it. reopened_by is the frame that re-opened it.
  `CREATE TABLE stored.statements (
    id VARCHAR NOT NULL,
    customer INTEGER NOT NULL,
    customer_id VARCHAR NOT NULL,
    period_start TIMESTAMP_NS NOT NULL,
    period_end TIMESTAMP_NS NOT NULL,
    time_zone VARCHAR NOT NULL,
    as_of BIGINT NOT NULL,
    closed_at TIMESTAMP_NS NOT NULL,
    note VARCHAR,
    amount VARCHAR,
    hash VARCHAR NOT NULL,
    previous_hash VARCHAR,
    content VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    reopened_by BIGINT,
    reopened_at TIMESTAMP_NS,
    reopen_note VARCHAR
  )`,

  // place is that among the lines, or the adjustments, of the statement. Decimals are texts, because a sum may be
  // longer than a DECIMAL. terms and reasons are JSON. adjusts is the statement that an adjustment belongs to.
  `CREATE TABLE stored.stated (
    statement_id VARCHAR NOT NULL,
    place INTEGER NOT NULL,
    is_adjustment BOOLEAN NOT NULL,
    adjusts VARCHAR,
    period_start TIMESTAMP_NS NOT NULL,
    period_end TIMESTAMP_NS NOT NULL,
    time_zone VARCHAR NOT NULL,
    dimension_id VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    quantity VARCHAR NOT NULL,
    billable_quantity VARCHAR NOT NULL,
    unit_price VARCHAR,
    amount VARCHAR,
    records BIGINT,
    terms VARCHAR NOT NULL,
    reasons VARCHAR
  )`,

  // Customers that became another one: what was stated of both is to be looked at again.
  `CREATE TABLE stored.customer_merges (
    customer INTEGER NOT NULL,
    merged_id VARCHAR NOT NULL,
    sequence BIGINT NOT NULL
  )`,
];

/** An amount has up to 24 fraction digits; beyond 14 integer digits it does not fit, and only the content has it. */
const amount = (column: string) => `TRY_CAST(${column} AS DECIMAL(38, 24))`;
const quantity = (column: string) => `TRY_CAST(${column} AS DECIMAL(38, 12))`;

const STATED_COLUMNS: View['columns'] = [
  ['statement_id', 't.id', 'The statement that says it.'],
  ['customer_id', 'coalesce(c.id, t.customer_id)', 'Who is billed, by the id of today.'],
  ['dimension_id', 's.dimension_id', 'What is billed.'],
  ['unit', 's.unit', 'Unit of the quantities (UCUM).'],
];

const STATED_SOURCE = `FROM stored.stated s
  JOIN stored.statements t ON t.id = s.statement_id
  LEFT JOIN stored.customers c ON c.customer = t.customer`;

export const PERIOD_VIEWS: readonly View[] = [
  {
    name: 'statements',
    comment:
      'Closed billing periods, one row per customer and closing. Those that were re-opened state nothing any more.',
    columns: [
      ['statement_id', 't.id', 'Id of the statement.'],
      ['customer_id', 'coalesce(c.id, t.customer_id)', 'Who is billed, by the id of today.'],
      ['stated_customer_id', 't.customer_id', 'The id that the statement was made for.'],
      ['period_start', 't.period_start', 'Begin of the period (UTC), included.'],
      ['period_end', 't.period_end', 'End of the period (UTC), not included.'],
      ['time_zone', 't.time_zone', 'The IANA zone that it was closed in.'],
      [
        'amount',
        amount('t.amount'),
        'Sum of the amounts of its lines and adjustments; null without a price.',
      ],
      ['closed_at', 't.closed_at', 'When it was closed (UTC).'],
      ['as_of_sequence', 't.as_of', 'Journal frame up to which everything is in it, and nothing else is.'],
      ['note', 't.note', 'What whoever closed it said.'],
      ['hash', 't.hash', 'SHA-256 of its content.'],
      [
        'previous_hash',
        't.previous_hash',
        "Hash of the customer's statement before it; null: it is the first.",
      ],
      ['is_valid', 't.reopened_by IS NULL', 'false: it was re-opened, and states nothing any more.'],
      ['reopened_at', 't.reopened_at', 'When it was re-opened (UTC); null: it was not.'],
      ['reopen_note', 't.reopen_note', 'Why it was re-opened.'],
      ['journal_sequence', 't.sequence', 'The journal frame that closed it.'],
    ],
    source: 'FROM stored.statements t LEFT JOIN stored.customers c ON c.customer = t.customer',
  },
  {
    name: 'statement_lines',
    comment: 'What statements say of their own period, one row per dimension.',
    columns: [
      ...STATED_COLUMNS,
      ['period_start', 's.period_start', 'Begin of the period (UTC), included.'],
      ['period_end', 's.period_end', 'End of the period (UTC), not included.'],
      [
        'quantity',
        quantity('s.quantity'),
        'Exact usage; null beyond 26 integer digits, which only the content has.',
      ],
      ['billable_quantity', quantity('s.billable_quantity'), 'The quantity rounded to the usage increment.'],
      ['unit_price', quantity('s.unit_price'), 'Price of one unit, as it was; null: none.'],
      ['amount', amount('s.amount'), 'Billable quantity × unit price.'],
      ['records', 's.records', 'Usage records in it.'],
      [
        'terms',
        's.terms::JSON',
        'How records became the quantity: aggregation, interval, increment, rounding.',
      ],
      ['is_valid', 't.reopened_by IS NULL', 'false: the statement was re-opened.'],
    ],
    source: `${STATED_SOURCE}\n  WHERE NOT s.is_adjustment`,
  },
  {
    name: 'adjustments',
    comment:
      'What statements say of earlier periods that changed after they were closed. Those that no statement has taken ' +
      'up yet are at GET /api/v1/adjustments.',
    columns: [
      ...STATED_COLUMNS,
      ['adjusted_statement_id', 's.adjusts', 'The statement of the period that it belongs to.'],
      ['period_start', 's.period_start', 'Begin of the adjusted period (UTC), included.'],
      ['period_end', 's.period_end', 'End of the adjusted period (UTC), not included.'],
      ['quantity', quantity('s.quantity'), 'What the usage differs by from what was stated before.'],
      ['billable_quantity', quantity('s.billable_quantity'), 'What the billable quantity differs by.'],
      ['unit_price', quantity('s.unit_price'), 'Price of one unit, as the period was stated; null: none.'],
      ['amount', amount('s.amount'), 'What the amount differs by.'],
      ['reasons', 's.reasons::JSON', 'Why: reason, number of records, sum of their values.'],
      ['is_valid', 't.reopened_by IS NULL', 'false: the statement was re-opened, and this is pending again.'],
    ],
    source: `${STATED_SOURCE}\n  WHERE s.is_adjustment`,
  },
];

/** A statement and where it came from. */
export interface ClosedPeriod {
  content: StatementContent;
  hash: string;
  /** The customer's key, {@link NO_KEY} if nobody is known by that id. */
  customer: number;
  sequence: bigint;
  ordinal: number;
}

/** Many at once: a close of all customers comes with hundreds per frame. */
export async function insertStatements(
  connection: DuckDBConnection,
  closed: readonly ClosedPeriod[],
): Promise<void> {
  const statements = await connection.createAppender('statements', 'stored');
  const stated = await connection.createAppender('stated', 'stored');
  for (const { content, hash, customer, sequence, ordinal } of closed) {
    const id = statementId(hash);
    const { customerId, from, to, timeZone, note, totals, previousHash } = content;
    const owner = customer === NO_KEY ? await keyByAlias(connection, customerId) : customer;
    appendRow(statements, [
      id,
      owner,
      customerId,
      timestamp(from),
      timestamp(to),
      timeZone,
      BigInt(content.asOfSequence),
      timestamp(content.closedAt),
      note,
      totals.amount,
      hash,
      previousHash,
      canonicalJson(content),
      sequence,
      ordinal,
      null,
      null,
      null,
    ]);
    const period = { from, to, timeZone };
    for (const [place, line] of content.lines.entries())
      appendStated(stated, id, place, { ...line, ...period, isAdjustment: false });
    for (const [place, adjustment] of content.adjustments.entries()) {
      const statement = adjustment.statementId ?? id;
      appendStated(stated, id, place, { ...adjustment, statementId: statement, isAdjustment: true });
    }
  }
  statements.closeSync();
  stated.closeSync();
}

/** It states nothing any more. Once. */
export async function reopenStatement(
  connection: DuckDBConnection,
  { id, note, sequence, at }: { id: string; note: string; sequence: bigint; at: bigint },
): Promise<void> {
  await connection.run(
    `UPDATE stored.statements SET reopened_by = $2::BIGINT, reopened_at = make_timestamp_ns($3::BIGINT), reopen_note = $4
    WHERE id = $1 AND reopened_by IS NULL`,
    [id, sequence, at, note],
  );
}

/** What was stated of customers that are another one now is that one's. */
export async function moveStatements(
  connection: DuckDBConnection,
  { from, mergedId, into, sequence }: { from: number; mergedId: string; into: number; sequence: bigint },
): Promise<void> {
  await connection.run('UPDATE stored.statements SET customer = $2 WHERE customer = $1', [from, into]);
  await connection.run('INSERT INTO stored.customer_merges VALUES ($1, $2, $3::BIGINT)', [
    into,
    mergedId,
    sequence,
  ]);
}

type StatedRow = Omit<StatementLine, 'records'> & {
  isAdjustment: boolean;
  from: string;
  to: string;
  timeZone: string;
  records?: number;
} & Partial<Pick<StatementAdjustment, 'statementId' | 'reasons'>>;

function appendStated(stated: DuckDBAppender, id: string, place: number, row: StatedRow): void {
  appendRow(stated, [
    id,
    place,
    row.isAdjustment,
    row.statementId ?? null,
    timestamp(row.from),
    timestamp(row.to),
    row.timeZone,
    row.dimensionId,
    row.unit,
    row.quantity,
    row.billableQuantity,
    row.unitPrice,
    row.amount,
    row.records === undefined ? null : BigInt(row.records),
    canonicalJson(row.terms),
    row.reasons === undefined ? null : canonicalJson(row.reasons),
  ]);
}

function appendRow(appender: DuckDBAppender, values: readonly DuckDBValue[]): void {
  for (const value of values) {
    if (value === null) appender.appendNull();
    else if (typeof value === 'string') appender.appendVarchar(value);
    else if (typeof value === 'bigint') appender.appendBigInt(value);
    else if (typeof value === 'number') appender.appendInteger(value);
    else if (typeof value === 'boolean') appender.appendBoolean(value);
    else appender.appendTimestampNanoseconds(value as DuckDBTimestampNanosecondsValue);
  }
  appender.endRow();
}

function timestamp(text: string): DuckDBTimestampNanosecondsValue {
  return new DuckDBTimestampNanosecondsValue(instantFromText(text, 'UTC') as bigint);
}

/** A customer that became another one between the statement's making and its frame. */
async function keyByAlias(connection: DuckDBConnection, customerId: string): Promise<number> {
  const reader = await connection.runAndReadAll(
    'SELECT customer FROM stored.customers WHERE list_contains(aliases, $1)',
    [customerId],
  );
  return Number(reader.getRows()[0]?.[0] ?? NO_KEY);
}
