/** The examples of docs/periods.md, run as they stand by a shell and curl. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADJUSTMENT_REASONS } from '../../../storage/periods/statement-content.ts';
import { ExampleRun, examplesOf } from '../../support/documented-examples.ts';
import { type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';

let dataDir: string;
let receiver: ReceiverProcess;
let run: ExampleRun;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-docs-'));
  receiver = await startReceiver({ dataDir });
  run = new ExampleRun(receiver.url);
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

const markdown = readFileSync(new URL('../../../docs/periods.md', import.meta.url), 'utf8');
const examples = examplesOf(markdown);

test('every example is found', () => {
  expect(examples).toHaveLength(markdown.match(/\bcurl (?=-X|'?http)/g)!.length);
  expect(examples.length).toBeGreaterThan(10);
});

test.each(examples)('$command', (example) => run.check(example));

test.each([
  // Every route is documented.
  ['/periods/close', 'POST'],
  ['/adjustments', 'GET'],
  ['/statements', 'GET'],
  ['/statements/{id}', 'GET'],
  ['/statements/{id}/reopen', 'POST'],
  ['/audit', 'GET'],
])('%s is documented with %s', (path, method) => {
  expect(markdown).toContain(`\`${method} ${path}\``);
});

test.each(ADJUSTMENT_REASONS)('the reason %s is documented', (reason) => {
  expect(markdown).toContain(`\`${reason}\``);
});
