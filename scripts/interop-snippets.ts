/**
 * Part of `npm run test:interop`: the Python and Go code that the dashboard's form to record usage shows, copied from the
 * page in Chromium and run with the OpenTelemetry SDKs, is the record that its Submit sends: both count once.
 *   --languages python,go   which ones; each needs its own tools (python3 with venv, go)
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs, promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { UsageMeterClient } from '../client/index.ts';
import { launchChromium } from '../test/dashboard/support/chromium.ts';
import { hostileTexts } from '../test/dashboard/support/hostile-texts.ts';
import { copiedSnippet, fillRecord, recordUsageForm } from '../test/dashboard/support/record-usage-form.ts';
import { pythonEnvironment } from '../test/support/python-environment.ts';
import { startReceiver } from '../test/support/receiver-process.ts';
import { buildDashboard } from './build-dashboard.ts';

const execute = promisify(execFile);
const PROGRAMS = fileURLToPath(new URL('../test/system/interop/', import.meta.url));
const CACHE = fileURLToPath(new URL('../node_modules/.cache/interop/', import.meta.url));
const KEY = 'a-key-of-the-test';
const RANGE = { from: '2026-01-01', to: '2027-01-01' };

interface Language {
  label: 'Python' | 'Go';
  /** @returns what runs a snippet */
  prepare(): (code: string) => Promise<unknown>;
}

const env = { ...process.env, USAGE_METER_API_KEY: KEY };
const folder = mkdtempSync(join(tmpdir(), 'usage-meter-snippets-'));

const LANGUAGES: Record<string, Language> = {
  python: {
    label: 'Python',
    prepare() {
      const program = pythonEnvironment(join(CACHE, 'python'), join(PROGRAMS, 'python', 'requirements.txt'));
      return async (code) => {
        const file = join(folder, 'record.py');
        writeFileSync(file, code);
        return await execute(program('python'), [file], { env, timeout: 120_000 });
      };
    },
  },
  go: {
    label: 'Go',
    prepare() {
      const module = join(folder, 'go');
      mkdirSync(module);
      for (const file of ['go.mod', 'go.sum']) cpSync(join(PROGRAMS, 'snippets', file), join(module, file));
      return async (code) => {
        writeFileSync(join(module, 'main.go'), code);
        return await execute('go', ['run', '.'], { cwd: module, env, timeout: 600_000 });
      };
    },
  },
};

const texts = hostileTexts().map((text) => text.replaceAll('\r', ''));
const METADATA = texts.flatMap((text, at): [string, string][] =>
  at % 2 === 0 ? [[text, texts[at + 1]!]] : [],
);

const { values } = parseArgs({ options: { languages: { type: 'string', default: 'python,go' } } });
await buildDashboard();
const dataDir = join(folder, 'data');
const receiver = await startReceiver({ dataDir, env: { USAGE_METER_API_KEYS: KEY } });
const client = new UsageMeterClient({ url: receiver.url, apiKey: KEY });
const browser = await launchChromium();
let passed = 0;
let failed = 0;
try {
  for (const name of values.languages.split(',')) {
    const language = LANGUAGES[name];
    if (language === undefined)
      throw new Error(`--languages: one of ${Object.keys(LANGUAGES)} (got "${name}")`);
    const run = language.prepare();
    for (const startTime of [undefined, '2026-03-03T07:00:00Z']) {
      const what = `${language.label}, ${startTime === undefined ? 'a log record' : 'a span'}`;
      const dimensionId = `${what} "it's" $x \`y\` \u202e😀`;
      await client.request('POST /api/v1/dimensions', {
        body: { id: dimensionId, unit: 'GBy', creditsAllowed: true },
      });
      const page = await openForm(dimensionId);
      await fillRecord(page, {
        recordValue: '-00012.50',
        timestamp: '2026-03-03T09:00:00.000000001+01:00',
        ...(startTime === undefined ? {} : { startTime }),
        metadata: METADATA,
      });
      const code = await copiedSnippet(page, language.label);
      const said = await run(code);
      const bySnippet = await records(dimensionId);
      await recordUsageForm(page).getByRole('button', { name: 'Submit' }).click();
      const status = await recordUsageForm(page).getByRole('status').locator('strong').textContent();
      await run(code);
      const { customerId, recordValue, unit, timestamp, startTime: start, metadata } = bySnippet[0] ?? {};
      const isExact = isDeepStrictEqual(
        { customerId, recordValue, unit, timestamp, start, metadata, status },
        {
          customerId: 'acme',
          recordValue: '-12.5',
          unit: 'GBy',
          timestamp: '2026-03-03T08:00:00.000000001Z',
          start: startTime,
          metadata: Object.fromEntries([...METADATA].sort(([a], [b]) => (a < b ? -1 : 1))),
          status: 'duplicate',
        },
      );
      if (isExact && isDeepStrictEqual(await records(dimensionId), bySnippet)) {
        passed += 1;
        console.log(`one record: ${what}`);
      } else {
        failed += 1;
        console.log(
          `NOT ONE RECORD: ${what}: ${JSON.stringify({ status, records: await records(dimensionId) })}`,
        );
        console.log(code, said);
      }
      await page.context().close();
    }
  }
  const { rows } = await client.request('GET /api/v1/quarantine');
  if (rows.length > 0) {
    failed += 1;
    console.log(`NOT EXPECTED in quarantine: ${JSON.stringify(rows)}`);
  }
  await browser.close();
  await receiver.stop();
} finally {
  await browser.close();
  await receiver.kill();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function openForm(dimensionId: string): Promise<Page> {
  const context = await browser.newContext({
    timezoneId: 'UTC',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  await page.goto(`${receiver.url}/customers`);
  await page.getByLabel('API key').fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Customers' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('record us');
  await page.getByRole('option', { name: 'Record usage…' }).click();
  const form = recordUsageForm(page);
  await form.getByRole('combobox', { name: 'Customer ID' }).fill('acme');
  await page.keyboard.press('Tab');
  await form.getByRole('combobox', { name: 'Dimension ID' }).fill(dimensionId);
  await page.keyboard.press('Tab');
  await form.getByText('In GBy.').waitFor();
  return page;
}

async function records(dimensionId: string) {
  const { rows } = await client.request('GET /api/v1/records', { query: { ...RANGE, dimensionId } });
  return rows;
}
