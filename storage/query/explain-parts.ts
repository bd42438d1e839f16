/** The parts of a cell: what each of its intervals adds, and the level that is carried into it. */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import { KIND_CORRECTION } from '../duckdb/schema.ts';
import { type ExplainPlan, weighedRecords } from './explain-statement.ts';
import { levelSumText, partValue, sumText } from './explain-values.ts';
import { textFromInstant } from './instant.ts';
import { type BoundValues, runSum, type Sums, scaledSum } from './statement.ts';
import { RECORD_COLUMNS, withNames } from './usage-record.ts';
import { isOfLevels } from './usage-terms.ts';

/** One interval of a dimension; a cell of a dimension without intervals is one part. */
export interface ExplainPart {
  /** RFC 3339 in UTC, the first included, the second not. */
  begin: string;
  end: string;
  /**
   * The exact sum of the contributions of its records: of values; of levels × seconds; how many there are, for count and
   * unique.
   */
  sum: string;
  /** What the sum is divided by: records for average, seconds for time_weighted, seconds of an hour for time_integral. */
  divisor: string;
  /** sum ÷ divisor, to 12 places half-even. The parts' exact quotients add up to the cell. */
  quantity: string;
  /** Usage records; a level that is carried into it is none. */
  records: number;
  /** The record that decides a max, min or last. */
  decidedBy?: string;
}

/** The level that holds when a cell begins. */
export interface CarriedSpan {
  /** Row of stored.usage of its record. */
  row: bigint;
  /** Exact decimal. */
  level: string;
  /** Unix nanoseconds. */
  from: bigint;
  to: bigint;
  /** level × seconds. */
  contribution: string;
}

/** What a cell is added up from. */
export interface CellParts {
  /** Those with a record, or with a level that holds. */
  parts: ExplainPart[];
  /** null: no level is carried into the cell, or its time was over. */
  carried: CarriedSpan | null;
}

export async function cellParts(connection: DuckDBConnection, plan: ExplainPlan): Promise<CellParts> {
  const found = await runSum(connection, 'stored.usage', (sums, bound) => partsStatement(plan, sums, bound));
  const ofPieces = found.filter(([piece]) => piece !== null);
  const carried = found.find(([piece]) => piece === null);
  const deciding = await recordIds(connection, ofPieces.flatMap((row) => row[6] ?? []) as bigint[]);
  const parts = ofPieces.map(([piece, high, whole, rest, records, counted, decidedBy]): ExplainPart => {
    const begin = plan.pieces[Number(piece)];
    const end = plan.pieces[Number(piece) + 1];
    const value = partValue(plan.terms, {
      total: scaledSum(whole, rest, high),
      counted: Number(counted),
      nanoseconds: end - begin,
    });
    return {
      begin: textFromInstant(begin),
      end: textFromInstant(end),
      ...sumText(value),
      records: Number(records),
      ...(decidedBy === null ? {} : { decidedBy: deciding.get(decidedBy as bigint)! }),
    };
  });
  return { parts, carried: carried === undefined ? null : carriedSpan(carried) };
}

function carriedSpan([, begins, ends, value, , , row]: DuckDBValue[]): CarriedSpan {
  const [from, to, level] = [begins as bigint, ends as bigint, (value as DuckDBDecimalValue).value];
  return {
    row: row as bigint,
    level: textFromScaled(level),
    from,
    to,
    contribution: levelSumText(level, to - from),
  };
}

/**
 * Columns piece, high, whole, rest, records, counted, and the row that decides. Without a piece: begin, end, level and
 * row of the level that is carried in.
 */
function partsStatement(plan: ExplainPlan, sums: Sums, bound: BoundValues): string {
  const { aggregation } = plan.terms;
  const tables = weighedRecords(plan, sums, bound);
  const records = `count(*) FILTER (kind <> ${KIND_CORRECTION})`;
  if (isOfLevels(plan.terms)) {
    const { pieces } = plan;
    const sum = sums.ofProducts('value', 'nanoseconds', plan.to - plan.from);
    const held =
      pieces.length === 2
        ? 'SELECT 0 AS piece, value, ends - begins AS nanoseconds FROM spans WHERE ends > begins'
        : `SELECT p.piece, value, least(ends, p.ends_at) - greatest(begins, p.begins_at) AS nanoseconds
        FROM (SELECT * EXCLUDE (piece) FROM spans WHERE ends > begins) JOIN (
          SELECT unnest(range(${pieces.length - 1}))::INTEGER AS piece,
            unnest(${bound.bigints(pieces.slice(0, -1))}) AS begins_at,
            unnest(${bound.bigints(pieces.slice(1))}) AS ends_at) p
        ON begins < p.ends_at AND ends > p.begins_at`;
    return `WITH ${tables},
      held AS (${held})
      SELECT piece, ${sum.high}, ${sum.whole}, ${sum.rest}, sum(records)::BIGINT, 0::BIGINT, NULL::BIGINT
      FROM (
        SELECT piece, value, nanoseconds, 0 AS records FROM held
        UNION ALL
        SELECT piece, 0::DECIMAL(38, 12), 0, ${records} FROM weighed GROUP BY piece)
      GROUP BY piece
      UNION ALL
      SELECT NULL, begins::HUGEINT, ends::HUGEINT, value, 0, 0, fact FROM spans WHERE piece IS NULL AND ends > begins
      ORDER BY 1`;
  }
  const sum = sums.of('CASE WHEN counts THEN quantity ELSE 0 END');
  const decides = ['max', 'min', 'last'].includes(aggregation);
  return `WITH ${tables}
    SELECT piece, ${sum.high}, ${sum.whole}, ${sum.rest}, ${records},
      count(*) FILTER (counts AND kind <> ${KIND_CORRECTION}), ${decides ? 'min(row) FILTER (counts)' : 'NULL'}
    FROM weighed GROUP BY piece ORDER BY piece`;
}

async function recordIds(
  connection: DuckDBConnection,
  rows: readonly bigint[],
): Promise<Map<bigint, string>> {
  if (rows.length === 0) return new Map();
  const reader = await connection.runAndReadAll(
    `SELECT u.row, ${RECORD_COLUMNS}
    FROM ${withNames(`(SELECT rowid AS row, * FROM stored.usage WHERE rowid IN (${rows.join(', ')}))`)}`,
  );
  return new Map(reader.getRows().map(([row, recordId]) => [row as bigint, recordId as string]));
}
