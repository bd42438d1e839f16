/** Says that usage is not delivered, and when it is again, without filling the log. Pure: the clock is an argument. */
import { log } from './log.ts';

/** The first failure is reported at once, and then one this seldom. */
const QUIET_MILLIS = 60_000;

export class OutageLog {
  readonly #nowMillis: () => number;
  #reportedAtMillis = -Infinity;
  #reported = false;

  constructor(nowMillis: () => number) {
    this.#nowMillis = nowMillis;
  }

  failed(cause: Error, pendingPoints: number): void {
    const now = this.#nowMillis();
    if (now - this.#reportedAtMillis < QUIET_MILLIS) return;
    this.#reportedAtMillis = now;
    this.#reported = true;
    log.warn(
      `usage: not delivered yet, ${pendingPoints} data point(s) are kept and sent again: ${cause.message}`,
    );
  }

  /** The receiver answered. Only the end of an outage that was reported is reported. */
  succeeded(): void {
    if (this.#reported) log.warn('usage: the receiver is back');
    this.#reported = false;
  }
}
