/**
 * From a request's bytes to a durable, counted fact: decode, meter, journal, and on to the ledger.
 *
 * One Ingest lives from an opening to a failure or a stop. Everything between a body's last byte and its place in
 * the journal happens in one turn of the event loop, so that the order in which points are judged is the order of
 * the journal. After a failed write its state may be ahead of the disk; it is closed then and a new one is opened,
 * which interprets the journal from the ledger's position with the same functions.
 */
import { join } from 'node:path';
import { Journal, type JournalFrame } from '../storage/journal/journal.ts';
import { Ledger, type LedgerOptions } from '../storage/ledger.ts';
import { type BodyEncoding, encodingNumber, encodingOf, FRAME_METRICS } from './frames.ts';
import { inflate } from './inflate.ts';
import { BatchQueue } from './metering/batch-queue.ts';
import { Metering, type MeteringOptions, type MeteringOutcome } from './metering/metering.ts';
import { Registry } from './metering/registry.ts';
import { ByteInterner } from './otlp/attribute-interner.ts';
import { MetricColumns } from './otlp/metric-columns.ts';
import { decodeMetricsJson } from './otlp/metrics-json.ts';
import { decodeMetricsProtobuf } from './otlp/metrics-protobuf.ts';

/** Rows that one message to the ledger thread carries where there are more. */
const HAND_OVER_ROWS = 16_384;
/** How long durable rows wait for company before they are handed over. */
const HAND_OVER_MS = 20;
/** Rows between journal and ledger beyond which recovery pauses reading and requests wait. */
const UNLOADED_ROWS_LIMIT = 1_000_000;
/** The same for bytes of the journal: what a start would have to interpret. */
const UNLOADED_BYTES_LIMIT = 512 * 1024 * 1024;

// Whole row groups cost half of what smaller commits do, and nobody has to wait for one: a question asks for an
// early commit. A second thread makes loads dearer and no faster (docs/decisions/0002-ledger-load.md).
const LEDGER_OPTIONS: Partial<LedgerOptions> = { commitIntervalMs: 2_000, threads: 1 };

export interface IngestOptions {
  /** Holds `journal/` and `ledger.duckdb`. The caller has locked it. */
  dataDir: string;
  /** Where the ledger is, if elsewhere (a rebuild). */
  ledgerPath?: string;
  /** How far the journal is known to have gone, where the ledger does not know (a rebuild). */
  knownSequence?: number;
  /** Ends a recovery that is under way. */
  signal?: AbortSignal;
  ledger?: Partial<LedgerOptions>;
  metering?: MeteringOptions;
  /** Called now and then while the journal is interpreted at the start. */
  onProgress?: (progress: RecoveryProgress) => void;
}

export interface RecoveryProgress {
  /** Journal sequence reached, and the one to reach. */
  sequence: number;
  lastSequence: number;
}

/** The pieces disagree about what happened. Not retryable: a person has to look. */
export class IngestError extends Error {
  readonly code: 'JOURNAL_RELEASED' | 'FAILED';
  readonly retryable: boolean;
  constructor(code: IngestError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IngestError';
    this.code = code;
    this.retryable = code === 'FAILED';
  }
}

export class Ingest {
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #queue = new BatchQueue();
  readonly #interner = new ByteInterner();
  readonly #columns = new MetricColumns();
  readonly #metering: Metering;
  readonly #failed = Promise.withResolvers<Error>();
  #failure: Error | null = null;
  /** Sequence of the last frame that was queued for the ledger. */
  #lastFrame = 0;
  #handOverTimer: NodeJS.Timeout | null = null;
  #roomWaiters: (() => void)[] = [];
  /** Batches at the ledger, oldest first: the last sequence of each and when its first frame came. */
  #atLedger: { lastSequence: number; receivedAtUnixNano: bigint }[] = [];

  private constructor(journal: Journal, ledger: Ledger, registry: Registry, options: IngestOptions) {
    this.#journal = journal;
    this.#ledger = ledger;
    this.#metering = new Metering(registry, this.#interner, this.#queue, options.metering);
    ledger.onLoaded((position) => this.#loaded(position));
    ledger.onFailed((error) => this.#fail(error));
  }

  /**
   * Opens journal and ledger and interprets what the journal has and the ledger has not.
   * @throws JournalError, LedgerError, IngestError "JOURNAL_RELEASED"
   */
  static async open(options: IngestOptions): Promise<Ingest> {
    const journalDirectory = join(options.dataDir, 'journal');
    const ledgerPath = options.ledgerPath ?? join(options.dataDir, 'ledger.duckdb');
    // The ledger first: a journal that ends before the ledger's position has lost frames, and says so.
    const ledger = await Ledger.open({ ...LEDGER_OPTIONS, ...options.ledger, path: ledgerPath });
    let journal: Journal | null = null;
    try {
      const { position } = ledger;
      journal = await Journal.open(journalDirectory, {
        knownSequence: Math.max(position, options.knownSequence ?? 0),
        verifyFromSequence: position + 1,
      });
      if (position + 1 < journal.firstSequence) {
        throw new IngestError(
          'JOURNAL_RELEASED',
          `${ledgerPath} is at journal sequence ${position}, but ${journalDirectory} begins at ` +
            `${journal.firstSequence}: what lies between was released and cannot be loaded again`,
        );
      }
      const ingest = new Ingest(journal, ledger, new Registry(await ledger.registry()), options);
      await ingest.#recover(options);
      journal.onDurable(() => ingest.#scheduleHandOver());
      return ingest;
    } catch (error) {
      await journal?.close().catch(() => {});
      await ledger.close().catch(() => {});
      throw error;
    }
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** Resolves with the error after which this Ingest takes nothing more. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Rows that are interpreted and not committed to the ledger. */
  get unloadedRows(): number {
    return this.#queue.rowsWaiting + this.#ledger.unloadedRows;
  }

  /** Whether the ledger is so far behind that nothing more should be taken. */
  get isFull(): boolean {
    return (
      this.unloadedRows >= UNLOADED_ROWS_LIMIT ||
      this.#journal.bytesAfter(this.#ledger.position) >= UNLOADED_BYTES_LIMIT
    );
  }

  /** Resolves when the ledger has come on, or at once where there is room. */
  room(): Promise<void> {
    if (!this.isFull || this.#failure !== null) return Promise.resolve();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /**
   * Takes a metrics request. Resolves when every claimed point of it is on disk.
   * @param raw the body as received: it is kept so in the journal and must not be changed any more
   * @throws DecodeError, InflateError: nothing was taken. Else the request may be repeated after a while.
   */
  async metrics(raw: Uint8Array, encoding: BodyEncoding): Promise<MeteringOutcome> {
    if (this.#failure !== null) throw this.#failure;
    const body = inflate(raw, encoding.compression);
    const receivedAtUnixNano = BigInt(Date.now()) * 1_000_000n;
    const expected = this.#journal.lastSequence + 1;
    const outcome = this.#interpret(body, encoding, expected, receivedAtUnixNano);
    if (outcome.claimed === 0) return outcome;
    try {
      const sequence = this.#journal.append({
        receivedAtUnixNano,
        kind: FRAME_METRICS,
        encoding: encodingNumber(encoding),
        payload: raw,
      });
      this.#endFrame(sequence, receivedAtUnixNano);
      await this.#journal.durable(sequence);
    } catch (error) {
      this.#fail(error as Error);
      throw error;
    }
    return outcome;
  }

  /**
   * Waits until everything acknowledged before this call can be asked for.
   * @returns the instant up to which answers are complete, Unix nanoseconds
   */
  async caughtUp(): Promise<bigint> {
    if (this.#failure !== null) throw this.#failure;
    const asked = BigInt(Date.now()) * 1_000_000n;
    // Sequences behind the last frame are gaps that a repair left: there is nothing to wait for.
    const sequence = Math.min(this.#journal.durableSequence, this.#lastFrame);
    if (sequence > this.#ledger.position) {
      this.#handOver();
      await this.#ledger.whenLoaded(sequence);
    }
    return asked;
  }

  /** The instant up to which the ledger is complete now, Unix nanoseconds. */
  completeUntil(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n;
    const oldest = this.#atLedger[0]?.receivedAtUnixNano ?? this.#queue.oldestReceivedAtUnixNano;
    return oldest === null || oldest > now ? now : oldest;
  }

  /** Deletes the journal's segments that are in the ledger's file and older than the retention. @returns how many */
  async releaseJournal(olderThanUnixNano: bigint): Promise<number> {
    const loadedSequence = this.#ledger.position;
    await this.#ledger.checkpoint();
    return await this.#journal.release({ loadedSequence, olderThanUnixNano });
  }

  /** Loads everything that is durable, checkpoints and closes. What was acknowledged is in the ledger then. */
  async close(): Promise<void> {
    if (this.#handOverTimer !== null) clearTimeout(this.#handOverTimer);
    try {
      await this.#journal.close();
      if (this.#failure === null) this.#handOver();
    } finally {
      await this.#ledger.close();
      this.#failure ??= new IngestError('FAILED', 'the receiver has stopped');
      this.#releaseRoom();
    }
  }

  #interpret(
    body: Uint8Array,
    encoding: BodyEncoding,
    sequence: number,
    receivedAtUnixNano: bigint,
  ): MeteringOutcome {
    this.#metering.trim();
    this.#columns.clear();
    if (encoding.format === 'protobuf') decodeMetricsProtobuf(body, this.#interner, this.#columns);
    else decodeMetricsJson(body, this.#interner, this.#columns);
    try {
      return this.#metering.meter(this.#columns, sequence, receivedAtUnixNano);
    } catch (error) {
      // Half of a request's rows may stand in the queue: nothing may follow them.
      this.#fail(error as Error);
      throw error;
    }
  }

  #endFrame(sequence: number, receivedAtUnixNano: bigint): void {
    this.#queue.endFrame(sequence, receivedAtUnixNano);
    this.#lastFrame = sequence;
  }

  async #recover({ onProgress, signal }: IngestOptions): Promise<void> {
    const { lastSequence } = this.#journal;
    let reported = Date.now();
    for await (const frame of this.#journal.frames(this.#ledger.position + 1)) {
      if (signal?.aborted) throw new IngestError('FAILED', 'stopped while recovering');
      this.#replay(frame);
      if (this.#queue.rowsWaiting >= HAND_OVER_ROWS || this.#queue.framesWaiting >= HAND_OVER_ROWS) {
        this.#handOver();
        if (this.unloadedRows >= UNLOADED_ROWS_LIMIT) await Promise.race([this.room(), this.failed]);
        if (this.#failure !== null) throw this.#failure;
      }
      if (onProgress !== undefined && Date.now() - reported >= 1000) {
        reported = Date.now();
        onProgress({ sequence: frame.sequence, lastSequence });
      }
    }
    this.#handOver();
  }

  #replay(frame: JournalFrame): void {
    if (frame.kind !== FRAME_METRICS) {
      throw new RangeError(
        `journal frame ${frame.sequence} has the unknown kind ${frame.kind}: written by a newer version?`,
      );
    }
    const encoding = encodingOf(frame.encoding);
    const body = inflate(frame.payload, encoding.compression);
    this.#interpret(body, encoding, frame.sequence, frame.receivedAtUnixNano);
    this.#endFrame(frame.sequence, frame.receivedAtUnixNano);
  }

  #scheduleHandOver(): void {
    if (this.#queue.rowsWaiting >= HAND_OVER_ROWS) {
      this.#handOver();
    } else if (this.#handOverTimer === null) {
      this.#handOverTimer = setTimeout(() => this.#handOver(), HAND_OVER_MS);
    }
  }

  /** Gives the ledger what is durable; never more, or it could know what the journal does not. */
  #handOver(): void {
    if (this.#handOverTimer !== null) clearTimeout(this.#handOverTimer);
    this.#handOverTimer = null;
    if (this.#failure !== null) return;
    for (;;) {
      const batch = this.#queue.take(this.#journal.durableSequence);
      if (batch === null) break;
      const { sequence, receivedAtUnixNano, length } = batch.frames;
      this.#atLedger.push({
        lastSequence: sequence[length - 1],
        receivedAtUnixNano: BigInt(receivedAtUnixNano[0]) | (BigInt(receivedAtUnixNano[1]) << 32n),
      });
      this.#ledger.append(batch);
    }
  }

  #loaded(position: number): void {
    let done = 0;
    while (done < this.#atLedger.length && this.#atLedger[done].lastSequence <= position) done += 1;
    this.#atLedger.splice(0, done);
    this.#releaseRoom();
  }

  #releaseRoom(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const waiter of waiters) waiter();
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#failed.resolve(error);
    this.#releaseRoom();
  }
}
