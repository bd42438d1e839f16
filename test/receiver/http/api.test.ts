import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FRAME_LOGS } from '../../../receiver/frames.ts';
import type { Change } from '../../../storage/changes.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../../../storage/resources.ts';
import { type ApiClient, logRequest } from '../../system/api/api-client.ts';
import { ApiServer } from './api-server.ts';

let server: ApiServer;
let api: ApiClient;

beforeAll(async () => {
  server = await ApiServer.start();
  api = server.client;
});

afterAll(() => server.stop());

const RULE = {
  signals: ['logs'],
  match: { all: [{ path: 'attributes["event"]', eq: 'x' }] },
  customer: 'attributes["customer"]',
  dimension: 'd',
};

describe('what usage-meter.yaml declares', () => {
  beforeAll(async () => {
    const customer = CustomerDeclaration.parse({ id: 'filed', aliases: ['filed-alias'] });
    const dimension = DimensionDeclaration.parse({ id: 'filed' });
    const changes: Change[] = [
      { type: 'customer_put', customer, managedBy: 'file' },
      { type: 'dimension_put', dimension, managedBy: 'file' },
      { type: 'meter_put', id: 'filed', rule: { id: 'filed', ...RULE }, managedBy: 'file' },
    ];
    await server.ingest.change({ changes });
  });

  test.each([
    ['customers', {}],
    ['dimensions', {}],
    ['meters', RULE],
  ])('%s are changed there alone', async (collection, body) => {
    const before = (await api.get(`/${collection}/filed`)).body;
    expect(before.managedBy).toBe('file');
    for (const refused of [
      await api.put(`/${collection}/filed`, body),
      await api.post(`/${collection}`, { ...body, id: 'filed' }),
      await api.delete(`/${collection}/filed`),
    ]) {
      expect([refused.status, refused.body.code]).toEqual([409, 'MANAGED_BY_FILE']);
      expect(refused.body.detail).toContain('usage-meter.yaml');
    }
    expect((await api.get(`/${collection}/filed`)).body).toEqual(before);
  });

  test('are no customers to take over', async () => {
    const refused = await api.post('/customers', { id: 'other', aliases: ['filed', 'filed-alias'] });
    expect(refused.body.errors.map(({ path }: { path: string }) => path)).toEqual([
      'aliases[0]',
      'aliases[1]',
    ]);
  });
});

describe('without discovery', () => {
  beforeAll(() =>
    server.ingest.change({
      changes: [{ type: 'settings_put', settings: { discovery: false, maxFutureSeconds: 5 } }],
    }),
  );
  afterAll(() =>
    server.ingest.change({
      changes: [{ type: 'settings_put', settings: { discovery: true, maxFutureSeconds: 600 } }],
    }),
  );

  test('records of what nobody declared are refused, with what to do', async () => {
    const record = { customerId: 'nobody', dimensionId: 'nothing', recordValue: 1 };
    const first = await api.post('/usage', record);
    expect(first.body.errors[0]).toMatchObject({ path: 'dimensionId', reason: 'unknown_dimension' });
    await api.put('/dimensions/nothing', {});
    const second = await api.post('/usage', [record]);
    expect(second.body.errors[0]).toMatchObject({ path: '[0].customerId', reason: 'unknown_customer' });
    expect(second.body.errors[0].message).toContain('/api/v1/customers');
    await api.put('/customers/nobody', {});
    expect((await api.post('/usage', record)).status).toBe(201);
    expect((await api.get('/status')).body.settings).toEqual({ discovery: false, maxFutureSeconds: 5 });
  });

  test('a repetition of what counted before is no fault now', async () => {
    await api.put('/dimensions/credits', { creditsAllowed: true });
    const record = { customerId: 'nobody', dimensionId: 'credits', recordValue: -1, id: 'credit-1' };
    expect((await api.post('/usage', record)).status).toBe(201);
    await api.put('/dimensions/credits', { creditsAllowed: false });
    expect((await api.post('/usage', record)).status).toBe(200);
    expect((await api.post('/usage', { ...record, id: 'credit-2' })).status).toBe(400);
  });

  test('unknown_customer is repaired by declaring the customer', async () => {
    await api.put('/dimensions/declared', {});
    const attributes = { 'usage.customer.id': 'late', 'usage.dimension.id': 'declared', 'usage.value': 4 };
    const request = logRequest([{ attributes, timeUnixNano: BigInt(Date.now()) * 1_000_000n }]);
    const encoding = { format: 'json', compression: 'identity' } as const;
    await server.ingest.signals(2, Buffer.from(JSON.stringify(request)), encoding);
    const replay = () => api.post('/quarantine/replay', { reason: 'unknown_customer' });
    expect((await replay()).body.quarantined).toEqual([{ reason: 'unknown_customer', signals: 1 }]);
    await api.put('/customers/late', {});
    expect((await replay()).body).toEqual({ signals: 1, counted: 1, quarantined: [], untouched: 0 });
    expect(await api.quantity('late', 'declared')).toBe('4');
  });
});

describe('while nothing can be taken', () => {
  const record = { customerId: 'acme', dimensionId: 'd', recordValue: 1 };
  const expectUnavailable = (reply: { status: number; headers: Headers; body: { code: string } }) => {
    expect([reply.status, reply.headers.get('retry-after'), reply.body.code]).toEqual([
      503,
      '2',
      'UNAVAILABLE',
    ]);
  };

  test('writes are sent away before their body is read, and questions are answered', async () => {
    server.access.admits = false;
    try {
      expectUnavailable(await api.post('/usage', record));
      expectUnavailable(await api.put('/customers/acme', {}));
      expectUnavailable(await api.delete('/customers/acme'));
      expectUnavailable(await api.post('/quarantine/replay', {}));
      expect((await api.get('/customers')).status).toBe(200);
    } finally {
      server.access.admits = true;
    }
  });

  test('without an Ingest everything is', async () => {
    const { ingest } = server.access;
    server.access.ingest = null;
    try {
      expectUnavailable(await api.post('/usage', record));
      expectUnavailable(await api.get('/customers'));
      expectUnavailable(await api.get('/status'));
    } finally {
      server.access.ingest = ingest;
    }
  });

  test('a write that a stop has overtaken is sent away too', async () => {
    const stopping = await ApiServer.start();
    try {
      await stopping.ingest.journal.close();
      expectUnavailable(await stopping.client.post('/usage', { ...record, id: 'overtaken' }));
    } finally {
      await stopping.stop();
    }
  });

  test('more bodies at once than there is memory for are sent away', async () => {
    expectUnavailable(await api.post('/usage', Buffer.alloc(2 << 20, ' ')));
    expect((await api.post('/usage', record)).status).toBe(201);
  });

  test('an Ingest that has failed is no fault of the caller', async () => {
    const own = await ApiServer.start();
    await own.ingest.close();
    expectUnavailable(await own.client.post('/usage', record));
    expectUnavailable(await own.client.put('/customers/acme', {}));
    expectUnavailable(await own.client.get('/customers'));
    await own.stop();
  });
});

describe('what stands in large requests', () => {
  const GZIP = { format: 'json', compression: 'gzip' } as const;
  /** Requests of one, two and one log without a customer, which look large: nothing but spaces follows. */
  async function sendOrphans(dimensionId: string): Promise<void> {
    const timeUnixNano = BigInt(Date.now() - 3_600_000) * 1_000_000n;
    let id = 0;
    for (const records of [1, 2, 1]) {
      const logs = Array.from({ length: records }, () => ({
        attributes: { 'usage.dimension.id': dimensionId, 'usage.event.id': `${dimensionId} ${++id}` },
        timeUnixNano,
      }));
      const body = JSON.stringify(logRequest(logs)).padEnd(40 << 20, ' ');
      await server.ingest.signals(FRAME_LOGS, gzipSync(body, { level: 1 }), GZIP);
    }
  }

  test('is repaired at once all the same', async () => {
    await sendOrphans('large');
    const correction = { customerId: 'acme' };
    const { status, body } = await api.post('/quarantine/replay', { dimensionId: 'large', correction });
    expect([status, body]).toEqual([200, { signals: 4, counted: 4, quarantined: [], untouched: 0 }]);
  });
});

test('a dimension that is gone with its usage comes back in the unit of it, or not at all', async () => {
  const id = 'left-the-file';
  expect((await api.post('/dimensions', { id, unit: 'kBy' })).status).toBe(201);
  const usage = { customerId: 'acme', dimensionId: id, recordValue: '5' };
  expect((await api.post('/usage', usage)).status).toBe(201);
  await server.ingest.change({ changes: [{ type: 'dimension_deleted', id, keptUnit: 'kBy' }] });
  expect((await api.get(`/dimensions/${id}`)).status).toBe(404);
  const refused = await api.post('/dimensions', { id, unit: '{file}' });
  expect([refused.status, refused.body.code]).toEqual([409, 'HAS_USAGE']);
  expect((await api.post('/dimensions', { id })).body.unit).toBe('kBy');
});
