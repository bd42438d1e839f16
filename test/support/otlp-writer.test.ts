/** The writer against the serializers of a real exporter: the same bytes, the same JSON. */
import { ValueType } from '@opentelemetry/api';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, DataPointType, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { CUMULATIVE, DELTA, type OtlpPoint, type OtlpStream, type OtlpValue } from './otlp-points.ts';
import { ProtobufWriter, requestOf, toJson } from './otlp-writer.ts';

const START: [number, number] = [1_700_000_000, 5];
const TIME: [number, number] = [1_700_000_001, 999_999_999];
const ATTRIBUTES = { 'usage.customer.id': 'acmé', ok: true, retries: 3, ratio: 0.5, list: ['a', 'b'] };

/** The same two points for the exporter and for the writer. */
function pair(valueType: ValueType, temporality: number, monotonic: boolean, values: number[]) {
  const exported: ResourceMetrics = {
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    scopeMetrics: [
      {
        scope: { name: 'usage', version: '1.2.3' },
        metrics: [
          {
            descriptor: { name: 'usage.tokens', description: '', unit: '{token}', valueType },
            aggregationTemporality:
              temporality === DELTA ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
            dataPointType: DataPointType.SUM,
            isMonotonic: monotonic,
            dataPoints: values.map((value) => ({
              startTime: START,
              endTime: TIME,
              attributes: ATTRIBUTES,
              value,
            })),
          },
        ],
      },
    ],
  };
  const stream: OtlpStream = {
    resource: [['service.name', 'shop']],
    scopeName: 'usage',
    scopeVersion: '1.2.3',
    scopeAttributes: [],
    name: 'usage.tokens',
    unit: '{token}',
    kind: 'sum',
    temporality,
    monotonic,
  };
  // The exporter writes integral attribute values as ints.
  const attributes = Object.entries(ATTRIBUTES).map(([key, value]): [string, OtlpValue] => [
    key,
    value === 3 ? 3n : value,
  ]);
  const points = values.map(
    (value): OtlpPoint => ({
      stream,
      attributes,
      startUnixNano: BigInt(START[0]) * 1_000_000_000n + BigInt(START[1]),
      timeUnixNano: BigInt(TIME[0]) * 1_000_000_000n + BigInt(TIME[1]),
      value: valueType === ValueType.INT ? BigInt(value) : value,
      flags: 0,
    }),
  );
  return { exported, written: requestOf(points) };
}

describe.each<[string, ValueType, number, boolean, number[]]>([
  //                                                                    values
  ['delta of integers', ValueType.INT, DELTA, true, [1, Number.MAX_SAFE_INTEGER]],
  ['delta of doubles', ValueType.DOUBLE, DELTA, true, [0.1, 1e25]],
  ['cumulative', ValueType.INT, CUMULATIVE, true, [0, 300]],
  ['up and down', ValueType.INT, CUMULATIVE, false, [-1, -(2 ** 40)]],
])('%s', (_, valueType, temporality, monotonic, values) => {
  const { exported, written } = pair(valueType, temporality, monotonic, values);

  test('protobuf', () => {
    const theirs = ProtobufMetricsSerializer.serializeRequest(exported)!;
    expect(canonical(Buffer.from(theirs))).toEqual(canonical(new ProtobufWriter().encode(written)));
  });

  test('JSON', () => {
    const theirs = JSON.parse(new TextDecoder().decode(JsonMetricsSerializer.serializeRequest(exported)));
    // JSON.parse would round long integers.
    const ours = JSON.parse(toJson(written, { bareIntegers: true }).replace(/:(-?\d{16,})/g, ':"$1"'));
    expect(withoutNoise(ours)).toEqual(withoutNoise(theirs));
  });
});

test('integers beyond 2^53 keep every digit in JSON, as strings and bare', () => {
  const { written } = pair(ValueType.INT, DELTA, true, [1]);
  written.resources[0].scopes[0].metrics[0].points[0].value = 9_223_372_036_854_775_807n;
  expect(toJson(written)).toContain('"asInt":"9223372036854775807"');
  expect(toJson(written, { bareIntegers: true })).toContain('"asInt":9223372036854775807');
});

test('a writer grows with its request and can be used again', () => {
  const { written } = pair(
    ValueType.INT,
    DELTA,
    true,
    Array.from({ length: 5000 }, (_, index) => index),
  );
  const writer = new ProtobufWriter();
  const first = writer.encode(written);
  expect(writer.encode(written).equals(first)).toBe(true);
  expect(first.length).toBeGreaterThan(1 << 18);
});

/**
 * A message as fields by number, nested where its bytes parse as a message: the exporter pads lengths, writes empty
 * strings and zeros, and may order fields in its own way, all of which mean the same.
 */
function canonical(bytes: Buffer): unknown {
  const fields: [number, unknown][] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (at >= bytes.length) throw new Error('cut');
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    if (tag >>> 3 === 0) throw new Error('no field');
    if (wireType === 0) {
      const value = varint();
      if (value !== 0n) fields.push([tag >>> 3, value]);
    } else if (wireType === 1) {
      if (at + 8 > bytes.length) throw new Error('cut');
      fields.push([tag >>> 3, bytes.subarray(at, at + 8).toString('hex')]);
      at += 8;
    } else if (wireType === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error('cut');
      const content = bytes.subarray(at, at + length);
      at += length;
      if (length > 0) fields.push([tag >>> 3, nested(content)]);
    } else throw new Error('no such wire type');
  }
  return fields.sort(([a], [b]) => a - b);
}

function nested(content: Buffer): unknown {
  try {
    return canonical(content);
  } catch {
    return content.toString('utf8');
  }
}

/** Fields that only one of the two writes and that say nothing. */
function withoutNoise(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNoise);
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? String(value) : value;
  const kept = Object.entries(value).filter(
    ([key, item]) =>
      !['description', 'droppedAttributesCount', 'schemaUrl'].includes(key) &&
      !(Array.isArray(item) && item.length === 0),
  );
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutNoise(item)]));
}
