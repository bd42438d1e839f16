/**
 * Takes each page of the dashboard in both themes into docs/screenshots, of a receiver with demonstration data. The
 * data is the same each time but for its distance from now. `npm run screenshots -- --only customers` takes one page,
 * `--out FOLDER` puts pictures elsewhere, `--full` takes whole pages with what is below the fold. Pictures of what is live
 * are taken last, `--traffic SECONDS` after usage began to arrive: so long that it shows in the picture of the rate.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';
import { launchChromium } from '../test/dashboard/support/chromium.ts';
import { seedDemo } from '../test/dashboard/support/demo-data.ts';
import { startTraffic } from '../test/dashboard/support/demo-traffic.ts';
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
  /** Taken last, while usage arrives. */
  needsTraffic?: true;
  /** It never stops to ask. */
  isLive?: true;
}

const RECORD: TypedRecord = {
  recordValue: '12.75',
  metadata: [
    ['region', 'eu-central'],
    ['ticket', 'SUP-4711'],
  ],
};

const SQL = `SELECT date_trunc('week', day)::DATE AS week, sum(quantity) AS quantity, count(DISTINCT customer_id) AS customers
FROM usage_daily
WHERE dimension_id = 'api.requests'
GROUP BY week
ORDER BY week`;

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
      page.getByRole('table', { name: 'Usage by window' }).getByText('ap-south').first().waitFor(),
  },
  {
    name: 'customer-narrow',
    path: '/customers/acme?dimension=api.requests&groupBy=region',
    width: 360,
    ready: (page) =>
      page.getByRole('table', { name: 'Usage by window' }).getByText('ap-south').first().waitFor(),
  },
  {
    name: 'explain',
    path: '/customers/acme/explain?dimension=tokens&window=total&zone=Europe/Berlin',
    ready: (page) =>
      page.getByRole('table', { name: 'Usage records' }).getByText('by hand').first().waitFor(),
  },
  {
    name: 'usage-record',
    path: '/customers/acme/explain?dimension=egress&range=7d&window=total&zone=Europe/Berlin',
    ready: async (page) => {
      await page.getByRole('table', { name: 'Usage records' }).locator('tbody tr').nth(1).press('Enter');
      await page.getByRole('dialog').getByText('Decoded').first().waitFor();
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
  {
    name: 'quality',
    path: '/quality?reason=missing_customer',
    ready: (page) => page.getByText('Repairs what is listed').waitFor(),
  },
  {
    name: 'quality-narrow',
    path: '/quality?reason=missing_customer',
    width: 360,
    ready: (page) => page.getByText('Repairs what is listed').waitFor(),
  },
  {
    name: 'quality-fix',
    path: '/quality?reason=missing_customer&metadata=region%3Deu-central',
    ready: async (page) => {
      await page.getByRole('button', { name: 'Choose the customer' }).click();
      await page.getByRole('button', { name: /Fix and replay \d+ signals/ }).waitFor();
    },
  },
  {
    name: 'quality-signal',
    path: '/quality?reason=wrong_unit',
    ready: async (page) => {
      await page
        .getByRole('table', { name: 'Signals' })
        .locator('tbody tr[data-opens]')
        .first()
        .press('Enter');
      await page.getByText('As it came').waitFor();
    },
  },
  {
    name: 'periods',
    path: '/periods',
    ready: (page) => page.getByRole('link', { name: 'acme' }).first().waitFor(),
  },
  {
    name: 'periods-adjustments',
    path: '/periods?view=adjustments',
    ready: (page) => page.getByRole('link', { name: 'acme' }).first().waitFor(),
  },
  {
    name: 'periods-audit',
    path: '/periods?view=audit',
    ready: (page) => page.getByRole('table').getByText('Statement re-opened').first().waitFor(),
  },
  {
    name: 'close-period',
    path: '/periods/close?customerId=initech',
    ready: (page) => page.getByRole('table', { name: 'Usage' }).waitFor(),
  },
  {
    name: 'close-all',
    path: '/periods/close',
    ready: (page) => page.getByRole('table', { name: 'Statements' }).waitFor(),
  },
  {
    name: 'close-all-narrow',
    path: '/periods/close',
    width: 360,
    ready: (page) => page.getByRole('table', { name: 'Statements' }).waitFor(),
  },
  {
    name: 'statement',
    path: '/periods?customerId=acme',
    ready: async (page) => {
      await page.getByRole('link', { name: 'acme' }).first().click();
      await page.getByText('matches the content').waitFor();
    },
  },
  {
    name: 'statement-narrow',
    path: '/periods?customerId=acme',
    width: 360,
    ready: async (page) => {
      await page.getByRole('link', { name: 'acme' }).first().click();
      await page.getByText('matches the content').waitFor();
    },
  },
  {
    name: 'sql',
    path: `/sql?run=1&chart=line&query=${encodeURIComponent(SQL)}`,
    ready: (page) => page.getByRole('table', { name: 'Result' }).locator('tbody td').first().waitFor(),
  },
  {
    name: 'sql-narrow',
    path: `/sql?run=1&chart=line&query=${encodeURIComponent(SQL)}`,
    width: 360,
    ready: (page) => page.getByRole('table', { name: 'Result' }).locator('tbody td').first().waitFor(),
  },
  {
    name: 'sql-completion',
    path: '/sql',
    ready: async (page) => {
      const editor = page.getByRole('textbox', { name: 'Query' });
      await editor.fill('FROM usage_records u\nSELECT u.timestamp, u.record_value, ');
      await editor.press('Control+End');
      await page.keyboard.type('u.m');
      await page.getByRole('option', { name: 'metadata' }).waitFor();
    },
  },
  {
    name: 'sql-error',
    path: `/sql?run=1&query=${encodeURIComponent('SELECT day, sum(quantities) AS quantity\nFROM usage_daily\nGROUP BY day')}`,
    ready: (page) => page.getByRole('alert').waitFor(),
  },
  {
    name: 'dimensions',
    path: '/dimensions',
    ready: (page) => page.getByRole('link', { name: 'gpu.hours' }).waitFor(),
  },
  {
    name: 'dimension',
    path: '/dimensions/seats',
    ready: async (page) => {
      await page.getByLabel('Usage increment').fill('5');
      await page.getByLabel('Rounding').selectOption('ceiling');
      await page.getByLabel('Unit price').fill('12.50');
      await page.getByText('All usage of this dimension').waitFor();
    },
  },
  {
    name: 'dimension-narrow',
    path: '/dimensions/storage',
    width: 360,
    ready: async (page) => {
      await page.getByText('Has usage').waitFor();
      await page.getByRole('img').first().scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'new-dimension',
    path: '/dimensions/-/new',
    ready: async (page) => {
      await page.getByLabel('Dimension ID').fill('egress');
      await page.getByLabel('Unit', { exact: true }).fill('GBy');
      await page.getByLabel('Usage increment').fill('10');
      await page.getByLabel('Rounding').selectOption('ceiling');
      await page.getByLabel('Unit price').fill('0.09');
    },
  },
  {
    name: 'meters',
    path: '/meters',
    ready: (page) => page.getByRole('link', { name: 'rendering', exact: true }).first().waitFor(),
  },
  {
    name: 'meter',
    path: '/meters/exports',
    ready: (page) => page.getByText('What version 3 changed').waitFor(),
  },
  {
    name: 'meter-test',
    path: '/meters/exports?edit=1',
    ready: async (page) => {
      await page.getByLabel('How much', { exact: true }).selectOption('default');
      await page.getByText('The rule is well-formed.').waitFor();
      await page.getByRole('button', { name: 'Test', exact: true }).click();
      await page.getByText('signals matched').waitFor();
    },
  },
  {
    name: 'meter-faults',
    path: '/meters/rendering?edit=1&view=text',
    ready: async (page) => {
      const rule = page.getByRole('textbox', { name: 'Rule' });
      const text = await rule.inputValue();
      await rule.fill(text.replace("'^job", "'^(job").replace('duration', 'length'));
      await page.getByRole('list', { name: 'What is wrong' }).waitFor();
    },
  },
  {
    name: 'meter-narrow',
    path: '/meters/exports?edit=1',
    width: 360,
    ready: (page) => page.getByText('The rule is well-formed.').waitFor(),
  },
  {
    name: 'first-run',
    isLive: true,
    path: '/first-run?way=curl',
    ready: async (page) => {
      await page.getByText('Waiting for').waitFor();
      const { origin } = new URL(page.url());
      await fetch(`${origin}/v1/metric`, { method: 'POST', body: '{}' });
      await page.getByText('Wrong path: POST /v1/metric').waitFor();
    },
  },
  {
    name: 'overview',
    path: '/',
    needsTraffic: true,
    ready: (page) => page.getByText('all is well').waitFor({ timeout: 120_000 }),
  },
  {
    name: 'overview-narrow',
    path: '/',
    width: 360,
    needsTraffic: true,
    ready: (page) => page.getByText('all is well').waitFor({ timeout: 120_000 }),
  },
  {
    name: 'live',
    isLive: true,
    path: '/live',
    needsTraffic: true,
    ready: (page) => page.locator('tbody tr').nth(20).waitFor(),
  },
  {
    name: 'live-narrow',
    isLive: true,
    path: '/live',
    width: 360,
    needsTraffic: true,
    ready: async (page) => {
      await page.locator('tbody tr').nth(20).waitFor();
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByText('came meanwhile').getByText(/\d/).waitFor();
    },
  },
  {
    name: 'first-run-arrived',
    isLive: true,
    path: '/first-run?way=curl',
    needsTraffic: true,
    ready: (page) => page.getByText('A record is here').waitFor(),
  },
];

/** The same picture: what is flat and repeats, as text does, is a sixth smaller without PNG's filters. */
function smaller(picture: Buffer): Buffer {
  return PNG.sync.write(PNG.sync.read(picture), {
    colorType: 2,
    filterType: 0,
    deflateLevel: 9,
    deflateStrategy: 0,
  });
}

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    out: { type: 'string', default: fileURLToPath(new URL('../docs/screenshots/', import.meta.url)) },
    full: { type: 'boolean', default: false },
    traffic: { type: 'string', default: '600' },
  },
});
const { only, out: folder, full: fullPage } = options;

/** The headless Chromium has no monospaced font of its own. The page asks for `ui-monospace` first; >= stays two letters. */
const MONOSPACED = readFileSync(
  createRequire(import.meta.url).resolve(
    '@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2',
  ),
  'base64',
);
const WITH_FONT = `
  const bytes = Uint8Array.from(atob('${MONOSPACED}'), (letter) => letter.charCodeAt(0));
  const font = new FontFace('ui-monospace', bytes.buffer, { featureSettings: '"calt" 0' });
  document.fonts.add(font);
  font.load();`;

await buildDashboard();
mkdirSync(folder, { recursive: true });
const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-screenshots-'));
let receiver = await startReceiver({ dataDir });
let endTraffic: (() => Promise<void>) | undefined;
try {
  await seedDemo(receiver.url, Date.now());
  // What was seeded is months of usage, and no burst of the last minutes.
  await receiver.stop();
  receiver = await startReceiver({ dataDir });
  const browser = await launchChromium();
  const wanted = SCREENSHOTS.filter(({ name }) => only.length === 0 || only.includes(name));
  const quiet = wanted.filter(({ needsTraffic }) => needsTraffic === undefined);
  for (const { name, path, ready, width = 1280, needsTraffic, isLive } of new Set([...quiet, ...wanted])) {
    if (needsTraffic && endTraffic === undefined) {
      endTraffic = startTraffic(receiver.url);
      await sleep(Number(options.traffic) * 1000);
    }
    for (const theme of ['light', 'dark'] as const) {
      const page = await browser.newPage({
        viewport: { width, height: 800 },
        colorScheme: theme,
        reducedMotion: 'reduce',
        timezoneId: 'Europe/Berlin',
        locale: 'en-GB',
      });
      await page.addInitScript(WITH_FONT);
      await page.goto(receiver.url + path);
      await ready(page);
      if (!isLive) await page.waitForLoadState('networkidle');
      const file = `${name}-${theme}.png`;
      const picture = await page.screenshot({ fullPage, animations: 'disabled', caret: 'hide' });
      writeFileSync(join(folder, file), smaller(picture));
      console.log(file);
      await page.close();
    }
  }
  await browser.close();
} finally {
  await endTraffic?.();
  await receiver.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
