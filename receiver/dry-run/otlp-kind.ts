/** Which of the three signals a request is of, where nothing but its bytes says so. Pure. */
import { FRAME_LOGS, FRAME_METRICS, FRAME_TRACES, type OtlpFrame } from '../frames.ts';
import { DecodeError } from '../otlp/metric-columns.ts';
import {
  NO_CONTENT,
  WIRE_BYTES,
  WIRE_FIXED32,
  WIRE_FIXED64,
  WIRE_VARINT,
  WireReader,
} from '../otlp/wire-reader.ts';

const KINDS_BY_NAME: Readonly<Record<string, OtlpFrame>> = {
  resourceMetrics: FRAME_METRICS,
  resource_metrics: FRAME_METRICS,
  resourceLogs: FRAME_LOGS,
  resource_logs: FRAME_LOGS,
  resourceSpans: FRAME_TRACES,
  resource_spans: FRAME_TRACES,
};

/** Beginning of nearly every request, so that it need not be parsed twice. */
const FIRST_NAME = /^\s*\{\s*"(\w+)"\s*:/;

/** @returns the reason why it is none of them, as text */
export function jsonKind(body: Buffer): OtlpFrame | string {
  const name = FIRST_NAME.exec(body.toString('latin1', 0, 200))?.[1];
  if (name !== undefined && Object.hasOwn(KINDS_BY_NAME, name)) return KINDS_BY_NAME[name];
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    return `is no JSON: ${(error as Error).message}`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'is no JSON object';
  const known = Object.keys(value).find((key) => Object.hasOwn(KINDS_BY_NAME, key));
  return known === undefined
    ? 'has none of resourceMetrics, resourceLogs, resourceSpans'
    : KINDS_BY_NAME[known];
}

/** Log records, spans and metrics that are looked at before giving up. */
const MAX_ITEMS = 100;

/**
 * Requests of the three signals are nested alike: 1 resource group, in it 2 scope group, in it 2 item. What the items'
 * fields are tells them apart.
 * https://github.com/open-telemetry/opentelemetry-proto/tree/main/opentelemetry/proto
 * @returns null where it does not, or where it is no protobuf
 */
export function protobufKind(body: Uint8Array): OtlpFrame | null {
  const reader = new WireReader();
  reader.open(body);
  let items = 0;
  let found: OtlpFrame | null = null;
  const walk = (end: number, fields: readonly number[]): void => {
    const [field, ...inner] = fields;
    while (reader.at < end && found === null && items < MAX_ITEMS) {
      const tag = reader.tag(end);
      if (tag !== field * 8 + WIRE_BYTES) {
        reader.skipField(NO_CONTENT, tag, end, 0);
        continue;
      }
      const messageEnd = reader.size(end) + reader.at;
      if (inner.length > 0) {
        walk(messageEnd, inner);
      } else {
        items += 1;
        found = itemKind(reader, messageEnd);
      }
      reader.at = messageEnd;
    }
  };
  try {
    walk(body.length, [1, 2, 2]);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return found;
}

/** Fields by number and wire type that only one of LogRecord, Span and Metric has. */
const LOG_TAGS = [
  1 * 8 + WIRE_FIXED64, // time_unix_nano
  11 * 8 + WIRE_FIXED64, // observed_time_unix_nano
  2 * 8 + WIRE_VARINT, // severity_number
  8 * 8 + WIRE_FIXED32, // flags
];
const SPAN_TAGS = [
  7 * 8 + WIRE_FIXED64, // start_time_unix_nano
  8 * 8 + WIRE_FIXED64, // end_time_unix_nano
  6 * 8 + WIRE_VARINT, // kind
];
/** sum, histogram, exponential_histogram, summary; and gauge, which is the place of a span's name and a log's body. */
const METRIC_FIELDS = [7, 9, 10, 11];
const GAUGE_FIELD = 5;

function itemKind(reader: WireReader, end: number): OtlpFrame | null {
  const tags = new Set<number>();
  while (reader.at < end) {
    const tag = reader.tag(end);
    tags.add(tag);
    reader.skipField(NO_CONTENT, tag, end, 0);
  }
  if (LOG_TAGS.some((tag) => tags.has(tag))) return FRAME_LOGS;
  if (SPAN_TAGS.some((tag) => tags.has(tag))) return FRAME_TRACES;
  const hasBytes = (field: number) => tags.has(field * 8 + WIRE_BYTES);
  // A metric has a name, and nothing beside it that could be a trace id and a span id.
  if (!hasBytes(1)) return null;
  if (hasBytes(GAUGE_FIELD)) return hasBytes(9) || hasBytes(10) ? null : FRAME_METRICS;
  return METRIC_FIELDS.some(hasBytes) ? FRAME_METRICS : null;
}
