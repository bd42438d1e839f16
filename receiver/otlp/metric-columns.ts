/**
 * The decoded form of an OTLP metrics request: a header object per metric, typed-array columns for the points.
 *
 * 64-bit values are pairs of little-endian 32-bit words ([2i] low, [2i+1] high), so that no point costs an object
 * or a bigint.
 */

export const KIND_GAUGE = 0;
export const KIND_SUM = 1;
export const KIND_HISTOGRAM = 2;
export const KIND_EXPONENTIAL_HISTOGRAM = 3;
export const KIND_SUMMARY = 4;
export type MetricKind = 0 | 1 | 2 | 3 | 4;

export const VALUE_TYPE_NONE = 0;
export const VALUE_TYPE_INT64 = 1;
export const VALUE_TYPE_DOUBLE = 2;
/** Histogram, exponential histogram, summary with a sum: `value` is the sum's double, `count` the count. */
export const VALUE_TYPE_COUNT_AND_SUM = 3;
/** The same without a sum (optional in OTLP): `value` is zero. */
export const VALUE_TYPE_COUNT_ONLY = 4;

/** What the points of one metric share. */
export interface MetricHeader {
  /** Interned block of the Resource's attributes (see {@link AttributeInterner}). */
  resourceAttributes: number;
  scopeName: string;
  scopeVersion: string;
  /** Interned block of the scope's attributes. */
  scopeAttributes: number;
  name: string;
  unit: string;
  kind: MetricKind;
  /** The number on the wire: 0 unspecified, 1 delta, 2 cumulative, others as sent. 0 for gauge and summary. */
  temporality: number;
  /** False for all but sums. */
  monotonic: boolean;
}

/** Points of one request. A point can be two bytes, and each may become a row of the ledger. */
export const MAX_POINTS = 1 << 19;

/** More data points, log records or spans, or more in them, than one request may hold. Becomes a 413. */
export class TooManySignalsError extends Error {
  readonly code = 'TOO_MANY_SIGNALS';
  /** @param what of which there may be `most`, in the plural */
  constructor(most: number, what: string) {
    super(`a request must hold at most ${most} ${what}: send smaller batches`);
    this.name = 'TooManySignalsError';
  }
}

/** Columns of a request. One instance is reused from request to request; it grows and never shrinks by itself. */
export class MetricColumns {
  metrics: MetricHeader[] = [];
  length = 0;
  /** Index into {@link metrics}. */
  metric = new Int32Array(0);
  /** Interned block of the point's attributes. */
  attributes = new Int32Array(0);
  startUnixNano = new Uint32Array(0);
  timeUnixNano = new Uint32Array(0);
  /** int64 two's complement or IEEE 754 bits, as {@link valueType} says. */
  value = new Uint32Array(0);
  valueType = new Uint8Array(0);
  /** uint64 count of histograms and summaries, else zero. */
  count = new Uint32Array(0);
  /** DataPointFlags as sent; bit 0 is NO_RECORDED_VALUE. */
  flags = new Uint32Array(0);

  clear(): void {
    this.metrics.length = 0;
    this.length = 0;
  }

  /** Makes room for one more point; the caller then writes all columns at `length` and increments it. */
  reserve(): void {
    if (this.length < this.metric.length) return;
    if (this.length >= MAX_POINTS) throw new TooManySignalsError(MAX_POINTS, 'data points');
    const capacity = Math.max(1024, this.metric.length * 2);
    const grown = <T extends Int32Array | Uint32Array | Uint8Array>(column: T, perRow: number): T => {
      const Column = column.constructor as new (length: number) => T;
      const larger = new Column(capacity * perRow);
      larger.set(column);
      return larger;
    };
    this.metric = grown(this.metric, 1);
    this.attributes = grown(this.attributes, 1);
    this.startUnixNano = grown(this.startUnixNano, 2);
    this.timeUnixNano = grown(this.timeUnixNano, 2);
    this.value = grown(this.value, 2);
    this.valueType = grown(this.valueType, 1);
    this.count = grown(this.count, 2);
    this.flags = grown(this.flags, 1);
  }
}

/** Some points of a request, in the order of the given places; those beyond the last point are left out. */
export function selectPoints(columns: MetricColumns, points: readonly number[]): MetricColumns {
  const selected = new MetricColumns();
  selected.metrics = columns.metrics;
  for (const point of points) {
    if (point >= columns.length) continue;
    selected.reserve();
    const at = selected.length++;
    selected.metric[at] = columns.metric[point];
    selected.attributes[at] = columns.attributes[point];
    selected.valueType[at] = columns.valueType[point];
    selected.flags[at] = columns.flags[point];
    for (const name of ['startUnixNano', 'timeUnixNano', 'value', 'count'] as const) {
      selected[name][at * 2] = columns[name][point * 2];
      selected[name][at * 2 + 1] = columns[name][point * 2 + 1];
    }
  }
  return selected;
}

/** An OTLP AnyValue, as it came. Empty = no value was set. int is exact; a map keeps its order. */
export type AnyValue =
  | { type: 'empty' }
  | { type: 'string'; value: string }
  | { type: 'bool'; value: boolean }
  | { type: 'int'; value: bigint }
  | { type: 'double'; value: number }
  | { type: 'bytes'; value: Uint8Array }
  | { type: 'array'; value: AnyValue[] }
  | { type: 'map'; value: Attribute[] };

export interface Attribute {
  key: string;
  value: AnyValue;
}

/**
 * Gives each distinct block of attribute bytes a small number.
 *
 * A block is a run of protobuf fields, each one tag byte, a varint length and a KeyValue message, exactly as they
 * stand in the message that carries them (the tag byte differs by message and means nothing here). Two blocks that
 * differ in bytes have different ids even where they mean the same: ids are a cache, not an identity.
 * Bytes are checked (well-formed, valid UTF-8, nesting) once, when a block is first seen.
 *
 * Memory is bounded: {@link trim}, called between requests, forgets everything when a limit is passed, and moves
 * {@link epoch} on; ids of an earlier epoch must not be used any more. Id 0 is always the empty block.
 */
export interface AttributeInterner {
  readonly epoch: number;
  readonly size: number;
  trim(): void;
  /** The attributes of a block, decoded anew at each call; duplicates and order as sent. */
  attributes(id: number): Attribute[];
}

/** Bytes that cannot be decoded. Becomes a 400; the message says what and where. */
export class DecodeError extends Error {
  readonly code = 'UNDECODABLE';
  constructor(message: string) {
    super(message);
    this.name = 'DecodeError';
  }
}
