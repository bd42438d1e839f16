import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QUARANTINE_CODES } from '../../../storage/quarantine-codes.ts';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';

let receiver: TestReceiver;
let api: ApiClient;
beforeAll(async () => {
  receiver = await startTestReceiver();
  api = new ApiClient(receiver.url);
  const log = (seconds: number, attributes: Record<string, string>) => ({
    timeUnixNano: `${1772355600 + seconds}000000000`,
    attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })),
  });
  const logRecords = [
    log(1, { 'usage.dimension.id': 'tokens', 'usage.value': '250' }),
    log(2, { 'usage.dimension.id': 'tokens', 'usage.value': '1000.5' }),
    log(3, { 'usage.dimension.id': 'tokens', 'usage.value': 'many', 'usage.customer.id': 'acme' }),
    log(4, { 'usage.dimension.id': 'tokens', 'usage.value': '-3', 'usage.customer.id': 'acme' }),
  ];
  await api.otlp('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
});
afterAll(() => receiver.stop());

function quarantine(...args: string[]) {
  return runInProcess(['quarantine', ...args, '--url', receiver.url]);
}

async function signalIds(...flags: string[]): Promise<string[]> {
  const { stdout } = await quarantine('signals', '--json', ...flags);
  return JSON.parse(stdout).rows.map(({ id }: { id: string }) => id);
}

describe('in order', () => {
  test('the list', async () => {
    const { code, stdout, stderr } = await quarantine('list');
    expect(code).toBe(0);
    expect(
      stdout
        .replace(/20\d\d-\S+Z/g, 'TIME')
        .split('\n')
        .slice(1, -1)
        .sort(),
    ).toEqual([
      'credits_not_allowed  A credit      builtin  acme      tokens           1        -3  TIME',
      'missing_customer     No customer   builtin  –         tokens           2   1,250.5  TIME',
      'not_a_number         Not a number  builtin  acme      tokens           1            TIME',
    ]);
    expect(stderr).toBe('');
    expect(JSON.parse((await quarantine('list', '--json')).stdout).rows[0]).not.toHaveProperty('title');
  });

  test('the signals, as selected', async () => {
    const { stdout } = await quarantine('signals', '--missing', 'customer');
    expect(
      stdout
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(/ {2,}/).slice(1)),
    ).toEqual([
      ['missing_customer', 'log', '–', 'tokens', '250', '1', '2026-03-01T09:00:01Z'],
      ['missing_customer', 'log', '–', 'tokens', '1000.5', '1', '2026-03-01T09:00:02Z'],
    ]);
    expect(await signalIds('--reason', 'not_a_number', '--reason', 'credits_not_allowed')).toHaveLength(2);
    expect(await signalIds('--day', 'today')).toHaveLength(4);
    expect((await quarantine('signals', '--day', '2020-01-01')).stdout).toBe('Nothing is in quarantine.\n');
    expect(await signalIds('--limit', '1')).toHaveLength(1);
  });

  test('a replay of what is as it was says so', async () => {
    const dry = await quarantine('replay', '--reason', 'missing_customer', '--dry-run');
    expect([dry.code, dry.stdout]).toEqual([0, '2 signals. Dry run: nothing was changed.\n']);
    const { code, stdout } = await quarantine('replay', '--all');
    expect([code, stdout.split('\n').sort()]).toEqual([
      3,
      [
        '',
        '  1 stay in quarantine: credits_not_allowed (A credit)',
        '  1 stay in quarantine: not_a_number (Not a number)',
        '  2 stay in quarantine: missing_customer (No customer)',
        '4 signals, 0 counted',
      ],
    ]);
  });

  test('a fix counts as it says', async () => {
    const [first] = await signalIds('--missing', 'customer');
    const fixed = await quarantine('fix', first, '--set', 'customerId=acme', '--note', 'asked the team');
    expect(fixed).toEqual({ code: 0, stdout: '1 signal, 1 counted\n', stderr: '' });
    expect(await api.quantity('acme', 'tokens')).toBe('250');
    const open = await quarantine('fix', '--reason', 'not_a_number', '--set', 'customerId=acme');
    expect([open.code, open.stdout]).toEqual([3, expect.stringContaining('1 could not be judged')]);
    const rest = await quarantine(
      'fix',
      '--day',
      'today',
      '--reason',
      'not_a_number',
      '--set',
      'recordValue=2',
      '--set',
      'startTime=',
      '--json',
    );
    expect(JSON.parse(rest.stdout)).toMatchObject({ signals: 1, counted: 1 });
    expect(await api.quantity('acme', 'tokens')).toBe('252');
  });

  test('a replay counts what is known by now', async () => {
    await api.put('/dimensions/tokens', { creditsAllowed: true });
    const { code, stdout } = await quarantine('replay', '--customer', 'acme');
    expect([code, stdout]).toEqual([0, '1 signal, 1 counted\n']);
    expect(await api.quantity('acme', 'tokens')).toBe('249');
  });

  test('what is dismissed is gone', async () => {
    const dry = await quarantine('dismiss', '--missing', 'customer', '--note', 'a test', '--dry-run');
    expect(dry.stdout).toBe('1 signal. Dry run: nothing was changed.\n');
    expect((await quarantine('dismiss', '--missing', 'customer', '--note', 'a test')).stdout).toBe(
      '1 signal dismissed\n',
    );
    expect((await quarantine('list')).stdout).toBe('Nothing is in quarantine.\n');
    expect(await signalIds('--resolution', 'dismissed')).toHaveLength(1);
  });
});

describe('reasons, without any receiver', () => {
  test('are listed as they apply', async () => {
    const { code, stdout } = await runInProcess(['quarantine', 'reasons']);
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect([code, head]).toEqual([0, expect.stringMatching(/^reason +title$/)]);
    expect(lines.map((line) => line.split(' ', 1)[0])).toEqual(QUARANTINE_CODES);
  });

  test('that are named say what helps', async () => {
    const { code, stdout } = await runInProcess(['quarantine', 'reasons', 'level_into_sum', 'baseline']);
    expect(code).toBe(0);
    expect(stdout).toBe(`A level into a sum (level_into_sum)
A gauge or up-down total says how much there is, not how much was used, and the dimension sums.
What is listed:   Change the dimension's aggregation, and replay.
What is to come:  Record usage with a counter.

First reading (baseline)
The first reading of a running total that may have begun before it was watched: what it counted before is unknown. Later readings count what exceeds it.
What is listed:   Count it at its own value, or correct that to the amount to bill; or dismiss it.
`);
  });

  test('are for programs as the API answers them', async () => {
    const { stdout } = await runInProcess(['quarantine', 'reasons', '--json']);
    expect(JSON.parse(stdout)).toEqual((await api.get('/quarantine/reasons')).body);
  });

  test('that there are not are refused', async () => {
    const { code, stderr } = await runInProcess(['quarantine', 'reasons', 'nothing']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('a reason is one of sdk_overflow, ')]);
  });
});

test.each([
  [['replay'], 2, 'say which signals: their ids, or flags such as --reason or --missing, or --all'],
  [['replay', '--all', '--reason', 'baseline'], 2, 'goes with no other selection'],
  [['fix', '--set', 'customerId=acme'], 2, 'say which signals'],
  [['fix', '--reason', 'baseline', '--set', 'customer=acme'], 2, '--set knows customerId'],
  [['fix', '--reason', 'baseline'], 2, "required option '--set <field=value>' not specified"],
  [['fix', '--reason', 'baseline', '--set', 'recordValue=x'], 1, 'recordValue'],
  [['dismiss', '--reason', 'baseline'], 2, "required option '--note <text>' not specified"],
  [['list', '--reason', 'whatever'], 2, 'reason must be one of'],
  [['list', '--missing', 'meter'], 2, 'customer, dimension'],
  [['dismiss', 'x', '--note', 'n'], 1, 'must be the id of a quarantined signal'],
  [['dismiss', '--from', 'x', '--note', 'n'], 2, '--from must be RFC 3339'],
])('quarantine %j ends with %i', async (args, code, said) => {
  const end = await quarantine(...args);
  expect([end.code, end.stdout]).toEqual([code, '']);
  expect(end.stderr).toContain(said);
});
