import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeNumber } from '../../../storage/quarantine-codes.ts';
import { runQuery } from '../../../storage/query/index.ts';
import {
  parseQuarantineQuery,
  type QuarantineAnswer,
  type QuarantineRow,
} from '../../../storage/query/quarantine-query.ts';
import { parseQuarantineTotalsQuery } from '../../../storage/query/quarantine-totals-query.ts';
import { QueryError } from '../../../storage/query/query-error.ts';
import { StoredUsage } from './stored-usage.ts';

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
  const missing = { code: codeNumber('missing_customer'), customerId: null, dimensionId: 'api' };
  const baseline = { code: codeNumber('baseline'), customerId: 'acme', dimensionId: 'api' };
  await stored.quarantine([
    { ...missing, quantity: '0.1', firstSeen: '2026-03-02T00:00:00Z' },
    { ...missing, quantity: '0.2', firstSeen: '2026-03-01T00:00:00Z', lastSeen: '2026-03-05T00:00:00.5Z' },
    { ...missing, quantity: null, firstSeen: '2026-03-03T00:00:00Z' },
    { ...missing, quantity: '1', firstSeen: '2026-03-02T00:00:00Z', meterId: 'second' },
    { ...baseline, quantity: '99999999999999999999999999', firstSeen: '2026-03-01T00:00:00Z' },
    { ...baseline, quantity: '99999999999999999999999999', firstSeen: '2026-03-01T00:00:00Z' },
    { ...baseline, customerId: "be'ta", quantity: '5', firstSeen: '2026-03-01T00:00:00Z' },
    {
      code: codeNumber('infinite'),
      customerId: 'acme',
      dimensionId: null,
      quantity: null,
      firstSeen: '2026-03-04T00:00:00Z',
    },
  ]);
});
afterEach(() => stored.close());

async function ask(params: string): Promise<QuarantineAnswer> {
  const query = structuredClone(parseQuarantineQuery(new URLSearchParams(params)));
  return await runQuery(stored.connection, { type: 'quarantine', query });
}

const brief = ({ reason, meterId, dimensionId, customerId, signals, quantity }: QuarantineRow) =>
  [reason, meterId, dimensionId, customerId, signals, quantity].join(' ');

test('a row has the form that DESIGN says', async () => {
  expect(await ask('reason=missing_customer&limit=1')).toEqual({
    rows: [
      {
        reason: 'missing_customer',
        meterId: 'builtin',
        dimensionId: 'api',
        customerId: null,
        signals: 3,
        quantity: '0.3',
        firstSeen: '2026-03-01T00:00:00Z',
        lastSeen: '2026-03-05T00:00:00.5Z',
      },
    ],
    nextCursor: expect.any(String),
  });
});

const ALL = [
  'missing_customer builtin api  3 0.3',
  'missing_customer second api  1 1',
  'infinite builtin  acme 1 ',
  'baseline builtin api acme 2 199999999999999999999999998',
  "baseline builtin api be'ta 1 5",
];

describe('the list', () => {
  test.each([
    ['', ALL],
    ['customerId=acme', [ALL[2], ALL[3]]],
    ["customerId=be'ta&dimensionId=api", [ALL[4]]],
    ['reason=infinite&reason=missing_customer', [ALL[0], ALL[1], ALL[2]]],
    ['from=2026-03-03', ['missing_customer builtin api  2 0.2', ALL[2]]],
    ['to=2026-03-02&dimensionId=api', ['missing_customer builtin api  1 0.2', ALL[3], ALL[4]]],
    ['customerId=nobody', []],
  ])('"%s" asks for', async (params, expected) => {
    expect((await ask(params)).rows.map(brief)).toEqual(expected);
  });

  test.each([
    // parameters                                    values of signals
    ['timeFrom=2026-03-01&timeTo=2026-04-01', ['first of March', 'no time', 'to come']],
    ['timeTo=2026-03-01', ['February', 'no time', 'to come']],
    ['timeFrom=2026-04-01', ['April', 'no time', 'to come']],
    ['timeFrom=1960-01-01&timeTo=1970-01-01', ['no time', 'to come']],
    [
      'timeFrom=2026-03-01&timeTo=2026-04-01&timeZone=Europe/Berlin',
      ['February', 'first of March', 'no time', 'to come'],
    ],
  ])('"%s" are signals of that time, and those whose time is at fault', async (params, expected) => {
    const of = (time: string) => ({
      ...{ code: codeNumber('infinite'), customerId: 'timed', dimensionId: time, quantity: null },
      firstSeen: '2026-05-01T00:00:00Z',
    });
    const at = (instant: string) => BigInt(Date.parse(instant)) * 1_000_000n;
    await stored.quarantine([
      { ...of('February'), time: at('2026-02-28T23:59:59.999Z') },
      { ...of('first of March'), time: at('2026-03-01T00:00:00Z') },
      { ...of('April'), time: at('2026-04-01T00:00:00Z') },
      { ...of('no time'), time: 0n },
      { ...of('to come'), code: codeNumber('time_in_future'), time: at('2126-03-01T00:00:00Z') },
    ]);
    const { rows } = await ask(`customerId=timed&${params}`);
    expect(rows.map(({ dimensionId }) => dimensionId).sort()).toEqual([...expected].sort());
  });

  test.each([1, 2, 3, 4, 5])('pages of %i make the whole', async (limit) => {
    const rows: QuarantineRow[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: QuarantineAnswer = await ask(`limit=${limit}${cursor === '' ? '' : `&cursor=${cursor}`}`);
      rows.push(...page.rows);
      cursor = page.nextCursor;
    }
    expect(rows.map(brief)).toEqual(ALL);
  });
});

test('totals are by reason, dimension and unit, the most signals first', async () => {
  const totals = async (params: string) => {
    const query = structuredClone(parseQuarantineTotalsQuery(new URLSearchParams(params)));
    return (await runQuery(stored.connection, { type: 'quarantineTotals', query })).rows;
  };
  expect(await totals('reason=missing_customer')).toEqual([
    {
      reason: 'missing_customer',
      signals: 4,
      firstSeen: '2026-03-01T00:00:00Z',
      lastSeen: '2026-03-05T00:00:00.5Z',
      atStake: [{ dimensionId: 'api', unit: '1', signals: 4, quantity: '1.3' }],
    },
  ]);
  const brief = (await totals('')).map(({ reason, signals, atStake }) =>
    [reason, signals, ...atStake.map(({ dimensionId, quantity }) => `${dimensionId} ${quantity}`)].join(' '),
  );
  expect(brief).toEqual([
    'missing_customer 4 api 1.3',
    'infinite 1 null null',
    'baseline 3 api 200000000000000000000000003',
  ]);
  expect(await totals('customerId=nobody')).toEqual([]);
});

test('counts', async () => {
  expect(await runQuery(stored.connection, { type: 'counts' })).toEqual({
    customers: 2,
    dimensions: 1,
    series: 5,
    meters: 0,
    records: 0,
    events: 0,
    quarantined: 8,
  });
});

test.each([
  ['reason=lost', 'reason'],
  ['window=day', 'window'],
  ['metadata=b', 'metadata'],
  ['from=2026-03-02&to=2026-03-01', 'to'],
  ['cursor=WzFd', 'cursor'],
])('"%s" is refused for %s', (params, parameter) => {
  let error: unknown;
  try {
    parseQuarantineQuery(new URLSearchParams(params));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(QueryError);
  expect(error).toMatchObject({ parameter });
});
