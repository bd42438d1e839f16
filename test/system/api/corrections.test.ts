/** Void and amend over the API: what was stored stays, and says what became of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReceiverProcess, runCommand, startReceiver } from '../../support/receiver-process.ts';
import { ApiClient, logRequest } from './api-client.ts';

let dataDir: string;
let receiver: ReceiverProcess;
let api: ApiClient;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-corrections-'));
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

const TIME = '2026-03-01T08:00:00.000000001Z';
let customers = 0;
const newCustomer = () => `customer-${++customers}`;
async function stored(customerId: string, recordValue: unknown, fields: object = {}) {
  const record = { customerId, dimensionId: 'calls', recordValue, timestamp: TIME, ...fields };
  const { status, body } = await api.post('/usage', record);
  expect(status).toBe(201);
  const { status: _status, ...answered } = body.records[0];
  return answered;
}

test('a voided record counts no more, stays, and is not counted again', async () => {
  const customer = newCustomer();
  await stored(customer, 1);
  const record = await stored(customer, 5, { id: `${customer}/1`, metadata: { region: 'eu' } });
  const { id, ...shown } = record;
  const { status, body } = await api.post(`/records/${record.recordId}/void`, {
    reason: 'counted twice by us',
  });
  expect(status).toBe(200);
  expect(body).toEqual({
    record: { ...shown, voided: { reason: 'counted twice by us', replaced: false, at: expect.any(String) } },
    replacement: null,
  });
  expect(await api.quantity(customer, 'calls')).toBe('1');
  expect((await api.get(`/records/${record.recordId}`)).body).toEqual(body.record);

  const again = await api.post('/usage', {
    ...shown,
    recordId: undefined,
    unit: undefined,
    meterId: undefined,
    meterVersion: undefined,
    kind: undefined,
    id,
  });
  expect(again.status).toBe(200);
  expect(again.body.records[0]).toMatchObject({ status: 'duplicate', voided: { replaced: false } });
  expect(await api.quantity(customer, 'calls')).toBe('1');
});

test.each([
  // what changes                                                            as stored
  [{ recordValue: '7.50' }, { recordValue: '7.5' }],
  [{ dimensionId: 'minutes' }, { dimensionId: 'minutes' }],
  [{ timestamp: '2026-04-01T00:00:00+02:00' }, { timestamp: '2026-03-31T22:00:00Z' }],
  [{ startTime: '2026-03-01T00:00:00Z' }, { startTime: '2026-03-01T00:00:00Z' }],
  [{ metadata: { region: 'us', n: 2 } }, { metadata: { n: '2', region: 'us' } }],
  [
    { metadata: {}, recordValue: 0 },
    { metadata: {}, recordValue: '0' },
  ],
])('an amendment %j takes the record’s place', async (changes, expected) => {
  const customer = newCustomer();
  const record = await stored(customer, 5, { metadata: { region: 'eu' } });
  const reason = 'the customer was right';
  const { status, body } = await api.post(`/records/${record.recordId}/amend`, { reason, ...changes });
  expect(status).toBe(200);
  const replacement = { ...record, ...expected, recordId: body.replacement.recordId };
  expect(body.replacement).toEqual(replacement);
  expect(body.replacement.recordId).not.toBe(record.recordId);
  expect(body.record.voided).toMatchObject({ reason, replaced: true });
  expect((await api.get(`/records/${replacement.recordId}`)).body).toEqual(replacement);
  const query = new URLSearchParams({ customerId: customer, from: '2020-01-01', to: '2100-01-01' });
  expect((await api.get(`/records?${query}`)).body.rows).toEqual([replacement]);
});

test('a start that was wrong can be taken out, and the customer can be another', async () => {
  const customer = newCustomer();
  const other = newCustomer();
  const record = await stored(customer, 5, { startTime: '2026-03-01T00:00:00Z' });
  const first = await api.post(`/records/${record.recordId}/amend`, { reason: 'r', startTime: null });
  expect(first.body.replacement.startTime).toBeUndefined();
  const second = await api.post(`/records/${first.body.replacement.recordId}/amend`, {
    reason: 'r',
    customerId: other,
  });
  expect(second.status).toBe(200);
  expect(await api.quantity(customer, 'calls')).toBe('0');
  expect(await api.quantity(other, 'calls')).toBe('5');
});

test('what is corrected already is not corrected again, and says when and why', async () => {
  const record = await stored(newCustomer(), 5);
  const replies = await Promise.all([
    ...Array.from({ length: 4 }, () => api.post(`/records/${record.recordId}/void`, { reason: 'mistake' })),
    ...Array.from({ length: 4 }, () =>
      api.post(`/records/${record.recordId}/amend`, { reason: 'mistake', recordValue: 1 }),
    ),
  ]);
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(7).fill(409)]);
  const refused = replies.find(({ status }) => status === 409)!;
  expect(refused.body.code).toBe('ALREADY_CORRECTED');
  expect(refused.body.detail).toMatch(/(voided|amended) at \d{4}-.*"mistake"/);
});

test.each([
  // path              body                                                  status  code
  ['void', {}, 400, 'INVALID_BODY'],
  ['void', { reason: '' }, 400, 'INVALID_BODY'],
  ['void', { reason: 'r', recordValue: 1 }, 400, 'INVALID_BODY'],
  ['amend', { reason: 'r' }, 400, 'INVALID_BODY'],
  ['amend', { reason: 'r', recordValue: -1 }, 400, 'INVALID_BODY'],
  ['amend', { reason: 'r', timestamp: '2200-01-01T00:00:00Z' }, 400, 'INVALID_BODY'],
  ['amend', { reason: 'r', startTime: '2027-01-01T00:00:00Z' }, 400, 'INVALID_BODY'],
  ['amend', { reason: 'r', unit: 'By' }, 400, 'INVALID_BODY'],
])('%s %j is refused, and nothing is changed', async (path, body, status, code) => {
  const customer = newCustomer();
  const record = await stored(customer, 5);
  const refused = await api.post(`/records/${record.recordId}/${path}`, body);
  expect([refused.status, refused.body.code]).toEqual([status, code]);
  expect(await api.quantity(customer, 'calls')).toBe('5');
});

test('nobody’s record is 404, and corrections are POST', async () => {
  for (const id of ['nothing', '0'.repeat(32), 'f'.repeat(32)]) {
    expect((await api.get(`/records/${id}`)).status).toBe(404);
    expect((await api.post(`/records/${id}/void`, { reason: 'r' })).status).toBe(404);
    expect((await api.post(`/records/${id}/amend`, { reason: 'r', recordValue: 1 })).status).toBe(404);
  }
  expect((await api.get(`/records/${'0'.repeat(32)}/void`)).headers.get('allow')).toBe('POST');
});

test('usage from a log can be corrected, and the log that comes again counts nothing', async () => {
  const customer = newCustomer();
  const log = logRequest([
    {
      attributes: { 'usage.customer.id': customer, 'usage.dimension.id': 'calls', 'usage.value': 3 },
      timeUnixNano: BigInt(Date.now()) * 1_000_000n,
    },
  ]);
  await api.otlp('logs', log);
  const query = new URLSearchParams({ customerId: customer, from: '2020-01-01', to: '2100-01-01' });
  const [record] = (await api.get(`/records?${query}`)).body.rows;
  const { body } = await api.post(`/records/${record.recordId}/amend`, {
    reason: 'half',
    recordValue: '1.5',
  });
  expect(body.replacement).toMatchObject({ meterId: 'api', recordValue: '1.5', timestamp: record.timestamp });
  await api.otlp('logs', log);
  expect(await api.quantity(customer, 'calls')).toBe('1.5');
});

test('an increment of a running total is refused, and the refusal says what to do', async () => {
  const customer = newCustomer();
  const start = BigInt(Date.now() - 60_000) * 1_000_000n;
  const attributes = [{ key: 'usage.customer.id', value: { stringValue: customer } }];
  const point = (second: bigint, asInt: string) => ({
    attributes,
    startTimeUnixNano: String(start),
    timeUnixNano: String(start + second * 1_000_000_000n),
    asInt,
  });
  const sum = { dataPoints: [point(0n, '0'), point(1n, '5')], aggregationTemporality: 2, isMonotonic: true };
  const resource = { attributes: [{ key: 'telemetry.sdk.name', value: { stringValue: 'opentelemetry' } }] };
  await api.otlp('metrics', {
    resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ name: 'usage.running', unit: '1', sum }] }] }],
  });
  const query = new URLSearchParams({ customerId: customer, from: '2020-01-01', to: '2100-01-01' });
  const rows = (await api.get(`/records?${query}`)).body.rows;
  const increment = rows.find(({ recordValue }: { recordValue: string }) => recordValue === '5');
  const refused = await api.post(`/records/${increment.recordId}/void`, { reason: 'r' });
  expect([refused.status, refused.body.code]).toEqual([409, 'RUNNING_TOTAL']);
  expect(refused.body.detail).toContain('creditsAllowed');
  expect(await api.quantity(customer, 'running')).toBe('5');
});

test('corrections hold after a crash and in a rebuilt ledger', async () => {
  const customer = newCustomer();
  const voided = await stored(customer, 100);
  const amended = await stored(customer, 10);
  await stored(customer, 1);
  await api.post(`/records/${voided.recordId}/void`, { reason: 'r' });
  const { body } = await api.post(`/records/${amended.recordId}/amend`, { reason: 'r', recordValue: 20 });
  const seen = async () => ({
    quantity: await api.quantity(customer, 'calls'),
    voided: (await api.get(`/records/${voided.recordId}`)).body,
    replacement: (await api.get(`/records/${body.replacement.recordId}`)).body,
  });
  const before = await seen();
  expect(before.quantity).toBe('21');
  await receiver.kill();
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
  expect(await seen()).toEqual(before);
  await receiver.stop();
  await runCommand(['rebuild', '--data-dir', dataDir]);
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
  expect(await seen()).toEqual(before);
});
