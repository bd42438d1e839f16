import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';

let receiver: TestReceiver;
let api: ApiClient;
beforeAll(async () => {
  receiver = await startTestReceiver();
  api = new ApiClient(receiver.url);
  await api.post('/usage', [
    {
      customerId: 'acme',
      dimensionId: 'calls',
      recordValue: '12.5',
      timestamp: '2026-03-01T08:00:00Z',
      startTime: '2026-03-01T07:00:00Z',
      metadata: { region: 'eu' },
    },
    { customerId: 'acme', dimensionId: 'calls', recordValue: '3', timestamp: '2026-03-02T00:00:00Z' },
  ]);
});
afterAll(() => receiver.stop());

function records(...args: string[]) {
  return runInProcess(['records', ...args, '--url', receiver.url]);
}

async function ids(...flags: string[]): Promise<string[]> {
  const { stdout } = await records('list', '--month', '2026-03', '--json', ...flags);
  return JSON.parse(stdout).rows.map(({ recordId }: { recordId: string }) => recordId);
}

test('the list', async () => {
  const { code, stdout, stderr } = await records('list', '--month', '2026-03');
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.replace(/[0-9a-f]{32}/g, 'ID'.padEnd(32))).toBe(
    `record                            time                  customer  dimension  value  unit  kind    meter  metadata
ID                                2026-03-01 08:00 UTC  acme      calls       12.5     1  record  api    region=eu
ID                                2026-03-02            acme      calls          3     1  record  api
`,
  );
  expect(await ids('-m', 'region=eu')).toHaveLength(1);
  expect((await records('list', '--month', '2020-01')).stdout).toBe('No records.\n');
  const limited = await records('list', '--month', '2026-03', '--limit', '1');
  expect(limited.stderr).toContain('There are more: a higher --limit, or --cursor ');
});

test('amending keeps what is not named; voiding ends it', async () => {
  const [first, second] = await ids();
  const amended = await records('amend', first, '--value', '11', '--start-time', '', '--reason', 'idle');
  expect([amended.code, amended.stdout.split('\n')[0]]).toEqual([
    0,
    expect.stringMatching(new RegExp(`^record \\w{32} counts in the place of ${first}$`)),
  ]);
  const shown = JSON.parse((await records('show', first, '--json')).stdout);
  expect(shown).toMatchObject({ recordValue: '12.5', voided: { reason: 'idle', replaced: true } });
  const [replacement] = (await ids()).filter((id) => id !== second);
  const { startTime, ...now } = JSON.parse((await records('show', replacement, '--json')).stdout);
  expect(now).toMatchObject({
    recordValue: '11',
    metadata: { region: 'eu' },
    timestamp: '2026-03-01T08:00:00Z',
  });
  expect(startTime).toBeUndefined();
  expect((await records('show', replacement)).stdout).toContain('\nrecordValue: "11"\n');

  const voided = await records('void', second, '--reason', 'a test');
  expect([voided.code, voided.stdout]).toEqual([0, `record ${second} does not count any more\n`]);
  expect(await api.quantity('acme', 'calls')).toBe('11');
  const again = await records('void', second, '--reason', 'again');
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('was voided at')]);
});

test.each([
  [['void', 'x'], 2, "required option '--reason <text>' not specified"],
  [['void', 'x', '--reason', 'r'], 1, 'there is no record'],
  [['amend', 'x', '--reason', 'r'], 2, 'say what is to be otherwise'],
  [['amend', 'x', '--reason', 'r', '--value', 'many'], 1, 'recordValue'],
  [['show', 'x'], 1, 'there is no record'],
])('records %j ends with %i', async (args, code, said) => {
  const end = await records(...args);
  expect([end.code, end.stdout]).toEqual([code, '']);
  expect(end.stderr).toContain(said);
});
