/** What the decoders of OTLP logs and traces in protobuf share: the way from the request to its records. */
import { BlockGatherer } from './block-gatherer.ts';
import { type EventSignal, MAX_EVENT_PARTS, MAX_EVENTS, type SignalGroup } from './event-signals.ts';
import { countObjects } from './key-values.ts';
import { TooManySignalsError } from './metric-columns.ts';
import type { SignalGroups } from './signal-groups.ts';
import { StringInterner } from './string-interner.ts';
import {
  NO_CONTENT,
  RESOURCE,
  RESOURCE_GROUP,
  SCOPE,
  SCOPE_GROUP,
  WIRE_BYTES,
  WireReader,
} from './wire-reader.ts';

// Levels of nesting below the request.
const RESOURCE_GROUP_DEPTH = 1;
const RESOURCE_DEPTH = 2;
const SCOPE_GROUP_DEPTH = 2;
const SCOPE_DEPTH = 3;
/** The level of a LogRecord or Span. */
export const RECORD_DEPTH = 3;

// Tags: field number × 8 + wire type.
const BYTES_1 = 8 + WIRE_BYTES;
const BYTES_2 = 16 + WIRE_BYTES;
const BYTES_3 = 24 + WIRE_BYTES;

/** Stands in a record until its resource and scope are read, which may come behind it. */
export const NO_GROUP: SignalGroup = Object.freeze({
  resourceAttributes: [],
  scopeName: '',
  scopeVersion: '',
  scopeAttributes: [],
});

const names = new StringInterner();

/** A scope's records: [start, end) of the signals. */
interface ScopeRecords {
  name: string;
  version: string;
  attributes: number;
  start: number;
  end: number;
}

/** Reads an Export…ServiceRequest; how a record of it looks is the subclass's business. */
export abstract class EventsDecoder<Signal extends EventSignal> {
  protected readonly reader = new WireReader();
  private readonly body: Uint8Array;
  private readonly groups: SignalGroups;
  private readonly what: string;
  private readonly signals: Signal[] = [];
  private scopes: ScopeRecords[] = [];

  /** @param what the records' name in the plural, for messages */
  constructor(body: Uint8Array, groups: SignalGroups, what: string) {
    this.body = body;
    this.groups = groups;
    this.what = what;
    this.reader.open(body);
    this.reader.objectsLeft = MAX_EVENT_PARTS;
  }

  /** Reads the record from here to `end`; its group is {@link NO_GROUP} for now. */
  protected abstract record(end: number): Signal;

  /** @throws DecodeError, TooManySignalsError */
  request(): Signal[] {
    const reader = this.reader;
    const end = this.body.length;
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) this.resourceGroup(reader.size(end) + reader.at);
      else reader.skipField(NO_CONTENT, tag, end, 0);
    }
    return this.signals;
  }

  private resourceGroup(end: number): void {
    const { reader, groups, signals } = this;
    const gatherer = new BlockGatherer();
    this.scopes = [];
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) this.resource(reader.size(end) + reader.at, gatherer);
      else if (tag === BYTES_2) this.scopeGroup(reader.size(end) + reader.at);
      else reader.skipField(RESOURCE_GROUP, tag, end, RESOURCE_GROUP_DEPTH);
    }
    // The resource may stand behind its records, and in several parts.
    const resource = gatherer.intern(groups.interner, this.body, RESOURCE_DEPTH + 1);
    if (this.scopes.length > 0) countObjects(reader, groups.objects(resource));
    for (const { name, version, attributes, start, end } of this.scopes) {
      countObjects(reader, groups.objects(attributes));
      const group = groups.group(resource, name, version, attributes);
      for (let i = start; i < end; i++) signals[i].group = group;
    }
  }

  private resource(end: number, gatherer: BlockGatherer): void {
    const reader = this.reader;
    while (reader.at < end) {
      const start = reader.at;
      const tag = reader.tag(end);
      if (tag === BYTES_1) gatherer.take(reader, tag, start, end);
      else reader.skipField(RESOURCE, tag, end, RESOURCE_DEPTH);
    }
  }

  private scopeGroup(end: number): void {
    const { reader, signals } = this;
    const gatherer = new BlockGatherer();
    const scope = { name: '', version: '', attributes: 0, start: signals.length, end: 0 };
    while (reader.at < end) {
      const tag = reader.tag(end);
      if (tag === BYTES_1) this.scope(reader.size(end) + reader.at, scope, gatherer);
      else if (tag === BYTES_2) {
        const recordEnd = reader.size(end) + reader.at;
        if (signals.length >= MAX_EVENTS) throw new TooManySignalsError(MAX_EVENTS, this.what);
        signals.push(this.record(recordEnd));
      } else reader.skipField(SCOPE_GROUP, tag, end, SCOPE_GROUP_DEPTH);
    }
    scope.attributes = gatherer.intern(this.groups.interner, this.body, SCOPE_DEPTH + 1);
    scope.end = signals.length;
    if (scope.end > scope.start) this.scopes.push(scope);
  }

  private scope(end: number, scope: ScopeRecords, gatherer: BlockGatherer): void {
    const reader = this.reader;
    while (reader.at < end) {
      const start = reader.at;
      const tag = reader.tag(end);
      if (tag === BYTES_1) scope.name = this.name(end);
      else if (tag === BYTES_2) scope.version = this.name(end);
      else if (tag === BYTES_3) gatherer.take(reader, tag, start, end);
      else reader.skipField(SCOPE, tag, end, SCOPE_DEPTH);
    }
  }

  /** A string that comes again and again. */
  protected name(end: number): string {
    const reader = this.reader;
    const nameEnd = reader.size(end) + reader.at;
    const name = names.read(this.body, reader.at, nameEnd);
    reader.at = nameEnd;
    return name;
  }

  protected fixed64(end: number): bigint {
    const reader = this.reader;
    const at = reader.at;
    reader.skip(8, end);
    return reader.view.getBigUint64(at, true);
  }

  protected fixed32(end: number): number {
    const reader = this.reader;
    const at = reader.at;
    reader.skip(4, end);
    return reader.view.getUint32(at, true);
  }

  protected uint32(end: number): number {
    this.reader.varint(end);
    return this.reader.low >>> 0;
  }

  /** An enum: 32 bits, also those that have no name. */
  protected int32(end: number): number {
    this.reader.varint(end);
    return this.reader.low;
  }

  /**
   * A trace or span id as hex. One of another length than `length`, or all zero, is invalid by the specification, and
   * an invalid id is taken for none.
   * https://opentelemetry.io/docs/specs/otel/logs/data-model/#trace-context-fields
   */
  protected id(length: number, end: number): string {
    const reader = this.reader;
    const idEnd = reader.size(end) + reader.at;
    const start = reader.at;
    reader.at = idEnd;
    if (idEnd - start !== length) return '';
    const id = reader.hex(start, idEnd);
    return id === NO_TRACE_ID || id === NO_SPAN_ID ? '' : id;
  }
}

export const TRACE_ID_BYTES = 16;
export const SPAN_ID_BYTES = 8;
const NO_TRACE_ID = '00'.repeat(TRACE_ID_BYTES);
const NO_SPAN_ID = '00'.repeat(SPAN_ID_BYTES);
