/** GET /api/v1/overview and /api/v1/first-run of a running receiver. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createLog, Receiver } from '../../../receiver/index.ts';
import { REFUSED_LIMIT, remoteKind } from '../../../receiver/refused-requests.ts';

const KEY = 'the-right-key';
const WRONG_KEY = 'a-wrong-key-that-nobody-may-see';
let receiver: Receiver;
let dataDir: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-overview-'));
  const config = {
    host: '127.0.0.1',
    port: 0,
    dataDir,
    apiKeys: [KEY],
    log: 'text' as const,
    minFreeDiskBytes: 0,
    journalRetentionDays: null,
    allowedHosts: [],
    configPath: null,
  };
  receiver = await Receiver.start(
    config,
    createLog('text', () => {}),
  );
  await receiver.ready();
});
afterAll(async () => {
  await receiver.stop();
  rmSync(dataDir, { recursive: true });
});

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${receiver.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

const get = async (path: string) => (await ask('GET', path)).body;

const log = (attributes: Record<string, string>) => ({
  resourceLogs: [
    {
      scopeLogs: [
        {
          logRecords: [
            {
              timeUnixNano: `${Date.now()}000000`,
              attributes: Object.entries(attributes).map(([key, value]) => ({
                key,
                value: { stringValue: value },
              })),
            },
          ],
        },
      ],
    },
  ],
});

test('before anything came', async () => {
  expect(await get('/api/v1/first-run')).toMatchObject({
    hasRecords: false,
    received: { logs: { requests: 0 } },
    refused: [],
    quarantine: [],
    apiKeyRequired: true,
  });
  const overview = await get('/api/v1/overview');
  expect(overview).toMatchObject({ recordsToday: 0, topCustomers: [], quarantine: [] });
  expect(overview.ingest.series).toHaveLength(600);
  expect(overview.health).toEqual({ state: 'ready', problems: [] });
  expect(overview.disk.freeBytes).toBeGreaterThan(0);
});

test('a wrong path, a wrong key, none, a wrong type and a wrong method are told apart', async () => {
  const otlp = log({ 'usage.customer.id': 'acme', 'usage.dimension.id': 'calls' });
  const agent = { 'User-Agent': 'OTel-OTLP-Exporter-Test/1.0' };
  await ask('POST', '/v1/log?token=a-secret', otlp, agent);
  await ask('POST', '/v1/logs', otlp, { ...agent, Authorization: `Bearer ${WRONG_KEY}` });
  await fetch(`${receiver.url}/v1/logs`, { method: 'POST', body: '{}' });
  await ask('POST', '/v1/logs', otlp, { 'Content-Type': 'text/plain' });
  await ask('GET', '/v1/logs');
  await ask('POST', '/', otlp);
  await ask('POST', '/api/v1/usage', { customerId: '' });
  // These were not to bring usage.
  await ask('GET', '/api/v1/nothing');
  await ask('POST', '/api/v1/sql', { query: 'nonsense' });
  const said = await vi.waitFor(async () => {
    const { refused } = await get('/api/v1/first-run');
    expect(refused).toHaveLength(7);
    return refused.toReversed();
  });
  const row = ({ method, path, status, code, apiKey }: Record<string, unknown>) => [
    method,
    path,
    status,
    code,
    apiKey,
  ];
  expect(said.map(row)).toEqual([
    ['POST', '/v1/log', 404, 'NOT_FOUND', 'valid'],
    ['POST', '/v1/logs', 401, 'UNAUTHENTICATED', 'wrong'],
    ['POST', '/v1/logs', 401, 'UNAUTHENTICATED', 'missing'],
    ['POST', '/v1/logs', 415, 'UNSUPPORTED_MEDIA_TYPE', 'valid'],
    ['GET', '/v1/logs', 405, 'METHOD_NOT_ALLOWED', 'valid'],
    ['POST', '/', 404, 'NOT_FOUND', 'valid'],
    ['POST', '/api/v1/usage', 400, 'INVALID_BODY', 'valid'],
  ]);
  expect(said[0]).toMatchObject({
    userAgent: agent['User-Agent'],
    contentType: 'application/json',
    remote: 'loopback',
  });
  const text = JSON.stringify(said);
  for (const secret of [KEY, WRONG_KEY, 'a-secret', 'Bearer']) expect(text).not.toContain(secret);
});

test('so many refused requests are remembered, and texts are cut', async () => {
  for (let i = 0; i < REFUSED_LIMIT + 5; i++) await ask('POST', `/v1/${'x'.repeat(1000)}${i}`);
  await vi.waitFor(async () => {
    const { refused } = await get('/api/v1/first-run');
    expect(refused).toHaveLength(REFUSED_LIMIT);
    expect(refused.every(({ path }: { path: string }) => path.length === 200)).toBe(true);
  });
});

test('a signal without a customer is seen, and then the first record', async () => {
  await ask('POST', '/v1/logs', log({ 'usage.dimension.id': 'calls', 'usage.value': '2.5' }));
  const before = await get('/api/v1/first-run?freshness=complete');
  expect(before.hasRecords).toBe(false);
  expect(before.quarantine).toEqual([
    {
      reason: 'missing_customer',
      signals: 1,
      firstSeen: expect.any(String),
      lastSeen: expect.any(String),
      atStake: [{ dimensionId: 'calls', unit: '1', signals: 1, quantity: '2.5' }],
    },
  ]);
  await ask('POST', '/v1/logs', log({ 'usage.customer.id': 'acme', 'usage.dimension.id': 'calls' }));
  const after = await get('/api/v1/first-run?freshness=complete');
  expect(after).toMatchObject({ hasRecords: true, received: { logs: { claimed: 2, quarantined: 1 } } });
});

test('an overview has who used most, of a day or of a range', async () => {
  await ask('PUT', '/api/v1/customers/acme', { name: 'Acme GmbH' });
  const record = (customerId: string, timestamp: string) => ({
    customerId,
    dimensionId: 'calls',
    recordValue: '1',
    timestamp,
  });
  const { status } = await ask('POST', '/api/v1/usage', [
    record('globex', '2026-03-05T00:00:00Z'),
    record('globex', '2026-03-06T00:00:00Z'),
    record('acme', '2026-03-06T00:00:00Z'),
    record('initech', '2026-04-01T00:00:00Z'),
  ]);
  expect(status).toBe(201);
  const day = await get('/api/v1/overview?freshness=complete');
  expect(day.topCustomers).toEqual([{ customerId: 'acme', name: 'Acme GmbH', records: 1 }]);
  expect(day).toMatchObject({ recordsToday: 1, counts: { records: 5, quarantined: 1 } });
  expect(day.ingest.series.reduce((sum: number, count: number) => sum + count, 0)).toBeLessThanOrEqual(6);
  const march = await get('/api/v1/overview?from=2026-03-01&to=2026-04-01&top=1');
  expect(march.topCustomers).toEqual([{ customerId: 'globex', name: null, records: 2 }]);
  expect(march.quarantine[0].reason).toBe('missing_customer');
  expect((await ask('GET', '/api/v1/overview?from=2026-03-01')).body).toMatchObject({ parameter: 'to' });
  expect((await ask('GET', '/api/v1/overview?top=0')).body).toMatchObject({ parameter: 'top' });
});

test('what came is in the series of its second', async () => {
  await vi.waitFor(
    async () => {
      const { ingest } = await get('/api/v1/overview');
      expect(ingest.series.reduce((sum: number, count: number) => sum + count, 0)).toBe(6);
      expect(ingest.perSecond).toBeCloseTo(6 / 60);
    },
    { timeout: 10_000, interval: 200 },
  );
});

test.each([
  ['127.0.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.9', 'loopback'],
  ['10.1.2.3', 'private'],
  ['::ffff:192.168.7.1', 'private'],
  ['172.31.0.1', 'private'],
  ['172.32.0.1', 'public'],
  ['fd00::1', 'private'],
  ['fe80::1', 'private'],
  ['8.8.8.8', 'public'],
  ['2001:4860::8888', 'public'],
  [undefined, 'public'],
])('%s is %s', (address, kind) => {
  expect(remoteKind(address)).toBe(kind);
});
