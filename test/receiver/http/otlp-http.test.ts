/** The receiver's HTTP surface, against a real receiver in this process: real sockets, journal and DuckDB. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readServerConfig } from '../../../receiver/config.ts';
import { rebuildLedger } from '../../../receiver/rebuild.ts';
import { Receiver } from '../../../receiver/server.ts';
import { DELTA, type OtlpPoint, stream } from '../../support/otlp-points.ts';
import { ProtobufWriter, requestOf, toJson } from '../../support/otlp-writer.ts';

const quiet = { info() {}, warn() {}, error() {} };
const MIB = 1024 * 1024;

let dataDir: string;
let receiver: Receiver;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-http-'));
  receiver = await Receiver.start(readServerConfig({ port: '0', dataDir }, {}), quiet);
  await receiver.ready();
});

afterAll(async () => {
  await receiver.stop();
  rmSync(dataDir, { recursive: true });
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  chunks: Uint8Array[] = [],
  port = receiver.port,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () =>
        resolve({
          status: response.statusCode as number,
          headers: response.headers,
          body: Buffer.concat(parts),
        }),
      );
    });
    request.on('error', reject);
    for (const chunk of chunks) request.write(chunk);
    request.end();
  });
}

let clock = BigInt(Date.now()) * 1_000_000n - 3_600_000_000_000n;
/** A point of its own: no two calls make the same. */
function point(customer: string, value: bigint | number = 1n): OtlpPoint {
  clock += 1_000_000n;
  return {
    stream: stream({ temporality: DELTA }),
    attributes: [['usage.customer.id', customer]],
    startUnixNano: clock - 1_000_000n,
    timeUnixNano: clock,
    value,
    flags: 0,
  };
}

const protobuf = (points: OtlpPoint[]) => new ProtobufWriter().encode(requestOf(points));
const json = (points: OtlpPoint[]) => Buffer.from(toJson(requestOf(points)));
const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

async function quantity(customer: string): Promise<string | undefined> {
  const answer = await send('GET', `/api/v1/usage?from=2020-01-01&to=2100-01-01&customerId=${customer}`);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body.toString()).rows[0]?.quantity;
}

test.each([
  // what                           headers                                                           body
  ['protobuf', PROTOBUF, protobuf],
  ['JSON', JSON_TYPE, json],
  ['JSON with a charset', { 'Content-Type': 'Application/JSON; charset=utf-8' }, json],
  ['gzip', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, (points: OtlpPoint[]) => gzipSync(protobuf(points))],
  ['GZIP', { ...JSON_TYPE, 'Content-Encoding': 'GZIP' }, (points: OtlpPoint[]) => gzipSync(json(points))],
  [
    'deflate',
    { ...PROTOBUF, 'Content-Encoding': 'deflate' },
    (points: OtlpPoint[]) => deflateSync(protobuf(points)),
  ],
  ['identity', { ...PROTOBUF, 'Content-Encoding': 'identity' }, protobuf],
])('%s is taken and counted before the next question', async (name, headers, encode) => {
  const customer = `encoding-${name.replaceAll(' ', '-')}`;
  const body = encode([point(customer, 3n), point(customer, 4n)]);
  // Sent in pieces without a length, as JavaScript's clients do.
  const answer = await send('POST', '/v1/metrics', headers, [body.subarray(0, 5), body.subarray(5)]);
  expect(answer.status).toBe(200);
  const isJson = headers['Content-Type'].toLowerCase().includes('json');
  expect(answer.headers['content-type']).toBe(isJson ? 'application/json' : 'application/x-protobuf');
  expect(answer.body.toString()).toBe(isJson ? '{}' : '');
  expect(await quantity(customer)).toBe('7');
});

test.each([
  // what                       method  headers                                           body                       status
  ['another method', 'GET', PROTOBUF, '', 405],
  ['no type', 'POST', {}, 'x', 415],
  ['an unknown type', 'POST', { 'Content-Type': 'text/plain' }, 'x', 415],
  ['an unknown encoding', 'POST', { ...PROTOBUF, 'Content-Encoding': 'br' }, 'x', 415],
  ['two encodings', 'POST', { ...PROTOBUF, 'Content-Encoding': 'gzip, gzip' }, 'x', 415],
  ['broken protobuf', 'POST', PROTOBUF, 'x', 400],
  ['broken JSON', 'POST', JSON_TYPE, '{"resourceMetrics":[', 400],
  ['JSON of another shape', 'POST', JSON_TYPE, '{"resourceMetrics":5}', 400],
  ['an empty JSON body', 'POST', JSON_TYPE, '', 400],
  ['broken gzip', 'POST', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, 'x', 400],
] as const)('%s is refused', async (_, method, headers, body, status) => {
  const answer = await send(method, '/v1/metrics', headers, [Buffer.from(body)]);
  expect(answer.status).toBe(status);
  if (status === 405) expect(answer.headers.allow).toBe('POST');
  // google.rpc.Status in the encoding of the request.
  if ((headers as Record<string, string>)['Content-Type'] === 'application/x-protobuf') {
    expect(answer.headers['content-type']).toBe('application/x-protobuf');
    expect(answer.body[0]).toBe(0x08);
  } else {
    const { code, message } = JSON.parse(answer.body.toString());
    expect(code).toBeGreaterThan(0);
    expect(message.length).toBeGreaterThan(10);
  }
});

test('an empty request is taken', async () => {
  expect((await send('POST', '/v1/metrics', PROTOBUF)).status).toBe(200);
  expect((await send('POST', '/v1/metrics', JSON_TYPE, [Buffer.from('{}')])).status).toBe(200);
});

test('bodies beyond 64 MiB are refused, before and after inflation, and their connection lives on', async () => {
  const declared = await send(
    'POST',
    '/v1/metrics',
    { ...PROTOBUF, 'Content-Length': String(64 * MIB + 1) },
    [Buffer.alloc(64 * MIB + 1)],
  );
  expect(declared.status).toBe(413);
  const streamed = await send('POST', '/v1/metrics', PROTOBUF, Array(65).fill(Buffer.alloc(MIB)));
  expect(streamed.status).toBe(413);
  const bomb = gzipSync(Buffer.alloc(65 * MIB));
  const inflated = await send('POST', '/v1/metrics', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, [bomb]);
  expect(inflated.status).toBe(413);
});

test('a small body of very many points is refused', async () => {
  // A gauge of 600,000 empty points, two bytes each.
  const field = (tag: number, content: Buffer) => {
    const length: number[] = [];
    for (let rest = content.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Buffer.concat([Buffer.from([tag, ...length]), content]);
  };
  const points = Buffer.alloc(1_200_000);
  for (let at = 0; at < points.length; at += 2) points[at] = 0x0a;
  const metric = Buffer.concat([field(0x0a, Buffer.from('usage.many')), field(0x2a, points)]);
  const body = gzipSync(field(0x0a, field(0x12, field(0x12, metric))));
  const answer = await send('POST', '/v1/metrics', { ...PROTOBUF, 'Content-Encoding': 'gzip' }, [body]);
  expect(answer.status).toBe(413);
  expect(answer.body.toString('latin1')).toContain('524288');
});

test('a body that is cut counts nothing and harms nobody', async () => {
  const body = protobuf([point('cut')]);
  await new Promise<void>((resolve) => {
    const socket = connect(receiver.port, '127.0.0.1', () => {
      socket.write(
        `POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
      socket.write(body.subarray(0, -1), () => socket.destroy());
    });
    socket.on('close', () => resolve());
  });
  expect(await quantity('cut')).toBeUndefined();
});

test('quarantined points are answered with 200, none rejected, and a message that says where to look', async () => {
  const bad = { ...point('warned'), attributes: [] };
  const answer = await send('POST', '/v1/metrics', JSON_TYPE, [json([point('warned'), bad])]);
  expect(answer.status).toBe(200);
  const { partialSuccess } = JSON.parse(answer.body.toString());
  expect(partialSuccess.rejectedDataPoints ?? 0).toBe(0);
  expect(partialSuccess.errorMessage).toMatch(/1 of 2 .*missing_customer 1.*\/api\/v1\/quarantine/);
  expect(await quantity('warned')).toBe('1');
  // The same reason within the minute is not said again.
  const again = await send('POST', '/v1/metrics', JSON_TYPE, [
    json([{ ...point('warned'), attributes: [] }]),
  ]);
  expect(again.body.toString()).toBe('{}');

  const listed = await send('GET', '/api/v1/quarantine');
  const row = JSON.parse(listed.body.toString()).rows.find(
    (r: { reason: string }) => r.reason === 'missing_customer',
  );
  expect(row).toMatchObject({
    signals: 2,
    quantity: '2',
    customerId: null,
    dimensionId: 'api.requests',
    meterId: 'builtin',
  });
});

const other = json([
  { ...point('x'), stream: stream({ name: 'http.server.requests' }), attributes: [] } satisfies OtlpPoint,
]);
test.each([
  ['metrics', 'metrics', other],
  [
    'logs',
    'logs',
    Buffer.from('{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}}]}]}]}'),
  ],
  ['traces', 'spans', Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"GET /"}]}]}]}')],
])('%s that no meter claims are acknowledged, not journaled, and counted', async (path, signals, body) => {
  const status = async () => JSON.parse((await send('GET', '/api/v1/status')).body.toString());
  const before = await status();
  const answer = await send('POST', `/v1/${path}`, JSON_TYPE, [body]);
  expect([answer.status, answer.body.toString()]).toEqual([200, '{}']);
  const after = await status();
  expect(after.journal).toEqual(before.journal);
  expect(after.received[signals]).toEqual({
    ...before.received[signals],
    requests: before.received[signals].requests + 1,
    requestsWithoutUsage: before.received[signals].requestsWithoutUsage + 1,
    ignored: before.received[signals].ignored + 1,
  });
});

test.each([
  // question                                                                status  names
  ['/api/v1/usage', 400, 'from'],
  ['/api/v1/usage?from=2026-01-01&to=2026-01-02T00:00:00', 400, 'to'],
  ['/api/v1/usage?from=2026-01-01&to=2026-02-01&window=fortnight', 400, 'window'],
  ['/api/v1/usage?from=2026-01-01&to=2026-02-01&colour=red', 400, 'colour'],
  ['/api/v1/usage?from=2026-01-01&to=2026-02-01&freshness=stale', 400, 'freshness'],
  ['/api/v1/usage?from=2026-01-01&to=2026-01-01', 200, ''],
  ['/api/v1/usage?from=2026-01-01&to=2026-02-01&customerId=nobody&freshness=available', 200, ''],
  ['/api/v1/elsewhere', 404, ''],
  ['/v1/nothing', 404, ''],
])('GET %s is %i', async (path, status, parameter) => {
  const answer = await send('GET', path);
  expect(answer.status).toBe(status);
  const body = JSON.parse(answer.body.toString());
  if (status === 200) {
    expect(body.rows).toEqual([]);
    expect(Date.parse(body.completeUntil)).toBeGreaterThan(Date.now() - 60_000);
    return;
  }
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(body.status).toBe(status);
  if (parameter !== '') expect(body.parameter).toBe(parameter);
});

test('other methods are refused', async () => {
  const answer = await send('DELETE', '/api/v1/usage');
  expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST']);
});

test('health needs no key, everything else does', async () => {
  const keyed = mkdtempSync(join(tmpdir(), 'usage-meter-keys-'));
  const locked = await Receiver.start(
    readServerConfig({ port: '0', dataDir: keyed }, { USAGE_METER_API_KEYS: 'secret,other' }),
    quiet,
  );
  try {
    await locked.ready();
    const to = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      send(method, path, headers, method === 'POST' ? [protobuf([point('k')])] : [], locked.port);
    expect((await to('/healthz')).status).toBe(200);
    expect((await to('/readyz')).status).toBe(200);
    for (const path of ['/api/v1/usage', '/api/v1/records', '/api/v1/quarantine', '/', '/v1/logs']) {
      const answer = await to(path);
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    expect((await to('/v1/metrics', PROTOBUF, 'POST')).status).toBe(401);
    expect((await to('/v1/metrics', { ...PROTOBUF, Authorization: 'Bearer wrong' }, 'POST')).status).toBe(
      401,
    );
    expect((await to('/v1/metrics', { ...PROTOBUF, Authorization: 'Bearer other' }, 'POST')).status).toBe(
      200,
    );
  } finally {
    await locked.stop();
    rmSync(keyed, { recursive: true });
  }
});

test('a stopping receiver answers 503 with Retry-After until its port closes, and has what it acknowledged', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-stop-'));
  const config = readServerConfig({ port: '0', dataDir: folder }, {});
  const stopping = await Receiver.start(config, quiet);
  await stopping.ready();
  const { port } = stopping;
  const answers: Promise<Answer | Error>[] = [];
  for (let i = 0; i < 20; i++) {
    answers.push(
      send('POST', '/v1/metrics', PROTOBUF, [protobuf([point('stop')])], port).catch((error) => error),
    );
  }
  const first = await answers[0];
  const stopped = stopping.stop();
  for (let i = 0; i < 20; i++) {
    answers.push(
      send('POST', '/v1/metrics', PROTOBUF, [protobuf([point('stop')])], port).catch((error) => error),
    );
  }
  const settled = await Promise.all(answers);
  await stopped;
  expect((first as Answer).status).toBe(200);
  let acknowledged = 0;
  for (const answer of settled) {
    if (answer instanceof Error) continue;
    if (answer.status === 200) acknowledged += 1;
    else expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
  }
  expect(settled.some((answer) => !(answer instanceof Error) && answer.status === 503)).toBe(true);

  const again = await Receiver.start(config, quiet);
  try {
    await again.ready();
    const usage = await send('GET', '/api/v1/usage?from=2020-01-01&to=2100-01-01', {}, [], again.port);
    expect(Number(JSON.parse(usage.body.toString()).rows[0].quantity)).toBe(acknowledged);
  } finally {
    await again.stop();
    rmSync(folder, { recursive: true });
  }
});

test('whoever is still sending when the receiver stops gets an answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-upload-'));
  const stopping = await Receiver.start(readServerConfig({ port: '0', dataDir: folder }, {}), quiet);
  await stopping.ready();
  const socket = connect(stopping.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  const head =
    'POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{';
  await new Promise<void>((resolve) => socket.write(head, () => resolve()));
  // Answered, so the request before it on its own connection has been read as well.
  await send('GET', '/healthz', {}, [], stopping.port);
  await stopping.stop();
  await closed;
  expect(text).toMatch(/^HTTP\/1\.1 503 /);
  expect(text.toLowerCase()).toContain('retry-after: 2');
  rmSync(folder, { recursive: true });
});

test('a rebuild refuses a journal that has lost what the ledger still has', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-rebuild-'));
  const first = await Receiver.start(readServerConfig({ port: '0', dataDir: folder }, {}), quiet);
  await first.ready();
  for (let i = 0; i < 3; i++)
    await send('POST', '/v1/metrics', PROTOBUF, [protobuf([point('kept')])], first.port);
  await first.stop();
  rmSync(join(folder, 'journal'), { recursive: true });
  await expect(rebuildLedger({ dataDir: folder })).rejects.toThrow(/3/);

  const again = await Receiver.start(readServerConfig({ port: '0', dataDir: folder }, {}), quiet);
  expect(String(await again.fatal)).toMatch(/3/);
  await again.stop();
  rmSync(folder, { recursive: true });
});

test('a second receiver on the same directory is refused, and the first goes on', async () => {
  await expect(Receiver.start(readServerConfig({ port: '0', dataDir }, {}), quiet)).rejects.toThrow(
    /directory/i,
  );
  expect((await send('GET', '/readyz')).status).toBe(200);
});
