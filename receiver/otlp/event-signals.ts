/**
 * The decoded form of OTLP log and trace requests: an object per record, since each has an id, a time and attributes
 * of its own. Times and ids are as they came; 64-bit times are bigints.
 */
import type { AnyValue, Attribute } from './metric-columns.ts';

/** Log records or spans of one request. More become a 413. */
export const MAX_EVENTS = 1 << 17;

/**
 * Attributes, items of arrays, events and links of spans in one request. More become a 413: each can be two bytes, and
 * is an object of about fifty.
 */
export const MAX_EVENT_PARTS = 1 << 21;

/**
 * What the records of one resource and scope share. A decoder gives the same object for the same bytes while its cache
 * holds them, so that what follows from a group alone can be kept with it (in a WeakMap).
 */
export interface SignalGroup {
  resourceAttributes: Attribute[];
  scopeName: string;
  scopeVersion: string;
  scopeAttributes: Attribute[];
}

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/ */
export interface LogSignal {
  type: 'log';
  group: SignalGroup;
  /** Unix nanoseconds; 0n = unknown. */
  timeUnixNano: bigint;
  observedTimeUnixNano: bigint;
  /** 1–24; 0 = unspecified; others as sent. */
  severityNumber: number;
  severityText: string;
  body: AnyValue;
  attributes: Attribute[];
  droppedAttributesCount: number;
  flags: number;
  /** 32 hex digits in lower case; empty where absent or all zero. */
  traceId: string;
  /** 16 hex digits in lower case; empty where absent or all zero. */
  spanId: string;
  eventName: string;
}

/** https://opentelemetry.io/docs/specs/otel/trace/api/#span */
export interface SpanSignal {
  type: 'span';
  group: SignalGroup;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  flags: number;
  name: string;
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer; others as sent. */
  kind: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: Attribute[];
  droppedAttributesCount: number;
  events: SpanEvent[];
  droppedEventsCount: number;
  links: SpanLink[];
  droppedLinksCount: number;
  /** 0 unset, 1 ok, 2 error; others as sent. */
  statusCode: number;
  statusMessage: string;
}

export interface SpanEvent {
  timeUnixNano: bigint;
  name: string;
  attributes: Attribute[];
  droppedAttributesCount: number;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: Attribute[];
  droppedAttributesCount: number;
  flags: number;
}

export type EventSignal = LogSignal | SpanSignal;
