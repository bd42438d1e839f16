/** Decodes an OTLP ExportTraceServiceRequest in protobuf. */
import type { SpanEvent, SpanLink, SpanSignal } from './event-signals.ts';
import { EventsDecoder, NO_GROUP, RECORD_DEPTH, SPAN_ID_BYTES, TRACE_ID_BYTES } from './events-protobuf.ts';
import { countObjects, readKeyValue } from './key-values.ts';
import type { Attribute } from './metric-columns.ts';
import type { SignalGroups } from './signal-groups.ts';
import { NO_CONTENT } from './wire-reader.ts';

/**
 * The spans of a request, in the order of the wire. Strict and lenient where {@link decodeLogsProtobuf} is.
 * @throws DecodeError, TooManySignalsError
 */
export function decodeTracesProtobuf(body: Uint8Array, groups: SignalGroups): SpanSignal[] {
  return new TracesDecoder(body, groups, 'spans').request();
}

/** The level of a span's events, links and status. */
const PART_DEPTH = RECORD_DEPTH + 1;

class TracesDecoder extends EventsDecoder<SpanSignal> {
  // What a span's status leaves for it.
  private statusCode = 0;
  private statusMessage = '';

  // https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
  protected record(end: number): SpanSignal {
    const reader = this.reader;
    let traceId = '';
    let spanId = '';
    let parentSpanId = '';
    let traceState = '';
    let flags = 0;
    let name = '';
    let kind = 0;
    let startTimeUnixNano = 0n;
    let endTimeUnixNano = 0n;
    const attributes: Attribute[] = [];
    let droppedAttributesCount = 0;
    const events: SpanEvent[] = [];
    let droppedEventsCount = 0;
    const links: SpanLink[] = [];
    let droppedLinksCount = 0;
    this.statusCode = 0;
    this.statusMessage = '';
    while (reader.at < end) {
      const tag = reader.tag(end);
      switch (tag) {
        case 0x0a:
          traceId = this.id(TRACE_ID_BYTES, end);
          break;
        case 0x12:
          spanId = this.id(SPAN_ID_BYTES, end);
          break;
        case 0x1a:
          traceState = reader.string(end);
          break;
        case 0x22:
          parentSpanId = this.id(SPAN_ID_BYTES, end);
          break;
        case 0x2a:
          name = this.name(end);
          break;
        case 0x30:
          kind = this.int32(end);
          break;
        case 0x39:
          startTimeUnixNano = this.fixed64(end);
          break;
        case 0x41:
          endTimeUnixNano = this.fixed64(end);
          break;
        case 0x4a:
          attributes.push(readKeyValue(reader, reader.size(end) + reader.at, RECORD_DEPTH + 1));
          break;
        case 0x50:
          droppedAttributesCount = this.uint32(end);
          break;
        case 0x5a:
          events.push(this.event(reader.size(end) + reader.at));
          break;
        case 0x60:
          droppedEventsCount = this.uint32(end);
          break;
        case 0x6a:
          links.push(this.link(reader.size(end) + reader.at));
          break;
        case 0x70:
          droppedLinksCount = this.uint32(end);
          break;
        case 0x7a:
          this.status(reader.size(end) + reader.at);
          break;
        case 0x85:
          flags = this.fixed32(end);
          break;
        default:
          reader.skipField(NO_CONTENT, tag, end, RECORD_DEPTH);
      }
    }
    return {
      type: 'span',
      group: NO_GROUP,
      traceId,
      spanId,
      parentSpanId,
      traceState,
      flags,
      name,
      kind,
      startTimeUnixNano,
      endTimeUnixNano,
      attributes,
      droppedAttributesCount,
      events,
      droppedEventsCount,
      links,
      droppedLinksCount,
      statusCode: this.statusCode,
      statusMessage: this.statusMessage,
    };
  }

  private event(end: number): SpanEvent {
    const reader = this.reader;
    countObjects(reader, 1);
    let timeUnixNano = 0n;
    let name = '';
    const attributes: Attribute[] = [];
    let droppedAttributesCount = 0;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x09) timeUnixNano = this.fixed64(end);
      else if (tag === 0x12) name = this.name(end);
      else if (tag === 0x1a)
        attributes.push(readKeyValue(reader, reader.size(end) + reader.at, PART_DEPTH + 1));
      else if (tag === 0x20) droppedAttributesCount = this.uint32(end);
      else reader.skipField(NO_CONTENT, tag, end, PART_DEPTH);
    }
    return { timeUnixNano, name, attributes, droppedAttributesCount };
  }

  private link(end: number): SpanLink {
    const reader = this.reader;
    countObjects(reader, 1);
    let traceId = '';
    let spanId = '';
    let traceState = '';
    const attributes: Attribute[] = [];
    let droppedAttributesCount = 0;
    let flags = 0;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x0a) traceId = this.id(TRACE_ID_BYTES, end);
      else if (tag === 0x12) spanId = this.id(SPAN_ID_BYTES, end);
      else if (tag === 0x1a) traceState = reader.string(end);
      else if (tag === 0x22)
        attributes.push(readKeyValue(reader, reader.size(end) + reader.at, PART_DEPTH + 1));
      else if (tag === 0x28) droppedAttributesCount = this.uint32(end);
      else if (tag === 0x35) flags = this.fixed32(end);
      else reader.skipField(NO_CONTENT, tag, end, PART_DEPTH);
    }
    return { traceId, spanId, traceState, attributes, droppedAttributesCount, flags };
  }

  /** A status that comes twice is one message in two parts. */
  private status(end: number): void {
    const reader = this.reader;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === 0x12) this.statusMessage = reader.string(end);
      else if (tag === 0x18) this.statusCode = this.int32(end);
      else reader.skipField(NO_CONTENT, tag, end, PART_DEPTH);
    }
  }
}
