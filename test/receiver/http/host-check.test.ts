/** Under which host a receiver without API keys is asked, in requests as they stand on the wire. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readServerConfig } from '../../../receiver/config.ts';
import { AllowedHost, AllowedHosts } from '../../../receiver/http/allowed-hosts.ts';
import type { Log } from '../../../receiver/log.ts';
import { Receiver } from '../../../receiver/server.ts';
import { DELTA, stream } from '../../support/otlp-points.ts';
import { ProtobufWriter, requestOf } from '../../support/otlp-writer.ts';

const warnings: Record<string, unknown>[] = [];
const quiet: Log = { info() {}, warn() {}, error() {} };
const log: Log = { ...quiet, warn: (message, fields) => void warnings.push({ message, ...fields }) };

const folders: string[] = [];
async function start(flags: { allowedHosts?: string }, environment = {}, tell = quiet): Promise<Receiver> {
  const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-hosts-'));
  folders.push(dataDir);
  const receiver = await Receiver.start(
    readServerConfig({ port: '0', dataDir, ...flags }, environment),
    tell,
  );
  await receiver.ready();
  return receiver;
}

let receiver: Receiver;
let named: Receiver;
let keyed: Receiver;
beforeAll(async () => {
  receiver = await start({}, {}, log);
  named = await start({ allowedHosts: 'Usage.Example.com, .corp.example' });
  keyed = await start({}, { USAGE_METER_API_KEYS: 'k' });
});
afterAll(async () => {
  for (const each of [receiver, named, keyed]) await each?.stop();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

interface Answer {
  status: number;
  head: string;
  body: string;
}

/** @param lines of the head, the request line first */
function raw(lines: readonly string[], { body = Buffer.alloc(0) as Uint8Array, port = receiver.port } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('error', reject);
    socket.on('end', () => {
      const [head, ...rest] = Buffer.concat(parts).toString('latin1').split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), head, body: rest.join('\r\n\r\n') });
    });
    socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`);
    socket.write(body);
  });
}

const STATUS = '/api/v1/status';

describe('a question is answered under', () => {
  test.each([
    // Host                         status
    ['127.0.0.1:4318', 200],
    ['127.0.0.1', 200],
    ['10.1.2.3:80', 200],
    ['[::1]:4318', 200],
    ['[::1]', 200],
    ['[2001:DB8::1]:4318', 200],
    ['localhost:4318', 200],
    ['LocalHost:4318', 200],
    ['localhost.:4318', 200],
    ['usage.localhost:4318', 200],
    ['', 200],
    ['evil.example', 403],
    ['evil.example:4318', 403],
    ['EVIL.example.:4318', 403],
    ['localhost.evil.example', 403],
    ['notlocalhost', 403],
    ['127.0.0.1.evil.example', 403],
    ['[::1].evil.example', 403],
    ['evil.example:127.0.0.1', 403],
    ['localhost:4318@evil.example', 403],
    ['127.0.0.1/evil.example', 403],
    // Any network that a machine is in may say whose these are.
    ['usage-meter', 403],
    ['usage-meter.local', 403],
    ['usage-meter.observability.svc.cluster.local:4318', 403],
  ])('Host: %s → %i', async (host, status) => {
    const answer = await raw([`GET ${STATUS} HTTP/1.1`, `Host: ${host}`]);
    expect(answer.status, answer.body).toBe(status);
  });

  test('no host at all, as of a health check in HTTP/1.0', async () => {
    expect((await raw([`GET ${STATUS} HTTP/1.0`])).status).toBe(200);
  });

  test.each([
    // target                                    headers                              status
    [`http://localhost:1${STATUS}`, ['Host: localhost'], 200],
    [`http://evil.example${STATUS}`, ['Host: localhost'], 403],
    [`http://localhost${STATUS}`, ['Host: evil.example'], 403],
    [`HTTP://u@evil.example${STATUS}`, ['Host: localhost'], 403],
    // The first is what Node tells; whoever sends two hides one.
    [STATUS, ['Host: localhost', 'Host: evil.example'], 403],
    [STATUS, ['Host: localhost', 'X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example'], 200],
    [STATUS, ['Host: evil.example', 'X-Forwarded-Host: localhost', 'Forwarded: host=localhost'], 403],
  ])('GET %s with %j → %i', async (target, headers, status) => {
    expect((await raw([`GET ${target} HTTP/1.1`, ...headers])).status).toBe(status);
  });

  test.each([
    // Host                           status
    ['usage.example.com:4318', 200],
    ['USAGE.example.com.', 200],
    ['corp.example', 200],
    ['a.b.corp.example', 200],
    ['localhost', 200],
    ['a.usage.example.com', 403],
    ['evilcorp.example', 403],
    ['evil.example', 403],
  ])('Host: %s → %i where usage.example.com and .corp.example are allowed', async (host, status) => {
    const answer = await raw([`GET ${STATUS} HTTP/1.1`, `Host: ${host}`], { port: named.port });
    expect(answer.status).toBe(status);
  });

  test('any host with API keys: whoever has none is told nothing', async () => {
    const ask = (...more: string[]) =>
      raw([`GET ${STATUS} HTTP/1.1`, 'Host: evil.example', ...more], { port: keyed.port });
    expect((await ask('Authorization: Bearer k')).status).toBe(200);
    expect((await ask()).status).toBe(401);
  });
});

describe('what is refused under a foreign host', () => {
  const FOREIGN = 'Host: evil.example';
  const JSON_TYPE = 'Content-Type: application/json';

  test.each([
    // request                                            status
    ['GET /api/v1/usage?from=2026-01-01&to=2026-02-01', 403],
    ['GET /api/v1/openapi.json', 403],
    ['GET /api/v1/live', 403],
    ['GET /assets/x.js', 403],
    ['GET /nothing', 403],
    ['GET /v1/metrics', 403],
    ['POST /api/v1/sql', 403],
    ['POST /api/v1/usage/', 403],
    ['DELETE /api/v1/customers/a', 403],
    ['OPTIONS /api/v1/usage', 403],
    ['GET /healthz', 200],
    ['GET /readyz', 200],
  ])('%s → %i', async (request, status) => {
    const answer = await raw([`${request} HTTP/1.1`, FOREIGN, 'Content-Length: 0']);
    expect(answer.status).toBe(status);
    expect(answer.head).not.toMatch(/access-control/i);
  });

  test('the API answers with a problem that says what to set', async () => {
    const { head, body } = await raw([`GET ${STATUS} HTTP/1.1`, FOREIGN]);
    expect(head).toContain('Content-Type: application/problem+json');
    expect(JSON.parse(body)).toMatchObject({
      status: 403,
      code: 'HOST_NOT_ALLOWED',
      detail: expect.stringMatching(/"evil\.example".*USAGE_METER_ALLOWED_HOSTS/),
    });
  });

  test('people get a page, with nothing of the host but text', async () => {
    const { status, head, body } = await raw(['GET /customers HTTP/1.1', 'Host: <b>x', 'Accept: text/html']);
    expect(status).toBe(403);
    expect(head).toContain('Content-Security-Policy: ');
    expect(body).toContain('<code>&lt;b&gt;x</code>');
    expect(body).toContain('USAGE_METER_ALLOWED_HOSTS');
  });

  test.each([
    ['application/x-protobuf', 'application/x-protobuf', 0x08],
    ['application/json', 'application/json', '{'.charCodeAt(0)],
  ])('OTLP of a page in %s gets google.rpc.Status in its encoding', async (type, answered, first) => {
    const { status, head, body } = await raw([
      'POST /v1/metrics HTTP/1.1',
      FOREIGN,
      `Content-Type: ${type}`,
      'Content-Length: 0',
      'Origin: http://evil.example',
    ]);
    expect(status).toBe(403);
    expect(head).toContain(`Content-Type: ${answered}`);
    expect(body.charCodeAt(0)).toBe(first);
    expect(body).toContain('USAGE_METER_ALLOWED_HOSTS');
    // PERMISSION_DENIED
    if (first === 0x08) expect(body.charCodeAt(1)).toBe(7);
    else expect(JSON.parse(body).code).toBe(7);
  });

  const timeUnixNano = BigInt(Date.now()) * 1_000_000n;
  const POINTS = new ProtobufWriter().encode(
    requestOf([
      {
        stream: stream({ temporality: DELTA }),
        attributes: [['usage.customer.id', 'acme']],
        startUnixNano: timeUnixNano - 1n,
        timeUnixNano,
        value: 1n,
        flags: 0,
      },
    ]),
  );
  const RECORD = Buffer.from('{"customerId":"acme","dimensionId":"d","recordValue":"1"}');

  test.each([
    // what                       path             headers                                        body    status
    ['an exporter', '/v1/metrics', ['Content-Type: application/x-protobuf'], POINTS, 200],
    ['a script', '/api/v1/usage', [JSON_TYPE], RECORD, 201],
    ['a page', '/api/v1/usage', [JSON_TYPE, 'Origin: http://evil.example'], RECORD, 403],
    ['a page without a name', '/api/v1/usage', [JSON_TYPE, 'Origin: null'], RECORD, 403],
    ['a page as browsers tell it', '/api/v1/usage', [JSON_TYPE, 'Sec-Fetch-Site: same-origin'], RECORD, 403],
  ])('usage of %s to a service: POST %s', async (_what, path, headers, body, status) => {
    const answer = await raw(
      [
        `POST ${path} HTTP/1.1`,
        'Host: usage-meter.observability.svc.cluster.local:4318',
        ...headers,
        `Content-Length: ${body.length}`,
      ],
      { body },
    );
    expect(answer.status, answer.body).toBe(status);
  });

  test('the log is told of a host once', () => {
    const of = (host: string) => warnings.filter((warning) => warning.host === host);
    expect(of('evil.example')).toHaveLength(1);
    expect(of('localhost')).toHaveLength(0);
  });
});

test.each([
  // entry                        as it is compared
  ['usage.example.com', 'usage.example.com'],
  ['Usage.Example.COM.', 'usage.example.com'],
  ['.example.com', '.example.com'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['usage_meter', 'usage_meter'],
  ['http://usage.example.com', null],
  ['usage.example.com:4318', null],
  ['*.example.com', null],
  ['*', null],
  ['.', null],
  ['a..b', null],
  ['bücher.example', null],
  ['', null],
])('allowedHosts "%s" is %s', (entry, name) => {
  const parsed = AllowedHost.safeParse(entry);
  expect(parsed.success ? parsed.data : null).toBe(name);
});

test('without entries only localhost has a name', () => {
  const ask = (host: string) =>
    new AllowedHosts([]).foreignHost({ url: '/', headersDistinct: { host: [host] } });
  expect(ask('localhost')).toBeNull();
  expect(ask('Example.com.:4318')).toBe('example.com');
  expect(ask('http://example.com')).toBe('http://example.com');
});
