import { describe, expect, test } from 'vitest';
import { messageSlices } from '../../../receiver/explain/message-slices.ts';
import { FRAME_LOGS, FRAME_METRICS, FRAME_TRACES } from '../../../receiver/frames.ts';
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import { decodeLogsProtobuf } from '../../../receiver/otlp/logs-protobuf.ts';
import {
  KIND_EXPONENTIAL_HISTOGRAM,
  KIND_HISTOGRAM,
  KIND_SUMMARY,
  MetricColumns,
} from '../../../receiver/otlp/metric-columns.ts';
import { decodeMetricsProtobuf } from '../../../receiver/otlp/metrics-protobuf.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { decodeTracesProtobuf } from '../../../receiver/otlp/traces-protobuf.ts';
import { encode, fixed64, message, mutateTree, Random, randomRequest } from '../otlp/otlp-generator.ts';
import { big, type Message, MetricsRequest } from '../otlp/otlp-proto.ts';

const SEEDS = Array.from({ length: 60 }, (_, index) => (Date.now() % 1_000_000) + index);

/** A message of the bytes of a slice, by OTLP's schema. */
function decoded(
  type: string,
  body: Uint8Array,
  { offset, length }: { offset: number; length: number },
): Message {
  return MetricsRequest.root.lookupType(type).decode(body.subarray(offset, offset + length));
}

/** A random body, as tidy as SDKs write it or as odd as protobuf allows. */
function randomBody(seed: number, signal: 'metrics' | 'logs' | 'traces'): Uint8Array {
  const random = new Random(seed);
  const request = randomRequest(random, signal);
  if (seed % 3 === 0) mutateTree(random, request);
  return seed % 2 === 0 ? encode(request) : encode(request, random);
}

/** undefined where the body is refused. */
function taken<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

describe('each signal is the message at its place', () => {
  test('data points', () => {
    let seen = 0;
    for (const seed of SEEDS) {
      const body = randomBody(seed, 'metrics');
      const columns = new MetricColumns();
      if (taken(() => decodeMetricsProtobuf(body, new ByteInterner(), columns) ?? true) === undefined)
        continue;
      const slices = messageSlices(FRAME_METRICS, body);
      expect(slices, `seed ${seed}`).toHaveLength(columns.length);
      for (const [i, slice] of slices.entries()) {
        const { kind } = columns.metrics[columns.metric[i]];
        const point = decoded(POINTS[kind] ?? 'NumberDataPoint', body, slice);
        const time = BigInt(columns.timeUnixNano[i * 2]) | (BigInt(columns.timeUnixNano[i * 2 + 1]) << 32n);
        expect(big(point.timeUnixNano), `seed ${seed}, point ${i}`).toBe(time);
        seen += 1;
      }
    }
    expect(seen).toBeGreaterThan(100);
  });

  test('log records', () => {
    for (const seed of SEEDS) {
      const body = randomBody(seed, 'logs');
      const logs = taken(() => decodeLogsProtobuf(body, new SignalGroups()));
      if (logs === undefined) continue;
      const slices = messageSlices(FRAME_LOGS, body);
      expect(slices, `seed ${seed}`).toHaveLength(logs.length);
      for (const [i, slice] of slices.entries()) {
        const { timeUnixNano, severityText } = decoded('LogRecord', body, slice);
        expect([big(timeUnixNano), severityText], `seed ${seed}, log ${i}`).toEqual([
          logs[i].timeUnixNano,
          logs[i].severityText,
        ]);
      }
    }
  });

  test('spans', () => {
    for (const seed of SEEDS) {
      const body = randomBody(seed, 'traces');
      const spans = taken(() => decodeTracesProtobuf(body, new SignalGroups()));
      if (spans === undefined) continue;
      const slices = messageSlices(FRAME_TRACES, body);
      expect(slices, `seed ${seed}`).toHaveLength(spans.length);
      for (const [i, slice] of slices.entries()) {
        const { endTimeUnixNano, name } = decoded('Span', body, slice);
        expect([big(endTimeUnixNano), name], `seed ${seed}, span ${i}`).toEqual([
          spans[i].endTimeUnixNano,
          spans[i].name,
        ]);
      }
    }
  });

  test("another member of a metric's oneof takes the place of the first", () => {
    const point = (time: bigint) => message(1, [fixed64(3, time)]);
    const metric = message(2, [
      message(5, [point(1n), point(2n)]),
      message(7, [point(3n)]),
      message(7, [point(4n)]),
    ]);
    const body = encode([message(1, [message(2, [metric])])]);
    const times = messageSlices(FRAME_METRICS, body).map((slice) =>
      big(decoded('NumberDataPoint', body, slice).timeUnixNano),
    );
    expect(times).toEqual([3n, 4n]);
  });
});

const POINTS: Readonly<Record<number, string>> = {
  [KIND_HISTOGRAM]: 'HistogramDataPoint',
  [KIND_EXPONENTIAL_HISTOGRAM]: 'ExponentialHistogramDataPoint',
  [KIND_SUMMARY]: 'SummaryDataPoint',
};
