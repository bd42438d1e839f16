/**
 * DNS rebinding as it is done: a page of evil.example, once loaded, finds a receiver without API keys where its own server
 * was. A real Chromium in which that name leads to this machine, and a real receiver.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startReceiver } from '../support/receiver-process.ts';
import { launchChromium } from './support/chromium.ts';

const EVIL = 'evil.example';
const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-rebinding-'));
let browser: Browser | undefined;

beforeAll(async () => {
  browser = await launchChromium([`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`]);
});
afterAll(async () => {
  await browser?.close();
  rmSync(dataDir, { recursive: true });
});

/** What the page does: each to a status, or to the error that the browser gives it. */
const ATTACK = `(async () => {
  const done = {};
  const attempt = async (name, path, options) => {
    try {
      const answer = await fetch(path, options);
      done[name] = { status: answer.status, text: await answer.text() };
    } catch (error) {
      done[name] = { status: 0, text: String(error) };
    }
  };
  const type = { 'Content-Type': 'application/json' };
  const record = (id) => JSON.stringify({ id, customerId: 'acme', dimensionId: 'stolen', recordValue: '1' });
  const log = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{
    timeUnixNano: Date.now() + '000000',
    attributes: [
      { key: 'usage.customer.id', value: { stringValue: 'acme' } },
      { key: 'usage.dimension.id', value: { stringValue: 'stolen' } },
    ],
  }] }] }] });
  const post = (body, more) => ({ method: 'POST', headers: type, body, ...more });
  await attempt('read', '/api/v1/customers');
  await attempt('record', '/api/v1/usage', post(record('a')));
  // What a page could do to be without an origin.
  await attempt('record without referrer', '/api/v1/usage', post(record('b'), { referrerPolicy: 'no-referrer' }));
  await attempt('record of the same origin', '/api/v1/usage', post(record('c'), { mode: 'same-origin' }));
  await attempt('forged headers', '/api/v1/usage', {
    ...post(record('d')),
    headers: { ...type, Host: 'localhost', Origin: 'http://localhost', 'X-Forwarded-Host': 'localhost' },
  });
  await attempt('log', '/v1/logs', post(log));
  await attempt('change', '/api/v1/customers', post('{"id":"mallory"}'));
  // What a beacon is.
  await attempt('kept alive', '/api/v1/usage', post(record('e'), { keepalive: true }));
  await attempt('page', '/', { headers: { Accept: 'text/html' } });
  return done;
})()`;

type Done = Record<string, { status: number; text: string }>;

/** @returns what the page of evil.example could do, and how much usage it left behind */
async function attack(args: string[]): Promise<{ done: Done; records: number }> {
  const lure = await luringServer();
  const { port } = lure.address() as AddressInfo;
  const page = await browser!.newPage();
  await page.goto(`http://${EVIL}:${port}/`);
  await new Promise((resolve) => {
    lure.close(resolve);
    lure.closeAllConnections();
  });
  const receiver = await startReceiver({ dataDir: mkdtempSync(join(dataDir, 'data-')), port, args });
  try {
    const done = (await page.evaluate(ATTACK)) as Done;
    await page.close();
    const counted = await fetch(
      `${receiver.url}/api/v1/usage?from=2020-01-01&to=2100-01-01&groupBy=dimensionId`,
    );
    const { rows } = (await counted.json()) as { rows: { records: number }[] };
    return { done, records: rows.reduce((sum, row) => sum + row.records, 0) };
  } finally {
    await receiver.stop();
  }
}

/** It answers with an empty page, which is enough. */
function luringServer(): Promise<Server> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>lure</title><link rel="icon" href="data:,">');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const statuses = (done: Done) =>
  Object.fromEntries(Object.entries(done).map(([name, { status }]) => [name, status]));

test('it works where the name is allowed', async () => {
  const { done, records } = await attack(['--allowed-hosts', EVIL]);
  expect(statuses(done)).toEqual({
    read: 200,
    record: 201,
    'record without referrer': 201,
    'record of the same origin': 201,
    'forged headers': 201,
    log: 200,
    change: 201,
    'kept alive': 201,
    page: expect.any(Number),
  });
  expect(JSON.parse(done.read.text)).toHaveProperty('rows');
  expect(records).toBe(6);
});

test('it fails where it is not, whatever the page tries, and no usage is recorded', async () => {
  const { done, records } = await attack([]);
  expect(new Set(Object.values(statuses(done)))).toEqual(new Set([403]));
  expect(JSON.parse(done.read.text)).toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  expect(done.page.text).toContain('This address is not allowed.');
  expect(records).toBe(0);
});
