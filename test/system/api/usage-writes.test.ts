/** POST /api/v1/usage against a receiver in a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';
import { ApiClient } from './api-client.ts';

let dataDir: string;
let receiver: ReceiverProcess;
let api: ApiClient;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-writes-'));
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

const NDJSON = { 'Content-Type': 'application/x-ndjson' };
const TIME = '2026-03-01T08:00:00.000000001Z';
let customers = 0;
/** A customer of its own for each test. */
const newCustomer = () => `customer-${++customers}`;
const usage = (customerId: string, recordValue: unknown, fields: object = {}) => ({
  customerId,
  dimensionId: 'api.requests',
  recordValue,
  timestamp: TIME,
  ...fields,
});

async function recordsOf(customerId: string) {
  const query = new URLSearchParams({ customerId, from: '2020-01-01', to: '2100-01-01' });
  return (await api.get(`/records?${query}`)).body.rows;
}

test('a record is answered as it is stored', async () => {
  const customer = newCustomer();
  const sent = usage(customer, '12.50', {
    startTime: '2026-03-01T08:00:00+01:00',
    metadata: { z: 'last', region: 'eu', seats: 3, trial: false },
  });
  const { status, body } = await api.post('/usage', sent);
  expect(status).toBe(201);
  expect(body.records).toEqual([
    {
      recordId: expect.stringMatching(/^[0-9a-f]{32}$/),
      customerId: customer,
      dimensionId: 'api.requests',
      recordValue: '12.5',
      unit: '1',
      timestamp: TIME,
      startTime: '2026-03-01T07:00:00Z',
      metadata: { region: 'eu', seats: '3', trial: 'false', z: 'last' },
      meterId: 'api',
      meterVersion: 0,
      kind: 'record',
      status: 'stored',
    },
  ]);
  const [{ status: _status, ...answered }] = body.records;
  expect(await recordsOf(customer)).toEqual([answered]);
  expect((await api.get(`/records/${answered.recordId}`)).body).toEqual(answered);
});

test('the ids in the answer are those of the ledger', async () => {
  // Whatever an id is made of: values, times, units, keys, aliases.
  const customer = newCustomer();
  await api.post('/dimensions', { id: 'storage', unit: 'By', creditsAllowed: true });
  await api.post('/customers', { id: customer, aliases: [`${customer} ключ"'`] });
  const { body } = await api.post('/usage', [
    usage(customer, '0'),
    usage(customer, '-99999999999999999999999999.999999999999', { dimensionId: 'storage' }),
    usage(customer, '0.000000000001', { id: `${customer}-1`, metadata: { 'é"': '\u0000\u{1f600}' } }),
    usage(customer, 2, { timestamp: '1970-01-01T00:00:00.000000001Z' }),
  ]);
  const { body: aliased } = await api.post('/usage', usage(`${customer} ключ"'`, 1, { id: `${customer}-2` }));
  expect(aliased.records[0].customerId).toBe(customer);
  const shown = [...body.records, ...aliased.records].map(({ recordId }: { recordId: string }) => recordId);
  const stored = (await recordsOf(customer)).map(({ recordId }: { recordId: string }) => recordId);
  const early = new URLSearchParams({ customerId: customer, from: '1970-01-01', to: '1971-01-01' });
  const first = (await api.get(`/records?${early}`)).body.rows.map(
    ({ recordId }: { recordId: string }) => recordId,
  );
  expect(shown.toSorted()).toEqual([...stored, ...first].toSorted());
});

test('without an id each record counts, with a default of now', async () => {
  const customer = newCustomer();
  const before = Date.now();
  for (let i = 0; i < 3; i++)
    expect((await api.post('/usage', usage(customer, 1, { timestamp: undefined }))).status).toBe(201);
  expect(await api.quantity(customer, 'api.requests')).toBe('3');
  for (const { timestamp } of await recordsOf(customer)) {
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(Date.now());
  }
});

test.each([
  // how                       body                                                                       headers
  ['an array', (records: object[]) => JSON.stringify(records), {}],
  ['NDJSON', (records: object[]) => records.map((one) => JSON.stringify(one)).join('\n'), NDJSON],
  [
    'gzip',
    (records: object[]) => gzipSync(JSON.stringify(records)),
    { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json; charset=utf-8' },
  ],
] as const)('%s of records is taken in order', async (_, encode, headers) => {
  const customer = newCustomer();
  const { status, body } = await api.post(
    '/usage',
    encode([usage(customer, 1), usage(customer, 2), usage(customer, 3)]),
    headers,
  );
  expect(status).toBe(201);
  expect(body.records.map(({ recordValue }: { recordValue: string }) => recordValue)).toEqual([
    '1',
    '2',
    '3',
  ]);
  expect(await api.quantity(customer, 'api.requests')).toBe('6');
});

test('an empty array changes nothing', async () => {
  expect(await api.post('/usage', [])).toMatchObject({ status: 200, body: { records: [] } });
  expect(await api.post('/usage', '', NDJSON)).toMatchObject({ status: 200, body: { records: [] } });
});

test('the same id and content is the first record again, also after a crash', async () => {
  const customer = newCustomer();
  const one = usage(customer, '5.0', { id: `${customer}/1`, metadata: { region: 'eu', n: 1 } });
  const first = await api.post('/usage', one);
  expect([first.status, first.body.records[0].status]).toEqual([201, 'stored']);
  // Spelled otherwise, and meaning the same.
  const again = {
    ...one,
    recordValue: 5,
    timestamp: '2026-03-01T09:00:00.000000001+01:00',
    metadata: { n: '1', region: 'eu' },
  };
  const second = await api.post('/usage', again);
  expect(second.status).toBe(200);
  expect(second.body.records).toEqual([{ ...first.body.records[0], status: 'duplicate' }]);

  await receiver.kill();
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
  const third = await api.post('/usage', [again, usage(customer, 1, { id: `${customer}/2` })]);
  expect(third.status).toBe(201);
  expect(third.body.records.map(({ status }: { status: string }) => status)).toEqual(['duplicate', 'stored']);
  expect(third.body.records[0].recordId).toBe(first.body.records[0].recordId);
  expect(await api.quantity(customer, 'api.requests')).toBe('6');
});

test('a record that says no time is the same whenever it comes', async () => {
  const customer = newCustomer();
  const one = usage(customer, 5, { id: `${customer}/1`, timestamp: undefined });
  const first = await api.post('/usage', one);
  const second = await api.post('/usage', one);
  expect(second.status).toBe(200);
  expect(second.body.records[0].timestamp).toBe(first.body.records[0].timestamp);
});

test.each([
  // what differs                                                       path
  [{ recordValue: 6 }, 'recordValue'],
  [{ timestamp: '2026-03-01T08:00:00Z' }, 'timestamp'],
  [{ startTime: '2026-03-01T07:00:00Z' }, 'startTime'],
  [{ dimensionId: 'tokens' }, 'dimensionId'],
  [{ customerId: 'another' }, 'customerId'],
  [{ metadata: { region: 'us' } }, 'metadata.region'],
  [{ metadata: {} }, 'metadata.region'],
  [{ metadata: { region: 'eu', 'a b': '' } }, 'metadata["a b"]'],
])('the same id with other content is refused: %j', async (changes, path) => {
  const customer = newCustomer();
  const one = usage(customer, 5, { id: `${customer}/1`, metadata: { region: 'eu' } });
  const first = await api.post('/usage', one);
  const refused = await api.post('/usage', [usage(customer, 100), { ...one, ...changes }]);
  expect(refused.status).toBe(409);
  expect(refused.body.code).toBe('ID_CONFLICT');
  expect(refused.body.detail).toContain(first.body.records[0].recordId);
  expect(refused.body.errors.map((error: { path: string }) => error.path)).toEqual([`[1].${path}`]);
  expect(await api.quantity(customer, 'api.requests')).toBe('5');
});

test('an id that stands twice in a request counts once, and is refused with other content', async () => {
  const customer = newCustomer();
  const one = usage(customer, 5, { id: `${customer}/1` });
  const { status, body } = await api.post('/usage', [one, one]);
  expect(status).toBe(201);
  expect(body.records.map((record: { status: string }) => record.status)).toEqual(['stored', 'duplicate']);
  expect(body.records[1].recordId).toBe(body.records[0].recordId);
  const other = usage(customer, 5, { id: `${customer}/2` });
  const refused = await api.post('/usage', [other, { ...other, recordValue: 6 }]);
  expect([refused.status, refused.body.errors[0].path]).toEqual([409, '[1].recordValue']);
  expect(await api.quantity(customer, 'api.requests')).toBe('5');
});

test('requests with one id at the same time: one stores, all others are duplicates', async () => {
  const customer = newCustomer();
  const one = usage(customer, 5, { id: `${customer}/1` });
  const replies = await Promise.all(Array.from({ length: 20 }, () => api.post('/usage', one)));
  const statuses = replies.map(({ body }) => body.records[0].status).toSorted();
  expect(statuses).toEqual([...Array(19).fill('duplicate'), 'stored']);
  expect(new Set(replies.map(({ body }) => body.records[0].recordId)).size).toBe(1);
  expect(await api.quantity(customer, 'api.requests')).toBe('5');
});

test('an Idempotency-Key stands for the whole request', async () => {
  const customer = newCustomer();
  const key = { 'Idempotency-Key': `${customer} key` };
  const records = [usage(customer, 1), usage(customer, 1), usage(customer, 2)];
  expect((await api.post('/usage', records, key)).status).toBe(201);
  const again = await api.post('/usage', records, key);
  expect(again.status).toBe(200);
  expect(again.body.records.map(({ status }: { status: string }) => status)).toEqual(
    Array(3).fill('duplicate'),
  );
  for (const other of [records.slice(0, 2), [...records, usage(customer, 9)], records[0]]) {
    const refused = await api.post('/usage', other, key);
    expect([refused.status, refused.body.code]).toEqual([409, 'ID_CONFLICT']);
  }
  const changed = await api.post('/usage', [...records.slice(0, 2), usage(customer, 3)], key);
  expect([changed.status, changed.body.errors[0].path]).toEqual([409, '[2].recordValue']);
  expect(await api.quantity(customer, 'api.requests')).toBe('4');

  // Of a request of one record it is that record's id.
  const single = { 'Idempotency-Key': `${customer}/single` };
  expect((await api.post('/usage', usage(customer, 5), single)).status).toBe(201);
  expect((await api.post('/usage', usage(customer, 5, { id: `${customer}/single` }))).status).toBe(200);
  expect((await api.post('/usage', [usage(customer, 5), usage(customer, 5)], single)).status).toBe(409);
  expect(await api.quantity(customer, 'api.requests')).toBe('9');
});

test.each([
  // record                                     path              reason
  [{ recordValue: -1 }, 'recordValue', 'credits_not_allowed'],
  [{ timestamp: '2200-01-01T00:00:00Z' }, 'timestamp', 'time_in_future'],
  [{ startTime: '2026-03-02T00:00:00Z' }, 'startTime', 'start_after_time'],
  [{ recordValue: '1e5' }, 'recordValue', undefined],
])('what cannot be counted is refused with all others: %j', async (changes, path, reason) => {
  const customer = newCustomer();
  const refused = await api.post('/usage', [usage(customer, 1), { ...usage(customer, 1), ...changes }]);
  expect(refused.status).toBe(400);
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(refused.body).toMatchObject({ code: 'INVALID_BODY', errors: [{ path: `[1].${path}` }] });
  expect(refused.body.errors[0].reason).toBe(reason);
  expect(await api.quantity(customer, 'api.requests')).toBe('0');
  const single = await api.post('/usage', { ...usage(customer, 1), ...changes });
  expect(single.body.errors[0].path).toBe(path);
});

test('credits are taken where the dimension allows them', async () => {
  const customer = newCustomer();
  await api.post('/dimensions', { id: 'credited', creditsAllowed: true });
  const { status } = await api.post('/usage', [
    usage(customer, 5, { dimensionId: 'credited' }),
    usage(customer, '-7.5', { dimensionId: 'credited' }),
  ]);
  expect(status).toBe(201);
  expect(await api.quantity(customer, 'credited')).toBe('-2.5');
});

test('an import asks for little and gets little', async () => {
  const customer = newCustomer();
  const records = Array.from({ length: 5_000 }, (_, i) => usage(customer, 1, { id: `${customer}/${i}` }));
  const send = (part: object[]) => api.post('/usage', part, { Prefer: 'respond-async, return=minimal' });
  const first = await send(records.slice(0, 3_000));
  expect(first.headers.get('preference-applied')).toBe('return=minimal');
  expect([first.status, first.body]).toEqual([201, { stored: 3_000, duplicates: 0 }]);
  expect(await send(records)).toMatchObject({ status: 201, body: { stored: 2_000, duplicates: 3_000 } });
  expect(await send(records)).toMatchObject({ status: 200, body: { stored: 0, duplicates: 5_000 } });
  expect(await api.quantity(customer, 'api.requests')).toBe('5000');
});

test.each([
  // what                    method    headers                                          body        status  code
  ['another type', 'POST', { 'Content-Type': 'text/plain' }, '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['another encoding', 'POST', { 'Content-Encoding': 'br' }, '{}', 415, 'UNSUPPORTED_ENCODING'],
  ['broken gzip', 'POST', { 'Content-Encoding': 'gzip' }, 'x', 400, 'INVALID_BODY'],
  ['no JSON', 'POST', {}, '{"a":', 400, 'INVALID_JSON'],
  ['no UTF-8', 'POST', {}, new Uint8Array([0x22, 0xff, 0x22]), 400, 'INVALID_JSON'],
  ['a text', 'POST', {}, '"x"', 400, 'INVALID_BODY'],
  ['an empty Idempotency-Key', 'POST', { 'Idempotency-Key': '' }, '[]', 400, 'INVALID_BODY'],
  ['another method', 'PUT', {}, '{}', 405, 'METHOD_NOT_ALLOWED'],
  ['another method', 'PATCH', {}, '{}', 405, 'METHOD_NOT_ALLOWED'],
  ['a bomb', 'POST', { 'Content-Encoding': 'gzip' }, gzipSync(Buffer.alloc(65 << 20)), 413, 'TOO_LARGE'],
  ['a large body', 'POST', {}, Buffer.alloc((64 << 20) + 1, ' '), 413, 'TOO_LARGE'],
])('%s is refused', async (_, method, headers, body, status, code) => {
  const reply = await api.send(method, '/usage', body, headers as Record<string, string>);
  expect([reply.status, reply.body.code]).toEqual([status, code]);
  expect(reply.body).toMatchObject({ type: 'about:blank', status });
  expect(reply.body.detail.length).toBeGreaterThan(5);
  if (status === 405) expect(reply.headers.get('allow')).toBe('GET, POST');
});
