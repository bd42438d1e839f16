/** The first minute: from nothing to the first record, with each of the wrong turns on the way. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

const KEY = 'a-key-of-the-test';
const library = fileURLToPath(new URL('../../instrumentation/index.ts', import.meta.url));
const dashboard = dashboardFixture({ apiKey: KEY });

async function openWithKey(path: string): Promise<Page> {
  const page = await dashboard.open(path, { expected: /status of 401/ });
  await page.getByLabel('API key').fill(KEY);
  await page.keyboard.press('Enter');
  return page;
}

async function post(path: string, body: string, headers: Record<string, string>): Promise<number> {
  const { status } = await fetch(dashboard.url + path, { method: 'POST', body, headers });
  return status;
}

const copied = async (page: Page): Promise<string> => {
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  return (await page.evaluate('navigator.clipboard.readText()')) as string;
};

const log = (attributes: Record<string, string>): string =>
  JSON.stringify({
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

test('without usage the overview leads here; each wrong turn is told apart, and the snippet that is copied turns it green', async () => {
  const page = await openWithKey('/');
  await page.waitForURL('**/first-run');
  await page.getByRole('heading', { level: 1, name: 'Record the first usage' }).waitFor();
  await page.getByText('Waiting for the first record.').waitFor();
  await page.getByText('Nothing has reached this address so far').waitFor();
  await page.getByText('in the place of YOUR_API_KEY').waitFor();
  await expectAccessible(page);

  const json = { 'Content-Type': 'application/json' };
  const key = { Authorization: `Bearer ${KEY}` };
  const usage = log({ 'usage.customer.id': 'acme', 'usage.dimension.id': 'calls' });
  const turns = page.getByRole('list', { name: 'What to change' }).getByRole('listitem');
  const expectTurn = async (title: string, advice: string): Promise<void> => {
    const turn = turns.filter({ hasText: title });
    await turn.waitFor();
    expect(await turn.textContent()).toContain(advice);
  };
  expect(await post('/v1/metric', '{}', { ...json, ...key })).toBe(404);
  await expectTurn('Wrong path: POST /v1/metric', `OTLP goes to ${dashboard.url}/v1/metrics`);
  expect(await post('/v1/metrics/v1/metrics', '{}', { ...json, ...key })).toBe(404);
  await expectTurn('Wrong path: POST /v1/metrics/v1/metrics', 'The path stands there twice');
  expect(await post('/v1/logs', usage, { ...json, Authorization: 'Bearer another' })).toBe(401);
  await expectTurn('Wrong API key: POST /v1/logs', 'USAGE_METER_API_KEYS');
  expect(await post('/v1/traces', '{}', json)).toBe(401);
  await expectTurn('No API key: POST /v1/traces', 'Authorization=Bearer%20KEY');
  expect(await post('/v1/logs', usage, { 'Content-Type': '<b>text</b>', ...key })).toBe(415);
  await expectTurn('Wrong content type: <b>text</b>', 'application/x-protobuf');
  expect(await post('/api/v1/usage', usage, { 'Content-Type': 'text/csv', ...key })).toBe(415);
  await expectTurn('Wrong content type: text/csv', 'application/x-ndjson');
  expect(await post('/v1/logs', 'no JSON', { ...json, ...key })).toBe(400);
  await expectTurn('Unreadable body: POST /v1/logs', 'look at what the sender logs');
  expect(await post('/v1/logs', log({ nothing: 'of usage' }), { ...json, ...key })).toBe(200);
  await expectTurn('Signals arrive, but none is usage', 'the metric or log event usage.<dimension>');
  expect(await post('/v1/logs', log({ 'usage.dimension.id': '<img src=x>' }), { ...json, ...key })).toBe(200);
  await expectTurn('No customer: 1 signal of <img src=x>', 'usage.customer.id');
  // Other signals are claimed: those that are not stay in view, before all that came and went.
  await expectTurn('Signals arrive, but some are not usage: 1 signal', 'let a meter say');
  expect(await turns.first().textContent()).toContain('some are not usage');
  expect(await page.getByText(KEY).count()).toBe(0);
  expect(await page.locator('img, b').count()).toBe(0);
  await expectAccessible(page);
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);

  // By keyboard alone: the way, and its code.
  await page.getByRole('tab', { name: 'TypeScript' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.waitForURL('**/first-run?way=curl');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const command = (await page.evaluate('navigator.clipboard.readText()')) as string;
  expect(command).toContain(dashboard.url);
  await promisify(execFile)('bash', ['-c', command.replace('YOUR_API_KEY', KEY)]);
  await page.getByText('The first record is here').waitFor();
  expect(await turns.count()).toBe(0);
  await expectAccessible(page);
  await page.getByRole('link', { name: 'How it was received' }).waitFor();
  await page.getByRole('link', { name: 'acme', exact: true }).press('Enter');
  await page.waitForURL('**/customers/acme');
  const { rows } = await dashboard.client.request('GET /api/v1/records', {
    query: { from: '2020-01-01', to: '2100-01-01' },
  });
  expect(rows).toMatchObject([{ customerId: 'acme', dimensionId: 'api.requests', recordValue: '1' }]);
});

test('another app is connected by the library: its snippet runs as it stands', async () => {
  const page = await openWithKey('/first-run?way=typescript');
  await page.getByRole('heading', { level: 1, name: 'Connect an app' }).waitFor();
  await page.getByText('Waiting for the next record.').waitFor();
  // Nor do three newer hints hide them, or that there is usage.
  await page.getByText('Signals arrive, but some are not usage: 1 signal').waitFor();
  const code = (await copied(page))
    .replace('YOUR_API_KEY', KEY)
    .replace("'otel-usage-meter'", `'${library}'`);
  expect(code).toContain(library);
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-snippet-'));
  try {
    const file = join(folder, 'app.mts');
    writeFileSync(file, code);
    await promisify(execFile)(process.execPath, [file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await page.getByText('A record is here').waitFor();
  await page.getByRole('link', { name: 'Go to the overview' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});

test('the Collector’s fragment and the environment name this very address', async () => {
  const page = await openWithKey('/first-run?way=collector');
  await page.getByRole('heading', { level: 1, name: 'Connect an app' }).waitFor();
  const fragment = parse(await copied(page)) as {
    exporters: Record<string, { endpoint: string; headers: Record<string, string> }>;
  };
  expect(fragment.exporters['otlphttp/usage']).toMatchObject({
    endpoint: dashboard.url,
    headers: { Authorization: 'Bearer YOUR_API_KEY' },
  });
  await page.getByRole('tab', { name: 'Environment variables' }).click();
  expect(await copied(page)).toBe(
    [
      `export OTEL_EXPORTER_OTLP_ENDPOINT=${dashboard.url}`,
      'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
      'export OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20YOUR_API_KEY',
      'export OTEL_SERVICE_NAME=my-app',
    ].join('\n'),
  );
});
