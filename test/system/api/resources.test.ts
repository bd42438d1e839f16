/** Customers, dimensions and meters over the API of a receiver in a process of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';
import { ApiClient, logRequest } from './api-client.ts';

let dataDir: string;
let receiver: ReceiverProcess;
let api: ApiClient;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-resources-'));
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

const path = (collection: string, id: string) => `/${collection}/${encodeURIComponent(id)}`;
const use = async (customerId: string, dimensionId: string, recordValue: unknown = 1) => {
  const { status, body } = await api.post('/usage', { customerId, dimensionId, recordValue });
  expect(status).toBe(201);
  return body.records[0];
};
const RULE = {
  id: 'checkout',
  signals: ['logs'],
  match: { all: [{ path: 'attributes["event"]', eq: 'checkout' }] },
  customer: 'attributes["customer"]',
  dimension: 'checkouts',
};

const CUSTOMER = { name: null, email: null, timeZone: null, aliases: [], metadata: {} };
const DIMENSION = {
  name: null,
  unit: '1',
  aggregation: 'sum',
  uniqueKey: null,
  levelTtl: null,
  interval: 'none',
  usageIncrement: null,
  unitPrice: null,
  rounding: null,
  creditsAllowed: false,
};

describe.each([
  // collection    what it is made of       what is left out
  ['customers', { name: 'Acme', email: 'a@acme.test', timeZone: 'Europe/Berlin' }, CUSTOMER],
  ['dimensions', { name: 'Tokens', unit: 'By', usageIncrement: '0.5', rounding: 'ceiling' }, DIMENSION],
])('%s', (collection, fields, defaults) => {
  test.each([
    // ids as people choose them
    ['acme'],
    ['a/b'],
    ['a%2Fb'],
    ['?q=1&x#y'],
    [' space '],
    ['"quoted"'],
    ["o'hara; DROP TABLE stored.customers--"],
    ['_%'],
    ['клиент-😀-שלום'],
    ['a+b:c@d'],
    ['void'],
    ['x'.repeat(1024)],
  ])('live under the id %j', async (id) => {
    const declared = { id, ...defaults, ...fields, discovered: false, managedBy: 'api' };
    expect((await api.get(path(collection, id))).status).toBe(404);
    const created = await api.post(`/${collection}`, { id, ...fields });
    expect([created.status, created.body]).toEqual([201, declared]);
    expect(created.headers.get('location')).toBe(`/api/v1${path(collection, id)}`);
    expect(await api.get(path(collection, id))).toMatchObject({ status: 200, body: declared });
    const again = await api.post(`/${collection}`, { id });
    expect([again.status, again.body.code]).toEqual([409, 'ALREADY_DECLARED']);

    const replaced = await api.put(path(collection, id), { name: 'New' });
    const { name: _name, ...rest } = replaced.body;
    const unit = collection === 'dimensions' ? { unit: 'By' } : {};
    expect(replaced.status).toBe(200);
    expect(rest).toEqual({ ...{ ...declared, ...defaults, ...unit }, name: undefined });
    expect((await api.get(path(collection, id))).body).toEqual(replaced.body);

    expect((await api.delete(path(collection, id))).status).toBe(204);
    expect((await api.get(path(collection, id))).status).toBe(404);
    expect((await api.delete(path(collection, id))).status).toBe(404);
  });

  test('are listed by pages, found by their beginning, and known after a crash', async () => {
    const ids = Array.from({ length: 7 }, (_, i) => `page/${i}`);
    for (const id of ids) {
      const { status } = await api.put(path(collection, id), {});
      expect(status).toBe(201);
    }
    await receiver.kill();
    receiver = await startReceiver({ dataDir });
    api = new ApiClient(receiver.url);
    const found: string[] = [];
    let cursor = '';
    do {
      const { body } = await api.get(`/${collection}?q=PAGE&limit=3${cursor}`);
      expect(body.rows.length).toBeLessThanOrEqual(3);
      found.push(...body.rows.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
    } while (cursor !== '');
    expect(found).toEqual(ids);
  });

  test('are taken over where they were discovered, and stay while they have usage', async () => {
    const id = `found-${collection}`;
    const record = await use(collection === 'customers' ? id : 'c', collection === 'customers' ? 'd' : id);
    expect((await api.get(path(collection, id))).body).toMatchObject({ discovered: true, managedBy: null });
    const taken = await api.post(`/${collection}`, { id, name: 'Declared' });
    expect([taken.status, taken.body.discovered]).toEqual([201, false]);
    const refused = await api.delete(path(collection, id));
    expect([refused.status, refused.body.code]).toEqual([409, 'HAS_USAGE']);
    await api.post(`/records/${record.recordId}/void`, { reason: 'a test' });
    expect((await api.delete(path(collection, id))).status).toBe(204);
  });

  test.each([
    // body                                          paths at fault
    [{}, ['id']],
    [{ id: '' }, ['id']],
    [{ id: 7 }, ['id']],
    [{ id: 'x'.repeat(1025) }, ['id']],
    [{ id: 'x', name: 7, colour: 'red' }, ['name', 'colour']],
    [[], ['']],
    ['"x"', ['']],
  ])('refuse %j', async (body, paths) => {
    const refused = await api.post(`/${collection}`, body);
    expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_BODY']);
    expect(refused.body.errors.map((error: { path: string }) => error.path)).toEqual(paths);
  });

  test('refuse what is no text, no JSON, or not for them', async () => {
    const id = path(collection, 'refused');
    expect((await api.post(`/${collection}`, '{"id":"\\ud800"}')).status).toBe(400);
    expect((await api.put(id, '{')).body.code).toBe('INVALID_JSON');
    expect((await api.put(id, { id: 'another' })).body.errors[0].path).toBe('id');
    expect((await api.send('PUT', id, '{}', { 'Content-Type': 'text/plain' })).status).toBe(415);
    expect((await api.send('PATCH', id, '{}')).headers.get('allow')).toBe('GET, PUT, DELETE');
    expect((await api.delete(`/${collection}`)).headers.get('allow')).toBe('GET, POST');
    expect((await api.get(`/${collection}?colour=red`)).body).toMatchObject({
      status: 400,
      parameter: 'colour',
    });
    expect((await api.get(`${id}?colour=red`)).body).toMatchObject({ status: 400, parameter: 'colour' });
    expect((await api.get(`/${collection}/%ff`)).body.code).toBe('INVALID_PATH');
  });
});

describe('aliases', () => {
  test('an alias takes over what was discovered under it, and what comes later', async () => {
    await use('acme-old', 'calls', 3);
    const { status } = await api.post('/customers', { id: 'acme-new', aliases: ['acme-old', 'acme-older'] });
    expect(status).toBe(201);
    expect(await api.quantity('acme-new', 'calls')).toBe('3');
    await use('acme-older', 'calls', 4);
    expect(await api.quantity('acme-new', 'calls')).toBe('7');
    const gone = await api.get('/customers/acme-old');
    expect([gone.status, gone.body.detail]).toEqual([404, '"acme-old" is an alias of customer "acme-new"']);
  });

  test.each([
    // body                                              status  code               path
    [{ id: 'b', aliases: ['taken'] }, 409, 'ALIAS_TAKEN', 'aliases[0]'],
    [{ id: 'b', aliases: ['fine', 'a'] }, 409, 'ALIAS_TAKEN', 'aliases[1]'],
    [{ id: 'taken' }, 409, 'ALIAS_TAKEN', undefined],
    [{ id: 'b', aliases: ['b'] }, 400, 'INVALID_BODY', 'aliases[0]'],
    [{ id: 'b', aliases: ['x', 'x'] }, 400, 'INVALID_BODY', 'aliases[1]'],
    [{ id: 'b', aliases: ['x', ''] }, 400, 'INVALID_BODY', 'aliases[1]'],
  ])('%j is refused', async (body, status, code, at) => {
    await api.put('/customers/a', { aliases: ['taken'] });
    const refused = await api.post('/customers', body);
    expect([refused.status, refused.body.code, refused.body.errors?.[0].path]).toEqual([status, code, at]);
    expect((await api.get('/customers/b')).status).toBe(404);
  });

  test('an alias that is taken out is free again', async () => {
    await api.put('/customers/one', { aliases: ['moving'] });
    await api.put('/customers/one', { aliases: [] });
    expect((await api.put('/customers/two', { aliases: ['moving'] })).status).toBe(201);
    await use('moving', 'calls', 9);
    expect(await api.quantity('two', 'calls')).toBe('9');
  });
});

describe('units', () => {
  test('a unit must be one, and the fault says what may have been meant', async () => {
    const refused = await api.post('/dimensions', { id: 'u', unit: 'bytes' });
    expect([refused.status, refused.body.errors[0].path]).toEqual([400, 'unit']);
  });

  test('a unit stays while there is usage in it', async () => {
    await api.post('/dimensions', { id: 'unit', unit: 'By' });
    expect((await api.put('/dimensions/unit', { unit: 'KiBy' })).status).toBe(200);
    await use('acme', 'unit', 2);
    const refused = await api.put('/dimensions/unit', { unit: 'By' });
    expect([refused.status, refused.body.code, refused.body.errors[0].path]).toEqual([
      409,
      'HAS_USAGE',
      'unit',
    ]);
    expect((await api.put('/dimensions/unit', { unit: 'KiBy', name: 'n' })).status).toBe(200);
    // What is left out stays.
    expect((await api.put('/dimensions/unit', {})).body.unit).toBe('KiBy');
  });

  test('a discovered unit that does not convert can be declared as it is', async () => {
    const now = String(BigInt(Date.now()) * 1_000_000n);
    const attributes = [{ key: 'usage.customer.id', value: { stringValue: 'acme' } }];
    const dataPoints = [{ attributes, startTimeUnixNano: now, timeUnixNano: now, asInt: '1' }];
    const sum = { dataPoints, aggregationTemporality: 1, isMonotonic: true };
    await api.otlp('metrics', {
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'usage.odd', unit: 'requests', sum }] }] }],
    });
    expect((await api.get('/dimensions/odd')).body).toMatchObject({ unit: 'requests', discovered: true });
    expect((await api.post('/dimensions', { id: 'odd', unit: 'calls' })).status).toBe(400);
    const { status, body } = await api.post('/dimensions', { id: 'odd', unit: 'requests' });
    expect([status, body.unit]).toEqual([201, 'requests']);
  });
});

describe('meters', () => {
  test('a meter has versions, and the same rule again is none', async () => {
    const created = await api.post('/meters', RULE);
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe('/api/v1/meters/checkout');
    expect(created.body).toMatchObject({
      ...RULE,
      version: 1,
      managedBy: 'api',
      enabled: true,
      deleted: false,
    });
    expect((await api.get('/meters/checkout')).body).toEqual(created.body);
    expect((await api.post('/meters', RULE)).body.code).toBe('ALREADY_DECLARED');
    const { id: _id, ...rest } = RULE;
    expect((await api.put('/meters/checkout', rest)).body).toEqual(created.body);
    const second = await api.put('/meters/checkout', { ...RULE, value: { constant: '2' } });
    expect([second.status, second.body.version]).toEqual([200, 2]);

    expect((await api.delete('/meters/checkout')).status).toBe(204);
    expect((await api.get('/meters/checkout')).status).toBe(404);
    expect((await api.put('/meters/checkout', RULE)).body.version).toBe(3);
    const { body } = await api.get('/meters/checkout?versions=all');
    expect(body.versions.map(({ version }: { version: number }) => version)).toEqual([3, 2, 1]);
    expect(body.versions[1]).toMatchObject({ rule: { value: { constant: '2' } }, deleted: true });
    expect((await api.get('/meters/checkout?versions=some')).body.parameter).toBe('versions');
  });

  test('a meter counts what arrives after it', async () => {
    const timeUnixNano = BigInt(Date.now()) * 1_000_000n;
    const log = (n: number) =>
      logRequest([
        { attributes: { event: 'sale', customer: 'acme', n }, timeUnixNano: timeUnixNano + BigInt(n) },
      ]);
    await api.otlp('logs', log(1));
    await api.post('/meters', {
      ...RULE,
      id: 'sale',
      match: { all: [{ path: 'attributes["event"]', eq: 'sale' }] },
      dimension: 'sales',
    });
    await api.otlp('logs', log(2));
    expect(await api.quantity('acme', 'sales')).toBe('1');
    await api.put('/meters/sale', {
      ...RULE,
      id: 'sale',
      match: { all: [{ path: 'attributes["event"]', eq: 'sale' }] },
      dimension: 'sales',
      value: { constant: '10' },
    });
    await api.otlp('logs', log(3));
    expect(await api.quantity('acme', 'sales')).toBe('11');
    await api.delete('/meters/sale');
    await api.otlp('logs', log(4));
    expect(await api.quantity('acme', 'sales')).toBe('11');
  });

  test('the built-in meter is listed where it belongs, and cannot be changed', async () => {
    await api.put('/meters/a-first', { ...RULE, id: 'a-first' });
    const { body } = await api.get('/meters');
    const ids = body.rows.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(['a-first', 'builtin', 'checkout']);
    const pages: string[] = [];
    let cursor = '';
    do {
      const page = (await api.get(`/meters?limit=1${cursor}`)).body;
      pages.push(...page.rows.map(({ id }: { id: string }) => id));
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    expect(pages).toEqual(ids);
    expect((await api.get('/meters?managedBy=file')).body.rows).toEqual([]);
    expect((await api.get('/meters?q=BUILT')).body.rows).toHaveLength(1);
    expect((await api.get('/meters/builtin')).body).toMatchObject({ version: 0, managedBy: 'builtin' });
    expect((await api.put('/meters/builtin', RULE)).body.code).toBe('BUILTIN');
    expect((await api.delete('/meters/builtin')).body.code).toBe('BUILTIN');
    expect((await api.post('/meters', { ...RULE, id: 'builtin' })).body.errors[0].path).toBe('id');
  });

  test.each([
    // changes                                                              path at fault
    [{ signals: [] }, 'signals'],
    [{ match: {} }, 'match'],
    [{ match: { all: [{ path: 'attributes["a"]', regex: '(' }] } }, 'match.all[0].regex'],
    [{ customer: 'colour' }, 'customer'],
    [{ value: 'point' }, 'value'],
    [{ colour: 'red' }, 'colour'],
    [{ id: 'with space' }, 'id'],
  ])('%j is refused', async (changes, at) => {
    const refused = await api.post('/meters', { ...RULE, ...changes });
    expect([refused.status, refused.body.errors[0].path]).toEqual([400, at]);
  });
});

test('writes at the same time are made one after the other', async () => {
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, i) => api.post('/customers', { id: 'raced', name: `${i}` })),
  );
  expect(replies.map(({ status }) => status).toSorted()).toEqual([201, ...Array(7).fill(409)]);
});

test('status tells how far the receiver is', async () => {
  const { status, body } = await api.get('/status');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    state: 'ready',
    diskIsFull: false,
    received: { logs: { requests: expect.any(Number) } },
    settings: { discovery: true, maxFutureSeconds: 600 },
  });
  expect(body.journal.durableSequence).toBe(body.journal.lastSequence);
  expect(body.counts.customers).toBeGreaterThan(0);
  expect((await api.post('/status', {})).headers.get('allow')).toBe('GET');
});
