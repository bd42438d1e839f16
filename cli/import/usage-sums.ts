/** What an import would count, per customer and dimension: exact. (Pure.) */
import { textFromScaled } from '../../storage/decimal.ts';

/** Pairs that are kept apart; memory stays flat beyond. */
const MAX_PAIRS = 500_000;

export interface UsageSum {
  customerId: string;
  dimensionId: string;
  /** Exact decimal. */
  quantity: string;
  records: number;
}

export class UsageSums {
  readonly #sums = new Map<string, { scaled: bigint; records: number }>();
  /** Records whose pair came after too many others. */
  uncounted = 0;

  /** @param scaled value × 10^12 */
  add(customerId: string, dimensionId: string, scaled: bigint): void {
    const key = JSON.stringify([customerId, dimensionId]);
    const sum = this.#sums.get(key);
    if (sum !== undefined) {
      sum.scaled += scaled;
      sum.records += 1;
    } else if (this.#sums.size < MAX_PAIRS) {
      this.#sums.set(key, { scaled, records: 1 });
    } else {
      this.uncounted += 1;
    }
  }

  get pairs(): number {
    return this.#sums.size;
  }

  /** Those with the most records first: quantities of different dimensions do not compare. */
  top(count: number): UsageSum[] {
    return [...this.#sums]
      .sort(([a, one], [b, other]) => other.records - one.records || (a < b ? -1 : 1))
      .slice(0, count)
      .map(([key, { scaled, records }]) => {
        const [customerId, dimensionId] = JSON.parse(key) as [string, string];
        return { customerId, dimensionId, quantity: textFromScaled(scaled), records };
      });
  }
}
