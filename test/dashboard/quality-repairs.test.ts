/**
 * Each repair of Data quality that its other tests do not have, in place: from the page to the exact total in the
 * customer's profile; and long work that says how far it is, and can be stopped.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { type Entry, log, metric, NOW, requestOf, SECOND, timeText } from '../system/quarantine-signals.ts';
import { dashboardFixture } from './support/dashboard.ts';

const ACME = ['usage.customer.id', 'acme'] as const;
/** More than are looked through at once, or repaired in one change. */
const MANY = 2_100;

const configDir = mkdtempSync(join(tmpdir(), 'usage-meter-repairs-'));
const config = join(configDir, 'usage-meter.yaml');
writeFileSync(config, 'discovery: off\n');
afterAll(() => rmSync(configDir, { recursive: true }));

const event = (dimension: string, value: string, id: string, customer = 'acme'): Entry =>
  log([
    ['usage.customer.id', customer],
    ['usage.dimension.id', dimension],
    ['usage.value', value],
    ['usage.event.id', id],
  ]);

/** Of nobody: points of 1, 2, 3, … of one resource, a second apart. */
const uploads = (dimension: string, host: string, count: number): Entry =>
  metric(
    { name: `usage.${dimension}`, attributes: [], resource: [['host.name', host]] },
    ...Array.from({ length: count }, (_, index) => ({
      value: BigInt(index + 1),
      start: NOW - BigInt(index + 1) * SECOND,
      time: NOW - BigInt(index) * SECOND,
    })),
  );

const dashboard = dashboardFixture({
  args: ['--config', config],
  seed: async (client, url) => {
    await client.request('POST /api/v1/customers', { body: { id: 'acme' } });
    for (const id of ['calls', 'seats', 'refunds', 'orders', 'fixed', 'tests', 'uploads', 'downloads'])
      await client.request('POST /api/v1/dimensions', { body: { id } });
    const send = async (kind: 'metrics' | 'logs', entries: Entry[]): Promise<void> => {
      const response = await fetch(`${url}/v1/${kind}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(requestOf(kind, entries)),
      });
      expect(response.status, await response.text()).toBe(200);
    };
    await send('metrics', [
      metric({ name: 'usage.seats', kind: 'gauge', attributes: [ACME] }, { value: 3n, start: 0n }),
      metric(
        { name: 'usage.seats', kind: 'gauge', attributes: [ACME, ['room', '2']] },
        { value: 8n, start: 0n },
      ),
      metric({ name: 'usage.fixed', attributes: [ACME] }, { value: -5n }),
      metric({ name: 'usage.tests', attributes: [] }, { value: 70n }),
      uploads('uploads', 'eu-7', MANY),
      uploads('uploads', 'us-1', 50),
      uploads('downloads', 'eu-7', 350),
    ]);
    await send('logs', [
      event('calls', '5', 'a', 'initech'),
      event('calls', '2.5', 'b', 'initech'),
      event('refunds', '10', 'c'),
      event('refunds', '-2.25', 'd'),
    ]);
    await send('logs', [event('orders', '5', 'e')]);
    await send('logs', [event('orders', '7.000000000001', 'e')]);
  },
});

const rows = (page: Page): Locator =>
  page.getByRole('table', { name: 'Signals' }).locator('tbody tr[data-opens]');
const dialog = (page: Page): Locator => page.getByRole('dialog');
const pressed = async (page: Page, name: string): Promise<void> =>
  await dialog(page).getByRole('button', { name }).click();

async function openSignals(address: string, count: number): Promise<Page> {
  const page = await dashboard.open(`/quality?${address}`);
  await expect.poll(() => rows(page).count()).toBe(count);
  return page;
}

async function countedAndDone(page: Page, said: string): Promise<void> {
  await dialog(page).getByText(said, { exact: true }).waitFor();
  await pressed(page, 'Done');
  await page.getByText('Nothing to repair here').waitFor();
}

/** Holds the customer's profile to show this quantity, exactly, and no more records than these. */
async function expectInProfile(
  page: Page,
  customerId: string,
  dimensionId: string,
  quantity: string,
  records: string,
  range = 'range=30d',
): Promise<void> {
  await page.goto(`${dashboard.url}/customers/${customerId}?dimension=${dimensionId}&${range}`);
  const figure = (label: string) =>
    page
      .locator('dl > div', { has: page.getByText(label, { exact: true }) })
      .locator('[title]')
      .getAttribute('title');
  await expect.poll(() => figure('Quantity')).toBe(quantity);
  expect(await figure('Usage records')).toBe(records);
}

test('a customer that nobody knows is declared, and its signals count', async () => {
  const page = await openSignals('reason=unknown_customer', 2);
  const { rows: waiting } = await dashboard.client.request('GET /api/v1/quarantine/signals', {
    query: { reason: 'unknown_customer' },
  });
  await page.getByRole('button', { name: 'Declare the customer' }).click();
  expect(await dialog(page).getByLabel('Customer ID').inputValue()).toBe('initech');
  await dialog(page).getByLabel('Name').fill('Initech AG');
  await pressed(page, 'Fix and replay 2 signals');
  await countedAndDone(page, '2 counted');
  await expectInProfile(page, 'initech', 'calls', '7.5', '2');
  await page.getByText('Initech AG').first().waitFor();
  await page.goto(`${dashboard.url}/quality?signal=${waiting[0].id}`);
  await dialog(page).getByText('It is not in quarantine any more: it was counted.').waitFor();
});

test('levels count once the dimension aggregates them', async () => {
  const page = await openSignals('reason=level_into_sum', 2);
  await page.getByRole('button', { name: 'Change the dimension’s aggregation' }).click();
  expect(await dialog(page).getByLabel('Dimension ID').inputValue()).toBe('seats');
  await dialog(page).getByLabel('Aggregation').selectOption('min');
  await pressed(page, 'Fix and replay 2 signals');
  await countedAndDone(page, '2 counted');
  await expectInProfile(page, 'acme', 'seats', '3', '2');
});

test('a credit counts once the dimension takes credits', async () => {
  const page = await openSignals('reason=credits_not_allowed', 1);
  await page.getByRole('button', { name: 'Let the dimension take credits' }).click();
  await pressed(page, 'Fix and replay 1 signal');
  await countedAndDone(page, '1 counted');
  await expectInProfile(page, 'acme', 'refunds', '7.75', '2');
});

test('an event whose id came with other content counts beside the first at its own value', async () => {
  const page = await openSignals('reason=event_conflict', 1);
  await page.getByRole('button', { name: 'Count each at its own value' }).click();
  await pressed(page, 'Fix and replay 1 signal');
  await countedAndDone(page, '1 counted');
  await expectInProfile(page, 'acme', 'orders', '12.000000000001', '2');
});

test('by hand: value, customer, dimension and time are what was said; signal and record say who and why', async () => {
  const time = timeText(NOW - 86_400n * SECOND);
  const page = await openSignals('reason=negative_monotonic', 1);
  await page.getByRole('button', { name: 'Correct by hand' }).click();
  await pressed(page, 'Fix and replay 1 signal');
  await dialog(page).getByText('Say at least one of these').waitFor();
  await dialog(page).getByLabel('Record value').fill('1,5');
  await dialog(page).getByText('Write a decimal point').waitFor();
  await dialog(page).getByLabel('Record value').fill('4.500000000001');
  await dialog(page).getByRole('combobox', { name: 'Customer' }).fill('acme');
  await page.getByRole('option', { name: 'acme', exact: true }).click();
  await dialog(page).getByRole('combobox', { name: 'Dimension' }).fill('calls');
  await page.getByRole('option', { name: 'calls' }).click();
  await dialog(page).getByLabel('Timestamp').fill(time);
  await dialog(page).getByLabel('Start time').fill(time);
  await dialog(page).getByLabel('Note').fill('read from the <b>meter</b>');
  await pressed(page, 'Fix and replay 1 signal');
  await countedAndDone(page, '1 counted');
  const to = timeText(NOW - 86_399n * SECOND);
  await expectInProfile(page, 'acme', 'calls', '4.500000000001', '1', `from=${time}&to=${to}`);
  // The record says what it comes out of.
  const { rows: stored } = await dashboard.client.request('GET /api/v1/records', {
    query: { from: time, to, customerId: 'acme' },
  });
  await page
    .getByRole('table', { name: 'Recent usage records' })
    .locator(`a[href*="${stored[0].recordId}"]`)
    .click();
  await page.getByText('A counter went below zero: read from the <b>meter</b>').waitFor();
  // And the signal what became of it.
  await page.goto(`${dashboard.url}/quality?view=corrected&dimensionId=fixed`);
  await rows(page).first().press('Enter');
  await dialog(page).getByText('Counted with a correction').waitFor();
  await dialog(page).getByText('by local: read from the <b>meter</b>').waitFor();
  expect(
    await dialog(page)
      .getByRole('button', { name: /Correct|Replay|Dismiss/ })
      .count(),
  ).toBe(0);
  // So does a link from when it waited.
  const { rows: signals } = await dashboard.client.request('GET /api/v1/quarantine/signals', {
    query: { resolution: 'corrected', dimensionId: 'fixed' },
  });
  await page.goto(`${dashboard.url}/quality?signal=${signals[0].id}`);
  await dialog(page).getByText('Counted with a correction').waitFor();
});

test('what is dismissed is not counted, nor when it comes again', async () => {
  const page = await openSignals('dimensionId=tests', 1);
  await rows(page).first().press('Enter');
  await pressed(page, 'Dismiss');
  await dialog(page).getByLabel('Note').fill('a test run');
  await pressed(page, 'Dismiss 1 signal');
  await countedAndDone(page, '1 dismissed');
  const entry = metric({ name: 'usage.tests', attributes: [] }, { value: 70n });
  await fetch(`${dashboard.url}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(requestOf('metrics', [entry])),
  });
  await page.goto(`${dashboard.url}/quality?dimensionId=tests`);
  await page.getByText('Nothing to repair here').waitFor();
  await page.goto(`${dashboard.url}/quality?view=dismissed&dimensionId=tests`);
  await page.getByText('a test run').waitFor();
  const { rows: settled } = await dashboard.client.request('GET /api/v1/quarantine/signals', {
    query: { resolution: 'dismissed', dimensionId: 'tests' },
  });
  await page.goto(`${dashboard.url}/quality?signal=${settled[0].id}`);
  await dialog(page).getByText('by local: a test run').waitFor();
});

/** Holds back one request of these, the first being 1, until it is released. */
async function holdBack(page: Page, url: string, number: number): Promise<() => void> {
  const held = Promise.withResolvers<void>();
  let count = 0;
  await page.route(url, async (route) => {
    count += 1;
    if (count === number) await held.promise;
    await route.continue();
  });
  return held.resolve;
}

async function repairAllOfHost(page: Page, host: string): Promise<void> {
  const resource = dialog(page).getByRole('region', { name: 'Resource' });
  await resource
    .locator('div', { hasText: `host.name: ${host}` })
    .getByRole('button', { name: 'Repair all of it' })
    .click();
}

test('signals of one resource are looked for among all, which can be stopped', async () => {
  const page = await openSignals('dimensionId=downloads', 25);
  await rows(page).first().press('Enter');
  await dialog(page).getByText('host.name: eu-7').waitFor();
  const release = await holdBack(page, '**/api/v1/quarantine/signals?*limit=100*', 3);
  await repairAllOfHost(page, 'eu-7');
  await dialog(page).getByText('200 of 350 signals looked through').waitFor();
  await pressed(page, 'Stop, and repair these');
  release();
  await dialog(page).getByRole('button', { name: 'Fix and replay 300 signals' }).waitFor();
  await pressed(page, 'Cancel');
});

test('more signals than one change takes are repaired part by part, which can be stopped and gone on with', async () => {
  const page = await openSignals('dimensionId=uploads', 25);
  await rows(page).first().press('Enter');
  await dialog(page).getByText('host.name: eu-7').waitFor();
  await repairAllOfHost(page, 'eu-7');
  const fix = dialog(page).getByRole('button', { name: `Fix and replay ${MANY} signals` });
  await fix.waitFor({ timeout: 60_000 });
  await dialog(page).getByRole('combobox', { name: 'Customer' }).fill('acme');
  await page.getByRole('option', { name: 'acme', exact: true }).click();
  const release = await holdBack(page, '**/api/v1/quarantine/replay', 2);
  await fix.click();
  await dialog(page).getByText(`1000 of ${MANY} done`).waitFor();
  await pressed(page, 'Stop');
  release();
  await dialog(page).getByText(`2000 of ${MANY} counted`).waitFor();
  await dialog(page).getByText('The others wait as they did').waitFor();
  await pressed(page, 'Done');
  await dialog(page).waitFor({ state: 'detached' });

  await page.goto(`${dashboard.url}/quality?dimensionId=uploads`);
  await rows(page).first().press('Enter');
  await dialog(page).getByText('host.name: eu-7').waitFor();
  await repairAllOfHost(page, 'eu-7');
  await dialog(page).getByRole('button', { name: 'Fix and replay 100 signals' }).waitFor();
  await dialog(page).getByRole('combobox', { name: 'Customer' }).fill('acme');
  await page.getByRole('option', { name: 'acme', exact: true }).click();
  await pressed(page, 'Fix and replay 100 signals');
  await dialog(page).getByText('100 counted', { exact: true }).waitFor();
  await expectInProfile(page, 'acme', 'uploads', `${(MANY * (MANY + 1)) / 2}`, `${MANY}`);
}, 120_000);
