/** The page where the receiver has keys: it asks for one, keeps it for the tab, and never puts it into an address. */
import { expect, test } from 'vitest';
import { dashboardFixture, expectAccessible } from './support/dashboard.ts';

const KEY = 'a-key-of-the-test';
const dashboard = dashboardFixture({ apiKey: KEY });

test('a key is asked for, checked, kept for the tab, and asked for again when it is refused', async () => {
  const page = await dashboard.open('/customers', { expected: /status of 401/ });
  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  await page.getByRole('heading', { level: 1, name: 'API key' }).waitFor();
  await expectAccessible(page);
  await page.getByLabel('API key').fill('another');
  await page.keyboard.press('Enter');
  await page.getByText('does not know this key').waitFor();
  await page.getByLabel('API key').fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByText('No customers yet').waitFor();
  await page.reload();
  await page.getByText('No customers yet').waitFor();
  expect(await page.evaluate('Object.keys(localStorage).length')).toBe(0);
  expect(addresses.filter((address) => address.includes(KEY))).toEqual([]);

  await page.evaluate(`sessionStorage.setItem('usage-meter.api-key', 'no longer')`);
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'API key' }).waitFor();
  expect(await page.evaluate(`sessionStorage.getItem('usage-meter.api-key')`)).toBe(null);
});
