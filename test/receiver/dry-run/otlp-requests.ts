/** OTLP/JSON requests of a few signals, for dry runs. */
import type { DryRunFrame } from '../../../receiver/dry-run/dry-run.ts';
import { FRAME_LOGS, FRAME_METRICS, FRAME_TRACES, PLAIN_JSON } from '../../../receiver/frames.ts';

/** In the past of whoever runs the tests. */
export const NOW = 1_700_000_000_000_000_000n;
export const SECOND = 1_000_000_000n;

type Value = string | number | boolean;

export function attributes(pairs: Record<string, Value>) {
  return Object.entries(pairs).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: Value) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

export interface Log {
  at: number;
  body?: string;
  eventName?: string;
  attributes: Record<string, Value>;
}

/** Times are seconds before {@link NOW}. */
export function logsRequest(logs: readonly Log[], resource: Record<string, Value> = {}) {
  return {
    resourceLogs: [
      {
        resource: { attributes: attributes(resource) },
        scopeLogs: [
          {
            scope: { name: 'app' },
            logRecords: logs.map(({ at, body, eventName, attributes: pairs }) => ({
              timeUnixNano: String(NOW - BigInt(at) * SECOND),
              ...(body === undefined ? {} : { body: { stringValue: body } }),
              ...(eventName === undefined ? {} : { eventName }),
              attributes: attributes(pairs),
            })),
          },
        ],
      },
    ],
  };
}

export interface Span {
  id: number;
  at: number;
  seconds: number;
  name: string;
  attributes: Record<string, Value>;
}

export function tracesRequest(spans: readonly Span[], resource: Record<string, Value> = {}) {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributes(resource) },
        scopeSpans: [
          {
            scope: { name: 'app' },
            spans: spans.map(({ id, at, seconds, name, attributes: pairs }) => ({
              traceId: id.toString(16).padStart(32, '0'),
              spanId: id.toString(16).padStart(16, '0'),
              name,
              startTimeUnixNano: String(NOW - BigInt(at + seconds) * SECOND),
              endTimeUnixNano: String(NOW - BigInt(at) * SECOND),
              attributes: attributes(pairs),
            })),
          },
        ],
      },
    ],
  };
}

export interface Point {
  at: number;
  /** Seconds before NOW; 0 = unknown. */
  start?: number;
  value: number;
  attributes: Record<string, Value>;
}

export function sumRequest(
  name: string,
  points: readonly Point[],
  options: { temporality?: 1 | 2; unit?: string; resource?: Record<string, Value> } = {},
) {
  const { temporality = 1, unit = '1', resource = { 'service.instance.id': 'i-1' } } = options;
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes(resource) },
        scopeMetrics: [
          {
            scope: { name: 'app' },
            metrics: [
              {
                name,
                unit,
                sum: {
                  aggregationTemporality: temporality,
                  isMonotonic: true,
                  dataPoints: points.map(({ at, start, value, attributes: pairs }) => ({
                    ...(start === undefined
                      ? {}
                      : { startTimeUnixNano: String(NOW - BigInt(start) * SECOND) }),
                    timeUnixNano: String(NOW - BigInt(at) * SECOND),
                    asInt: String(value),
                    attributes: attributes(pairs),
                  })),
                },
              },
            ],
          },
        ],
      },
    ],
  };
}

/** Requests as frames, in their order. */
export async function* framesOf(requests: readonly object[]): AsyncGenerator<DryRunFrame> {
  for (const [index, request] of requests.entries()) {
    const kind =
      'resourceLogs' in request ? FRAME_LOGS : 'resourceSpans' in request ? FRAME_TRACES : FRAME_METRICS;
    yield {
      kind,
      encoding: PLAIN_JSON,
      payload: Buffer.from(JSON.stringify(request)),
      receivedAtUnixNano: NOW,
      origin: `request ${index + 1}`,
    };
  }
}
