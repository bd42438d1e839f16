/** Signals for tests of rules, written briefly: attributes as plain values. */
import type { SeriesView } from '../../../../receiver/metering/claims.ts';
import type { LogSignal, SignalGroup, SpanSignal } from '../../../../receiver/otlp/event-signals.ts';
import { type AnyValue, type Attribute, KIND_SUM } from '../../../../receiver/otlp/metric-columns.ts';

export type Plain =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | Plain[]
  | { [key: string]: Plain };

/** Whole numbers become integers, others doubles; `null` a value that was never set. */
export function anyValue(plain: Plain): AnyValue {
  if (plain === null) return { type: 'empty' };
  if (plain instanceof Uint8Array) return { type: 'bytes', value: plain };
  if (Array.isArray(plain)) return { type: 'array', value: plain.map(anyValue) };
  switch (typeof plain) {
    case 'string':
      return { type: 'string', value: plain };
    case 'boolean':
      return { type: 'bool', value: plain };
    case 'bigint':
      return { type: 'int', value: plain };
    case 'number':
      return Number.isSafeInteger(plain)
        ? { type: 'int', value: BigInt(plain) }
        : { type: 'double', value: plain };
    default:
      return { type: 'map', value: attributes(plain) };
  }
}

export function attributes(plain: { [key: string]: Plain }): Attribute[] {
  return Object.entries(plain).map(([key, value]) => ({ key, value: anyValue(value) }));
}

export function group(resource: { [key: string]: Plain } = {}, scopeName = 'app'): SignalGroup {
  return {
    resourceAttributes: attributes(resource),
    scopeName,
    scopeVersion: '1.2',
    scopeAttributes: attributes({ team: 'search' }),
  };
}

export function log(changes: Partial<Omit<LogSignal, 'type'>> = {}): LogSignal {
  return {
    type: 'log',
    group: group(),
    timeUnixNano: 1_700_000_000_000_000_001n,
    observedTimeUnixNano: 1_700_000_000_000_000_002n,
    severityNumber: 9,
    severityText: 'INFO',
    body: { type: 'empty' },
    attributes: [],
    droppedAttributesCount: 0,
    flags: 0,
    traceId: '',
    spanId: '',
    eventName: '',
    ...changes,
  };
}

export function span(changes: Partial<Omit<SpanSignal, 'type'>> = {}): SpanSignal {
  return {
    type: 'span',
    group: group(),
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: 'GET /items',
    kind: 2,
    startTimeUnixNano: 1_700_000_000_000_000_000n,
    endTimeUnixNano: 1_700_000_001_500_000_001n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    statusCode: 1,
    statusMessage: '',
    ...changes,
  };
}

export function series(changes: Partial<SeriesView> = {}): SeriesView {
  return {
    group: group(),
    metricName: 'http.requests',
    unit: '{request}',
    kind: KIND_SUM,
    temporality: 1,
    monotonic: true,
    attributes: [],
    ...changes,
  };
}
