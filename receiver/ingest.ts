/**
 * From a request's bytes to a durable, counted fact: interpret, journal, and on to the ledger.
 *
 * One Ingest lives from an opening to a failure or a stop. Everything between a body's last byte and its place in
 * the journal happens in one turn of the event loop, so that the order in which points are judged is the order of
 * the journal. After a failed write its state may be ahead of the disk; it is closed then and a new one is opened,
 * which interprets the journal from the ledger's position with the same functions.
 */
import { join } from 'node:path';
import type { ChangeRequest, RecordInput } from '../storage/changes.ts';
import { Journal, type JournalFrame } from '../storage/journal/journal.ts';
import { Ledger, type LedgerOptions } from '../storage/ledger.ts';
import { codeName, type QuarantineCode } from '../storage/quarantine-codes.ts';
import { currentActor } from './actor.ts';
import {
  type BodyEncoding,
  encodingNumber,
  encodingOf,
  FRAME_CHANGES,
  FRAME_RECORDS,
  type OtlpFrame,
  PLAIN_JSON,
} from './frames.ts';
import { inflate } from './inflate.ts';
import { changesOf, type FrameSet, framesOf, Interpreter } from './interpreter.ts';
import { BatchQueue } from './metering/batch-queue.ts';
import type { MeteringOptions, MeteringOutcome } from './metering/metering.ts';
import { ChangeError, Registry } from './metering/registry.ts';
import { DecodeError, TooManySignalsError } from './otlp/metric-columns.ts';
import { RateRing } from './rate-ring.ts';

/** Rows that one message to the ledger thread carries where there are more. */
const HAND_OVER_ROWS = 16_384;
/** How long durable rows wait for company before they are handed over. */
const HAND_OVER_MS = 20;
/** Rows between journal and ledger beyond which recovery pauses reading and requests wait. */
const UNLOADED_ROWS_LIMIT = 1_000_000;
/** The same for bytes of the journal: what a start would have to interpret. */
const UNLOADED_BYTES_LIMIT = 512 * 1024 * 1024;
/** Frames that are read over on the way to a wanted one, rather than looked up. */
const READ_AHEAD_FRAMES = 1_000;
/** Bytes of the frames that one change looks back at, inflated: what is made of them is in memory at once. */
const LOOK_BACK_BYTES = 96 * 1024 * 1024;
const NO_FRAMES: FrameSet = new Map();

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

/** Records by hand that cannot be counted. Nothing was taken. */
export class RecordsRefused extends Error {
  readonly code = 'RECORDS_REFUSED';
  readonly retryable = false;
  /** Place of each such record among those given, and why. */
  readonly faults: { index: number; reason: QuarantineCode }[];
  constructor(faults: RecordsRefused['faults']) {
    super(
      `${faults.length} records cannot be counted; the first is record ${faults[0].index}: ${faults[0].reason}`,
    );
    this.name = 'RecordsRefused';
    this.faults = faults;
  }
}

/** One change names signals of more than fits in memory. Nothing was changed: those of fewer frames may be named. */
export class LookBackError extends Error {
  readonly code = 'TOO_MUCH_TO_REPLAY';
  readonly retryable = false;
  constructor(limitBytes: number) {
    super(`the signals of one replay must stand in journal frames of at most ${limitBytes} bytes together`);
    this.name = 'LookBackError';
  }
}

/** Where something that was written stands. */
export interface Written {
  sequence: number;
  receivedAtUnixNano: bigint;
}

export class Ingest {
  /** Signals and records that were acknowledged, by the second in which they came. */
  readonly taken = new RateRing();
  readonly #journal: Journal;
  readonly #ledger: Ledger;
  readonly #queue = new BatchQueue();
  readonly #interpreter: Interpreter;
  readonly #failed = Promise.withResolvers<Error>();
  #failure: Error | null = null;
  /** Sequence of the last frame that was queued for the ledger. */
  #lastFrame = 0;
  #handOverTimer: NodeJS.Timeout | null = null;
  #roomWaiters: (() => void)[] = [];
  /** Batches at the ledger, oldest first: the last sequence of each and when its first frame came. */
  #atLedger: { lastSequence: number; receivedAtUnixNano: bigint }[] = [];
  /** Changes that the ledger has not taken: where each stands, and the oldest frame that it looks back at. */
  readonly #lookBacks = new Set<{ from: number; sequence: number }>();
  /** The journal's segments that are being deleted. */
  #releasing: Promise<unknown> = Promise.resolve();

  private constructor(journal: Journal, ledger: Ledger, registry: Registry, options: IngestOptions) {
    this.#journal = journal;
    this.#ledger = ledger;
    this.#interpreter = new Interpreter(registry, this.#queue, options.metering);
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

  /** What is known, as of the last request. Read only. */
  get registry(): Registry {
    return this.#interpreter.registry;
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
   * Takes an OTLP request. Resolves when everything of it that a meter claims is on disk.
   * @param raw the body as received: it is kept so in the journal and must not be changed any more
   * @throws DecodeError, InflateError: nothing was taken. Else the request may be repeated after a while.
   */
  async signals(kind: OtlpFrame, raw: Uint8Array, encoding: BodyEncoding): Promise<MeteringOutcome> {
    if (this.#failure !== null) throw this.#failure;
    const body = inflate(raw, encoding.compression);
    const receivedAtUnixNano = now();
    const expected = this.#journal.lastSequence + 1;
    const outcome = this.#guarded(
      () => this.#interpreter.signals(kind, body, encoding, expected, receivedAtUnixNano),
      isUndecodable,
    );
    if (outcome.claimed === 0) return outcome;
    await this.#write(kind, encoding, raw, receivedAtUnixNano);
    this.#noteTaken(receivedAtUnixNano, outcome.claimed);
    return outcome;
  }

  /**
   * Takes records by hand, all or none. Resolves when they are on disk. Those with an id are for the caller to compare
   * with what is counted under that id; here a repetition is a duplicate, and other content a conflict in quarantine.
   * @throws RecordsRefused: nothing was taken. Else the request may be repeated after a while.
   */
  async records(records: readonly RecordInput[]): Promise<Written> {
    if (this.#failure !== null) throw this.#failure;
    const receivedAtUnixNano = now();
    this.#refuseFaulty(records, receivedAtUnixNano);
    const expected = this.#journal.lastSequence + 1;
    this.#guarded(() => this.#interpreter.records(records, expected, receivedAtUnixNano));
    const payload = Buffer.from(JSON.stringify({ records }));
    const written = await this.#write(FRAME_RECORDS, PLAIN_JSON, payload, receivedAtUnixNano);
    this.#noteTaken(receivedAtUnixNano, records.length);
    return written;
  }

  /**
   * Makes changes of state, all or none, in the name of whoever asks (actor.ts). Resolves when they are on disk.
   * @throws ChangeError, LookBackError, RecordsRefused (of what is to take a record's place; the index is the change's):
   * nothing was changed. Else the request may be repeated after a while.
   */
  async change({ changes, actor = currentActor() }: ChangeRequest): Promise<Written> {
    const request: ChangeRequest = actor === undefined ? { changes } : { changes, actor };
    if (this.#failure !== null) throw this.#failure;
    const payload = Buffer.from(JSON.stringify(request));
    // What recovery will read, whatever was handed in: the ledger must come out the same.
    const said = changesOf({ payload });
    const wanted = framesOf(said);
    const lookBack = { from: wanted[0] ?? Number.POSITIVE_INFINITY, sequence: Number.POSITIVE_INFINITY };
    this.#lookBacks.add(lookBack);
    try {
      await this.#releasing;
      const frames = await this.#framesFor(wanted);
      if (this.#failure !== null) throw this.#failure;
      this.registry.check(said.changes);
      const receivedAtUnixNano = now();
      const replacements = said.changes.map((change) =>
        change.type === 'record_corrected' ? change.replacement : null,
      );
      this.#refuseFaulty(replacements, receivedAtUnixNano);
      lookBack.sequence = this.#journal.lastSequence + 1;
      this.#guarded(() => this.#interpreter.changes(said, lookBack.sequence, receivedAtUnixNano, frames));
      return await this.#write(FRAME_CHANGES, PLAIN_JSON, payload, receivedAtUnixNano);
    } catch (error) {
      this.#lookBacks.delete(lookBack);
      throw error;
    }
  }

  /** The journal's frame of a sequence; undefined where it was released. @throws JournalError */
  async frameAt(sequence: number): Promise<JournalFrame | undefined> {
    return (await this.#framesAt([sequence])).get(sequence);
  }

  /**
   * Waits until everything acknowledged before this call can be asked for.
   * @returns the instant up to which answers are complete, Unix nanoseconds
   */
  async caughtUp(): Promise<bigint> {
    if (this.#failure !== null) throw this.#failure;
    const asked = now();
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
    const present = now();
    const oldest = this.#atLedger[0]?.receivedAtUnixNano ?? this.#queue.oldestReceivedAtUnixNano;
    return oldest === null || oldest > present ? present : oldest;
  }

  /** Deletes the journal's segments that are in the ledger's file and older than the retention. @returns how many */
  async releaseJournal(olderThanUnixNano: bigint): Promise<number> {
    const { position } = this.#ledger;
    await this.#ledger.checkpoint();
    // After a crash, a replay that the ledger has not taken is interpreted again, and must find what it looked back at.
    const kept = Math.min(...[...this.#lookBacks].map(({ from }) => from));
    const loadedSequence = Math.min(position, kept - 1);
    const release = this.#journal.release({ loadedSequence, olderThanUnixNano });
    this.#releasing = release.catch(() => {});
    return await release;
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

  #noteTaken(receivedAtUnixNano: bigint, rows: number): void {
    this.taken.note(Number(receivedAtUnixNano / 1_000_000_000n), rows);
  }

  /** @throws RecordsRefused */
  #refuseFaulty(records: readonly (RecordInput | null)[], receivedAtUnixNano: bigint): void {
    const faults = records.flatMap((record, index) => {
      if (record === null) return [];
      const code = this.#interpreter.metering.events.checkRecord(record, receivedAtUnixNano);
      return code === 0 ? [] : [{ index, reason: codeName(code) }];
    });
    if (faults.length > 0) throw new RecordsRefused(faults);
  }

  /**
   * What it writes may be half done when it fails: nothing may follow then.
   * @param isRefusal whether an error says that nothing was written
   */
  #guarded(interpret: () => MeteringOutcome, isRefusal = (_error: unknown) => false): MeteringOutcome {
    try {
      return interpret();
    } catch (error) {
      if (!isRefusal(error)) this.#fail(error as Error);
      throw error;
    }
  }

  /** Puts what was just interpreted into the journal; resolves when it is on disk. */
  async #write(
    kind: number,
    encoding: BodyEncoding,
    payload: Uint8Array,
    receivedAtUnixNano: bigint,
  ): Promise<Written> {
    try {
      const sequence = this.#journal.append({
        receivedAtUnixNano,
        kind,
        encoding: encodingNumber(encoding),
        payload,
      });
      this.#endFrame(kind, sequence, receivedAtUnixNano);
      await this.#journal.durable(sequence);
      return { sequence, receivedAtUnixNano };
    } catch (error) {
      this.#fail(error as Error);
      throw error;
    }
  }

  #endFrame(kind: number, sequence: number, receivedAtUnixNano: bigint): void {
    this.#queue.endFrame(sequence, receivedAtUnixNano);
    if (kind === FRAME_CHANGES) this.#queue.endChanges();
    this.#lastFrame = sequence;
  }

  /**
   * The frames that a change looks back at, once they are on disk.
   * @throws ChangeError where nothing has come under a sequence yet: something else would be found there in a recovery
   */
  async #framesFor(wanted: readonly number[]): Promise<FrameSet> {
    const last = wanted.at(-1);
    if (last === undefined) return NO_FRAMES;
    if (last > this.#journal.lastSequence)
      throw new ChangeError(`a replay names a signal of journal frame ${last}, which has not come yet`);
    await this.#journal.durable(last);
    return await this.#framesAt(wanted, LOOK_BACK_BYTES);
  }

  /**
   * Frames of the journal by their sequences, which ascend; those that were released are left out.
   * @throws LookBackError where they have more bytes together when inflated, and are more than one
   */
  async #framesAt(sequences: readonly number[], limitBytes = Number.POSITIVE_INFINITY): Promise<FrameSet> {
    const found = new Map<number, JournalFrame>();
    let bytes = 0;
    const wanted = sequences.filter((sequence) => sequence >= this.#journal.firstSequence);
    for (let i = 0; i < wanted.length; ) {
      const from = i;
      for await (const frame of this.#journal.frames(wanted[i])) {
        while (i < wanted.length && wanted[i] < frame.sequence) i += 1;
        // What lies far ahead is looked up, rather than read up to.
        if (i === wanted.length || wanted[i] - frame.sequence > READ_AHEAD_FRAMES) break;
        if (wanted[i] !== frame.sequence) continue;
        bytes += decodedBytes(frame);
        if (bytes > limitBytes && found.size > 0) throw new LookBackError(limitBytes);
        found.set(frame.sequence, { ...frame, payload: Uint8Array.from(frame.payload) });
        i += 1;
      }
      // A sequence behind the last frame, or one that a repair gave up.
      if (i === from) i += 1;
    }
    return found;
  }

  async #recover({ onProgress, signal }: IngestOptions): Promise<void> {
    const { lastSequence } = this.#journal;
    let reported = Date.now();
    for await (const frame of this.#journal.frames(this.#ledger.position + 1)) {
      if (signal?.aborted) throw new IngestError('FAILED', 'stopped while recovering');
      await this.#replay(frame);
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

  async #replay(frame: JournalFrame): Promise<void> {
    const earlier = frame.kind === FRAME_CHANGES ? framesOf(changesOf(frame)) : [];
    if (earlier.length > 0) this.#lookBacks.add({ from: earlier[0], sequence: frame.sequence });
    this.#interpreter.frame(frame, await this.#framesAt(earlier));
    this.#endFrame(frame.kind, frame.sequence, frame.receivedAtUnixNano);
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
    for (const lookBack of this.#lookBacks)
      if (lookBack.sequence <= position) this.#lookBacks.delete(lookBack);
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

/** Of a body that was inflated when it came, so that the size that gzip puts at its end is true. */
function decodedBytes({ payload, encoding }: JournalFrame): number {
  const { byteLength } = payload;
  if (encodingOf(encoding).compression !== 'gzip' || byteLength < 4) return byteLength;
  return Math.max(byteLength, Buffer.from(payload.buffer, payload.byteOffset).readUInt32LE(byteLength - 4));
}

/** Unix nanoseconds, whole milliseconds. */
function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** A body that says nothing of use, found out before anything was written. */
function isUndecodable(error: unknown): boolean {
  return error instanceof DecodeError || error instanceof TooManySignalsError;
}
