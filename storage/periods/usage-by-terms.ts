/** The usage of closed periods as it is now, by the terms that were frozen when they were stated. */
import type { ChangedPeriod } from './changed-periods.ts';
import type { BillingTerms, FrozenLedger } from './frozen-ledger.ts';
import { periodUsage } from './period-usage.ts';
import { type Measure, measureByTerms } from './stated.ts';
import { canonicalJson } from './statement-content.ts';

/** Terms that hold today, by dimension. */
export type TermsByDimension = Awaited<ReturnType<FrozenLedger['terms']>>;

/** By place of the period, then dimension: one question for all periods that agree on a range and on terms. */
export async function usageByTerms(
  frozen: FrozenLedger,
  candidates: readonly ChangedPeriod[],
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
  { stated }: ChangedPeriod,
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
  isMeant(candidate: ChangedPeriod, dimensionId: string): boolean;
}

/**
 * The first round asks for all, by today's terms. Dimensions that were stated by others, because a price changed since, are
 * asked for again by those, and each customer's usage is taken from the round that has its terms.
 */
function roundsOf(candidates: readonly ChangedPeriod[], today: TermsByDimension): Round[] {
  const customerIds = candidates.map(({ customer }) => customer.id);
  const todayKeys = new Map([...today].map(([id, terms]) => [id, termsKey(terms)]));
  const keyOf = ({ stated }: ChangedPeriod, dimensionId: string): string => {
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
