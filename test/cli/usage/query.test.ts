import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE_ROWS } from '../../../cli/receiver-api.ts';
import { ApiClient } from '../../system/api/api-client.ts';
import { runInProcess } from '../in-process.ts';
import { startTestReceiver, type TestReceiver } from '../receiver.ts';

let receiver: TestReceiver;
beforeAll(async () => {
  receiver = await startTestReceiver();
  const api = new ApiClient(receiver.url);
  await api.put('/dimensions/tokens', {
    unit: '{token}',
    usageIncrement: '10',
    rounding: 'ceiling',
    unitPrice: '0.002',
  });
  await api.put('/customers/acme', { aliases: ['acme-eu'] });
  const records = [
    ['acme', 'tokens', '1234.5', '2026-03-01T08:00:00Z', { region: 'eu' }],
    ['acme', 'tokens', '10', '2026-03-03T23:30:00Z', { region: 'us' }],
    ['acme', 'calls', '3', '2026-03-02T00:00:00Z', {}],
    ['globex', 'tokens', '7', '2026-03-02T00:00:00Z', { region: 'eu' }],
  ].map(([customerId, dimensionId, recordValue, timestamp, metadata]) => ({
    customerId,
    dimensionId,
    recordValue,
    timestamp,
    metadata,
  }));
  expect((await api.post('/usage', records)).status).toBe(201);
});
afterAll(() => receiver.stop());

function query(args: string, columns?: number) {
  const options = columns === undefined ? {} : { columns, env: { NO_COLOR: '1' } };
  return runInProcess(['query', ...args.split(' '), '--url', receiver.url], options);
}

/** Without what differs from run to run. */
function settled(stdout: string): string {
  return stdout.replace(/complete until [^\s)]+/, 'complete until …');
}

describe('ids that nobody knows are no usage of zero', () => {
  test.each([
    //  flags                  said beside the empty answer
    ['-c acne', 'There is no customer "acne"; did you mean "acme"?\n'],
    ['-c acme-eu', 'There is no customer "acme-eu"; did you mean "acme"?\n'],
    ['-c nobody-at-all', 'There is no customer "nobody-at-all"\n'],
    [
      '-c acne -c acne -d token',
      'There is no customer "acne"; did you mean "acme"?\nThere is no dimension "token"; did you mean "tokens"?\n',
    ],
    ['-c globex -d calls', ''],
    ['-m region=nowhere', ''],
  ])('query %s', async (flags, said) => {
    const { code, stdout, stderr } = await query(`--month 2026-03 ${flags}`);
    expect([code, stderr]).toEqual([0, said]);
    expect(stdout).toContain('\nNothing was used.\n');
    const json = await query(`--month 2026-03 ${flags} --json`);
    expect([json.code, json.stderr, JSON.parse(json.stdout).rows]).toEqual([0, said, []]);
  });
});

describe('tables', () => {
  test('a month by customer and dimension', async () => {
    const { code, stdout, stderr } = await query('--month 2026-03');
    expect([code, stderr]).toEqual([0, '']);
    expect(settled(stdout)).toBe(`Usage from 2026-03-01 to 2026-04-01 (UTC), complete until …

customer  dimension  unit     quantity  billable  amount  records
acme      calls      1               3         3                1
acme      tokens     {token}   1,244.5     1,250     2.5        2
globex    tokens     {token}         7        10    0.02        1
`);
  });

  test('days, with bars for each group', async () => {
    const { stdout } = await query(
      '--from 2026-03-01 --to 2026-03-05 -w day -d tokens --time-zone Europe/Berlin',
    );
    expect(settled(stdout)).toBe(`Usage from 2026-03-01 to 2026-03-05 (Europe/Berlin), complete until …

acme  tokens  [{token}]
  █▁▁▁
  window      quantity  billable  amount  records
  2026-03-01   1,234.5     1,240    2.48        1
  2026-03-02         0         0       0        0
  2026-03-03         0         0       0        0
  2026-03-04        10        10    0.02        1

globex  tokens  [{token}]
  ▁█▁▁
  window      quantity  billable  amount  records
  2026-03-01         0         0       0        0
  2026-03-02         7        10    0.02        1
  2026-03-03         0         0       0        0
  2026-03-04         0         0       0        0
`);
  });

  test('hours say their offset, windows without usage may be left out', async () => {
    const { stdout } = await query(
      '--day 2026-03-04 -w hour -d tokens --time-zone Europe/Berlin --no-fill -g metadata.region,customerId',
    );
    expect(stdout).toContain('\nacme  us  [{token}]\n');
    expect(stdout).toContain('\n  2026-03-04        10        10    0.02        1\n');
    expect((await query('--day 2026-03-01 -w hour --no-fill')).stdout).toContain('\n  2026-03-01 08:00 UTC ');
  });

  test('they fit the terminal: texts are cut in their middle, numbers never', async () => {
    const api = new ApiClient(receiver.url);
    const customerId = `customer-${'0'.repeat(80)}-eu`;
    await api.post('/usage', {
      customerId,
      dimensionId: 'wide 漢字',
      recordValue: '12345678901234567890.5',
      timestamp: '2026-05-01T00:00:00Z',
    });
    const { stdout } = await query('--month 2026-05', 110);
    const [, , head, row] = stdout.split('\n');
    const narrow = (await query('--month 2026-05 -d nothing', 60)).stdout.split('\n');
    expect(narrow.slice(0, 2)).toEqual([
      'Usage from 2026-05-01 to 2026-06-01 (UTC)',
      expect.stringMatching(/^complete until 20\S+Z$/),
    ]);
    expect(row).toMatch(/^customer-0+…0+-eu {2}wide 漢字 +1 /);
    expect(row).toContain('12,345,678,901,234,567,890.5');
    expect(head).toHaveLength(110);
  });

  test('nothing', async () => {
    const { code, stdout } = await query('--month 2020-01');
    expect([code, settled(stdout)]).toEqual([
      0,
      'Usage from 2020-01-01 to 2020-02-01 (UTC), complete until …\n\nNothing was used.\n',
    ]);
  });
});

describe('JSON', () => {
  test('is one document with the exact rows of the API', async () => {
    const { code, stdout } = await query('--month 2026-03 -c acme -m region=eu --json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      from: '2026-03-01',
      to: '2026-04-01',
      rows: [
        {
          customerId: 'acme',
          dimensionId: 'tokens',
          unit: '{token}',
          windowStart: '2026-03-01T00:00:00Z',
          windowEnd: '2026-04-01T00:00:00Z',
          quantity: '1234.5',
          billableQuantity: '1240',
          amount: '2.48',
          records: 1,
        },
      ],
      nextCursor: null,
      completeUntil: expect.any(String),
    });
  });

  test('goes on behind a limit', async () => {
    const range = '--from 2026-03-01 --to 2026-04-01 --json';
    const all = JSON.parse((await query(range)).stdout);
    const first = JSON.parse((await query(`${range} --limit 1`)).stdout);
    expect(first.rows).toEqual(all.rows.slice(0, 1));
    const rest = JSON.parse((await query(`${range} --cursor ${first.nextCursor}`)).stdout);
    expect([rest.rows, rest.nextCursor]).toEqual([all.rows.slice(1), null]);
  });

  test('of more than a page, all are of one state', async () => {
    const api = new ApiClient(receiver.url);
    const records = Array.from({ length: PAGE_ROWS + 5 }, (_, at) => ({
      customerId: `many-${String(at).padStart(6, '0')}`,
      dimensionId: 'calls',
      recordValue: '1',
      timestamp: '2026-06-01T00:00:00Z',
    }));
    await api.post('/usage', records, { Prefer: 'return=minimal' });
    const all = JSON.parse((await query('--month 2026-06 --json')).stdout);
    expect([all.rows.length, all.nextCursor]).toEqual([PAGE_ROWS + 5, null]);
    const limited = await query(`--from 2026-06-01 --to 2026-07-01 --limit ${PAGE_ROWS + 2} --json`);
    const { rows, asOf, nextCursor } = JSON.parse(limited.stdout);
    expect([rows.length, asOf]).toEqual([PAGE_ROWS + 2, all.asOf]);
    const rest = await query(
      `--from 2026-06-01 --to 2026-07-01 --as-of ${asOf} --cursor ${nextCursor} --json`,
    );
    expect([...rows, ...JSON.parse(rest.stdout).rows]).toEqual(all.rows);
  });

  test('a relative range ends now', async () => {
    const { from, to } = JSON.parse((await query('--last 2h --json')).stdout);
    expect(Date.parse(to) - Date.parse(from)).toBe(2 * 3600_000);
  });
});

test.each([
  // what is wrong                                    code  what is said
  ['--month 2026-3', 2, '--month must be like 2026-10, or this, or last (got "2026-3")'],
  ['--month 2026-13', 2, '--month must be like'],
  ['--day 2026-02-30', 2, '--day must be like'],
  ['--last 0d', 2, '--last must be like'],
  ['--last soon', 2, '--last must be like'],
  ['--last 1d --month this', 2, 'not both'],
  ['--to 2026-01-01', 2, '--to needs --from'],
  ['--time-zone Mars/Base --month this', 2, 'IANA time zone'],
  ['--from yesterday', 2, 'from must be RFC 3339'],
  ['--window fortnight', 2, 'Allowed choices are total, minute'],
  ['--window period', 2, 'anchor is required'],
  ['-m region', 2, '--metadata must look like'],
  ['--limit 0', 2, '--limit must be'],
  ['--group-by plan', 2, 'groupBy must name customerId'],
  ['--cursor x --month this', 2, '--cursor needs the --from'],
  ['--bogus', 2, "unknown option '--bogus'"],
])('query %s ends with %i', async (args, code, said) => {
  const end = await query(args);
  expect([end.code, end.stdout]).toEqual([code, '']);
  expect(end.stderr).toContain(said);
});

test('a receiver that is not there, or wants a key', async () => {
  const away = await runInProcess(['query', '--url', 'nonsense']);
  expect([away.code, away.stderr]).toEqual([2, expect.stringContaining('address must be a URL')]);
  const locked = await startTestReceiver({ apiKeys: ['secret'] });
  try {
    const refused = await runInProcess(['query', '--url', locked.url]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('set USAGE_METER_API_KEY')]);
    const env = { USAGE_METER_API_KEY: 'secret' };
    expect((await runInProcess(['query', '--url', locked.url], { env })).code).toBe(0);
  } finally {
    await locked.stop();
  }
});
