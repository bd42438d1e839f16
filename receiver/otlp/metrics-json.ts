/** Decodes an OTLP ExportMetricsServiceRequest in JSON into the same columns as the protobuf form. */
import type { ByteInterner } from './attribute-interner.ts';
import {
  DecodeError,
  KIND_EXPONENTIAL_HISTOGRAM,
  KIND_GAUGE,
  KIND_HISTOGRAM,
  KIND_SUM,
  KIND_SUMMARY,
  type MetricColumns,
  type MetricHeader,
  type MetricKind,
  VALUE_TYPE_COUNT_AND_SUM,
  VALUE_TYPE_COUNT_ONLY,
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
  VALUE_TYPE_NONE,
} from './metric-columns.ts';
import { NESTING_LIMIT } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/**
 * Appends the points of a request to `columns`; metrics without points leave nothing.
 *
 * Follows protobuf's JSON mapping as OTLP narrows it: names in lowerCamelCase or as in the .proto file, null is
 * absent, unknown names are ignored, 64-bit integers are strings or bare numbers (exact beyond 2^53 too), enums are
 * numbers or names. A name that comes twice in an object holds its last value; both spellings of a name, or two
 * members of a oneof, are refused.
 * @throws DecodeError naming the path; `columns` then holds part of the request, and must be cleared
 */
export function decodeMetricsJson(body: Uint8Array, interner: ByteInterner, columns: MetricColumns): void {
  const text = readUtf8(body);
  checkNesting(body);
  const metrics = columns.metrics.length;
  const points = columns.length;
  try {
    new JsonDecoder(interner, columns, false).request(parse(text));
  } catch (error) {
    if (error !== IMPRECISE) throw error;
    columns.metrics.length = metrics;
    columns.length = points;
    new JsonDecoder(interner, columns, true).request(parse(text, keepIntegers));
  }
}

type JsonObject = { [name: string]: unknown };

/** Thrown where an integer field holds a number that JSON.parse may have rounded: parse again, keeping the digits. */
const IMPRECISE = Symbol('a number beyond 2^53');

// A message within a message costs at most two JSON levels (array and object). The exact limit is kept where
// attributes are interned; this one keeps JSON.parse from filling the memory with brackets.
const BRACKET_LIMIT = 2 * NESTING_LIMIT + 2;

// Levels of nesting, as in protobuf.
const RESOURCE_ATTRIBUTE_DEPTH = 3;
const SCOPE_ATTRIBUTE_DEPTH = 4;
const METADATA_DEPTH = 4;
const POINT_ATTRIBUTE_DEPTH = 6;
const EXEMPLAR_ATTRIBUTE_DEPTH = 7;

const TEMPORALITIES: ReadonlyMap<string, number> = new Map([
  ['AGGREGATION_TEMPORALITY_UNSPECIFIED', 0],
  ['AGGREGATION_TEMPORALITY_DELTA', 1],
  ['AGGREGATION_TEMPORALITY_CUMULATIVE', 2],
]);

class JsonDecoder {
  private readonly interner: ByteInterner;
  private readonly columns: MetricColumns;
  /** Integers beyond 2^53 came as bigint. */
  private readonly exact: boolean;
  /** Names and indexes of where we are, for messages. */
  private readonly path: (string | number)[] = [];
  private readonly words = new DataView(new ArrayBuffer(8));

  constructor(interner: ByteInterner, columns: MetricColumns, exact: boolean) {
    this.interner = interner;
    this.columns = columns;
    this.exact = exact;
  }

  request(value: unknown): void {
    const request = this.object(value);
    this.each('resourceMetrics', this.either(request.resourceMetrics, request.resource_metrics), (item) =>
      this.resourceMetrics(item),
    );
  }

  private resourceMetrics(value: unknown): void {
    const group = this.object(value);
    this.path.push('resource');
    const resource = this.optionalObject(group.resource);
    const attributes = this.block(resource?.attributes, RESOURCE_ATTRIBUTE_DEPTH);
    if (resource !== undefined) {
      this.uint32Field(
        'droppedAttributesCount',
        this.either(resource.droppedAttributesCount, resource.dropped_attributes_count),
      );
      this.each('entityRefs', this.either(resource.entityRefs, resource.entity_refs), (item) =>
        this.entityRef(item),
      );
    }
    this.path.pop();
    this.textField('schemaUrl', this.either(group.schemaUrl, group.schema_url));
    this.each('scopeMetrics', this.either(group.scopeMetrics, group.scope_metrics), (item) =>
      this.scopeMetrics(item, attributes),
    );
  }

  private scopeMetrics(value: unknown, resourceAttributes: number): void {
    const group = this.object(value);
    this.path.push('scope');
    const scope = this.optionalObject(group.scope) ?? {};
    const scopeName = this.textField('name', scope.name);
    const scopeVersion = this.textField('version', scope.version);
    const scopeAttributes = this.block(scope.attributes, SCOPE_ATTRIBUTE_DEPTH);
    this.uint32Field(
      'droppedAttributesCount',
      this.either(scope.droppedAttributesCount, scope.dropped_attributes_count),
    );
    this.path.pop();
    this.textField('schemaUrl', this.either(group.schemaUrl, group.schema_url));
    this.each('metrics', group.metrics, (item) => {
      this.metric(item, {
        resourceAttributes,
        scopeName,
        scopeVersion,
        scopeAttributes,
        name: '',
        unit: '',
        kind: KIND_GAUGE,
        temporality: 0,
        monotonic: false,
      });
    });
  }

  private metric(value: unknown, header: MetricHeader): void {
    const metric = this.object(value);
    header.name = this.textField('name', metric.name);
    header.unit = this.textField('unit', metric.unit);
    this.textField('description', metric.description);
    this.checkAttributes('metadata', metric.metadata, METADATA_DEPTH);
    let member = '';
    let data: unknown;
    const offer = (name: string, offered: unknown, kind: MetricKind) => {
      if (offered === undefined || offered === null) return;
      if (member !== '') this.fail(`expected one kind of data (got ${member} and ${name})`);
      member = name;
      data = offered;
      header.kind = kind;
    };
    offer('gauge', metric.gauge, KIND_GAUGE);
    offer('sum', metric.sum, KIND_SUM);
    offer('histogram', metric.histogram, KIND_HISTOGRAM);
    offer(
      'exponentialHistogram',
      this.either(metric.exponentialHistogram, metric.exponential_histogram),
      KIND_EXPONENTIAL_HISTOGRAM,
    );
    offer('summary', metric.summary, KIND_SUMMARY);
    if (member === '') return;

    this.path.push(member);
    const holder = this.object(data);
    const kind = header.kind;
    if (kind !== KIND_GAUGE && kind !== KIND_SUMMARY) {
      header.temporality = this.temporality(
        this.either(holder.aggregationTemporality, holder.aggregation_temporality),
      );
    }
    if (kind === KIND_SUM) {
      header.monotonic = this.boolField('isMonotonic', this.either(holder.isMonotonic, holder.is_monotonic));
    }
    const firstPoint = this.columns.length;
    const points = this.either(holder.dataPoints, holder.data_points);
    if (kind === KIND_GAUGE || kind === KIND_SUM) {
      this.each('dataPoints', points, (item) => this.numberPoint(item));
    } else {
      this.each('dataPoints', points, (item) => this.distributionPoint(item, kind));
    }
    this.path.pop();
    if (this.columns.length > firstPoint) this.columns.metrics.push(header);
  }

  private numberPoint(item: unknown): void {
    const point = this.object(item);
    const columns = this.columns;
    const row = this.commonColumns(point);
    const asInt = this.either(point.asInt, point.as_int) ?? undefined;
    const asDouble = this.either(point.asDouble, point.as_double) ?? undefined;
    if (asInt !== undefined && asDouble !== undefined) {
      this.fail('expected one value (got asInt and asDouble)');
    }
    columns.valueType[row] = VALUE_TYPE_NONE;
    if (asInt !== undefined) {
      this.int64Into('asInt', asInt, true, columns.value, row);
      columns.valueType[row] = VALUE_TYPE_INT64;
    } else if (asDouble !== undefined) {
      this.doubleInto('asDouble', asDouble, columns.value, row);
      columns.valueType[row] = VALUE_TYPE_DOUBLE;
    }
    if (point.exemplars !== undefined) this.exemplars(point.exemplars);
    columns.length = row + 1;
  }

  private distributionPoint(item: unknown, kind: MetricKind): void {
    const point = this.object(item);
    const columns = this.columns;
    const row = this.commonColumns(point);
    const sum = point.sum ?? undefined;
    this.int64Into('count', point.count ?? 0, false, columns.count, row);
    if (sum !== undefined) this.doubleInto('sum', sum, columns.value, row);
    columns.valueType[row] =
      sum !== undefined || kind === KIND_SUMMARY ? VALUE_TYPE_COUNT_AND_SUM : VALUE_TYPE_COUNT_ONLY;
    if (kind === KIND_SUMMARY) {
      this.each('quantileValues', this.either(point.quantileValues, point.quantile_values), (quantile) => {
        const { quantile: rank, value } = this.object(quantile);
        this.doubleField('quantile', rank);
        this.doubleField('value', value);
      });
    } else {
      this.exemplars(point.exemplars);
      this.doubleField('min', point.min);
      this.doubleField('max', point.max);
      if (kind === KIND_HISTOGRAM) {
        this.bucketCounts(point);
        this.each('explicitBounds', this.either(point.explicitBounds, point.explicit_bounds), (bound) =>
          this.double(bound),
        );
      } else {
        this.int32Field('scale', point.scale);
        this.uint64Field('zeroCount', this.either(point.zeroCount, point.zero_count));
        this.doubleField('zeroThreshold', this.either(point.zeroThreshold, point.zero_threshold));
        this.buckets('positive', point.positive);
        this.buckets('negative', point.negative);
      }
    }
    columns.length = row + 1;
  }

  /** Writes what all points have; the value is zero until somebody writes one. */
  private commonColumns(point: JsonObject): number {
    const columns = this.columns;
    columns.reserve();
    const row = columns.length;
    columns.metric[row] = columns.metrics.length;
    columns.attributes[row] = this.block(point.attributes, POINT_ATTRIBUTE_DEPTH);
    const start = this.either(point.startTimeUnixNano, point.start_time_unix_nano) ?? 0;
    this.int64Into('startTimeUnixNano', start, false, columns.startUnixNano, row);
    const time = this.either(point.timeUnixNano, point.time_unix_nano) ?? 0;
    this.int64Into('timeUnixNano', time, false, columns.timeUnixNano, row);
    columns.value[2 * row] = 0;
    columns.value[2 * row + 1] = 0;
    columns.count[2 * row] = 0;
    columns.count[2 * row + 1] = 0;
    columns.flags[row] = this.uint32Field('flags', point.flags);
    return row;
  }

  // What is checked and not kept.

  private exemplars(value: unknown): void {
    this.each('exemplars', value, (item) => {
      const exemplar = this.object(item);
      this.uint64Field('timeUnixNano', this.either(exemplar.timeUnixNano, exemplar.time_unix_nano));
      const asInt = this.either(exemplar.asInt, exemplar.as_int) ?? undefined;
      if (asInt !== undefined) this.int64Into('asInt', asInt, true, unused, 0);
      this.doubleField('asDouble', this.either(exemplar.asDouble, exemplar.as_double));
      // OTLP writes these two in hex, other writers in base64; nobody here reads them.
      this.textField('spanId', this.either(exemplar.spanId, exemplar.span_id));
      this.textField('traceId', this.either(exemplar.traceId, exemplar.trace_id));
      const filtered = this.either(exemplar.filteredAttributes, exemplar.filtered_attributes);
      this.checkAttributes('filteredAttributes', filtered, EXEMPLAR_ATTRIBUTE_DEPTH);
    });
  }

  private entityRef(value: unknown): void {
    const ref = this.object(value);
    this.textField('schemaUrl', this.either(ref.schemaUrl, ref.schema_url));
    this.textField('type', ref.type);
    this.each('idKeys', this.either(ref.idKeys, ref.id_keys), (key) => this.text(key));
    this.each('descriptionKeys', this.either(ref.descriptionKeys, ref.description_keys), (key) =>
      this.text(key),
    );
  }

  private buckets(name: string, value: unknown): void {
    this.path.push(name);
    const buckets = this.optionalObject(value);
    if (buckets !== undefined) {
      this.int32Field('offset', buckets.offset);
      this.bucketCounts(buckets);
    }
    this.path.pop();
  }

  private bucketCounts(holder: JsonObject): void {
    this.each('bucketCounts', this.either(holder.bucketCounts, holder.bucket_counts), (count) => {
      this.integer(count, 0n, UINT64_MAX, 'an unsigned 64-bit integer');
    });
  }

  private checkAttributes(name: string, value: unknown, depth: number): void {
    if (value === undefined || value === null) return;
    blockWriter.clear();
    this.path.push(name);
    this.writeKeyValues(blockWriter, value, depth);
    this.path.pop();
  }

  // Attributes: written straight as protobuf, so that one path follows.

  private block(value: unknown, depth: number): number {
    if (value === undefined || value === null) return 0;
    const writer = blockWriter;
    writer.clear();
    this.path.push('attributes');
    this.writeKeyValues(writer, value, depth);
    this.path.pop();
    return this.interner.intern(writer.buffer, 0, writer.length, depth);
  }

  /** @param depth the level of the KeyValues */
  private writeKeyValues(writer: WireWriter, value: unknown, depth: number): void {
    const items = this.array(value);
    if (items.length > 0 && depth > NESTING_LIMIT) this.fail(`more than ${NESTING_LIMIT} levels of nesting`);
    const { path } = this;
    for (let i = 0; i < items.length; i++) {
      path.push(i);
      const pair = this.object(items[i]);
      const key = this.textField('key', pair.key);
      writer.begin(1);
      if (key !== '') writer.text(1, key);
      path.push('value');
      if (pair.value !== undefined && pair.value !== null)
        this.writeAnyValue(writer, 2, pair.value, depth + 1);
      path.pop();
      writer.end();
      path.pop();
    }
  }

  private writeAnyValue(writer: WireWriter, field: number, value: unknown, depth: number): void {
    if (depth > NESTING_LIMIT) this.fail(`more than ${NESTING_LIMIT} levels of nesting`);
    const any = this.object(value);
    writer.begin(field);
    let member = this.offer('', 'stringValue', this.either(any.stringValue, any.string_value));
    member = this.offer(member, 'boolValue', this.either(any.boolValue, any.bool_value));
    member = this.offer(member, 'intValue', this.either(any.intValue, any.int_value));
    member = this.offer(member, 'doubleValue', this.either(any.doubleValue, any.double_value));
    member = this.offer(member, 'arrayValue', this.either(any.arrayValue, any.array_value));
    member = this.offer(member, 'kvlistValue', this.either(any.kvlistValue, any.kvlist_value));
    member = this.offer(member, 'bytesValue', this.either(any.bytesValue, any.bytes_value));
    const index = this.either(any.stringValueStrindex, any.string_value_strindex);
    member = this.offer(member, 'stringValueStrindex', index);
    this.path.push(member);
    switch (member) {
      case '':
        break;
      case 'stringValue':
        writer.text(1, this.text(any.stringValue ?? any.string_value));
        break;
      case 'boolValue':
        writer.varint(2, this.bool(any.boolValue ?? any.bool_value) ? 1 : 0);
        break;
      case 'intValue': {
        const content = any.intValue ?? any.int_value;
        writer.varint(3, this.integer(content, INT64_MIN, INT64_MAX, 'a 64-bit integer'));
        break;
      }
      case 'doubleValue':
        writer.double(4, this.double(any.doubleValue ?? any.double_value));
        break;
      case 'arrayValue': {
        writer.begin(5);
        const items = this.listValues(any.arrayValue ?? any.array_value, depth);
        for (let i = 0; i < items.length; i++) {
          this.path.push('values', i);
          this.writeAnyValue(writer, 1, items[i], depth + 2);
          this.path.length -= 2;
        }
        writer.end();
        break;
      }
      case 'kvlistValue':
        writer.begin(6);
        this.path.push('values');
        this.writeKeyValues(writer, this.listValues(any.kvlistValue ?? any.kvlist_value, depth), depth + 2);
        this.path.pop();
        writer.end();
        break;
      case 'bytesValue':
        writer.raw(7, this.base64(any.bytesValue ?? any.bytes_value));
        break;
      default:
        // An index into a table that only profiles have means nothing here: the value stays empty.
        this.integer(index, INT32_MIN, INT32_MAX, 'a 32-bit integer');
    }
    this.path.pop();
    writer.end();
  }

  /** The member of a oneof that holds: `earlier`, or `name` if there is something in it, but never both. */
  private offer(earlier: string, name: string, content: unknown): string {
    if (content === undefined || content === null) return earlier;
    if (earlier !== '') this.fail(`expected one value (got ${earlier} and ${name})`);
    return name;
  }

  /** The `values` of an ArrayValue or KeyValueList that stands in an AnyValue at level `depth`. */
  private listValues(content: unknown, depth: number): unknown[] {
    if (depth + 1 > NESTING_LIMIT) this.fail(`more than ${NESTING_LIMIT} levels of nesting`);
    const values = this.object(content).values;
    return values === undefined || values === null ? [] : this.array(values);
  }

  // Fields by name: absent and null are the default.

  private textField(name: string, value: unknown): string {
    if (value === undefined || value === null) return '';
    this.path.push(name);
    const text = this.text(value);
    this.path.pop();
    return text;
  }

  private boolField(name: string, value: unknown): boolean {
    if (value === undefined || value === null) return false;
    this.path.push(name);
    const bool = this.bool(value);
    this.path.pop();
    return bool;
  }

  private doubleField(name: string, value: unknown): void {
    if (value === undefined || value === null) return;
    this.path.push(name);
    this.double(value);
    this.path.pop();
  }

  private uint32Field(name: string, value: unknown): number {
    if (value === undefined || value === null) return 0;
    this.path.push(name);
    const number = Number(this.integer(value, 0n, UINT32_MAX, 'an unsigned 32-bit integer'));
    this.path.pop();
    return number;
  }

  private int32Field(name: string, value: unknown): void {
    if (value === undefined || value === null) return;
    this.path.push(name);
    this.integer(value, INT32_MIN, INT32_MAX, 'a 32-bit integer');
    this.path.pop();
  }

  private uint64Field(name: string, value: unknown): void {
    if (value !== undefined && value !== null) this.int64Into(name, value, false, unused, 0);
  }

  private temporality(value: unknown): number {
    if (value === undefined || value === null) return 0;
    this.path.push('aggregationTemporality');
    let number: number;
    if (typeof value === 'string') {
      number =
        TEMPORALITIES.get(value) ??
        this.fail(`expected one of ${[...TEMPORALITIES.keys()].join(', ')} or a number (got ${show(value)})`);
    } else {
      number = Number(this.integer(value, INT32_MIN, INT32_MAX, 'a 32-bit integer'));
    }
    this.path.pop();
    return number;
  }

  private int64Into(name: string, value: unknown, signed: boolean, column: Uint32Array, row: number): void {
    if (typeof value === 'string' && digitsInto(value, column, row)) return;
    this.path.push(name);
    const integer = signed
      ? this.integer(value, INT64_MIN, INT64_MAX, 'a 64-bit integer')
      : this.integer(value, 0n, UINT64_MAX, 'an unsigned 64-bit integer');
    this.path.pop();
    if (typeof integer === 'number' && integer >= 0) {
      column[2 * row] = integer;
      column[2 * row + 1] = Math.floor(integer / 4294967296);
    } else {
      this.words.setBigInt64(0, BigInt(integer), true);
      column[2 * row] = this.words.getUint32(0, true);
      column[2 * row + 1] = this.words.getUint32(4, true);
    }
  }

  private doubleInto(name: string, value: unknown, column: Uint32Array, row: number): void {
    this.path.push(name);
    this.words.setFloat64(0, this.double(value), true);
    this.path.pop();
    column[2 * row] = this.words.getUint32(0, true);
    column[2 * row + 1] = this.words.getUint32(4, true);
  }

  private each(name: string, value: unknown, visit: (item: unknown) => void): void {
    if (value === undefined || value === null) return;
    this.path.push(name);
    const items = this.array(value);
    const place = this.path.push(0) - 1;
    for (let i = 0; i < items.length; i++) {
      this.path[place] = i;
      visit(items[i]);
    }
    this.path.length -= 2;
  }

  /** A field by its two spellings. */
  private either(camelCase: unknown, snakeCase: unknown): unknown {
    if (snakeCase === undefined) return camelCase;
    if (camelCase === undefined || camelCase === null) return snakeCase;
    if (snakeCase === null) return camelCase;
    return this.fail('a field comes in both spellings, lowerCamelCase and snake_case');
  }

  // Values.

  private object(value: unknown): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.fail(`expected an object (got ${show(value)})`);
    }
    return value as JsonObject;
  }

  private optionalObject(value: unknown): JsonObject | undefined {
    return value === undefined || value === null ? undefined : this.object(value);
  }

  private array(value: unknown): unknown[] {
    return Array.isArray(value) ? value : this.fail(`expected an array (got ${show(value)})`);
  }

  private text(value: unknown): string {
    if (typeof value !== 'string') return this.fail(`expected a string (got ${show(value)})`);
    // JSON can spell half of a surrogate pair; UTF-8, and so OTLP, cannot.
    if (!value.isWellFormed()) this.fail('expected valid Unicode (got a lone surrogate)');
    return value;
  }

  private bool(value: unknown): boolean {
    return typeof value === 'boolean' ? value : this.fail(`expected true or false (got ${show(value)})`);
  }

  private double(value: unknown): number {
    let number: number | undefined;
    if (typeof value === 'number') number = value;
    else if (typeof value === 'bigint') number = Number(value);
    else if (value === 'NaN') return NaN;
    else if (value === 'Infinity') return Infinity;
    else if (value === '-Infinity') return -Infinity;
    else if (typeof value === 'string' && NUMBER.test(value)) number = Number(value);
    if (number === undefined) return this.fail(`expected a number (got ${show(value)})`);
    // JSON.parse makes 1e999 infinite; infinity has a spelling of its own.
    if (!Number.isFinite(number)) this.fail('expected a number within the range of a double');
    return number;
  }

  /** An exact integer: a number where it is safe, else a bigint. */
  private integer(value: unknown, min: bigint, max: bigint, expectation: string): number | bigint {
    let integer: number | bigint | null = null;
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) integer = value;
      else if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
        if (!this.exact) throw IMPRECISE;
        this.fail(
          `expected ${expectation} (got a number that is too large to be exact; write it as a string)`,
        );
      }
    } else if (typeof value === 'string') {
      integer = integerFromText(value);
    } else if (typeof value === 'bigint') {
      integer = value;
    }
    if (integer === null || integer < min || integer > max) {
      return this.fail(`expected ${expectation} (got ${show(value)})`);
    }
    return integer;
  }

  private base64(value: unknown): Uint8Array {
    if (typeof value !== 'string' || !BASE64.test(value) || value.replace(/=+$/, '').length % 4 === 1) {
      return this.fail(`expected base64 (got ${show(value)})`);
    }
    return Buffer.from(value, 'base64');
  }

  private fail(what: string): never {
    let where = '';
    for (const step of this.path) {
      where += typeof step === 'number' ? `[${step}]` : where === '' ? step : `.${step}`;
    }
    throw new DecodeError(where === '' ? `JSON: ${what}` : `JSON: ${where}: ${what}`);
  }
}

/** Holds one block at a time. */
const blockWriter = new WireWriter();

/** Where values go that are only checked. */
const unused = new Uint32Array(2);

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const UINT32_MAX = 2n ** 32n - 1n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
// The standard and the URL-safe alphabet, padded or not.
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * Writes an integer of plain digits below 9 × 10^18, as times and values are, without a bigint.
 * @returns false if it is something else: then nothing was written
 */
function digitsInto(text: string, column: Uint32Array, row: number): boolean {
  const length = text.length;
  if (length === 0 || length > 19 || (length === 19 && text.charCodeAt(0) > 0x38)) return false;
  // value = upper × 10^9 + lower, where upper < 9 × 10^9 is exact in a double.
  let upper = 0;
  let lower = 0;
  for (let i = 0; i < length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    if (i < length - 9) upper = upper * 10 + digit;
    else lower = lower * 10 + digit;
  }
  // upper = high × 2^16 + low; both products are exact, and so is the sum of the lower 48 bits.
  const high = Math.floor(upper / 65536) * 1e9;
  const sum = (high % 65536) * 65536 + (upper % 65536) * 1e9 + lower;
  column[2 * row] = sum % 4294967296;
  column[2 * row + 1] = Math.floor(high / 65536) + Math.floor(sum / 4294967296);
  return true;
}

/** An integer in decimal, also with a fraction of zeros or an exponent; null if it is none, or none of 64 bits. */
function integerFromText(text: string): number | bigint | null {
  if (/^-?\d{1,15}$/.test(text)) return Number(text) + 0;
  if (/^-?\d{16,20}$/.test(text)) return BigInt(text);
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  // value = digits × 10^power, without zeros at either end
  const leading = (whole + fraction).replace(/^0+/, '');
  const digits = leading.replace(/0+$/, '');
  if (digits === '') return 0;
  const power = Number(exponent) - fraction.length + (leading.length - digits.length);
  if (power < 0 || digits.length + power > 20) return null;
  return BigInt(sign + digits) * 10n ** BigInt(power);
}

function readUtf8(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new DecodeError('JSON: the body is not UTF-8');
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parse(
  text: string,
  reviver?: (key: string, value: unknown, context?: { source: string }) => unknown,
) {
  try {
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as unknown;
  } catch (error) {
    throw new DecodeError(`JSON: ${(error as Error).message}`);
  }
}

/** Keeps the integers that a double cannot hold; without the source text (before Node 22) they stay as they are. */
function keepIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  const integer = context?.source === undefined ? null : integerFromText(context.source);
  return integer === null ? value : BigInt(integer);
}

/** Refuses brackets within brackets beyond the limit, without trusting that the text is JSON. */
function checkNesting(body: Uint8Array): void {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === 0x22) {
      at++;
      while (at < body.length && body[at] !== 0x22) at += body[at] === 0x5c ? 2 : 1;
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > BRACKET_LIMIT) throw new DecodeError(`JSON: more than ${BRACKET_LIMIT} nested brackets`);
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
}

/** What came, short enough for a message. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
