/** The closed periods of customers, with what valid statements have stated of them. */
import { BoundValues } from '../query/statement.ts';
import type { BillingTerms, FrozenLedger } from './frozen-ledger.ts';
import { type Measure, measureOf, NOTHING, plus, type Range } from './stated.ts';
import { Terms } from './statement-content.ts';

/** A customer as the ledger knows it. */
export interface CustomerKey {
  customer: number;
  id: string;
}

/** What was stated of a dimension in a period, and by which terms. */
export interface Stated {
  total: Measure;
  /** Of the line of the first statement of the period, else of the first adjustment. */
  terms: BillingTerms;
}

export interface ClosedPeriod extends Range {
  timeZone: string;
  /** The statement that closed it first; null: the one that is being made. */
  statementId: string | null;
}

/** What is known of a customer's periods. */
export interface CustomerPeriods extends CustomerKey {
  /** Closed, in the order in which they were. */
  periods: ClosedPeriod[];
  /**
   * Journal position of the latest valid statement: all closed periods were balanced there, but for what
   * {@link reopened} and {@link mergedSince} say.
   */
  balancedAt: bigint;
  /** Hash of the latest statement, valid or not. */
  latestHash: string | null;
  /** Periods of which a statement that was re-opened behind {@link balancedAt} had stated adjustments. */
  reopened: Range[];
  /** Another customer became this one behind {@link balancedAt}. */
  mergedSince: boolean;
}

/** Their closed periods; those without any have none. */
export async function customerPeriods(
  frozen: FrozenLedger,
  customers: readonly CustomerKey[],
): Promise<CustomerPeriods[]> {
  const found = new Map<number, CustomerPeriods>(
    customers.map((each) => [
      each.customer,
      { ...each, periods: [], balancedAt: -1n, latestHash: null, reopened: [], mergedSince: false },
    ]),
  );
  if (customers.length === 0) return [];
  const isOne = customersCondition(customers);
  const statements = await frozen.rows(
    `SELECT customer, id, epoch_ns(period_start), epoch_ns(period_end), time_zone, as_of, hash, reopened_by
    FROM stored.statements WHERE ${isOne} ORDER BY sequence, ordinal`,
  );
  const reopened: { id: string; one: CustomerPeriods; reopenedBy: bigint }[] = [];
  for (const [customer, id, from, to, timeZone, asOf, hash, reopenedBy] of statements) {
    const one = found.get(Number(customer))!;
    one.latestHash = hash as string;
    if (reopenedBy !== null) {
      reopened.push({ id: id as string, one, reopenedBy: reopenedBy as bigint });
      continue;
    }
    if ((asOf as bigint) > one.balancedAt) one.balancedAt = asOf as bigint;
    const period = { from: from as bigint, to: to as bigint };
    if (!one.periods.some((known) => isSameRange(known, period)))
      one.periods.push({ ...period, timeZone: timeZone as string, statementId: id as string });
  }
  await noteReopened(
    frozen,
    reopened.filter(({ one, reopenedBy }) => reopenedBy > one.balancedAt),
  );
  const merges = await frozen.rows(
    `SELECT customer, max(sequence) FROM stored.customer_merges WHERE ${isOne} GROUP BY customer`,
  );
  for (const [customer, sequence] of merges) {
    const one = found.get(Number(customer))!;
    one.mergedSince = (sequence as bigint) > one.balancedAt;
  }
  return [...found.values()];
}

/** Condition on a column `customer`. */
export function customersCondition(customers: readonly CustomerKey[]): string {
  return `customer IN (${customers.map(({ customer }) => customer).join(', ')})`;
}

async function noteReopened(
  frozen: FrozenLedger,
  reopened: readonly { id: string; one: CustomerPeriods }[],
): Promise<void> {
  if (reopened.length === 0) return;
  const owners = new Map(reopened.map(({ id, one }) => [id, one]));
  const bound = new BoundValues();
  const rows = await frozen.rows(
    `SELECT DISTINCT statement_id, epoch_ns(period_start), epoch_ns(period_end) FROM stored.stated
    WHERE is_adjustment AND statement_id IN (SELECT unnest(${bound.texts([...owners.keys()])}))`,
    bound.values,
  );
  for (const [id, from, to] of rows)
    owners.get(id as string)!.reopened.push({ from: from as bigint, to: to as bigint });
}

/** What valid statements have stated of periods, own lines and adjustments together: by place among them, then dimension. */
export async function statedOf(
  frozen: FrozenLedger,
  periods: readonly (Range & { customer: number })[],
): Promise<Map<string, Stated>[]> {
  const stated = periods.map(() => new Map<string, Stated>());
  if (periods.length === 0) return stated;
  const bound = new BoundValues();
  const instants = (column: 'from' | 'to') => periods.map((period) => period[column]);
  // What statements state ascends with time: constants leave most blocks out.
  const earliest = instants('from').reduce((a, b) => (a < b ? a : b));
  const latest = instants('to').reduce((a, b) => (a > b ? a : b));
  const rows = await frozen.rows(
    `WITH wanted AS (
      SELECT unnest(range(${periods.length})) AS n,
        unnest(${bound.bigints(periods.map(({ customer }) => BigInt(customer)))}) AS customer,
        make_timestamp_ns(unnest(${bound.bigints(instants('from'))})) AS period_start,
        make_timestamp_ns(unnest(${bound.bigints(instants('to'))})) AS period_end)
    SELECT w.n, s.dimension_id, s.unit, s.unit_price, s.terms, s.quantity, s.billable_quantity, s.amount
    FROM wanted w
      JOIN stored.statements t ON t.customer = w.customer AND t.reopened_by IS NULL
      JOIN stored.stated s ON s.statement_id = t.id AND s.period_start = w.period_start
        AND s.period_end = w.period_end
    WHERE s.period_start >= make_timestamp_ns(${earliest}) AND s.period_end <= make_timestamp_ns(${latest})
    ORDER BY s.is_adjustment, t.sequence, t.ordinal`,
    bound.values,
  );
  for (const [n, dimensionId, unit, unitPrice, terms, quantity, billableQuantity, amount] of rows) {
    const dimensions = stated[Number(n)];
    const known = dimensions.get(dimensionId as string) ?? {
      total: NOTHING,
      terms: {
        unit: unit as string,
        unitPrice: unitPrice as string | null,
        terms: Terms.parse(JSON.parse(terms as string)),
      },
    };
    const measure = measureOf({
      quantity: quantity as string,
      billableQuantity: billableQuantity as string,
      amount: amount as string | null,
    });
    dimensions.set(dimensionId as string, { ...known, total: plus(known.total, measure) });
  }
  return stated;
}

export function isSameRange(a: Range, b: Range): boolean {
  return a.from === b.from && a.to === b.to;
}
