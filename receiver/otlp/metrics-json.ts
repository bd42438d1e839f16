/** Decodes an OTLP ExportMetricsServiceRequest in JSON into the same columns as the protobuf form. */
import { writeAttributes } from './attribute-blocks.ts';
import type { ByteInterner } from './attribute-interner.ts';
import {
  INT64_MAX,
  INT64_MIN,
  type JsonObject,
  JsonReader,
  RESOURCE_ATTRIBUTE_DEPTH,
  readJson,
  SCOPE_ATTRIBUTE_DEPTH,
  UINT64_MAX,
} from './json-reader.ts';
import {
  type Attribute,
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
import { WireWriter } from './wire-writer.ts';

/**
 * Appends the points of a request to `columns`, read as {@link readJson} says; metrics without points leave nothing.
 * @throws DecodeError naming the path; `columns` then holds part of the request, and must be cleared
 */
export function decodeMetricsJson(body: Uint8Array, interner: ByteInterner, columns: MetricColumns): void {
  const metrics = columns.metrics.length;
  const points = columns.length;
  readJson(body, (value, exact) => {
    // What a first, imprecise reading left.
    columns.metrics.length = metrics;
    columns.length = points;
    new JsonDecoder(interner, columns, exact).request(value);
  });
}

// Levels of nesting, as in protobuf.
const METADATA_DEPTH = 4;
const POINT_ATTRIBUTE_DEPTH = 6;
const EXEMPLAR_ATTRIBUTE_DEPTH = 7;

const TEMPORALITIES: ReadonlyMap<string, number> = new Map([
  ['AGGREGATION_TEMPORALITY_UNSPECIFIED', 0],
  ['AGGREGATION_TEMPORALITY_DELTA', 1],
  ['AGGREGATION_TEMPORALITY_CUMULATIVE', 2],
]);

class JsonDecoder extends JsonReader {
  private readonly interner: ByteInterner;
  private readonly columns: MetricColumns;
  private readonly words = new DataView(new ArrayBuffer(8));

  constructor(interner: ByteInterner, columns: MetricColumns, exact: boolean) {
    super(exact);
    this.interner = interner;
    this.columns = columns;
  }

  request(value: unknown): void {
    const request = this.object(value);
    this.each('resourceMetrics', this.either(request.resourceMetrics, request.resource_metrics), (item) =>
      this.resourceMetrics(item),
    );
  }

  private resourceMetrics(value: unknown): void {
    const group = this.object(value);
    const attributes = this.block(this.resourceAttributes(group), RESOURCE_ATTRIBUTE_DEPTH);
    this.textField('schemaUrl', this.either(group.schemaUrl, group.schema_url));
    this.each('scopeMetrics', this.either(group.scopeMetrics, group.scope_metrics), (item) =>
      this.scopeMetrics(item, attributes),
    );
  }

  private scopeMetrics(value: unknown, resourceAttributes: number): void {
    const group = this.object(value);
    const { name: scopeName, version: scopeVersion, attributes } = this.scope(group);
    const scopeAttributes = this.block(attributes, SCOPE_ATTRIBUTE_DEPTH);
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
    this.attributes('metadata', metric.metadata, METADATA_DEPTH);
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
      header.temporality = this.enumField(
        'aggregationTemporality',
        this.either(holder.aggregationTemporality, holder.aggregation_temporality),
        TEMPORALITIES,
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
    const attributes = this.attributes('attributes', point.attributes, POINT_ATTRIBUTE_DEPTH);
    columns.attributes[row] = this.block(attributes, POINT_ATTRIBUTE_DEPTH);
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
      this.attributes('filteredAttributes', filtered, EXEMPLAR_ATTRIBUTE_DEPTH);
    });
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

  /** Attributes are written as protobuf, so that one path follows. */
  private block(attributes: Attribute[], depth: number): number {
    blockWriter.clear();
    writeAttributes(blockWriter, attributes);
    return this.interner.intern(blockWriter.buffer, 0, blockWriter.length, depth);
  }

  // Numbers, straight into columns.

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
}

/** Holds one block at a time. */
const blockWriter = new WireWriter();

/** Where values go that are only checked. */
const unused = new Uint32Array(2);

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
