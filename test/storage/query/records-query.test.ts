import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runQuery, type UsageRecord } from '../../../storage/query/index.ts';
import { QueryError } from '../../../storage/query/query-error.ts';
import { parseRecordsQuery, type RecordsAnswer } from '../../../storage/query/records-query.ts';
import { StoredUsage } from './stored-usage.ts';

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
});
afterEach(() => stored.close());

async function ask(params: string): Promise<RecordsAnswer> {
  const query = structuredClone(parseRecordsQuery(new URLSearchParams(params)));
  return await runQuery(stored.connection, { type: 'records', query });
}

const MARCH = 'from=2026-03-01&to=2026-04-01';

test('a record is told as it is stored', async () => {
  await stored.dimension('gb', { unit: 'GBy' });
  await stored.add([
    {
      customerId: "O'x 😀",
      dimensionId: 'gb',
      time: '2026-03-01T00:00:00.000000001Z',
      startTime: '2026-02-28T23:59:00Z',
      quantity: '9007199254740993.000000000001',
      metadata: { region: 'eu', __proto: '' },
    },
  ]);
  const { rows, nextCursor } = await ask(MARCH);
  expect(nextCursor).toBeNull();
  expect(rows).toEqual([
    {
      recordId: expect.stringMatching(/^[0-9a-f]{32}$/),
      customerId: "O'x 😀",
      dimensionId: 'gb',
      recordValue: '9007199254740993.000000000001',
      unit: 'GBy',
      timestamp: '2026-03-01T00:00:00.000000001Z',
      startTime: '2026-02-28T23:59:00Z',
      metadata: { region: 'eu', __proto: '' },
      meterId: 'builtin',
      meterVersion: 0,
      kind: 'record',
    },
  ]);
});

describe('of several records', () => {
  beforeEach(() =>
    stored.add([
      {
        customerId: 'a',
        dimensionId: 'd',
        time: '2026-03-02T00:00:00Z',
        quantity: '2',
        metadata: { r: 'eu' },
      },
      {
        customerId: 'b',
        dimensionId: 'd',
        time: '2026-03-01T00:00:00Z',
        quantity: '1',
        metadata: { r: 'us' },
      },
      // Equal in all that can be seen: two records all the same.
      { customerId: 'a', dimensionId: 'e', time: '2026-03-03T00:00:00Z', quantity: '3', kind: 1 },
      { customerId: 'a', dimensionId: 'e', time: '2026-03-03T00:00:00Z', quantity: '3', kind: 1 },
      { customerId: 'a', dimensionId: 'e', time: '2026-03-03T00:00:00Z', quantity: '-4', kind: 2 },
      { customerId: 'a', dimensionId: 'd', time: '2026-04-01T00:00:00Z', quantity: '5' },
    ]),
  );

  const brief = ({ customerId, dimensionId, recordValue, kind }: UsageRecord) =>
    `${customerId} ${dimensionId} ${recordValue} ${kind}`;

  test.each([
    ['', ['b d 1 record', 'a d 2 record', 'a e 3 increment', 'a e 3 increment', 'a e -4 correction']],
    ['&customerId=b', ['b d 1 record']],
    ['&customerId=a&dimensionId=d', ['a d 2 record']],
    ['&metadata.r=eu&metadata.r=us', ['b d 1 record', 'a d 2 record']],
    ['&metadata.r=us&customerId=a', []],
    ['&customerId=nobody', []],
    ['&order=desc&customerId=a', ['a e -4 correction', 'a e 3 increment', 'a e 3 increment', 'a d 2 record']],
    ['&timeZone=America/Los_Angeles&dimensionId=d', ['a d 2 record', 'a d 5 record']],
  ])('"%s" asks for', async (params, expected) => {
    expect((await ask(`${MARCH}${params}`)).rows.map(brief)).toEqual(expected);
  });

  test('an empty range has none', async () => {
    expect(await ask('from=2026-03-01&to=2026-03-01')).toEqual({ rows: [], nextCursor: null });
  });

  test.each(['asc', 'desc'].flatMap((order) => [1, 2, 3, 4, 5, 6].map((limit) => ({ order, limit }))))(
    'pages of $limit make the whole, $order',
    async ({ order, limit }) => {
      const range = `${MARCH}&order=${order}`;
      const whole = await ask(range);
      const rows: UsageRecord[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page: RecordsAnswer = await ask(
          `${range}&limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        rows.push(...page.rows);
        cursor = page.nextCursor;
        if (cursor !== null) expect(page.rows).toHaveLength(limit);
      }
      expect(rows).toEqual(whole.rows);
    },
  );

  test('pages go on where they ended when rows are moved in between', async () => {
    const whole = await ask(MARCH);
    const rows: UsageRecord[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: RecordsAnswer = await ask(`${MARCH}&limit=1${cursor && `&cursor=${cursor}`}`);
      rows.push(...page.rows);
      cursor = page.nextCursor;
      await stored.connection.run(
        `CREATE OR REPLACE TEMP TABLE moved AS FROM stored.usage ORDER BY random()`,
      );
      await stored.connection.run('DELETE FROM stored.usage');
      await stored.connection.run('INSERT INTO stored.usage FROM temp.moved');
    }
    expect(rows).toEqual(whole.rows);
  });

  test('ids and values are those of the view usage_records', async () => {
    const { rows } = await ask(MARCH);
    const view = await stored.connection.runAndReadAll(
      `SELECT record_id FROM usage_records WHERE timestamp < make_timestamp_ns(1775001600000000000) ORDER BY ALL`,
    );
    expect(rows.map(({ recordId }) => recordId).sort()).toEqual(view.getRows().map(([id]) => id));
  });
});

test.each([
  ['to=2026-04-01', 'from'],
  [`${MARCH}&window=day`, 'window'],
  [`${MARCH}&groupBy=customerId`, 'groupBy'],
  [`${MARCH}&limit=-1`, 'limit'],
  [`${MARCH}&order=newest`, 'order'],
  [`${MARCH}&cursor=WzFd`, 'cursor'],
  [`${MARCH}&dimensionId=`, 'dimensionId'],
])('"%s" is refused for %s', (params, parameter) => {
  let error: unknown;
  try {
    parseRecordsQuery(new URLSearchParams(params));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(QueryError);
  expect(error).toMatchObject({ parameter });
});
