/** Batches on their way to the receiver: in order, one at a time, kept until the receiver has them. */
import { log } from './log.ts';
import { OutageLog } from './outage-log.ts';
import { halves, type UsageBatch } from './usage-aggregation.ts';
import type { ExportOutcome } from './usage-exporter.ts';

/** What became of the data points handed over so far; all numbers only grow, but `pendingPoints`. */
export interface DeliveryState {
  acceptedPoints: number;
  /** Handed over, not accepted yet, kept. */
  pendingPoints: number;
  /** Refused for good by the receiver. */
  refusedPoints: number;
  /** Different messages of partial successes, the latest {@link MAX_MESSAGES}: quarantined usage says why here. */
  messages: string[];
  /** Why the last try did not succeed, also while its attempt goes on; null after a success. */
  lastError: Error | null;
  /** Why points were last refused for good. */
  lastRefusal: Error | null;
}

/** Between attempts, while the receiver is away. Each attempt already repeats itself within the exporter's timeout. */
const MIN_PAUSE_MILLIS = 500;
const MAX_PAUSE_MILLIS = 30_000;
/** Requests that may be spent on finding the bad points of one refused batch. */
const MAX_SPLITS = 32;
const MAX_MESSAGES = 20;

/** One attempt; `retrying` is told why a try within it failed that is followed by another. */
export type Send = (batch: UsageBatch, retrying: (error: Error) => void) => Promise<ExportOutcome>;

interface Entry {
  batch: UsageBatch;
  /** How often it, or what it was cut from, was split. Shared by all its parts. */
  splits: { count: number };
}

/**
 * Hands batches to an exporter and keeps what was not accepted.
 *
 * The SDK's reader collects a delta batch, hands it to the exporter and forgets it, whatever comes back: after the
 * exporter's retries (five, within its timeout of 10 s) the usage is gone. Here a batch stays until a 2xx, and what
 * is resent are the same data points, start, time and value, so the receiver counts them once.
 */
export class Delivery {
  readonly #send: Send;
  readonly #outage: OutageLog;
  readonly #entries: Entry[] = [];
  readonly #state: DeliveryState = {
    acceptedPoints: 0,
    pendingPoints: 0,
    refusedPoints: 0,
    messages: [],
    lastError: null,
    lastRefusal: null,
  };
  #running = false;
  #stopped = false;
  #failures = 0;
  /** Ends the pause between two attempts. */
  #wake: (() => void) | null = null;
  /** Called after every attempt. */
  readonly #watchers = new Set<(outcome: ExportOutcome) => void>();

  constructor(send: Send, nowMillis: () => number) {
    this.#send = send;
    this.#outage = new OutageLog(nowMillis);
  }

  get state(): Readonly<DeliveryState> {
    return this.#state;
  }

  /** What is not accepted yet, oldest first. */
  get pending(): UsageBatch[] {
    return this.#entries.map((entry) => entry.batch);
  }

  push(batches: UsageBatch[]): void {
    for (const batch of batches) {
      this.#entries.push({ batch, splits: { count: 0 } });
      this.#state.pendingPoints += batch.points;
    }
    this.#run();
  }

  /**
   * Waits until everything pushed so far was accepted or refused, until waiting cannot help (a wrong address or
   * key), or until the time is over.
   * @returns whether all of it was accepted or refused
   */
  settle(timeoutMillis: number): Promise<boolean> {
    if (this.#entries.length === 0) return Promise.resolve(true);
    const goal = this.#settledPoints() + this.#state.pendingPoints;
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(deadline);
        this.#watchers.delete(watcher);
        resolve(this.#settledPoints() >= goal);
      };
      const watcher = (outcome: ExportOutcome) => {
        if (this.#settledPoints() >= goal) finish();
        else if (outcome.status === 'failed' && outcome.persistent) finish();
        else if (outcome.status === 'failed') this.#wakeSoon();
      };
      // Not unref'd: somebody awaits this, and the process must not end in between.
      const deadline = setTimeout(finish, timeoutMillis);
      this.#watchers.add(watcher);
      this.#wake?.();
    });
  }

  /** No further attempt; what is pending stays in {@link state}. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  #settledPoints(): number {
    return this.#state.acceptedPoints + this.#state.refusedPoints;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#entries.length > 0 && !this.#stopped) {
      const outcome = await this.#send(this.#entries[0].batch, (error) => this.#failed(error));
      this.#take(outcome);
      for (const watcher of [...this.#watchers]) watcher(outcome);
      if (outcome.status === 'failed' && !this.#stopped) await this.#pause();
    }
    this.#running = false;
  }

  #take(outcome: ExportOutcome): void {
    const entry = this.#entries[0];
    const state = this.#state;
    if (outcome.status === 'failed') {
      this.#failures++;
      this.#failed(outcome.error);
      return;
    }
    this.#outage.succeeded();
    this.#failures = 0;
    if (outcome.status === 'refused') {
      state.lastError = null;
      this.#refused(entry, outcome.error);
      return;
    }
    this.#entries.shift();
    const rejected = Math.min(outcome.rejected, entry.batch.points);
    state.lastError = null;
    state.pendingPoints -= entry.batch.points;
    state.acceptedPoints += entry.batch.points - rejected;
    state.refusedPoints += rejected;
    if (outcome.message !== '' || rejected > 0) this.#note(outcome.message, rejected);
  }

  #failed(error: Error): void {
    this.#state.lastError = error;
    this.#outage.failed(error, this.#state.pendingPoints);
  }

  /** A batch that is refused as a whole may hold one bad point, or be too large: its halves are tried. */
  #refused(entry: Entry, error: Error): void {
    const parts = entry.splits.count < MAX_SPLITS ? halves(entry.batch) : null;
    if (parts !== null) {
      entry.splits.count++;
      this.#entries.splice(0, 1, ...parts.map((batch) => ({ batch, splits: entry.splits })));
      return;
    }
    this.#entries.shift();
    this.#state.pendingPoints -= entry.batch.points;
    this.#state.refusedPoints += entry.batch.points;
    this.#state.lastRefusal = error;
    log.error(`usage: LOST ${entry.batch.points} data point(s), refused for good: ${error.message}`);
  }

  #note(message: string, rejected: number): void {
    const messages = this.#state.messages;
    if (rejected > 0) {
      this.#state.lastRefusal = new Error(message);
      log.error(`usage: LOST ${rejected} data point(s), rejected: ${message}`);
    }
    if (messages.includes(message)) return;
    if (messages.length === MAX_MESSAGES) messages.shift();
    messages.push(message);
    if (rejected === 0) log.warn(`usage: the receiver says: ${message}`);
  }

  #pause(): Promise<void> {
    const ceiling = Math.min(MAX_PAUSE_MILLIS, MIN_PAUSE_MILLIS * 2 ** Math.min(this.#failures - 1, 10));
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      // Many processes come back at once after an outage: spread them.
      const timer = setTimeout(end, ceiling * (0.5 + Math.random() / 2));
      // A finished process does not stay for this; its last flush is the business of process-end.ts.
      timer.unref();
      this.#wake = end;
    });
  }

  /** Somebody is waiting: the next attempt comes after the shortest pause. */
  #wakeSoon(): void {
    setTimeout(() => this.#wake?.(), MIN_PAUSE_MILLIS).unref();
  }
}
