/**
 * What closed periods differ by from what was stated of them.
 *
 * Of each customer, closed period and dimension: the usage now, by the terms that were frozen when it was stated, minus
 * everything that valid statements have stated of it. So whatever came meanwhile, was voided, or was re-opened: what is
 * stated and what is pending add up to the usage.
 */
import { textFromInstant } from '../query/instant.ts';
import { adjustmentReasons, type Difference } from './adjustment-reasons.ts';
import { type ChangedPeriod, changedPeriods } from './changed-periods.ts';
import { type ClosedPeriod, type CustomerPeriods, statedOf } from './closed-periods.ts';
import type { BillingTerms, FrozenLedger } from './frozen-ledger.ts';
import type { DimensionUsage } from './period-usage.ts';
import { isNothing, measureTexts, minus, NOTHING } from './stated.ts';
import type { StatementAdjustment } from './statement-content.ts';
import { type TermsByDimension, usageByTerms } from './usage-by-terms.ts';

/** A period that is being closed, with the usage that its own lines state. */
export interface ClosingPeriod extends ClosedPeriod {
  /** By customer, then dimension. */
  lines: ReadonlyMap<string, ReadonlyMap<string, { usage: DimensionUsage; terms: BillingTerms }>>;
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
  const reasons = await adjustmentReasons(frozen, differences, closing);
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

async function differencesOf(
  frozen: FrozenLedger,
  candidates: readonly ChangedPeriod[],
  today: TermsByDimension,
): Promise<Difference[]> {
  const usage = await usageByTerms(frozen, candidates, today);
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
    const candidate: ChangedPeriod = { customer, period: closing, pieces: [closing], stated: stated[n] };
    return [...stated[n]].flatMap(([dimensionId, { total, terms }]): Difference[] => {
      const difference = minus(NOTHING, total);
      if (isNothing(difference)) return [];
      const own = closing.lines.get(customer.id)?.get(dimensionId)?.terms ?? terms;
      const dimension = today.get(dimensionId)?.dimension ?? null;
      return [{ ...difference, candidate, dimensionId, terms: own, dimension }];
    });
  });
}
