/** SQL in the page: completion by keyboard, errors in their place, examples, a chart, downloads, exact values. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

const EXACT = '12345678901234567890.000000000001';
const HOSTILE = ['<img src=x onerror=alert(1)>', '\u202egnp.exe', `long-${'x'.repeat(1000)}`];

const dashboard = dashboardFixture({
  seed: async (client) => {
    const record = (customerId: string, recordValue: string, hoursAgo: number) => ({
      customerId,
      dimensionId: 'tokens',
      recordValue,
      timestamp: new Date(Date.now() - hoursAgo * 3600_000).toISOString(),
    });
    await client.request('POST /api/v1/usage', {
      body: [
        record('acme', EXACT, 1),
        record('globex', '2.5', 1),
        record('globex', '4', 49),
        ...HOSTILE.map((id, index) => record(id, String(index), 1)),
      ],
    });
    // The lake is some seconds behind.
    await vi.waitFor(
      async () => {
        const { rows } = await client.request('POST /api/v1/sql', {
          body: { query: 'SELECT count(*) FROM usage_records' },
        });
        expect(rows).toEqual([['6']]);
      },
      { timeout: 60_000, interval: 250 },
    );
  },
});

const editor = (page: Page) => page.getByRole('textbox', { name: 'Query' });
const rows = (page: Page) => page.getByRole('table', { name: 'Result' }).locator('tbody tr');
const addressOf = (query: string, more = ''): string =>
  `/sql?query=${encodeURIComponent(query)}&run=1${more}`;

async function typeQuery(page: Page, query: string): Promise<void> {
  await editor(page).fill(query);
  await page.keyboard.press('Control+Enter');
}

test('by keyboard alone: a query with completion, its rows, and a cell copied as it came', async () => {
  const page = await dashboard.open('/sql');
  await editor(page).focus();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('SELECT customer_id, sum(quan');
  const list = page.getByRole('listbox', { name: 'Suggestions' });
  await list.getByRole('option', { name: /^quantity.*Exact sum/ }).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await list.waitFor({ state: 'detached' });
  await page.keyboard.type(') AS quantity\nFROM usage_d');
  await list.getByRole('option', { name: /^usage_daily/ }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type(' u WHERE u.');
  await list.waitFor();
  expect(await list.getByRole('option').first().getAttribute('aria-selected')).toBe('true');
  await page.keyboard.press('ArrowDown');
  const second = list.getByRole('option').nth(1);
  expect(await second.getAttribute('aria-selected')).toBe('true');
  expect(await editor(page).getAttribute('aria-activedescendant')).toBe(await second.getAttribute('id'));
  await page.keyboard.press('Escape');
  await list.waitFor({ state: 'detached' });
  await page.keyboard.type("customer_id = 'acme' GROUP BY ALL");
  await page.keyboard.press('Control+Space');
  await list.waitFor();
  await page.keyboard.press('Control+Enter');
  await list.waitFor({ state: 'detached' });
  await expect.poll(() => rows(page).allTextContents()).toEqual([`acme${EXACT}`]);
  expect(await editor(page).inputValue()).toBe(
    "SELECT customer_id, sum(quantity) AS quantity\nFROM usage_daily u WHERE u.customer_id = 'acme' GROUP BY ALL",
  );
  expect(await page.getByRole('columnheader').allTextContents()).toEqual([
    'customer_idVARCHAR',
    'quantityDECIMAL(38,12)',
  ]);
  await page.getByText(/^1 row in /).waitFor();
  await rows(page).first().focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Control+c');
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(EXACT);
  // What was asked stands in the address, and shows the same to whoever opens it.
  await page.reload();
  await expect.poll(() => rows(page).allTextContents()).toEqual([`acme${EXACT}`]);
  await expectAccessible(page);
});

test('what is wrong is said in DuckDB’s words, with its hint and its place', async () => {
  const page = await dashboard.open('/sql', { expected: /status of 400/ });
  await typeQuery(page, 'SELECT customer_id,\n  quantityy\nFROM usage_daily');
  const alert = page.getByRole('alert');
  await alert.getByText('Candidate bindings: "quantity"').waitFor();
  expect(await alert.locator('mark').textContent()).toBe('quantityy');
  await expectAccessible(page);
  await alert.getByRole('button', { name: 'Go to line 2, column 3' }).press('Enter');
  const selected = await page.evaluate(
    `(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(document.activeElement)`,
  );
  expect(selected).toBe('quantityy');
  await page.keyboard.type('quantity');
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => rows(page).count()).toBe(6);
  await typeQuery(page, "SELECT * FROM read_csv('/etc/passwd')");
  await page.getByText('This may not be asked').waitFor();
});

test('an example fills the editor, what was there comes back by undo; a chart shows a column along another', async () => {
  const page = await dashboard.open('/sql');
  const before = await editor(page).inputValue();
  await page.getByRole('button', { name: 'Examples' }).click();
  await page.getByRole('menuitem', { name: 'On nobody’s bill' }).click();
  await expect.poll(() => editor(page).inputValue()).toContain('FROM quarantined');
  await page.keyboard.press('Control+z');
  await expect.poll(() => editor(page).inputValue()).toBe(before);
  await page.getByRole('button', { name: 'Examples' }).press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect.poll(() => editor(page).inputValue()).toContain('Do customers stay?');
  await page.keyboard.press('Control+Enter');
  await rows(page).first().waitFor();
  await page.getByRole('button', { name: 'Chart' }).click();
  const chart = page.getByRole('region', { name: /^customers along cohort/ });
  await chart.focus();
  await page.keyboard.press('Home');
  await page
    .getByText(String(HOSTILE.length + 2), { exact: true })
    .first()
    .waitFor();
  await page.getByRole('combobox', { name: 'Show' }).selectOption('active');
  await page.getByRole('combobox', { name: 'as' }).selectOption('line');
  await page.getByRole('region', { name: /^active along cohort/ }).waitFor();
  expect(new URL(page.url()).searchParams.get('chart')).toBe('line');
  await expectAccessible(page);
  await page.reload();
  await page.getByRole('region', { name: /^active along cohort/ }).waitFor();
});

test('downloads have all rows, exact, as CSV and as Parquet', async () => {
  const page = await dashboard.open(
    addressOf('SELECT customer_id, record_value FROM usage_records ORDER BY record_value DESC'),
  );
  await rows(page).first().waitFor();
  const download = async (format: string): Promise<Buffer> => {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      (async () => {
        await page.getByRole('button', { name: 'Download' }).click();
        await page.getByRole('menuitem', { name: format }).click();
      })(),
    ]);
    expect(file.suggestedFilename()).toBe(`usage.${format.toLowerCase()}`);
    return await readFile(await file.path());
  };
  const csv = (await download('CSV')).toString().trim().split('\r\n');
  expect(csv.slice(0, 2)).toEqual(['customer_id,record_value', `acme,${EXACT}`]);
  expect(csv).toHaveLength(7);
  expect((await download('Parquet')).subarray(0, 4).toString()).toBe('PAR1');
});

test('the page holds ten thousand rows, shows a hundred at a time, and says that there are more', async () => {
  const page = await dashboard.open(addressOf('SELECT range AS number FROM range(2000000)'));
  await page.getByText(/^The first 10\u202f000 rows in/).waitFor();
  expect(await rows(page).count()).toBe(100);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => rows(page).first().textContent()).toBe('100');
  expect(new URL(page.url()).searchParams.get('page')).toBe('2');
  await page.getByRole('button', { name: 'Back' }).click();
  await expect.poll(() => rows(page).first().textContent()).toBe('0');
});

test('a query that takes too long is cancelled, and the next one is answered', async () => {
  const page = await dashboard.open(
    addressOf('SELECT count(*) FROM range(100000000000) a WHERE hash(a.range) = 7'),
  );
  await page.getByText('The query runs …').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Cancelled').waitFor();
  await typeQuery(page, 'SELECT 42 AS answer');
  await expect.poll(() => rows(page).allTextContents()).toEqual(['42']);
});

test('hostile values are text in the table and in the chart, at any width', async () => {
  const page = await dashboard.open(
    addressOf(
      `SELECT customer_id, sum(quantity) AS "<b>sum</b>", '${'z'.repeat(10_000)}' AS long, NULL AS nothing,
        {'a': ['<i>']} AS nested FROM usage_daily GROUP BY ALL ORDER BY 2`,
      '&chart=bars',
    ),
  );
  await rows(page).first().waitFor();
  expect(await rows(page).count()).toBe(HOSTILE.length + 2);
  for (const id of HOSTILE) expect(await rows(page).getByText(id, { exact: true }).count()).toBe(1);
  await page.getByText('{"a":["<i>"]}').first().waitFor();
  await page.getByRole('region', { name: /^<b>sum<\/b> along customer_id/ }).waitFor();
  expect(await page.locator('main img, main b, main i').count()).toBe(0);
  await expectAccessible(page);
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);
});
