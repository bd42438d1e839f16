/**
 * Takes each page of the dashboard in both themes into docs/screenshots, of a receiver with demonstration data. The
 * data is the same each time but for its distance from now. `npm run screenshots -- customers` takes one page.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { launchChromium } from '../test/dashboard/support/chromium.ts';
import { seedDemo } from '../test/dashboard/support/demo-data.ts';
import {
  fillRecord,
  recordUsageForm,
  type TypedRecord,
} from '../test/dashboard/support/record-usage-form.ts';
import { startReceiver } from '../test/support/receiver-process.ts';
import { buildDashboard } from './build-dashboard.ts';

interface Screenshot {
  name: string;
  path: string;
  /** What is seen when the page is ready. */
  ready: (page: Page) => Promise<unknown>;
  width?: number;
}

const RECORD: TypedRecord = {
  recordValue: '12.75',
  metadata: [
    ['region', 'eu-central'],
    ['ticket', 'SUP-4711'],
  ],
};

/** Every page, and what is worth seeing of it. */
const SCREENSHOTS: readonly Screenshot[] = [
  {
    name: 'customers',
    path: '/customers',
    ready: (page) => page.getByRole('link', { name: 'acme' }).waitFor(),
  },
  {
    name: 'customers-narrow',
    path: '/customers',
    width: 360,
    ready: (page) => page.getByRole('link', { name: 'acme' }).waitFor(),
  },
  {
    name: 'new-customer',
    path: '/customers',
    ready: async (page) => {
      await page.getByRole('link', { name: 'acme' }).waitFor();
      await page.getByRole('button', { name: 'New customer' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'customer',
    path: '/customers/acme?dimension=api.requests&groupBy=region',
    ready: (page) =>
      page.getByRole('table', { name: 'Usage by window' }).getByText('eu-central').first().waitFor(),
  },
  {
    name: 'customer-narrow',
    path: '/customers/acme?dimension=api.requests&groupBy=region',
    width: 360,
    ready: (page) =>
      page.getByRole('table', { name: 'Usage by window' }).getByText('eu-central').first().waitFor(),
  },
  {
    name: 'explain',
    path: '/customers/acme/explain?dimension=tokens&window=total&zone=Europe/Berlin',
    ready: (page) =>
      page.getByRole('table', { name: 'Usage records' }).getByText('by hand').first().waitFor(),
  },
  {
    name: 'usage-record',
    path: '/customers/acme/explain?dimension=egress&range=7d&window=total&zone=Europe/Berlin&show=bytes',
    ready: async (page) => {
      await page.getByRole('table', { name: 'Usage records' }).locator('tbody tr').nth(1).press('Enter');
      await page.getByRole('dialog').getByRole('region', { name: 'Bytes' }).first().waitFor();
    },
  },
  {
    name: 'record-usage',
    path: '/customers/acme?dimension=gpu.hours&record=1&snippet=typescript',
    ready: async (page) => {
      await fillRecord(page, RECORD);
      await recordUsageForm(page).getByRole('tab', { name: 'TypeScript' }).waitFor();
    },
  },
  {
    name: 'record-usage-narrow',
    path: '/customers/acme?dimension=gpu.hours&record=1&snippet=typescript',
    width: 360,
    ready: async (page) => {
      await fillRecord(page, RECORD);
      await recordUsageForm(page).getByRole('tab', { name: 'TypeScript' }).waitFor();
    },
  },
  {
    name: 'record-usage-time',
    path: '/customers/acme?dimension=gpu.hours&record=1',
    ready: async (page) => {
      await page.getByRole('button', { name: 'Choose timestamp' }).click();
      const picker = page.getByRole('dialog', { name: 'Choose timestamp' });
      await picker.getByLabel('Date').fill('2026-10-25');
      await picker.getByLabel('Time', { exact: true }).fill('02:30:00');
      await picker.getByLabel('Clocks show this time twice').waitFor();
    },
  },
  {
    name: 'record-usage-stored',
    path: '/customers/acme?dimension=gpu.hours&record=1',
    ready: async (page) => {
      // The last picture of the form: it stores something, which would be seen in others.
      await fillRecord(page, RECORD);
      await page.getByRole('button', { name: 'Submit' }).click();
      await page.getByRole('button', { name: 'Record another' }).waitFor();
    },
  },
];

const folder = fileURLToPath(new URL('../docs/screenshots/', import.meta.url));
const only = process.argv.slice(2);
await buildDashboard();
mkdirSync(folder, { recursive: true });
const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-screenshots-'));
const receiver = await startReceiver({ dataDir });
try {
  await seedDemo(receiver.url, Date.now());
  const browser = await launchChromium();
  for (const { name, path, ready, width = 1280 } of SCREENSHOTS) {
    if (only.length > 0 && !only.includes(name)) continue;
    for (const theme of ['light', 'dark'] as const) {
      const page = await browser.newPage({
        viewport: { width, height: 800 },
        colorScheme: theme,
        reducedMotion: 'reduce',
        timezoneId: 'Europe/Berlin',
        locale: 'en-GB',
      });
      await page.goto(receiver.url + path);
      await ready(page);
      await page.waitForLoadState('networkidle');
      const file = `${name}-${theme}.png`;
      await page.screenshot({ path: join(folder, file), animations: 'disabled', caret: 'hide' });
      console.log(`docs/screenshots/${file}`);
      await page.close();
    }
  }
  await browser.close();
} finally {
  await receiver.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
