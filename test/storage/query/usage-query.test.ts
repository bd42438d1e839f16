import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scaledFromText, textFromScaled } from '../../../storage/decimal.ts';
import { runQuery } from '../../../storage/query/index.ts';
import { QueryError } from '../../../storage/query/query-error.ts';
import {
  MAX_WINDOWS,
  parseUsageQuery,
  type UsageAnswer,
  type UsageRow,
} from '../../../storage/query/usage-query.ts';
import { windowBoundaries } from '../../../storage/query/windows.ts';
import { randomNumbers, seedOfThisRun } from './random.ts';
import { type StoredRecord, StoredUsage, unixNano } from './stored-usage.ts';
import { windowStartsByStepping } from './window-oracle.ts';

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
});
afterEach(() => stored.close());

type Params = Record<string, string | string[]>;

function entries(params: Params): [string, string][] {
  return Object.entries(params).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  );
}

async function ask(params: Params): Promise<UsageAnswer> {
  // As the worker gets it: by structured clone.
  const query = structuredClone(parseUsageQuery(entries(params)));
  return await runQuery(stored.connection, { type: 'usage', query });
}

/** All pages, in one list. */
async function askAll(params: Params): Promise<UsageRow[]> {
  const rows: UsageRow[] = [];
  for (let cursor: string | null = null; ; ) {
    const answer: UsageAnswer = await ask(cursor === null ? params : { ...params, cursor });
    rows.push(...answer.rows);
    expect(answer.nextCursor, 'each page ends elsewhere').not.toBe(cursor ?? '');
    cursor = answer.nextCursor;
    if (cursor === null) return rows;
    expect(answer.rows).toHaveLength(Number(params.limit));
  }
}

/** What a table can show of a row. */
function brief(row: UsageRow): unknown[] {
  const group = [row.customerId, row.dimensionId, ...Object.values(row.metadata ?? {})].filter(
    (text) => text !== undefined,
  );
  return [...group, row.windowStart.replace(/^2026-|:00Z$/g, ''), row.quantity, row.records];
}

const MARCH = { from: '2026-03-01', to: '2026-04-01' };

const RECORDS: StoredRecord[] = [
  {
    customerId: 'acme',
    dimensionId: 'api',
    time: '2026-03-01T00:00:00Z',
    quantity: '1',
    metadata: { r: 'eu' },
  },
  {
    customerId: 'acme',
    dimensionId: 'api',
    time: '2026-03-02T10:00:00Z',
    quantity: '0.5',
    metadata: { r: 'us' },
  },
  { customerId: 'acme', dimensionId: 'api', time: '2026-03-02T11:00:00Z', quantity: '0.1' },
  { customerId: 'acme', dimensionId: 'gb', time: '2026-03-03T00:00:00Z', quantity: '7', metadata: { r: '' } },
  {
    customerId: 'beta',
    dimensionId: 'api',
    time: '2026-03-03T23:59:59.999999999Z',
    quantity: '2',
    metadata: { r: 'eu', tier: 'gold' },
  },
  // Outside of March by a nanosecond on either side.
  { customerId: 'late', dimensionId: 'api', time: '2026-04-01T00:00:00Z', quantity: '100' },
  { customerId: 'early', dimensionId: 'api', time: '2026-02-28T23:59:59.999999999Z', quantity: '100' },
];

describe('parameters', () => {
  test.each<[string, Params, string, string]>([
    //  what  params                                              parameter  code
    ['no from', { to: '2026-04-01' }, 'from', 'MISSING_PARAMETER'],
    ['no to', { from: '2026-03-01' }, 'to', 'MISSING_PARAMETER'],
    ['two froms', { ...MARCH, from: ['2026-03-01', '2026-03-01'] }, 'from', 'REPEATED_PARAMETER'],
    ['a from without offset', { ...MARCH, from: '2026-03-01T00:00:00' }, 'from', 'INVALID_PARAMETER'],
    ['a to before from', { from: '2026-04-01', to: '2026-03-01' }, 'to', 'INVALID_PARAMETER'],
    ['an unknown name', { ...MARCH, customer: 'a' }, 'customer', 'UNKNOWN_PARAMETER'],
    ['a name in other case', { ...MARCH, customerID: 'a' }, 'customerID', 'UNKNOWN_PARAMETER'],
    ['metadata without key', { ...MARCH, 'metadata.': 'a' }, 'metadata.', 'UNKNOWN_PARAMETER'],
    ['an empty customer', { ...MARCH, customerId: '' }, 'customerId', 'INVALID_PARAMETER'],
    ['an unknown window', { ...MARCH, window: 'year' }, 'window', 'INVALID_PARAMETER'],
    ['an unknown zone', { ...MARCH, timeZone: 'Mars/Olympus' }, 'timeZone', 'INVALID_PARAMETER'],
    ['a period without anchor', { ...MARCH, window: 'period' }, 'anchor', 'MISSING_PARAMETER'],
    ['an anchor without period', { ...MARCH, window: 'month', anchor: '3' }, 'anchor', 'INVALID_PARAMETER'],
    ['an anchor of 32', { ...MARCH, window: 'period', anchor: '32' }, 'anchor', 'INVALID_PARAMETER'],
    ['an anchor of 0', { ...MARCH, window: 'period', anchor: '0' }, 'anchor', 'INVALID_PARAMETER'],
    ['fill=yes', { ...MARCH, fill: 'yes' }, 'fill', 'INVALID_PARAMETER'],
    ['limit=0', { ...MARCH, limit: '0' }, 'limit', 'INVALID_PARAMETER'],
    ['limit=10001', { ...MARCH, limit: '10001' }, 'limit', 'INVALID_PARAMETER'],
    ['limit=1e3', { ...MARCH, limit: '1e3' }, 'limit', 'INVALID_PARAMETER'],
    ['an unknown group', { ...MARCH, groupBy: 'customerId,unit' }, 'groupBy', 'INVALID_PARAMETER'],
    ['a group without key', { ...MARCH, groupBy: 'dimensionId,metadata.' }, 'groupBy', 'INVALID_PARAMETER'],
    ['no dimension in the group', { ...MARCH, groupBy: 'customerId' }, 'groupBy', 'INVALID_PARAMETER'],
    [
      'two dimensions outside of the group',
      { ...MARCH, groupBy: 'customerId', dimensionId: ['api', 'gb'] },
      'groupBy',
      'INVALID_PARAMETER',
    ],
    [
      'minutes of a year',
      { from: '2025-01-01', to: '2026-01-01', window: 'minute' },
      'window',
      'TOO_MANY_WINDOWS',
    ],
    ['a cursor that is none', { ...MARCH, cursor: 'x' }, 'cursor', 'INVALID_PARAMETER'],
    ['an empty cursor', { ...MARCH, cursor: '' }, 'cursor', 'INVALID_PARAMETER'],
  ])('%s is refused by name', (_, params, parameter, code) => {
    let error: unknown;
    try {
      parseUsageQuery(entries(params));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(QueryError);
    expect(error).toMatchObject({ code, parameter, message: expect.stringContaining(parameter) });
  });

  test('a cursor of another question is refused', async () => {
    await stored.add(RECORDS);
    const { nextCursor } = await ask({ ...MARCH, limit: '1' });
    expect(() => parseUsageQuery(entries({ ...MARCH, cursor: nextCursor!, customerId: 'acme' }))).toThrow(
      'cursor must be the nextCursor of an answer to the same question',
    );
    // How many rows a page has is not part of the question.
    expect((await ask({ ...MARCH, limit: '2', cursor: nextCursor! })).rows).toHaveLength(2);
  });

  test('as many windows as an answer may have are answered', async () => {
    await stored.add(RECORDS);
    const to = new Date(Date.UTC(2026, 2, 1) + (MAX_WINDOWS - 1) * 60_000).toISOString();
    const minutes = await ask({ from: '2026-03-01', to, window: 'minute', fill: 'false' });
    expect(minutes.rows.map(brief)).toEqual([
      ['acme', 'api', '03-01T00:00', '1', 1],
      ['acme', 'api', '03-02T10:00', '0.5', 1],
      ['acme', 'api', '03-02T11:00', '0.1', 1],
      ['acme', 'gb', '03-03T00:00', '7', 1],
      ['beta', 'api', '03-03T23:59', '2', 1],
      ['late', 'api', '04-01T00:00', '100', 1],
    ]);
  });
});

describe('rows', () => {
  beforeEach(() => stored.add(RECORDS));

  test('a row has the form that DESIGN says', async () => {
    expect(await ask({ ...MARCH, customerId: 'acme', dimensionId: 'api' })).toEqual({
      rows: [
        {
          customerId: 'acme',
          dimensionId: 'api',
          unit: '1',
          windowStart: '2026-03-01T00:00:00Z',
          windowEnd: '2026-04-01T00:00:00Z',
          quantity: '1.6',
          billableQuantity: '1.6',
          records: 3,
        },
      ],
      nextCursor: null,
    });
  });

  test.each<[string, Params, unknown[][]]>([
    [
      'all',
      {},
      [
        ['acme', 'api', '03-01T00:00', '1.6', 3],
        ['acme', 'gb', '03-01T00:00', '7', 1],
        ['beta', 'api', '03-01T00:00', '2', 1],
      ],
    ],
    ['an empty range', { to: '2026-03-01' }, []],
    ['an unknown customer', { customerId: 'nobody' }, []],
    ['an unknown dimension', { dimensionId: 'nothing' }, []],
    [
      'a known and an unknown customer',
      { customerId: ['nobody', 'beta', 'beta'] },
      [['beta', 'api', '03-01T00:00', '2', 1]],
    ],
    [
      'days of those with a record in the range, empty ones too',
      { from: '2026-03-02', to: '2026-03-04', window: 'day' },
      [
        ['acme', 'api', '03-02T00:00', '0.6', 2],
        ['acme', 'api', '03-03T00:00', '0', 0],
        ['acme', 'gb', '03-02T00:00', '0', 0],
        ['acme', 'gb', '03-03T00:00', '7', 1],
        ['beta', 'api', '03-02T00:00', '0', 0],
        ['beta', 'api', '03-03T00:00', '2', 1],
      ],
    ],
    [
      'days without empty ones',
      { from: '2026-03-02', to: '2026-03-04', window: 'day', fill: 'false' },
      [
        ['acme', 'api', '03-02T00:00', '0.6', 2],
        ['acme', 'gb', '03-03T00:00', '7', 1],
        ['beta', 'api', '03-03T00:00', '2', 1],
      ],
    ],
    [
      'one metadata key with two values',
      { 'metadata.r': ['eu', 'us'] },
      [
        ['acme', 'api', '03-01T00:00', '1.5', 2],
        ['beta', 'api', '03-01T00:00', '2', 1],
      ],
    ],
    [
      'two metadata keys',
      { 'metadata.r': 'eu', 'metadata.tier': 'gold' },
      [['beta', 'api', '03-01T00:00', '2', 1]],
    ],
    ['the empty metadata value', { 'metadata.r': '' }, [['acme', 'gb', '03-01T00:00', '7', 1]]],
    ['a metadata key that none has', { 'metadata.x': 'eu' }, []],
    [
      'by dimension',
      { groupBy: 'dimensionId' },
      [
        ['api', '03-01T00:00', '3.6', 4],
        ['gb', '03-01T00:00', '7', 1],
      ],
    ],
    [
      'by dimension, then customer',
      { groupBy: 'dimensionId,customerId', dimensionId: ['api', 'gb'] },
      [
        ['acme', 'api', '03-01T00:00', '1.6', 3],
        ['beta', 'api', '03-01T00:00', '2', 1],
        ['acme', 'gb', '03-01T00:00', '7', 1],
      ],
    ],
    [
      'by customer, of one dimension',
      { groupBy: 'customerId', dimensionId: 'api' },
      [
        ['acme', '03-01T00:00', '1.6', 3],
        ['beta', '03-01T00:00', '2', 1],
      ],
    ],
    ['by nothing, of one dimension', { groupBy: '', dimensionId: 'api' }, [['03-01T00:00', '3.6', 4]]],
    [
      'by metadata: missing is null, empty is a value',
      { groupBy: 'dimensionId,metadata.r' },
      [
        ['api', null, '03-01T00:00', '0.1', 1],
        ['api', 'eu', '03-01T00:00', '3', 2],
        ['api', 'us', '03-01T00:00', '0.5', 1],
        ['gb', '', '03-01T00:00', '7', 1],
      ],
    ],
    [
      'by two metadata keys, repeated parameter',
      {
        groupBy: ['metadata.tier', 'metadata.r,dimensionId'],
        customerId: ['beta', 'acme'],
        dimensionId: 'api',
      },
      [
        ['api', null, null, '03-01T00:00', '0.1', 1],
        ['api', null, 'eu', '03-01T00:00', '1', 1],
        ['api', null, 'us', '03-01T00:00', '0.5', 1],
        ['api', 'gold', 'eu', '03-01T00:00', '2', 1],
      ],
    ],
    [
      'the first day in a zone behind UTC begins later',
      { timeZone: 'America/Los_Angeles', to: '2026-03-04', window: 'day', fill: 'false' },
      [
        ['acme', 'api', '03-02T08:00', '0.6', 2],
        ['acme', 'gb', '03-02T08:00', '7', 1],
        ['beta', 'api', '03-03T08:00', '2', 1],
      ],
    ],
  ])('%s', async (_, params, expected) => {
    expect((await ask({ ...MARCH, ...params })).rows.map(brief)).toEqual(expected);
  });

  test('metadata of a group by is told by its key', async () => {
    const { rows } = await ask({ ...MARCH, groupBy: 'dimensionId,metadata.r', 'metadata.tier': 'gold' });
    expect(rows).toMatchObject([{ dimensionId: 'api', metadata: { r: 'eu' } }]);
    expect(rows[0]).not.toHaveProperty('customerId');
  });
});

test('corrections change the quantity and are no records', async () => {
  const at = { customerId: 'a', dimensionId: 'd' };
  await stored.add([
    { ...at, time: '2026-03-01T01:00:00Z', quantity: '5', kind: 1 },
    { ...at, time: '2026-03-03T01:00:00Z', quantity: '10', kind: 1 },
    { ...at, time: '2026-03-02T01:00:00Z', quantity: '4', kind: 1 },
    { ...at, time: '2026-03-03T01:00:00Z', quantity: '-4', kind: 2 },
  ]);
  const { rows } = await ask({ ...MARCH, to: '2026-03-04', window: 'day' });
  expect(rows.map(brief)).toEqual([
    ['a', 'd', '03-01T00:00', '5', 1],
    ['a', 'd', '03-02T00:00', '4', 1],
    ['a', 'd', '03-03T00:00', '6', 1],
  ]);
});

describe('exact sums', () => {
  test.each([
    ['fractions', ['0.1', '0.2', '0.000000000001'], '0.300000000001'],
    ['credits', ['5', '-7.5'], '-2.5'],
    [
      'the greatest value',
      ['99999999999999999999999999.999999999999'],
      '99999999999999999999999999.999999999999',
    ],
    // DuckDB's DECIMAL(38,12) ends at 10^26, its 128 bits at 1.7 × 10^26.
    ['beyond a decimal', Array(16).fill('10000000000000000000000000'), '160000000000000000000000000'],
    [
      'beyond 128 bits',
      [...Array(30).fill('99999999999999999999999999.999999999999'), '0.000000000001'],
      '2999999999999999999999999999.999999999971',
    ],
    [
      'below 128 bits',
      [...Array(30).fill('-99999999999999999999999999.999999999999'), '0.5'],
      '-2999999999999999999999999999.49999999997',
    ],
  ])('%s', async (_, quantities, expected) => {
    await stored.add(
      quantities.map((quantity) => ({
        customerId: 'a',
        dimensionId: 'd',
        time: '2026-03-01T00:00:00Z',
        quantity,
      })),
    );
    expect((await ask(MARCH)).rows.map((row) => row.quantity)).toEqual([expected]);
  });
});

test('what is beyond 128 bits only in a sum of intervals is exact too, however often it is asked', async () => {
  for (const aggregation of ['last', 'max', 'sum']) {
    const dimensionId = `${aggregation} of hours`;
    await stored.dimension(dimensionId, { aggregation, interval: 'hour' });
    await stored.add(
      ['01', '02', '03', '04'].map((hour) => ({
        customerId: 'a',
        dimensionId,
        time: `2026-03-01T${hour}:00:00Z`,
        quantity: '90000000000000000000000000',
      })),
    );
  }
  for (let round = 0; round < 10; round++) {
    const { rows } = await ask(MARCH);
    expect(rows.map(({ quantity }) => quantity)).toEqual(Array(3).fill('360000000000000000000000000'));
  }
});

test('levels as great as they can be, over any range', async () => {
  await stored.dimension('level', { aggregation: 'time_weighted' });
  await stored.add(
    ['99999999999999999999999999.999999999999', '-99999999999999999999999999.999999999999'].map(
      (quantity, i) => ({
        customerId: 'a',
        dimensionId: 'level',
        time: `20${i + 1}0-01-01T00:00:00Z`,
        quantity,
      }),
    ),
  );
  // One after the other for 3,652 days each.
  const range = { from: '2010-01-01', to: '2029-12-31' };
  expect((await ask(range)).rows.map(({ quantity }) => quantity)).toEqual(['0']);
  const first = await ask({ from: '2010-01-01', to: '2020-01-01' });
  expect(first.rows.map(({ quantity }) => quantity)).toEqual(['99999999999999999999999999.999999999999']);
});

test('increment, rounding and price are the dimension’s, once per row', async () => {
  await stored.dimension('gb', {
    unit: 'GBy',
    usageIncrement: '0.5',
    rounding: 'ceiling',
    unitPrice: '0.03',
  });
  await stored.add([
    { customerId: 'a', dimensionId: 'gb', time: '2026-03-01T00:00:00Z', quantity: '0.6' },
    { customerId: 'a', dimensionId: 'gb', time: '2026-03-02T00:00:00Z', quantity: '0.6' },
  ]);
  const billed = async (window: string) =>
    (await ask({ ...MARCH, to: '2026-03-04', window })).rows.map(
      ({ unit, quantity, billableQuantity, amount }) => [unit, quantity, billableQuantity, amount],
    );
  expect(await billed('total')).toEqual([['GBy', '1.2', '1.5', '0.045']]);
  expect(await billed('day')).toEqual([
    ['GBy', '0.6', '1', '0.03'],
    ['GBy', '0.6', '1', '0.03'],
    ['GBy', '0', '0', '0'],
  ]);
});

test('aggregation count counts', async () => {
  await stored.dimension('calls', { aggregation: 'count' });
  await stored.add([
    { customerId: 'a', dimensionId: 'calls', time: '2026-03-01T00:00:00Z', quantity: '0.5' },
    { customerId: 'a', dimensionId: 'calls', time: '2026-03-01T00:00:00Z', quantity: '7' },
  ]);
  expect((await ask({ ...MARCH, dimensionId: 'calls' })).rows).toMatchObject([{ quantity: '2', records: 2 }]);
});

describe('intervals that do not go with a question', () => {
  beforeEach(async () => {
    await stored.dimension('seats', { aggregation: 'max', interval: 'day' });
    await stored.dimension('peak', { aggregation: 'max', interval: 'hour' });
    await stored.add(RECORDS);
  });
  const used = () =>
    stored.add([
      { customerId: 'acme', dimensionId: 'seats', time: '2026-03-01T00:00:00Z', quantity: '1' },
      { customerId: 'acme', dimensionId: 'peak', time: '2026-03-01T00:00:00Z', quantity: '1' },
    ]);
  const ALWAYS = { from: '1970-01-01', to: '2200-01-01' };

  test.each<[string, Params, string, string]>([
    ['a shorter window', { ...MARCH, window: 'hour', dimensionId: 'seats' }, 'INVALID_PARAMETER', 'window'],
    ['a range of too many', { ...ALWAYS, dimensionId: 'peak' }, 'TOO_MANY_WINDOWS', 'to'],
  ])('%s is refused where the dimension is named', async (_, params, code, parameter) => {
    await expect(ask(params)).rejects.toMatchObject({ code, parameter });
  });

  test.each<[string, Params, string]>([
    ['a shorter window', { ...MARCH, window: 'hour', fill: 'false' }, 'window'],
    ['a range of too many', ALWAYS, 'to'],
  ])('%s is refused where the dimension is used', async (_, params, parameter) => {
    // Not used, or not by this customer: it has no row.
    expect((await ask(params)).rows.length).toBeGreaterThan(3);
    await used();
    await expect(ask(params)).rejects.toMatchObject({ parameter });
    expect((await ask({ ...params, customerId: 'beta' })).rows).toHaveLength(1);
  });

  test('hours may be longer than a range, and are cut', async () => {
    await used();
    const params = { from: '2026-03-01', to: '2026-03-01T00:30:00Z', dimensionId: 'seats' };
    expect((await ask(params)).rows).toMatchObject([{ quantity: '1', records: 1 }]);
  });
});

test('a level may hold for longer than nanoseconds can count', async () => {
  await stored.dimension('gb', { aggregation: 'time_integral', levelTtl: Number.MAX_SAFE_INTEGER });
  await stored.dimension('gb2', { aggregation: 'time_integral', levelTtl: 9_000_000_000 });
  const quantity = '99999999999999999999999999.999999999999';
  await stored.add([
    { customerId: 'a', dimensionId: 'gb', time: '1970-01-01T00:00:01Z', quantity },
    { customerId: 'a', dimensionId: 'gb2', time: '1970-01-01T00:00:01Z', quantity },
  ]);
  const hours = BigInt((Date.UTC(2200, 0, 1) - Date.UTC(2026, 0, 1)) / 3_600_000);
  const expected = textFromScaled(scaledFromText(quantity)! * hours);
  const { rows } = await ask({ from: '2026-01-01', to: '2200-01-01' });
  expect(rows.map((row) => [row.quantity, row.records])).toEqual([
    [expected, 0],
    [expected, 0],
  ]);
});

describe('any text is only text', () => {
  test.each([
    ["O'Brien"],
    ["'; DROP TABLE stored.usage; --"],
    ['"quoted"'],
    ['$1'],
    ['a.b'],
    ['a/b~c~1d'],
    ['$.a[*]'],
    ['*'],
    ['0'],
    ['back\\slash'],
    ['line\nbreak\u2028'],
    ['nul\0byte'],
    ['😀 é e\u0301'],
    ['__proto__'],
    ['x'.repeat(10_000)],
    ['😀'.repeat(2_500)],
  ])('%j', async (text) => {
    await stored.add([
      {
        customerId: text,
        dimensionId: text,
        time: '2026-03-01T00:00:00Z',
        quantity: '1',
        metadata: JSON.parse(`{${JSON.stringify(text)}: ${JSON.stringify(text)}}`),
      },
      { customerId: `${text} `, dimensionId: 'other', time: '2026-03-01T00:00:00Z', quantity: '2' },
    ]);
    const params = { ...MARCH, customerId: text, dimensionId: text, [`metadata.${text}`]: text };
    const groupBy = `customerId,dimensionId,metadata.${text}`;
    const { rows } = await ask({ ...params, groupBy, window: 'hour', limit: '3' });
    expect(rows[0]).toMatchObject({ customerId: text, dimensionId: text, quantity: '1' });
    expect(Object.entries(rows[0].metadata!)).toEqual([[text, text]]);
    // The cursor too carries it.
    expect(await askAll({ ...params, groupBy, window: 'day', limit: '30' })).toHaveLength(31);
  });
});

describe('pages', () => {
  const questions: [string, Params][] = [
    ['total', {}],
    ['days', { window: 'day' }],
    ['days without empty ones', { window: 'day', fill: 'false' }],
    ['days of two customers', { window: 'day', customerId: ['acme', 'beta'] }],
    ['days by metadata', { window: 'day', groupBy: 'metadata.r,dimensionId,metadata.tier' }],
    [
      'days by metadata without empty ones',
      { window: 'day', fill: 'false', groupBy: 'metadata.r,dimensionId' },
    ],
    [
      'weeks in a zone by nothing',
      { window: 'week', timeZone: 'Europe/Berlin', groupBy: '', dimensionId: 'api' },
    ],
    ['months in a zone', { from: '2026-01-15', window: 'month', timeZone: 'America/Los_Angeles' }],
  ];
  test.each(questions)('of every size make the whole: %s', async (_, params) => {
    await stored.add(RECORDS);
    const whole = (await ask({ ...MARCH, ...params })).rows;
    expect(whole.length).toBeGreaterThan(2);
    const sizes = whole.length < 40 ? [1, 2, 3, 5] : [7, 30, 31, 32];
    for (const limit of [...sizes, whole.length, whole.length + 1]) {
      expect(await askAll({ ...MARCH, ...params, limit: String(limit) }), `limit ${limit}`).toEqual(whole);
    }
  });

  test('what arrives between two pages repeats and hides nothing that was there', async () => {
    await stored.add(RECORDS);
    const first = await ask({ ...MARCH, limit: '2' });
    await stored.add([
      { customerId: 'aaaa', dimensionId: 'api', time: '2026-03-01T00:00:00Z', quantity: '1' },
      { customerId: 'acme', dimensionId: 'zz', time: '2026-03-01T00:00:00Z', quantity: '1' },
    ]);
    const second = await ask({ ...MARCH, limit: '2', cursor: first.nextCursor! });
    expect([...first.rows, ...second.rows].map(brief)).toEqual([
      ['acme', 'api', '03-01T00:00', '1.6', 3],
      ['acme', 'gb', '03-01T00:00', '7', 1],
      ['acme', 'zz', '03-01T00:00', '1', 1],
      ['beta', 'api', '03-01T00:00', '2', 1],
    ]);
  });
});

test('questions asked at the same time on one connection do not disturb each other', async () => {
  await stored.add(RECORDS);
  // Of one, the sum is beyond 128 bits.
  await stored.add(
    Array.from({ length: 20 }, () => ({
      customerId: 'vast',
      dimensionId: 'vast',
      time: '2026-03-01T00:00:00Z',
      quantity: '99999999999999999999999999',
    })),
  );
  const questions = ['acme', 'vast', 'beta', 'nobody'].flatMap((customerId) =>
    ['total', 'day', 'hour'].map((window) => ({ ...MARCH, customerId, window, fill: 'false' })),
  );
  const alone: UsageAnswer[] = [];
  for (const question of questions) alone.push(await ask(question));
  for (let round = 0; round < 5; round++) {
    expect(await Promise.all(questions.map(ask))).toEqual(alone);
  }
});

test('a zone that differed by odd seconds is answered too', async () => {
  // Monrovia was 44 min 30 s behind UTC until 7 January 1972.
  await stored.add([
    { customerId: 'a', dimensionId: 'd', time: '1970-02-01T00:44:29.999999999Z', quantity: '1' },
    { customerId: 'a', dimensionId: 'd', time: '1970-02-01T00:44:30Z', quantity: '2' },
    { customerId: 'a', dimensionId: 'd', time: '2026-02-28T23:59:59.999999999Z', quantity: '4' },
    { customerId: 'a', dimensionId: 'd', time: '2026-03-01T00:00:00Z', quantity: '8' },
  ]);
  const { rows } = await ask({
    from: '1970-01-01',
    to: '2026-04-01',
    window: 'month',
    timeZone: 'Africa/Monrovia',
    fill: 'false',
  });
  expect(rows.map(({ windowStart, quantity }) => [windowStart, quantity])).toEqual([
    ['1970-01-01T00:44:30Z', '1'],
    ['1970-02-01T00:44:30Z', '2'],
    ['2026-02-01T00:00:00Z', '4'],
    ['2026-03-01T00:00:00Z', '8'],
  ]);
});

test('the views usage_hourly and usage_daily agree with windows in UTC', async () => {
  const random = randomNumbers(1);
  await stored.add(
    Array.from({ length: 500 }, (_, i) => ({
      customerId: `c${random.below(4)}`,
      dimensionId: `d${random.below(2)}`,
      time: unixNano('2026-03-01T00:00:00Z') + BigInt(random.below(5 * 86_400)) * 1_000_000_000n + BigInt(i),
      quantity: textFromScaled(BigInt(random.below(2 ** 30)) * BigInt(random.below(2 ** 20))),
      kind: random.pick([0, 0, 1, 2]),
    })),
  );
  for (const [window, view] of [
    ['hour', 'usage_hourly'],
    ['day', 'usage_daily'],
  ]) {
    const reader = await stored.connection.runAndReadAll(
      `SELECT customer_id, dimension_id, strftime(${window}::TIMESTAMP, '%Y-%m-%dT%H:%M:%SZ'), quantity::VARCHAR, records
       FROM ${view} ORDER BY ALL`,
    );
    const fromView = reader
      .getRows()
      .map(([customer, dimension, start, quantity, records]) => [
        customer,
        dimension,
        start,
        textFromScaled(scaledFromText(quantity as string)!),
        Number(records),
      ]);
    const { rows } = await ask({ ...MARCH, window, fill: 'false' });
    const asked = rows.map((row) => [
      row.customerId,
      row.dimensionId,
      row.windowStart,
      row.quantity,
      row.records,
    ]);
    expect(asked).toEqual(fromView);
  }
});

test('random questions have the answers of a plain model', async () => {
  const seed = seedOfThisRun();
  const random = randomNumbers(seed);
  const customers = ['ant', 'bee', "cat's", 'Dög', '😀', 'ｚ'];
  const start = unixNano('2025-09-01T00:00:00Z');
  const records: StoredRecord[] = Array.from({ length: 600 }, () => ({
    customerId: random.pick(customers),
    dimensionId: random.pick(['api', 'gb', 'tokens']),
    // A quarter of an hour, or a nanosecond before one.
    time: start + BigInt(random.below(300 * 96)) * 900_000_000_000n - BigInt(random.below(2)),
    quantity: textFromScaled(BigInt(random.below(2 ** 31)) * 10n ** BigInt(random.below(25)) - 10n ** 13n),
    metadata: random.pick<Record<string, string>>([{}, { r: 'eu' }, { r: 'us', t: '' }, { t: 'gold' }]),
    kind: random.pick([0, 0, 0, 1, 2]),
  }));
  await stored.add(records);

  for (let round = 0; round < 40; round++) {
    const window = random.pick(['total', 'hour', 'day', 'week', 'month', 'period']);
    const days = { total: 300, hour: 8, day: 40, week: 200, month: 300, period: 300 }[window]!;
    const from = start + BigInt(random.below(250 * 96)) * 900_000_000_000n;
    const to = from + BigInt(random.below(days * 96)) * 900_000_000_000n;
    const groupBy = random.pick([
      ['customerId', 'dimensionId'],
      ['dimensionId'],
      ['dimensionId', 'metadata.r'],
      ['metadata.t', 'customerId', 'dimensionId'],
    ]);
    const params: Params = {
      from: new Date(Number(from / 1_000_000n)).toISOString(),
      to: new Date(Number(to / 1_000_000n)).toISOString(),
      window,
      ...(window === 'period' ? { anchor: String(1 + random.below(31)) } : {}),
      timeZone: random.pick([
        'UTC',
        'America/Los_Angeles',
        'Europe/Berlin',
        'Australia/Lord_Howe',
        'Asia/Kolkata',
      ]),
      groupBy: groupBy.join(','),
      fill: random.pick(['true', 'false']),
      limit: String(random.pick([3, 50, 10_000])),
      ...random.pick<Params>([{}, {}, { customerId: [random.pick(customers), 'bee'] }]),
      ...random.pick<Params>([{}, {}, { dimensionId: ['api', 'gb'] }]),
      ...random.pick<Params>([
        {},
        {},
        { 'metadata.r': ['eu', 'us'] },
        { 'metadata.t': '', 'metadata.r': 'us' },
      ]),
    };
    const query = parseUsageQuery(entries(params));
    // The oracle's own windows, which the steps of a quarter of an hour can tell.
    const starts = from === to ? [] : windowStartsByStepping(query);
    expect([...starts, ...(from === to ? [] : [to])]).toEqual(windowBoundaries(query));

    const wanted = (name: string, value: string | undefined): boolean =>
      params[name] === undefined || (value !== undefined && [params[name]].flat().includes(value));
    const groups = new Map<string, { key: (string | null)[]; sums: bigint[]; counts: number[] }>();
    for (const { customerId, dimensionId, time, quantity, metadata = {}, kind } of records) {
      const at = time as bigint;
      const matches =
        at >= from &&
        at < to &&
        wanted('customerId', customerId) &&
        wanted('dimensionId', dimensionId) &&
        wanted('metadata.r', metadata.r) &&
        wanted('metadata.t', metadata.t);
      if (!matches) continue;
      const values: Record<string, string | null> = {
        customerId,
        dimensionId,
        'metadata.r': metadata.r ?? null,
        'metadata.t': metadata.t ?? null,
      };
      const key = groupBy.map((name) => values[name]);
      const id = JSON.stringify(key);
      const group = groups.get(id) ?? { key, sums: starts.map(() => 0n), counts: starts.map(() => 0) };
      groups.set(id, group);
      const index = starts.findLastIndex((begin) => begin <= at);
      group.sums[index] += scaledFromText(quantity)!;
      // A correction is not counted, but its window has a row: marked by half a record.
      group.counts[index] += kind === 2 ? 0.001 : 1;
    }
    const inOrder = [...groups.values()]
      .filter(({ counts }) => counts.some((count) => count >= 1))
      .sort((a, b) => {
        const i = a.key.findIndex((text, place) => text !== b.key[place]);
        if (a.key[i] === null) return -1;
        if (b.key[i] === null) return 1;
        return Buffer.compare(Buffer.from(a.key[i]!), Buffer.from(b.key[i]!));
      });
    const expected = inOrder.flatMap(({ key, sums, counts }) =>
      starts.flatMap((begin, index) =>
        params.fill === 'false' && counts[index] === 0
          ? []
          : [[...key, begin, textFromScaled(sums[index]), Math.floor(counts[index])]],
      ),
    );
    const answered = (await askAll(params)).map((row) => [
      ...groupBy.map((name) =>
        name.startsWith('metadata.')
          ? row.metadata![name.slice('metadata.'.length)]
          : row[name as 'customerId' | 'dimensionId'],
      ),
      unixNano(row.windowStart),
      row.quantity,
      row.records,
    ]);
    expect(answered, `seed ${seed}: ${JSON.stringify(params)}`).toEqual(expected);
  }
});
