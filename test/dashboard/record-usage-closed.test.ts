/** The form to record usage where the receiver has keys, and creates nothing that nobody declared. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { dashboardFixture } from './support/dashboard.ts';
import { copiedSnippet, fillRecord, recordUsageForm } from './support/record-usage-form.ts';

const KEY = 'a-key-of-the-test';
const folder = mkdtempSync(join(tmpdir(), 'usage-meter-closed-'));
const config = join(folder, 'usage-meter.yaml');
writeFileSync(config, 'discovery: off\ncustomers: [{ id: acme }]\ndimensions: [{ id: tapes }]\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dashboard = dashboardFixture({ apiKey: KEY, args: ['--config', config] });

test('code reads the key from the environment and never has it; what nobody declared is refused', async () => {
  const page = await dashboard.open('/customers', { expected: /status of 40[01]/ });
  await page.getByLabel('API key').fill(KEY);
  await page.keyboard.press('Enter');
  await page.getByText('acme').waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('record us');
  await page.getByRole('option', { name: 'Record usage…' }).click();
  const form = recordUsageForm(page);
  await form.getByRole('combobox', { name: 'Customer ID' }).fill('acme');
  await page.keyboard.press('Tab');
  await form.getByRole('combobox', { name: 'Dimension ID' }).fill('disks');
  await page.keyboard.press('Tab');
  await fillRecord(page, { recordValue: '4', timestamp: '2026-03-01T08:00:00Z' });
  await form.getByText('Nobody declared this dimension, and discovery is off').waitFor();
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('is not declared, and discovery is off: POST it').waitFor();
  expect(await form.getByRole('combobox', { name: 'Dimension ID' }).getAttribute('aria-invalid')).toBe(
    'true',
  );

  await form.getByRole('combobox', { name: 'Dimension ID' }).fill('tapes');
  await page.keyboard.press('Tab');
  await form.getByText('discovery is off').waitFor({ state: 'detached' });
  for (const label of ['TypeScript', 'Python', 'Go', 'OTLP JSON', 'curl'] as const) {
    const code = await copiedSnippet(page, label);
    expect(code).toContain('USAGE_METER_API_KEY');
    expect(code).not.toContain(KEY);
  }
  const code = (await page.evaluate('navigator.clipboard.readText()')) as string;
  const run = promisify(execFile);
  await expect(
    run('bash', ['-c', code], { env: { ...process.env, USAGE_METER_API_KEY: 'wrong' } }),
  ).rejects.toThrow('401');
  await run('bash', ['-c', code], { env: { ...process.env, USAGE_METER_API_KEY: KEY } });
  await form.getByRole('button', { name: 'Submit' }).click();
  await form.getByText('duplicate', { exact: true }).waitFor();
});
