/** Dimensions: found, created beside an example that answers as one types, changed with what that means, deleted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';
import { tabTo } from './support/keyboard.ts';

/** What somebody could send as an id: markup, a change of direction, far too long. */
const HOSTILE = ['<img src=x onerror=alert(1)>', '\u202egnp.exe', `long-${'x'.repeat(1000)}`];
const MANY = 60;

const configDir = mkdtempSync(join(tmpdir(), 'usage-meter-dimensions-'));
const configFile = join(configDir, 'usage-meter.yaml');
writeFileSync(
  configFile,
  'dimensions:\n  - { id: of.file, unit: GBy, name: Of the file, unitPrice: "0.5" }\n',
);
afterAll(() => rmSync(configDir, { recursive: true }));

const dashboard = dashboardFixture({
  args: ['--config', configFile],
  seed: async (client) => {
    const ids = [
      ...HOSTILE,
      'used',
      ...Array.from({ length: MANY }, (_, index) => `many-${String(index).padStart(3, '0')}`),
    ];
    await client.request('POST /api/v1/usage', {
      body: ids.map((dimensionId, index) => ({
        customerId: 'acme',
        dimensionId,
        recordValue: '2',
        timestamp: new Date(Date.now() - (index + 1) * 3600_000).toISOString(),
      })),
    });
    await client.request('PUT /api/v1/dimensions/{id}', {
      path: { id: 'used' },
      body: { name: `<b>${'n'.repeat(900)}</b>`, unit: '1' },
    });
  },
});

const rows = (page: Page) => page.getByRole('table').locator('tbody tr');
const firstLink = (page: Page) => page.getByRole('table').getByRole('link').first();
const shown = async (page: Page) => ({
  quantity: await page.getByTestId('quantity').getByTitle(/./).first().getAttribute('title'),
  billable: await page.getByTestId('billable').textContent(),
  amount: await page.getByTestId('amount').textContent(),
});

test('the server searches, sorts and pages; all of it stands in the address', async () => {
  const page = await dashboard.open('/dimensions');
  await firstLink(page).waitFor();
  expect(await rows(page).count()).toBe(50);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => rows(page).count()).toBe(MANY + HOSTILE.length + 2 - 50);
  await page.getByRole('searchbox').fill('MANY-01');
  await expect.poll(() => rows(page).count()).toBe(10);
  await page.getByRole('button', { name: 'Last seen' }).click();
  await page.getByRole('button', { name: 'Last seen' }).click();
  await expect.poll(() => firstLink(page).textContent()).toBe('many-010');
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
    search: 'MANY-01',
    sort: 'lastSeen',
    order: 'desc',
  });
  await page.reload();
  await expect.poll(() => firstLink(page).textContent()).toBe('many-010');
  await page.getByRole('searchbox').fill('nothing is called that');
  await page.getByText('No dimension fits').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect.poll(() => rows(page).count()).toBe(50);
});

test('a dimension is created by keyboard, beside what it makes of records', async () => {
  const page = await dashboard.open('/dimensions', { expected: /status of 400/ });
  await firstLink(page).waitFor();
  await tabTo(page, 'New dimension');
  await page.keyboard.press('Enter');
  await page.getByLabel('Dimension ID').waitFor();
  expect(await shown(page)).toEqual({ quantity: '22.8', billable: '22.8', amount: '–' });
  await page.keyboard.type('peak.seats');
  await tabTo(page, 'Unit');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('bytes');
  await tabTo(page, 'Aggregation');
  await page.keyboard.type('Max');
  expect((await shown(page)).quantity).toBe('7.5');
  await tabTo(page, 'Aggregated over');
  await page.keyboard.type('Each day');
  expect((await shown(page)).quantity).toBe('18.8');
  await tabTo(page, 'Usage increment');
  await page.keyboard.type('5');
  await tabTo(page, 'Rounding');
  await page.keyboard.type('Up');
  await tabTo(page, 'Unit price');
  await page.keyboard.type('0,1');
  await page.getByText('Write a decimal point').waitFor();
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.keyboard.type('.1');
  expect(await shown(page)).toEqual({ quantity: '18.8', billable: '20 bytes', amount: '2' });
  await page.keyboard.press('Enter');
  // The receiver knows units; what it says is at the field.
  await expect.poll(() => page.getByLabel('Unit', { exact: true }).getAttribute('aria-invalid')).toBe('true');
  await page.getByText('did you mean "By"?').waitFor();
  await expectAccessible(page);
  await page.getByLabel('Unit', { exact: true }).fill('{seat}');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dimensions/peak.seats');
  await page.getByText('No usage yet.').waitFor();
  const made = await dashboard.client.request('GET /api/v1/dimensions/{id}', { path: { id: 'peak.seats' } });
  expect(made).toMatchObject({
    unit: '{seat}',
    aggregation: 'max',
    interval: 'day',
    usageIncrement: '5',
    rounding: 'ceiling',
    unitPrice: '0.1',
    discovered: false,
  });
});

test('records of the example are changed, and it answers at once', async () => {
  const page = await dashboard.open('/dimensions/-/new');
  await page.getByLabel('Value 1').fill('4.000000000001');
  await expect.poll(async () => (await shown(page)).quantity).toBe('22.800000000001');
  await page.getByLabel('Value 1').fill('4,5');
  expect(await page.getByLabel('Value 1').getAttribute('aria-invalid')).toBe('true');
  await expect.poll(async () => (await shown(page)).quantity).toBe('18.8');
  await page.getByRole('button', { name: 'Remove usage record 1' }).click();
  await page.getByRole('button', { name: 'Add usage record' }).click();
  await expect.poll(async () => (await shown(page)).quantity).toBe('19.8');
  await page.getByLabel('Aggregation').selectOption('last');
  await expect.poll(async () => (await shown(page)).quantity).toBe('1');
  await page.getByLabel('Time 5').fill('2026-03-02T00:00');
  await expect.poll(async () => (await shown(page)).quantity).toBe('2.1');
  await page.getByLabel('Aggregation').selectOption('unique');
  await page.getByLabel('Unique key', { exact: true }).fill('user');
  await page.getByLabel('user 2').fill('<b>mallory</b>');
  await expect.poll(async () => (await shown(page)).quantity).toBe('4');
  await page.getByText('<b>mallor', { exact: false }).first().waitFor();
  await page.getByLabel('Aggregation').selectOption('time_integral');
  await page.getByLabel('A level holds at most').fill('60 s');
  await page.getByText('A whole number of seconds').waitFor();
  await page.getByLabel('A level holds at most').fill('3600');
  await expect.poll(async () => (await shown(page)).quantity).toBe('19.8');
  await expectAccessible(page);
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);
});

test('what a change of a used dimension means is said before it is saved', async () => {
  const page = await dashboard.open('/dimensions/used', { expected: /status of 409/ });
  await page.getByText('Has usage').waitFor();
  expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
  await page.getByLabel('Unit', { exact: true }).fill('GBy');
  await page.keyboard.press('Enter');
  await page.getByText('must stay "1"').waitFor();
  await page.getByLabel('Unit', { exact: true }).fill('1');
  await page.getByLabel('Aggregation').selectOption('count');
  await page.getByText('All usage of this dimension is counted by what you save').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog', { name: 'Count all usage anew?' });
  await dialog.getByText('Closed statements stay').waitFor();
  expect(await dialog.locator('dl').textContent()).toBe('AggregationSumbecomesCount');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  const present = () => dashboard.client.request('GET /api/v1/dimensions/{id}', { path: { id: 'used' } });
  expect((await present()).aggregation).toBe('sum');
  await page.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('status').getByText('Dimension saved').waitFor();
  expect((await present()).aggregation).toBe('count');
  await expect.poll(() => page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
});

test('a dimension with usage is not deleted, one without is', async () => {
  await dashboard.client.request('POST /api/v1/dimensions', { body: { id: 'spare' } });
  const page = await dashboard.open('/dimensions/used', { expected: /status of 409/ });
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete this dimension?' });
  await dialog.getByText('Closed statements and the audit log stay').waitFor();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('alert').getByText('void its records first').waitFor();
  await page.goto(`${dashboard.url}/dimensions/spare`);
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/dimensions');
  const left = await dashboard.client.request('GET /api/v1/dimensions', { query: { search: 'spare' } });
  expect(left.rows).toEqual([]);
});

test('one of the configuration file is read-only; a discovered one is declared', async () => {
  const page = await dashboard.open('/dimensions/of.file');
  await page.getByText('It is declared in usage-meter.yaml').waitFor();
  expect(await page.getByLabel('Unit price').isDisabled()).toBe(true);
  expect(await page.getByRole('button', { name: /Save|Delete/ }).count()).toBe(0);
  await page.goto(`${dashboard.url}/dimensions/many-001`);
  await page.getByRole('button', { name: 'Declare' }).click();
  await page.getByRole('status').getByText('Dimension declared').waitFor();
  const declared = await dashboard.client.request('GET /api/v1/dimensions/{id}', {
    path: { id: 'many-001' },
  });
  expect(declared).toMatchObject({ discovered: false, managedBy: 'api', unit: '1' });
});

test('hostile ids and names are text, at any width', async () => {
  const page = await dashboard.open('/dimensions?sort=lastSeen');
  await page.getByRole('link', { name: HOSTILE[0], exact: true }).waitFor();
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  for (const id of HOSTILE) {
    await page.getByRole('link', { name: id, exact: true }).click();
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe(id);
    await page.getByTestId('quantity').waitFor();
    await expectNoSidewaysScroll(page);
    await page.goBack();
  }
  expect(await page.locator('img').count()).toBe(0);
});
