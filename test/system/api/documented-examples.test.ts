/** The examples of docs/api.md, run as they stand by a shell and curl. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
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

const markdown = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const examples = examplesOf(markdown);

test('every example is found', () => {
  expect(examples).toHaveLength(markdown.match(/\bcurl (?=-X|'?http)/g)!.length);
  expect(examples.length).toBeGreaterThan(25);
});

test.each(examples)('$command', (example) => run.check(example));

test.each([
  // Every route is documented.
  ['/usage', 'GET', 'POST'],
  ['/records', 'GET'],
  ['/records/{recordId}', 'GET'],
  ['/customers', 'GET', 'POST'],
  ['/dimensions', 'GET', 'POST'],
  ['/meters', 'GET', 'POST'],
  ['/quarantine', 'GET'],
  ['/quarantine/signals', 'GET'],
  ['/quarantine/resolved', 'GET'],
  ['/quarantine/replay', 'POST'],
  ['/quarantine/dismiss', 'POST'],
  ['/status', 'GET'],
])('%s is documented with %s %s', (path, ...methods) => {
  for (const method of methods) expect(markdown.replaceAll(/\s+/g, ' ')).toContain(`\`${method} ${path}\``);
});
