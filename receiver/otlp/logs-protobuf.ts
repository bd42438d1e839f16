/** Decodes an OTLP ExportLogsServiceRequest in protobuf. */
import type { LogSignal } from './event-signals.ts';
import { EventsDecoder, NO_GROUP, RECORD_DEPTH, SPAN_ID_BYTES, TRACE_ID_BYTES } from './events-protobuf.ts';
import { EMPTY, readAnyValue, readAttribute } from './key-values.ts';
import type { AnyValue, Attribute } from './metric-columns.ts';
import type { SignalGroups } from './signal-groups.ts';
import { NO_CONTENT } from './wire-reader.ts';

/**
 * The log records of a request, in the order of the wire.
 *
 * Holds to protobuf's rules as the decoder of metrics does: fields in any order, the last of a scalar or oneof holds,
 * embedded messages that come twice are merged, unknown fields and fields of another wire type are skipped. Every byte
 * is checked. Trace and span ids of another length than 16 and 8 bytes are taken for none.
 * @throws DecodeError, TooManySignalsError
 */
export function decodeLogsProtobuf(body: Uint8Array, groups: SignalGroups): LogSignal[] {
  return new LogsDecoder(body, groups, 'log records').request();
}

class LogsDecoder extends EventsDecoder<LogSignal> {
  // https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
  protected record(end: number): LogSignal {
    const reader = this.reader;
    let timeUnixNano = 0n;
    let observedTimeUnixNano = 0n;
    let severityNumber = 0;
    let severityText = '';
    let body: AnyValue = EMPTY;
    const attributes: Attribute[] = [];
    let droppedAttributesCount = 0;
    let flags = 0;
    let traceId = '';
    let spanId = '';
    let eventName = '';
    while (reader.at < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x09:
          timeUnixNano = this.fixed64(end);
          break;
        case 0x10:
          severityNumber = this.int32(end);
          break;
        case 0x1a:
          severityText = this.name(end);
          break;
        case 0x2a:
          body = readAnyValue(reader, reader.size(end) + reader.at, RECORD_DEPTH + 1, body);
          break;
        case 0x32:
          attributes.push(readAttribute(reader, reader.size(end) + reader.at, RECORD_DEPTH + 1));
          break;
        case 0x38:
          droppedAttributesCount = this.uint32(end);
          break;
        case 0x45:
          flags = this.fixed32(end);
          break;
        case 0x4a:
          traceId = this.id(TRACE_ID_BYTES, end);
          break;
        case 0x52:
          spanId = this.id(SPAN_ID_BYTES, end);
          break;
        case 0x59:
          observedTimeUnixNano = this.fixed64(end);
          break;
        case 0x62:
          eventName = this.name(end);
          break;
        default:
          reader.skipField(NO_CONTENT, tag, end, RECORD_DEPTH);
      }
    }
    return {
      type: 'log',
      group: NO_GROUP,
      timeUnixNano,
      observedTimeUnixNano,
      severityNumber,
      severityText,
      body,
      attributes,
      droppedAttributesCount,
      flags,
      traceId,
      spanId,
      eventName,
    };
  }
}
