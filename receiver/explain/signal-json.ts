/** Signals of a journal frame, as OTLP JSON that could be sent again: what people look at. Pure. */
import type { JournalFrame } from '../../storage/journal/journal.ts';
import {
  type BodyFormat,
  encodingOf,
  FRAME_LOGS,
  FRAME_METRICS,
  FRAME_RECORDS,
  FRAME_TRACES,
} from '../frames.ts';
import { inflate } from '../inflate.ts';
import { ByteInterner } from '../otlp/attribute-interner.ts';
import type { LogSignal, SignalGroup, SpanSignal } from '../otlp/event-signals.ts';
import { decodeLogsJson } from '../otlp/logs-json.ts';
import { decodeLogsProtobuf } from '../otlp/logs-protobuf.ts';
import {
  type AnyValue,
  type Attribute,
  KIND_EXPONENTIAL_HISTOGRAM,
  KIND_GAUGE,
  KIND_HISTOGRAM,
  KIND_SUM,
  MetricColumns,
  VALUE_TYPE_COUNT_AND_SUM,
  VALUE_TYPE_COUNT_ONLY,
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
} from '../otlp/metric-columns.ts';
import { decodeMetricsJson } from '../otlp/metrics-json.ts';
import { decodeMetricsProtobuf } from '../otlp/metrics-protobuf.ts';
import { SignalGroups } from '../otlp/signal-groups.ts';
import { decodeTracesJson } from '../otlp/traces-json.ts';
import { decodeTracesProtobuf } from '../otlp/traces-protobuf.ts';

type Json = { [name: string]: unknown };

/**
 * Signals of a frame by their ordinals; null for those that it has not.
 *
 * A metric point comes without its exemplars, and a distribution without its buckets: metering does not read them.
 */
export function signalsAsJson(frame: JournalFrame, ordinals: readonly number[]): (Json | null)[] {
  if (frame.kind === FRAME_RECORDS) {
    const { records } = JSON.parse(Buffer.from(frame.payload).toString('utf8')) as { records: Json[] };
    return ordinals.map((ordinal) => records[ordinal] ?? null);
  }
  const { format, compression } = encodingOf(frame.encoding);
  const body = inflate(frame.payload, compression);
  switch (frame.kind) {
    case FRAME_METRICS:
      return pointsAsJson(body, format, ordinals);
    case FRAME_LOGS: {
      const groups = new SignalGroups();
      const logs = format === 'protobuf' ? decodeLogsProtobuf(body, groups) : decodeLogsJson(body, groups);
      return ordinals.map((ordinal) => (ordinal < logs.length ? logAsJson(logs[ordinal]) : null));
    }
    case FRAME_TRACES: {
      const groups = new SignalGroups();
      const spans =
        format === 'protobuf' ? decodeTracesProtobuf(body, groups) : decodeTracesJson(body, groups);
      return ordinals.map((ordinal) => (ordinal < spans.length ? spanAsJson(spans[ordinal]) : null));
    }
    default:
      return ordinals.map(() => null);
  }
}

const METRIC_DATA: Readonly<Record<number, string>> = {
  [KIND_GAUGE]: 'gauge',
  [KIND_SUM]: 'sum',
  [KIND_HISTOGRAM]: 'histogram',
  [KIND_EXPONENTIAL_HISTOGRAM]: 'exponentialHistogram',
};

function pointsAsJson(body: Uint8Array, format: BodyFormat, ordinals: readonly number[]): (Json | null)[] {
  const interner = new ByteInterner();
  const columns = new MetricColumns();
  if (format === 'protobuf') decodeMetricsProtobuf(body, interner, columns);
  else decodeMetricsJson(body, interner, columns);
  return ordinals.map((point) => (point < columns.length ? pointAsJson(columns, point, interner) : null));
}

function pointAsJson(columns: MetricColumns, point: number, interner: ByteInterner): Json {
  const header = columns.metrics[columns.metric[point]];
  const { kind, name, unit, temporality, monotonic } = header;
  const flags = columns.flags[point];
  const data: Json = {
    dataPoints: [
      {
        attributes: keyValues(interner.attributes(columns.attributes[point])),
        ...time('startTimeUnixNano', read64(columns.startUnixNano, point)),
        ...time('timeUnixNano', read64(columns.timeUnixNano, point)),
        ...pointValue(columns, point),
        ...(flags === 0 ? {} : { flags }),
      },
    ],
  };
  if (kind === KIND_SUM || kind === KIND_HISTOGRAM || kind === KIND_EXPONENTIAL_HISTOGRAM)
    data.aggregationTemporality = temporality;
  if (kind === KIND_SUM) data.isMonotonic = monotonic;
  const group: SignalGroup = {
    resourceAttributes: interner.attributes(header.resourceAttributes),
    scopeName: header.scopeName,
    scopeVersion: header.scopeVersion,
    scopeAttributes: interner.attributes(header.scopeAttributes),
  };
  return inGroup('Metrics', 'metrics', group, { name, unit, [METRIC_DATA[kind] ?? 'summary']: data });
}

function pointValue(columns: MetricColumns, point: number): Json {
  const bits = read64(columns.value, point);
  switch (columns.valueType[point]) {
    case VALUE_TYPE_INT64:
      return { asInt: String(BigInt.asIntN(64, bits)) };
    case VALUE_TYPE_DOUBLE:
      return { asDouble: doubleJson(doubleOf(bits)) };
    case VALUE_TYPE_COUNT_AND_SUM:
      return { count: String(read64(columns.count, point)), sum: doubleJson(doubleOf(bits)) };
    case VALUE_TYPE_COUNT_ONLY:
      return { count: String(read64(columns.count, point)) };
    default:
      return {};
  }
}

function logAsJson(log: LogSignal): Json {
  return inGroup('Logs', 'logRecords', log.group, {
    ...time('timeUnixNano', log.timeUnixNano),
    ...time('observedTimeUnixNano', log.observedTimeUnixNano),
    ...number('severityNumber', log.severityNumber),
    ...text('severityText', log.severityText),
    ...(log.body.type === 'empty' ? {} : { body: anyValue(log.body) }),
    attributes: keyValues(log.attributes),
    ...number('droppedAttributesCount', log.droppedAttributesCount),
    ...number('flags', log.flags),
    ...text('traceId', log.traceId),
    ...text('spanId', log.spanId),
    ...text('eventName', log.eventName),
  });
}

function spanAsJson(span: SpanSignal): Json {
  return inGroup('Spans', 'spans', span.group, {
    ...text('traceId', span.traceId),
    ...text('spanId', span.spanId),
    ...text('traceState', span.traceState),
    ...text('parentSpanId', span.parentSpanId),
    ...number('flags', span.flags),
    name: span.name,
    ...number('kind', span.kind),
    ...time('startTimeUnixNano', span.startTimeUnixNano),
    ...time('endTimeUnixNano', span.endTimeUnixNano),
    attributes: keyValues(span.attributes),
    ...number('droppedAttributesCount', span.droppedAttributesCount),
    ...list(
      'events',
      span.events.map((event) => ({
        ...time('timeUnixNano', event.timeUnixNano),
        name: event.name,
        attributes: keyValues(event.attributes),
        ...number('droppedAttributesCount', event.droppedAttributesCount),
      })),
    ),
    ...number('droppedEventsCount', span.droppedEventsCount),
    ...list(
      'links',
      span.links.map((link) => ({
        ...text('traceId', link.traceId),
        ...text('spanId', link.spanId),
        ...text('traceState', link.traceState),
        attributes: keyValues(link.attributes),
        ...number('droppedAttributesCount', link.droppedAttributesCount),
        ...number('flags', link.flags),
      })),
    ),
    ...number('droppedLinksCount', span.droppedLinksCount),
    ...(span.statusCode === 0 && span.statusMessage === ''
      ? {}
      : { status: { ...text('message', span.statusMessage), code: span.statusCode } }),
  });
}

/** A request of one signal: resourceMetrics, resourceLogs or resourceSpans. */
function inGroup(what: 'Metrics' | 'Logs' | 'Spans', items: string, group: SignalGroup, item: Json): Json {
  const scope = {
    ...text('name', group.scopeName),
    ...text('version', group.scopeVersion),
    ...list('attributes', keyValues(group.scopeAttributes)),
  };
  return {
    [`resource${what}`]: [
      {
        resource: { attributes: keyValues(group.resourceAttributes) },
        [`scope${what}`]: [{ scope, [items]: [item] }],
      },
    ],
  };
}

function keyValues(attributes: readonly Attribute[]): Json[] {
  return attributes.map(({ key, value }) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AnyValue): Json {
  switch (value.type) {
    case 'empty':
      return {};
    case 'string':
      return { stringValue: value.value };
    case 'bool':
      return { boolValue: value.value };
    case 'int':
      return { intValue: String(value.value) };
    case 'double':
      return { doubleValue: doubleJson(value.value) };
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') };
    case 'array':
      return { arrayValue: { values: value.value.map(anyValue) } };
    case 'map':
      return { kvlistValue: { values: keyValues(value.value) } };
  }
}

// Fields that say nothing are left out, as protobuf's JSON mapping does.

function time(name: string, unixNano: bigint): Json {
  return unixNano === 0n ? {} : { [name]: String(unixNano) };
}

function number(name: string, value: number): Json {
  return value === 0 ? {} : { [name]: value };
}

function text(name: string, value: string): Json {
  return value === '' ? {} : { [name]: value };
}

function list(name: string, items: Json[]): Json {
  return items.length === 0 ? {} : { [name]: items };
}

/** JSON has no number for these. */
function doubleJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function doubleOf(bits: bigint): number {
  return new Float64Array(new BigUint64Array([bits]).buffer)[0];
}

function read64(words: Uint32Array, row: number): bigint {
  return BigInt(words[row * 2]) | (BigInt(words[row * 2 + 1]) << 32n);
}
