/**
 * OTLP metrics requests in protobuf and JSON, written by hand from opentelemetry-proto's field numbers: what tests
 * and the benchmark send, sharing nothing with the product's decoder.
 *
 * Protobuf is written from its end to its beginning, because a message's length is known once its content stands.
 */
import type { OtlpAttributes, OtlpKind, OtlpPoint, OtlpStream, OtlpValue } from './otlp-points.ts';

export interface OtlpRequest {
  resources: OtlpResourceMetrics[];
}
export interface OtlpResourceMetrics {
  attributes: OtlpAttributes;
  scopes: OtlpScopeMetrics[];
}
export interface OtlpScopeMetrics {
  name: string;
  version: string;
  attributes: OtlpAttributes;
  metrics: OtlpMetric[];
}
export interface OtlpMetric {
  stream: OtlpStream;
  points: OtlpPoint[];
}

/** Points in OTLP's nesting: neighbours of one stream share a metric, of one scope a scope, of one resource a resource. */
export function requestOf(points: readonly OtlpPoint[]): OtlpRequest {
  const resources: OtlpResourceMetrics[] = [];
  let resource: OtlpResourceMetrics | undefined;
  let scope: OtlpScopeMetrics | undefined;
  let metric: OtlpMetric | undefined;
  for (const point of points) {
    const { stream } = point;
    if (metric === undefined || metric.stream !== stream) {
      const last = metric?.stream;
      if (resource === undefined || resource.attributes !== stream.resource) {
        resource = { attributes: stream.resource, scopes: [] };
        resources.push(resource);
        scope = undefined;
      }
      if (
        scope === undefined ||
        last?.scopeName !== stream.scopeName ||
        last.scopeVersion !== stream.scopeVersion ||
        last.scopeAttributes !== stream.scopeAttributes
      ) {
        scope = {
          name: stream.scopeName,
          version: stream.scopeVersion,
          attributes: stream.scopeAttributes,
          metrics: [],
        };
        resource.scopes.push(scope);
      }
      metric = { stream, points: [] };
      scope.metrics.push(metric);
    }
    metric.points.push(point);
  }
  return { resources };
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const LOW_WORD = 0xffffffffn;

/** Field numbers of a Metric's oneof. */
const FIELD_OF_KIND: Record<OtlpKind, number> = {
  gauge: 5,
  sum: 7,
  histogram: 9,
  exponential_histogram: 10,
  summary: 11,
};
/** The field of a data point's attributes differs from message to message. */
const ATTRIBUTES_OF_KIND: Record<OtlpKind, number> = {
  gauge: 7,
  sum: 7,
  histogram: 9,
  exponential_histogram: 1,
  summary: 7,
};
const FLAGS_OF_KIND: Record<OtlpKind, number> = {
  gauge: 8,
  sum: 8,
  histogram: 10,
  exponential_histogram: 10,
  summary: 8,
};

/** Writes requests as protobuf; keeps its buffer, so one writer serves millions of points. */
export class ProtobufWriter {
  #buffer: Buffer = Buffer.allocUnsafe(1 << 16);
  /** Where the message written so far begins; it ends at the buffer's end. */
  #at = this.#buffer.length;
  /** Encoded attribute blocks by field and identity of the list: a series' attributes are written once. */
  readonly #blocks = new Map<number, WeakMap<OtlpAttributes, Buffer>>();

  /** @returns a copy that the caller owns */
  encode(request: OtlpRequest): Buffer {
    this.#at = this.#buffer.length;
    for (const resource of request.resources.toReversed()) {
      const end = this.#left();
      for (const scope of resource.scopes.toReversed()) this.#scopeMetrics(scope);
      const resourceEnd = this.#left();
      this.#attributes(1, resource.attributes);
      this.#length(1, resourceEnd);
      this.#length(1, end);
    }
    return Buffer.from(this.#buffer.subarray(this.#at));
  }

  #scopeMetrics(scope: OtlpScopeMetrics): void {
    const end = this.#left();
    for (const metric of scope.metrics.toReversed()) this.#metric(metric);
    const scopeEnd = this.#left();
    this.#attributes(3, scope.attributes);
    this.#text(2, scope.version);
    this.#text(1, scope.name);
    this.#length(1, scopeEnd);
    this.#length(2, end);
  }

  #metric({ stream, points }: OtlpMetric): void {
    const end = this.#left();
    const dataEnd = this.#left();
    if (stream.kind === 'sum' && stream.monotonic) this.#varint(3, 1);
    if (stream.kind !== 'gauge' && stream.kind !== 'summary' && stream.temporality !== 0) {
      this.#varint(2, stream.temporality);
    }
    for (let index = points.length - 1; index >= 0; index--) {
      const pointEnd = this.#left();
      this.#point(stream.kind, points[index]);
      this.#length(1, pointEnd);
    }
    this.#length(FIELD_OF_KIND[stream.kind], dataEnd);
    this.#text(3, stream.unit);
    this.#text(1, stream.name);
    this.#length(2, end);
  }

  /** Fields in ascending order, as generated code writes them. */
  #point(kind: OtlpKind, point: OtlpPoint): void {
    const attributesField = ATTRIBUTES_OF_KIND[kind];
    if (point.flags !== 0) this.#varint(FLAGS_OF_KIND[kind], point.flags);
    if (attributesField !== 1) this.#attributes(attributesField, point.attributes);
    const { value } = point;
    if (typeof value === 'bigint') this.#fixed64(6, value);
    else if (typeof value === 'number') this.#double(4, value);
    else if (value !== null) {
      if (value.sum !== null) this.#double(5, value.sum);
      this.#fixed64(4, value.count);
    }
    if (point.timeUnixNano !== 0n) this.#fixed64(3, point.timeUnixNano);
    if (point.startUnixNano !== 0n) this.#fixed64(2, point.startUnixNano);
    if (attributesField === 1) this.#attributes(1, point.attributes);
  }

  #attributes(field: number, attributes: OtlpAttributes): void {
    if (attributes.length === 0) return;
    let blocks = this.#blocks.get(field);
    if (blocks === undefined) {
      blocks = new WeakMap();
      this.#blocks.set(field, blocks);
    }
    const block = blocks.get(attributes);
    if (block !== undefined) {
      this.#room(block.length);
      this.#at -= block.length;
      this.#buffer.set(block, this.#at);
      return;
    }
    const end = this.#left();
    for (const [key, value] of attributes.toReversed()) {
      const pairEnd = this.#left();
      const valueEnd = this.#left();
      this.#value(value);
      this.#length(2, valueEnd);
      this.#text(1, key);
      this.#length(field, pairEnd);
    }
    blocks.set(attributes, Buffer.from(this.#buffer.subarray(this.#at, this.#at + this.#left() - end)));
  }

  #value(value: OtlpValue): void {
    if (value === null) return;
    if (typeof value === 'string') this.#bytes(1, Buffer.from(value));
    else if (typeof value === 'boolean') this.#varint(2, value ? 1 : 0);
    else if (typeof value === 'bigint') this.#int64(3, value);
    else if (typeof value === 'number') this.#double(4, value);
    else if (value instanceof Uint8Array) this.#bytes(7, value);
    else if (Array.isArray(value)) {
      const end = this.#left();
      for (const item of value.toReversed()) {
        const itemEnd = this.#left();
        this.#value(item);
        this.#length(1, itemEnd);
      }
      this.#length(5, end);
    } else {
      const end = this.#left();
      this.#attributes(1, value.map);
      this.#length(6, end);
    }
  }

  /** Bytes written so far. */
  #left(): number {
    return this.#buffer.length - this.#at;
  }

  #room(size: number): void {
    if (this.#at >= size) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#buffer.length + size));
    const at = larger.length - this.#left();
    this.#buffer.copy(larger, at, this.#at);
    this.#buffer = larger;
    this.#at = at;
  }

  /** Puts field and length before the message that was written since `end`. */
  #length(field: number, end: number): void {
    this.#rawVarint(this.#left() - end);
    this.#rawVarint((field << 3) | LENGTH);
  }

  #text(field: number, text: string): void {
    if (text !== '') this.#bytes(field, Buffer.from(text));
  }

  #bytes(field: number, bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
    this.#rawVarint(bytes.length);
    this.#rawVarint((field << 3) | LENGTH);
  }

  #varint(field: number, value: number): void {
    this.#rawVarint(value);
    this.#rawVarint((field << 3) | VARINT);
  }

  #int64(field: number, value: bigint): void {
    const unsigned = BigInt.asUintN(64, value);
    const bytes: number[] = [];
    for (let rest = unsigned; ; rest >>= 7n) {
      if (rest < 128n) {
        bytes.push(Number(rest));
        break;
      }
      bytes.push(Number(rest & 127n) | 128);
    }
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
    this.#rawVarint((field << 3) | VARINT);
  }

  #fixed64(field: number, value: bigint): void {
    this.#room(9);
    this.#at -= 8;
    this.#buffer.writeUInt32LE(Number(value & LOW_WORD), this.#at);
    this.#buffer.writeUInt32LE(Number((value >> 32n) & LOW_WORD), this.#at + 4);
    this.#rawVarint((field << 3) | FIXED64);
  }

  #double(field: number, value: number): void {
    this.#room(9);
    this.#at -= 8;
    this.#buffer.writeDoubleLE(value, this.#at);
    this.#rawVarint((field << 3) | FIXED64);
  }

  /** At most 32 bits. */
  #rawVarint(value: number): void {
    let size = 1;
    for (let rest = value >>> 7; rest !== 0; rest >>>= 7) size++;
    this.#room(size);
    this.#at -= size;
    let at = this.#at;
    let rest = value >>> 0;
    for (; rest >= 128; rest >>>= 7) this.#buffer[at++] = (rest & 127) | 128;
    this.#buffer[at] = rest;
  }
}

/**
 * The request as OTLP/JSON. int64 is a string there; `bareIntegers` writes JSON numbers instead, with every digit,
 * as some clients do. Doubles that JSON cannot spell are the strings "NaN", "Infinity", "-Infinity".
 */
export function toJson(request: OtlpRequest, options: { bareIntegers?: boolean } = {}): string {
  const integer = (value: bigint) => (options.bareIntegers ? new BareInteger(value) : String(value));
  return spell({
    resourceMetrics: request.resources.map((resource) => ({
      resource: { attributes: jsonAttributes(resource.attributes, integer) },
      scopeMetrics: resource.scopes.map((scope) => ({
        scope: {
          name: scope.name,
          version: scope.version,
          attributes: jsonAttributes(scope.attributes, integer),
        },
        metrics: scope.metrics.map(({ stream, points }) => ({
          name: stream.name,
          unit: stream.unit,
          [JSON_NAME_OF_KIND[stream.kind]]: {
            dataPoints: points.map((point) => jsonPoint(point, integer)),
            ...(stream.kind === 'gauge' || stream.kind === 'summary'
              ? {}
              : { aggregationTemporality: stream.temporality }),
            ...(stream.kind === 'sum' ? { isMonotonic: stream.monotonic } : {}),
          },
        })),
      })),
    })),
  });
}

const JSON_NAME_OF_KIND: Record<OtlpKind, string> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponential_histogram: 'exponentialHistogram',
  summary: 'summary',
};

type Integer = (value: bigint) => string | BareInteger;

function jsonPoint(point: OtlpPoint, integer: Integer): object {
  const { value } = point;
  const number =
    typeof value === 'bigint'
      ? { asInt: integer(value) }
      : typeof value === 'number'
        ? { asDouble: jsonDouble(value) }
        : value === null
          ? {}
          : { count: integer(value.count), ...(value.sum === null ? {} : { sum: jsonDouble(value.sum) }) };
  return {
    attributes: jsonAttributes(point.attributes, integer),
    startTimeUnixNano: integer(point.startUnixNano),
    timeUnixNano: integer(point.timeUnixNano),
    ...number,
    ...(point.flags === 0 ? {} : { flags: point.flags }),
  };
}

function jsonAttributes(attributes: OtlpAttributes, integer: Integer): object[] {
  return attributes.map(([key, value]) => ({ key, value: jsonValue(value, integer) }));
}

function jsonValue(value: OtlpValue, integer: Integer): object {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: integer(value) };
  if (typeof value === 'number') return { doubleValue: jsonDouble(value) };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map((item) => jsonValue(item, integer)) } };
  return { kvlistValue: { values: jsonAttributes(value.map, integer) } };
}

function jsonDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** An integer of any size that stands in JSON without quotes. */
class BareInteger {
  readonly digits: string;
  constructor(value: bigint) {
    this.digits = String(value);
  }
}

/** JSON.stringify that spells {@link BareInteger}s digit by digit and keeps minus zero. */
function spell(value: unknown): string {
  if (value instanceof BareInteger) return value.digits;
  if (Object.is(value, -0)) return '-0.0';
  if (Array.isArray(value)) return `[${value.map(spell).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}:${spell(item)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}
