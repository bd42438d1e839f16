/**
 * What the main thread hands to the ledger thread: claimed signals as columns, in journal order, with the
 * definitions that they refer to.
 *
 * A row is a metric point, known by its series, start, time and value; or an *event* (log record, span, record by
 * hand), known by its event key alone.
 *
 * A *slot* is the main thread's short name for a live series. Slots keep their meaning from batch to batch until
 * one comes with `reset`, which forgets all slots and contexts before its own definitions apply. The ledger maps
 * slots to its own series keys; the same series never has two live slots.
 */
import type { LedgerChange } from './changes.ts';

/** How a value of {@link LedgerBatch.quantity} is to be read. */
export const VALUE_DECIMAL = 0;
/** Words 0 and 1 are the bits of a double that is no decimal of ours (NaN, infinite, out of range). */
export const VALUE_DOUBLE = 1;
/** The point had no value. */
export const VALUE_NONE = 2;
/** A histogram or summary: words 0 and 1 are its count (uint64), words 2 and 3 the bits of its sum (NaN if absent). */
export const VALUE_DISTRIBUTION = 3;
/** An event's value that is no number: the words are 128 bits of SHA-256 of its text. */
export const VALUE_TEXT = 4;

/** How the points of a series become usage (the rules of docs/semantics.md). */
export type SeriesRole =
  /** Each distinct point is usage: delta sums. */
  | 'delta'
  /** Points are readings of a running total: cumulative monotonic sums. */
  | 'cumulative'
  /** Points are levels: gauges and non-monotonic cumulative sums. Counted only into dimensions that take levels. */
  | 'level'
  /** Rows are events: each has an event key, and is new where that key is. */
  | 'event';

/** What all series of one metric stream share: resource, scope and metric. */
export interface ContextDefinition {
  context: number;
  /** Attributes of the resource as a JSON object of OTLP values, for people who look at a series. */
  resource: string;
  scopeName: string;
  scopeVersion: string;
  metricName: string;
  unit: string;
  /** gauge, sum, histogram, exponential_histogram, summary; of events log, span, record */
  metricKind: string;
  /** unspecified, delta, cumulative, or the number of a temporality that OTLP does not define */
  temporality: string;
  monotonic: boolean;
  /** An SDK wrote it (`telemetry.sdk.name` is not empty): a first reading at its own start time counts from zero. */
  fromSdk: boolean;
  /** The resource has no service.instance.id, so its replicas cannot be told apart for certain. */
  weakIdentity: boolean;
}

export interface SlotDefinition {
  slot: number;
  context: number;
  /**
   * 128 bits of SHA-256 over the canonical form of the series, as 32 hex digits. What another meter than the built-in
   * one makes of a series has a hash of its own. The slots of events are hashed from all that their rows share.
   */
  seriesHash: string;
  role: SeriesRole;
  /** The meter that claimed it: `builtin`, a configured meter, or `api` for records by hand. */
  meterId: string;
  /** Version of the meter's rule; 0 for those that have none. */
  meterVersion: number;
  /**
   * A running total that began before this (Unix nanoseconds) counts from its first reading on, which is a baseline:
   * its meter did not exist yet. null where totals count from their start.
   */
  sinceUnixNano: bigint | null;
  /** Aliases are resolved. null where missing: such a slot carries only quarantined signals. */
  customerId: string | null;
  dimensionId: string | null;
  /** What is kept of the signal's attributes, values as text, sorted by key: a JSON object of strings. */
  metadata: string;
  /** Of events: their times are those at which they came, which differ where the same event comes again. */
  timeIsArrival?: boolean;
}

/** A change of the registry that the interpretation of a frame made. Applied with the frame, once. */
export type RegistryEvent =
  | { type: 'customer_discovered'; sequence: number; customerId: string }
  | { type: 'dimension_discovered'; sequence: number; dimensionId: string; unit: string }
  /** The temporality that holds for an instrument (hash of resource identity, scope and name; 32 hex digits). */
  | { type: 'instrument_declared'; sequence: number; instrumentHash: string; temporality: 1 | 2 };

/**
 * One hand-over. A batch with changes covers one frame, and holds for nothing before it: everything earlier is
 * committed first, then the changes are applied in their order, then the rows. All columns have `length` rows; 64-bit values are pairs of little-endian 32-bit words
 * ([2i] low, [2i+1] high), 128-bit values four words.
 */
export interface LedgerBatch {
  /** Forget every slot and context of earlier batches first. */
  reset: boolean;
  contexts: ContextDefinition[];
  slots: SlotDefinition[];
  events: RegistryEvent[];
  /** Empty for all but a frame that carries changes or a replay. */
  changes: LedgerChange[];
  /** Who made the changes (ChangeRequest.actor). */
  actor?: string | null;
  /** The journal frames that this batch covers, oldest first; also those without a row. */
  frames: {
    length: number;
    /** Journal sequence of each frame, ascending. */
    sequence: Float64Array;
    /** When the receiver took it, Unix nanoseconds as 64-bit words. */
    receivedAtUnixNano: Uint32Array;
    /** The index behind the frame's last row: frame f has the rows [rowEnd[f-1] ?? 0, rowEnd[f]). */
    rowEnd: Int32Array;
  };
  length: number;
  slot: Int32Array;
  /** Start time, Unix nanoseconds, uint64; 0 = unknown. */
  startUnixNano: Uint32Array;
  /** Time, Unix nanoseconds, uint64. */
  timeUnixNano: Uint32Array;
  /**
   * 128-bit words. For VALUE_DECIMAL: two's complement of value × 10^12, which is how DuckDB keeps DECIMAL(38,12).
   * Else as the value kind says.
   */
  quantity: Uint32Array;
  valueKind: Uint8Array;
  /** 0 = to be counted, else a quarantine code's number (storage/quarantine-codes.ts). */
  code: Uint8Array;
  /** Place of the signal among those of its frame, from 0: with the frame's sequence it finds the signal again. */
  ordinal: Int32Array;
  /** Event keys, 128-bit words; zero for metric points. Empty where no row of the batch is an event. */
  event: Uint32Array;
  /**
   * Of a replay: the frame that the signal first came with, one per row. Empty in all other batches, whose rows come
   * with the batch's own frames.
   */
  originSequence: Float64Array;
}

/** The buffers of a batch, to transfer rather than copy. */
export function transferList(batch: LedgerBatch): ArrayBuffer[] {
  return [
    batch.frames.sequence,
    batch.frames.receivedAtUnixNano,
    batch.frames.rowEnd,
    batch.slot,
    batch.startUnixNano,
    batch.timeUnixNano,
    batch.quantity,
    batch.valueKind,
    batch.code,
    batch.ordinal,
    batch.event,
    batch.originSequence,
  ].map((column) => column.buffer as ArrayBuffer);
}
