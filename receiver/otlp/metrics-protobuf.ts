/** Decodes an OTLP ExportMetricsServiceRequest in protobuf, straight into columns. */
import type { ByteInterner } from './attribute-interner.ts';
import { BlockGatherer } from './block-gatherer.ts';
import {
  KIND_EXPONENTIAL_HISTOGRAM,
  KIND_GAUGE,
  KIND_HISTOGRAM,
  KIND_SUM,
  KIND_SUMMARY,
  type MetricColumns,
  type MetricKind,
  VALUE_TYPE_COUNT_AND_SUM,
  VALUE_TYPE_COUNT_ONLY,
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
  VALUE_TYPE_NONE,
} from './metric-columns.ts';
import { StringInterner } from './string-interner.ts';
import {
  EXPONENTIAL_HISTOGRAM_POINT,
  HISTOGRAM_POINT,
  METRIC,
  type MessageType,
  NO_CONTENT,
  NUMBER_POINT,
  RESOURCE,
  RESOURCE_GROUP,
  SCOPE,
  SCOPE_GROUP,
  SUMMARY_POINT,
  WireReader,
} from './wire-reader.ts';

/**
 * Appends the points of a request to `columns`; metrics without points leave nothing.
 *
 * Holds to protobuf's rules: fields in any order, the last of a scalar or oneof holds, embedded messages that come
 * twice are merged, unknown fields and fields of another wire type are skipped. Every byte is checked, also those
 * of fields that are not kept.
 * @throws DecodeError; `columns` then holds part of the request, and must be cleared
 */
export function decodeMetricsProtobuf(
  body: Uint8Array,
  interner: ByteInterner,
  columns: MetricColumns,
): void {
  const decoder = new RequestDecoder(body, interner, columns);
  decoder.request();
}

const strings = new StringInterner();

// Levels of nesting below the request.
const RESOURCE_METRICS_DEPTH = 1;
const RESOURCE_DEPTH = 2;
const METRIC_DEPTH = 3;
const POINTS_DEPTH = 4;
const POINT_DEPTH = 5;

// Tags of the messages above the points: field number × 8 + wire type.
const BYTES_1 = 0x0a;
const BYTES_2 = 0x12;
const BYTES_3 = 0x1a;
const VARINT_2 = 0x10;
const VARINT_3 = 0x18;

/** A metric's oneof member by its tag. */
const KIND_BY_TAG: ReadonlyMap<number, MetricKind> = new Map([
  [0x2a, KIND_GAUGE],
  [0x3a, KIND_SUM],
  [0x4a, KIND_HISTOGRAM],
  [0x52, KIND_EXPONENTIAL_HISTOGRAM],
  [0x5a, KIND_SUMMARY],
]);

class RequestDecoder {
  private readonly body: Uint8Array;
  private readonly reader = new WireReader();
  private readonly interner: ByteInterner;
  private readonly columns: MetricColumns;
  private readonly block = new BlockGatherer();

  // What the messages of a metric's oneof leave for its header.
  private temporality = 0;
  private monotonic = false;

  constructor(body: Uint8Array, interner: ByteInterner, columns: MetricColumns) {
    this.body = body;
    this.reader.open(body);
    this.interner = interner;
    this.columns = columns;
  }

  request(): void {
    const reader = this.reader;
    const end = this.body.length;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) this.resourceMetrics(reader.size(end) + reader.at);
      else reader.skipField(NO_CONTENT, tag, end, 0);
    }
  }

  private resourceMetrics(end: number): void {
    const { reader, columns, body } = this;
    const firstMetric = columns.metrics.length;
    const resource = new BlockGatherer();
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) this.resource(reader.size(end) + reader.at, resource);
      else if (tag === BYTES_2) this.scopeMetrics(reader.size(end) + reader.at);
      else reader.skipField(RESOURCE_GROUP, tag, end, RESOURCE_METRICS_DEPTH);
    }
    // The resource may stand behind its metrics.
    const resourceAttributes = resource.intern(this.interner, body, RESOURCE_DEPTH + 1);
    const metrics = columns.metrics;
    for (let i = firstMetric; i < metrics.length; i++) metrics[i].resourceAttributes = resourceAttributes;
  }

  private resource(end: number, block: BlockGatherer): void {
    const reader = this.reader;
    while (reader.at < end) {
      const start = reader.at;
      const tag = reader.tag(end);
      if (tag === BYTES_1) block.take(reader, tag, start, end);
      else reader.skipField(RESOURCE, tag, end, RESOURCE_DEPTH);
    }
  }

  private scopeMetrics(end: number): void {
    const { reader, columns, body } = this;
    const firstMetric = columns.metrics.length;
    const scope = new BlockGatherer();
    let name = '';
    let version = '';
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) {
        const scopeEnd = reader.size(end) + reader.at;
        while (reader.at < scopeEnd) {
          const start = reader.at;
          const scopeTag = reader.tag(scopeEnd);
          if (scopeTag === BYTES_1) name = this.text(scopeEnd);
          else if (scopeTag === BYTES_2) version = this.text(scopeEnd);
          else if (scopeTag === BYTES_3) scope.take(reader, scopeTag, start, scopeEnd);
          else reader.skipField(SCOPE, scopeTag, scopeEnd, METRIC_DEPTH);
        }
      } else if (tag === BYTES_2) this.metric(reader.size(end) + reader.at);
      else reader.skipField(SCOPE_GROUP, tag, end, RESOURCE_DEPTH);
    }
    const scopeAttributes = scope.intern(this.interner, body, METRIC_DEPTH + 1);
    const metrics = columns.metrics;
    for (let i = firstMetric; i < metrics.length; i++) {
      const metric = metrics[i];
      metric.scopeName = name;
      metric.scopeVersion = version;
      metric.scopeAttributes = scopeAttributes;
    }
  }

  private metric(end: number): void {
    const { reader, columns } = this;
    const firstPoint = columns.length;
    let name = '';
    let unit = '';
    let kind: MetricKind | undefined;
    this.temporality = 0;
    this.monotonic = false;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) name = this.text(end);
      else if (tag === BYTES_3) unit = this.text(end);
      else {
        const member = KIND_BY_TAG.get(tag);
        if (member === undefined) {
          reader.skipField(METRIC, tag, end, METRIC_DEPTH);
          continue;
        }
        if (member !== kind) {
          // Another member of the oneof takes the place of the first, with all that it held.
          columns.length = firstPoint;
          this.temporality = 0;
          this.monotonic = false;
          kind = member;
        }
        this.points(kind, reader.size(end) + reader.at);
      }
    }
    if (kind === undefined || columns.length === firstPoint) return;
    columns.metrics.push({
      resourceAttributes: 0,
      scopeName: '',
      scopeVersion: '',
      scopeAttributes: 0,
      name,
      unit,
      kind,
      temporality: this.temporality,
      monotonic: this.monotonic,
    });
  }

  /** Gauge, Sum, Histogram, ExponentialHistogram or Summary: they differ only in which fields they have. */
  private points(kind: MetricKind, end: number): void {
    const reader = this.reader;
    const hasTemporality = kind !== KIND_GAUGE && kind !== KIND_SUMMARY;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) {
        const pointEnd = reader.size(end) + reader.at;
        switch (kind) {
          case KIND_GAUGE:
          case KIND_SUM:
            this.numberPoint(pointEnd);
            break;
          case KIND_HISTOGRAM:
            this.distributionPoint(HISTOGRAM_POINT, 0x4a, 0x50, VALUE_TYPE_COUNT_ONLY, pointEnd);
            break;
          case KIND_EXPONENTIAL_HISTOGRAM:
            this.distributionPoint(EXPONENTIAL_HISTOGRAM_POINT, 0x0a, 0x50, VALUE_TYPE_COUNT_ONLY, pointEnd);
            break;
          default:
            // A summary's sum is not optional: what is not written is zero.
            this.distributionPoint(SUMMARY_POINT, 0x3a, 0x40, VALUE_TYPE_COUNT_AND_SUM, pointEnd);
        }
      } else if (tag === VARINT_2 && hasTemporality) {
        reader.varint(end);
        this.temporality = reader.low;
      } else if (tag === VARINT_3 && kind === KIND_SUM) {
        reader.varint(end);
        this.monotonic = (reader.low | reader.high) !== 0;
      } else reader.skipField(NO_CONTENT, tag, end, POINTS_DEPTH);
    }
  }

  /**
   * A NumberDataPoint: the hot path.
   *
   * SDKs write the attributes of a point next to each other, so that they already are a block; only where another
   * field stands between them are they gathered.
   */
  private numberPoint(end: number): void {
    const { reader, body } = this;
    const view = reader.view;
    let at = reader.at;
    let startLow = 0;
    let startHigh = 0;
    let timeLow = 0;
    let timeHigh = 0;
    let valueLow = 0;
    let valueHigh = 0;
    let valueType = VALUE_TYPE_NONE;
    let flags = 0;
    let blockStart = at;
    let blockEnd = at;
    let gathered: BlockGatherer | undefined;
    while (at < end) {
      const fieldStart = at;
      let tag = body[at++];
      if (tag >= 0x80) {
        reader.at = fieldStart;
        tag = reader.tag(end);
        at = reader.at;
      }
      switch (tag) {
        case 0x11:
          if (end - at < 8) this.cutOff(at);
          startLow = view.getInt32(at, true);
          startHigh = view.getInt32(at + 4, true);
          at += 8;
          break;
        case 0x19:
          if (end - at < 8) this.cutOff(at);
          timeLow = view.getInt32(at, true);
          timeHigh = view.getInt32(at + 4, true);
          at += 8;
          break;
        case 0x21:
        case 0x31:
          if (end - at < 8) this.cutOff(at);
          valueLow = view.getInt32(at, true);
          valueHigh = view.getInt32(at + 4, true);
          valueType = tag === 0x31 ? VALUE_TYPE_INT64 : VALUE_TYPE_DOUBLE;
          at += 8;
          break;
        case 0x3a: {
          let length = at < end ? body[at] : 0x80;
          if (length < 0x80 && length < end - at) {
            at++;
          } else {
            reader.at = at;
            length = reader.size(end);
            at = reader.at;
          }
          at += length;
          if (gathered === undefined) {
            // An over-long tag is no part of a block.
            if (body[fieldStart] === 0x3a && (blockEnd === fieldStart || blockEnd === blockStart)) {
              if (blockEnd === blockStart) blockStart = fieldStart;
              blockEnd = at;
              break;
            }
            gathered = this.block;
            gathered.clear();
            gathered.copy(body, blockStart, blockEnd);
          }
          gathered.append(0x3a, body, at - length, at);
          break;
        }
        case 0x40:
          if (at < end && body[at] < 0x80) {
            flags = body[at++];
          } else {
            reader.at = at;
            reader.varint(end);
            flags = reader.low;
            at = reader.at;
          }
          break;
        default:
          reader.at = at;
          if (tag < 8) reader.fail('field number 0');
          reader.skipField(NUMBER_POINT, tag, end, POINT_DEPTH);
          at = reader.at;
      }
    }
    reader.at = at;

    const columns = this.columns;
    columns.reserve();
    const row = columns.length;
    columns.attributes[row] =
      gathered === undefined
        ? this.interner.intern(body, blockStart, blockEnd, POINT_DEPTH + 1)
        : gathered.intern(this.interner, body, POINT_DEPTH + 1);
    columns.metric[row] = columns.metrics.length;
    columns.startUnixNano[2 * row] = startLow;
    columns.startUnixNano[2 * row + 1] = startHigh;
    columns.timeUnixNano[2 * row] = timeLow;
    columns.timeUnixNano[2 * row + 1] = timeHigh;
    columns.value[2 * row] = valueLow;
    columns.value[2 * row + 1] = valueHigh;
    columns.valueType[row] = valueType;
    columns.count[2 * row] = 0;
    columns.count[2 * row + 1] = 0;
    columns.flags[row] = flags;
    columns.length = row + 1;
  }

  private cutOff(at: number): never {
    this.reader.at = at;
    return this.reader.fail('a fixed-size field is cut off');
  }

  /** The points of histograms and summaries: times, count and sum have the same numbers in all of them. */
  private distributionPoint(
    type: MessageType,
    attributesTag: number,
    flagsTag: number,
    valueTypeWithoutSum: number,
    end: number,
  ): void {
    const { reader, columns, block } = this;
    columns.reserve();
    const row = columns.length;
    const { startUnixNano, timeUnixNano, count, value } = columns;
    setZero(startUnixNano, row);
    setZero(timeUnixNano, row);
    setZero(count, row);
    setZero(value, row);
    let valueType = valueTypeWithoutSum;
    let flags = 0;
    block.clear();
    while (reader.at < end) {
      const start = reader.at;
      const tag = reader.tag(end);
      if (tag === attributesTag) block.take(reader, tag, start, end);
      else if (tag === 0x11) this.fixed64(startUnixNano, row, end);
      else if (tag === 0x19) this.fixed64(timeUnixNano, row, end);
      else if (tag === 0x21) this.fixed64(count, row, end);
      else if (tag === 0x29) {
        this.fixed64(value, row, end);
        valueType = VALUE_TYPE_COUNT_AND_SUM;
      } else if (tag === flagsTag) {
        reader.varint(end);
        flags = reader.low;
      } else reader.skipField(type, tag, end, POINT_DEPTH);
    }
    columns.attributes[row] = block.intern(this.interner, this.body, POINT_DEPTH + 1);
    columns.metric[row] = columns.metrics.length;
    columns.valueType[row] = valueType;
    columns.flags[row] = flags;
    columns.length = row + 1;
  }

  private fixed64(column: Uint32Array, row: number, end: number): void {
    const reader = this.reader;
    const at = reader.at;
    reader.skip(8, end);
    column[2 * row] = reader.view.getInt32(at, true);
    column[2 * row + 1] = reader.view.getInt32(at + 4, true);
  }

  private text(end: number): string {
    const reader = this.reader;
    const textEnd = reader.size(end) + reader.at;
    const text = strings.read(this.body, reader.at, textEnd);
    reader.at = textEnd;
    return text;
  }
}

function setZero(column: Uint32Array, row: number): void {
  column[2 * row] = 0;
  column[2 * row + 1] = 0;
}
