/** Closing the period of many customers in a running receiver: kill -9 in the middle, and a rebuild. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReceiverProcess, runCommand, startReceiver } from '../support/receiver-process.ts';
import { ApiClient } from './api/api-client.ts';

/** Four pages of a close. */
const CUSTOMERS = 3_500;
const MARCH = { from: '2026-03-01', to: '2026-04-01' };

let dataDir: string;
let receiver: ReceiverProcess;
let client: ApiClient;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-periods-'));
  await start();
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

async function start(): Promise<void> {
  receiver = await startReceiver({ dataDir });
  client = new ApiClient(receiver.url);
}

const customerId = (n: number) => `customer-${String(n).padStart(5, '0')}`;

/** All statements, as the list shows them. */
async function statements(parameters = ''): Promise<{ id: string; customerId: string; hash: string }[]> {
  const { status, body } = await client.get(`/statements?limit=10000${parameters}`);
  expect([status, body.nextCursor]).toEqual([200, null]);
  return body.rows;
}

test('a close that a kill interrupts goes on where it was, and a rebuild has the same statements', async () => {
  const records = Array.from({ length: CUSTOMERS }, (_, n) => ({
    customerId: customerId(n),
    dimensionId: 'calls',
    recordValue: String(n),
    timestamp: '2026-03-05T00:00:00Z',
  }));
  expect((await client.post('/usage', records)).status).toBe(201);

  const closing = client.post('/periods/close', MARCH).catch(() => null);
  while ((await client.get('/statements?limit=1&freshness=available')).body.rows.length === 0);
  await receiver.kill();
  expect(await closing).toBeNull();

  await start();
  const before = await statements();
  expect(before.length).toBeGreaterThan(0);
  expect(before.length).toBeLessThan(CUSTOMERS);
  const again = await client.post('/periods/close', MARCH);
  expect(again.body).toMatchObject({ closed: CUSTOMERS - before.length, alreadyClosed: before.length });
  const after = await statements();
  expect(new Set(after.map((each) => each.customerId)).size).toBe(CUSTOMERS);
  expect(after).toHaveLength(CUSTOMERS);
  expect(after).toEqual(expect.arrayContaining(before.slice(0, 10)));
  const hashes = new Set(after.map(({ hash }) => hash));
  expect(before.every(({ hash }) => hashes.has(hash))).toBe(true);

  // Late data of one of them, and a re-opening, are to be the same after the rebuild too.
  await client.post('/usage', [{ ...records[7], recordValue: '0.5' }]);
  const [statement] = await statements(`&customerId=${customerId(9)}`);
  await client.post(`/statements/${statement.id}/reopen`, { note: 'test' });
  const said = async () => ({
    list: await statements(),
    reopened: (await client.get(`/statements/${statement.id}`)).body,
    pending: (await client.get('/adjustments')).body.rows,
    audit: (await client.get('/audit?limit=10')).body.rows,
  });
  const expected = await said();
  expect(expected.pending).toMatchObject([
    { customerId: customerId(7), quantity: '0.5', reasons: [{ reason: 'late_arrival', records: 1 }] },
  ]);
  await receiver.stop();
  await runCommand(['rebuild', '--data-dir', dataDir]);
  await start();
  expect(await said()).toEqual(expected);
}, 300_000);

test('periods that are closed and re-opened while their usage comes add up to it', async () => {
  const customers = Array.from({ length: 12 }, (_, n) => `busy-${n}`);
  const range = { from: '2026-02-01', to: '2026-03-01' };
  const sendRecords = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      const records = customers.map((customer, n) => ({
        customerId: customer,
        dimensionId: 'calls',
        recordValue: `${n}.${round + 1}`,
        timestamp: `2026-02-${String(1 + (round % 28)).padStart(2, '0')}T00:00:00Z`,
      }));
      expect((await client.post('/usage', records)).status).toBe(201);
    }
  };
  const isMine = ({ customerId: id }: { customerId: string }) => id.startsWith('busy-');
  const reopenSome = async () => {
    const { rows } = (await client.get('/statements?state=valid&from=2026-02-01&to=2026-03-01')).body;
    for (const { id } of rows.filter(isMine).slice(0, 4))
      expect((await client.post(`/statements/${id}/reopen`, { note: 'test' })).status).toBe(200);
  };
  await sendRecords(1);
  const sending = sendRecords(80);
  for (let n = 0; n < 3; n++) {
    expect((await client.post('/periods/close', range)).status).toBe(200);
    // Something for a later statement to take up: a day of a year before, closed by itself.
    const day = { from: `2025-01-0${n + 1}`, to: `2025-01-0${n + 2}` };
    for (const customer of customers.slice(0, 6))
      expect((await client.post('/periods/close', { customerId: customer, ...day })).status).toBe(201);
    await reopenSome();
  }
  await sending;
  expect((await client.post('/periods/close', range)).status).toBe(200);
  await sendRecords(2);

  const valid = (await client.get('/statements?state=valid')).body.rows.filter(isMine);
  const contents = await Promise.all(
    valid.map(async ({ id }: { id: string }) => (await client.get(`/statements/${id}`)).body),
  );
  const pending = (await client.get('/adjustments')).body.rows.filter(isMine);
  const thousandths = (quantity: string) => Math.round(Number(quantity) * 1000);
  for (const customer of customers) {
    const stated = contents.filter((content) => content.customerId === customer);
    const parts = [
      ...stated.flatMap(({ lines, adjustments }) => [...lines, ...adjustments]),
      ...pending.filter((row: { customerId: string }) => row.customerId === customer),
    ];
    const total = parts.reduce((sum, { quantity }) => sum + thousandths(quantity), 0);
    const usage = await client.get(`/usage?customerId=${customer}&from=2026-02-01&to=2026-03-01`);
    expect([customer, total]).toEqual([customer, thousandths(usage.body.rows[0].quantity)]);
  }
  expect(pending).toHaveLength(customers.length);
}, 120_000);
