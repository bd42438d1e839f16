/**
 * Signals as OTLP JSON, each under a resource of its own, with nothing in them that says nothing: as the receiver shows
 * them in quarantine.
 */

import { createHash } from 'node:crypto';

/** A text, an integer (bigint), a double (number), a boolean; null = no value was set. */
export type Plain = string | bigint | number | boolean | null;
/** In the order in which they are written; a key may stand twice. */
export type Pairs = readonly (readonly [key: string, value: Plain])[];

export type SignalKind = 'metrics' | 'logs' | 'traces';

/** One entry of a request's list of resources: one signal, or the points of one metric. */
export type Entry = Readonly<Record<string, unknown>>;

export const SECOND = 1_000_000_000n;
/** When the signals of these tests were made: an hour ago, on a full second, so that texts are short. */
export const NOW = BigInt(Math.floor(Date.now() / 1000) - 3600) * SECOND;

/** RFC 3339 of Unix nanoseconds on a full second. */
export function timeText(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000n)).toISOString().replace('.000Z', 'Z');
}

const LISTS = {
  metrics: 'resourceMetrics',
  logs: 'resourceLogs',
  traces: 'resourceSpans',
} satisfies Record<SignalKind, string>;

export function requestOf(kind: SignalKind, entries: readonly Entry[]): Record<string, readonly Entry[]> {
  return { [LISTS[kind]]: entries };
}

export interface PointFields {
  /** A bigint is an int64, a number a double; null: none was set. */
  value?: bigint | number | null;
  /** Of histograms and summaries. */
  count?: bigint;
  sum?: number;
  start?: bigint;
  time?: bigint;
}

export interface MetricFields {
  name: string;
  unit?: string;
  kind?: 'sum' | 'gauge' | 'histogram' | 'exponentialHistogram' | 'summary';
  /** 0 unspecified, 1 delta, 2 cumulative. */
  temporality?: number;
  monotonic?: boolean;
  attributes: Pairs;
  resource?: Pairs;
}

/** One metric with one or more points of one series; a delta counter unless it says otherwise. */
export function metric(fields: MetricFields, ...points: PointFields[]): Entry {
  const { name, unit = '1', kind = 'sum', temporality = 1, monotonic = true, attributes } = fields;
  const dataPoints = points.map(({ value, count, sum, start = NOW - SECOND, time = NOW }) => ({
    attributes: keyValues(attributes),
    ...nano('startTimeUnixNano', start),
    ...nano('timeUnixNano', time),
    ...(count === undefined ? {} : { count: String(count) }),
    ...(sum === undefined ? {} : { sum }),
    ...(typeof value === 'bigint' ? { asInt: String(value) } : {}),
    ...(typeof value === 'number' ? { asDouble: double(value) } : {}),
  }));
  const hasTemporality = kind !== 'gauge' && kind !== 'summary';
  return {
    resource: { attributes: keyValues(fields.resource ?? WRITER) },
    scopeMetrics: [
      {
        scope: SCOPE,
        metrics: [
          {
            name,
            unit,
            [kind]: {
              dataPoints,
              ...(hasTemporality ? { aggregationTemporality: temporality } : {}),
              ...(kind === 'sum' ? { isMonotonic: monotonic } : {}),
            },
          },
        ],
      },
    ],
  };
}

/** A log record; `time: 0n` leaves it out. */
export function log(attributes: Pairs, { time = NOW }: { time?: bigint } = {}): Entry {
  const record = { ...nano('timeUnixNano', time), attributes: keyValues(attributes) };
  return {
    resource: { attributes: keyValues(WRITER) },
    scopeLogs: [{ scope: SCOPE, logRecords: [record] }],
  };
}

/** A span of a second; `name` also makes its ids. */
export function span(
  name: string,
  attributes: Pairs,
  { start = NOW - SECOND, end = NOW }: { start?: bigint; end?: bigint } = {},
): Entry {
  const item = {
    traceId: hex(`trace of ${name}`, 32),
    spanId: hex(`span of ${name}`, 16),
    name,
    kind: 1,
    ...nano('startTimeUnixNano', start),
    ...nano('endTimeUnixNano', end),
    attributes: keyValues(attributes),
  };
  return {
    resource: { attributes: keyValues(WRITER) },
    scopeSpans: [{ scope: SCOPE, spans: [item] }],
  };
}

/** A process that an SDK of ours would describe so, less the name of the SDK. */
export const WRITER: Pairs = [
  ['service.name', 'shop'],
  ['service.instance.id', 'shop-1'],
];
const SCOPE = { name: 'checkout' };

function keyValues(pairs: Pairs): object[] {
  return pairs.map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: Plain): object {
  if (value === null) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  return { doubleValue: double(value) };
}

function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

function nano(name: string, unixNano: bigint): object {
  return unixNano === 0n ? {} : { [name]: String(unixNano) };
}

function hex(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
