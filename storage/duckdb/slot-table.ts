/**
 * What the ledger knows of each live series, by the slot that the main thread named it with. Typed arrays: a million
 * live series cost no JavaScript object.
 */

import { write64 } from './words.ts';

/** No series, customer or dimension. */
export const NO_KEY = -1;
/** A mark before every instant. */
export const NO_MARK = -1;

/** {@link SlotTable.flags}: rows are readings of a running total. */
export const FLAG_CUMULATIVE = 1;
/** An SDK wrote the series. */
export const FLAG_FROM_SDK = 2;
/** Customer or dimension has no key yet. */
export const FLAG_UNATTRIBUTED = 4;
/** Signals of the series are in quarantine, at times from quarantineFrom to quarantineTo. */
export const FLAG_QUARANTINE = 8;
/** Stored before this slot was defined, at times up to the mark at most; the mark is a guess from above. */
export const FLAG_GUESSED_MARK = 16;
/** Cumulative: {@link SlotTable.level} is the level of the segment with the greatest start. */
export const FLAG_LEVEL_KNOWN = 32;
/** A row of the current load waits for the slow path, and later ones must not overtake it. */
export const FLAG_DEFERRED = 64;
/** Cumulative: {@link SlotTable.liveStart} is the start of a stored reading. */
export const FLAG_HAS_READINGS = 128;

/** Rows are events: new where their keys are, whatever their times. */
export const FLAG_EVENT = 256;
/** Events: their times are those at which they came. */
export const FLAG_ARRIVAL_TIME = 512;

/** Flags of a slot whose rows may need more than the comparison with the mark. */
export const FLAGS_NOT_PLAIN =
  FLAG_CUMULATIVE | FLAG_UNATTRIBUTED | FLAG_QUARANTINE | FLAG_DEFERRED | FLAG_EVENT;

/** Values of {@link SlotTable.startKind}: whether the first reading of a cumulative series knew its start. */
export const START_UNSEEN = 0;
export const START_KNOWN = 1;
export const START_UNKNOWN = 2;

/**
 * An instant as a double, for comparisons that only have to be safe: of two instants the later one is never less.
 * Distinct instants within 256 ns may be equal.
 */
export function approximate(low: number, high: number): number {
  return high * 4294967296 + low;
}

export interface SlotIds {
  customerId: string | null;
  dimensionId: string | null;
}

export class SlotTable {
  #capacity = 0;
  series = new Int32Array(0);
  customer = new Int32Array(0);
  dimension = new Int32Array(0);
  flags = new Uint16Array(0);
  startKind = new Uint8Array(0);
  /** Version of the meter's rule. */
  meterVersion = new Int32Array(0);
  /** No counted point of the series lies beyond this ({@link approximate}). */
  mark = new Float64Array(0);
  /** Bounds of the times of the series' quarantined signals ({@link approximate}). */
  quarantineFrom = new Float64Array(0);
  quarantineTo = new Float64Array(0);
  /** Cumulative: the greatest start of any reading, two words. */
  liveStart = new Uint32Array(0);
  /** Cumulative: the level of the segment with that start (storage/duckdb/cumulative.ts), four words. */
  level = new Uint32Array(0);
  /** Cumulative: totals that began before this count from their first reading on, two words; 0 = none did. */
  since = new Uint32Array(0);
  /** Ids of slots whose customer or dimension has no key. */
  readonly unattributed = new Map<number, SlotIds>();

  clear(): void {
    this.series.fill(NO_KEY);
    this.unattributed.clear();
  }

  /** @param mark no counted point of the series lies beyond it ({@link approximate}) */
  define(
    slot: number,
    keys: { series: number; customer: number; dimension: number },
    { meterVersion, sinceUnixNano }: { meterVersion: number; sinceUnixNano: bigint | null },
    flags: number,
    mark: number,
  ): void {
    this.#reserve(slot);
    this.series[slot] = keys.series;
    this.customer[slot] = keys.customer;
    this.dimension[slot] = keys.dimension;
    this.flags[slot] = flags;
    this.meterVersion[slot] = meterVersion;
    write64(this.since, slot, sinceUnixNano ?? 0n);
    this.startKind[slot] = START_UNSEEN;
    this.mark[slot] = mark;
    this.quarantineFrom[slot] = Number.POSITIVE_INFINITY;
    this.quarantineTo[slot] = Number.NEGATIVE_INFINITY;
  }

  /** Rows of one customer belong to another from now on. */
  moveCustomer(from: number, into: number): void {
    for (let slot = 0; slot < this.#capacity; slot++) {
      if (this.customer[slot] === from) this.customer[slot] = into;
    }
  }

  /** A signal of the slot goes to quarantine. */
  widenQuarantine(slot: number, from: number, to: number): void {
    if (from < this.quarantineFrom[slot]) this.quarantineFrom[slot] = from;
    if (to > this.quarantineTo[slot]) this.quarantineTo[slot] = to;
    this.flags[slot] |= FLAG_QUARANTINE;
  }

  #reserve(slot: number): void {
    if (slot < this.#capacity) return;
    const capacity = Math.max(4096, this.#capacity * 2, slot + 1);
    this.series = resized(this.series, capacity).fill(NO_KEY, this.#capacity);
    this.customer = resized(this.customer, capacity);
    this.dimension = resized(this.dimension, capacity);
    this.flags = resized(this.flags, capacity);
    this.meterVersion = resized(this.meterVersion, capacity);
    this.since = resized(this.since, capacity * 2);
    this.startKind = resized(this.startKind, capacity);
    this.mark = resized(this.mark, capacity);
    this.quarantineFrom = resized(this.quarantineFrom, capacity);
    this.quarantineTo = resized(this.quarantineTo, capacity);
    this.liveStart = resized(this.liveStart, capacity * 2);
    this.level = resized(this.level, capacity * 4);
    this.#capacity = capacity;
  }
}

type Column = Int32Array | Uint8Array | Uint16Array | Uint32Array | Float64Array;

function resized<T extends Column>(column: T, length: number): T {
  const larger = new (column.constructor as new (length: number) => T)(length);
  (larger as Uint8Array).set(column as Uint8Array);
  return larger;
}
