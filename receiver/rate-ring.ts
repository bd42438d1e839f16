/** How much came in each of the last seconds, in memory. The clock is the caller's. (Pure.) */

/** Seconds that are remembered. */
export const RATE_SECONDS = 600;

export class RateRing {
  // One more than is told: the running second is not over.
  readonly #counts = new Float64Array(RATE_SECONDS + 1);
  /** The last second that has a place of its own, since the epoch. */
  #last = 0;

  /** @param unixSecond a whole number; earlier ones than the last count as the last */
  note(unixSecond: number, count: number): void {
    this.#advance(unixSecond);
    this.#counts[this.#last % this.#counts.length] += count;
  }

  /** Counts of the whole seconds before this one, oldest first. */
  before(unixSecond: number): number[] {
    this.#advance(unixSecond);
    return Array.from({ length: RATE_SECONDS }, (_, i) => {
      const second = this.#last - RATE_SECONDS + i;
      return second < 0 ? 0 : this.#counts[second % this.#counts.length];
    });
  }

  #advance(unixSecond: number): void {
    const { length } = this.#counts;
    if (unixSecond - this.#last >= length) this.#counts.fill(0);
    else for (let second = this.#last + 1; second <= unixSecond; second++) this.#counts[second % length] = 0;
    this.#last = Math.max(this.#last, unixSecond);
  }
}
