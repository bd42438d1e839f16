/** The records of a cell, a page at a time, each with what it adds. */
import type { DuckDBConnection, DuckDBDecimalValue } from '@duckdb/node-api';
import {
  ORIGIN_COLUMNS,
  ORIGIN_WIDTH,
  type Origins,
  originsOf,
  type RecordOrigin,
} from './explain-origins.ts';
import type { CarriedSpan } from './explain-parts.ts';
import { type ExplainPlan, USAGE_COLUMNS, weighedRecords } from './explain-statement.ts';
import { contributionText, secondsText } from './explain-values.ts';
import { textFromInstant } from './instant.ts';
import {
  nextPosition,
  ORDER_COLUMNS,
  ORDER_WIDTH,
  orderColumnsOf,
  pageBegin,
  RECORD_ORDER,
  type RecordPosition,
} from './record-order.ts';
import { instant, runSum } from './statement.ts';
import { withNames } from './usage-record.ts';
import { isOfLevels } from './usage-terms.ts';

/** For how long a level holds in the cell. */
export interface LevelSpan {
  /** RFC 3339 in UTC. */
  from: string;
  to: string;
  seconds: string;
}

/** One record of a cell. The contributions of all of them, and of a level that is carried in, add up to the parts' sums. */
export interface ExplainedRecord extends RecordOrigin {
  /** Begin of the interval that it stands in, as the parts have it. */
  part: string;
  /** What it adds to the sum, exact: its value; 1 or 0 where records are counted; a level × seconds. */
  contribution: string;
  /** Of levels that hold for a while. */
  holds?: LevelSpan;
  /** Of aggregation unique: its value of the key; null where it has none. */
  uniqueValue?: string | null;
}

export interface ExplainedPage extends Omit<Origins, 'records'> {
  records: ExplainedRecord[];
  /** null: there are no more. */
  next: RecordPosition | null;
}

/** @param through the ledger is asked as of this journal frame */
export async function explainedPage(
  connection: DuckDBConnection,
  plan: ExplainPlan,
  page: { limit: number; after: RecordPosition | null; through: bigint },
): Promise<ExplainedPage> {
  const { limit, after, through } = page;
  const { condition, offset } = pageBegin(after);
  const stored = await runSum(
    connection,
    'stored.usage',
    (sums, bound) => `WITH ${weighedRecords(plan, sums, bound)},
      page AS (
        SELECT ${USAGE_COLUMNS}, ${ORDER_COLUMNS}, counts, begins, ends, piece, unique_value FROM weighed
        WHERE ${condition} ORDER BY ${RECORD_ORDER} LIMIT ${limit + 1} OFFSET ${offset})
      SELECT ${ORIGIN_COLUMNS}, u.counts, u.begins, u.ends, u.piece, u.unique_value, ${orderColumnsOf('u')}
      FROM ${withNames('page')} ORDER BY ${orderColumnsOf('u')}`,
  );
  const shown = stored.slice(0, limit);
  const origins = await originsOf(connection, shown, through);
  const { terms, pieces } = plan;
  const records = shown.map((row, i): ExplainedRecord => {
    const [counts, begins, ends, piece, uniqueValue] = row.slice(ORIGIN_WIDTH);
    const nanoseconds = begins === null ? 0n : (ends as bigint) - (begins as bigint);
    const contribution = contributionText(terms, {
      counts: counts as boolean,
      quantity: (row[3] as DuckDBDecimalValue).value,
      nanoseconds,
    });
    return {
      ...origins.records[i],
      part: textFromInstant(pieces[Number(piece)]),
      contribution,
      ...(isOfLevels(terms) && counts ? { holds: spanText(begins as bigint, ends as bigint) } : {}),
      ...(terms.aggregation === 'unique' ? { uniqueValue: uniqueValue as string | null } : {}),
    };
  });
  const order = shown.map((row) => row.slice(-ORDER_WIDTH));
  const next = stored.length > limit ? nextPosition(order, after) : null;
  return { ...origins, records, next };
}

/** The level that holds when a cell begins, with its record. */
export interface CarriedLevel extends LevelSpan {
  level: string;
  /** level × seconds: what it adds. */
  contribution: string;
  record: RecordOrigin;
}

export async function carriedLevel(
  connection: DuckDBConnection,
  { row, level, from, to, contribution }: CarriedSpan,
  through: bigint,
): Promise<Omit<Origins, 'records'> & { carriedIn: CarriedLevel }> {
  const reader = await connection.runAndReadAll(
    `SELECT ${ORIGIN_COLUMNS} FROM ${withNames(`(SELECT * FROM stored.usage WHERE rowid = ${row})`)}`,
  );
  const { records, series, meters } = await originsOf(connection, reader.getRows(), through);
  const carriedIn = { level, ...spanText(from, to), contribution, record: records[0] };
  return { carriedIn, series, meters };
}

/** Where a record comes from, voided or not; null where there is none. */
export async function queryRecordOrigin(
  connection: DuckDBConnection,
  recordId: string,
): Promise<Origins | null> {
  // The first half is the record's time: with it DuckDB reads only blocks that can hold the record.
  const time = /^[0-7][0-9a-f]{31}$/.test(recordId) ? BigInt(`0x${recordId.slice(0, 16)}`) : null;
  if (time === null) return null;
  const found = await connection.runAndReadAll(
    `SELECT ${ORIGIN_COLUMNS} FROM ${withNames(`(SELECT * FROM stored.usage WHERE time = ${instant(time)})`)}
    WHERE record_id = $1::VARCHAR`,
    [recordId],
  );
  const rows = found.getRows().slice(0, 1);
  return rows.length === 0 ? null : await originsOf(connection, rows, LATEST_FRAME);
}

function spanText(from: bigint, to: bigint): LevelSpan {
  return { from: textFromInstant(from), to: textFromInstant(to), seconds: secondsText(to - from) };
}

const LATEST_FRAME = 2n ** 62n;
