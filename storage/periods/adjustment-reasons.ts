/** Why closed periods differ from what was stated of them. */
import { FRACTION_DIGITS, textFromScaled } from '../decimal.ts';
import { KIND_CORRECTION } from '../duckdb/schema.ts';
import { NO_KEY } from '../duckdb/slot-table.ts';
import { BoundValues, scaledSum } from '../query/statement.ts';
import { type ChangedPeriod, carriedDimensions } from './changed-periods.ts';
import { type ClosedPeriod, isSameRange } from './closed-periods.ts';
import type { BillingTerms, FrozenLedger } from './frozen-ledger.ts';
import { type Measure, scaledText } from './stated.ts';
import type { AdjustmentReason, ReasonCount } from './statement-content.ts';

/** What the usage of a dimension in a period differs by. */
export interface Difference extends Measure {
  candidate: ChangedPeriod;
  dimensionId: string;
  terms: BillingTerms;
  /** The ledger's key; null: nobody knows the dimension any more. */
  dimension: number | null;
}

/** Why each differs: the records that came or went since the customer was balanced, and what no record explains. */
export async function adjustmentReasons(
  frozen: FrozenLedger,
  differences: readonly Difference[],
  closing: ClosedPeriod | null,
): Promise<ReasonCount[][]> {
  const counted: ReasonCount[][] = differences.map(() => []);
  if (differences.length === 0) return counted;
  for (const { n, reason, records, quantity } of await recordReasons(frozen, differences))
    counted[n].push({ reason, records, quantity: textFromScaled(quantity) });
  for (const [n, difference] of differences.entries()) {
    const { candidate, terms, quantity } = difference;
    const { customer, period } = candidate;
    if (period === closing) {
      counted[n] = [{ reason: 'already_stated', records: null, quantity: textFromScaled(quantity) }];
      continue;
    }
    const wasReopened = customer.reopened.some((reopened) => isSameRange(reopened, period));
    if (!wasReopened && !customer.mergedSince) continue;
    // Only sums are put together of the values of records.
    const isSum = terms.terms.aggregation === 'sum';
    const known = counted[n].reduce((sum, each) => sum + quantityOf(each), 0n);
    if (isSum && known === quantity) continue;
    counted[n].push({
      reason: customer.mergedSince ? 'customer_merged' : 'statement_reopened',
      records: null,
      quantity: isSum ? textFromScaled(quantity - known) : null,
    });
  }
  return counted;
}

function quantityOf({ quantity }: ReasonCount): bigint {
  return quantity === null ? 0n : scaledText(quantity, FRACTION_DIGITS);
}

interface RecordReason {
  /** Place among the differences. */
  n: number;
  reason: AdjustmentReason;
  records: number;
  quantity: bigint;
}

async function recordReasons(
  frozen: FrozenLedger,
  differences: readonly Difference[],
): Promise<RecordReason[]> {
  const bound = new BoundValues();
  const { ledger, sequence } = frozen;
  const carried = new Set(await carriedDimensions(frozen));
  const least = differences
    .map(({ candidate }) => candidate.customer.balancedAt)
    .reduce((a, b) => (a < b ? a : b));
  const latest = differences.map(({ candidate }) => candidate.period.to).reduce((a, b) => (a > b ? a : b));
  const list = (value: (difference: Difference) => bigint) => bound.bigints(differences.map(value));
  const rows = await frozen.rows(
    `WITH wanted AS MATERIALIZED (
      SELECT unnest(range(${differences.length})) AS n,
        unnest(${list(({ candidate }) => BigInt(candidate.customer.customer))}) AS customer,
        unnest(${list(({ dimension }) => BigInt(dimension ?? NO_KEY))}) AS dimension,
        unnest(${list(({ dimension }) => (dimension !== null && carried.has(dimension) ? 1n : 0n))}) AS is_carried,
        unnest(${list(({ candidate }) => candidate.customer.balancedAt)}) AS balanced_at,
        make_timestamp_ns(unnest(${list(({ candidate }) => candidate.period.from)})) AS period_start,
        make_timestamp_ns(unnest(${list(({ candidate }) => candidate.period.to)})) AS period_end),
    changed AS (
      SELECT w.n, u.quantity, u.kind, u.sequence, u.voided_by, u.sequence > w.balanced_at AS came
      FROM ${ledger}.usage u JOIN wanted w ON w.customer = u.customer AND w.dimension = u.dimension
        AND u.time < w.period_end AND (u.time >= w.period_start OR w.is_carried = 1)
      WHERE u.sequence <= ${sequence} AND (u.sequence > ${least} OR u.voided_by > ${least})
        AND u.time < make_timestamp_ns(${latest})
        AND CASE WHEN u.sequence > w.balanced_at THEN u.voided_by IS NULL OR u.voided_by > ${sequence}
          ELSE u.voided_by > w.balanced_at AND u.voided_by <= ${sequence} END),
    made_by AS (
      SELECT sequence, any_value(type) AS type FROM stored.changes
      WHERE type IN ('record_corrected', 'quarantine_rejudged', 'quarantine_corrected') GROUP BY sequence),
    voids AS (SELECT sequence, bool_or(replaced) AS replaced FROM stored.voids GROUP BY sequence)
    SELECT c.n,
      CASE WHEN NOT c.came THEN CASE WHEN v.replaced THEN 'amendment' ELSE 'void' END
        WHEN m.type = 'record_corrected' THEN 'amendment'
        WHEN m.type = 'quarantine_rejudged' THEN 'replay'
        WHEN m.type = 'quarantine_corrected' THEN 'correction'
        WHEN c.kind = ${KIND_CORRECTION} THEN 'late_reading'
        ELSE 'late_arrival' END AS reason,
      count(*),
      sum(trunc(c.quantity)::HUGEINT * CASE WHEN c.came THEN 1 ELSE -1 END),
      sum((c.quantity - trunc(c.quantity)) * CASE WHEN c.came THEN 1 ELSE -1 END)
    FROM changed c
      LEFT JOIN made_by m ON c.came AND m.sequence = c.sequence
      LEFT JOIN voids v ON NOT c.came AND v.sequence = c.voided_by
    GROUP BY c.n, reason ORDER BY c.n, reason`,
    bound.values,
  );
  return rows.map(([n, reason, records, whole, rest]) => ({
    n: Number(n),
    reason: reason as AdjustmentReason,
    records: Number(records),
    quantity: scaledSum(whole, rest),
  }));
}
