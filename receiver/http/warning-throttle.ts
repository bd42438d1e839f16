/**
 * The partial-success message of a reply: what was quarantined and where to look.
 *
 * Clients log an error for every reply that carries one (Go does), so a reason is named once a minute, not with
 * every request that shows it.
 */
import type { MeteringOutcome } from '../metering/metering.ts';

const SILENCE_MS = 60_000;

export class WarningThrottle {
  readonly #lastNamed = new Map<string, number>();
  readonly #now: () => number;

  /** @param now milliseconds, of any clock that moves forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @returns null when nothing was quarantined, or nothing for a reason that was not named lately */
  message({ claimed, quarantined }: MeteringOutcome): string | null {
    if (quarantined.size === 0) return null;
    const now = this.#now();
    let total = 0;
    let isNew = false;
    for (const [code, count] of quarantined) {
      total += count;
      if (now - (this.#lastNamed.get(code) ?? Number.NEGATIVE_INFINITY) >= SILENCE_MS) {
        isNew = true;
        this.#lastNamed.set(code, now);
      }
    }
    if (!isNew) return null;
    const reasons = [...quarantined].map(([code, count]) => `${code} ${count}`).join(', ');
    return (
      `${total} of ${claimed} usage points cannot be counted and were put in quarantine (${reasons}); ` +
      'they are kept and listed at /api/v1/quarantine'
    );
  }
}
