/** Log records as the real OpenTelemetry exporters write them, caught from the wire. */
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { expect, test } from 'vitest';
import { decodeLogsJson } from '../../../receiver/otlp/logs-json.ts';
import { decodeLogsProtobuf } from '../../../receiver/otlp/logs-protobuf.ts';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { startBodyCapture } from './body-capture.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

test('OpenTelemetry JS writes the same log records in protobuf and in JSON', async () => {
  await using capture = await startBodyCapture();
  const url = `${capture.url}/v1/logs`;
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', 'process.pid': 12 }),
    processors: [new ProtobufExporter({ url }), new JsonExporter({ url })].map(
      (exporter) => new BatchLogRecordProcessor({ exporter }),
    ),
  });
  provider.getLogger('orders', '1.2.3').emit({
    eventName: 'usage.orders',
    timestamp: [1_700_000_000, 123_456_789],
    observedTimestamp: [1_700_000_001, 0],
    severityNumber: 9,
    severityText: 'Info',
    body: { order: { id: 'o-1', lines: [1, 2.5, 'drei', null, true] }, raw: new Uint8Array([0, 255]) },
    attributes: {
      'usage.customer.id': 'Zürich',
      'usage.value': 9007199254740991,
      ratio: 0.5,
      beta: false,
      tags: ['a', 'b'],
      empty: '',
    },
    context: trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 }),
  });
  provider.getLogger('plain').emit({ body: 'something happened' });
  await provider.forceFlush();
  await provider.shutdown();

  const groups = new SignalGroups();
  const signals = capture
    .bodies('application/x-protobuf')
    .flatMap((body) => decodeLogsProtobuf(body, groups));
  expect(
    capture.bodies('application/json').flatMap((body) => decodeLogsJson(body, new SignalGroups())),
  ).toEqual(signals);

  const text = (value: string) => ({ type: 'string', value });
  const int = (value: bigint) => ({ type: 'int', value });
  expect(signals).toEqual([
    {
      type: 'log',
      group: {
        resourceAttributes: [
          { key: 'service.name', value: text('shop') },
          { key: 'process.pid', value: int(12n) },
        ],
        scopeName: 'orders',
        scopeVersion: '1.2.3',
        scopeAttributes: [],
      },
      timeUnixNano: 1_700_000_000_123_456_789n,
      observedTimeUnixNano: 1_700_000_001_000_000_000n,
      severityNumber: 9,
      severityText: 'Info',
      body: {
        type: 'map',
        value: [
          {
            key: 'order',
            value: {
              type: 'map',
              value: [
                { key: 'id', value: text('o-1') },
                {
                  key: 'lines',
                  value: {
                    type: 'array',
                    value: [
                      int(1n),
                      { type: 'double', value: 2.5 },
                      text('drei'),
                      { type: 'empty' },
                      { type: 'bool', value: true },
                    ],
                  },
                },
              ],
            },
          },
          { key: 'raw', value: { type: 'bytes', value: new Uint8Array([0, 255]) } },
        ],
      },
      attributes: [
        { key: 'usage.customer.id', value: text('Zürich') },
        { key: 'usage.value', value: int(9007199254740991n) },
        { key: 'ratio', value: { type: 'double', value: 0.5 } },
        { key: 'beta', value: { type: 'bool', value: false } },
        { key: 'tags', value: { type: 'array', value: [text('a'), text('b')] } },
        { key: 'empty', value: text('') },
      ],
      droppedAttributesCount: 0,
      flags: 1,
      traceId,
      spanId,
      eventName: 'usage.orders',
    },
    expect.objectContaining({
      group: expect.objectContaining({ scopeName: 'plain', scopeVersion: '' }),
      body: text('something happened'),
      traceId: '',
      spanId: '',
      eventName: '',
      severityNumber: 0,
    }),
  ]);
  expect(signals[0].group.resourceAttributes).toBe(signals[1].group.resourceAttributes);
});
