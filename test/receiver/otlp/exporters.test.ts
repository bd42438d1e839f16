/** Bodies as the real OpenTelemetry exporters write them, caught from the wire. */
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { expect, test } from 'vitest';
import { ByteInterner } from '../../../receiver/otlp/attribute-interner.ts';
import { MetricColumns } from '../../../receiver/otlp/metric-columns.ts';
import { decodeMetricsJson } from '../../../receiver/otlp/metrics-json.ts';
import { decodeMetricsProtobuf } from '../../../receiver/otlp/metrics-protobuf.ts';
import { startBodyCapture } from './body-capture.ts';
import { rowsOfColumns } from './differential.ts';

const options = (url: string) => ({
  url: `${url}/v1/metrics`,
  temporalityPreference: AggregationTemporality.DELTA as never,
});

test.each<[string, (url: string) => PushMetricExporter, typeof decodeMetricsProtobuf]>([
  ['application/x-protobuf', (url) => new ProtobufExporter(options(url)), decodeMetricsProtobuf],
  ['application/json', (url) => new JsonExporter(options(url)), decodeMetricsJson],
])('OpenTelemetry JS, %s', async (mediaType, exporter, decode) => {
  await using capture = await startBodyCapture();
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', 'process.pid': 12 }),
    views: [
      {
        instrumentName: 'latency.exponential',
        aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
      },
    ],
    readers: [
      new PeriodicExportingMetricReader({ exporter: exporter(capture.url), exportIntervalMillis: 3_600_000 }),
    ],
  });
  const meter = provider.getMeter('usage', '1.2.3');
  const attributes = { 'usage.customer.id': 'Zürich', tier: 3, beta: true, ratio: 0.5, tags: ['a', 'b'] };
  const tokens = meter.createCounter('usage.tokens', { unit: '{token}', valueType: 0 });
  tokens.add(9007199254740991, attributes);
  tokens.add(1, { 'usage.customer.id': 'other' });
  meter.createCounter('usage.hours', { unit: 'h', valueType: 1 }).add(0.1, attributes);
  meter.createUpDownCounter('seats').add(-2);
  meter.createGauge('level').record(1.5);
  for (const name of ['latency', 'latency.exponential']) {
    const histogram = meter.createHistogram(name, { unit: 'ms' });
    histogram.record(1);
    histogram.record(2.5);
  }
  await provider.forceFlush();
  await provider.shutdown();

  const interner = new ByteInterner();
  const columns = new MetricColumns();
  decode(capture.bodies(mediaType)[0], interner, columns);
  const rows = rowsOfColumns(columns, interner);
  const sent = JSON.stringify([
    { key: 'usage.customer.id', value: { type: 'string', value: 'Zürich' } },
    { key: 'tier', value: { type: 'int', value: '3n' } },
    { key: 'beta', value: { type: 'bool', value: true } },
    { key: 'ratio', value: { type: 'double', value: '0x3fe0000000000000' } },
    {
      key: 'tags',
      value: {
        type: 'array',
        value: [
          { type: 'string', value: 'a' },
          { type: 'string', value: 'b' },
        ],
      },
    },
  ]);
  expect(rows).toMatchObject([
    // Instruments with a view come first.
    { name: 'latency.exponential', kind: 3, temporality: 1, count: 2n, value: 'sum 0x400c000000000000' },
    { name: 'usage.tokens', unit: '{token}', kind: 1, temporality: 1, monotonic: true, attributes: sent },
    { name: 'usage.tokens', value: 'int 1' },
    { name: 'usage.hours', unit: 'h', kind: 1, value: 'double 0x3fb999999999999a', attributes: sent },
    // A sum that is no counter stays cumulative under the delta preference.
    { name: 'seats', kind: 1, temporality: 2, monotonic: false, value: 'double 0xc000000000000000' },
    { name: 'level', kind: 0, temporality: 0, monotonic: false, value: 'double 0x3ff8000000000000' },
    { name: 'latency', kind: 2, temporality: 1, count: 2n, value: 'sum 0x400c000000000000' },
  ]);
  expect(rows[1].value).toBe('int 9007199254740991');
  for (const row of rows) {
    expect(row).toMatchObject({ scopeName: 'usage', scopeVersion: '1.2.3', flags: 0 });
    expect(row.resource).toBe(
      '[{"key":"service.name","value":{"type":"string","value":"shop"}},' +
        '{"key":"process.pid","value":{"type":"int","value":"12n"}}]',
    );
    expect(row.time).toBeGreaterThanOrEqual(row.start);
    expect(row.start).toBeGreaterThan(1_600_000_000_000_000_000n);
  }
});
