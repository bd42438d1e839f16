/** What could not be counted, by reason: GET /api/v1/quarantine. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { textFromScaled } from '../decimal.ts';
import { RESOLUTION_OPEN } from '../duckdb/schema.ts';
import { codeName, codeNumber, QUARANTINE_CODES, type QuarantineCode } from '../quarantine-codes.ts';
import { type CursorPosition, cursorPosition, cursorText, fingerprint } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { QueryParameters } from './parameters.ts';
import {
  FILTER_PARAMETERS,
  filterConditions,
  filterParameters,
  type QuarantineFilter,
} from './quarantine-filter.ts';
import { type BoundValues, behind, runSum, type SumColumns, scaledSum } from './statement.ts';

/** A question that {@link parseQuarantineQuery} found well-formed. Plain data: it may be posted to another thread. */
export interface QuarantineQuery extends QuarantineFilter {
  /** Rows of this page at most. */
  limit: number;
  /** Reason, dimension, customer and meter of the last row of the page before. */
  after: CursorPosition | null;
}

/** The open signals of one reason, meter, dimension and customer. */
export interface QuarantineRow {
  reason: QuarantineCode;
  meterId: string;
  /** null where the signals name none. */
  dimensionId: string | null;
  /** null where the signals name none. */
  customerId: string | null;
  /** How many; each counts once however often it came. */
  signals: number;
  /** What they would have counted: an exact decimal, null where none has a value that is a quantity. */
  quantity: string | null;
  /** When one of them came first and last, RFC 3339 in UTC. */
  firstSeen: string;
  lastSeen: string;
}

/** Rows in the order in which the reasons apply, then by dimension, customer (null first) and meter. */
export interface QuarantineAnswer {
  rows: QuarantineRow[];
  /** Asks for the next page; null on the last one. */
  nextCursor: string | null;
}

/**
 * Reads the parameters of GET /api/v1/quarantine, all of them optional.
 * @throws QueryError naming the parameter at fault
 */
export function parseQuarantineQuery(params: Iterable<[string, string]>): QuarantineQuery {
  const parameters = new QueryParameters(params, [...FILTER_PARAMETERS, 'limit', 'cursor']);
  const query: QuarantineQuery = {
    ...filterParameters(parameters),
    limit: parameters.limit(),
    after: null,
  };
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) query.after = cursorPosition(cursor, quarantineFingerprint(query), isPosition);
  return query;
}

function isPosition([reason, dimension, customer, meter, ...rest]: CursorPosition): boolean {
  return (
    rest.length === 0 &&
    QUARANTINE_CODES.some((code) => code === reason) &&
    dimension !== undefined &&
    customer !== undefined &&
    typeof meter === 'string'
  );
}

function quarantineFingerprint({ limit: _limit, after: _after, ...question }: QuarantineQuery): string {
  return fingerprint(question);
}

/** Answers from one snapshot of the ledger. Signals that were corrected or dismissed are left out. */
export async function queryQuarantine(
  connection: DuckDBConnection,
  query: QuarantineQuery,
): Promise<QuarantineAnswer> {
  const listed = await runSum(connection, 'stored.quarantine', (sums, bound) =>
    quarantineStatement(query, sums.of('quantity'), bound),
  );
  const rows = listed.slice(0, query.limit).map((row): QuarantineRow => {
    const [code, dimensionId, customerId, meterId, signals, quantities, whole, rest, first, last] = row;
    return {
      reason: codeName(Number(code)),
      meterId: meterId as string,
      dimensionId: dimensionId as string | null,
      customerId: customerId as string | null,
      signals: Number(signals),
      quantity: quantities === 0n ? null : textFromScaled(scaledSum(whole, rest)),
      firstSeen: textFromInstant(first as bigint),
      lastSeen: textFromInstant(last as bigint),
    };
  });
  if (listed.length <= query.limit) return { rows, nextCursor: null };
  const { reason, dimensionId, customerId, meterId } = rows[query.limit - 1];
  const position = [reason, dimensionId, customerId, meterId];
  return { rows, nextCursor: cursorText(quarantineFingerprint(query), position) };
}

function quarantineStatement(query: QuarantineQuery, sum: SumColumns, bound: BoundValues): string {
  const conditions = [`resolution = '${RESOLUTION_OPEN}'`, ...filterConditions(query, bound)];
  if (query.after !== null) {
    const [reason, dimensionId, customerId, meterId] = query.after;
    const nullable = (name: string, value: string | null) => [
      { name: `(${name} IS NOT NULL)`, value: String(value !== null) },
      { name: `coalesce(${name}, '')`, value: bound.text(value ?? '') },
    ];
    conditions.push(
      behind([
        { name: 'code', value: String(codeNumber(reason as QuarantineCode)) },
        ...nullable('dimension_id', dimensionId),
        ...nullable('customer_id', customerId),
        { name: 'meter_id', value: bound.text(meterId!) },
      ]),
    );
  }
  return `
    SELECT code, dimension_id, customer_id, meter_id, count(*), count(quantity),
      coalesce(${sum.whole}, 0), coalesce(${sum.rest}, 0), epoch_ns(min(first_seen)), epoch_ns(max(last_seen))
    FROM stored.quarantine JOIN stored.series USING (series)
    WHERE ${conditions.join(' AND ')}
    GROUP BY code, dimension_id, customer_id, meter_id
    ORDER BY code, dimension_id NULLS FIRST, customer_id NULLS FIRST, meter_id LIMIT ${query.limit + 1}`;
}
