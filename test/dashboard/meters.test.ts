/** Meters: written as form and text, tested on signals that came before, saved, and counting from then on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';
import { tabTo } from './support/keyboard.ts';

const HOSTILE = '<img src=x onerror=alert(1)>\u202egnp';
const LONG = 'y'.repeat(10_000);

const configDir = mkdtempSync(join(tmpdir(), 'usage-meter-meters-'));
const configFile = join(configDir, 'usage-meter.yaml');
writeFileSync(
  configFile,
  `meters:
  - id: of-file
    name: '<i>of the file</i>'
    signals: [spans]
    match: { all: [{ path: name, eq: render }] }
    customer: 'attributes["tenant"]'
    dimension: renders
`,
);
afterAll(() => rmSync(configDir, { recursive: true }));

const text = (key: string, value: string) => ({ key, value: { stringValue: value } });

/** Logs of orders, and one that the built-in meter takes: requests that no meter takes are not kept. */
async function sendOrders(url: string, ids: string[], customers: (string | null)[]): Promise<void> {
  const timeUnixNano = `${Date.now() - 60_000}000000`;
  const orders = customers.map((customer, index) => ({
    timeUnixNano,
    eventName: 'order.placed',
    attributes: [
      ...(customer === null ? [] : [text('customer.id', customer)]),
      text('amount', `${index + 1}.5`),
      text('region', `<b>eu</b>${index === 0 ? LONG : ''}`),
      text('event.id', ids[index]),
    ],
  }));
  const own = {
    timeUnixNano,
    eventName: 'usage.seen',
    attributes: [text('usage.customer.id', 'acme'), text('event.id', `own ${ids[0]}`)],
  };
  const resource = { attributes: [text('service.name', 'shop')] };
  const response = await fetch(`${url}/v1/logs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: [...orders, own] }] }] }),
  });
  expect(response.status).toBe(200);
}

const RULE = {
  signals: ['logs' as const],
  match: { all: [{ path: 'event_name', eq: 'refund' }], none: [{ path: 'severity_text', eq: 'DEBUG' }] },
  customer: 'attributes["customer.id"]',
  dimension: 'refunds',
};

const dashboard = dashboardFixture({
  args: ['--config', configFile],
  seed: async (client, url) => {
    await sendOrders(url, ['1', '2', '3', '4'], ['acme', HOSTILE, 'acme', null]);
    await client.request('POST /api/v1/meters', { body: { id: 'refunds', ...RULE } });
    await client.request('PUT /api/v1/meters/{id}', {
      path: { id: 'refunds' },
      body: { ...RULE, name: `<b>${HOSTILE}</b>`, metadata: ['region'] },
    });
  },
});

const rule = (page: Page) => page.getByRole('textbox', { name: 'Rule' });
const isWellFormed = (page: Page) => page.getByText('The rule is well-formed.').waitFor();

test('a meter is written by form, tested on what came, saved, and counts from then on', async () => {
  const page = await dashboard.open('/meters');
  await page.getByRole('link', { name: 'New meter' }).click();
  await page.getByLabel('Meter ID').fill('orders');
  await page.getByLabel('Condition 1: value').fill('order.placed');
  await page.getByLabel('Dimension', { exact: true }).fill('orders');
  await page.getByLabel('How much', { exact: true }).selectOption('path');
  await page.getByLabel('Value: key').fill('amount');
  await page.getByLabel('Metadata kept').fill('region');
  await isWellFormed(page);
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  // A thread of its own makes two ledgers: on a busy machine that takes a while.
  await page.getByText('4 of 5 signals matched').waitFor({ timeout: 90_000 });
  const customers = page.getByRole('table', { name: 'Per customer and dimension' });
  expect(await customers.locator('tbody tr').allInnerTexts()).toEqual([
    expect.stringMatching(/^acme\s+orders\s+5$/),
    expect.stringMatching(/gnp\s+orders\s+2\.5$/),
  ]);
  await page.getByText('No customer').waitFor();
  await page.getByText('First usage records').click();
  await page.getByText('A signal as it came').click();
  await expectAccessible(page);
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);
  expect(await page.locator('img, td b b').count()).toBe(0);
  // Nothing of it was counted by the test.
  const usage = async () => {
    const query = { from: '2020-01-01', to: '2262-01-01', dimensionId: 'orders', customerId: 'acme' };
    const { rows } = await dashboard.client.request('GET /api/v1/usage', { query });
    return rows[0]?.quantity;
  };
  expect(await usage()).toBeUndefined();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.waitForURL('**/meters/orders');
  await page.getByText('Everything that it claimed was counted.').waitFor();
  await sendOrders(dashboard.url, ['5', '6'], ['acme', null]);
  expect(await usage()).toBe('1.5');
  await page.reload();
  await page.getByRole('link', { name: 'No customer' }).waitFor();
  await expectAccessible(page);
});

test('what is wrong with the text is said at its line, and mended there', async () => {
  const page = await dashboard.open('/meters/refunds?edit=1&view=text');
  await rule(page).waitFor();
  const good = await rule(page).inputValue();
  expect(good).toContain('dimension: refunds');
  await rule(page).fill(good.replace('dimension: refunds', 'dimensions: refunds').replace('[logs]', '[log]'));
  const problems = page.getByRole('list', { name: 'What is wrong' });
  const line = good.split('\n').indexOf('dimension: refunds') + 1;
  await problems.getByText(`Line ${line}`, { exact: true }).waitFor();
  await problems.getByText('did you mean "dimension"?').waitFor();
  expect(await page.getByRole('button', { name: 'Save as a new version' }).isDisabled()).toBe(true);
  await expectAccessible(page);
  await problems.getByRole('button', { name: `Line ${line}` }).press('Enter');
  const at = (await page.evaluate('document.activeElement.selectionStart')) as number;
  expect((await rule(page).inputValue()).slice(at)).toMatch(/^dimensions/);
  await rule(page).fill('id: [');
  await problems.getByText('Line 1', { exact: true }).waitFor();
  await page.getByRole('tab', { name: 'Form' }).click();
  await page.getByText('The text cannot be read as a rule').waitFor();
  await page.getByRole('tab', { name: 'Text' }).click();
  // JSON is text as good as any.
  await rule(page).fill(JSON.stringify({ id: 'refunds', ...RULE, metadata: ['region'], unit: 'GBy' }));
  await isWellFormed(page);
  await page.getByRole('button', { name: 'Save as a new version' }).click();
  await page.getByRole('status').getByText('Version 3').waitFor();
  const figure = page.getByRole('figure');
  await figure.getByText('What version 3 changed in version 2').waitFor();
  expect(await figure.locator('[data-sign]').allInnerTexts()).toEqual([
    expect.stringMatching(/^- name: /),
    expect.stringMatching(/^\+ unit: GBy/),
  ]);
  await page.getByRole('link', { name: /^Version 2/ }).click();
  await figure.getByText('What version 2 changed in version 1').waitFor();
  expect(new URL(page.url()).searchParams.get('version')).toBe('2');
  await page.getByRole('link', { name: /Version 2.*without a key/ }).waitFor();
  await expectAccessible(page);
  expect(await page.locator('img').count()).toBe(0);
});

test('a version that came meanwhile is told before it is replaced', async () => {
  const path = { id: 'meanwhile' };
  await dashboard.client.request('PUT /api/v1/meters/{id}', { path, body: RULE });
  const page = await dashboard.open('/meters/meanwhile?edit=1');
  await page.getByLabel('Name').fill('Mine');
  await dashboard.client.request('PUT /api/v1/meters/{id}', { path, body: { ...RULE, unit: 'GBy' } });
  const save = page.getByRole('button', { name: 'Save as a new version' });
  await save.click();
  await page.getByRole('alert').getByText('Version 2 came while you were writing').waitFor();
  expect(await page.getByLabel('Name').inputValue()).toBe('Mine');
  await save.click();
  await page.getByRole('status').getByText('Version 3').waitFor();
  const { version, name, unit } = await dashboard.client.request('GET /api/v1/meters/{id}', { path });
  expect({ version, name, unit }).toEqual({ version: 3, name: 'Mine', unit: null });
});

test('a rule that was left, or whose tab was closed, is there again until it is saved or cancelled', async () => {
  const path = { id: 'left' };
  await dashboard.client.request('PUT /api/v1/meters/{id}', { path, body: RULE });
  const first = await dashboard.open('/meters/left?edit=1');
  await first.getByLabel('Name').fill('Half done');
  await first.getByRole('navigation').getByRole('link', { name: 'Live' }).click();
  await first.getByRole('heading', { level: 1, name: 'Live' }).waitFor();
  await first.goBack();
  await first.getByText('You had written this before').waitFor();
  await expect.poll(() => first.getByLabel('Name').inputValue()).toBe('Half done');
  await first.getByRole('tab', { name: 'Text' }).click();
  await rule(first).fill('id: [');
  const context = first.context();
  await first.close();
  const page = await context.newPage();
  await page.goto(`${dashboard.url}/meters/left?edit=1&view=text`);
  await page.getByText('You had written this before').waitFor();
  expect(await rule(page).inputValue()).toBe('id: [');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Begin anew' }).click();
  expect(await rule(page).inputValue()).toContain('dimension: refunds');
  await page.getByRole('tab', { name: 'Form' }).click();
  await page.getByLabel('Name').fill('Mine');
  // What came meanwhile is told although the page has it.
  await dashboard.client.request('PUT /api/v1/meters/{id}', { path, body: { ...RULE, unit: 'GBy' } });
  await page.reload();
  await expect.poll(() => page.getByLabel('Name').inputValue()).toBe('Mine');
  const save = page.getByRole('button', { name: 'Save as a new version' });
  await save.click();
  await page.getByRole('alert').getByText('Version 2 came while you were writing').waitFor();
  await save.click();
  await page.getByRole('status').getByText('Version 3').waitFor();
  await page.getByRole('button', { name: 'Edit rule' }).click();
  await page.getByLabel('Name').fill('Not meant');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Edit rule' }).click();
  await expect.poll(() => page.getByLabel('Name').inputValue()).toBe('Mine');
  expect(await page.getByText('You had written this before').count()).toBe(0);
});

test('a rule that is begun anew is the version that holds by then', async () => {
  const path = { id: 'anew' };
  await dashboard.client.request('PUT /api/v1/meters/{id}', { path, body: RULE });
  const page = await dashboard.open('/meters/anew?edit=1');
  await page.getByLabel('Name').fill('Half done');
  await page.clock.install();
  await page.reload();
  await page.getByText('You had written this before').waitFor();
  await dashboard.client.request('PUT /api/v1/meters/{id}', { path, body: { ...RULE, name: 'Theirs' } });
  // The page asks again when somebody comes back to it after a while.
  await page.clock.fastForward(60_000);
  const asked = page.waitForResponse((response) => /\/meters\/anew\?/.test(response.url()));
  await page.evaluate(`dispatchEvent(new Event('visibilitychange'))`);
  await (await asked).finished();
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  await page.getByRole('button', { name: 'Begin anew' }).click();
  await expect.poll(() => page.getByLabel('Name').inputValue()).toBe('Theirs');
});

test('form and text are two views of one rule; what the form does not show stays', async () => {
  const page = await dashboard.open('/meters/refunds?edit=1');
  await page.getByText('{"none":[{"path":"severity_text","eq":"DEBUG"}]}').waitFor();
  await page.getByRole('button', { name: 'Add condition' }).click();
  await page.getByLabel('Condition 2: where').selectOption('attribute');
  await page.getByLabel('Condition 2: key').fill('a "quoted" key\\');
  await page.getByLabel('Condition 2: how').selectOption('in');
  await page.getByLabel('Condition 2: value').fill("it's, <b>");
  await isWellFormed(page);
  await page.getByRole('tab', { name: 'Text' }).click();
  const written = await rule(page).inputValue();
  expect(written).toContain('DEBUG');
  await rule(page).fill(written.replace('refunds\n', "'refunds.all'\n").replace('GBy', 'MBy'));
  await page.getByRole('tab', { name: 'Form' }).click();
  await expect.poll(() => page.getByLabel('Unit of the value').inputValue()).toBe('MBy');
  expect(await page.getByLabel('Condition 2: key').inputValue()).toBe('a "quoted" key\\');
  expect(await page.getByLabel('Condition 2: value').inputValue()).toBe("it's, <b>");
  expect(new URL(page.url()).searchParams.get('view')).toBe('form');
  await page.getByLabel('Unit of the value').fill('bytes');
  await page.getByText('did you mean "By"?').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Edit rule' }).waitFor();
  const { version } = await dashboard.client.request('GET /api/v1/meters/{id}', { path: { id: 'refunds' } });
  expect(version).toBe(3);
});

test('a meter is declared, refused where it is known, and deleted by keyboard', async () => {
  const page = await dashboard.open('/meters', { expected: /status of 409/ });
  await page.getByRole('link', { name: 'refunds', exact: true }).waitFor();
  await tabTo(page, 'New meter');
  await page.keyboard.press('Enter');
  await page.getByLabel('Meter ID').waitFor();
  await page.keyboard.type('refunds');
  await tabTo(page, 'Spans');
  await page.keyboard.press('Space');
  await tabTo(page, 'Condition 1: where');
  await page.keyboard.type('Span name');
  await tabTo(page, 'Condition 1: value');
  await page.keyboard.type('render');
  await tabTo(page, 'Dimension');
  await page.keyboard.type('renders');
  await isWellFormed(page);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('refunds').waitFor();
  await page.keyboard.press('Shift+Tab');
  await page.getByLabel('Meter ID').focus();
  await page.keyboard.type('-by-key');
  await isWellFormed(page);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/meters/refunds-by-key');
  await page.getByText('Version 1', { exact: true }).first().waitFor();
  await tabTo(page, 'Delete');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Delete this meter?' });
  await dialog.getByText('Usage that it counted stays').waitFor();
  await tabTo(page, 'Delete');
  await page.keyboard.press('Enter');
  await page.getByText('deleted', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Declare again' }).waitFor();
});

test('those of the configuration file and the built-in one are only to be read', async () => {
  const page = await dashboard.open('/meters/of-file?edit=1');
  await page.getByText('It is declared in usage-meter.yaml').waitFor();
  expect(await rule(page).getAttribute('readonly')).toBe('');
  expect(await page.getByRole('button', { name: /Edit|Delete|Save/ }).count()).toBe(0);
  await page.getByText('usage-meter.yaml', { exact: true }).waitFor();
  await page.goto(`${dashboard.url}/meters/builtin`);
  await page.getByText('Signals that carry usage.dimension.id').waitFor();
  expect(await page.getByRole('button', { name: /Edit|Delete/ }).count()).toBe(0);
  await page.goto(`${dashboard.url}/meters?search=of-`);
  await page.getByText('<i>of the file</i>').waitFor();
  expect(await page.getByRole('table').locator('tbody tr').count()).toBe(1);
  await page.getByRole('searchbox').fill('');
  await page.getByRole('link', { name: 'builtin' }).waitFor();
  await expectAccessible(page);
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);
  expect(await page.locator('img, td i').count()).toBe(0);
});
