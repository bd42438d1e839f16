/**
 * Log records and spans one by one, so that tests can put them together in other requests than they came in: read and
 * written by OTLP's schema, sharing nothing with the product's decoder.
 */
import { Random as SpellingRandom } from '../receiver/otlp/otlp-generator.ts';
import { toJson } from '../receiver/otlp/otlp-json.ts';
import { LogsRequest, type Message, TraceRequest } from '../receiver/otlp/otlp-proto.ts';
import type { OtlpAttributes, OtlpValue } from './otlp-points.ts';

export type EventSignalType = 'logs' | 'traces';

/** One log record or span with all that it came with, as messages of the schema. */
export interface LooseEvent {
  resource: Message;
  scope: Message;
  event: Message;
}

const NAMES = {
  logs: { type: LogsRequest, resources: 'resourceLogs', scopes: 'scopeLogs', events: 'logRecords' },
  traces: { type: TraceRequest, resources: 'resourceSpans', scopes: 'scopeSpans', events: 'spans' },
} as const;

/** Takes requests apart. Resources and scopes that are equal are one object. */
export class EventReader {
  readonly #shared = new Map<string, Message>();

  /** @param body inflated */
  read(signal: EventSignalType, body: Uint8Array, format: 'protobuf' | 'json'): LooseEvent[] {
    const { type, resources, scopes, events } = NAMES[signal];
    const request: Message =
      format === 'protobuf'
        ? type.decode(body)
        : type.fromObject(withBinaryIds(JSON.parse(Buffer.from(body).toString('utf8'))));
    const loose: LooseEvent[] = [];
    for (const resourceGroup of request[resources]) {
      const resource = this.#share(resourceGroup.resource ?? {});
      for (const scopeGroup of resourceGroup[scopes]) {
        const scope = this.#share(scopeGroup.scope ?? {});
        for (const event of scopeGroup[events]) loose.push({ resource, scope, event });
      }
    }
    return loose;
  }

  #share(message: Message): Message {
    const text = JSON.stringify(message);
    const known = this.#shared.get(text);
    if (known === undefined) this.#shared.set(text, message);
    return known ?? message;
  }
}

/**
 * A request with these events in this order: neighbours of one resource share it, and so do those of one scope.
 * @param spelling of JSON: which of the allowed forms names and integers take
 */
export function encodeEvents(
  signal: EventSignalType,
  loose: readonly LooseEvent[],
  format: 'protobuf' | 'json',
  spelling = 1,
): Buffer {
  const { type, resources, scopes, events } = NAMES[signal];
  const request: Message = { [resources]: [] };
  let last: LooseEvent | undefined;
  for (const one of loose) {
    if (last?.resource !== one.resource) {
      request[resources].push({ resource: one.resource, [scopes]: [] });
      last = undefined;
    }
    const inResource = request[resources].at(-1)[scopes];
    if (last?.scope !== one.scope) inResource.push({ scope: one.scope, [events]: [] });
    inResource.at(-1)[events].push(one.event);
    last = one;
  }
  return format === 'protobuf'
    ? Buffer.from(type.encode(request).finish())
    : Buffer.from(toJson(type, request, new SpellingRandom(spelling)));
}

/** A log record or span of the schema, of an object that spells 64-bit integers as text and ids as bytes. */
export function eventMessage(signal: EventSignalType, fields: object): Message {
  const { type, resources, scopes, events } = NAMES[signal];
  const request: Message = type.fromObject({ [resources]: [{ [scopes]: [{ [events]: [fields] }] }] });
  return request[resources][0][scopes][0][events][0];
}

/** OTLP/JSON spells ids in hex, where the JSON of other protobuf messages has base64. */
function withBinaryIds(value: unknown): Message {
  return JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
    ['traceId', 'spanId', 'parentSpanId'].includes(key) && typeof inner === 'string'
      ? Buffer.from(inner, 'hex').toString('base64')
      : inner,
  );
}

/** Who writes log records or spans. */
export interface OtlpEventSource {
  resource: OtlpAttributes;
  scopeName: string;
  scopeVersion: string;
}

/** A log record as tests think of it. */
export interface OtlpLog {
  type: 'log';
  source: OtlpEventSource;
  timeUnixNano: bigint;
  observedTimeUnixNano: bigint;
  severityNumber: number;
  body: OtlpValue;
  attributes: OtlpAttributes;
  eventName: string;
}

/** A span as tests think of it; ids are hex digits. */
export interface OtlpSpan {
  type: 'span';
  source: OtlpEventSource;
  traceId: string;
  spanId: string;
  name: string;
  kind: number;
  startUnixNano: bigint;
  endUnixNano: bigint;
  attributes: OtlpAttributes;
}

export type OtlpEvent = OtlpLog | OtlpSpan;

const looseSources = new WeakMap<OtlpEventSource, Pick<LooseEvent, 'resource' | 'scope'>>();

/** As messages of the schema. */
export function looseEvent(event: OtlpEvent): LooseEvent {
  const { source } = event;
  let shared = looseSources.get(source);
  if (shared === undefined) {
    const scope = { name: source.scopeName, version: source.scopeVersion };
    shared = { resource: { attributes: pairs(source.resource) }, scope };
    looseSources.set(source, shared);
  }
  const attributes = pairs(event.attributes);
  if (event.type === 'log') {
    const { timeUnixNano, observedTimeUnixNano, severityNumber, body, eventName } = event;
    return {
      ...shared,
      event: eventMessage('logs', {
        timeUnixNano: String(timeUnixNano),
        observedTimeUnixNano: String(observedTimeUnixNano),
        severityNumber,
        body: anyValue(body),
        attributes,
        eventName,
      }),
    };
  }
  const { traceId, spanId, name, kind, startUnixNano, endUnixNano } = event;
  return {
    ...shared,
    event: eventMessage('traces', {
      traceId: Buffer.from(traceId, 'hex').toString('base64'),
      spanId: Buffer.from(spanId, 'hex').toString('base64'),
      name,
      kind,
      startTimeUnixNano: String(startUnixNano),
      endTimeUnixNano: String(endUnixNano),
      attributes,
    }),
  };
}

function pairs(attributes: OtlpAttributes): object[] {
  return attributes.map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: OtlpValue): object {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') return { doubleValue: value };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { kvlistValue: { values: pairs(value.map) } };
}
