/**
 * What closed periods differ by from what was stated of them.
 *
 * Of each customer, closed period and dimension: the usage now, by the terms that were frozen when it was stated, minus
 * everything that valid statements have stated of it. So whatever came meanwhile, was voided, or was re-opened: what is
 * stated and what is pending add up to the usage.
 */

import { FRACTION_DIGITS, textFromScaled } from '../decimal.ts';
import { KIND_CORRECTION } from '../duckdb/schema.ts';
import { NO_KEY } from '../duckdb/slot-table.ts';
import { textFromInstant } from '../query/instant.ts';
import { BoundValues, scaledSum } from '../query/statement.ts';
import {
  type ClosedPeriod,
  type CustomerPeriods,
  customersCondition,
  isSameRange,
  type Stated,
  statedOf,
} from './closed-periods.ts';
import type { BillingTerms, FrozenLedger } from './frozen-ledger.ts';
import { type DimensionUsage, periodUsage } from './period-usage.ts';
import {
  isNothing,
  type Measure,
  measureByTerms,
  measureTexts,
  minus,
  NOTHING,
  plus,
  type Range,
  scaledText,
  without,
} from './stated.ts';
import {
  type AdjustmentReason,
  canonicalJson,
  type ReasonCount,
  type StatementAdjustment,
} from './statement-content.ts';

/** A period that is being closed, with the usage that its own lines state. */
export interface ClosingPeriod extends ClosedPeriod {
  /** By customer, then dimension. */
  lines: ReadonlyMap<string, ReadonlyMap<string, { usage: DimensionUsage; terms: BillingTerms }>>;
}

/** A period of a customer that may not be balanced. */
interface Candidate {
  customer: CustomerPeriods;
  period: ClosedPeriod;
  /** What of the period is its own: a merged customer's periods may overlap, and usage is counted in the first. */
  pieces: Range[];
  stated: Map<string, Stated>;
}

interface Difference extends Measure {
  candidate: Candidate;
  dimensionId: string;
  terms: BillingTerms;
  dimension: number | null;
}

/**
 * Pending adjustments, by customer; each by period and dimension. Customers without any are left out.
 * @param closing the period that is being closed counts as closed, stated by its lines
 */
export async function pendingAdjustments(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
  closing: ClosingPeriod | null = null,
): Promise<Map<string, StatementAdjustment[]>> {
  const today = await frozen.terms();
  const candidates = await changedPeriods(frozen, customers);
  const differences = await differencesOf(frozen, candidates, today);
  if (closing !== null) differences.push(...(await alreadyStated(frozen, customers, closing, today)));
  const reasons = await reasonsOf(frozen, differences, closing);
  const pending = new Map<string, StatementAdjustment[]>();
  for (const [n, { candidate, dimensionId, terms, ...measure }] of differences.entries()) {
    const { period, customer } = candidate;
    const adjustment: StatementAdjustment = {
      statementId: period.statementId,
      from: textFromInstant(period.from),
      to: textFromInstant(period.to),
      timeZone: period.timeZone,
      dimensionId,
      unit: terms.unit,
      ...measureTexts(measure),
      unitPrice: terms.unitPrice,
      terms: terms.terms,
      reasons: reasons[n],
    };
    const known = pending.get(customer.id);
    if (known === undefined) pending.set(customer.id, [adjustment]);
    else known.push(adjustment);
  }
  for (const adjustments of pending.values()) adjustments.sort(byPeriodAndDimension);
  return pending;
}

function byPeriodAndDimension(a: StatementAdjustment, b: StatementAdjustment): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1;
  if (a.to !== b.to) return a.to < b.to ? -1 : 1;
  return a.dimensionId < b.dimensionId ? -1 : a.dimensionId > b.dimensionId ? 1 : 0;
}

/**
 * Periods that something happened to since they were balanced: few, while a customer's closed periods are many. All of
 * a customer that another one has joined since.
 */
async function changedPeriods(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
): Promise<Candidate[]> {
  const touched = await touchedPeriods(frozen, customers);
  const candidates = customers
    .flatMap((customer) => customer.periods.map((period) => ({ customer, period })))
    .filter(
      ({ customer, period }) =>
        touched.has(periodKey(customer.customer, period)) ||
        customer.mergedSince ||
        customer.reopened.some((reopened) => isSameRange(reopened, period)),
    )
    .map(({ customer, period }): Candidate => {
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
async function carriedDimensions(frozen: FrozenLedger): Promise<number[]> {
  const rows = await frozen.rows(
    `SELECT dimension FROM stored.dimensions WHERE aggregation IN ('time_weighted', 'time_integral')
      OR id IN (SELECT subject FROM stored.changes
        WHERE type = 'dimension_put' AND contains(change, '"aggregation":"time_'))`,
  );
  return rows.map(([dimension]) => Number(dimension));
}

type TermsByDimension = Awaited<ReturnType<FrozenLedger['terms']>>;

async function differencesOf(
  frozen: FrozenLedger,
  candidates: readonly Candidate[],
  today: TermsByDimension,
): Promise<Difference[]> {
  const usage = await usageOf(frozen, candidates, today);
  return candidates.flatMap((candidate, n) => {
    const { stated } = candidate;
    const dimensions = new Set([...stated.keys(), ...usage[n].keys()]);
    return [...dimensions].flatMap((dimensionId): Difference[] => {
      const known = stated.get(dimensionId);
      const terms = known?.terms ?? today.get(dimensionId)!;
      const difference = minus(usage[n].get(dimensionId) ?? NOTHING, known?.total ?? NOTHING);
      if (isNothing(difference)) return [];
      const dimension = today.get(dimensionId)?.dimension ?? null;
      return [{ ...difference, candidate, dimensionId, terms, dimension }];
    });
  });
}

/** The usage now of each candidate by its frozen terms: one question for all that agree on a range and on terms. */
async function usageOf(
  frozen: FrozenLedger,
  candidates: readonly Candidate[],
  today: TermsByDimension,
): Promise<Map<string, Measure>[]> {
  const pieces = candidates.flatMap((candidate, n) =>
    candidate.pieces.map((range) => ({ candidate, n, range })),
  );
  const groups = Map.groupBy(
    pieces,
    ({ range, candidate }) => `${range.from} ${range.to} ${candidate.period.timeZone}`,
  );
  const usage = candidates.map(() => new Map<string, Measure>());
  for (const group of groups.values()) {
    const { range, candidate } = group[0];
    for (const round of roundsOf(
      group.map((each) => each.candidate),
      today,
    )) {
      await frozen.bill(round.terms);
      const found = await periodUsage(
        frozen,
        range,
        candidate.period.timeZone,
        round.customerIds,
        round.dimensionIds,
      );
      for (const { candidate: each, n } of group) {
        for (const [dimensionId, measure] of found.get(each.customer.id) ?? []) {
          if (!round.isMeant(each, dimensionId)) continue;
          usage[n].set(dimensionId, joined(usage[n].get(dimensionId), measure, each, dimensionId, today));
        }
      }
    }
  }
  await frozen.bill(new Map());
  return usage;
}

/** Parts of one period are billed as one. */
function joined(
  before: Measure | undefined,
  { quantity, billable, amount }: Measure,
  { stated }: Candidate,
  dimensionId: string,
  today: TermsByDimension,
): Measure {
  if (before === undefined) return { quantity, billable, amount };
  const { terms, unitPrice } = stated.get(dimensionId)?.terms ?? today.get(dimensionId)!;
  return measureByTerms(before.quantity + quantity, terms, unitPrice);
}

interface Round {
  terms: Map<string, BillingTerms>;
  customerIds: string[];
  /** null: all. */
  dimensionIds: string[] | null;
  isMeant(candidate: Candidate, dimensionId: string): boolean;
}

/**
 * The first round asks for all, each dimension by the terms that most of the customers have; where others have other
 * terms, because a price changed between their statements, they are asked for again by those.
 */
function roundsOf(candidates: readonly Candidate[], today: TermsByDimension): Round[] {
  const customerIds = candidates.map(({ customer }) => customer.id);
  const todayKeys = new Map([...today].map(([id, terms]) => [id, termsKey(terms)]));
  const keyOf = ({ stated }: Candidate, dimensionId: string): string => {
    const known = stated.get(dimensionId);
    return known === undefined ? (todayKeys.get(dimensionId) ?? '') : termsKey(known.terms);
  };
  /** Distinct terms of each dimension that somebody stated; today's come first, for those that did not state it. */
  const variants = new Map<string, Map<string, BillingTerms>>();
  for (const { stated } of candidates) {
    for (const [dimensionId, { terms }] of stated) {
      const known = variants.get(dimensionId) ?? new Map<string, BillingTerms>();
      variants.set(dimensionId, known);
      const current = today.get(dimensionId);
      if (known.size === 0 && current !== undefined) known.set(termsKey(current), current);
      known.set(termsKey(terms), terms);
    }
  }
  const count = Math.max(1, ...[...variants.values()].map(({ size }) => size));
  return Array.from({ length: count }, (_, round): Round => {
    const chosen = new Map<string, [key: string, terms: BillingTerms]>();
    for (const [dimensionId, known] of variants) {
      const variant = [...known][round];
      if (variant !== undefined) chosen.set(dimensionId, variant);
    }
    return {
      terms: new Map([...chosen].map(([dimensionId, [, terms]]) => [dimensionId, terms])),
      customerIds,
      dimensionIds: round === 0 ? null : [...chosen.keys()],
      isMeant: (candidate, dimensionId) => {
        const variant = chosen.get(dimensionId);
        if (variant === undefined) return round === 0;
        return variant[0] === keyOf(candidate, dimensionId);
      },
    };
  });
}

function termsKey({ unitPrice, terms }: BillingTerms): string {
  return canonicalJson([unitPrice, terms]);
}

/** What other statements have stated of the very period that is being closed: its lines state all of it again. */
async function alreadyStated(
  frozen: FrozenLedger,
  customers: readonly CustomerPeriods[],
  closing: ClosingPeriod,
  today: TermsByDimension,
): Promise<Difference[]> {
  const { from, to } = closing;
  const stated = await statedOf(
    frozen,
    customers.map(({ customer }) => ({ customer, from, to })),
  );
  return customers.flatMap((customer, n) => {
    const candidate: Candidate = { customer, period: closing, pieces: [closing], stated: stated[n] };
    return [...stated[n]].flatMap(([dimensionId, { total, terms }]): Difference[] => {
      const difference = minus(NOTHING, total);
      if (isNothing(difference)) return [];
      const own = closing.lines.get(customer.id)?.get(dimensionId)?.terms ?? terms;
      const dimension = today.get(dimensionId)?.dimension ?? null;
      return [{ ...difference, candidate, dimensionId, terms: own, dimension }];
    });
  });
}

/** Why each differs: the records that came or went since the customer was balanced, and what no record explains. */
async function reasonsOf(
  frozen: FrozenLedger,
  differences: readonly Difference[],
  closing: ClosingPeriod | null,
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
    const known = counted[n].reduce((sum, each) => plus(sum, quantityOf(each)), NOTHING).quantity;
    if (isSum && known === quantity) continue;
    counted[n].push({
      reason: customer.mergedSince ? 'customer_merged' : 'statement_reopened',
      records: null,
      quantity: isSum ? textFromScaled(quantity - known) : null,
    });
  }
  return counted;
}

function quantityOf({ quantity }: ReasonCount): Measure {
  return { ...NOTHING, quantity: quantity === null ? 0n : scaledText(quantity, FRACTION_DIGITS) };
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
      WHERE u.sequence <= ${sequence}
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
