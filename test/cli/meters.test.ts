import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type TestFlags, testMeter } from '../../cli/meters/test-meter.ts';
import { logsRequest } from '../receiver/dry-run/otlp-requests.ts';
import { type ReceiverProcess, startReceiver } from '../support/receiver-process.ts';
import { ApiClient } from '../system/api/api-client.ts';
import { type CliOptions, runCli } from './run-cli.ts';

let folder: string;
let scratchParent: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meters-cli-test-'));
  scratchParent = join(folder, 'tmp');
  await mkdir(scratchParent);
  await write('rule.yaml', RULE);
  await write('capture.jsonl', `${JSON.stringify(CAPTURE)}\nnope\n`);
  await write('project/usage-meter.yaml', CONFIG);
  await mkdir(join(folder, 'empty-folder'));
  process.env.TMPDIR = scratchParent;
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir('/');
  await rm(folder, { recursive: true });
});

async function write(name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(join(folder, name, '..'), { recursive: true });
  await writeFile(join(folder, name), content);
}

/** As a process of its own. */
function meters(args: string, options: CliOptions = {}) {
  return runCli(['meters', ...args.split(' ')], { cwd: folder, env: { TMPDIR: scratchParent }, ...options });
}

/** What a command says and ends with, without a process. */
async function heard(command: () => Promise<number>) {
  const out = vi.spyOn(console, 'log').mockImplementation(() => {});
  const err = vi.spyOn(console, 'error').mockImplementation(() => {});
  const text = ({ mock }: typeof out) => mock.calls.map(([line]) => line).join('\n');
  try {
    return { code: await command(), stdout: text(out), stderr: text(err) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

function tested(rule: string, flags: TestFlags) {
  return heard(() => testMeter(rule, flags, {}));
}

const FILES = { files: ['capture.jsonl'], offline: true };

const RULE = `
id: orders
signals: [logs]
match:
  all:
    - { path: body, eq: order placed }
customer: attributes["account"]
dimension: orders
value: { path: 'attributes["amount"]' }
metadata: [region]
`;

const CONFIG = `
dimensions:
  - { id: orders, unit: By, aggregation: max }
customers:
  - { id: acme-inc, aliases: [acme] }
meters:
  - id: orders
    signals: [logs]
    match: { all: [{ path: body, eq: order placed }] }
    customer: attributes["account"]
    dimension: orders
    value: { constant: 4 }
    unit: By
  - id: others
    signals: [spans]
    match: { all: [{ path: name, eq: chat }] }
    customer: attributes["account"]
    dimension: chats
`;

const order = (at: number, account: string, amount: number | string, more: Record<string, string> = {}) => ({
  at,
  body: 'order placed',
  attributes: { account, amount, ...more },
});

const CAPTURE = logsRequest([
  order(9, 'acme', '0.1', { region: 'eu' }),
  order(8, 'acme', '0.2'),
  order(7, 'evil\u001b[2J\u202e', 5),
  { at: 6, body: 'order placed', attributes: { amount: 3 } },
  { at: 5, body: 'something else', attributes: {} },
]);

describe('over captured files, without a receiver', () => {
  test('the table says what would be counted, quarantined and not be read', async () => {
    const { code, stdout, stderr } = await meters('test rule.yaml --offline --files capture.jsonl');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`Meter      orders, which has no version in force
Known      from nothing: no receiver answers, and there is no ./usage-meter.yaml
Looked at  5 signals in 1 request
Matched    4

Usage
customer   dimension  unit  quantity  records
(all)      orders        1       5.3        3
evil\ufffd[2J\ufffd  orders        1         5        1
acme       orders        1       0.3        2

Would be quarantined
  missing_customer  1 signal: 3 of orders
    capture.jsonl:1  log  value 3  no customer  2023-11-14T22:13:14Z  {"timeUnixNano":"1699999994000000000","body":{"st…

Would become known, because nobody has declared them
  2 customers: acme, evil\ufffd[2J\ufffd
  1 dimension: orders (unit 1)

First records
time                  customer   dimension  value  metadata
2023-11-14T22:13:11Z  acme       orders       0.1  {"region":"eu"}
2023-11-14T22:13:12Z  acme       orders       0.2  {}
2023-11-14T22:13:13Z  evil\ufffd[2J\ufffd  orders         5  {}

1 request could not be read and was left out
  capture.jsonl:2: is no JSON: Unexpected token 'o', "nope" is not valid JSON

Nothing was changed.
`);
    expect(await readdir(scratchParent)).toEqual([]);
  });

  test('beside ./usage-meter.yaml, which is in force', async () => {
    await write('project/rule.json', JSON.stringify({ ...ruleOf(), unit: 'kBy', value: { constant: '1' } }));
    process.chdir('project');
    try {
      const files = ['../capture.jsonl'];
      const { code, stdout } = await tested('rule.json', { files, offline: true, json: true });
      expect(code).toBe(0);
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({ source: './usage-meter.yaml', inForceVersion: 0, matched: 4 });
      expect(report.customers).toMatchObject([
        { customerId: 'acme-inc', quantity: '1000', inForceQuantity: '4', difference: '996' },
        { customerId: 'evil\u001b[2J\u202e', quantity: '1000', inForceQuantity: '4' },
      ]);
      expect(report.customers[0]).toMatchObject({ unit: 'By', aggregation: 'max', records: 2 });
    } finally {
      process.chdir(folder);
    }
  });

  test('one of the meters of a usage-meter.yaml, by what that declares', async () => {
    const { code, stdout } = await tested('project/usage-meter.yaml', {
      ...FILES,
      meter: 'orders',
      json: true,
    });
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ source: 'project/usage-meter.yaml', inForceVersion: null });
    expect(report.customers).toMatchObject([{ customerId: 'acme-inc', quantity: '4' }, {}]);
    expect(report.discovered).toMatchObject({ customerCount: 1, dimensions: [] });
  });

  test.each<[rule: string, flags: TestFlags, code: number, said: string]>([
    ['rule.yaml', { last: '8d' }, 2, 'at most 7d (got "8d")'],
    ['rule.yaml', { last: 'soon' }, 2, 'must be a duration such as 30m, 24h or 7d'],
    ['rule.yaml', { ...FILES, last: '1h' }, 2, 'either --files or --last'],
    ['rule.yaml', { signal: 'logs' }, 2, '--signal is for --files'],
    ['rule.yaml', { offline: true }, 2, '--offline is for --files'],
    ['rule.yaml', { ...FILES, maxSignals: '0' }, 2, '--max-signals must be a whole number'],
    ['rule.yaml', { ...FILES, meter: 'other' }, 2, 'is the rule of meter "orders"'],
    ['project/usage-meter.yaml', FILES, 2, 'declares orders, others'],
    ['project/usage-meter.yaml', { ...FILES, meter: 'x' }, 2, 'declares no meter "x"'],
    ['rule.yaml', { ...FILES, files: ['empty-folder'] }, 2, 'there are no OTLP files in empty-folder'],
    ['nowhere.yaml', FILES, 1, 'nowhere.yaml: cannot be read'],
    ['rule.yaml', { ...FILES, files: ['nowhere.jsonl'] }, 1, 'ENOENT'],
    ['rule.yaml', { files: ['capture.jsonl'], url: 'http://127.0.0.1:9' }, 1, 'does not answer'],
    ['rule.yaml', { files: ['capture.jsonl'], url: 'nonsense' }, 1, 'address must be a URL'],
  ])('%s with %o ends with %i', async (rule, flags, code, said) => {
    const end = await tested(rule, flags);
    expect([end.code, end.stdout]).toEqual([code, '']);
    expect(end.stderr).toContain(said);
  });

  test('flags that are none are wrong usage', async () => {
    const end = await meters('test rule.yaml --bogus');
    expect([end.code, end.stdout]).toEqual([2, '']);
    expect(end.stderr).toContain("unknown option '--bogus'");
  });

  test('every problem of a rule is told with its line', async () => {
    await write(
      'bad.yaml',
      'id: orders\nsignals: [log]\nmatch:\n  all:\n    - { path: body, equals: x }\ncustomer: 7\ndimension: orders\n',
    );
    const { code, stderr } = await tested('bad.yaml', FILES);
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^bad\.yaml:2:11: signals\[0\]: must be one of metrics, logs, spans/),
      expect.stringMatching(/^bad\.yaml:5:21: match\.all\[0\]\.equals: unknown key/),
      expect.stringMatching(/^bad\.yaml:6:11: customer: must be a path/),
    ]);
  });

  test('interrupted, it ends and leaves nothing behind', async () => {
    const request = JSON.stringify(
      logsRequest(Array.from({ length: 100 }, (_, index) => order(index + 1, `c-${index}`, index))),
    );
    await write('large.jsonl.gz', gzipSync(`${request}\n`.repeat(20_000)));
    const end = await meters('test rule.yaml --offline --files large.jsonl.gz', {
      onStart: async (child) => {
        while ((await readdir(scratchParent)).length === 0) await new Promise(setImmediate);
        child.kill('SIGINT');
      },
    });
    expect(end).toEqual({ code: 1, stdout: '', stderr: 'usage-meter: stopped\n' });
    expect(await readdir(scratchParent)).toEqual([]);
  });
});

function ruleOf() {
  return {
    id: 'orders',
    signals: ['logs'],
    match: { all: [{ path: 'body', eq: 'order placed' }] },
    customer: 'attributes["account"]',
    dimension: 'orders',
    value: { path: 'attributes["amount"]' },
  };
}

describe('beside a receiver', () => {
  let receiver: ReceiverProcess;
  beforeAll(async () => {
    receiver = await startReceiver({ dataDir: join(folder, 'data') });
    const api = new ApiClient(receiver.url);
    await api.post('/customers', { id: 'acme-inc', aliases: ['acme'] });
    expect((await api.post('/meters', { ...ruleOf(), value: { constant: '1' } })).status).toBe(201);
    expect((await api.put('/meters/orders', { ...ruleOf(), value: { constant: '2' } })).status).toBe(200);
    await api.otlp('logs', CAPTURE);
  });
  afterAll(() => receiver.stop());

  const CUSTOMERS = [
    { customerId: 'evil\u001b[2J\u202e', quantity: '5', inForceQuantity: '2', difference: '3' },
    { customerId: 'acme-inc', quantity: '0.3', inForceQuantity: '4', difference: '-3.7' },
  ];

  test.each<[string, TestFlags]>([
    ['its journal', { last: '1h' }],
    ['files, by what it knows', { files: ['capture.jsonl'] }],
  ])('a rule over %s', async (_, flags) => {
    const { code, stdout, stderr } = await tested('rule.yaml', { ...flags, json: true, url: receiver.url });
    expect([code, stderr]).toEqual([0, '']);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      source: `the receiver at ${receiver.url}`,
      inForceVersion: 2,
      matched: 4,
      matchedInForce: 4,
    });
    expect(report.customers.toSorted(byDifference)).toMatchObject(CUSTOMERS);
    expect(report.discovered).toEqual({ customers: [], customerCount: 0, dimensions: [] });
    expect(report.quarantined).toMatchObject([{ reason: 'missing_customer', signalsInForce: 1 }]);
  });

  test('the table says the difference', async () => {
    const { stdout } = await tested('rule.yaml', { last: '1h', url: receiver.url });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('Meter      orders, beside version 2, which is in force');
    expect(lines.find((line) => line.startsWith('(all)'))).toMatch(
      /^\(all\) +orders +1 +5\.3 +3 +6 +3 +-0\.7$/,
    );
    expect(lines.find((line) => line.startsWith('evil'))).toMatch(/ 5 +1 +2 +1 +\+3$/);
  });

  test('where nothing matches, it says what the journal does not have', async () => {
    const rule = JSON.stringify({ ...ruleOf(), match: { all: [{ path: 'body', eq: 'nobody takes this' }] } });
    await write('none.json', rule);
    const { code, stdout } = await tested('none.json', { last: '1h', url: receiver.url });
    expect(code).toBe(0);
    expect(stdout).toContain(
      'The rule matches none of them.\nThe journal keeps no request in which no meter',
    );
  });
});

function byDifference(a: { difference: string }, b: { difference: string }): number {
  return Number(b.difference) - Number(a.difference);
}
