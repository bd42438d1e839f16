/** The form to record usage: filled in by hand, by keyboard, refused at its fields, and the same by code. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';
import { hostileTexts } from './support/hostile-texts.ts';
import {
  copiedSnippet,
  editedCell,
  fillRecord,
  metadataCell,
  recordUsageForm,
  type SnippetLabel,
} from './support/record-usage-form.ts';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const RANGE = { from: '2020-01-01', to: '2100-01-01' };

const dashboard = dashboardFixture({
  seed: async (client) => {
    await client.request('POST /api/v1/customers', {
      body: { id: 'acme', name: 'Acme GmbH', aliases: ['acme-eu'] },
    });
    await client.request('POST /api/v1/dimensions', {
      body: { id: 'gpu.hours', name: 'GPU hours', unit: 'h' },
    });
    await client.request('POST /api/v1/dimensions', { body: { id: 'credits', creditsAllowed: true } });
    await client.request('POST /api/v1/usage', {
      body: [
        { customerId: 'acme', dimensionId: 'gpu.hours', recordValue: '1', timestamp: '2026-03-01T08:00:00Z' },
      ],
    });
  },
});

async function openForm(more = '', options: Parameters<typeof dashboard.open>[1] = {}): Promise<Page> {
  const page = await dashboard.open(`/customers/acme?record=1&dimension=gpu.hours${more}`, options);
  await recordUsageForm(page).getByLabel('Record Value').waitFor();
  return page;
}

/** Records of a dimension, as stored. */
async function records(dimensionId: string, customerId = 'acme') {
  const { rows } = await dashboard.client.request('GET /api/v1/records', {
    query: { ...RANGE, dimensionId, customerId },
  });
  return rows;
}

async function chooseDimension(page: Page, id: string): Promise<void> {
  const field = recordUsageForm(page).getByRole('combobox', { name: 'Dimension ID' });
  await field.fill(id);
  await page.keyboard.press('Tab');
  await expect.poll(() => field.inputValue()).toBe(id);
}

test('a record by hand: prefilled, metadata by double click and Enter, stored, and another one', async () => {
  const page = await dashboard.open('/customers/acme');
  await page.getByRole('button', { name: 'Record Usage' }).click();
  const form = recordUsageForm(page);
  await form.getByLabel('Record Value').waitFor();
  expect(await form.getByRole('combobox', { name: 'Customer ID' }).inputValue()).toBe('acme');
  expect(await form.getByRole('combobox', { name: 'Dimension ID' }).inputValue()).toBe('gpu.hours');
  expect(await form.getByLabel('Timestamp', { exact: true }).inputValue()).toMatch(
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  );
  await form.getByText('It usually marks the end of the period.').waitFor();
  await expect.poll(() => page.evaluate('document.activeElement.inputMode')).toBe('decimal');
  await fillRecord(page, {
    recordValue: '0.000000000001',
    timestamp: '2026-03-02T09:00:00.123456789+01:00',
    metadata: [
      ['region', 'eu'],
      ['note', '<b>bold</b>'],
    ],
  });
  await metadataCell(page, 0, 'value').dblclick();
  await editedCell(page, 'Value 1').fill('us');
  await page.keyboard.press('Enter');
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('stored', { exact: true }).waitFor();
  await form.getByText('0.000000000001').waitFor();
  await form.getByText('<b>bold</b>').waitFor();
  await expectAccessible(page);
  const [stored] = await records('gpu.hours').then((rows) =>
    rows.filter(({ timestamp }) => timestamp > '2026-03-02'),
  );
  expect(stored).toMatchObject({
    recordValue: '0.000000000001',
    unit: 'h',
    timestamp: '2026-03-02T08:00:00.123456789Z',
    metadata: { note: '<b>bold</b>', region: 'us' },
  });
  expect(await form.getByRole('link', { name: 'Explain' }).getAttribute('href')).toContain(
    `/records/${stored?.recordId}`,
  );

  await form.getByRole('button', { name: 'Record another' }).click();
  expect(await form.getByRole('combobox', { name: 'Dimension ID' }).inputValue()).toBe('gpu.hours');
  expect(await form.getByLabel('Record Value').inputValue()).toBe('');
  await form.getByLabel('Record Value').fill('2');
  await page.keyboard.press('Enter');
  await form.getByText('stored', { exact: true }).waitFor();
  await form.getByRole('link', { name: 'Explain' }).click();
  await page.waitForURL('**/records/*');
  await form.waitFor({ state: 'detached' });
});

test('cells: Escape reverts, Tab goes on, Delete and the button remove, twice the same key is said at its cell', async () => {
  const page = await openForm();
  const form = recordUsageForm(page);
  await form.getByRole('button', { name: 'Add Metadata' }).press('Enter');
  await page.keyboard.type('region');
  await page.keyboard.press('Tab');
  await page.keyboard.type('eu');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Add Metadata');
  await page.keyboard.press('Enter');
  await page.keyboard.type('region');
  await page.keyboard.press('Tab');
  await page.keyboard.type('first');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second');
  await page.keyboard.press('Enter');
  await form.getByText('This key is there already').waitFor();
  expect(await metadataCell(page, 1, 'key').getAttribute('aria-invalid')).toBe('true');
  expect(await metadataCell(page, 1, 'value').innerText()).toBe('first\nsecond');

  // Escape leaves the cell, and neither the row nor the form.
  await metadataCell(page, 1, 'key').press('F2');
  await page.keyboard.type('something else');
  await page.keyboard.press('Escape');
  await expect.poll(() => metadataCell(page, 1, 'key').innerText()).toContain('region');
  await page.keyboard.press('Enter');
  await page.keyboard.type('zone');
  await page.keyboard.press('Enter');
  await expect.poll(() => form.getByText('This key is there already').count()).toBe(0);

  // A row that was added and left empty was not meant.
  await form.getByRole('button', { name: 'Add Metadata' }).click();
  await page.keyboard.press('Escape');
  await expect.poll(() => form.getByRole('grid').locator('tbody tr').count()).toBe(2);
  await form.getByRole('button', { name: 'Remove row 1' }).click();
  await expect.poll(() => metadataCell(page, 0, 'key').innerText()).toBe('zone');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Delete');
  await form.getByRole('grid').waitFor({ state: 'detached' });
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Add Metadata');
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'detached' });
  expect(new URL(page.url()).searchParams.has('record')).toBe(false);
});

test('cells: typing replaces what is there; a key without a value says what is stored', async () => {
  const page = await openForm();
  const form = recordUsageForm(page);
  await fillRecord(page, { recordValue: '7.75', metadata: [['region', 'eu']] });
  const value = metadataCell(page, 0, 'value');
  await value.press('u');
  await page.keyboard.type('s 1');
  expect(await editedCell(page, 'Value 1').inputValue()).toBe('us 1');
  await page.keyboard.press('Enter');
  expect(await value.innerText()).toBe('us 1');
  // A shortcut is none of it; Escape takes back what typing began.
  await value.press('Control+c');
  expect(await editedCell(page, 'Value 1').count()).toBe(0);
  await value.press('x');
  await page.keyboard.press('Escape');
  expect(await value.innerText()).toBe('us 1');
  expect(await form.getByText('stored as an empty text').count()).toBe(0);
  await value.press('F2');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Enter');
  await value.getByText('stored as an empty text').waitFor();
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('stored', { exact: true }).waitFor();
  const stored = (await records('gpu.hours')).find(({ recordValue }) => recordValue === '7.75');
  expect(stored?.metadata).toEqual({ region: '' });
});

test('by keyboard alone, from the palette, with a customer and a dimension that nobody knows', async () => {
  const page = await dashboard.open('/customers');
  await page.getByRole('link', { name: 'acme' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('record us');
  await page.getByRole('option', { name: 'Record usage…' }).waitFor();
  await page.keyboard.press('Enter');
  const form = recordUsageForm(page);
  await form.getByLabel('Record Value').waitFor();
  await expect.poll(() => page.evaluate('document.activeElement.role')).toBe('combobox');
  await page.keyboard.type('by-keyboard');
  await page.keyboard.press('Tab');
  await form.getByText('this record discovers it.').waitFor();
  await page.keyboard.type('tapes');
  await page.getByRole('option', { name: 'tapes' }).waitFor();
  await page.keyboard.press('Enter');
  await form.getByText('this record discovers it with unit 1.').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.type('3');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('2026-03-01T00:00:00Z');
  // Past the picker, the start time and its picker.
  for (let tab = 0; tab < 4; tab += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.type('by');
  await page.keyboard.press('Tab');
  await page.keyboard.type('hand');
  await page.keyboard.press('Enter');
  await form.getByLabel('Record Value').press('Enter');
  await form.getByText('stored', { exact: true }).waitFor();
  expect(await records('tapes', 'by-keyboard')).toMatchObject([
    { recordValue: '3', unit: '1', timestamp: '2026-03-01T00:00:00Z', metadata: { by: 'hand' } },
  ]);
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'detached' });
});

test('what is wrong is said at its field, as it is typed, and by the receiver', async () => {
  const page = await openForm('', { expected: /status of 4(00|09)/ });
  const form = recordUsageForm(page);
  const value = form.getByLabel('Record Value');
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('Enter a number, like 12.5').waitFor();
  expect(await page.evaluate('document.activeElement.inputMode')).toBe('decimal');
  await value.fill('1,5');
  await form.getByText('Write a decimal point').waitFor();
  await value.fill('-1');
  await form.getByText('gpu.hours does not allow credits').waitFor();
  await chooseDimension(page, 'credits');
  await form.getByText('does not allow credits').waitFor({ state: 'detached' });
  await form.getByLabel('Timestamp', { exact: true }).fill('2026-03-01T08:00:00');
  await form.getByText('Say the offset too').waitFor();
  await form.getByLabel('Timestamp', { exact: true }).fill('2199-01-01T00:00:00Z');
  await form.getByLabel('Start time', { exact: true }).fill('2199-01-01T00:00:01Z');
  await form.getByText('After the timestamp').waitFor();
  await expectAccessible(page);
  await form.getByLabel('Start time', { exact: true }).fill('');
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('must not be more than 600 s in the future').waitFor();
  expect(await form.getByLabel('Timestamp', { exact: true }).getAttribute('aria-invalid')).toBe('true');
  await form.getByLabel('Timestamp', { exact: true }).fill('2026-03-01T08:00:00Z');
  await form.getByRole('combobox', { name: 'Customer ID' }).fill('acme-eu');
  await page.keyboard.press('Tab');
  await form.getByText('An alias: it counts for acme.').waitFor();
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('stored', { exact: true }).waitFor();
  expect(await records('credits')).toMatchObject([{ customerId: 'acme', recordValue: '-1' }]);
});

test('other content under an id that is stored is refused, until it is another record', async () => {
  const page = await openForm('', { expected: /status of 409/ });
  const form = recordUsageForm(page);
  await chooseDimension(page, 'conflicts');
  await fillRecord(page, { recordValue: '1', timestamp: '2026-03-01T08:00:00Z' });
  await run('curl', await copiedSnippet(page, 'curl'));
  await fillRecord(page, { recordValue: '2', metadata: [['region', 'eu']] });
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('is 2, but 1 is stored under this id').waitFor();
  await form.getByText('metadata.region: is "eu", but none is stored').waitFor();
  await form.getByRole('button', { name: 'Make it another record' }).click();
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('stored', { exact: true }).waitFor();
  expect((await records('conflicts')).map(({ recordValue }) => recordValue).sort()).toEqual(['1', '2']);
});

test('a time is chosen by date, time and zone; what clocks skip or show twice is said', async () => {
  const page = await openForm('&zone=Europe%2FBerlin');
  const form = recordUsageForm(page);
  const timestamp = form.getByLabel('Timestamp', { exact: true });
  const picker = page.getByRole('dialog', { name: 'Choose timestamp' });
  await form.getByRole('button', { name: 'Choose timestamp' }).press('Enter');
  await picker.getByLabel('Date').fill('2026-10-25');
  await picker.getByLabel('Time', { exact: true }).fill('02:30:15');
  await picker.getByLabel('Clocks show this time twice').selectOption('later');
  await expectAccessible(page);
  await picker.getByLabel('Date').press('Enter');
  await picker.waitFor({ state: 'detached' });
  expect(await timestamp.inputValue()).toBe('2026-10-25T02:30:15+01:00');
  await form.getByText('25 Oct 2026, 02:30:15 in Europe/Berlin').waitFor();

  await form.getByRole('button', { name: 'Choose timestamp' }).click();
  await picker.getByLabel('Date').fill('2026-03-29');
  await picker.getByText('There is no 02:30:15 on that day in Europe/Berlin').waitFor();
  await picker.getByRole('button', { name: 'Use 03:30:15' }).click();
  expect(await timestamp.inputValue()).toBe('2026-03-29T03:30:15+02:00');

  await form.getByRole('button', { name: 'Choose start time' }).click();
  const start = page.getByRole('dialog', { name: 'Choose start time' });
  await start.getByRole('combobox', { name: 'Time zone' }).fill('new york');
  await page.keyboard.press('Enter');
  await start.getByLabel('Date').fill('2026-03-01');
  await start.getByLabel('Time', { exact: true }).fill('00:00:00');
  await start.getByRole('button', { name: 'Use this time' }).click();
  expect(await form.getByLabel('Start time', { exact: true }).inputValue()).toBe('2026-03-01T00:00:00-05:00');
  await form.getByRole('button', { name: 'Choose start time' }).click();
  await page.keyboard.press('Escape');
  await start.waitFor({ state: 'detached' });
  await form.waitFor();
});

const APP = mkdtempSync(join(tmpdir(), 'usage-meter-snippet-'));
beforeAll(() => {
  // As npm installs it, but with the sources of this clone in the place of what a build makes of them.
  const installed = join(APP, 'node_modules/otel-usage-meter');
  mkdirSync(installed, { recursive: true });
  const manifest = { name: 'otel-usage-meter', type: 'module', exports: { './client': './client/index.ts' } };
  writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest));
  symlinkSync(join(root, 'client'), join(installed, 'client'));
});
afterAll(() => rmSync(APP, { recursive: true, force: true }));

/** Runs code as somebody does who has pasted it. @throws Error where it fails */
async function run(label: SnippetLabel, code: string): Promise<string> {
  const env = { ...process.env, USAGE_METER_API_KEY: 'not needed' };
  if (label === 'TypeScript') {
    const file = join(APP, 'record.mts');
    writeFileSync(file, code);
    return (await execute(process.execPath, [file], { cwd: APP, env })).stdout;
  }
  return (await execute('bash', ['-c', code], { env })).stdout;
}

describe('code that was copied and run, and Submit, are one record', () => {
  // A field of several lines has line feeds alone.
  const texts = hostileTexts().map((text) => text.replaceAll('\r', ''));
  const metadata = texts.flatMap((text, at): [string, string][] =>
    at % 2 === 0 ? [[text, texts[at + 1]!]] : [],
  );
  const RECORD = { recordValue: '-00012.50', timestamp: '2026-03-03T09:00:00.000000001+01:00' };

  test.each<[SnippetLabel, boolean]>([
    ['curl', false],
    ['TypeScript', true],
    ['OTLP JSON', false],
    ['OTLP JSON', true],
  ])('%s, with a start time: %s', async (label, isPeriod) => {
    const dimensionId = `${label} ${isPeriod} "it's" $x \`y\` \u202e😀`;
    await dashboard.client.request('POST /api/v1/dimensions', {
      body: { id: dimensionId, unit: 'GBy', creditsAllowed: true },
    });
    const page = await openForm();
    const form = recordUsageForm(page);
    await chooseDimension(page, dimensionId);
    await form.getByText('In GBy.').waitFor();
    await fillRecord(page, {
      ...RECORD,
      ...(isPeriod ? { startTime: '2026-03-03T07:00:00Z' } : {}),
      metadata,
    });
    await run(label, await copiedSnippet(page, label));
    const expected = [
      {
        recordValue: '-12.5',
        unit: 'GBy',
        timestamp: '2026-03-03T08:00:00.000000001Z',
        ...(isPeriod ? { startTime: '2026-03-03T07:00:00Z' } : {}),
        metadata: Object.fromEntries(metadata),
      },
    ];
    const bySnippet = await records(dimensionId);
    expect(bySnippet).toMatchObject(expected);
    await form.getByRole('button', { name: 'Submit' }).click();
    await form.getByText('duplicate', { exact: true }).waitFor();
    await run(label, (await page.evaluate('navigator.clipboard.readText()')) as string);
    expect(await records(dimensionId)).toEqual(bySnippet);
    const usage = await dashboard.client.request('GET /api/v1/usage', { query: { ...RANGE, dimensionId } });
    expect(usage.rows).toMatchObject([{ quantity: '-12.5', records: 1 }]);
  });

  test('the language that is shown stands in the address, and code waits for a form that is complete', async () => {
    const page = await openForm('&snippet=go');
    const form = recordUsageForm(page);
    await form.getByRole('tab', { name: 'Go', selected: true }).waitFor();
    await form.getByText('Code stands here once these are right: Record Value.').waitFor();
    await fillRecord(page, { recordValue: '7', metadata: [['usage.value', '3']] });
    await form.getByText('says something else in OpenTelemetry').waitFor();
    await form.getByRole('tab', { name: 'Go', selected: true }).press('ArrowLeft');
    await form.getByRole('tab', { name: 'Python', selected: true }).waitFor();
    await page.waitForURL(/snippet=python/);
    await form.getByRole('tab', { name: 'TypeScript' }).click();
    await form.getByText('"usage.value": "3"').waitFor();
  });
});

test('hostile and long texts are text, at 360 px too', async () => {
  const page = await openForm('', { width: 360, expected: /status of 400/ });
  const form = recordUsageForm(page);
  await fillRecord(page, {
    recordValue: '1',
    metadata: [
      ['<img src=x onerror=alert(1)>', '\u202e"><script>alert(1)</script>'],
      ['long', 'x'.repeat(10_000)],
    ],
  });
  await form.getByText('At most 4096 characters (there are 10000)').waitFor();
  await expectNoSidewaysScroll(page);
  await metadataCell(page, 1, 'value').dblclick();
  await editedCell(page, 'Value 2').fill('x'.repeat(4096));
  await page.keyboard.press('Enter');
  await form.getByRole('button', { name: 'Preview Record Code Snippet' }).click();
  await form.getByRole('tab', { name: 'Go' }).click();
  await form.getByText('\\u202e\\"><script>').waitFor();
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('stored', { exact: true }).waitFor();
  await expectNoSidewaysScroll(page);
  expect(await page.locator('img').count()).toBe(0);
});

test('Escape loses nothing of what was typed; Cancel and a stored record forget it', async () => {
  const page = await openForm();
  const form = recordUsageForm(page);
  const value = form.getByLabel('Record Value');
  const said = form.getByText('You had written this before');
  const reopened = async (): Promise<void> => {
    await form.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Record Usage' }).click();
    await value.waitFor();
  };
  await fillRecord(page, { recordValue: '12.5', metadata: [['region', 'eu']] });
  await page.keyboard.press('Escape');
  await reopened();
  await said.waitFor();
  expect(await value.inputValue()).toBe('12.5');
  expect(await metadataCell(page, 0, 'value').textContent()).toBe('eu');
  expect(await form.getByLabel('Timestamp', { exact: true }).inputValue()).not.toBe('');
  await expectAccessible(page);
  await page.reload();
  await expect.poll(() => value.inputValue()).toBe('12.5');
  // Of another dimension nothing was typed.
  await page.goto(`${dashboard.url}/customers/acme?record=1&dimension=credits`);
  await value.waitFor();
  expect(await value.inputValue()).toBe('');
  expect(await said.count()).toBe(0);
  await page.goto(`${dashboard.url}/customers/acme?record=1&dimension=gpu.hours`);
  await value.fill('');
  await form.getByRole('button', { name: 'Submit' }).click();
  await expect.poll(() => value.getAttribute('aria-invalid')).toBe('true');
  await form.getByRole('button', { name: 'Begin anew' }).click();
  expect(await value.inputValue()).toBe('');
  expect(await value.getAttribute('aria-invalid')).not.toBe('true');
  expect(await form.getByRole('combobox', { name: 'Dimension ID' }).inputValue()).toBe('gpu.hours');

  await value.fill('7');
  await form.getByRole('button', { name: 'Cancel' }).click();
  await reopened();
  expect(await value.inputValue()).toBe('');
  await value.fill('8');
  await page.keyboard.press('Enter');
  await form.getByText('stored', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await reopened();
  expect(await value.inputValue()).toBe('');
});

test('what was sent counts once, whether its answer is lost or comes when the form is closed', async () => {
  const page = await openForm('', { expected: /ERR_FAILED/ });
  const form = recordUsageForm(page);
  const value = form.getByLabel('Record Value');
  const reopened = async (): Promise<void> => {
    await page.keyboard.press('Escape');
    await form.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Record Usage' }).click();
    await value.waitFor();
  };
  const count = async () =>
    (await records('gpu.hours')).filter(({ recordValue }) => /^44+$/.test(recordValue)).length;
  const sent = '**/api/v1/usage';
  const time = await form.getByLabel('Timestamp', { exact: true }).inputValue();
  await value.fill('44');
  await page.route(sent, async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.keyboard.press('Enter');
  await form.getByRole('alert').waitFor();
  await page.unroute(sent);
  // The time that nobody chose would be another one.
  await expect.poll(() => Date.now()).toBeGreaterThan(Date.parse(time) + 1000);
  await reopened();
  expect(await form.getByLabel('Timestamp', { exact: true }).inputValue()).toBe(time);
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('duplicate', { exact: true }).waitFor();
  expect(await count()).toBe(1);

  await form.getByRole('button', { name: 'Record another' }).click();
  await value.fill('444');
  const release = Promise.withResolvers<void>();
  await page.route(sent, async (route) => {
    await release.promise;
    await route.continue();
  });
  await page.keyboard.press('Enter');
  await reopened();
  expect(await value.inputValue()).toBe('444');
  release.resolve();
  await expect.poll(() => page.evaluate('sessionStorage.length')).toBe(0);
  expect(await count()).toBe(2);
  await reopened();
  expect(await value.inputValue()).toBe('');
});

test('news of what was done is seen, read out and dismissed while a dialog is open', async () => {
  const page = await dashboard.open('/customers/acme');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  const news = page.getByText('Customer saved');
  await news.waitFor();
  await page.getByRole('button', { name: 'Record Usage' }).click();
  const form = recordUsageForm(page);
  await form.getByRole('status').getByText('Customer saved').waitFor();
  // It stands in the corner of the window, whole, and nothing is over it.
  const { x, y, width, height } = (await news.boundingBox())!;
  const isOnTop = `${JSON.stringify([x + width / 2, y + height / 2])}`;
  expect(await page.evaluate(`document.elementFromPoint(...${isOnTop}).textContent`)).toBe('Customer saved');
  expect(x).toBeGreaterThan(900);
  await page.keyboard.press('Escape');
  await form.waitFor({ state: 'detached' });
  await news.waitFor();
  await page.getByRole('button', { name: 'Record Usage' }).click();
  await form.getByRole('button', { name: 'Dismiss' }).click();
  await news.waitFor({ state: 'detached' });
  await form.getByLabel('Record Value').waitFor();
});
