/** The customer profile: usage as picture, table and file, down to the signal as received; details; what is beside them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Download, Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { type UsageMeterClient, UsageMeterError } from '../../client/index.ts';
import { CUMULATIVE, type OtlpPoint, stream } from '../support/otlp-points.ts';
import { ProtobufWriter, requestOf } from '../support/otlp-writer.ts';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

const folder = mkdtempSync(join(tmpdir(), 'usage-meter-customer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const configFile = join(folder, 'usage-meter.yaml');
writeFileSync(configFile, 'customers:\n  - { id: filed, name: Of the file, metadata: { plan: gold } }\n');

const MARKUP = '<img src=x onerror=alert(1)>';
const RTL = '\u202egnp.exe';
const LONG = 'x'.repeat(10_000);
const HOSTILE = `=cmd|' /C calc'!A0 ${MARKUP}`;
const HOURS = 10_050;
const MARCH = 'from=2026-03-01&to=2026-04-01';
const nano = (time: string): bigint => BigInt(Date.parse(time)) * 1_000_000n;

/** Readings of a running total; the last came in a request of its own. */
const total = stream({ name: 'usage.bytes', unit: 'By', temporality: CUMULATIVE });
const reading = (time: string, value: bigint): OtlpPoint => ({
  stream: total,
  attributes: [
    ['usage.customer.id', 'acme'],
    ['host', MARKUP],
  ],
  startUnixNano: nano('2026-03-10T00:00:00Z'),
  timeUnixNano: nano(time),
  value,
  flags: 0,
});

/** Until the ledger has all of it: a question waits 10 s, which a busy machine may need more than once. */
async function loaded(client: UsageMeterClient): Promise<void> {
  try {
    await client.request('GET /api/v1/status');
  } catch (error) {
    if (!(error instanceof UsageMeterError && error.retryable)) throw error;
    await loaded(client);
  }
}

const dashboard = dashboardFixture({
  args: ['--config', configFile],
  seed: async (client, url) => {
    await client.request('POST /api/v1/customers', {
      body: {
        id: 'acme',
        name: 'Acme GmbH',
        email: 'billing@acme.example',
        aliases: ['acme-eu'],
        metadata: { plan: 'enterprise' },
      },
    });
    await client.request('POST /api/v1/customers', { body: { id: 'idle' } });
    await client.request('POST /api/v1/dimensions', {
      body: {
        id: 'api.requests',
        name: 'API requests',
        usageIncrement: '1000',
        rounding: 'ceiling',
        unitPrice: '0.0004',
      },
    });
    await client.request('POST /api/v1/dimensions', {
      body: { id: 'level', unit: 'GBy', aggregation: 'time_weighted' },
    });
    await client.request('POST /api/v1/dimensions', {
      body: { id: 'seats', unit: '{seat}', aggregation: 'max', interval: 'day' },
    });
    const record = (
      customerId: string,
      dimensionId: string,
      day: number,
      recordValue: string,
      metadata = {},
    ) => ({
      customerId,
      dimensionId,
      recordValue,
      timestamp: `2026-03-${String(day).padStart(2, '0')}T12:00:00Z`,
      metadata,
    });
    await client.request('POST /api/v1/usage', {
      body: [
        record('acme', 'api.requests', 2, '1200.000000000001', { region: 'eu' }),
        record('acme', 'api.requests', 2, '99999999999999999999.5', { region: 'us' }),
        record('acme', 'api.requests', 5, '7', { region: 'eu' }),
        record('acme', 'api.requests', 5, '0.25', { region: HOSTILE }),
        record('acme', 'api.requests', 6, '3', { [MARKUP]: RTL, note: LONG.slice(0, 4000) }),
        record('acme', 'level', 1, '10'),
        record('acme', 'seats', 2, '5'),
        record('acme', 'seats', 3, '8'),
        record('found', 'api.requests', 2, '1'),
        ...Array.from({ length: 51 }, (_, place) => record('wide', `wide.${place}`, 2, '1')),
        record(MARKUP, RTL, 2, '1', { [RTL]: MARKUP, '"': "'" }),
        // A page of the table and one row more.
        ...Array.from({ length: 17 }, (_, day) => record('acme', 'many', day + 1, `${day}.5`)),
        ...Array.from({ length: 60 }, () => record('acme', 'crowd', 1, '1')),
      ],
    });
    // An hour each: more rows than one answer has.
    await client.request('POST /api/v1/usage', {
      body: Array.from({ length: HOURS }, (_, hour) => ({
        customerId: 'bulk',
        dimensionId: 'hourly',
        recordValue: `${hour}.000000000001`,
        timestamp: new Date(Date.UTC(2024, 0, 1, hour)).toISOString(),
      })),
    });
    const writer = new ProtobufWriter();
    for (const points of [[reading('2026-03-10T00:00:00Z', 100n)], [reading('2026-03-10T01:00:00Z', 250n)]]) {
      const sent = await fetch(`${url}/v1/metrics`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-protobuf' },
        body: new Uint8Array(writer.encode(requestOf(points))),
      });
      expect(sent.status).toBe(200);
    }
    const uncountable = {
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                {
                  timeUnixNano: String(nano('2026-03-03T00:00:00Z')),
                  attributes: Object.entries({
                    'usage.customer.id': 'acme',
                    'usage.dimension.id': 'api.requests',
                    'usage.value': '-42.5',
                  }).map(([key, stringValue]) => ({ key, value: { stringValue } })),
                },
              ],
            },
          ],
        },
      ],
    };
    const logs = await fetch(`${url}/v1/logs`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(uncountable),
    });
    expect(logs.status).toBe(200);
    await client.request('POST /api/v1/periods/close', {
      body: { customerId: 'acme', from: '2026-02-01', to: '2026-03-01' },
    });
    await client.request('POST /api/v1/usage', {
      body: { ...record('acme', 'api.requests', 1, '11'), timestamp: '2026-02-20T12:00:00Z' },
    });
    await loaded(client);
  },
});

const monitoring = (page: Page) => page.getByRole('region', { name: 'Usage Monitoring' });
const table = (page: Page) => monitoring(page).getByRole('table', { name: 'Usage by window' });
const figure = (page: Page, name: string) =>
  monitoring(page)
    .locator('dl > div', { has: page.getByText(name, { exact: true }) })
    .locator('dd')
    .first();
/** Without the narrow spaces between groups of three. */
const digits = (text: string | null) => text?.replaceAll('\u202f', '').replaceAll('−', '-');

async function textOf(download: Download): Promise<Buffer> {
  return readFileSync(await download.path());
}

test('usage of a dimension: totals, picture and table are what the API answers, and stand in the address', async () => {
  const page = await dashboard.open(`/customers/acme?${MARCH}`);
  // The latest dimension is shown until another is chosen.
  const dimension = page.getByRole('combobox', { name: 'Dimension' });
  await expect.poll(() => dimension.inputValue()).not.toBe('');
  await dimension.fill('api.req');
  await page.getByRole('option', { name: /api\.requests/ }).click();
  await expect
    .poll(async () => digits(await figure(page, 'Quantity').textContent()))
    .toBe('100000000000000001209.750000000001');
  const { rows } = await dashboard.client.request('GET /api/v1/usage', {
    query: { customerId: 'acme', dimensionId: 'api.requests', from: '2026-03-01', to: '2026-04-01' },
  });
  expect(digits(await figure(page, 'Quantity').textContent())).toBe(rows[0].quantity);
  expect(digits(await figure(page, 'Billable quantity').textContent())).toBe(rows[0].billableQuantity);
  expect(digits(await figure(page, 'Amount').textContent())).toBe(rows[0].amount);
  expect(await table(page).locator('tbody tr').count()).toBe(3);
  await expectAccessible(page);

  await page.getByRole('combobox', { name: 'Window' }).selectOption('week');
  await expect.poll(() => table(page).locator('tbody tr').count()).toBe(1);
  await page.getByRole('combobox', { name: 'Group by metadata' }).selectOption('region');
  await table(page).getByText('without region').waitFor();
  await monitoring(page).getByText('4 rows with usage').waitFor();
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await page.getByRole('combobox', { name: 'Key' }).click();
  await page.getByRole('option', { name: 'region', exact: true }).click();
  await page.getByRole('combobox', { name: 'Value' }).fill('e');
  await page.getByRole('option', { name: 'eu', exact: true }).click();
  await expect.poll(() => table(page).locator('tbody tr').count()).toBe(1);
  expect(digits(await table(page).locator('tbody td').nth(2).textContent())).toBe('1207.000000000001');
  const address = page.url();
  expect(Object.fromEntries(new URL(address).searchParams)).toMatchObject({
    dimension: 'api.requests',
    window: 'week',
    groupBy: 'region',
    filter: 'region=eu',
  });
  await page.reload();
  await expect.poll(() => table(page).locator('tbody tr').count()).toBe(1);
  await page.getByRole('button', { name: /^Remove filter region/ }).click();
  await expect.poll(() => table(page).locator('tbody tr').count()).toBe(4);
});

test('each dimension of the range is seen at a glance; a press on one shows it', async () => {
  const page = await dashboard.open(`/customers/acme?dimension=many&groupBy=region&${MARCH}`);
  const glance = page.getByRole('region', { name: 'Usage by dimension' });
  const item = (id: string) => glance.getByRole('listitem').filter({ hasText: id });
  await item('api.requests').waitFor();
  const { rows } = await dashboard.client.request('GET /api/v1/usage', {
    query: { customerId: 'acme', from: '2026-03-01', to: '2026-04-01' },
  });
  expect(rows.length).toBeGreaterThan(4);
  expect(await glance.getByRole('listitem').count()).toBe(rows.length);
  for (const { dimensionId = '', quantity, records } of rows) {
    const said = digits(await item(dimensionId).textContent());
    expect(said).toContain(quantity);
    expect(said).toContain(records === 1 ? '1 record' : `${records} records`);
  }
  const requests = rows.find(({ dimensionId }) => dimensionId === 'api.requests');
  expect(digits(await item('api.requests').textContent())).toContain(
    `billable ${requests?.billableQuantity} · amount ${requests?.amount} · `,
  );
  expect(await item('many').getByRole('button').getAttribute('aria-current')).toBe('true');
  await item('seats').getByRole('button').press('Enter');
  await expect.poll(async () => digits(await figure(page, 'Quantity, seat').textContent())).toBe('13');
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({
    dimension: 'seats',
    from: '2026-03-01',
    to: '2026-04-01',
  });
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);

  // Of one dimension, everything is below already.
  await page.goto(`${dashboard.url}/customers/found?${MARCH}`);
  await monitoring(page).getByText('1 window with usage').waitFor();
  expect(await glance.count()).toBe(0);
});

test('more dimensions than fit are said to be more', async () => {
  const page = await dashboard.open(`/customers/wide?${MARCH}`);
  const glance = page.getByRole('region', { name: 'Usage by dimension' });
  await glance.getByText('The first 50 dimensions.').waitFor();
  expect(await glance.getByRole('listitem').count()).toBe(50);
});

test('long tables come in pages; windows that the interval does not allow are not offered', async () => {
  const page = await dashboard.open(`/customers/acme?dimension=many&${MARCH}`);
  await table(page).getByRole('button', { name: '15 Mar 2026' }).waitFor();
  expect(await table(page).locator('tbody tr').count()).toBe(15);
  await monitoring(page).getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => table(page).locator('tbody tr').count()).toBe(2);
  await page.goto(`${dashboard.url}/customers/acme?dimension=seats&window=hour&${MARCH}`);
  await expect.poll(async () => digits(await figure(page, 'Quantity, seat').textContent())).toBe('13');
  expect(
    await page.getByRole('combobox', { name: 'Window' }).locator('option').allTextContents(),
  ).not.toContain('By hour');
  expect(await page.getByRole('combobox', { name: 'Window' }).inputValue()).toBe('day');
});

test('by keyboard alone: along the bars, into one, down to its record and back', async () => {
  const page = await dashboard.open(`/customers/acme?dimension=api.requests&zone=UTC&${MARCH}`);
  const chart = page.getByRole('region', { name: /^Quantity by day/ });
  await chart.focus();
  for (let day = 1; day <= 5; day += 1) await page.keyboard.press('ArrowRight');
  await monitoring(page).getByText('05 Mar 2026').first().waitFor();
  expect(digits(await monitoring(page).locator('[aria-live="polite"]').first().textContent())).toContain(
    '7.25',
  );
  await page.keyboard.press('Enter');
  await page.waitForURL('**/customers/acme/explain?**');
  await page.getByRole('list', { name: 'Steps' }).waitFor();
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({
    at: '2026-03-05T00:00:00Z',
    zone: 'UTC',
    from: '2026-03-01',
    to: '2026-04-01',
    window: 'day',
  });
  expect(
    (await page.getByRole('list', { name: 'Steps' }).locator('li').allTextContents()).map(digits),
  ).toEqual([
    'the sum of the values: 2 records7.25',
    'rounded up to a multiple of the usage increment 10001000',
    '1000 × the unit price 0.00040.4',
  ]);
  await page.getByRole('table', { name: 'Usage records' }).locator('tbody tr').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Usage record' });
  await dialog.getByText(HOSTILE, { exact: true }).first().waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  // Not into the dialog again.
  await page.goBack();
  await monitoring(page).waitFor();
  await page.goForward();
  await page.goForward();
  await dialog.waitFor();
  // Escape twice, before the page has gone back: once, as far as anybody knows.
  await page.evaluate(`for (let times = 0; times < 2; times += 1)
    document.querySelector('dialog').dispatchEvent(new Event('cancel', { cancelable: true }))`);
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('table', { name: 'Usage records' }).waitFor();
  expect(new URL(page.url()).pathname).toMatch(/explain$/);
});

test('from a number to the bytes: each step has an address that shows the same to others', async () => {
  const page = await dashboard.open(`/customers/acme?dimension=bytes&zone=UTC&${MARCH}`);
  await table(page).getByRole('button', { name: '10 Mar 2026' }).click();
  const records = page.getByRole('table', { name: 'Usage records' });
  await records.getByText('running total').first().waitFor();
  await expectAccessible(page);
  expect(
    digits(await page.getByRole('list', { name: 'Steps' }).locator('li').first().textContent()),
  ).toContain('250');
  await records.getByRole('button', { name: '10 Mar 2026, 01:00:00' }).click();
  const dialog = page.getByRole('dialog', { name: 'Usage record' });
  await dialog.getByText('250', { exact: false }).first().waitFor();
  // What the reading counts from, the series, and what is said of both.
  await dialog.getByRole('region', { name: 'The reading before' }).waitFor();
  await dialog.getByText('i-1', { exact: true }).waitFor();
  const received = dialog.getByRole('region', { name: 'The signal as received' });
  await received.getByText('"name": "usage.bytes"').waitFor();
  await expectAccessible(page);
  await received.getByRole('tab', { name: 'Bytes' }).click();
  const shown = received.getByRole('region', { name: 'Bytes' });
  await shown.waitFor();
  const recordId = new URL(page.url()).searchParams.get('open') as string;
  const { signal } = await dashboard.client.request('GET /api/v1/records/{recordId}/signal', {
    path: { recordId },
  });
  if (!('bytes' in signal)) throw new Error('the journal has the signal');
  const bytes = Buffer.from(signal.bytes.base64 as string, 'base64');
  const hex =
    (await shown.textContent())
      ?.split('\n')
      .map((line) => line.slice(8, 55))
      .join(' ') ?? '';
  expect(hex.replaceAll(/\s+/g, '')).toBe(bytes.toString('hex'));
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    received.getByRole('button', { name: 'Save bytes' }).click(),
  ]);
  expect(await textOf(download)).toEqual(bytes);

  // A colleague in another zone, who was sent the address.
  const other = await dashboard.open(page.url().slice(dashboard.url.length), { timeZone: 'Asia/Tokyo' });
  const theirs = other.getByRole('dialog', { name: 'Usage record' });
  await theirs.getByRole('region', { name: 'Bytes' }).first().waitFor();
  await theirs.getByText('10 Mar 2026, 01:00:00').first().waitFor();
  await theirs.getByRole('link', { name: recordId }).click();
  await other.waitForURL(`**/records/${recordId}**`);
  await other.getByRole('heading', { name: 'The signal as received' }).waitFor();
  await expectAccessible(other);
});

test('an explanation pages through its records, and shows parts and what was carried in', async () => {
  const page = await dashboard.open(`/customers/acme/explain?dimension=crowd&${MARCH}&window=total&zone=UTC`);
  const records = page.getByRole('table', { name: 'Usage records' });
  await expect.poll(() => records.locator('tbody tr').count()).toBe(50);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => records.locator('tbody tr').count()).toBe(10);
  await page.goto(`${dashboard.url}/customers/acme/explain?dimension=seats&${MARCH}&window=total&zone=UTC`);
  await page.getByRole('heading', { name: '2 parts, added up' }).waitFor();
  await page.getByRole('table', { name: 'Parts' }).getByText('8', { exact: true }).first().waitFor();
  await page.goto(
    `${dashboard.url}/customers/acme/explain?dimension=level&from=2026-03-02&to=2026-03-03&window=total&zone=UTC`,
  );
  const carried = page.getByRole('region', { name: 'Carried in' });
  await carried.getByText('864\u202f000', { exact: false }).waitFor();
  await page.getByText('No record in this window').waitFor();
  await carried.getByRole('button', { name: '10' }).press('Enter');
  await page.getByRole('dialog', { name: 'Usage record' }).getByText('by hand').waitFor();
  await page.goto(
    `${dashboard.url}/customers/acme/explain?dimension=seats&from=2026-05-01&to=2026-06-01&window=total`,
  );
  await page.getByText('Nothing was used').waitFor();
  await page.goto(`${dashboard.url}/customers/acme/explain`);
  await page.getByText('This address names no dimension').waitFor();
});

test('CSV has the exact decimals of the API, and nothing that a spreadsheet would run', async () => {
  const page = await dashboard.open(
    `/customers/acme?dimension=api.requests&groupBy=region&zone=Europe/Berlin&${MARCH}`,
  );
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('usage-acme-api.requests-2026-03-01-2026-04-01.csv');
  const { rows } = await dashboard.client.request('GET /api/v1/usage', {
    query: {
      customerId: 'acme',
      dimensionId: 'api.requests',
      from: '2026-03-01',
      to: '2026-04-01',
      window: 'day',
      timeZone: 'Europe/Berlin',
      groupBy: ['customerId', 'dimensionId', 'metadata.region'],
      fill: false,
    },
  });
  expect(rows).toHaveLength(5);
  const lines = (await textOf(download)).toString().split('\r\n');
  expect(lines.shift()).toBe(
    'customerId,dimensionId,metadata.region,unit,windowStart,windowEnd,quantity,billableQuantity,amount,records',
  );
  expect(lines).toEqual([
    ...rows.map((row) =>
      [
        'acme',
        'api.requests',
        row.metadata?.region === HOSTILE ? `'${HOSTILE}` : (row.metadata?.region ?? ''),
        row.unit,
        row.windowStart,
        row.windowEnd,
        row.quantity,
        row.billableQuantity,
        row.amount,
        row.records,
      ].join(','),
    ),
    '',
  ]);
});

test('a file of several answers has all of their rows, in order; so many windows are no picture', async () => {
  const page = await dashboard.open(
    '/customers/bulk?dimension=hourly&from=2024-01-01&to=2025-03-01&window=hour&zone=UTC',
    { expected: /status of 503/ },
  );
  // The receiver is busy when it is asked for the second page.
  let refused = 0;
  await page.route('**/api/v1/usage?*cursor=*', async (route) => {
    refused += 1;
    if (refused > 1) return await route.continue();
    return await route.fulfill({
      status: 503,
      headers: { 'Retry-After': '0', 'Content-Type': 'application/problem+json' },
      body: '{"type":"about:blank","status":503,"code":"BUSY","title":"Busy","detail":"come again"}',
    });
  });
  await page.getByText('Too many windows for a picture').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download CSV' }).click(),
  ]);
  const lines = (await textOf(download)).toString().trimEnd().split('\r\n').slice(1);
  expect(refused).toBe(2);
  expect(lines).toHaveLength(HOURS);
  const wrong = lines.filter((line, hour) => {
    const [, , , windowStart, , quantity] = line.split(',');
    return Date.parse(windowStart) !== Date.UTC(2024, 0, 1, hour) || quantity !== `${hour}.000000000001`;
  });
  expect(wrong).toEqual([]);
});

test('a click on a part of a bar explains that group', async () => {
  const page = await dashboard.open(
    `/customers/acme?dimension=api.requests&groupBy=region&zone=UTC&${MARCH}`,
  );
  await table(page).getByText('without region').waitFor();
  const plot = page.getByRole('region', { name: /^Quantity by day/ }).locator('.u-over');
  const { width, height } = (await plot.boundingBox())!;
  // The second of 31 days; what is greatest stands at the bottom.
  await plot.click({ position: { x: (width * 1.5) / 31, y: height - 4 } });
  await page.waitForURL('**/customers/acme/explain?**');
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({
    groupBy: 'region',
    group: 'us',
    at: '2026-03-02T00:00:00Z',
  });
  await page.getByRole('list', { name: 'Steps' }).getByText('1 record').waitFor();
  await page.goBack();
  await table(page).getByText('without region').waitFor();
  await table(page).locator('tbody tr').first().press('Enter');
  await page.waitForURL('**missing=1**');
  await page.getByRole('list', { name: 'Steps' }).getByText('1 record').waitFor();
});

test('what could not be counted, statements and adjustments lead to their pages', async () => {
  const page = await dashboard.open(`/customers/acme?${MARCH}`);
  const quarantine = page.getByRole('region', { name: 'In quarantine' });
  await quarantine.getByText('−42.5').waitFor();
  expect(await quarantine.getByRole('link').getAttribute('href')).toBe('/quality?customerId=acme');
  const stated = page.getByRole('region', { name: 'Statements and adjustments' });
  await stated.getByText('Feb 2026').first().waitFor();
  await stated.getByText('adjustment', { exact: true }).waitFor();
  expect(await stated.getByRole('link', { name: 'All in Periods' }).getAttribute('href')).toBe(
    '/periods?customerId=acme',
  );
  const recent = page.getByRole('region', { name: 'Recent usage records' });
  expect(await recent.locator('tbody tr').count()).toBe(10);
  await recent.getByRole('button', { name: 'Next' }).click();
  await expect.poll(() => new URL(page.url()).searchParams.has('recent')).toBe(true);
  await recent.locator('tbody tr').first().press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Usage record' }).waitFor();
});

test('a discovered customer is declared by editing it; what the API refuses is said at its line', async () => {
  const page = await dashboard.open(`/customers/found?${MARCH}`, { expected: /status of 409/ });
  await page.getByText('discovered', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Edit' }).press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Edit customer' });
  await page.keyboard.type('Found Ltd');
  await dialog.getByRole('button', { name: 'Add alias' }).press('Enter');
  await page.keyboard.type('found-eu');
  await dialog.getByRole('button', { name: 'Add alias' }).press('Enter');
  await page.keyboard.type('idle');
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  const second = dialog.getByLabel('Alias 2', { exact: true });
  await expect.poll(() => second.getAttribute('aria-invalid')).toBe('true');
  await dialog.getByText('is a customer that was declared').waitFor();
  await dialog.getByRole('button', { name: 'Remove alias 2' }).press('Enter');
  await dialog.getByRole('button', { name: 'Add metadata' }).press('Enter');
  await page.keyboard.type('plan');
  await page.keyboard.press('Tab');
  await page.keyboard.type(MARKUP);
  await page.keyboard.press('Enter');
  await page.getByRole('status').getByText('Customer declared').waitFor();
  const details = page.getByRole('region', { name: 'Details' });
  await details.getByText('found-eu').waitFor();
  await details.getByText(MARKUP, { exact: true }).waitFor();
  expect(await page.getByText('discovered', { exact: true }).count()).toBe(0);
  expect(await dashboard.client.request('GET /api/v1/customers/{id}', { path: { id: 'found' } })).toEqual({
    id: 'found',
    name: 'Found Ltd',
    email: null,
    timeZone: null,
    aliases: ['found-eu'],
    metadata: { plan: MARKUP },
    discovered: false,
    managedBy: 'api',
  });
});

test('a customer is deleted once somebody has said so; one with usage stays', async () => {
  const page = await dashboard.open('/customers/acme', { expected: /status of 40[49]/ });
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete this customer?' });
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('alert').getByText('has usage').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();

  await page.goto(`${dashboard.url}/customers/idle`);
  await page.getByText('No usage yet').waitFor();
  await page.getByText('Everything that names this customer was counted.').waitFor();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL('**/customers');
  await page.getByRole('status').getByText('Customer deleted').waitFor();
  await page.goto(`${dashboard.url}/customers/idle`);
  await page.getByRole('alert').waitFor();
});

test('what the file declares is read-only, and says so', async () => {
  const page = await dashboard.open('/customers/filed');
  await page.getByText('managed by the file').waitFor();
  await page.getByText('changed there alone').waitFor();
  expect(await page.getByRole('button', { name: /^(Edit|Delete)$/ }).count()).toBe(0);
});

test('hostile names, dimensions and metadata are text, at any width', async () => {
  const page = await dashboard.open(
    `/customers/${encodeURIComponent(MARKUP)}?${MARCH}&dimension=${encodeURIComponent(RTL)}`,
    { width: 360 },
  );
  await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe(MARKUP);
  await table(page).waitFor();
  await page.getByRole('combobox', { name: 'Group by metadata' }).selectOption(RTL);
  await table(page).getByText(MARKUP).waitFor();
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  await table(page).locator('tbody tr').first().press('Enter');
  await page.getByRole('list', { name: 'Steps' }).waitFor();
  await expectNoSidewaysScroll(page);

  await page.goto(`${dashboard.url}/customers/acme?${MARCH}&dimension=api.requests&groupBy=note`);
  await table(page).waitFor();
  await expectNoSidewaysScroll(page);
  await page.goto(
    `${dashboard.url}/customers/acme/explain?${MARCH}&dimension=api.requests&window=day&at=2026-03-06T00:00:00Z&zone=UTC`,
  );
  await page.getByRole('table', { name: 'Usage records' }).locator('tbody tr').first().press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('region', { name: 'The record' }).getByText(RTL, { exact: true }).waitFor();
  await dialog.getByText(LONG.slice(0, 4000), { exact: true }).first().waitFor();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  expect(await page.locator('img, b').count()).toBe(0);
});
