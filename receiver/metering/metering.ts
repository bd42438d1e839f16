/**
 * Decoded signals in, rows for the ledger out: who is billed for each, for what, and if not, why not.
 *
 * Pure but for its caches: the same requests in the same order, received at the same times, give the same rows from
 * the same registry, whatever was cached. Recovery and rebuild rely on it.
 */
import type { RecordInput } from '../../storage/changes.ts';
import type { EventSignal } from '../otlp/event-signals.ts';
import type { AttributeInterner, MetricColumns } from '../otlp/metric-columns.ts';
import type { BatchQueue } from './batch-queue.ts';
import { EventMetering } from './event-metering.ts';
import { emptyOutcome, type MeteringOutcome, SlotNumbers } from './outcome.ts';
import type { Registry } from './registry.ts';
import { SeriesMetering } from './series-metering.ts';

export type { MeteringOutcome } from './outcome.ts';

/** Live metric streams, used or not, after which all are forgotten. */
const MAX_CONTEXTS = 200_000;
/** The same for what events share: with metadata that differs from event to event, each is one. */
const MAX_EVENT_SLOTS = 1 << 17;

export interface MeteringOptions {
  /** Live series after which all are forgotten and defined anew. Default 2^21. */
  maxSlots?: number;
}

export class Metering {
  readonly registry: Registry;
  readonly series: SeriesMetering;
  readonly events: EventMetering;
  readonly #interner: AttributeInterner;
  readonly #queue: BatchQueue;
  readonly #numbers = new SlotNumbers();
  readonly #maxSlots: number;
  #epoch: number;
  #attributionVersion: number;

  constructor(
    registry: Registry,
    interner: AttributeInterner,
    queue: BatchQueue,
    options: MeteringOptions = {},
  ) {
    this.registry = registry;
    this.#interner = interner;
    this.#queue = queue;
    this.series = new SeriesMetering(registry, interner, queue, this.#numbers);
    this.events = new EventMetering(registry, queue, this.#numbers);
    this.#epoch = interner.epoch;
    this.#attributionVersion = registry.attributionVersion;
    this.#maxSlots = options.maxSlots ?? 1 << 21;
  }

  /** Live series, and what events share. */
  get slots(): number {
    return this.#numbers.nextSlot;
  }

  /**
   * Keeps the caches within their bounds, and true to the meters that hold now. Call before a request is decoded, never
   * between decode and meter.
   */
  trim(): void {
    this.#interner.trim();
    const hasRoom =
      this.series.size < this.#maxSlots &&
      this.#numbers.nextSlot < this.#maxSlots &&
      this.series.contexts < MAX_CONTEXTS &&
      this.events.size < MAX_EVENT_SLOTS;
    const isCurrent =
      this.#interner.epoch === this.#epoch && this.registry.attributionVersion === this.#attributionVersion;
    if (hasRoom && isCurrent) return;
    this.#epoch = this.#interner.epoch;
    this.#attributionVersion = this.registry.attributionVersion;
    this.series.clear();
    this.events.clear();
    this.#numbers.clear();
    this.#queue.resetSlots();
  }

  /**
   * Judges the points of one request and writes a row for each that a meter claims.
   * @param sequence the journal sequence that the request will have if any point is claimed
   */
  meter(columns: MetricColumns, sequence: number, receivedAtUnixNano: bigint): MeteringOutcome {
    const outcome = emptyOutcome();
    const rows = this.#queue.rows(columns.length);
    this.series.meter(columns, sequence, receivedAtUnixNano, outcome, rows);
    return outcome;
  }

  /** The same for log records or spans. */
  meterEvents(
    signals: readonly EventSignal[],
    sequence: number,
    receivedAtUnixNano: bigint,
  ): MeteringOutcome {
    const outcome = emptyOutcome();
    const rows = this.#queue.eventRows(signals.length);
    this.events.meter(signals, sequence, receivedAtUnixNano, outcome, rows);
    return outcome;
  }

  /** The same for records by hand. */
  meterRecords(
    records: readonly RecordInput[],
    sequence: number,
    receivedAtUnixNano: bigint,
  ): MeteringOutcome {
    const outcome = emptyOutcome();
    const rows = this.#queue.eventRows(records.length);
    this.events.meterRecords(records, sequence, receivedAtUnixNano, outcome, rows);
    return outcome;
  }
}
