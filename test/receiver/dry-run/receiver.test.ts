/** Dry runs in a receiver that runs: its journal is read, and nothing of it is changed. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';
import { ApiClient } from '../../system/api/api-client.ts';
import { logsRequest, sumRequest } from './otlp-requests.ts';

let folder: string;
let dataDir: string;
let scratchParent: string;
let receiver: ReceiverProcess;
let api: ApiClient;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dry-run-receiver-test-'));
  dataDir = join(folder, 'data');
  scratchParent = join(folder, 'tmp');
  await mkdir(scratchParent);
  await start();
});
afterAll(async () => {
  await receiver.stop();
  await rm(folder, { recursive: true });
});

async function start(): Promise<void> {
  receiver = await startReceiver({ dataDir, env: { TMPDIR: scratchParent } });
  api = new ApiClient(receiver.url);
}

const ORDERS = {
  id: 'orders',
  signals: ['logs'],
  match: { all: [{ path: 'body', eq: 'order placed' }] },
  customer: 'attributes["account"]',
  dimension: 'orders',
  value: { path: 'attributes["amount"]' },
};
/** Counts each order as one, and leaves those of a region out. */
const OTHER = {
  ...ORDERS,
  match: { ...ORDERS.match, none: [{ path: 'attributes["region"]', eq: 'test' }] },
  value: { constant: '1' },
};

const order = (at: number, account: string, amount: number, more: Record<string, string> = {}) => ({
  at,
  body: 'order placed',
  attributes: { account, amount, ...more },
});

/** Of every file below the data directory. */
/** Of the journal, the ledger and what holds them. The lake is written whenever what was stored before is due. */
async function hashes(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    if (file.startsWith(join(dataDir, 'lake'))) continue;
    found[file] = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  }
  return found;
}

const USAGE = '/usage?from=2020-01-01&to=2030-01-01&dimensionId=orders';

describe('a rule beside the version in force', () => {
  beforeAll(async () => {
    expect((await api.post('/meters', ORDERS)).status).toBe(201);
    await api.otlp('logs', logsRequest([order(9, 'acme', 5), order(8, 'acme', 7), order(7, 'globex', 1)]));
    // Sent again, and something that only the built-in meter takes.
    await api.otlp('logs', logsRequest([order(9, 'acme', 5), order(6, 'initech', 2, { region: 'test' })]));
    const point = { at: 5, start: 6, value: 3, attributes: { 'usage.customer.id': 'acme' } };
    await api.otlp('metrics', sumRequest('usage.requests', [point]));
  });

  test('the report says what it would change, and agrees with what is counted', async () => {
    const { status, body } = await api.post('/meters/test', { rule: OTHER });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      meterId: 'orders',
      inForceVersion: 1,
      requests: 2,
      signals: 5,
      matched: 4,
      matchedInForce: 5,
      duplicates: 1,
      quarantined: [],
      unreadable: { requests: 0 },
    });
    const quantities = body.customers.map((row: Record<string, string>) => [
      row.customerId,
      row.quantity,
      row.inForceQuantity,
      row.difference,
    ]);
    expect(quantities).toEqual([
      ['acme', '2', '12', '-10'],
      ['initech', null, '2', '-2'],
      ['globex', '1', '1', '0'],
    ]);
    const { rows } = (await api.get(USAGE)).body;
    for (const { customerId, quantity } of rows)
      expect(quantities.find(([id]: string[]) => id === customerId)[2]).toBe(quantity);
  });

  test('nothing is written, and nothing stays behind', async () => {
    // A question brings everything that was acknowledged into the ledger: what follows finds nothing to do.
    await api.get(USAGE);
    const before = await hashes();
    expect(Object.keys(before).length).toBeGreaterThan(2);
    expect((await api.post('/meters/test', { rule: OTHER })).status).toBe(200);
    expect(await hashes()).toEqual(before);
    expect(await readdir(scratchParent)).toEqual([]);
    expect((await api.get('/meters/orders')).body.version).toBe(1);
  });

  test('usage is taken meanwhile, and a second dry run has to wait', async () => {
    const first = api.post('/meters/test', { rule: OTHER });
    const second = await api.post('/meters/test', { rule: OTHER });
    expect(second).toMatchObject({ status: 429, body: { code: 'DRY_RUN_UNDER_WAY' } });
    await api.otlp('logs', logsRequest([order(3, 'late', 4)]));
    const { rows } = (await api.get(`${USAGE}&customerId=late`)).body;
    expect(rows).toMatchObject([{ customerId: 'late', quantity: '4' }]);
    expect((await first).status).toBe(200);
    expect((await api.post('/meters/test', { rule: OTHER })).body.signals).toBe(6);
  });

  test('only so many hours are looked at', async () => {
    const { body } = await api.post('/meters/test', { rule: OTHER, lastHours: 0.000001 });
    expect(body).toMatchObject({ requests: 0, signals: 0, receivedFrom: null });
  });

  test.each([
    ['a rule that is none', { rule: { ...ORDERS, customer: 7 } }, 'rule.customer'],
    ['a week at most', { rule: ORDERS, lastHours: 169 }, 'lastHours'],
    ['no rule', {}, 'rule'],
    ['what is no field', { rule: ORDERS, hours: 1 }, 'hours'],
  ])('%s is refused', async (_, request, path) => {
    const { status, body } = await api.post('/meters/test', request);
    expect([status, body.errors[0].path]).toEqual([400, path]);
  });

  test('with any other method, test is the id of a meter', async () => {
    expect((await api.get('/meters/test')).status).toBe(404);
    expect((await api.put('/meters/test', { ...ORDERS, id: 'test' })).status).toBe(201);
    expect((await api.delete('/meters/test')).status).toBe(204);
  });

  test('whoever goes away ends the dry run', async () => {
    const gone = new AbortController();
    const asked = fetch(`${receiver.url}/api/v1/meters/test`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ rule: OTHER }),
      signal: gone.signal,
    });
    while ((await readdir(scratchParent)).length === 0) await new Promise(setImmediate);
    gone.abort();
    await expect(asked).rejects.toThrow();
    while ((await readdir(scratchParent)).length > 0) await new Promise(setImmediate);
    let reply = await api.post('/meters/test', { rule: OTHER });
    while (reply.status === 429) reply = await api.post('/meters/test', { rule: OTHER });
    expect(reply.status).toBe(200);
  });
});

test('a receiver that stops ends it, and leaves nothing behind', async () => {
  const asked = api.post('/meters/test', { rule: OTHER }).catch(() => null);
  while ((await readdir(scratchParent)).length === 0) await new Promise(setImmediate);
  await receiver.stop();
  const reply = await asked;
  expect([200, 503]).toContain(reply?.status);
  expect(await readdir(scratchParent)).toEqual([]);
  await start();
});

test('what a killed receiver left behind goes with the next dry run', async () => {
  const asked = api.post('/meters/test', { rule: OTHER }).catch(() => null);
  while ((await readdir(scratchParent)).length === 0) await new Promise(setImmediate);
  await receiver.kill();
  await asked;
  expect(await readdir(scratchParent)).toHaveLength(1);
  await start();
  const { body } = await api.post('/meters/test', { rule: OTHER });
  expect(body.matched).toBe(5);
  expect(await readdir(scratchParent)).toEqual([]);
});
