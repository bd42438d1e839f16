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
  meterId: string;
  ordinal: number;
}

const NO_FRAMES: FrameSet = new Map();

/** The rows of one frame, by meter. */
export class FrameRows {
  readonly #frame: JournalFrame;
  readonly #dimensions: () => Iterable<KnownDimension>;
  /** By meter and version, then by {@link nameOf}. */
  readonly #rows = new Map<string, Map<string, FrameRow[]>>();

  /** @param dimensions those that are known: values are in their units */
  constructor(frame: JournalFrame, dimensions: () => Iterable<KnownDimension>) {
    this.#frame = frame;
    this.#dimensions = dimensions;
  }

  /** The place of a signal in the frame; null where it has none such. */
  ordinalOf(key: SignalKey, meter: RecordMeter): number | null {
    const candidates = (this.#rowsOf(meter).get(nameOf(key)) ?? []).filter(
      ({ meterId }) => meterId === meter.id,
    );
    // One key may come with several contents, of which one was counted.
    const exact = candidates.find(
      ({ seriesHash, timeUnixNano, scaled }) =>
        seriesHash === key.seriesHash && timeUnixNano === key.timeUnixNano && scaled === key.scaled,
    );
    return (
      (exact ?? candidates.find(({ scaled }) => scaled === key.scaled) ?? candidates[0])?.ordinal ?? null
    );
  }

  #rowsOf(meter: RecordMeter): Map<string, FrameRow[]> {
    const name = `${meter.version} ${meter.id}`;
    let rows = this.#rows.get(name);
    if (rows === undefined) {
      rows = interpretedRows(this.#frame, meter, this.#dimensions());
      this.#rows.set(name, rows);
    }
    return rows;
  }
}

/** Customers are not needed: a series and an event are known by the customer as it came. */
function interpretedRows(
  frame: JournalFrame,
  { id, version, rule }: RecordMeter,
  dimensions: Iterable<KnownDimension>,
): Map<string, FrameRow[]> {
  const meters =
    rule === null
      ? []
      : [{ id, version, rule: rule.text, sinceUnixNano: rule.sinceUnixNano, deleted: false }];
  const queue = new BatchQueue();
  const interpreter = new Interpreter(new Registry({ dimensions, meters }), queue);
  interpreter.frame(frame, NO_FRAMES);
  queue.endFrame(frame.sequence, frame.receivedAtUnixNano);
  const rows = new Map<string, FrameRow[]>();
  for (let batch = queue.take(frame.sequence); batch !== null; batch = queue.take(frame.sequence)) {
    const slots = new Map(batch.slots.map((slot) => [slot.slot, slot]));
    for (let row = 0; row < batch.length; row++) {
      if (batch.valueKind[row] !== VALUE_DECIMAL) continue;
      const one = rowAt(batch, row, slots.get(batch.slot[row])!);
      const name = nameOf(one);
      const known = rows.get(name);
      if (known === undefined) rows.set(name, [one]);
      else known.push(one);
    }
  }
  return rows;
}

function rowAt(batch: LedgerBatch, row: number, { seriesHash, meterId, role }: SlotDefinition): FrameRow {
  return {
    meterId,
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
