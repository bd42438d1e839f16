/** Periods: closing, statements to print and to save, adjustments, re-opening, and who did it. */
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

const MARKUP = '<img src=x onerror=alert(1)>';
const TURNED = '\u202egnp.exe';
const LONG = `long-${'x'.repeat(1000)}`;
const MANY = 60;

const record = (customerId: string, dimensionId: string, recordValue: string, timestamp: string) => ({
  ...{ customerId, dimensionId, recordValue, timestamp },
});

const dashboard = dashboardFixture({
  seed: async (client) => {
    await client.request('PUT /api/v1/dimensions/{id}', {
      path: { id: 'calls' },
      body: { usageIncrement: '10', rounding: 'ceiling', unitPrice: '0.05' },
    });
    await client.request('POST /api/v1/usage', {
      body: [
        record('acme', 'calls', '120', '2026-03-05T08:00:00Z'),
        record('acme', 'calls', '3', '2026-03-31T23:59:59Z'),
        record('globex', 'calls', '11', '2026-02-20T08:00:00Z'),
        // Of the period from the 15th on, and not of the month.
        record('globex', 'calls', '7', '2026-03-10T08:00:00Z'),
        ...[MARKUP, TURNED, LONG].map((name) => record(name, name, '1', '2026-01-05T08:00:00Z')),
        ...Array.from({ length: MANY }, (_, index) =>
          record(
            'many',
            `dimension-${String(index).padStart(2, '0')}`,
            `${index}00000000.123456789012`,
            '2026-01-05T08:00:00Z',
          ),
        ),
        ...Array.from({ length: MANY }, (_, index) =>
          record(
            `list-${String(index).padStart(2, '0')}`,
            'calls',
            `${MANY - index}`,
            '2025-12-05T08:00:00Z',
          ),
        ),
      ],
    });
    await client.request('POST /api/v1/periods/close', { body: { from: '2025-12-01', to: '2026-01-01' } });
    for (const customerId of ['many', MARKUP, TURNED, LONG])
      await client.request('POST /api/v1/periods/close', {
        body: { customerId, from: '2026-01-01', to: '2026-02-01', note: `${MARKUP} & ${TURNED}` },
      });
    // Nobody's, and so perhaps acme's.
    const points = [
      { asInt: '7', timeUnixNano: '1772355600000000000', startTimeUnixNano: '1772355500000000000' },
    ];
    const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: points };
    const scopeMetrics = [{ metrics: [{ name: 'usage.calls', unit: '1', sum }] }];
    await fetch(`${dashboard.url}/v1/metrics`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ resourceMetrics: [{ scopeMetrics }] }),
    });
  },
});

const rows = (page: Page, name: string): Locator =>
  page.getByRole('table', { name }).locator('tbody tr[data-opens]');
const textOf = async (locator: Locator): Promise<string> =>
  (await locator.innerText()).replaceAll(/\s+/g, ' ');

async function close(customerId: string, from: string, to: string): Promise<void> {
  await dashboard.client.request('POST /api/v1/periods/close', { body: { customerId, from, to } });
}

/** March of a customer, closed with 123 calls, and 9.5 that came late. */
async function seedLateUsage(customerId: string): Promise<void> {
  const write = async (recordValue: string) =>
    await dashboard.client.request('POST /api/v1/usage', {
      body: record(customerId, 'calls', recordValue, '2026-03-07T08:00:00Z'),
    });
  await write('123');
  await close(customerId, '2026-03-01', '2026-04-01');
  await write('9.5');
}

/** Id of the latest one. */
async function statementOf(customerId: string): Promise<string> {
  const { rows: found } = await dashboard.client.request('GET /api/v1/statements', { query: { customerId } });
  return found[0].id;
}

test('by keyboard alone: a month is closed, with what will be in it said before', async () => {
  const page = await dashboard.open('/periods');
  await page.getByRole('link', { name: 'Close a period' }).press('Enter');
  await page.getByRole('combobox', { name: 'Customer' }).focus();
  await page.keyboard.type('acme');
  await page.getByRole('option', { name: 'acme', exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByLabel('Month').fill('2026-03');
  await page.getByText('1 signal is in quarantine').waitFor();
  const usage = page.getByRole('table', { name: 'Usage' });
  await usage.getByText('calls').waitFor();
  expect(await textOf(usage)).toMatch(/123 130 0\.05 6\.5 Sum 6\.5/);
  await expectAccessible(page);
  await page.getByLabel('Note').fill('March');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/periods/statements/*');
  await page.getByText('matches the content').waitFor();
  expect(await textOf(page.getByRole('article'))).toContain('6.5');
  const { rows: stated } = await dashboard.client.request('GET /api/v1/statements', {
    query: { customerId: 'acme' },
  });
  expect(stated).toMatchObject([{ amount: '6.5', note: 'March', from: '2026-03-01T00:00:00Z' }]);
});

test('what comes late is a pending adjustment, which the next statement takes up', async () => {
  await seedLateUsage('late');
  const page = await dashboard.open('/periods?view=adjustments&customerId=late');
  const table = page.getByRole('table', { name: 'Pending adjustments' });
  await table.getByText('usage came late, 1 record: 9.5').waitFor();
  expect(await textOf(table)).toMatch(/late Mar 2026 calls 9\.5 10 0\.5/);
  await expectAccessible(page);
  await page.goto(`${dashboard.url}/periods/close?customerId=late&month=2026-04`);
  const adjustments = page.getByRole('table', { name: 'Adjustments of earlier periods' });
  await adjustments.getByText('usage came late').waitFor();
  await page.getByRole('button', { name: 'Close the period' }).click();
  await page.waitForURL('**/periods/statements/*');
  await adjustments.getByRole('link', { name: 'Mar 2026' }).click();
  await page.getByRole('heading', { level: 1, name: 'Statement, Mar 2026' }).waitFor();
});

test('a statement that was wrong is re-opened with a reason, which the audit log has', async () => {
  await seedLateUsage('wrong');
  await close('wrong', '2026-04-01', '2026-05-01');
  const id = await statementOf('wrong');
  const page = await dashboard.open(`/periods/statements/${id}`);
  await page.getByRole('button', { name: 'Re-open' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('the adjustment that it had taken up is pending again').waitFor();
  await dialog.getByRole('button', { name: 'Re-open' }).click();
  await dialog.getByText('Say why it was wrong').waitFor();
  await dialog.getByLabel('Why').fill(`wrong price ${MARKUP}`);
  await page.keyboard.press('Enter');
  await page.getByText(`it states nothing any more. wrong price ${MARKUP}`).waitFor();
  await page.goto(`${dashboard.url}/periods?view=audit&kind=statement_reopened&subject=${id}`);
  await expect.poll(() => rows(page, 'Audit log').count()).toBe(1);
  await page.getByRole('table', { name: 'Audit log' }).getByRole('button').press('Enter');
  await page.getByRole('dialog').getByRole('region', { name: 'The change' }).getByText(id).waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByLabel('Kind').selectOption('dimension_put');
  await page.getByRole('searchbox', { name: 'Id of what was changed' }).fill('calls');
  await page.getByText('sum, at 0.05').waitFor();
});

test('the period of an anchor day goes from it to that of the next month; overlaps are refused with the reason', async () => {
  const page = await dashboard.open('/periods/close?customerId=globex&month=2026-02&anchor=15&timeZone=UTC', {
    expected: /status of 409/,
  });
  const usage = page.getByRole('table', { name: 'Usage' });
  await usage.getByText('calls').waitFor();
  expect(await textOf(usage)).toMatch(/18 20 0\.05 1 Sum 1/);
  await page.getByText('15 Feb 2026 – 14 Mar 2026').waitFor();
  await page.getByRole('button', { name: 'Close the period' }).click();
  await page.waitForURL('**/periods/statements/*');
  await page.goto(`${dashboard.url}/periods/close?customerId=globex&month=2026-03`);
  await page.getByRole('alert').getByText('overlaps this one').waitFor();
  expect(await page.getByRole('button', { name: 'Close the period' }).isDisabled()).toBe(true);
});

test('signals of other periods do not speak against closing; those whose time is at fault do, said apart', async () => {
  const point = { asInt: '9', timeUnixNano: '0', attributes: [] };
  const sum = { aggregationTemporality: 1, isMonotonic: true, dataPoints: [point] };
  const attributes = [{ key: 'usage.customer.id', value: { stringValue: 'timeless' } }];
  const scopeMetrics = [{ metrics: [{ name: 'usage.calls', unit: '1', sum }] }];
  await fetch(`${dashboard.url}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceMetrics: [{ resource: { attributes }, scopeMetrics }] }),
  });
  await dashboard.client.request('POST /api/v1/usage', {
    body: ['timeless', 'february'].map((id) => record(id, 'calls', '1', '2026-02-05T08:00:00Z')),
  });
  // Nobody's signal is of March.
  const page = await dashboard.open('/periods/close?customerId=timeless&month=2026-02');
  await page.getByText('1 signal is in quarantine').waitFor();
  await page.getByText('1 of them without a usable time').waitFor();
  await page.getByLabel('Month').fill('2026-03');
  await page.getByText('2 signals are in quarantine').waitFor();
  await page.getByText('1 of them without a usable time').waitFor();
  await page.getByRole('link', { name: 'Repair them first' }).click();
  await page.getByRole('button', { name: /Time: 2026-03-01T00:00:00Z – 2026-04-01T00:00:00Z/ }).waitFor();
  await expect.poll(() => rows(page, 'Signals').count()).toBe(2);
  // What is repaired is what is shown.
  const signals = await dashboard.client.request('POST /api/v1/quarantine/replay', {
    body: {
      customerId: ['timeless', null],
      timeFrom: '2026-02-01T00:00:00Z',
      timeTo: '2026-03-01T00:00:00Z',
      dryRun: true,
    },
  });
  expect(signals).toMatchObject({ signals: 1 });
});

test('a period that is not over says from when on it can be closed, and nothing else', async () => {
  const page = await dashboard.open('/periods/close?month=2200-11&timeZone=Europe/Berlin', {
    expected: /status of 422/,
  });
  const alert = page.getByRole('alert');
  await alert.waitFor();
  expect(await textOf(alert)).toBe(
    'Nov 2200 is not over: it can be closed from 01 Dec 2200, 00:00 (Europe/Berlin).',
  );
  expect(await page.getByText(/PERIOD_NOT_OVER|not in the ledger|in quarantine/).count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Close the period' }).isDisabled()).toBe(true);
});

test('all customers are closed together, and said how many', async () => {
  const customers = ['all-1', 'all-2', 'all-3', 'all-4'];
  await dashboard.client.request('POST /api/v1/usage', {
    body: customers.map((customerId) => record(customerId, 'calls', '1', '2025-10-05T08:00:00Z')),
  });
  await dashboard.client.request('POST /api/v1/usage', {
    body: record('all-1', 'unpriced', '1', '2025-10-05T08:00:00Z'),
  });
  await close('all-4', '2025-10-01', '2025-11-01');
  // What came late for customers of other tests is taken up, too.
  const { rows: pending } = await dashboard.client.request('GET /api/v1/adjustments', {});
  const count = 3 + new Set(pending.map(({ customerId }) => customerId)).size;
  const page = await dashboard.open('/periods/close?month=2025-10');
  await page.getByText(`${count} statements will be made`).waitFor();
  await page.getByText('1 closed already').waitFor();
  const statements = page.getByRole('table', { name: 'Statements' });
  expect(await statements.locator('tbody tr').count()).toBe(count);
  expect(await textOf(statements.getByRole('row', { name: 'all-1' }))).toBe('all-1 2 2 0.5');
  await page.getByText('No price, and so no amount').getByRole('link', { name: 'unpriced' }).waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: `Make ${count} statements` }).click();
  await page.getByRole('status').getByText(`${count} statements made`).waitFor();
});

test('statements are filtered, sorted and paged by the server, with the place in the address', async () => {
  const page = await dashboard.open('/periods?month=2025-12');
  await expect.poll(() => rows(page, 'Statements').count()).toBe(50);
  await page.getByRole('button', { name: 'Amount' }).click();
  await page.getByRole('button', { name: 'Amount' }).click();
  await expect.poll(() => textOf(rows(page, 'Statements').first())).toMatch(/list-09 Dec 2025 UTC 3 /);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => rows(page, 'Statements').count()).toBe(10);
  await page.reload();
  await expect.poll(() => rows(page, 'Statements').count()).toBe(10);
  await page.getByLabel('State', { exact: true }).selectOption('reopened');
  await page.getByText('No statement fits').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Show all' }).click();
  await rows(page, 'Statements').first().press('Enter');
  await page.waitForURL('**/periods/statements/*');
});

test('on paper there is the whole statement, and nothing else', async () => {
  const page = await dashboard.open(`/periods/statements/${await statementOf('many')}`);
  await page.getByText('matches the content').waitFor();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  expect(await page.getByRole('navigation').count()).toBe(0);
  expect(await page.getByRole('banner').count()).toBe(0);
  expect(await page.getByRole('button').count()).toBe(0);
  const lines = page.getByRole('table', { name: 'Usage' }).locator('tbody tr');
  expect(await lines.count()).toBe(MANY);
  expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('light');
  // Nothing is cut off: the last row is on the page, not in something that scrolls.
  const bottom = (await lines.last().boundingBox())!.y;
  expect(bottom).toBeLessThan((await page.evaluate('document.documentElement.scrollHeight')) as number);
  // Chromium prints what goes on to another page in a grid over what follows it.
  const display = await page.evaluate("getComputedStyle(document.querySelector('article')).display");
  expect(display).toBe('block');
  // A4 without its margins.
  await page.setViewportSize({ width: 672, height: 1000 });
  await expectNoSidewaysScroll(page);
  const pdf = await page.pdf({ preferCSSPageSize: true });
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
});

test('what is saved is what the API says, to the byte', async () => {
  const id = await statementOf('many');
  const page = await dashboard.open(`/periods/statements/${id}`);
  for (const [button, format] of [
    ['CSV', 'csv'],
    ['JSON', 'json'],
  ]) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: button }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(`statement-${id}.${format}`);
    const saved = await readFile(await download.path(), 'utf8');
    const answered = await (await fetch(`${dashboard.url}/api/v1/statements/${id}?format=${format}`)).text();
    expect(saved).toBe(answered);
  }
});

test('hostile customers, dimensions and notes are text, at any width', async () => {
  for (const customerId of [MARKUP, TURNED, LONG]) {
    const page = await dashboard.open(`/periods/statements/${await statementOf(customerId)}`, { width: 360 });
    await page.getByRole('article').getByText(customerId, { exact: true }).first().waitFor();
    await expectNoSidewaysScroll(page);
    if (customerId === MARKUP) await expectAccessible(page);
    expect(await page.locator('main img, main b').count()).toBe(0);
  }
  const page = await dashboard.open('/periods', { width: 360 });
  await page.getByRole('link', { name: MARKUP }).waitFor();
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
});
