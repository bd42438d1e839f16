/**
 * Calls to models as OpenTelemetry's GenAI conventions describe them, written by the real trace SDK, are billed as tokens
 * per customer and model by one line of configuration.
 * https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Attributes, context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CapturedRequest, startCaptureProxy } from '../support/capture-proxy.ts';
import { type PreparedRequest, sendInterrupted } from '../support/interrupted-sending.ts';
import { EventReader, encodeEvents, eventMessage, type LooseEvent } from '../support/otlp-events.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { readQuarantine, readUsage } from '../support/receiver-api.ts';
import { type ReceiverProcess, startReceiver } from '../support/receiver-process.ts';

/** The whole configuration: no rule, no dimension, no customer. */
const CONFIGURATION = 'packs: [gen_ai]\n';
const RANGE = { from: '2026-03-01', to: '2026-04-01' };
const FIRST_SECOND = 1_772_323_200;

/** One call to a model: what it says, and what it comes to. null: it is no usage. */
interface Call {
  name: string;
  kind: SpanKind;
  attributes: Attributes;
  billed: { customer: string; model: string | null; input: number | null; output: number | null } | null;
}

const chat = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4o',
  'gen_ai.response.model': 'gpt-4o-2024-08-06',
  'gen_ai.response.id': 'chatcmpl-123',
  'gen_ai.response.finish_reasons': ['stop'],
  'gen_ai.request.temperature': 0.2,
  'gen_ai.request.max_tokens': 200,
  'server.address': 'api.openai.com',
  'server.port': 443,
};
const tokens = (input: number, output: number) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
});
const CLIENT = SpanKind.CLIENT;
const billed = (
  customer: string,
  input: number | null,
  output: number | null,
  model: string | null = 'gpt-4o',
) => ({
  customer,
  model,
  input,
  output,
});

const CALLS: Call[] = [
  {
    name: 'chat gpt-4o',
    kind: CLIENT,
    attributes: { ...chat, ...tokens(97, 52), 'customer.id': 'acme' },
    billed: billed('acme', 97, 52),
  },
  {
    // Tokens read from a cache are among the input tokens, reasoning is among the output tokens.
    name: 'chat gpt-4o',
    kind: CLIENT,
    attributes: {
      ...chat,
      ...tokens(4000, 900),
      'gen_ai.usage.cache_read.input_tokens': 3500,
      'gen_ai.usage.reasoning.output_tokens': 800,
      'tenant.id': 'acme',
    },
    billed: billed('acme', 4000, 900),
  },
  {
    name: 'chat claude-sonnet',
    kind: CLIENT,
    attributes: {
      ...chat,
      ...tokens(10, 20),
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'claude-sonnet',
      'usage.customer.id': 'globex',
      'tenant.id': 'not asked',
    },
    billed: billed('globex', 10, 20, 'claude-sonnet'),
  },
  {
    name: 'embeddings text-embedding-3',
    kind: CLIENT,
    attributes: {
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'text-embedding-3',
      'gen_ai.usage.input_tokens': 2048,
      'tenant.id': 4711,
    },
    billed: billed('4711', 2048, null, 'text-embedding-3'),
  },
  {
    // A model in the same process, by an instrumentation of before 1.27.
    name: 'text_completion llama',
    kind: SpanKind.INTERNAL,
    attributes: {
      'gen_ai.operation.name': 'text_completion',
      'gen_ai.system': 'llama',
      'gen_ai.request.model': 'llama-3',
      'gen_ai.usage.prompt_tokens': 5,
      'gen_ai.usage.completion_tokens': 6,
      'customer.id': 'globex',
    },
    billed: billed('globex', 5, 6, 'llama-3'),
  },
  {
    // Nobody on the span: the service's own customer, on the resource.
    name: 'chat',
    kind: CLIENT,
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', ...tokens(1, 0) },
    billed: billed('in-house', 1, 0, null),
  },
  {
    name: 'invoke_agent Travel',
    kind: SpanKind.INTERNAL,
    attributes: { 'gen_ai.operation.name': 'invoke_agent', ...tokens(4097, 952), 'tenant.id': 'acme' },
    billed: null,
  },
  {
    name: 'execute_tool weather',
    kind: SpanKind.INTERNAL,
    attributes: {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'weather',
      'tenant.id': 'acme',
    },
    billed: null,
  },
  {
    name: 'POST',
    kind: CLIENT,
    attributes: {
      'http.request.method': 'POST',
      'url.full': 'https://api.openai.com/v1/chat',
      'tenant.id': 'acme',
    },
    billed: null,
  },
  {
    name: 'chat gpt-4o',
    kind: SpanKind.SERVER,
    attributes: { ...chat, ...tokens(97, 52), 'customer.id': 'acme' },
    billed: null,
  },
  {
    // It failed before the model said anything of tokens.
    name: 'chat gpt-4o',
    kind: CLIENT,
    attributes: { ...chat, 'customer.id': 'acme', 'error.type': 'timeout' },
    billed: null,
  },
];

/** customer / dimension / model → tokens, of `rounds` times all calls. */
function expectedUsage(rounds: number): string[] {
  const sums = new Map<string, bigint>();
  for (const call of CALLS) {
    if (call.billed === null) continue;
    const { customer, model, input, output } = call.billed;
    for (const [dimension, count] of [
      ['gen_ai.input_tokens', input],
      ['gen_ai.output_tokens', output],
    ] as const) {
      if (count === null) continue;
      const key = `${customer} / ${dimension} / ${model}`;
      sums.set(key, (sums.get(key) ?? 0n) + BigInt(count) * BigInt(rounds));
    }
  }
  return [...sums].map(([key, sum]) => `${key}: ${sum} {token}`).sort();
}

const ROUNDS = 12;
const directory = mkdtempSync(join(tmpdir(), 'usage-meter-gen-ai-'));
const configuration = join(directory, 'usage-meter.yaml');
const started = { args: ['--config', configuration] };
const random = new Random(seedFromEnvironment(Date.now() % 1_000_000));
let receiver: ReceiverProcess;
let captured: CapturedRequest[];
let loose: LooseEvent[];

/** Each call is a span within one of the app's own, exported four times over: in JSON and protobuf, gzip and not. */
async function exportCalls(url: string): Promise<void> {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'assistant', 'tenant.id': 'in-house' }),
    spanProcessors: [CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP]
      .flatMap((compression) => [
        new JsonExporter({ url, compression }),
        new ProtobufExporter({ url, compression }),
      ])
      .map((exporter) => new BatchSpanProcessor({ exporter, maxExportBatchSize: 50 })),
  });
  const tracer = provider.getTracer('instrumentation-openai', '0.9.0');
  for (let round = 0; round < ROUNDS; round++) {
    const parent = tracer.startSpan('answer', { startTime: [FIRST_SECOND + round, 0] }, ROOT_CONTEXT);
    for (const [index, { name, kind, attributes }] of CALLS.entries()) {
      const span = tracer.startSpan(
        name,
        { kind, startTime: [FIRST_SECOND + round, index * 1000], attributes },
        trace.setSpan(context.active(), parent),
      );
      if ('error.type' in attributes) span.setStatus({ code: SpanStatusCode.ERROR, message: 'timeout' });
      span.end([FIRST_SECOND + round, 500_000_000 + index]);
    }
    parent.end([FIRST_SECOND + round, 999_999_999]);
  }
  await provider.forceFlush();
  await provider.shutdown();
}

async function usagePerModel(): Promise<string[]> {
  const groupBy = 'customerId,dimensionId,metadata.gen_ai.request.model';
  const rows = await readUsage(receiver.url, { ...RANGE, groupBy });
  return rows
    .map((row) => {
      const { metadata } = row as typeof row & { metadata: Record<string, string | null> };
      return `${row.customerId} / ${row.dimensionId} / ${metadata['gen_ai.request.model']}: ${row.quantity} ${row.unit}`;
    })
    .sort();
}

const quarantine = async () =>
  (await readQuarantine(receiver.url))
    .map(({ reason, meterId, customerId, signals }) => `${reason} ${meterId} ${customerId} ${signals}`)
    .sort();

function requestWith(events: readonly LooseEvent[]): PreparedRequest {
  const format = random.pick(['protobuf', 'json'] as const);
  const headers = { 'content-type': format === 'json' ? 'application/json' : 'application/x-protobuf' };
  const body = encodeEvents('traces', events, format, random.integer(1, 1e6));
  return random.chance(0.5)
    ? { path: '/v1/traces', headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(body) }
    : { path: '/v1/traces', headers, body };
}

async function sendAgain(requests: readonly PreparedRequest[], interruptions: number[]): Promise<void> {
  const outcome = await sendInterrupted(receiver, requests, new Set(interruptions), random, started);
  receiver = outcome.receiver;
}

beforeAll(async () => {
  writeFileSync(configuration, CONFIGURATION);
  receiver = await startReceiver({ dataDir: join(directory, 'data'), ...started });
  await using proxy = await startCaptureProxy(() => receiver.url);
  await exportCalls(`${proxy.url}/v1/traces`);
  captured = proxy.requests;
  const reader = new EventReader();
  loose = captured.flatMap(({ body, mediaType }) =>
    reader.read('traces', body, mediaType === 'application/json' ? 'json' : 'protobuf'),
  );
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(directory, { recursive: true });
});

test('tokens are billed per customer and model with no rule written by hand', async () => {
  expect(captured.every(({ status }) => status === 200)).toBe(true);
  expect(loose).toHaveLength(4 * ROUNDS * (CALLS.length + 1));
  expect(await usagePerModel()).toEqual(expectedUsage(ROUNDS));
  expect(await quarantine()).toEqual([]);
});

test('the record of a call says when, by whom and what', async () => {
  const query = new URLSearchParams({
    ...RANGE,
    customerId: '4711',
    dimensionId: 'gen_ai.input_tokens',
    limit: '1',
  });
  const response = await fetch(`${receiver.url}/api/v1/records?${query}`);
  const { rows } = (await response.json()) as { rows: object[] };
  expect(rows[0]).toMatchObject({
    recordValue: '2048',
    unit: '{token}',
    startTime: '2026-03-01T00:00:00.000003Z',
    timestamp: '2026-03-01T00:00:00.500000003Z',
    meterId: 'gen_ai.input_tokens',
    metadata: {
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'text-embedding-3',
    },
  });
});

test('sent again as they were and in other requests, between kills, they count once', async () => {
  const same = captured.map(
    ({ mediaType, isGzip, raw }): PreparedRequest => ({
      path: '/v1/traces',
      headers: { 'content-type': mediaType, ...(isGzip && { 'content-encoding': 'gzip' }) },
      body: raw,
    }),
  );
  const shuffled = random.shuffled(loose);
  const regrouped: PreparedRequest[] = [];
  while (shuffled.length > 0) regrouped.push(requestWith(shuffled.splice(0, random.integer(1, 60))));
  const requests = random.shuffled([...same, ...regrouped]);
  await sendAgain(requests, [Math.floor(requests.length / 3), Math.floor((requests.length * 2) / 3)]);
  expect(await usagePerModel()).toEqual(expectedUsage(ROUNDS));
  expect(await quarantine()).toEqual([]);
});

test('the same span with other tokens is a conflict of that meter alone, and one without a customer is kept', async () => {
  const call = loose.find(({ event }) => event.name === 'chat claude-sonnet')!;
  const attributes = (event: { attributes: { key: string }[] }, changes: object) =>
    event.attributes
      .filter(({ key }) => !(key in changes))
      .concat(Object.entries(changes).map(([key, value]) => ({ key, value })));
  const changed = (changes: object, fields: object = {}): LooseEvent => {
    const event = call.event.toJSON();
    return {
      ...call,
      event: eventMessage('traces', { ...event, ...fields, attributes: attributes(event, changes) }),
    };
  };
  const withoutCustomer: LooseEvent = {
    ...changed(
      { 'usage.customer.id': { stringValue: '' }, 'tenant.id': { stringValue: '' } },
      {
        spanId: Buffer.from('0102030405060708', 'hex').toString('base64'),
      },
    ),
    resource: {},
  };
  const conflicting = changed({ 'gen_ai.usage.output_tokens': { intValue: '21' } });
  for (const events of [[conflicting], [conflicting, withoutCustomer]]) {
    await sendAgain([requestWith(events)], []);
    expect(await usagePerModel()).toEqual(expectedUsage(ROUNDS));
  }
  expect(await quarantine()).toEqual([
    'event_conflict gen_ai.output_tokens globex 1',
    'missing_customer gen_ai.input_tokens null 1',
    'missing_customer gen_ai.output_tokens null 1',
  ]);
});
