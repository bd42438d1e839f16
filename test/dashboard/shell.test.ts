/** What is around every page: pages by link and palette, themes, time zone, help, narrow screens. */
import { expect, test } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

const dashboard = dashboardFixture({
  seed: async (client) => {
    await client.request('POST /api/v1/usage', {
      body: [
        {
          customerId: 'acme',
          dimensionId: 'api.requests',
          recordValue: '1',
          timestamp: '2026-03-01T23:30:00Z',
        },
      ],
    });
  },
});

const PAGES = ['Overview', 'Customers', 'Dimensions', 'Meters', 'Data quality', 'Live', 'Periods', 'SQL'];

test('every page is a link of the sidebar, has its name as title, and no serious violation', async () => {
  const page = await dashboard.open('/');
  for (const name of PAGES) {
    await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    expect(await page.getByRole('link', { name, exact: true }).first().getAttribute('aria-current')).toBe(
      'page',
    );
    await expect.poll(() => page.title()).toBe(`${name} · Usage`);
    await expectAccessible(page);
  }
});

test('the palette goes to a page and to a customer by keyboard alone', async () => {
  const page = await dashboard.open('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('dim');
  await page.getByRole('option', { name: 'Dimensions' }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dimensions');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('acm');
  await page.getByRole('option', { name: 'acme' }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/customers/acme');
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('a theme is chosen by keyboard, holds against the system, and is remembered', async () => {
  const page = await dashboard.open('/', { theme: 'dark', expected: /ERR_FAILED/ });
  const surface = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
  const dark = await surface();
  await page.getByRole('button', { name: 'Theme' }).press('Enter');
  await page.getByRole('menuitemradio', { name: 'Theme of the system', checked: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  expect(await surface()).toBe('rgb(255, 255, 255)');
  expect(dark).not.toBe('rgb(255, 255, 255)');
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await surface()).toBe('rgb(255, 255, 255)');
  // Before the page's own script is there, it holds as well.
  await page.route('**/assets/*.js', (route) => route.abort());
  await page.reload();
  expect(await surface()).toBe('rgb(255, 255, 255)');
});

test('times are shown in the zone that is chosen; it stands in the address and stays from page to page', async () => {
  const page = await dashboard.open('/customers', { timeZone: 'America/New_York' });
  const seen = page.getByRole('time').or(page.locator('time')).first();
  await expect.poll(() => seen.textContent()).toBe('01 Mar 2026, 18:30');
  expect(await seen.getAttribute('title')).toBe('2026-03-01T23:30:00Z');
  await page.getByRole('button', { name: 'Time zone' }).click();
  await page.getByRole('combobox', { name: 'Show times in' }).fill('berlin');
  await page.getByRole('option', { name: 'Europe/Berlin' }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect.poll(() => seen.textContent()).toBe('02 Mar 2026, 00:30');
  await page.getByRole('navigation').getByRole('link', { name: 'Live' }).click();
  await page.waitForURL('**/live?zone=Europe%2FBerlin');
});

test('? shows what keys do, but is a letter where somebody types', async () => {
  const page = await dashboard.open('/customers');
  await page.getByRole('searchbox').fill('');
  await page.keyboard.type('?');
  expect(await page.getByRole('searchbox').inputValue()).toBe('?');
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.type('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('a dialog holds the focus, keeps keys from what is under it, and gives the focus back', async () => {
  const page = await dashboard.open('/customers');
  const opener = page.getByRole('button', { name: 'New customer' });
  await opener.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'New customer' });
  const isUnder = () =>
    page.evaluate(
      () => document.activeElement !== document.body && document.activeElement?.closest('dialog') === null,
    );
  await dialog.waitFor();
  expect(await dialog.getByLabel('Customer ID').evaluate((input) => input === document.activeElement)).toBe(
    true,
  );
  // Round and round, and at the most into the browser's own bars: never onto the page.
  for (let press = 0; press < 20; press++) {
    await page.keyboard.press('Tab');
    expect(await isUnder()).toBe(false);
  }
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).overflowY)).toBe('hidden');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  expect(await opener.evaluate((button) => button === document.activeElement)).toBe(true);

  // A press beside it closes it, one in it does not.
  await opener.click();
  await dialog.getByRole('heading').click();
  expect(await dialog.isVisible()).toBe(true);
  await page.mouse.click(4, 400);
  await dialog.waitFor({ state: 'detached' });
  expect(await opener.evaluate((button) => button === document.activeElement)).toBe(true);
});

test('at 360 px the pages are in a drawer, and nothing scrolls sideways', async () => {
  const page = await dashboard.open('/customers', { width: 360 });
  await page.getByRole('link', { name: 'acme' }).waitFor();
  await expectNoSidewaysScroll(page);
  await page.getByRole('button', { name: 'Pages' }).click();
  await page.getByRole('dialog').getByRole('link', { name: 'SQL' }).click();
  await page.getByRole('heading', { level: 1, name: 'SQL' }).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('an address that is no page says so, and leads back', async () => {
  const page = await dashboard.open('/nothing/here');
  await page.getByRole('link', { name: 'overview', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
});
