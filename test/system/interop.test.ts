/** Real exporters, and bodies as other writers make them, into a running receiver: every value arrives exactly. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ValueType } from '@opentelemetry/api';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OtlpPoint, stream } from '../support/otlp-points.ts';
import { ProtobufWriter, requestOf, toJson } from '../support/otlp-writer.ts';
import { readQuarantine, readUsage } from '../support/receiver-api.ts';
import { type ReceiverProcess, startReceiver } from '../support/receiver-process.ts';
import { RetryingClient } from '../support/retrying-client.ts';
import * as sdk2 from './sdk-2/index.ts';

const sdk3 = {
  AggregationTemporalityPreference,
  JsonExporter,
  ProtobufExporter,
  ValueType,
  defaultResource,
  resourceFromAttributes,
  MeterProvider,
  PeriodicExportingMetricReader,
};
const sdks = {
  '3.x': sdk3,
  // The same calls; only the types of the two sets do not know each other.
  '2.x': sdk2 as unknown as typeof sdk3,
};

let receiver: ReceiverProcess;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'usage-meter-interop-'));
  receiver = await startReceiver({ dataDir });
});

afterAll(async () => {
  await receiver?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** `dimension: quantity` of one customer, on any day. */
async function usageOfCustomer(customerId: string): Promise<string[]> {
  const rows = await readUsage(receiver.url, { from: '2020-01-01', to: '2100-01-01', customerId });
  return rows.map((row) => `${row.dimensionId} [${row.unit}]: ${row.quantity}`).sort();
}

type Temporality = 'delta' | 'cumulative';

describe.each(['3.x', '2.x'] as const)('OpenTelemetry JS %s', (version) => {
  test.each<['protobuf' | 'json', 'none' | 'gzip', Temporality]>([
    ['protobuf', 'none', 'delta'],
    ['protobuf', 'none', 'cumulative'],
    ['protobuf', 'gzip', 'delta'],
    ['protobuf', 'gzip', 'cumulative'],
    ['json', 'none', 'delta'],
    ['json', 'none', 'cumulative'],
    ['json', 'gzip', 'delta'],
    ['json', 'gzip', 'cumulative'],
  ])('%s, compression %s, %s', async (format, compression, temporality) => {
    const sdk = sdks[version];
    const customer = `js-${version}-${format}-${compression}-${temporality}`;
    const Exporter = format === 'protobuf' ? sdk.ProtobufExporter : sdk.JsonExporter;
    const exporter = new Exporter({
      url: `${receiver.url}/v1/metrics`,
      compression: compression as never,
      temporalityPreference:
        temporality === 'delta'
          ? sdk.AggregationTemporalityPreference.DELTA
          : sdk.AggregationTemporalityPreference.CUMULATIVE,
    });
    const provider = new sdk.MeterProvider({
      resource: sdk.defaultResource().merge(sdk.resourceFromAttributes({ 'service.name': customer })),
      // Flushed by hand: an hour never passes here.
      readers: [new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
    });
    const meter = provider.getMeter('interop', '1.0.0');
    const requests = meter.createCounter('usage.requests', { unit: '1', valueType: sdk.ValueType.INT });
    const hours = meter.createCounter('usage.hours', { unit: 'h' });
    const attributes = { 'usage.customer.id': customer, region: 'eu' };
    requests.add(5, attributes);
    hours.add(0.1, attributes);
    await provider.forceFlush();
    requests.add(Number.MAX_SAFE_INTEGER - 5, attributes);
    hours.add(0.2, { ...attributes, region: 'us' });
    await provider.forceFlush();
    // An export without anything new: cumulative readings come again.
    await provider.forceFlush();
    hours.add(12.25, { ...attributes, region: 'us' });
    await provider.shutdown();

    expect(await usageOfCustomer(customer)).toEqual(['hours [h]: 12.55', 'requests [1]: 9007199254740991']);
  });
});

/** Numbers that no JS number holds, and one that binary has no end for. */
const EXACT: [string, bigint | number, string][] = [
  //                       value                      arrives as
  ['above 2^53', 9_007_199_254_740_993n, '9007199254740993'],
  ['largest int64', 9_223_372_036_854_775_807n, '9223372036854775807'],
  ['a tenth', 0.1, '0.1'],
  ['shortest form of a double', 0.1 + 0.2, '0.3'],
  ['large double', 1e22, '10000000000000000000000'],
  ['smallest step', 1e-12, '0.000000000001'],
];

function pointOf(customer: string, value: bigint | number): OtlpPoint {
  return {
    stream: stream({ name: 'usage.exact' }),
    attributes: [['usage.customer.id', customer]],
    startUnixNano: 1_763_596_800_000_000_000n,
    timeUnixNano: 1_763_596_801_000_000_000n,
    value,
    flags: 0,
  };
}

describe('bodies of a writer that knows 64-bit integers', () => {
  const encodings = {
    protobuf: (point: OtlpPoint) => new ProtobufWriter().encode(requestOf([point])),
    'JSON, integers as strings': (point: OtlpPoint) => Buffer.from(toJson(requestOf([point]))),
    'JSON, bare integers': (point: OtlpPoint) =>
      Buffer.from(toJson(requestOf([point]), { bareIntegers: true })),
  };
  describe.each(Object.keys(encodings) as (keyof typeof encodings)[])('%s', (encoding) => {
    test.each(EXACT)('%s', async (name, value, quantity) => {
      const customer = `raw ${encoding} ${name}`;
      const client = new RetryingClient({ url: () => receiver.url });
      const contentType = encoding === 'protobuf' ? 'application/x-protobuf' : 'application/json';
      await client.send(encodings[encoding](pointOf(customer, value)), { 'content-type': contentType });
      client.close();
      expect(await usageOfCustomer(customer)).toEqual([`exact [1]: ${quantity}`]);
    });
  });
});

describe("the exporter's own serializers", () => {
  function exported(customer: string, value: unknown, valueType: ValueType): ResourceMetrics {
    return {
      resource: resourceFromAttributes({ 'service.name': customer }),
      scopeMetrics: [
        {
          scope: { name: 'interop' },
          metrics: [
            {
              descriptor: { name: 'usage.exact', description: '', unit: '1', valueType },
              aggregationTemporality: AggregationTemporality.DELTA,
              dataPointType: DataPointType.SUM,
              isMonotonic: true,
              dataPoints: [
                {
                  startTime: [1_763_596_800, 0],
                  endTime: [1_763_596_801, 0],
                  attributes: { 'usage.customer.id': customer },
                  value: value as number,
                },
              ],
            },
          ],
        },
      ],
    };
  }

  // JSON passes a text on as it is; protobuf computes with numbers, so there a power of two is the largest exact one.
  test.each<['protobuf' | 'json', string, unknown, ValueType, string]>([
    //                                      value                                    arrives as
    ['json', 'above 2^53', '9007199254740993', ValueType.INT, '9007199254740993'],
    ['json', 'largest int64', '9223372036854775807', ValueType.INT, '9223372036854775807'],
    ['json', 'a tenth', 0.1, ValueType.DOUBLE, '0.1'],
    ['protobuf', '2^62', 2 ** 62, ValueType.INT, '4611686018427387904'],
    ['protobuf', 'largest safe', Number.MAX_SAFE_INTEGER, ValueType.INT, '9007199254740991'],
    ['protobuf', 'a tenth', 0.1, ValueType.DOUBLE, '0.1'],
  ])('%s, %s', async (format, name, value, valueType, quantity) => {
    const customer = `serializer ${format} ${name}`;
    const serializer = format === 'json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    const body = serializer.serializeRequest(exported(customer, value, valueType))!;
    const client = new RetryingClient({ url: () => receiver.url });
    const contentType = format === 'json' ? 'application/json' : 'application/x-protobuf';
    await client.send(body, { 'content-type': contentType });
    client.close();
    expect(await usageOfCustomer(customer)).toEqual([`exact [1]: ${quantity}`]);
  });

  test.each([
    ['json', JsonMetricsSerializer],
    ['protobuf', ProtobufMetricsSerializer],
  ])('%s takes no bigint', (_, serializer) => {
    expect(() => serializer.serializeRequest(exported('nobody', 1n, ValueType.INT))).toThrow(TypeError);
  });
});

test('nothing of all this is in quarantine', async () => {
  expect(await readQuarantine(receiver.url)).toEqual([]);
});
