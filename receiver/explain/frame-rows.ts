/**
 * Which signal of a journal frame became a record: the frame is interpreted again, by the rule that was in force, and the
 * row with the record's key tells the signal's place. Pure.
 */
import { readBigInt } from '../../storage/decimal.ts';
import type { JournalFrame } from '../../storage/journal/journal.ts';
import { type LedgerBatch, type SlotDefinition, VALUE_DECIMAL } from '../../storage/ledger-batch.ts';
import { type FrameSet, Interpreter } from '../interpreter.ts';
import { BatchQueue } from '../metering/batch-queue.ts';
import { type KnownDimension, Registry } from '../metering/registry.ts';

/** The rule that a record was read by. */
export interface RecordMeter {
  id: string;
  version: number;
  /** null: it has none, as the built-in meter and records by hand. */
  rule: { text: string; sinceUnixNano: bigint } | null;
}

/** What a record, or a reading of a running total, is known by. */
export interface SignalKey {
  /** 32 hex digits. */
  seriesHash: string;
  /** 32 hex digits; null for metric points. */
  eventKey: string | null;
  timeUnixNano: bigint;
  startUnixNano: bigint;
  /** In the dimension's unit, × 10^12. */
  scaled: bigint;
}

interface FrameRow extends SignalKey {
  ordinal: number;
}

const NO_FRAMES: FrameSet = new Map();

/** Finds the signals of one meter's rule in frames. What it learns of series serves for the frames behind. */
export class FrameRows {
  readonly #meterId: string;
  readonly #queue = new BatchQueue();
  readonly #interpreter: Interpreter;
  readonly #slots = new Map<number, SlotDefinition>();

  /**
   * Customers are not needed: a series and an event are known by the customer as it came.
   * @param dimensions those that are known: values are in their units
   */
  constructor({ id, version, rule }: RecordMeter, dimensions: Iterable<KnownDimension>) {
    this.#meterId = id;
    const meters =
      rule === null
        ? []
        : [{ id, version, rule: rule.text, sinceUnixNano: rule.sinceUnixNano, deleted: false }];
    this.#interpreter = new Interpreter(new Registry({ dimensions, meters }), this.#queue);
  }

  /** The places of signals in a frame, by their ordinals; null for those that it has not. */
  ordinalsOf(frame: JournalFrame, keys: readonly SignalKey[]): (number | null)[] {
    const rows = this.#rowsOf(frame, new Set(keys.map(({ seriesHash }) => seriesHash)));
    return keys.map((key) => {
      const candidates = rows.get(nameOf(key)) ?? [];
      // One key may come with several contents, of which one was counted.
      const exact = candidates.find(
        ({ seriesHash, timeUnixNano, scaled }) =>
          seriesHash === key.seriesHash && timeUnixNano === key.timeUnixNano && scaled === key.scaled,
      );
      const equal = candidates.find(({ scaled }) => scaled === key.scaled);
      return (exact ?? equal ?? candidates[0])?.ordinal ?? null;
    });
  }

  /** By {@link nameOf}; of metric points only those of these series. */
  #rowsOf(frame: JournalFrame, series: ReadonlySet<string>): Map<string, FrameRow[]> {
    const { sequence, receivedAtUnixNano } = frame;
    this.#interpreter.frame(frame, NO_FRAMES);
    this.#queue.endFrame(sequence, receivedAtUnixNano);
    const rows = new Map<string, FrameRow[]>();
    for (let batch = this.#queue.take(sequence); batch !== null; batch = this.#queue.take(sequence)) {
      if (batch.reset) this.#slots.clear();
      for (const slot of batch.slots) this.#slots.set(slot.slot, slot);
      for (let row = 0; row < batch.length; row++) {
        const slot = this.#slots.get(batch.slot[row])!;
        const isWanted = slot.role === 'event' || series.has(slot.seriesHash);
        if (!isWanted || slot.meterId !== this.#meterId || batch.valueKind[row] !== VALUE_DECIMAL) continue;
        const one = rowAt(batch, row, slot);
        const name = nameOf(one);
        const known = rows.get(name);
        if (known === undefined) rows.set(name, [one]);
        else known.push(one);
      }
    }
    return rows;
  }
}

function rowAt(batch: LedgerBatch, row: number, { seriesHash, role }: SlotDefinition): FrameRow {
  return {
    seriesHash,
    eventKey: role === 'event' ? keyText(batch.event, row * 4) : null,
    timeUnixNano: read64(batch.timeUnixNano, row),
    startUnixNano: read64(batch.startUnixNano, row),
    scaled: readBigInt(batch.quantity, row * 4),
    ordinal: batch.ordinal[row],
  };
}

/** What finds a row: an event is known by its key alone. */
function nameOf({ seriesHash, eventKey, timeUnixNano, startUnixNano }: SignalKey): string {
  return eventKey ?? `${seriesHash} ${startUnixNano} ${timeUnixNano}`;
}

function keyText(words: Uint32Array, at: number): string {
  return [3, 2, 1, 0].map((word) => words[at + word].toString(16).padStart(8, '0')).join('');
}

function read64(words: Uint32Array, row: number): bigint {
  return BigInt(words[row * 2]) | (BigInt(words[row * 2 + 1]) << 32n);
}
