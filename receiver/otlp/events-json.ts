/** What the decoders of OTLP logs and traces in JSON share: the way from the request to its records. */
import { encodeAttributes } from './attribute-blocks.ts';
import { type EventSignal, MAX_EVENT_PARTS, MAX_EVENTS, type SignalGroup } from './event-signals.ts';
import {
  type JsonObject,
  JsonReader,
  RESOURCE_ATTRIBUTE_DEPTH,
  SCOPE_ATTRIBUTE_DEPTH,
} from './json-reader.ts';
import { type Attribute, TooManySignalsError } from './metric-columns.ts';
import type { SignalGroups } from './signal-groups.ts';

/** What the lists of a request are called: in lowerCamelCase and as in the .proto file. */
export interface EventListNames {
  resources: [string, string];
  scopes: [string, string];
  records: [string, string];
  /** The records in the plural, for messages. */
  what: string;
}

/** Reads an Export…ServiceRequest; how a record of it looks is the subclass's business. */
export abstract class EventsJsonDecoder<Signal extends EventSignal> extends JsonReader {
  private readonly groups: SignalGroups;
  private readonly names: EventListNames;
  private readonly signals: Signal[] = [];

  constructor(exact: boolean, groups: SignalGroups, names: EventListNames) {
    super(exact, MAX_EVENT_PARTS);
    this.groups = groups;
    this.names = names;
  }

  protected abstract record(record: JsonObject, group: SignalGroup): Signal;

  /** @throws DecodeError, TooManySignalsError */
  request(value: unknown): Signal[] {
    this.list(this.object(value), this.names.resources, (item) => this.resourceGroup(item));
    return this.signals;
  }

  private resourceGroup(value: unknown): void {
    const group = this.object(value);
    const resource = this.block(this.resourceAttributes(group), RESOURCE_ATTRIBUTE_DEPTH);
    this.textField('schemaUrl', this.either(group.schemaUrl, group.schema_url));
    this.list(group, this.names.scopes, (item) => this.scopeGroup(item, resource));
  }

  private scopeGroup(value: unknown, resource: number): void {
    const { groups, names, signals } = this;
    const holder = this.object(value);
    const { name, version, attributes } = this.scope(holder);
    const scope = this.block(attributes, SCOPE_ATTRIBUTE_DEPTH);
    this.textField('schemaUrl', this.either(holder.schemaUrl, holder.schema_url));
    let group: SignalGroup | undefined;
    this.list(holder, names.records, (item) => {
      if (signals.length >= MAX_EVENTS) throw new TooManySignalsError(MAX_EVENTS, names.what);
      group ??= groups.group(resource, name, version, scope);
      signals.push(this.record(this.object(item), group));
    });
  }

  private list(holder: JsonObject, [name, inProto]: [string, string], visit: (item: unknown) => void): void {
    // `spans` is spelled the same in both.
    this.each(name, name === inProto ? holder[name] : this.either(holder[name], holder[inProto]), visit);
  }

  private block(attributes: Attribute[], depth: number): number {
    const bytes = encodeAttributes(attributes);
    return this.groups.interner.intern(bytes, 0, bytes.length, depth);
  }
}

/** The level of a LogRecord or Span, as in protobuf. */
export const RECORD_DEPTH = 3;
