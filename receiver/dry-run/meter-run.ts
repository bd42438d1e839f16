/** One set of meters over frames, into a ledger that nobody keeps: the receiver's own path without HTTP and journal. */
import { Ledger, type RegistrySnapshot } from '../../storage/ledger.ts';
import type { BodyEncoding, OtlpFrame } from '../frames.ts';
import { Interpreter } from '../interpreter.ts';
import { BatchQueue } from '../metering/batch-queue.ts';
import { Registry } from '../metering/registry.ts';
import { TestedRows } from './tested-rows.ts';

/** Rows that are handed to the ledger together. */
const HAND_OVER_ROWS = 16_384;
/** Rows beyond which reading waits for the ledger. */
const UNLOADED_ROWS_LIMIT = 200_000;
/** Series and groups of events that are remembered: a dry run must stay small beside the receiver. */
const MAX_SLOTS = 1 << 18;
/** Requests with a reason of quarantine that are pointed out as examples of it. */
const MAX_EXAMPLES = 20;

/** What a run found in a request. */
export interface TakenRequest {
  signals: number;
  /** A meter, this one or another, claims something in it. */
  isClaimed: boolean;
  /** It is among the first with one of its reasons of quarantine. */
  isExample: boolean;
}

export interface MeterRunOptions {
  /** A file that is not there yet. */
  ledgerPath: string;
  registry: RegistrySnapshot;
  meterId: string;
  otherMeterIds: readonly string[];
  sinceUnixNano: bigint;
}

export class MeterRun {
  readonly ledger: Ledger;
  readonly rows: TestedRows;
  readonly #queue = new BatchQueue();
  readonly #interpreter: Interpreter;
  /** Requests so far, by quarantine code. */
  readonly #examples = new Uint32Array(256);
  #lastFrame = 0;
  #handedOver = 0;

  private constructor(ledger: Ledger, { registry, ...options }: MeterRunOptions) {
    this.ledger = ledger;
    this.#interpreter = new Interpreter(new Registry(registry), this.#queue, { maxSlots: MAX_SLOTS });
    this.rows = new TestedRows({
      ...options,
      known: {
        customers: new Set(registry.customers),
        dimensions: new Map(registry.dimensions.map((dimension) => [dimension.id, dimension])),
      },
    });
  }

  /** @throws LedgerError */
  static async open(options: MeterRunOptions): Promise<MeterRun> {
    const ledger = await Ledger.open({
      path: options.ledgerPath,
      memoryLimit: '256MB',
      commitIntervalMs: 2_000,
    });
    return new MeterRun(ledger, options);
  }

  /**
   * Meters a request.
   * @param body inflated
   * @throws DecodeError, TooManySignalsError: then nothing of it was taken
   */
  take(
    kind: OtlpFrame,
    body: Uint8Array,
    encoding: BodyEncoding,
    sequence: number,
    receivedAtUnixNano: bigint,
  ): TakenRequest {
    const before = this.#queue.rows(0);
    const rowsBefore = before.length;
    const { claimed, ignored, markers } = this.#interpreter.signals(
      kind,
      body,
      encoding,
      sequence,
      receivedAtUnixNano,
    );
    const taken = { signals: ignored + markers, isClaimed: claimed > 0, isExample: false };
    if (claimed === 0) return taken;
    const rows = this.#queue.rows(0);
    const codes = new Set<number>();
    let previous = -1;
    // Where the slots were reset, the request has begun a segment of rows.
    for (let row = rows === before ? rowsBefore : 0; row < rows.length; row++) {
      // Several meters may claim one signal: their rows are neighbours.
      if (rows.ordinal[row] !== previous) taken.signals += 1;
      previous = rows.ordinal[row];
      if (rows.code[row] !== 0) codes.add(rows.code[row]);
    }
    for (const code of codes) {
      this.#examples[code] += 1;
      if (this.#examples[code] <= MAX_EXAMPLES) taken.isExample = true;
    }
    this.#queue.endFrame(sequence, receivedAtUnixNano);
    this.#lastFrame = sequence;
    if (this.#queue.rowsWaiting >= HAND_OVER_ROWS) this.#handOver();
    return taken;
  }

  /** Waits while the ledger is far behind. @throws LedgerError */
  async room(): Promise<void> {
    if (this.ledger.unloadedRows >= UNLOADED_ROWS_LIMIT) await this.#loaded();
  }

  /** After this the ledger can be asked. @throws LedgerError */
  async finish(): Promise<void> {
    this.#handOver();
    await this.#loaded();
  }

  close(): Promise<void> {
    return this.ledger.close();
  }

  #loaded(): Promise<void> {
    return this.ledger.whenLoaded(this.#handedOver);
  }

  #handOver(): void {
    for (;;) {
      const batch = this.#queue.take(this.#lastFrame);
      if (batch === null) return;
      this.#handedOver = batch.frames.sequence[batch.frames.length - 1];
      this.ledger.append(this.rows.select(batch));
    }
  }
}
