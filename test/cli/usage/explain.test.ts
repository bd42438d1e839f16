import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';

let receiver: TestReceiver;
let api: ApiClient;
beforeAll(async () => {
  receiver = await startTestReceiver();
  api = new ApiClient(receiver.url);
  await api.put('/dimensions/tokens', {
    unit: '{token}',
    interval: 'day',
    usageIncrement: '10',
    rounding: 'ceiling',
    unitPrice: '0.002',
  });
  await api.put('/customers/acme', {});
  await api.post('/usage', [
    {
      customerId: 'acme',
      dimensionId: 'tokens',
      recordValue: '1003.5',
      timestamp: '2026-03-01T08:00:00Z',
      metadata: { region: 'eu' },
    },
    { customerId: 'acme', dimensionId: 'tokens', recordValue: '1', timestamp: '2026-03-05T08:00:00Z' },
  ]);
  const attributes = Object.entries({
    'usage.dimension.id': 'tokens',
    'usage.customer.id': 'acme',
    'usage.value': '250',
  }).map(([key, stringValue]) => ({ key, value: { stringValue } }));
  const logRecords = [{ timeUnixNano: '1772355600000000000', attributes }];
  await api.otlp('logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
});
afterAll(() => receiver.stop());

function explain(...args: string[]) {
  return runInProcess(['explain', ...args, '--url', receiver.url]);
}
const CELL = ['-c', 'acme', '-d', 'tokens'];

test('a month: steps, records and their flags', async () => {
  const { code, stdout, stderr } = await explain(...CELL, '--month', '2026-03');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.replace(/[0-9a-f]{32}/g, 'ID'.padEnd(32))).toBe(`acme  tokens  [{token}]
2026-03-01 to 2026-04-01 (UTC)

1,254.5  the sum of the values: 3 records
  1,260  rounded up to a multiple of the usage increment 10
   2.52  1260 × the unit price 0.002

record                            time                    value     adds  kind    meter       frame  flags
ID                                2026-03-01 08:00 UTC  1,003.5  1,003.5  record  api v0          3
ID                                2026-03-01 09:00 UTC      250      250  record  builtin v0      4  weak_identity
ID                                2026-03-05 08:00 UTC        1        1  record  api v0          3
`);
});

test('nothing was used, of a dimension that there is or is not', async () => {
  const nothing = 'Nothing was used: the usage answer has no such row.\n';
  expect(await explain('-c', 'acme', '-d', 'token', '--month', '2026-03')).toMatchObject({
    code: 0,
    stdout: nothing,
    stderr: 'There is no dimension "token"; did you mean "tokens"?\n',
  });
  expect(await explain(...CELL, '--month', '2025-03')).toMatchObject({
    code: 0,
    stdout: nothing,
    stderr: '',
  });
});

test('one window of many, and one group', async () => {
  const day = await explain(
    ...CELL,
    '--month',
    '2026-03',
    '-w',
    'day',
    '--window-start',
    '2026-03-05T00:00:00Z',
  );
  expect(day.stdout).toContain('\n2026-03-05 to 2026-03-06 (UTC)\n\n   1  the sum of the values: 1 record\n');
  const group = ['--month', '2026-03', '-g', 'customerId,dimensionId,metadata.region'];
  const json = async (...args: string[]) =>
    JSON.parse((await explain(...CELL, ...group, ...args, '--json')).stdout);
  expect((await json('-m', 'region=eu')).cell).toMatchObject({
    quantity: '1003.5',
    metadata: { region: 'eu' },
  });
  expect((await json('--missing', 'region')).cell).toMatchObject({
    quantity: '251',
    metadata: { region: null },
  });
});

test('the signals that came', async () => {
  const { stdout } = await explain(...CELL, '--day', '2026-03-01', '--signals');
  expect(stdout).toContain('timeUnixNano: "1772355600000000000"');
  const { records } = JSON.parse(
    (await explain(...CELL, '--day', '2026-03-01', '--signals', '--json')).stdout,
  );
  const body = JSON.parse(Buffer.from(records[1].signal.bytes.base64, 'base64').toString());
  expect(body.resourceLogs[0].scopeLogs[0].logRecords[0].timeUnixNano).toBe('1772355600000000000');
  const one = await explain(records[1].recordId, '--json');
  expect(JSON.parse(one.stdout).signal).toEqual(records[1].signal);
  expect((await explain(records[1].recordId)).stdout).toContain(`recordId: ${records[1].recordId}`);
});

test('all pages add up to the cell', async () => {
  const many = Array.from({ length: 1203 }, (_, at) => ({
    customerId: 'many',
    dimensionId: 'calls',
    recordValue: `0.${at + 1}`,
    timestamp: new Date(Date.UTC(2026, 4, 1) + at).toISOString(),
  }));
  await api.post('/usage', many, { Prefer: 'return=minimal' });
  const args = ['-c', 'many', '-d', 'calls', '--month', '2026-05'];
  const { cell, records, nextCursor } = JSON.parse((await explain(...args, '--json')).stdout);
  expect([records.length, nextCursor, cell.records]).toEqual([1203, null, 1203]);
  const scaled = (text: string) =>
    BigInt(text.replace('.', '').padEnd(text.indexOf('.') === -1 ? 5 : text.indexOf('.') + 4, '0'));
  const sum = records.reduce(
    (total: bigint, one: { contribution: string }) => total + scaled(one.contribution),
    0n,
  );
  expect(sum).toBe(scaled(cell.quantity));
  const text = await explain(...args);
  expect(text.stdout).toContain('\nThe first 50 records; --limit shows more.\n');
});

test('nothing', async () => {
  const { code, stdout } = await explain('-c', 'nobody', '-d', 'tokens', '--month', '2026-03');
  expect([code, stdout]).toEqual([0, 'Nothing was used: the usage answer has no such row.\n']);
});

test.each([
  [['-d', 'tokens'], 2, 'customerId must name the one value that the row has'],
  [[...CELL, '-w', 'day'], 2, 'windowStart is required'],
  [[...CELL, '--limit', 'x'], 2, '--limit must be'],
  [['no-such-record'], 1, 'there is no record'],
])('explain %j ends with %i', async (args, code, said) => {
  const end = await explain(...args);
  expect([end.code, end.stdout]).toEqual([code, '']);
  expect(end.stderr).toContain(said);
});
