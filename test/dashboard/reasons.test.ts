/** Reasons for quarantine are called by the receiver's own words on every page, which asks for these once. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { dashboardFixture } from './support/dashboard.ts';

const log = (attributes: Record<string, string>) => ({
  timeUnixNano: `${Date.now()}000000`,
  attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
});

const dashboard = dashboardFixture({
  seed: async (client, url) => {
    await client.request('POST /api/v1/usage', {
      body: { customerId: 'acme', dimensionId: 'tokens', recordValue: '1' },
    });
    const logRecords = [
      log({ 'usage.dimension.id': 'tokens', 'usage.value': '250' }),
      log({ 'usage.dimension.id': 'tokens', 'usage.value': '-3', 'usage.customer.id': 'acme' }),
    ];
    const response = await fetch(`${url}/v1/logs`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
    });
    expect(response.status).toBe(200);
    // Until the ledger has them.
    await client.request('GET /api/v1/quarantine');
  },
});

const goTo = async (page: Page, name: string): Promise<void> =>
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();

test('each page has the title, and until it is there the code', async () => {
  const page = await dashboard.open('/sql');
  let asked = 0;
  const gate = Promise.withResolvers<void>();
  await page.route('**/api/v1/quarantine/reasons', async (route) => {
    asked += 1;
    await gate.promise;
    await route.continue();
  });
  await goTo(page, 'Overview');
  const notCounted = page.getByRole('table', { name: 'Not counted, by reason' });
  await notCounted.getByRole('link', { name: 'missing customer' }).waitFor();
  gate.resolve();
  await notCounted.getByRole('link', { name: 'No customer' }).waitFor();
  await notCounted.getByRole('link', { name: 'A credit' }).waitFor();

  await goTo(page, 'Customers');
  await page.getByRole('link', { name: 'acme', exact: true }).click();
  const profile = page.getByRole('region', { name: 'In quarantine' });
  await profile.getByText('A credit').waitFor();
  expect(await profile.getByRole('listitem').allInnerTexts()).toEqual([
    expect.stringMatching(/^A credit\s+1 signal\s+−3\s+tokens$/),
  ]);

  await goTo(page, 'Meters');
  await page.getByRole('link', { name: 'builtin', exact: true }).first().click();
  await page.getByRole('link', { name: 'No customer' }).click();
  await page.getByRole('region', { name: 'No customer' }).getByText('missing_customer').waitFor();
  await page.getByText('It names no customer where the meter').waitFor();

  // What was replayed makes all that is shown be asked for anew; not what never changes.
  await page.getByRole('button', { name: 'Other repairs' }).click();
  await page.getByRole('menuitem', { name: 'Replay as it is' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay 1 signal' }).click();
  await page.getByText('1 still in quarantine: No customer').waitFor();
  await page.waitForLoadState('networkidle');
  expect(asked).toBe(1);
});

test.each(['whatever', 'constructor'])('a reason that there is not is refused: %s', async (reason) => {
  const page = await dashboard.open(`/quality?reason=${reason}`, { expected: /status of 400/ });
  await page.getByText('reason must be one of sdk_overflow, ').waitFor();
  // No repair is offered for it.
  await page.getByRole('button', { name: 'Correct by hand' }).waitFor({ state: 'detached' });
  expect(await page.getByRole('region', { name: reason }).count()).toBe(0);
  await page.getByRole('button', { name: 'A credit' }).click();
  await page.getByRole('region', { name: 'A credit' }).getByText('credits_not_allowed').waitFor();
});
