/** What is at stake in quarantine, reason by reason: GET /api/v1/quarantine/totals. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import { RESOLUTION_OPEN } from '../duckdb/schema.ts';
import { codeName, type QuarantineCode } from '../quarantine-codes.ts';
import { textFromInstant } from './instant.ts';
import { QueryParameters } from './parameters.ts';
import {
  FILTER_PARAMETERS,
  filterConditions,
  filterParameters,
  type QuarantineFilter,
} from './quarantine-filter.ts';
import { runSum, scaledSum } from './statement.ts';

/** Dimensions and units of one reason that are told; the others are in its signals all the same. */
const MOST_AT_STAKE = 20;

/** The open signals of one reason. */
export interface QuarantineTotal {
  reason: QuarantineCode;
  /** How many; each counts once however often it came. */
  signals: number;
  /** When one of them came first and last, RFC 3339 in UTC. */
  firstSeen: string;
  lastSeen: string;
  /** By dimension and unit, the most signals first. */
  atStake: {
    /** null where the signals name none. */
    dimensionId: string | null;
    /** As the signals say it. */
    unit: string;
    signals: number;
    /** What they would have counted: an exact decimal, null where none has a value that is a quantity. */
    quantity: string | null;
  }[];
}

export interface QuarantineTotalsAnswer {
  /** In the order in which the reasons apply. */
  rows: QuarantineTotal[];
}

/** @throws QueryError naming the parameter at fault */
export function parseQuarantineTotalsQuery(params: Iterable<[string, string]>): QuarantineFilter {
  return filterParameters(new QueryParameters(params, FILTER_PARAMETERS));
}

/** Answers from one snapshot of the ledger. Signals that were corrected or dismissed are left out. */
export async function queryQuarantineTotals(
  connection: DuckDBConnection,
  filter: QuarantineFilter,
): Promise<QuarantineTotalsAnswer> {
  const read = await runSum(connection, 'stored.quarantine', (sums, bound) => {
    const sum = sums.of('quantity');
    const conditions = [`resolution = '${RESOLUTION_OPEN}'`, ...filterConditions(filter, bound)];
    return `SELECT code, dimension_id, x.unit, count(*) AS signals, count(quantity), coalesce(${sum.whole}, 0),
        coalesce(${sum.rest}, 0), epoch_ns(min(first_seen)), epoch_ns(max(last_seen))
      FROM stored.quarantine JOIN stored.series USING (series) JOIN stored.contexts x USING (context)
      WHERE ${conditions.join(' AND ')}
      GROUP BY code, dimension_id, x.unit ORDER BY code, signals DESC, dimension_id NULLS FIRST, x.unit`;
  });
  const totals = new Map<QuarantineCode, QuarantineTotal & { first: bigint; last: bigint }>();
  for (const [code, dimensionId, unit, count, quantities, whole, rest, firstSeen, lastSeen] of read) {
    const reason = codeName(Number(code));
    const [first, last] = [firstSeen as bigint, lastSeen as bigint];
    const total = totals.get(reason) ?? {
      ...{ reason, signals: 0, firstSeen: '', lastSeen: '', atStake: [] },
      ...{ first, last },
    };
    totals.set(reason, total);
    total.signals += Number(count);
    if (first < total.first) total.first = first;
    if (last > total.last) total.last = last;
    if (total.atStake.length === MOST_AT_STAKE) continue;
    total.atStake.push({
      dimensionId: dimensionId as string | null,
      unit: unit as string,
      signals: Number(count),
      quantity: quantities === 0n ? null : textFromScaled(scaledSum(whole, rest)),
    });
  }
  return {
    rows: [...totals.values()].map(({ first, last, ...total }) => ({
      ...total,
      firstSeen: textFromInstant(first),
      lastSeen: textFromInstant(last),
    })),
  };
}
