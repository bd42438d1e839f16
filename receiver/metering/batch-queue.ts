/**
 * Interpreted points on their way to the ledger: gathered in columns as requests come, taken when durable.
 *
 * A queue, in journal order. It is made of segments because a reset of the slots, after which the same number means
 * another series, may only stand at the beginning of a {@link LedgerBatch}, and a frame with changes is a batch alone.
 */
import type { LedgerChange } from '../../storage/changes.ts';
import type {
  ContextDefinition,
  LedgerBatch,
  RegistryEvent,
  SlotDefinition,
} from '../../storage/ledger-batch.ts';

/** Rows of one slot generation. */
class Segment {
  readonly reset: boolean;
  length = 0;
  slot = new Int32Array(4096);
  startUnixNano = new Uint32Array(4096 * 2);
  timeUnixNano = new Uint32Array(4096 * 2);
  quantity = new Uint32Array(4096 * 4);
  valueKind = new Uint8Array(4096);
  code = new Uint8Array(4096);
  ordinal = new Int32Array(4096);
  /** Empty until the first event comes. */
  event = new Uint32Array(0);
  /** Only where the segment is a replay. */
  originSequence = new Float64Array(0);
  changes: LedgerChange[] = [];
  actor: string | null = null;
  contexts: ContextDefinition[] = [];
  slots: SlotDefinition[] = [];
  events: RegistryEvent[] = [];
  frames: {
    sequence: number;
    receivedAtUnixNano: bigint;
    rowEnd: number;
    contextEnd: number;
    slotEnd: number;
    eventEnd: number;
  }[] = [];

  constructor(reset: boolean) {
    this.reset = reset;
  }

  reserve(rows: number): void {
    if (this.length + rows <= this.slot.length) return;
    let capacity = this.slot.length;
    while (capacity < this.length + rows) capacity *= 2;
    this.slot = resized(this.slot, capacity, Int32Array);
    this.startUnixNano = resized(this.startUnixNano, capacity * 2, Uint32Array);
    this.timeUnixNano = resized(this.timeUnixNano, capacity * 2, Uint32Array);
    this.quantity = resized(this.quantity, capacity * 4, Uint32Array);
    this.valueKind = resized(this.valueKind, capacity, Uint8Array);
    this.code = resized(this.code, capacity, Uint8Array);
    this.ordinal = resized(this.ordinal, capacity, Int32Array);
    if (this.event.length > 0) this.event = resized(this.event, capacity * 4, Uint32Array);
    if (this.originSequence.length > 0)
      this.originSequence = resized(this.originSequence, capacity, Float64Array);
  }

  /** Makes the column of event keys; zero for the rows before. */
  reserveEvents(): void {
    if (this.event.length === 0) this.event = new Uint32Array(this.slot.length * 4);
  }
}

/** Where the points of the current request go; see {@link BatchQueue.rows}. */
export type RowColumns = Pick<
  Segment,
  | 'length'
  | 'slot'
  | 'startUnixNano'
  | 'timeUnixNano'
  | 'quantity'
  | 'valueKind'
  | 'code'
  | 'ordinal'
  | 'event'
  | 'originSequence'
>;

export class BatchQueue {
  #segments: Segment[];
  #rows = 0;

  /** @param reset whether the first batch tells the ledger to forget slots (true for a new queue) */
  constructor(reset = true) {
    this.#segments = [new Segment(reset)];
  }

  /** Rows of ended frames that are not taken yet. */
  get rowsWaiting(): number {
    return this.#rows;
  }

  get framesWaiting(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.frames.length, 0);
  }

  /** When the oldest frame that is not taken came; null without one. */
  get oldestReceivedAtUnixNano(): bigint | null {
    for (const segment of this.#segments) {
      if (segment.frames.length > 0) return segment.frames[0].receivedAtUnixNano;
    }
    return null;
  }

  /** The columns to write up to `count` further rows to; the caller writes at `length` and increments it. */
  rows(count: number): RowColumns {
    const segment = this.#last();
    segment.reserve(count);
    return segment;
  }

  /** The same for rows of which some are events: `event` has its four words for each row. */
  eventRows(count: number): RowColumns {
    const segment = this.#last();
    segment.reserveEvents();
    segment.reserve(count);
    return segment;
  }

  /**
   * The same for rows of a replay, which say where they first came from. Between {@link beginChanges} and
   * {@link endChanges} only.
   */
  replayRows(count: number): RowColumns {
    const segment = this.#last();
    segment.reserveEvents();
    if (segment.originSequence.length === 0) segment.originSequence = new Float64Array(segment.slot.length);
    segment.reserve(count);
    return segment;
  }

  /** What comes until {@link endChanges} is one frame, and a batch alone. Only between frames. */
  beginChanges(actor: string | null = null): void {
    const last = this.#last();
    // A segment that has nothing yet may have to tell of a reset: that goes on with it.
    if (last.frames.length > 0) this.#segments.push(new Segment(false));
    this.#last().actor = actor;
  }

  recordChange(change: LedgerChange): void {
    this.#last().changes.push(change);
  }

  /** Call after {@link endFrame}. */
  endChanges(): void {
    this.#segments.push(new Segment(false));
  }

  defineContext(definition: ContextDefinition): void {
    this.#last().contexts.push(definition);
  }

  defineSlot(definition: SlotDefinition): void {
    this.#last().slots.push(definition);
  }

  recordEvent(event: RegistryEvent): void {
    this.#last().events.push(event);
  }

  /** All that was written since the last frame belongs to this one. */
  endFrame(sequence: number, receivedAtUnixNano: bigint): void {
    const segment = this.#last();
    this.#rows += segment.length - (segment.frames.at(-1)?.rowEnd ?? 0);
    segment.frames.push({
      sequence,
      receivedAtUnixNano,
      rowEnd: segment.length,
      contextEnd: segment.contexts.length,
      slotEnd: segment.slots.length,
      eventEnd: segment.events.length,
    });
  }

  /** From here on slots mean something new. Only between frames. */
  resetSlots(): void {
    const last = this.#last();
    if (last.frames.length === 0 && last.length === 0) this.#segments.pop();
    this.#segments.push(new Segment(true));
  }

  /** Takes the frames up to a sequence, oldest first; null when there is none. Call until null. */
  take(throughSequence: number): LedgerBatch | null {
    const segment = this.#segments[0];
    let frames = 0;
    while (frames < segment.frames.length && segment.frames[frames].sequence <= throughSequence) frames += 1;
    if (frames === 0) return null;
    const end = segment.frames[frames - 1];
    const batch: LedgerBatch = {
      reset: segment.reset,
      contexts: segment.contexts.slice(0, end.contextEnd),
      slots: segment.slots.slice(0, end.slotEnd),
      events: segment.events.slice(0, end.eventEnd),
      frames: {
        length: frames,
        sequence: new Float64Array(frames),
        receivedAtUnixNano: new Uint32Array(frames * 2),
        rowEnd: new Int32Array(frames),
      },
      length: end.rowEnd,
      slot: segment.slot.slice(0, end.rowEnd),
      startUnixNano: segment.startUnixNano.slice(0, end.rowEnd * 2),
      timeUnixNano: segment.timeUnixNano.slice(0, end.rowEnd * 2),
      quantity: segment.quantity.slice(0, end.rowEnd * 4),
      valueKind: segment.valueKind.slice(0, end.rowEnd),
      code: segment.code.slice(0, end.rowEnd),
      ordinal: segment.ordinal.slice(0, end.rowEnd),
      event: segment.event.slice(0, end.rowEnd * 4),
      originSequence: segment.originSequence.slice(0, end.rowEnd),
      changes: segment.changes,
      actor: segment.actor,
    };
    for (let f = 0; f < frames; f++) {
      const frame = segment.frames[f];
      batch.frames.sequence[f] = frame.sequence;
      batch.frames.receivedAtUnixNano[f * 2] = Number(frame.receivedAtUnixNano & 0xffffffffn);
      batch.frames.receivedAtUnixNano[f * 2 + 1] = Number(frame.receivedAtUnixNano >> 32n);
      batch.frames.rowEnd[f] = frame.rowEnd;
    }
    this.#rows -= end.rowEnd;
    this.#segments[0] = remainder(segment, frames, end);
    if (this.#segments.length > 1 && this.#segments[0].frames.length === 0) this.#segments.shift();
    return batch;
  }

  #last(): Segment {
    return this.#segments[this.#segments.length - 1];
  }
}

/** What stays of a segment when its first frames are taken: it no longer resets, that part went with them. */
function remainder(segment: Segment, frames: number, end: Segment['frames'][number]): Segment {
  const rest = new Segment(false);
  const rows = segment.length - end.rowEnd;
  rest.reserve(rows);
  rest.slot.set(segment.slot.subarray(end.rowEnd, segment.length));
  rest.startUnixNano.set(segment.startUnixNano.subarray(end.rowEnd * 2, segment.length * 2));
  rest.timeUnixNano.set(segment.timeUnixNano.subarray(end.rowEnd * 2, segment.length * 2));
  rest.quantity.set(segment.quantity.subarray(end.rowEnd * 4, segment.length * 4));
  rest.valueKind.set(segment.valueKind.subarray(end.rowEnd, segment.length));
  rest.code.set(segment.code.subarray(end.rowEnd, segment.length));
  rest.ordinal.set(segment.ordinal.subarray(end.rowEnd, segment.length));
  if (segment.event.length > 0 && rows > 0) {
    rest.reserveEvents();
    rest.event.set(segment.event.subarray(end.rowEnd * 4, segment.length * 4));
  }
  rest.length = rows;
  rest.contexts = segment.contexts.slice(end.contextEnd);
  rest.slots = segment.slots.slice(end.slotEnd);
  rest.events = segment.events.slice(end.eventEnd);
  rest.frames = segment.frames.slice(frames).map((frame) => ({
    ...frame,
    rowEnd: frame.rowEnd - end.rowEnd,
    contextEnd: frame.contextEnd - end.contextEnd,
    slotEnd: frame.slotEnd - end.slotEnd,
    eventEnd: frame.eventEnd - end.eventEnd,
  }));
  return rest;
}

function resized<T extends Int32Array | Uint32Array | Uint8Array | Float64Array>(
  column: T,
  length: number,
  Column: new (length: number) => T,
): T {
  const larger = new Column(length);
  larger.set(column);
  return larger;
}
