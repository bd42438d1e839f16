/** Spans as the real OpenTelemetry exporters write them, caught from the wire. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { SignalGroups } from '../../../receiver/otlp/signal-groups.ts';
import { decodeTracesJson } from '../../../receiver/otlp/traces-json.ts';
import { decodeTracesProtobuf } from '../../../receiver/otlp/traces-protobuf.ts';
import { startBodyCapture } from './body-capture.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

test('OpenTelemetry JS writes the same spans in protobuf and in JSON', async () => {
  await using capture = await startBodyCapture();
  const url = `${capture.url}/v1/traces`;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'chat' }),
    spanProcessors: [new ProtobufExporter({ url }), new JsonExporter({ url })].map(
      (exporter) => new BatchSpanProcessor({ exporter }),
    ),
  });
  const tracer = provider.getTracer('model', '2.0.0');
  const parent = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 });
  const child = tracer.startSpan(
    'chat gpt',
    {
      kind: SpanKind.CLIENT,
      startTime: [1_700_000_000, 1],
      attributes: {
        'usage.customer.id': 'acme',
        'gen_ai.usage.input_tokens': 1234,
        'gen_ai.request.temperature': 0.2,
        'gen_ai.response.finish_reasons': ['stop'],
      },
      links: [{ context: { traceId, spanId, traceFlags: 1 }, attributes: { why: 'batch' } }],
    },
    parent,
  );
  child.addEvent('first token', { index: 0 }, [1_700_000_000, 500_000_000]);
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'überlastet' });
  child.end([1_700_000_001, 999_999_999]);
  tracer.startSpan('root', {}, ROOT_CONTEXT).end();
  await provider.forceFlush();
  await provider.shutdown();

  const groups = new SignalGroups();
  const signals = capture
    .bodies('application/x-protobuf')
    .flatMap((body) => decodeTracesProtobuf(body, groups));
  expect(
    capture.bodies('application/json').flatMap((body) => decodeTracesJson(body, new SignalGroups())),
  ).toEqual(signals);

  const text = (value: string) => ({ type: 'string', value });
  expect(signals).toEqual([
    {
      type: 'span',
      group: {
        resourceAttributes: [{ key: 'service.name', value: text('chat') }],
        scopeName: 'model',
        scopeVersion: '2.0.0',
        scopeAttributes: [],
      },
      traceId,
      spanId: child.spanContext().spanId,
      parentSpanId: spanId,
      traceState: '',
      // Trace flags (sampled), and that the parent is known to be in this process.
      flags: 0x101,
      name: 'chat gpt',
      kind: 3,
      startTimeUnixNano: 1_700_000_000_000_000_001n,
      endTimeUnixNano: 1_700_000_001_999_999_999n,
      attributes: [
        { key: 'usage.customer.id', value: text('acme') },
        { key: 'gen_ai.usage.input_tokens', value: { type: 'int', value: 1234n } },
        { key: 'gen_ai.request.temperature', value: { type: 'double', value: 0.2 } },
        { key: 'gen_ai.response.finish_reasons', value: { type: 'array', value: [text('stop')] } },
      ],
      droppedAttributesCount: 0,
      events: [
        {
          timeUnixNano: 1_700_000_000_500_000_000n,
          name: 'first token',
          attributes: [{ key: 'index', value: { type: 'int', value: 0n } }],
          droppedAttributesCount: 0,
        },
      ],
      droppedEventsCount: 0,
      links: [
        {
          traceId,
          spanId,
          traceState: '',
          attributes: [{ key: 'why', value: text('batch') }],
          droppedAttributesCount: 0,
          flags: 0x101,
        },
      ],
      droppedLinksCount: 0,
      statusCode: 2,
      statusMessage: 'überlastet',
    },
    expect.objectContaining({
      name: 'root',
      parentSpanId: '',
      kind: 1,
      statusCode: 0,
      events: [],
      links: [],
    }),
  ]);
  expect(signals[1].group).toBe(signals[0].group);
});
