/** Closed periods that may differ from what was stated of them: those that something happened to since. */
import {
  type ClosedPeriod,
  type CustomerPeriods,
  customersCondition,
  isSameRange,
  type Stated,
  statedOf,
} from './closed-periods.ts';
import type { FrozenLedger } from './frozen-ledger.ts';
import { type Range, without } from './stated.ts';

/** A period of a customer that may not be balanced. */
export interface ChangedPeriod {
  customer: CustomerPeriods;
  period: ClosedPeriod;
  /** What of the period is its own: a merged customer's periods may overlap, and usage is counted in the first. */
  pieces: Range[];
  stated: Map<string, Stated>;
}

/**
 * Periods that something happened to since they were balanced: few, while a customer's closed periods are many. All of
 * a customer that another one has joined since.
 */
export async function changedPeriods(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
): Promise<ChangedPeriod[]> {
  const touched = await touchedPeriods(frozen, customers);
  const candidates = customers
    .flatMap((customer) => customer.periods.map((period) => ({ customer, period })))
    .filter(
      ({ customer, period }) =>
        touched.has(periodKey(customer.customer, period)) ||
        customer.mergedSince ||
        customer.reopened.some((reopened) => isSameRange(reopened, period)),
    )
    .map(({ customer, period }): ChangedPeriod => {
      const earlier = customer.periods.slice(0, customer.periods.indexOf(period));
      return { customer, period, pieces: without(period, earlier), stated: new Map() };
    });
  const stated = await statedOf(
    frozen,
    candidates.map(({ customer: { customer }, period: { from, to } }) => ({ customer, from, to })),
  );
  for (const [n, candidate] of candidates.entries()) candidate.stated = stated[n];
  return candidates;
}

/**
 * SQL of the keys of all customers of whom a closed period may differ from what was stated: something of a time before
 * the end of their latest closed period came or was voided since they were balanced, a statement was re-opened, or
 * another customer joined them. More than have a {@link ChangedPeriod}, at the cost of what came since.
 */
export async function changedCustomers(frozen: FrozenLedger): Promise<string> {
  const balanced = `SELECT customer, max(as_of) AS balanced_at, max(period_end) AS closed_until
    FROM stored.statements WHERE reopened_by IS NULL GROUP BY customer`;
  const [[least, latest]] = await frozen.rows(
    `SELECT min(balanced_at), epoch_ns(max(closed_until)) FROM (${balanced})`,
  );
  // All statements that there ever were are re-opened: no period is closed.
  if (least === null) return 'SELECT NULL WHERE false';
  const touched = (column: string) => `SELECT u.customer FROM ${frozen.ledger}.usage u JOIN balanced b
      ON b.customer = u.customer AND u.${column} > b.balanced_at AND u.time < b.closed_until
    WHERE u.${column} > ${least} AND u.${column} <= ${frozen.sequence} AND u.sequence <= ${frozen.sequence}
      AND u.time < make_timestamp_ns(${latest})`;
  return `WITH balanced AS MATERIALIZED (${balanced})
    ${touched('sequence')} UNION ${touched('voided_by')}
    UNION SELECT s.customer FROM stored.statements s JOIN balanced b USING (customer)
      WHERE s.reopened_by > b.balanced_at
    UNION SELECT m.customer FROM stored.customer_merges m JOIN balanced b USING (customer)
      WHERE m.sequence > b.balanced_at`;
}

function periodKey(customer: number, { from, to }: Range): string {
  return `${customer} ${from} ${to}`;
}

/** Periods with rows that came, or were voided, since the customer was balanced: their {@link periodKey}s. */
async function touchedPeriods(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
): Promise<Set<string>> {
  const closed = customers.filter(({ periods }) => periods.length > 0);
  if (closed.length === 0) return new Set();
  const least = closed.map(({ balancedAt }) => balancedAt).reduce((a, b) => (a < b ? a : b));
  const latest = closed
    .flatMap(({ periods }) => periods.map(({ to }) => to))
    .reduce((a, b) => (a > b ? a : b));
  const carried = await carriedDimensions(frozen);
  const isWithin = `u.time >= p.period_start${carried.length === 0 ? '' : ` OR u.dimension IN (${carried.join(', ')})`}`;
  // Two searches, so that each leaves blocks out by the least sequence.
  const changed = (column: string) => `SELECT p.* FROM ${frozen.ledger}.usage u JOIN periods p
      ON p.customer = u.customer AND u.time < p.period_end AND u.${column} > p.balanced_at AND (${isWithin})
    WHERE u.${column} > ${least} AND u.${column} <= ${frozen.sequence} AND u.sequence <= ${frozen.sequence}
      AND u.time < make_timestamp_ns(${latest})`;
  const rows = await frozen.rows(
    `WITH periods AS MATERIALIZED (
      SELECT customer, period_start, period_end, max(as_of) OVER (PARTITION BY customer) AS balanced_at
      FROM stored.statements WHERE ${customersCondition(closed)} AND reopened_by IS NULL)
    SELECT DISTINCT customer, epoch_ns(period_start), epoch_ns(period_end)
    FROM (${changed('sequence')} UNION ALL ${changed('voided_by')})`,
  );
  return new Set(
    rows.map(([customer, from, to]) =>
      periodKey(Number(customer), { from: from as bigint, to: to as bigint }),
    ),
  );
}

/** Dimensions whose records hold beyond their period, by today's terms or by earlier ones, which a statement may have. */
export async function carriedDimensions(frozen: FrozenLedger): Promise<number[]> {
  const rows = await frozen.rows(
    `SELECT dimension FROM stored.dimensions WHERE aggregation IN ('time_weighted', 'time_integral')
      OR id IN (SELECT subject FROM stored.changes
        WHERE type = 'dimension_put' AND contains(change, '"aggregation":"time_'))`,
  );
  return rows.map(([dimension]) => Number(dimension));
}
