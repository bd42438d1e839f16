/**
 * OTLP's schema for protobufjs, the decoders' judge, and how a message of it becomes rows or signals to compare.
 *
 * Why protobufjs 8: it compiles a decoder from the schema, skips known fields of another wire type as unknown ones,
 * holds every message to its own end, limits nesting to 100 and refuses strings that are not UTF-8, as the C++, upb
 * and Java runtimes do. @bufbuild/protobuf 2.17 reads a known field whatever its wire type and lets a message read
 * past its own end, so it cannot judge damaged bodies.
 *
 * The one point of difference, corrected below: protobufjs skips unknown varints of any length; the others refuse
 * more than ten bytes.
 */
import protobuf from 'protobufjs';
import type {
  EventSignal,
  LogSignal,
  SignalGroup,
  SpanSignal,
} from '../../../receiver/otlp/event-signals.ts';
import type { AnyValue, Attribute } from '../../../receiver/otlp/metric-columns.ts';

const SCHEMA = `
syntax = "proto3";
message ExportMetricsServiceRequest { repeated ResourceMetrics resource_metrics = 1; }
message ResourceMetrics {
  Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3;
}
message Resource {
  repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; repeated EntityRef entity_refs = 3;
}
message EntityRef {
  string schema_url = 1; string type = 2; repeated string id_keys = 3; repeated string description_keys = 4;
}
message ScopeMetrics {
  InstrumentationScope scope = 1; repeated Metric metrics = 2; string schema_url = 3;
}
message InstrumentationScope {
  string name = 1; string version = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
}
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data {
    Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
    ExponentialHistogram exponential_histogram = 10; Summary summary = 11;
  }
  repeated KeyValue metadata = 12;
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum {
  repeated NumberDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2;
  bool is_monotonic = 3;
}
message Histogram {
  repeated HistogramDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2;
}
message ExponentialHistogram {
  repeated ExponentialHistogramDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2;
}
message Summary { repeated SummaryDataPoint data_points = 1; }
enum AggregationTemporality {
  AGGREGATION_TEMPORALITY_UNSPECIFIED = 0; AGGREGATION_TEMPORALITY_DELTA = 1;
  AGGREGATION_TEMPORALITY_CUMULATIVE = 2;
}
message NumberDataPoint {
  repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
  repeated Exemplar exemplars = 5; uint32 flags = 8;
}
message HistogramDataPoint {
  repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  fixed64 count = 4; optional double sum = 5; repeated fixed64 bucket_counts = 6;
  repeated double explicit_bounds = 7; repeated Exemplar exemplars = 8; uint32 flags = 10;
  optional double min = 11; optional double max = 12;
}
message ExponentialHistogramDataPoint {
  repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  fixed64 count = 4; optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7;
  Buckets positive = 8; Buckets negative = 9; uint32 flags = 10; repeated Exemplar exemplars = 11;
  optional double min = 12; optional double max = 13; double zero_threshold = 14;
  message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
}
message SummaryDataPoint {
  repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  fixed64 count = 4; double sum = 5; repeated ValueAtQuantile quantile_values = 6; uint32 flags = 8;
  message ValueAtQuantile { double quantile = 1; double value = 2; }
}
message Exemplar {
  repeated KeyValue filtered_attributes = 7; fixed64 time_unix_nano = 2;
  oneof value { double as_double = 3; sfixed64 as_int = 6; }
  bytes span_id = 4; bytes trace_id = 5;
}
message AnyValue {
  oneof value {
    string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
    int32 string_value_strindex = 8;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; int32 key_strindex = 3; }
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message ScopeLogs {
  InstrumentationScope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3;
}
message LogRecord {
  fixed64 time_unix_nano = 1; SeverityNumber severity_number = 2; string severity_text = 3; AnyValue body = 5;
  repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9;
  bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12;
}
enum SeverityNumber { SEVERITY_NUMBER_UNSPECIFIED = 0; SEVERITY_NUMBER_INFO = 9; }
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  SpanKind kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10; repeated Event events = 11;
  uint32 dropped_events_count = 12; repeated Link links = 13; uint32 dropped_links_count = 14;
  SpanStatus status = 15; fixed32 flags = 16;
  message Event {
    fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3;
    uint32 dropped_attributes_count = 4;
  }
  message Link {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
    uint32 dropped_attributes_count = 5; fixed32 flags = 6;
  }
}
enum SpanKind { SPAN_KIND_UNSPECIFIED = 0; SPAN_KIND_SERVER = 2; }
message SpanStatus { string message = 2; StatusCode code = 3; }
enum StatusCode { STATUS_CODE_UNSET = 0; STATUS_CODE_ERROR = 2; }
message ExportMetricsServiceResponse { ExportMetricsPartialSuccess partial_success = 1; }
message ExportMetricsPartialSuccess { int64 rejected_data_points = 1; string error_message = 2; }
message ExportLogsServiceResponse { ExportLogsPartialSuccess partial_success = 1; }
message ExportLogsPartialSuccess { int64 rejected_log_records = 1; string error_message = 2; }
message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
message Status { int32 code = 1; string message = 2; }
`;

const root = protobuf.parse(SCHEMA).root;
root.resolveAll();

export const MetricsRequest = root.lookupType('ExportMetricsServiceRequest');
export const LogsRequest = root.lookupType('ExportLogsServiceRequest');
export const TraceRequest = root.lookupType('ExportTraceServiceRequest');
export const MetricsResponse = root.lookupType('ExportMetricsServiceResponse');
export const LogsResponse = root.lookupType('ExportLogsServiceResponse');
export const TraceResponse = root.lookupType('ExportTraceServiceResponse');
export const Status = root.lookupType('Status');

// The point of difference.
protobuf.Reader.prototype.skip = function (this: protobuf.Reader, length?: number): protobuf.Reader {
  if (length === undefined) {
    const start = this.pos;
    do {
      if (this.pos >= this.len) throw new RangeError('index out of range');
      if (this.pos - start === 10) throw new Error('invalid varint encoding');
    } while (this.buf[this.pos++] & 0x80);
  } else {
    if (this.pos + length > this.len) throw new RangeError('index out of range');
    this.pos += length;
  }
  return this;
};

/** A data point with all that applies to it, as plain text, to compare. */
export interface Row {
  resource: string;
  scopeName: string;
  scopeVersion: string;
  scope: string;
  name: string;
  unit: string;
  kind: number;
  temporality: number;
  monotonic: boolean;
  attributes: string;
  start: bigint;
  time: bigint;
  /** "int 5", "double 0x…", "sum 0x…" or "none" */
  value: string;
  count: bigint;
  flags: number;
}

// biome-ignore lint/suspicious/noExplicitAny: messages of a schema that is compiled at run time have no types.
export type Message = any;

const KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'];

/** What the judge reads. */
export function referenceRows(body: Uint8Array): Row[] {
  return rowsOfMessage(MetricsRequest.decode(body));
}

export function rowsOfMessage(request: Message): Row[] {
  const rows: Row[] = [];
  for (const group of request.resourceMetrics) {
    const resource = attributesText(attributesOf(group.resource?.attributes ?? []));
    for (const scopeGroup of group.scopeMetrics) {
      const scope = scopeGroup.scope;
      for (const metric of scopeGroup.metrics) {
        const kind = KINDS.indexOf(metric.data);
        if (kind < 0) continue;
        const data = metric[metric.data];
        for (const point of data.dataPoints) {
          rows.push({
            resource,
            scopeName: scope?.name ?? '',
            scopeVersion: scope?.version ?? '',
            scope: attributesText(attributesOf(scope?.attributes ?? [])),
            name: metric.name,
            unit: metric.unit,
            kind,
            temporality: data.aggregationTemporality ?? 0,
            monotonic: data.isMonotonic ?? false,
            attributes: attributesText(attributesOf(point.attributes)),
            start: big(point.startTimeUnixNano),
            time: big(point.timeUnixNano),
            value: valueText(kind, point),
            count: kind < 2 ? 0n : big(point.count),
            flags: point.flags,
          });
        }
      }
    }
  }
  return rows;
}

function valueText(kind: number, point: Message): string {
  if (kind < 2) {
    if (point.value === 'asInt') return `int ${big(point.asInt)}`;
    return point.value === 'asDouble' ? `double ${doubleText(point.asDouble)}` : 'none';
  }
  if (kind === 4) return `sum ${doubleText(point.sum)}`;
  return Object.hasOwn(point, 'sum') ? `sum ${doubleText(point.sum)}` : 'none';
}

/** The bits of a double; all NaNs are one, as JavaScript may change theirs when it copies them. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return `0x${view.getBigUint64(0).toString(16)}`;
}

export function attributesText(attributes: Attribute[]): string {
  return plainText(attributes);
}

/** Attributes or signals as text, to compare: exact, and in the order of their fields. */
export function plainText(values: unknown): string {
  return JSON.stringify(values, (_, value) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'number') return doubleText(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
  });
}

function attributesOf(pairs: Message[]): Attribute[] {
  return pairs.map((pair) => ({ key: pair.key, value: anyValueOf(pair.value) }));
}

function anyValueOf(any: Message): AnyValue {
  switch (any?.value) {
    case 'stringValue':
      return { type: 'string', value: any.stringValue };
    case 'boolValue':
      return { type: 'bool', value: any.boolValue };
    case 'intValue':
      return { type: 'int', value: big(any.intValue) };
    case 'doubleValue':
      return { type: 'double', value: any.doubleValue };
    case 'arrayValue':
      return { type: 'array', value: any.arrayValue.values.map(anyValueOf) };
    case 'kvlistValue':
      return { type: 'map', value: attributesOf(any.kvlistValue.values) };
    case 'bytesValue':
      // A copy, as a Buffer would print itself differently.
      return { type: 'bytes', value: Uint8Array.from(any.bytesValue) };
    default:
      return { type: 'empty' };
  }
}

/** The log records or spans of a request, which is one of {@link LogsRequest} or {@link TraceRequest}. */
export function signalsOfMessage(request: Message): EventSignal[] {
  const signals: EventSignal[] = [];
  for (const resourceGroup of request.resourceLogs ?? request.resourceSpans) {
    for (const scopeGroup of resourceGroup.scopeLogs ?? resourceGroup.scopeSpans) {
      const group: SignalGroup = {
        resourceAttributes: attributesOf(resourceGroup.resource?.attributes ?? []),
        scopeName: scopeGroup.scope?.name ?? '',
        scopeVersion: scopeGroup.scope?.version ?? '',
        scopeAttributes: attributesOf(scopeGroup.scope?.attributes ?? []),
      };
      for (const record of scopeGroup.logRecords ?? []) signals.push(logOf(record, group));
      for (const span of scopeGroup.spans ?? []) signals.push(spanOf(span, group));
    }
  }
  return signals;
}

function logOf(record: Message, group: SignalGroup): LogSignal {
  return {
    type: 'log',
    group,
    timeUnixNano: big(record.timeUnixNano),
    observedTimeUnixNano: big(record.observedTimeUnixNano),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    body: anyValueOf(record.body),
    attributes: attributesOf(record.attributes),
    droppedAttributesCount: record.droppedAttributesCount,
    flags: record.flags,
    traceId: idOf(record.traceId, 16),
    spanId: idOf(record.spanId, 8),
    eventName: record.eventName,
  };
}

function spanOf(span: Message, group: SignalGroup): SpanSignal {
  return {
    type: 'span',
    group,
    traceId: idOf(span.traceId, 16),
    spanId: idOf(span.spanId, 8),
    parentSpanId: idOf(span.parentSpanId, 8),
    traceState: span.traceState,
    flags: span.flags,
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: big(span.startTimeUnixNano),
    endTimeUnixNano: big(span.endTimeUnixNano),
    attributes: attributesOf(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map((event: Message) => ({
      timeUnixNano: big(event.timeUnixNano),
      name: event.name,
      attributes: attributesOf(event.attributes),
      droppedAttributesCount: event.droppedAttributesCount,
    })),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map((link: Message) => ({
      traceId: idOf(link.traceId, 16),
      spanId: idOf(link.spanId, 8),
      traceState: link.traceState,
      attributes: attributesOf(link.attributes),
      droppedAttributesCount: link.droppedAttributesCount,
      flags: link.flags,
    })),
    droppedLinksCount: span.droppedLinksCount,
    statusCode: span.status?.code ?? 0,
    statusMessage: span.status?.message ?? '',
  };
}

function idOf(id: Uint8Array, length: number): string {
  return id.length === length && id.some((byte) => byte !== 0) ? Buffer.from(id).toString('hex') : '';
}

/** An exact integer of what protobufjs gives: a Long, or zero as a number. */
export function big(value: Message): bigint {
  return BigInt(value.toString());
}
