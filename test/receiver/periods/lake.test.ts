/** Closed periods as analysts and the list of pending adjustments see them: of all customers, and in the lake. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiServer } from '../http/api-server.ts';

let server: ApiServer;
let directory: string;
beforeEach(async () => {
  server = await ApiServer.start();
  directory = mkdtempSync(join(tmpdir(), 'usage-meter-periods-lake-'));
});
afterEach(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

const MARCH = { from: '2026-03-01', to: '2026-04-01', timeZone: 'UTC' };

const record = (customerId: string, recordValue: string, timestamp = '2026-03-05T00:00:00Z') => ({
  customerId,
  dimensionId: 'calls',
  recordValue,
  timestamp,
});

async function post(path: string, body: unknown) {
  const reply = await server.client.post(path, body);
  expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
  return reply.body;
}

/** Customers with pending adjustments, and by how much, a page of this many rows at a time. */
async function pending(limit: number): Promise<[string, string][]> {
  const all: [string, string][] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { body } = await server.client.get(`/adjustments?limit=${limit}${more}`);
    expect(body.rows.length).toBeLessThanOrEqual(limit);
    for (const { customerId, quantity } of body.rows) all.push([customerId, quantity]);
    cursor = body.nextCursor;
  }
  return all;
}

test.each([1, 10])(
  'pending adjustments of all customers, %i a page, are of those to whom something happened',
  async (limit) => {
    const customers = ['late', 'voided', 'reopened', 'joined', 'other', 'quiet', 'open', 'next'];
    const { records } = await post(
      '/usage',
      customers.map((id) => record(id, '10')),
    );
    for (const customerId of customers)
      if (customerId !== 'open') await post('/periods/close', { ...MARCH, customerId });
    expect(await pending(limit)).toEqual([]);

    await post('/usage', [
      record('late', '5'),
      record('open', '5'),
      record('next', '5', '2026-04-05T00:00:00Z'),
    ]);
    await post(`/records/${records[1].recordId}/void`, { reason: 'a mistake' });
    await server.client.put('/customers/joined', { aliases: ['other'] });
    // What an April statement had taken up is pending again when that is re-opened.
    await post('/usage', record('reopened', '7'));
    const april = await post('/periods/close', {
      customerId: 'reopened',
      from: '2026-04-01',
      to: '2026-05-01',
      timeZone: 'UTC',
    });
    expect(april.adjustments).toHaveLength(1);
    // Behind May's statement nothing came: only that April's is re-opened tells.
    await post('/usage', record('reopened', '1', '2026-05-05T00:00:00Z'));
    const may = { customerId: 'reopened', from: '2026-05-01', to: '2026-06-01', timeZone: 'UTC' };
    await post('/periods/close', may);
    const before = await pending(limit);
    await post(`/statements/${april.id}/reopen`, { note: 'the price was wrong' });

    expect(before).toEqual([
      ['late', '5'],
      ['voided', '-10'],
    ]);
    expect(await pending(limit)).toEqual([
      ['late', '5'],
      ['reopened', '7'],
      ['voided', '-10'],
    ]);
  },
);

test('the lake has statements, their lines, adjustments and the audit log, as the ledger has them', async () => {
  const order = { directory, rewriteRows: 0, isQuiet: false, anew: false, keepReplacedMs: 3_600_000 };
  await server.client.put('/dimensions/calls', { usageIncrement: '4', unitPrice: '0.25' });
  await post('/usage', [record('acme', '10'), record('globex', '3')]);
  await post('/periods/close', { ...MARCH, note: 'March' });
  // One export before the rest: what changes later is in the next.
  await server.ingest.caughtUp();
  await server.ingest.ledger.exportLake(order);
  await post('/usage', [record('acme', '2.5'), record('acme', '1', '2026-04-05T00:00:00Z')]);
  const april = { customerId: 'acme', from: '2026-04-01', to: '2026-05-01', timeZone: 'UTC' };
  const { id } = await post('/periods/close', april);
  await post(`/statements/${id}/reopen`, { note: 'once more' });
  await post('/periods/close', april);
  await server.ingest.caughtUp();
  await server.ingest.ledger.exportLake(order);

  const views = ['statements', 'statement_lines', 'adjustments', 'audit_log'];
  const questions = views.map((view) => `SELECT * FROM ${view} ORDER BY ALL`);
  const instance = await DuckDBInstance.create(join(directory, 'usage.duckdb'), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const inLake: string[][][] = [];
  for (const question of questions) {
    const rows = (await connection.runAndReadAll(question)).getRowsJson();
    inLake.push(rows.map((row) => row.map((value) => String(value))));
  }
  connection.closeSync();
  instance.closeSync();
  expect(inLake).toEqual(await server.askLedger(questions));
  expect(inLake.map((rows) => rows.length)).toEqual([4, 4, 2, 6]);
});
