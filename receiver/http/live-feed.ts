/**
 * Records and quarantined signals as they come, to those who listen. Each second the ledger is asked what came since, for
 * each filter once, and not at all while nobody listens. Nobody is sent more than fits, and who does not read is dropped.
 */
import type { ServerResponse } from 'node:http';
import type { LiveAnswer, LiveQuery } from '../../storage/query/index.ts';
import type { Ingest } from '../ingest.ts';
import { millisecondText } from './questions.ts';

/** Listeners at a time. */
export const LISTENERS_LIMIT = 20;
/** Records, and signals, of one event. */
export const EVENT_LIMIT = 20;

const TICK_MS = 1_000;
/** Ticks without anything to tell, after which a listener is told that there is nothing. */
const HEARTBEAT_TICKS = 10;
/** Rows of one event, as JSON: an attribute may be as long as anybody likes. */
const EVENT_BYTES = 64 * 1024;
/** What a listener has not read, beyond what the system buffers: it is dropped then. */
const UNREAD_BYTES = 256 * 1024;
/** With more to load the ledger has its own pace; below, it is asked to load at once. */
const FEW_ROWS = 10_000;

export type LiveFilter = Pick<LiveQuery, 'customerIds' | 'dimensionIds'>;

interface Listener {
  response: ServerResponse;
  filter: LiveFilter;
  /** Listeners of one filter and frame are answered together. */
  key: string;
  afterSequence: number;
  quietTicks: number;
}

export class LiveFeed {
  readonly #ingest: () => Promise<Ingest | null>;
  readonly #listeners = new Set<Listener>();
  readonly #tickMs: number;
  readonly #stopping: AbortSignal;
  #timer: NodeJS.Timeout | null = null;

  /** @param stopping ends all that listen */
  constructor(ingest: () => Promise<Ingest | null>, stopping: AbortSignal, tickMs = TICK_MS) {
    this.#ingest = ingest;
    this.#tickMs = tickMs;
    this.#stopping = stopping;
    stopping.addEventListener('abort', () => this.#stop(), { once: true });
  }

  /** Nobody would end those who came now. */
  get isStopped(): boolean {
    return this.#stopping.aborted;
  }

  get isFull(): boolean {
    return this.#listeners.size >= LISTENERS_LIMIT;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Tells this one from now on what comes behind the frame. */
  add(response: ServerResponse, filter: LiveFilter, afterSequence: number): void {
    const listener = { response, filter, key: JSON.stringify(filter), afterSequence, quietTicks: 0 };
    this.#listeners.add(listener);
    response.once('close', () => this.#listeners.delete(listener));
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: 2000\n\n${event('listening', { afterSequence })}`);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== null || this.#listeners.size === 0) return;
    this.#timer = setTimeout(() => {
      void this.#tick()
        // Whoever asks for the ledger next is told what is wrong with it; here it is asked again.
        .catch(() => {})
        .finally(() => {
          this.#timer = null;
          this.#schedule();
        });
    }, this.#tickMs);
  }

  async #tick(): Promise<void> {
    const ingest = await this.#ingest();
    if (ingest === null) return;
    if (ingest.unloadedRows > 0 && ingest.unloadedRows < FEW_ROWS) await ingest.caughtUp();
    const completeUntil = millisecondText(ingest.completeUntil());
    const { position } = ingest.ledger;
    const answers = new Map<string, Promise<LiveAnswer>>();
    await Promise.all(
      [...this.#listeners].map(async (listener) => {
        if (listener.afterSequence >= position) {
          this.#heartbeat(listener, completeUntil);
          return;
        }
        const { filter, afterSequence } = listener;
        const question = `${listener.key} ${afterSequence}`;
        const query: LiveQuery = { ...filter, afterSequence, limit: EVENT_LIMIT };
        const asked = answers.get(question) ?? ingest.ledger.query({ type: 'live', query });
        answers.set(question, asked);
        const answer = await asked;
        // It may have ended meanwhile, and what is written behind an end is an error that nobody would catch.
        if (this.#listeners.has(listener)) this.#tell(listener, answer, completeUntil);
      }),
    );
  }

  #tell(listener: Listener, answer: LiveAnswer, completeUntil: string): void {
    listener.afterSequence = answer.throughSequence;
    const { records, recordsLeftOut, quarantined, quarantinedLeftOut } = answer;
    if (records.length + recordsLeftOut + quarantined.length + quarantinedLeftOut === 0) {
      this.#heartbeat(listener, completeUntil);
      return;
    }
    listener.quietTicks = 0;
    const parts: string[] = [];
    if (records.length + recordsLeftOut > 0)
      parts.push(event('records', { ...fitting(records, recordsLeftOut), completeUntil }));
    if (quarantined.length + quarantinedLeftOut > 0)
      parts.push(event('quarantined', { ...fitting(quarantined, quarantinedLeftOut), completeUntil }));
    this.#write(listener, parts.join(''));
  }

  #heartbeat(listener: Listener, completeUntil: string): void {
    listener.quietTicks += 1;
    if (listener.quietTicks < HEARTBEAT_TICKS) return;
    listener.quietTicks = 0;
    this.#write(listener, event('heartbeat', { completeUntil }));
  }

  #write(listener: Listener, text: string): void {
    const { response } = listener;
    if (response.writableLength > UNREAD_BYTES) {
      this.#listeners.delete(listener);
      response.destroy();
      return;
    }
    response.write(text);
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { response } of this.#listeners) {
      // Who does not read would hold the stop.
      if (response.writableLength > 0) response.destroy();
      else response.end(event('end', {}));
    }
    this.#listeners.clear();
  }
}

/** The newest rows that fit into an event, and how many are left out with those that do not. */
function fitting<Row>(rows: readonly Row[], leftOut: number): { rows: Row[]; leftOut: number } {
  let bytes = 0;
  let first = rows.length;
  while (first > 0) {
    bytes += Buffer.byteLength(JSON.stringify(rows[first - 1]));
    if (bytes > EVENT_BYTES) break;
    first -= 1;
  }
  return { rows: rows.slice(first), leftOut: leftOut + first };
}

/** JSON has no line breaks, so it is one line of data. */
function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
