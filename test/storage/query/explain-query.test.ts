import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ExplainAnswer,
  parseExplainQuery,
  parseUsageQuery,
  runQuery,
} from '../../../storage/query/index.ts';
import { QueryError } from '../../../storage/query/query-error.ts';
import { expectSumOfParts } from './explain-sums.ts';
import { randomNumbers, seedOfThisRun } from './random.ts';
import { type StoredDimension, type StoredRecord, StoredUsage, unixNano } from './stored-usage.ts';

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
  await stored.arrivals(10, [[1, unixNano('2026-04-01T00:00:00Z')]]);
});
afterEach(() => stored.close());

type Params = Record<string, string | string[]>;

function entries(params: Params): [string, string][] {
  return Object.entries(params).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
}

/** All pages. */
async function explain(params: Params, completeUntil: bigint | null = null): Promise<ExplainAnswer[]> {
  const pages: ExplainAnswer[] = [];
  for (let cursor: string | null = null; ; ) {
    const query = structuredClone(
      parseExplainQuery(entries(cursor === null ? params : { ...params, cursor })),
    );
    query.usage.completeUntil = completeUntil;
    const page: ExplainAnswer = await runQuery(stored.connection, { type: 'explain', query });
    pages.push(page);
    cursor = page.nextCursor;
    if (cursor === null) return pages;
  }
}

const MARCH = { from: '2026-03-01', to: '2026-04-01' };

describe('random usage: every cell is the sum of its parts', () => {
  const seed = seedOfThisRun();
  const HOUR = 3_600_000_000_000n;
  const FROM = unixNano('2026-02-27T00:00:00Z');

  test.each([
    //  aggregation      interval  window   zone
    ['sum', 'none', 'day', 'Europe/Berlin'],
    ['sum', 'month', 'month', 'UTC'],
    ['sum', 'none', 'period', 'Asia/Kolkata'],
    ['max', 'month', 'period', 'Europe/Berlin'],
    ['count', 'none', 'week', 'UTC'],
    ['max', 'none', 'day', 'UTC'],
    ['max', 'hour', 'total', 'UTC'],
    ['min', 'day', 'month', 'Australia/Lord_Howe'],
    ['last', 'none', 'total', 'UTC'],
    ['last', 'day', 'week', 'America/Los_Angeles'],
    ['average', 'none', 'day', 'UTC'],
    ['average', 'day', 'total', 'Europe/Berlin'],
    ['unique', 'none', 'total', 'UTC'],
    ['unique', 'day', 'week', 'UTC'],
    ['time_weighted', 'none', 'day', 'UTC'],
    ['time_weighted', 'day', 'week', 'Europe/Berlin'],
    ['time_integral', 'none', 'hour', 'UTC'],
    ['time_integral', 'day', 'month', 'UTC'],
  ])('%s, interval %s, window %s, %s', async (aggregation, interval, window, timeZone) => {
    const random = randomNumbers(seed + aggregation.length * 100 + interval.length * 10 + window.length);
    const dimension: StoredDimension = { aggregation, interval, usageIncrement: '0.5', unitPrice: '0.25' };
    if (aggregation === 'unique') dimension.uniqueKey = 'user';
    if (aggregation.startsWith('time_') && random.below(2) === 0) dimension.levelTtl = 100_000;
    await stored.dimension('d', dimension);
    const records: StoredRecord[] = [];
    for (let i = 0; i < 50; i++) {
      const time = FROM + BigInt(random.below(24 * 33)) * HOUR + BigInt(random.below(3)) * 60_000_000_007n;
      const metadata: Record<string, string> = {};
      if (random.below(3) > 0) metadata.region = random.pick(['eu', 'us', '']);
      if (random.below(4) > 0) metadata.user = random.pick(['a', 'b', 'c']);
      const record: StoredRecord = {
        customerId: random.pick(['acme', 'acme', 'globex']),
        dimensionId: 'd',
        time,
        quantity: `${random.below(1000)}.${random.below(1_000_000)}`,
        metadata,
        sequence: 1 + random.below(12),
      };
      if (random.below(9) === 0) record.voidedBy = 5 + random.below(6);
      records.push(record);
      if (random.below(6) < 1) {
        // The same instant twice, and a running total with a correction at one time.
        records.push({ ...record, quantity: String(random.below(2000)) });
      } else if (random.below(5) < 1) {
        const segment = { ...record, startTime: '2026-02-01T00:00:00Z', meterId: 'totals' };
        records.push({ ...segment, kind: 1 }, { ...segment, kind: 2, quantity: '-3.5', sequence: 2 });
      }
    }
    await stored.add(records);

    const anchor = window === 'period' ? { anchor: '31' } : {};
    const range = { ...MARCH, timeZone, window, ...anchor, asOf: '10' };
    const completeUntil = unixNano('2026-03-28T11:17:03Z');
    let cells = 0;
    for (const groupBy of [
      'customerId,dimensionId',
      'dimensionId',
      'customerId,dimensionId,metadata.region',
    ]) {
      const query = parseUsageQuery(entries({ ...range, dimensionId: 'd', groupBy }));
      const { rows } = await runQuery(stored.connection, {
        type: 'usage',
        query: { ...query, completeUntil },
      });
      for (let picked = 0; picked < 2 && rows.length > 0; picked++) {
        const row = random.pick(rows);
        const region = row.metadata?.region;
        const named: Params = {
          ...range,
          dimensionId: 'd',
          groupBy,
          windowStart: row.windowStart,
          limit: '13',
        };
        if (row.customerId !== undefined) named.customerId = row.customerId;
        if (region === null) named.missing = 'region';
        else if (region !== undefined) named['metadata.region'] = region;
        const what = `seed ${seed}: ${JSON.stringify(named)}`;
        const pages = await explain(named, completeUntil);
        expect(pages[0].cell, what).toEqual(row);
        expectSumOfParts(pages, what);
        cells++;
      }
    }
    expect(cells).toBeGreaterThan(0);
  });
});

const CELL = { customerId: 'acme', dimensionId: 'd', ...MARCH };

test('a cell of levels: what is carried in, how long each level holds, and the steps to the amount', async () => {
  await stored.dimension('d', {
    aggregation: 'time_weighted',
    unit: 'GB',
    usageIncrement: '10',
    rounding: 'ceiling',
    unitPrice: '0.1',
  });
  await stored.add([
    { customerId: 'acme', dimensionId: 'd', time: '2026-02-20T00:00:00Z', quantity: '100' },
    { customerId: 'acme', dimensionId: 'd', time: '2026-03-02T00:00:00Z', quantity: '250' },
  ]);
  const [answer] = await explain({
    ...CELL,
    window: 'day',
    to: '2026-03-03',
    windowStart: '2026-03-01T00:00:00Z',
  });
  expect(answer.carriedIn).toMatchObject({
    level: '100',
    seconds: '86400',
    contribution: '8640000',
    record: { timestamp: '2026-02-20T00:00:00Z', recordValue: '100' },
  });
  expect(answer.records).toEqual([]);
  const [month] = await explain({ ...CELL, to: '2026-03-03' });
  expect(month.cell).toMatchObject({ quantity: '175', billableQuantity: '180', amount: '18' });
  expect(month.steps).toEqual([
    {
      text: 'the mean level: the sum of level × seconds ÷ seconds: 1 record, with the level that is carried in: 30240000 ÷ 172800',
      value: '175',
    },
    {
      text: 'rounded up to a multiple of the usage increment 10 (the exact quotient, not its 12 places)',
      value: '180',
    },
    { text: '180 × the unit price 0.1', value: '18' },
  ]);
  expect(month.records).toMatchObject([
    {
      contribution: '21600000',
      holds: { from: '2026-03-02T00:00:00Z', to: '2026-03-03T00:00:00Z', seconds: '86400' },
    },
  ]);
});

test('the record that decides a maximum is named, and alone adds to it', async () => {
  await stored.dimension('d', { aggregation: 'max' });
  await stored.add(
    ['3', '7', '7', '5'].map((quantity, day) => ({
      customerId: 'acme',
      dimensionId: 'd',
      time: `2026-03-0${day + 1}T00:00:00Z`,
      quantity,
    })),
  );
  const [{ parts, records, steps }] = await explain(CELL);
  expect(records.map(({ contribution }) => contribution)).toEqual(['0', '7', '0', '0']);
  expect(parts).toMatchObject([{ sum: '7', records: 4, decidedBy: records[1].recordId }]);
  expect(steps).toEqual([{ text: 'the greatest value: 4 records', value: '7' }]);
});

test.each(['sum', 'average', 'max', 'last', 'time_weighted', 'time_integral'])(
  'the greatest values there are, by %s',
  async (aggregation) => {
    await stored.dimension('d', { aggregation });
    const quantity = '99999999999999999999999999.999999999999';
    const times = ['01T00', '02T00', '02T00', '17T05'];
    await stored.add(
      times.map((time, i) => ({
        customerId: 'acme',
        dimensionId: 'd',
        time: `2026-03-${time}:00:00Z`,
        quantity,
        metadata: { i: String(i) },
      })),
    );
    const pages = await explain({ ...CELL, limit: '3' });
    expect(pages).toHaveLength(2);
    expectSumOfParts(pages, aggregation);
  },
);

test('pages are of one state of the ledger, whatever comes between them', async () => {
  const record = { customerId: 'acme', dimensionId: 'd', time: '2026-03-02T00:00:00Z' };
  await stored.add(['1', '2', '3'].map((quantity) => ({ ...record, quantity })));
  const first = parseExplainQuery(entries({ ...CELL, limit: '2' }));
  const page = await runQuery(stored.connection, { type: 'explain', query: first });
  await stored.add([{ ...record, quantity: '4', sequence: 11 }]);
  await stored.arrivals(11, []);
  const second = parseExplainQuery(entries({ ...CELL, limit: '2', cursor: page.nextCursor! }));
  const next = await runQuery(stored.connection, { type: 'explain', query: second });
  expect(next).toMatchObject({ cell: { quantity: '6' }, records: [{ recordValue: '3' }], nextCursor: null });
});

test.each([
  //  what                                     parameters                                         is answered with
  ['a customer that nobody knows', { customerId: 'nobody' }, { cell: null, records: [] }],
  ['a dimension that nobody knows', { dimensionId: 'nothing' }, { cell: null, dimension: null }],
  ['an empty range', { to: '2026-03-01' }, { cell: null, records: [], parts: [] }],
  [
    'a day without usage',
    { window: 'day', windowStart: '2026-03-05' },
    { cell: { quantity: '0', records: 0 } },
  ],
])('%s', async (_, params, answer) => {
  await stored.add([{ customerId: 'acme', dimensionId: 'd', time: '2026-03-02T00:00:00Z', quantity: '1' }]);
  expect((await explain({ ...CELL, ...params }))[0]).toMatchObject(answer);
});

test.each([
  //  what                              parameters                                           code                  parameter
  ['two customers', { customerId: ['a', 'b'] }, 'REPEATED_PARAMETER', 'customerId'],
  ['no dimension', { dimensionId: [] }, 'MISSING_PARAMETER', 'dimensionId'],
  ['no window of many', { window: 'day' }, 'MISSING_PARAMETER', 'windowStart'],
  [
    'within a window',
    { window: 'day', windowStart: '2026-03-01T01:00:00Z' },
    'INVALID_PARAMETER',
    'windowStart',
  ],
  ['the end of the range', { window: 'day', windowStart: '2026-04-01' }, 'INVALID_PARAMETER', 'windowStart'],
  [
    'no value of a group',
    { groupBy: 'customerId,dimensionId,metadata.k' },
    'MISSING_PARAMETER',
    'metadata.k',
  ],
  ['no group that is missing', { missing: 'k' }, 'INVALID_PARAMETER', 'missing'],
  ['an unknown name', { windowEnd: '2026-04-01' }, 'UNKNOWN_PARAMETER', 'windowEnd'],
  ['a cursor of another question', { cursor: 'W10' }, 'INVALID_PARAMETER', 'cursor'],
])('refused: %s', (_, params, code, parameter) => {
  let refusal: unknown;
  try {
    parseExplainQuery(entries({ ...CELL, ...params }));
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(QueryError);
  expect(refusal).toMatchObject({ code, parameter });
});
