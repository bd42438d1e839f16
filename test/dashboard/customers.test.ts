/** The customers' page: found, sorted and paged by the server, opened by keyboard, declared by a form. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

/** What somebody could send as an id: markup, a change of direction, far too long. */
const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '\u202egnp.exe',
  `long-${'x'.repeat(1000)}`,
  '"quotes" & <b>bold</b>',
];
const MANY = 60;

const dashboard = dashboardFixture({
  seed: async (client) => {
    const ids = [
      ...HOSTILE,
      ...Array.from({ length: MANY }, (_, index) => `many-${String(index).padStart(3, '0')}`),
    ];
    await client.request('POST /api/v1/usage', {
      body: ids.map((customerId, index) => ({
        customerId,
        dimensionId: 'api.requests',
        recordValue: '1',
        timestamp: new Date(Date.now() - (index + 1) * 3600_000).toISOString(),
      })),
    });
    await client.request('POST /api/v1/customers', {
      body: { id: 'acme', name: '<script>alert(1)</script>', aliases: ['acme-eu', 'acme-us'] },
    });
  },
});

const rows = (page: Page) => page.getByRole('table').locator('tbody tr');
const firstLink = (page: Page) => page.getByRole('table').getByRole('link').first();

test('customers are listed a page at a time, with the place in the address', async () => {
  const page = await dashboard.open('/customers');
  await firstLink(page).waitFor();
  expect(await rows(page).count()).toBe(50);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => rows(page).count()).toBe(MANY + HOSTILE.length + 1 - 50);
  expect(new URL(page.url()).searchParams.has('page')).toBe(true);
  const shown = await firstLink(page).textContent();
  await page.reload();
  await expect.poll(() => firstLink(page).textContent()).toBe(shown);
  await page.goBack();
  await expect.poll(() => rows(page).count()).toBe(50);
});

test('the server searches and sorts; both stand in the address', async () => {
  const page = await dashboard.open('/customers');
  await page.getByRole('searchbox', { name: 'Search customers' }).fill('MANY-01');
  await expect.poll(() => rows(page).count()).toBe(10);
  await page.getByRole('button', { name: 'Last seen' }).click();
  await expect.poll(() => firstLink(page).textContent()).toBe('many-019');
  await page.getByRole('button', { name: 'Last seen' }).click();
  await expect.poll(() => firstLink(page).textContent()).toBe('many-010');
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
    search: 'MANY-01',
    sort: 'lastSeen',
    order: 'desc',
  });
  await page.getByRole('searchbox').fill('nobody is called that');
  await page.getByText('No customer fits').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect.poll(() => rows(page).count()).toBe(50);
});

test('arrow keys move between rows and cells, Enter opens one', async () => {
  const page = await dashboard.open('/customers?search=many-00');
  await firstLink(page).waitFor();
  await rows(page).first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  expect(await page.evaluate('document.activeElement.tagName')).toBe('TD');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/customers/many-008');
  await page.getByRole('heading', { level: 1, name: 'many-008' }).waitFor();
});

test('hostile ids and names are text, at any width, and lead to their customer', async () => {
  const page = await dashboard.open('/customers?sort=lastSeen');
  await page.getByRole('link', { name: HOSTILE[0], exact: true }).waitFor();
  for (const id of HOSTILE) expect(await page.getByText(id, { exact: true }).count()).toBe(1);
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  for (const id of HOSTILE) {
    await page.getByRole('link', { name: id, exact: true }).click();
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe(id);
    await expectNoSidewaysScroll(page);
    await page.goBack();
  }
  expect(await page.locator('img, b').count()).toBe(0);
});

test('a new customer is declared by keyboard; what the API refuses is said at its field', async () => {
  const page = await dashboard.open('/customers', { expected: /status of 40[09]/ });
  await page.getByRole('button', { name: 'New customer' }).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'New customer' });
  await dialog.getByLabel('Customer ID').fill('globex');
  await dialog.getByLabel('E-mail').fill('nobody');
  await expectAccessible(page);
  await dialog.getByLabel('E-mail').press('Enter');
  await expect.poll(() => dialog.getByLabel('E-mail').getAttribute('aria-invalid')).toBe('true');
  await expectAccessible(page);
  await dialog.getByLabel('E-mail').fill('billing@globex.example');
  await dialog.getByRole('combobox', { name: 'Time zone' }).fill('new york');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Add metadata' }).click();
  await page.keyboard.type('plan');
  await page.keyboard.press('Tab');
  await page.keyboard.type('<gold>');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/customers/globex');
  await page.getByRole('status').getByText('Customer created').waitFor();
  expect(
    await dashboard.client.request('GET /api/v1/customers/{id}', { path: { id: 'globex' } }),
  ).toMatchObject({
    email: 'billing@globex.example',
    timeZone: 'America/New_York',
    metadata: { plan: '<gold>' },
    discovered: false,
  });
});

test('a customer that is there already is refused with what the receiver says', async () => {
  const page = await dashboard.open('/customers', { expected: /status of 409/ });
  await page.getByRole('button', { name: 'New customer' }).click();
  await page.getByLabel('Customer ID').fill('acme');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('acme').waitFor();
});
