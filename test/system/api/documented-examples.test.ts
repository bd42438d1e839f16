/** The examples of docs/api.md, run as they stand by a shell and curl. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';

let dataDir: string;
let receiver: ReceiverProcess;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-docs-'));
  receiver = await startReceiver({ dataDir });
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

interface Example {
  command: string;
  status: string;
  /** What the next examples call a value of the answer: NAME=.rows[0].recordId */
  variable: { name: string; path: string } | null;
  answer: unknown;
}

/** Each command ends in a comment with the status; the JSON block behind a block is the answer to its last command. */
function examplesOf(markdown: string): Example[] {
  const examples: Example[] = [];
  for (const [, language, block] of markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    if (language === 'json') {
      examples[examples.length - 1].answer = JSON.parse(block);
      continue;
    }
    for (const [, command, status, name, path] of block.matchAll(/(.+?)\n# (\d{3})(?: (\w+)=(\S+))?\n/gs)) {
      examples.push({ command, status, variable: name ? { name, path } : null, answer: undefined });
    }
  }
  return examples;
}

const markdown = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const examples = examplesOf(markdown);
const variables: Record<string, string> = {};

function run(command: string): Promise<string> {
  const script = command
    .replaceAll('http://127.0.0.1:4318', receiver.url)
    .replace(/\bcurl /, "curl --silent --show-error --write-out '\\n%{http_code}' ");
  const env = { ...process.env, ...variables };
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', script], { env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command}\n${stderr}`));
    });
  });
}

/** "…" stands for any text. */
function expected(answer: unknown): unknown {
  if (answer === '…') return expect.any(String);
  if (Array.isArray(answer)) return answer.map(expected);
  if (typeof answer !== 'object' || answer === null) return answer;
  return Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, expected(value)]));
}

function valueAt(body: unknown, path: string): string {
  let value = body;
  for (const [, step] of path.matchAll(/(\w+)/g)) value = (value as Record<string, unknown>)[step];
  return String(value);
}

test('every example is found', () => {
  expect(examples).toHaveLength(markdown.match(/\bcurl (?=-X|'?http)/g)!.length);
  expect(examples.length).toBeGreaterThan(25);
});

test.each(examples)('$command', async ({ command, status, variable, answer }) => {
  const said = await run(command);
  const end = said.lastIndexOf('\n');
  const body = end <= 0 ? null : JSON.parse(said.slice(0, end));
  expect([said.slice(end + 1), body]).toEqual([status, answer === undefined ? body : expected(answer)]);
  if (variable !== null) variables[variable.name] = valueAt(body, variable.path);
});

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
