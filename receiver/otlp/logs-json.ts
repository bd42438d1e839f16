/** Decodes an OTLP ExportLogsServiceRequest in JSON into the same signals as the protobuf form. */
import type { LogSignal, SignalGroup } from './event-signals.ts';
import { type EventListNames, EventsJsonDecoder, RECORD_DEPTH } from './events-json.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './events-protobuf.ts';
import { type JsonObject, readJson } from './json-reader.ts';
import type { SignalGroups } from './signal-groups.ts';

/**
 * The log records of a request, in its order, read as {@link readJson} says. Trace and span ids are hex; of another
 * length they are refused.
 * @throws DecodeError naming the path, TooManySignalsError
 */
export function decodeLogsJson(body: Uint8Array, groups: SignalGroups): LogSignal[] {
  return readJson(body, (value, exact) => new LogsJsonDecoder(exact, groups, NAMES).request(value));
}

const NAMES: EventListNames = {
  resources: ['resourceLogs', 'resource_logs'],
  scopes: ['scopeLogs', 'scope_logs'],
  records: ['logRecords', 'log_records'],
  what: 'log records',
};

/** SEVERITY_NUMBER_TRACE, SEVERITY_NUMBER_TRACE2, … */
const SEVERITY_NUMBERS: ReadonlyMap<string, number> = new Map(
  [
    'UNSPECIFIED',
    ...['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((level) =>
      ['', '2', '3', '4'].map((step) => level + step),
    ),
  ].map((name, number) => [`SEVERITY_NUMBER_${name}`, number]),
);

class LogsJsonDecoder extends EventsJsonDecoder<LogSignal> {
  protected record(record: JsonObject, group: SignalGroup): LogSignal {
    return {
      type: 'log',
      group,
      timeUnixNano: this.uint64Field('timeUnixNano', this.either(record.timeUnixNano, record.time_unix_nano)),
      observedTimeUnixNano: this.uint64Field(
        'observedTimeUnixNano',
        this.either(record.observedTimeUnixNano, record.observed_time_unix_nano),
      ),
      severityNumber: this.enumField(
        'severityNumber',
        this.either(record.severityNumber, record.severity_number),
        SEVERITY_NUMBERS,
      ),
      severityText: this.textField('severityText', this.either(record.severityText, record.severity_text)),
      body: this.anyValue('body', record.body, RECORD_DEPTH + 1),
      attributes: this.attributes('attributes', record.attributes, RECORD_DEPTH + 1),
      droppedAttributesCount: this.uint32Field(
        'droppedAttributesCount',
        this.either(record.droppedAttributesCount, record.dropped_attributes_count),
      ),
      flags: this.uint32Field('flags', record.flags),
      traceId: this.idField('traceId', this.either(record.traceId, record.trace_id), TRACE_ID_BYTES),
      spanId: this.idField('spanId', this.either(record.spanId, record.span_id), SPAN_ID_BYTES),
      eventName: this.textField('eventName', this.either(record.eventName, record.event_name)),
    };
  }
}
