/** The examples of docs/explain.md, run as they stand by a shell and curl; and that it lists what there is. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RECORD_FLAGS } from '../../storage/query/explain-origins.ts';
import { ExampleRun, examplesOf } from '../support/documented-examples.ts';
import { type ReceiverProcess, startReceiver } from '../support/receiver-process.ts';

const markdown = readFileSync(new URL('../../docs/explain.md', import.meta.url), 'utf8');
const examples = examplesOf(markdown);

let dataDir: string;
let receiver: ReceiverProcess;
let run: ExampleRun;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-docs-explain-'));
  receiver = await startReceiver({ dataDir });
  run = new ExampleRun(receiver.url);
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

test('every example is found', () => {
  expect(examples).toHaveLength(markdown.match(/\bcurl (?=-X|['"]?http)/g)!.length);
});

test.each(examples)('$command', (example) => run.check(example));

test('every flag is explained', () => {
  const table = markdown.slice(markdown.indexOf('| flag | what |'), markdown.indexOf('## The signal'));
  const listed = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names]) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(listed.sort()).toEqual([...RECORD_FLAGS].sort());
});
