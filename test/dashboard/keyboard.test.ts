/** Tables and charts by keyboard alone, where the pages' own tests do not go. */
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { metric, NOW, requestOf, SECOND } from '../system/quarantine-signals.ts';
import { dashboardFixture } from './support/dashboard.ts';

const dashboard = dashboardFixture({
  seed: async (client, url) => {
    for (const id of ['acme', 'zeta']) await client.request('POST /api/v1/customers', { body: { id } });
    const record = (recordValue: string, region: string) => ({
      ...{ customerId: 'acme', dimensionId: 'calls', recordValue, timestamp: '2026-03-05T08:00:00Z' },
      metadata: { region },
    });
    await client.request('POST /api/v1/usage', { body: [record('5', 'eu'), record('3', 'us')] });
    const entry = metric(
      { name: 'usage.downloads', attributes: [] },
      ...[0n, 1n, 2n].map((index) => ({
        value: index + 1n,
        start: NOW - (index + 1n) * SECOND,
        time: NOW - index * SECOND,
      })),
    );
    const response = await fetch(`${url}/v1/metrics`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(requestOf('metrics', [entry])),
    });
    expect(response.status).toBe(200);
  },
});

const rows = (page: Page): Locator =>
  page.getByRole('table', { name: 'Signals' }).locator('tbody tr[data-opens]');
const dialog = (page: Page): Locator => page.getByRole('dialog');

test('in a table, keys pick, open and leave what is in its cells, and Tab always comes to a row', async () => {
  const page = await dashboard.open('/quality?dimensionId=downloads');
  await expect.poll(() => rows(page).count()).toBe(3);
  const active = (): Promise<unknown> => page.evaluate('document.activeElement.tagName');
  await rows(page).first().focus();
  await page.keyboard.press('Space');
  await page.getByText('1 picked:').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.getByText('2 picked:').waitFor();
  await page.keyboard.press('ArrowRight');
  expect(await active()).toBe('TD');
  await page.keyboard.press('Enter');
  await page.getByText('1 picked:').waitFor();
  // Out of a box that one came to by Tab.
  await rows(page).first().getByRole('checkbox').focus();
  await page.keyboard.press('ArrowRight');
  expect(await active()).toBe('TD');
  await page.keyboard.press('Enter');
  await dialog(page).getByText('service.name: shop').waitFor();
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });

  // Narrow, the columns between are not there.
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto(`${dashboard.url}/customers`);
  const customers = page.getByRole('table', { name: 'Customers' }).locator('tbody tr[data-opens]');
  await customers.filter({ hasText: 'zeta' }).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  expect(await page.evaluate('document.activeElement.textContent')).toContain('never');
  await customers.first().focus();
  await page.keyboard.press('End');
  // The row that has the focus is gone.
  await page.getByRole('searchbox').fill('acme');
  await expect.poll(() => customers.count()).toBe(1);
  await expect.poll(() => customers.first().getAttribute('tabindex')).toBe('0');
});

test('in a picture of groups, keys go along the bars and up and down in one, and open its group', async () => {
  const page = await dashboard.open(
    '/customers/acme?dimension=calls&zone=UTC&from=2026-03-01&to=2026-04-01&groupBy=region',
  );
  const said = page.locator('[aria-live="polite"] strong');
  await page.getByRole('region', { name: /^Quantity by day/ }).focus();
  for (let day = 1; day <= 5; day += 1) await page.keyboard.press('ArrowRight');
  await said.getByText('05 Mar 2026', { exact: true }).waitFor();
  await page.keyboard.press('ArrowUp');
  const [, lowest] = (await said.innerText()).split(', ');
  await page.keyboard.press('ArrowUp');
  const [, upper] = (await said.innerText()).split(', ');
  expect([lowest, upper].sort()).toEqual(['eu', 'us']);
  await page.keyboard.press('ArrowUp');
  await said.getByText('05 Mar 2026', { exact: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await said.getByText(`05 Mar 2026, ${upper}`).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/customers/acme/explain?**');
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({
    at: '2026-03-05T00:00:00Z',
    groupBy: 'region',
    group: upper,
  });
});
