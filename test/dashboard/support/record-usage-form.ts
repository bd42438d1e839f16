/** The form to record usage, filled in as a person does: values typed, metadata in cells that a double click opens. */
import type { Locator, Page } from 'playwright-core';

export interface TypedRecord {
  recordValue: string;
  timestamp?: string;
  startTime?: string;
  metadata?: readonly (readonly [key: string, value: string])[];
}

export type SnippetLabel = 'curl' | 'TypeScript' | 'Python' | 'Go' | 'OTLP JSON';

export function recordUsageForm(page: Page): Locator {
  return page.getByRole('dialog', { name: 'Record Usage' });
}

export async function fillRecord(page: Page, record: TypedRecord): Promise<void> {
  const form = recordUsageForm(page);
  await form.getByLabel('Record Value').fill(record.recordValue);
  if (record.timestamp !== undefined)
    await form.getByLabel('Timestamp', { exact: true }).fill(record.timestamp);
  if (record.startTime !== undefined)
    await form.getByLabel('Start time', { exact: true }).fill(record.startTime);
  for (const [index, [key, value]] of (record.metadata ?? []).entries()) {
    await form.getByRole('button', { name: 'Add Metadata' }).click();
    await editedCell(page, `Key ${index + 1}`).fill(key);
    await page.keyboard.press('Enter');
    await metadataCell(page, index, 'value').dblclick();
    await editedCell(page, `Value ${index + 1}`).fill(value);
    await page.keyboard.press('Enter');
  }
}

export function metadataCell(page: Page, row: number, column: 'key' | 'value'): Locator {
  return recordUsageForm(page)
    .getByRole('grid')
    .locator('tbody tr')
    .nth(row)
    .getByRole('gridcell')
    .nth(column === 'key' ? 0 : 1);
}

export function editedCell(page: Page, name: string): Locator {
  return recordUsageForm(page).getByRole('textbox', { name });
}

/** What Copy puts onto the clipboard. */
export async function copiedSnippet(page: Page, label: SnippetLabel): Promise<string> {
  const form = recordUsageForm(page);
  const toggle = form.getByRole('button', { name: 'Preview Record Code Snippet' });
  if ((await toggle.getAttribute('aria-expanded')) === 'false') await toggle.click();
  await form.getByRole('tab', { name: label }).click();
  const panel = form.getByRole('tabpanel', { name: label });
  await panel.getByRole('button', { name: 'Copy' }).click();
  await panel.getByRole('button', { name: 'Copied' }).waitFor();
  return (await page.evaluate('navigator.clipboard.readText()')) as string;
}
