import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';

let receiver: TestReceiver;
let api: ApiClient;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'periods-cli-'));
  receiver = await startTestReceiver();
  api = new ApiClient(receiver.url);
  await api.put('/dimensions/calls', { usageIncrement: '10', rounding: 'ceiling', unitPrice: '0.05' });
  await record('acme', '120', '2026-03-05');
  await record('acme', '3', '2026-03-31');
  await record('globex', '1234', '2026-03-31');
});
afterAll(async () => {
  await receiver.stop();
  await rm(folder, { recursive: true });
});

async function record(customerId: string, recordValue: string, day: string): Promise<void> {
  const body = { customerId, dimensionId: 'calls', recordValue, timestamp: `${day}T08:00:00Z` };
  expect((await api.post('/usage', body)).status).toBe(201);
}

function cli(...args: string[]) {
  return runInProcess([...args, '--url', receiver.url]);
}

/** Without what differs from run to run. */
function settled(text: string): string {
  return text.replace(/\b[0-9a-f]{32}\b/g, 'ID').replace(/Closed {4}\S+/, 'Closed    TIME');
}

describe('in order', () => {
  test('a dry run closes nothing', async () => {
    const { code, stdout } = await cli('close', '-c', 'acme', '--month', '2026-03', '--dry-run');
    expect([code, settled(stdout)]).toEqual([
      0,
      `Dry run: this would be stated, nothing was closed
Customer  acme
Period    2026-03-01 to 2026-04-01 (UTC)
Closed    TIME

dimension  unit  quantity  billable  unit price  amount  records
calls         1       123       130        0.05     6.5        2

Amount    6.5
`,
    ]);
    expect((await cli('close', '--all', '--month', '2026-03', '--dry-run')).stdout).toBe(
      '2 statements would be made. Dry run: nothing was closed; 0 there before\n',
    );
    expect((await cli('statements', 'list')).stdout).toBe('No statements.\n');
  });

  test('closing, twice', async () => {
    const args = ['close', '-c', 'acme', '--month', '2026-03', '--note', 'March'];
    const first = await cli(...args);
    expect([first.code, settled(first.stdout).split('\n')[0]]).toEqual([0, 'Statement ID']);
    expect(first.stdout).toContain('\nNote      March\n');
    const second = await cli(...args);
    expect([second.code, settled(second.stdout).split('\n')[0]]).toEqual([
      0,
      'Statement ID, which was there before',
    ]);
    expect((await cli('close', '--all', '--month', '2026-03')).stdout).toBe('1 statement; 1 there before\n');
  });

  test('the list, and one of them as text, JSON, CSV and a page', async () => {
    const { stdout } = await cli('statements', 'list', '-c', 'acme', '--month', '2026-03');
    expect(settled(stdout).replace(/20\d\d-\d\d-\d\dT\S+Z/, 'TIME')).toMatch(
      /\nID +acme +2026-03-01 {2}2026-04-01 +6\.5 {2}TIME {2}valid\n$/,
    );
    const list = JSON.parse((await cli('statements', 'list', '-c', 'acme', '--json')).stdout);
    const [{ id }] = list.rows;
    const shown = await cli('statements', 'show', id);
    expect(settled(shown.stdout)).toMatch(/^Statement ID\nCustomer {2}acme\n/);
    const json = JSON.parse((await cli('statements', 'show', id, '--json')).stdout);
    expect(json).toEqual((await api.get(`/statements/${id}`)).body);
    const csv = await cli('statements', 'show', id, '--format', 'csv');
    expect(csv.stdout.split('\r\n')[1]).toMatch(/,acme,line,.*,calls,1,123,130,0\.05,6\.5,2,/);
    const page = join(folder, 'march.html');
    const saved = await cli('statements', 'show', id, '--format', 'html', '-o', page);
    expect([saved.code, saved.stdout]).toEqual([0, '']);
    expect(await readFile(page, 'utf8')).toMatch(/^<!doctype html>/i);
    expect((await cli('statements', 'show', id, '--json', '-f', 'csv')).code).toBe(2);
  });

  test('what comes late is an adjustment, which the next close takes up', async () => {
    expect((await cli('adjustments')).stdout).toContain('as their statements say');
    await record('acme', '9.5', '2026-03-07');
    const { code, stdout } = await cli('adjustments', '-c', 'acme');
    expect([code, stdout.split('\n')[1]]).toEqual([
      0,
      expect.stringMatching(
        /^acme +2026-03-01 {2}2026-04-01 {2}calls +1 +9\.5 +10 +0\.05 +0\.5 {2}late_arrival$/,
      ),
    ]);
    const april = await cli('close', '-c', 'acme', '--month', '2026-04');
    expect(april.stdout).toContain('\nNo usage.\n\nAdjustments of earlier periods\n');
    expect(april.stdout).toContain('\nAmount    0.5\n');
  });

  test('a period that overlaps is left open', async () => {
    const one = await cli('close', '-c', 'acme', '--from', '2026-03-15', '--to', '2026-04-15');
    expect([one.code, one.stderr]).toEqual([1, expect.stringContaining('overlaps this one')]);
    await record('initech', '1', '2026-03-20');
    const all = await cli('close', '--all', '--from', '2026-03-15', '--to', '2026-04-15');
    expect(all.code).toBe(3);
    expect(settled(all.stdout)).toMatch(
      /^1 statement; 0 there before\n\n2 customers left open, .*:\nstatement .*\nID +acme +2026-0/,
    );
  });

  test('re-opening', async () => {
    const { rows } = JSON.parse((await cli('statements', 'list', '-c', 'globex', '--json')).stdout);
    const { code, stdout } = await cli('statements', 'reopen', rows[0].id, '--note', 'wrong price');
    expect([code, stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringContaining('it states nothing any more (wrong price)'),
    ]);
    const again = await cli('statements', 'reopen', rows[0].id, '--note', 'again');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('was re-opened at')]);
    expect((await cli('statements', 'list', '--state', 'reopened')).stdout).toContain('re-opened\n');
  });

  test('the audit log has all of it', async () => {
    const { stdout } = await cli('audit', '--kind', 'period_closed', '--kind', 'statement_reopened');
    expect(
      stdout
        .split('\n')
        .slice(1, -1)
        .map((line) => line.trim().split(/ {2,}/).slice(2, 4)),
    ).toEqual([
      ['local', 'statement_reopened'],
      ['local', 'period_closed'],
      ['local', 'period_closed'],
      ['local', 'period_closed'],
      ['local', 'period_closed'],
    ]);
    const json = JSON.parse((await cli('audit', '--subject', 'calls', '--day', 'today', '--json')).stdout);
    expect(json.rows).toMatchObject([
      { kind: 'dimension_put', change: { dimension: { unitPrice: '0.05' } } },
    ]);
    expect((await cli('audit', '--actor', 'file')).stdout).toBe('Nothing was changed.\n');
  });
});

test.each([
  [['close', '--month', '2026-03'], 2, 'say whose period'],
  [['close', '--all', '-c', 'acme', '--month', '2026-03'], 2, 'say whose period'],
  [['close', '--all'], 2, 'say which period'],
  [['close', '--all', '--from', '2026-03-01'], 2, '--from needs --to'],
  [['close', '--all', '--month', 'this'], 1, 'must be in the past'],
  [['close', '-c', 'nobody', '--month', '2026-03'], 1, 'there is no customer "nobody"'],
  [['statements', 'show', 'nothing'], 1, 'there is no statement "nothing"'],
  [['statements', 'reopen', 'nothing'], 2, "required option '--note <text>' not specified"],
  [['audit', '--kind', 'whatever'], 2, 'kind must be one of'],
])('%j ends with %i', async (args, code, said) => {
  const end = await cli(...args);
  expect([end.code, end.stdout]).toEqual([code, '']);
  expect(end.stderr).toContain(said);
});
