/** The overview: its figures are the API's, it refreshes by itself, and says what to do where something is wrong. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

/** What somebody could send as an id: markup, a change of direction, far too long. */
const HOSTILE = ['<img src=x onerror=alert(1)>', '\u202egnp.exe', `long-${'x'.repeat(1000)}`];

const record = (customerId: string, recordValue = '1') => ({
  customerId,
  dimensionId: 'api.requests',
  recordValue,
  timestamp: new Date().toISOString(),
});

async function sendWithoutCustomer(url: string, dimension: string, values: string[]): Promise<void> {
  const logRecords = values.map((value, index) => ({
    timeUnixNano: `${Date.now() - index}000000`,
    attributes: [
      { key: 'usage.dimension.id', value: { stringValue: dimension } },
      { key: 'usage.value', value: { stringValue: value } },
    ],
  }));
  const response = await fetch(`${url}/v1/logs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  });
  expect(response.status).toBe(200);
}

describe('with usage', () => {
  const dashboard = dashboardFixture({
    seed: async (client, url) => {
      await client.request('POST /api/v1/usage', {
        body: [record('acme'), record('acme'), record('acme'), record('globex'), record('globex')],
      });
      await client.request('POST /api/v1/usage', { body: HOSTILE.map((id) => record(id)) });
      await client.request('PUT /api/v1/customers/{id}', {
        path: { id: 'acme' },
        body: { name: '<b>Acme</b>' },
      });
      await sendWithoutCustomer(url, 'tokens', ['0.1', '0.2']);
      await sendWithoutCustomer(url, HOSTILE[0], ['12345678901234567.000000000001']);
    },
  });

  const figure = async (page: Page, name: string) =>
    await page
      .locator('dl > div', { has: page.getByText(name, { exact: true }) })
      .first()
      .locator('dd')
      .allTextContents();

  test('figures, customers and quantities are those of the API', async () => {
    const page = await dashboard.open('/');
    await page.getByRole('link', { name: 'acme', exact: true }).waitFor();
    const overview = await dashboard.client.request('GET /api/v1/overview', {
      query: { freshness: 'complete' },
    });
    await expect
      .poll(() => figure(page, 'Records today'))
      .toEqual([String(overview.recordsToday), `${overview.counts.records} in all`]);
    expect(overview.recordsToday).toBe(8);
    // What the page shows may be some seconds old.
    await expect.poll(() => figure(page, 'Not counted')).toEqual(['3', 'signals in quarantine']);
    const top = page.getByRole('region', { name: 'Top customers, last 24 hours' }).getByRole('listitem');
    expect(await top.getByRole('link').allTextContents()).toEqual(
      overview.topCustomers.map(({ customerId }) => customerId),
    );
    expect(await top.first().textContent()).toBe('acme<b>Acme</b>3 records');
    const stakes = page.getByRole('table', { name: 'Not counted, by reason' }).locator('td:last-child');
    const { atStake } = overview.quarantine[0];
    // Exact: no float has come near them.
    expect(atStake.map(({ quantity }) => quantity)).toEqual(['0.3', '12345678901234567.000000000001']);
    expect(
      await stakes.locator('[title]').evaluateAll((all) => all.map((each) => each.getAttribute('title'))),
    ).toEqual(atStake.map(({ quantity }) => quantity));
    await page.getByText('all is well').waitFor();
    expect(await page.locator('img, b').count()).toBe(0);
    await expectAccessible(page);
    await page.setViewportSize({ width: 360, height: 800 });
    await expectNoSidewaysScroll(page);
  });

  test('it refreshes by itself; customers are reached by keyboard', async () => {
    const page = await dashboard.open('/');
    await page.getByRole('link', { name: 'acme', exact: true }).waitFor();
    const before = Number((await figure(page, 'Records today'))[0]);
    await dashboard.client.request('POST /api/v1/usage', { body: [record('initech'), record('initech')] });
    await expect.poll(async () => (await figure(page, 'Records today'))[0]).toBe(String(before + 2));
    await page.getByRole('link', { name: 'initech' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/customers/initech');
  });

  test('requests that were refused are a problem, with what was wrong and where to read on', async () => {
    const page = await dashboard.open('/');
    const health = page.getByRole('region', { name: 'Health' });
    await health.getByText('None was refused in the last hour.').waitFor();
    await page.getByText('all is well').waitFor();
    const path = `/v1/${'wrong'.repeat(30)}`;
    for (let time = 0; time < 2; time += 1)
      expect((await fetch(dashboard.url + path, { method: 'POST', body: '{}' })).status).toBe(404);
    await health.getByText(/^Refused in the last hour: 2, last .+: Wrong path: POST \/v1\/wrong/).waitFor();
    await page.getByText('1 problem', { exact: true }).waitFor();
    expect(await page.getByText('all is well').count()).toBe(0);
    await expectAccessible(page);
    await page.setViewportSize({ width: 360, height: 800 });
    await expectNoSidewaysScroll(page);
    await health.getByRole('link', { name: 'Connect an app' }).click();
    await page.getByText('Wrong path: POST /v1/wrong').waitFor();
  });

  test('arrow keys move along the rate, and what came is in it', async () => {
    const page = await dashboard.open('/');
    const rate = page.getByRole('region', { name: /Signals and records a second/ });
    await rate.focus();
    // Where in the ten minutes it stands is a matter of how fast the machine is.
    await expect
      .poll(async () => {
        const said = new Set<string>();
        await page.keyboard.press('End');
        for (let step = 0; step < 120; step += 1) {
          said.add((await page.locator('[aria-live=polite]').first().textContent()) ?? '');
          await page.keyboard.press('ArrowLeft');
        }
        return said.size > 100 && [...said].some((text) => /[1-9][\d.]* a second$/.test(text));
      })
      .toBe(true);
  });
});

describe('with a disk that is full', () => {
  const dashboard = dashboardFixture({
    env: { USAGE_METER_MIN_FREE_DISK: String(2 ** 52) },
    until: 'listening',
  });

  test('says so in words, and what to do', async () => {
    const page = await dashboard.open('/', { expected: /status of 503/ });
    // Without usage one is led to the first run, but not held there.
    await page.getByRole('button', { name: 'Skip' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.getByText('1 problem', { exact: true }).waitFor();
    const health = page.getByRole('region', { name: 'Health' });
    await health.getByText('usage is refused with 503').waitFor();
    await health.getByText('Free space on the disk').waitFor();
    await page.getByText('Nobody, so far').waitFor();
    await page.getByText('Everything counts').waitFor();
    await expectAccessible(page);
    // Once skipped, it stays so for the tab.
    await page.getByRole('navigation').getByRole('link', { name: 'Customers' }).click();
    await page.getByRole('navigation').getByRole('link', { name: 'Overview' }).click();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.getByRole('link', { name: 'Connect an app' }).click();
    await page.getByText('Waiting for the first record.').waitFor();
  });
});
