/** Counts dropped records and warns about them, without filling the log. Pure: the clock is an argument. */
import { log } from './log.ts';
import type { DropReason } from './usage-record.ts';

/** The same reason is reported at once, and then this seldom, with the number of drops in between. */
const QUIET_MILLIS = 60_000;

export class DropLog {
  readonly #nowMillis: () => number;
  readonly #counts = new Map<DropReason, number>();
  readonly #reported = new Map<DropReason, { count: number; atMillis: number }>();

  constructor(nowMillis: () => number) {
    this.#nowMillis = nowMillis;
  }

  /** Dropped records by reason, since the start. */
  get counts(): ReadonlyMap<DropReason, number> {
    return this.#counts;
  }

  /** @param describe what was recorded; only called where it is reported */
  add(reason: DropReason, describe: () => string): void {
    const count = (this.#counts.get(reason) ?? 0) + 1;
    this.#counts.set(reason, count);
    const last = this.#reported.get(reason);
    const now = this.#nowMillis();
    if (last !== undefined && now - last.atMillis < QUIET_MILLIS) return;
    this.#reported.set(reason, { count, atMillis: now });
    say(reason, `dropped ${count - (last?.count ?? 0)} record(s), ${reason}: ${describe()}`);
  }

  /** The process or the meter ends: reports what was dropped since the last report of each reason. */
  reportRest(): void {
    for (const [reason, count] of this.#counts) {
      const more = count - (this.#reported.get(reason)?.count ?? 0);
      if (more === 0) continue;
      this.#reported.set(reason, { count, atMillis: this.#nowMillis() });
      say(reason, `dropped ${more} more record(s), ${reason}`);
    }
  }
}

function say(reason: DropReason, what: string): void {
  // Of all reasons this one alone loses good usage.
  if (reason === 'buffer_full') log.error(`usage: ${what}`);
  else log.warn(`usage: ${what}`);
}
