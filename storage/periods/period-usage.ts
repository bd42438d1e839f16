/** Usage of customers in a period, under the terms that a frozen ledger has. */
import { textFromInstant } from '../query/instant.ts';
import { parseUsageQuery, queryUsage } from '../query/usage-query.ts';
import type { FrozenLedger } from './frozen-ledger.ts';
import { type Measure, measureOf, type Range } from './stated.ts';

/** Rows that are read at a time. */
const PAGE_ROWS = 100_000;

export interface DimensionUsage extends Measure {
  unit: string;
  records: number;
}

/** By customer, then dimension; without those that have neither a record nor a level in the period. */
export type PeriodUsage = Map<string, Map<string, DimensionUsage>>;

/** @param dimensionIds null: all */
export async function periodUsage(
  frozen: FrozenLedger,
  range: Range,
  timeZone: string,
  customerIds: readonly string[],
  dimensionIds: readonly string[] | null = null,
): Promise<PeriodUsage> {
  const usage: PeriodUsage = new Map();
  if (customerIds.length === 0 || dimensionIds?.length === 0) return usage;
  const query = parseUsageQuery([
    ['from', textFromInstant(range.from)],
    ['to', textFromInstant(range.to)],
    ...customerIds.map((id): [string, string] => ['customerId', id]),
    ...(dimensionIds ?? []).map((id): [string, string] => ['dimensionId', id]),
  ]);
  // Not as a parameter: a customer's zone may be an offset, which is no name of one.
  query.timeZone = timeZone;
  query.limit = PAGE_ROWS;
  for (;;) {
    const { rows, nextCursor } = await queryUsage(frozen.connection, query);
    for (const { customerId, dimensionId, unit, records, quantity, billableQuantity, amount } of rows) {
      const dimensions = usage.get(customerId!) ?? new Map<string, DimensionUsage>();
      usage.set(customerId!, dimensions);
      const measure = measureOf({ quantity, billableQuantity, amount: amount ?? null });
      dimensions.set(dimensionId!, { ...measure, unit, records });
    }
    const last = rows.at(-1);
    if (nextCursor === null || last === undefined) return usage;
    query.after = [last.customerId!, last.dimensionId!, String(range.from)];
  }
}
