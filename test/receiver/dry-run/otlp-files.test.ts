import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dryRun } from '../../../receiver/dry-run/dry-run.ts';
import { type OtlpFileOptions, otlpFileFrames, otlpFiles } from '../../../receiver/dry-run/otlp-files.ts';
import { FRAME_LOGS, FRAME_METRICS, FRAME_TRACES } from '../../../receiver/frames.ts';
import { BODY_LIMIT_BYTES } from '../../../receiver/inflate.ts';
import { parseMeterRule } from '../../../receiver/metering/rules/index.ts';
import { DEFAULT_SETTINGS } from '../../../storage/changes.ts';
import { startBodyCapture } from '../otlp/body-capture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'otlp-files-test-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function write(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

/** Kind and payload, or the problem, of each, by its place below the folder. */
async function read(file: string, options: Partial<OtlpFileOptions> = {}) {
  const found: [origin: string, kind: number | string, payload: string][] = [];
  for await (const frame of otlpFileFrames([file], { receivedAtUnixNano: 1n, ...options })) {
    const origin = frame.origin.slice(folder.length + 1);
    if ('problem' in frame) found.push([origin, frame.problem, '']);
    else
      found.push([
        origin,
        frame.kind,
        Buffer.from(frame.payload).toString(frame.encoding.format === 'json' ? 'utf8' : 'hex'),
      ]);
  }
  return found;
}

/** As the Collector's file exporter writes messages: their lengths before them. */
function withLengths(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(message.length);
      return [length, message];
    }),
  );
}

/** What the exporters of OpenTelemetry JS send for three log records, two spans and a counter. */
async function capturedBodies(): Promise<{ json: Uint8Array[]; protobuf: Uint8Array[] }> {
  await using capture = await startBodyCapture();
  const { url } = capture;
  const resource = resourceFromAttributes({ 'service.name': 'shop', 'service.instance.id': 'i-1' });
  const logs = new LoggerProvider({
    resource,
    processors: [new ProtobufLogs({ url: `${url}/v1/logs` }), new JsonLogs({ url: `${url}/v1/logs` })].map(
      (exporter) => new BatchLogRecordProcessor({ exporter }),
    ),
  });
  const logger = logs.getLogger('orders');
  for (const [account, amount] of [
    ['acme', 2],
    ['zürich', 0.1],
    ['acme', 40],
  ])
    logger.emit({ body: 'order placed', attributes: { account, amount } });
  const traces = new TracerProvider({
    resource,
    spanProcessors: [
      new ProtobufTraces({ url: `${url}/v1/traces` }),
      new JsonTraces({ url: `${url}/v1/traces` }),
    ].map((exporter) => new BatchSpanProcessor({ exporter })),
  });
  for (const account of ['acme', 'globex'])
    traces
      .getTracer('orders')
      .startSpan('render', { attributes: { account, amount: 1000 } })
      .end();
  const metrics = new MeterProvider({
    resource,
    readers: [
      new ProtobufMetrics({ url: `${url}/v1/metrics` }),
      new JsonMetrics({ url: `${url}/v1/metrics` }),
    ].map((exporter) => new PeriodicExportingMetricReader({ exporter })),
  });
  metrics.getMeter('orders').createCounter('orders.placed').add(7, { account: 'acme' });
  for (const provider of [logs, traces, metrics]) {
    await provider.forceFlush();
    await provider.shutdown();
  }
  return {
    json: capture.bodies('application/json'),
    protobuf: capture.bodies('application/x-protobuf'),
  };
}

describe('what real exporters sent', () => {
  let bodies: Awaited<ReturnType<typeof capturedBodies>>;
  beforeAll(async () => {
    bodies = await capturedBodies();
  });

  test('counts once, in whatever form it was captured', async () => {
    const { json, protobuf } = bodies;
    const lines = Buffer.from(`${json.map((body) => Buffer.from(body).toString('utf8')).join('\n')}\n`);
    await write('capture/lines.jsonl', lines);
    await write('capture/lines.json.gz', gzipSync(lines));
    await write('capture/messages.pb', withLengths(protobuf));
    await write('capture/compressed.json', withLengths(json.map((body) => zstdCompressSync(body))));
    await write('capture/compressed.binpb.zst', zstdCompressSync(withLengths(protobuf)));
    for (const [index, body] of protobuf.entries()) await write(`capture/single/${index}.binpb`, body);
    for (const [index, body] of json.entries()) {
      const indented = JSON.stringify(JSON.parse(Buffer.from(body).toString('utf8')), null, 2);
      await write(`capture/single/${index}.json`, indented);
    }
    await write('capture/notes.md', 'no telemetry');

    const files = await otlpFiles([join(folder, 'capture')]);
    expect(files).toHaveLength(5 + json.length + protobuf.length);
    const report = await dryRun({
      rule: parseMeterRule({
        id: 'orders',
        signals: ['logs', 'spans'],
        match: { any: [{ path: 'attributes["amount"]', exists: true }] },
        customer: 'attributes["account"]',
        dimension: 'orders',
        value: { path: 'attributes["amount"]' },
      }),
      registry: {
        customers: [],
        aliases: [],
        dimensions: [],
        instruments: [],
        meters: [],
        settings: DEFAULT_SETTINGS,
      },
      frames: otlpFileFrames(files, { receivedAtUnixNano: BigInt(Date.now()) * 1_000_000n }),
    });
    // Seven forms. The two exporters of one signal send the same; spans and log records are 3 + 2.
    expect(report).toMatchObject({
      matched: 7 * 5,
      duplicates: 6 * 5,
      unreadable: { requests: 0 },
      quarantined: [],
    });
    expect(report.customers.map(({ customerId, quantity }) => [customerId, quantity])).toEqual([
      ['acme', '1042'],
      ['globex', '1000'],
      ['zürich', '0.1'],
    ]);
  });

  test('protobuf says of which signal it is', async () => {
    const file = await write('kinds.binpb', withLengths(bodies.protobuf));
    const kinds = new Set((await read(file)).map(([, kind]) => kind));
    expect(kinds).toEqual(new Set([FRAME_METRICS, FRAME_LOGS, FRAME_TRACES]));
  });
});

const LOGS = '{"resourceLogs":[]}';

describe('files by their content', () => {
  test.each<[name: string, content: string | Uint8Array, found: [string, number | string][]]>([
    ['empty.json', '', []],
    ['one.json', LOGS, [['one.json:1', FRAME_LOGS]]],
    ['no-ending', LOGS, [['no-ending:1', FRAME_LOGS]]],
    ['indented.json', '{\n  "resourceSpans": [\n  ]\n}\n', [['indented.json', FRAME_TRACES]]],
    [
      'lines.jsonl',
      `${LOGS}\n{"resourceMetrics":[]}\n\n  {"resource_spans": []}\r\n`,
      [
        ['lines.jsonl:1', FRAME_LOGS],
        ['lines.jsonl:2', FRAME_METRICS],
        ['lines.jsonl:4', FRAME_TRACES],
      ],
    ],
    ['mark.jsonl', `\ufeff${LOGS}`, [['mark.jsonl:1', FRAME_LOGS]]],
    ['other-first.json', '{"x":1,"resourceLogs":[]}', [['other-first.json:1', FRAME_LOGS]]],
    [
      'bad-lines.jsonl',
      `{"resourceLogs":\n${LOGS}\n[]\n{"a":1}\n7\n${LOGS}`,
      [
        ['bad-lines.jsonl:1', FRAME_LOGS],
        ['bad-lines.jsonl:2', FRAME_LOGS],
        ['bad-lines.jsonl:3', 'is no JSON object'],
        ['bad-lines.jsonl:4', 'has none of resourceMetrics, resourceLogs, resourceSpans'],
        ['bad-lines.jsonl:5', 'is no JSON object'],
        ['bad-lines.jsonl:6', FRAME_LOGS],
      ],
    ],
    [
      'cut.pb',
      withLengths([Buffer.from(LOGS), Buffer.from(LOGS)]).subarray(0, -1),
      [
        ['cut.pb: message 1', FRAME_LOGS],
        ['cut.pb: message 2', 'is cut off'],
      ],
    ],
    [
      'cut-length.pb',
      Buffer.concat([withLengths([Buffer.from(LOGS)]), Buffer.alloc(2)]),
      [
        ['cut-length.pb: message 1', FRAME_LOGS],
        ['cut-length.pb: message 2', 'is cut off'],
      ],
    ],
    [
      'long-message.pb',
      Buffer.concat([Buffer.from([4, 0, 0, 1]), Buffer.alloc(9)]),
      [['long-message.pb: message 1', `is longer than ${BODY_LIMIT_BYTES} bytes`]],
    ],
    [
      'empty-request.binpb',
      Buffer.from([0x0a, 0x00]),
      [['empty-request.binpb', 'does not say whether it is of metrics, logs or traces: use --signal']],
    ],
    [
      'cut.jsonl.gz',
      gzipSync(`${LOGS}\n${'{"resourceLogs":[]}\n'.repeat(3)}`).subarray(0, -6),
      [['cut.jsonl.gz', 'cannot be read to its end: unexpected end of file']],
    ],
    [
      'random.bin',
      Buffer.from('c0ffee'.repeat(50), 'hex'),
      [['random.bin', 'does not say whether it is of metrics, logs or traces: use --signal']],
    ],
  ])('%s', async (name, content, expected) => {
    const found = await read(await write(name, content));
    expect(found.map(([origin, kind]) => [origin, kind])).toEqual(expected);
  });

  test('what is broken JSON is told with the reason', async () => {
    const [[origin, problem]] = await read(await write('broken.jsonl', `{"a":\n${LOGS}`));
    expect([origin, problem]).toEqual(['broken.jsonl:1', expect.stringMatching(/^is no JSON: /)]);
  });

  test('--signal says of which signal a request is that does not say it', async () => {
    const file = await write('told.binpb', Buffer.from([0x0a, 0x00]));
    expect(await read(file, { signal: 'traces' })).toEqual([['told.binpb', FRAME_TRACES, '0a00']]);
  });

  test('a line beyond the limit is passed over, and does not fill the memory', async () => {
    const long = gzipSync(
      Buffer.concat([Buffer.alloc(BODY_LIMIT_BYTES + 1, 0x20), Buffer.from(`\n${LOGS}\n`)]),
    );
    const found = await read(await write('bomb.jsonl.gz', long));
    expect(found.map(([origin, kind]) => [origin, kind])).toEqual([
      ['bomb.jsonl.gz:1', `is longer than ${BODY_LIMIT_BYTES} bytes`],
      ['bomb.jsonl.gz:2', FRAME_LOGS],
    ]);
  });

  test('reading ends when it is told to, though no request comes', async () => {
    const blank = await write('blank.jsonl', '\n'.repeat(100));
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(read(blank, { abort: stop.signal })).rejects.toThrow('enough');
  });

  test('a path that is not there', async () => {
    await expect(otlpFiles([join(folder, 'nowhere')])).rejects.toThrow('ENOENT');
  });
});
