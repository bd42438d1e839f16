/** What arrives, as it arrives: paused, filtered, with its explanation, and never more than the page shows. */
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { startReceiver } from '../support/receiver-process.ts';
import { dashboardFixture, expectAccessible, expectNoSidewaysScroll } from './support/dashboard.ts';

const HOSTILE = ['<img src=x onerror=alert(1)>', '\u202egnp.exe', `long-${'x'.repeat(1000)}`];

const dashboard = dashboardFixture({
  seed: async (client) => {
    for (const id of ['acme', 'globex']) await client.request('POST /api/v1/customers', { body: { id } });
    await client.request('POST /api/v1/dimensions', { body: { id: 'tokens', unit: '{token}' } });
  },
});

const rows = (page: Page) => page.getByRole('table').locator('tbody tr');
const cells = async (page: Page, column: number) =>
  await rows(page).locator(`td:nth-child(${column})`).allTextContents();

async function openListening(path: string): Promise<Page> {
  const page = await dashboard.open(path);
  await page.getByText('listening', { exact: true }).waitFor();
  return page;
}

async function send(
  customerId: string,
  values: string[],
  { dimensionId = 'tokens', metadata = {} }: { dimensionId?: string; metadata?: Record<string, string> } = {},
): Promise<void> {
  await dashboard.client.request('POST /api/v1/usage', {
    body: values.map((recordValue) => ({ customerId, dimensionId, recordValue, metadata })),
    headers: { Prefer: 'return=minimal' },
  });
}

async function sendLog(attributes: Record<string, string>): Promise<void> {
  const { status } = await fetch(`${dashboard.url}/v1/logs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                {
                  timeUnixNano: `${Date.now()}000000`,
                  attributes: Object.entries(attributes).map(([key, value]) => ({
                    key,
                    value: { stringValue: value },
                  })),
                },
              ],
            },
          ],
        },
      ],
    }),
  });
  expect(status).toBe(200);
}

test('records come on top, exact; quarantined ones with their reason; rows open by keyboard', async () => {
  const page = await openListening('/live');
  await page.getByText('Nothing has arrived since this page was opened').waitFor();
  await expectAccessible(page);
  await send('acme', ['12345678901234567890.000000000001']);
  await page.getByTitle('12345678901234567890.000000000001').waitFor();
  await sendLog({ 'usage.dimension.id': 'tokens' });
  await page.getByRole('link', { name: 'No customer' }).waitFor();
  expect(await cells(page, 2)).toEqual(['nonetokens', 'acmetokens']);
  // Text is found as it is shown.
  await page.getByLabel('Text in a row').fill('no cust');
  await expect.poll(() => cells(page, 2)).toEqual(['nonetokens']);
  await page.getByLabel('Text in a row').fill('');
  await expect.poll(() => rows(page).count()).toBe(2);
  await rows(page).first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/records/*');
  const { rows: stored } = await dashboard.client.request('GET /api/v1/records', {
    query: { from: '2020-01-01', to: '2100-01-01' },
  });
  expect(decodeURIComponent(new URL(page.url()).pathname)).toBe(`/records/${stored[0].recordId}`);
});

test('while it is paused, what comes is counted; it is shown when one wants it', async () => {
  const page = await openListening('/live');
  await send('acme', ['1']);
  await expect.poll(() => rows(page).count()).toBe(1);
  await page.keyboard.press('p');
  await page.getByText('Nothing came meanwhile').waitFor();
  await send('acme', ['2', '3']);
  await page.getByText('2 came meanwhile').waitFor();
  expect(await rows(page).count()).toBe(1);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Show them' }).press('Enter');
  await expect.poll(() => rows(page).count()).toBe(3);
  await send('acme', ['4']);
  await page.getByText('1 came meanwhile').waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => rows(page).count()).toBe(4);
  await send('acme', ['5']);
  await expect.poll(() => rows(page).count()).toBe(5);
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByText('Nothing has arrived').waitFor();
});

test('customer and dimension are filtered by the receiver, text by the page; all stand in the address', async () => {
  const page = await openListening('/live');
  await page.getByRole('combobox', { name: 'Customer' }).click();
  await page.getByRole('option', { name: 'globex' }).click();
  await page.waitForURL('**/live?customerId=globex');
  await page.getByRole('combobox', { name: 'Dimension' }).fill('tok');
  await page.getByRole('option', { name: 'tokens' }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/live?customerId=globex&dimensionId=tokens');
  await page.getByText('listening', { exact: true }).waitFor();
  await send('acme', ['1']);
  await send('globex', ['2'], { dimensionId: 'api.requests' });
  await send('globex', ['3'], { metadata: { region: 'EU-central' } });
  await send('globex', ['4'], { metadata: { region: 'us-east' } });
  await expect.poll(() => rows(page).count()).toBe(2);
  await page.getByRole('searchbox', { name: 'Text in a row' }).fill('eu-cent');
  await expect.poll(() => cells(page, 4)).toEqual(['3 token']);
  await page.waitForURL('**text=eu-cent');
  await page.getByRole('searchbox').fill('nowhere');
  await page.getByText('No row has that in it').waitFor();
  await page.getByRole('button', { name: 'All arrivals' }).click();
  await page.waitForURL(`${dashboard.url}/live`);
});

test('of many at once the newest are shown, and how many are not', async () => {
  const page = await openListening('/live');
  await send(
    'acme',
    Array.from({ length: 300 }, (_, index) => `${index + 1}`),
  );
  await page
    .getByText(/^and \d+ more$/)
    .first()
    .waitFor();
  const [said] = await page.getByText(/^and \d+ more$/).allTextContents();
  expect(Number(said.replace(/\D/g, '')) + (await rows(page).count()) - 1).toBe(300);
});

test('hostile ids and metadata are text, at any width', async () => {
  const page = await openListening('/live');
  const value = `<script>alert(1)</script>${'y'.repeat(10_000)}`;
  for (const id of HOSTILE)
    await sendLog({ 'usage.customer.id': id, 'usage.dimension.id': `${id}-d`.slice(0, 1000), [id]: value });
  for (const id of HOSTILE) await page.getByRole('link', { name: id, exact: true }).waitFor();
  expect(await page.locator('img, b').count()).toBe(0);
  await expectAccessible(page);
  await page.setViewportSize({ width: 360, height: 800 });
  await expectNoSidewaysScroll(page);
});

test('a lost connection is said, and found again by itself', async () => {
  const page = await dashboard.open('/live', { expected: /net::ERR_|status of 503/ });
  await page.getByText('listening', { exact: true }).waitFor();
  const { dataDir, port } = dashboard.receiver;
  await dashboard.receiver.stop();
  await page.getByText('no connection').waitFor();
  await page.getByText('it is tried again by itself').waitFor();
  const again = await startReceiver({ dataDir, port });
  try {
    await page.getByText('listening', { exact: true }).waitFor();
    await send('acme', ['7.25']);
    await page.getByTitle('7.25').waitFor();
  } finally {
    await page.close();
    await again.stop();
  }
});
