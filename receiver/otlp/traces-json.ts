/** Decodes an OTLP ExportTraceServiceRequest in JSON into the same signals as the protobuf form. */
import type { SignalGroup, SpanEvent, SpanLink, SpanSignal } from './event-signals.ts';
import { type EventListNames, EventsJsonDecoder, RECORD_DEPTH } from './events-json.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './events-protobuf.ts';
import { type JsonObject, readJson } from './json-reader.ts';
import type { SignalGroups } from './signal-groups.ts';

/**
 * The spans of a request, in its order, read as {@link readJson} says. Trace and span ids are hex; of another length
 * they are refused.
 * @throws DecodeError naming the path, TooManySignalsError
 */
export function decodeTracesJson(body: Uint8Array, groups: SignalGroups): SpanSignal[] {
  return readJson(body, (value, exact) => new TracesJsonDecoder(exact, groups, NAMES).request(value));
}

const NAMES: EventListNames = {
  resources: ['resourceSpans', 'resource_spans'],
  scopes: ['scopeSpans', 'scope_spans'],
  records: ['spans', 'spans'],
  what: 'spans',
};

const SPAN_KINDS: ReadonlyMap<string, number> = new Map(
  ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((name, number) => [
    `SPAN_KIND_${name}`,
    number,
  ]),
);

const STATUS_CODES: ReadonlyMap<string, number> = new Map(
  ['UNSET', 'OK', 'ERROR'].map((name, number) => [`STATUS_CODE_${name}`, number]),
);

/** The level of the attributes of a span's events and links. */
const PART_ATTRIBUTE_DEPTH = RECORD_DEPTH + 2;

class TracesJsonDecoder extends EventsJsonDecoder<SpanSignal> {
  protected record(span: JsonObject, group: SignalGroup): SpanSignal {
    const status = this.status(span.status);
    return {
      type: 'span',
      group,
      traceId: this.idField('traceId', this.either(span.traceId, span.trace_id), TRACE_ID_BYTES),
      spanId: this.idField('spanId', this.either(span.spanId, span.span_id), SPAN_ID_BYTES),
      parentSpanId: this.idField(
        'parentSpanId',
        this.either(span.parentSpanId, span.parent_span_id),
        SPAN_ID_BYTES,
      ),
      traceState: this.textField('traceState', this.either(span.traceState, span.trace_state)),
      flags: this.uint32Field('flags', span.flags),
      name: this.textField('name', span.name),
      kind: this.enumField('kind', span.kind, SPAN_KINDS),
      startTimeUnixNano: this.uint64Field(
        'startTimeUnixNano',
        this.either(span.startTimeUnixNano, span.start_time_unix_nano),
      ),
      endTimeUnixNano: this.uint64Field(
        'endTimeUnixNano',
        this.either(span.endTimeUnixNano, span.end_time_unix_nano),
      ),
      attributes: this.attributes('attributes', span.attributes, RECORD_DEPTH + 1),
      droppedAttributesCount: this.droppedAttributesCount(span),
      events: this.parts('events', span.events, (event) => this.event(event)),
      droppedEventsCount: this.uint32Field(
        'droppedEventsCount',
        this.either(span.droppedEventsCount, span.dropped_events_count),
      ),
      links: this.parts('links', span.links, (link) => this.link(link)),
      droppedLinksCount: this.uint32Field(
        'droppedLinksCount',
        this.either(span.droppedLinksCount, span.dropped_links_count),
      ),
      statusCode: status.code,
      statusMessage: status.message,
    };
  }

  private event(event: JsonObject): SpanEvent {
    return {
      timeUnixNano: this.uint64Field('timeUnixNano', this.either(event.timeUnixNano, event.time_unix_nano)),
      name: this.textField('name', event.name),
      attributes: this.attributes('attributes', event.attributes, PART_ATTRIBUTE_DEPTH),
      droppedAttributesCount: this.droppedAttributesCount(event),
    };
  }

  private link(link: JsonObject): SpanLink {
    return {
      traceId: this.idField('traceId', this.either(link.traceId, link.trace_id), TRACE_ID_BYTES),
      spanId: this.idField('spanId', this.either(link.spanId, link.span_id), SPAN_ID_BYTES),
      traceState: this.textField('traceState', this.either(link.traceState, link.trace_state)),
      attributes: this.attributes('attributes', link.attributes, PART_ATTRIBUTE_DEPTH),
      droppedAttributesCount: this.droppedAttributesCount(link),
      flags: this.uint32Field('flags', link.flags),
    };
  }

  private status(value: unknown): { code: number; message: string } {
    if (value === undefined || value === null) return { code: 0, message: '' };
    this.path.push('status');
    const status = this.object(value);
    const code = this.enumField('code', status.code, STATUS_CODES);
    const message = this.textField('message', status.message);
    this.path.pop();
    return { code, message };
  }

  private parts<Part>(name: string, value: unknown, read: (part: JsonObject) => Part): Part[] {
    const parts: Part[] = [];
    this.each(name, value, (item) => {
      this.countObject();
      parts.push(read(this.object(item)));
    });
    return parts;
  }

  private droppedAttributesCount(holder: JsonObject): number {
    return this.uint32Field(
      'droppedAttributesCount',
      this.either(holder.droppedAttributesCount, holder.dropped_attributes_count),
    );
  }
}
