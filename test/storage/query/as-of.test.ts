import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseRecordsQuery, parseUsageQuery, runQuery } from '../../../storage/query/index.ts';
import { StoredUsage, unixNano } from './stored-usage.ts';

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
  const of = { customerId: 'acme', dimensionId: 'api' };
  await stored.add([
    { ...of, time: '2026-03-02T00:00:00Z', quantity: '1', sequence: 10 },
    { ...of, time: '2026-03-03T00:00:00Z', quantity: '20', sequence: 12, voidedBy: 15 },
    // A running total: 300 that a reading in between has split.
    { ...of, time: '2026-03-04T00:00:00Z', quantity: '300', sequence: 13, kind: 1 },
    { ...of, time: '2026-03-03T12:00:00Z', quantity: '100', sequence: 16, kind: 1 },
    { ...of, time: '2026-03-04T00:00:00Z', quantity: '-100', sequence: 16, kind: 2 },
    { ...of, time: '2026-03-05T00:00:00Z', quantity: '4000', sequence: 20 },
  ]);
  await stored.arrivals(20, [
    [1, unixNano('2026-04-01T00:00:00.25Z')],
    [13, unixNano('2026-04-01T00:00:10.5Z')],
    [15, unixNano('2026-04-01T00:00:11Z')],
    [20, unixNano('2026-04-02T00:00:00.000000001Z')],
  ]);
});
afterEach(() => stored.close());

const MARCH: [string, string][] = [
  ['from', '2026-03-01'],
  ['to', '2026-04-01'],
];

test.each([
  //  as of                          quantity  records
  ['0', '0', 0],
  ['9', '0', 0],
  ['10', '1', 1],
  ['12', '21', 2],
  ['14', '321', 3],
  // Voided by 15.
  ['15', '301', 2],
  ['16', '301', 3],
  ['20', '4301', 4],
  // An instant is cut to its second, and what came in that second was not known.
  ['2026-04-01T00:00:00.999Z', '0', 0],
  ['2026-04-01T00:00:10Z', '21', 2],
  ['2026-04-01T00:00:10.9Z', '21', 2],
  ['2026-04-01T00:00:11Z', '321', 3],
  ['2026-04-01T00:00:12Z', '301', 3],
  ['2026-04-02', '301', 3],
  ['2026-04-02T00:00:00.999999999Z', '301', 3],
  ['2026-04-02T02:00:01+02:00', '4301', 4],
  ['2026-05-01T00:00:00Z', '4301', 4],
])('as of %s', async (asOf, quantity, records) => {
  const query = parseUsageQuery([...MARCH, ['asOf', asOf]]);
  query.completeUntil = unixNano('2026-05-01T00:00:00Z');
  const { rows } = await runQuery(stored.connection, { type: 'usage', query });
  expect(rows.map((row) => [row.quantity, row.records])).toEqual(records === 0 ? [] : [[quantity, records]]);

  const known = parseRecordsQuery([...MARCH, ['asOf', asOf]]);
  const answer = await runQuery(stored.connection, { type: 'records', query: known });
  expect(answer.rows.filter(({ kind }) => kind !== 'correction')).toHaveLength(records);
  const sum = answer.rows.reduce((total, { recordValue }) => total + BigInt(recordValue), 0n);
  expect(String(sum)).toBe(quantity);
});

test.each([
  ['', 'asOf must be RFC 3339'],
  ['yesterday', 'asOf must be RFC 3339'],
  ['-1', 'asOf must be RFC 3339'],
  ['1.5', 'asOf must be RFC 3339'],
  ['2026-04-01T00:00:00', 'asOf must be RFC 3339 with an offset'],
  ['21', 'asOf must not be beyond the journal sequence 20, up to which the ledger knows (got 21)'],
  [
    '2026-05-01T00:00:00.000000001Z',
    'asOf must not be after 2026-05-01T00:00:00Z, up to which the ledger is complete',
  ],
])('as of %j is refused', async (asOf, message) => {
  const ask = async () => {
    const query = parseUsageQuery([...MARCH, ['asOf', asOf]]);
    query.completeUntil = unixNano('2026-05-01T00:00:00Z');
    await runQuery(stored.connection, { type: 'usage', query });
  };
  await expect(ask()).rejects.toThrow(message);
  await expect(ask()).rejects.toMatchObject({ code: 'INVALID_PARAMETER', parameter: 'asOf' });
});

test.each([
  //  as of                   until when 100 bytes held, of 24 hours from 1 April
  ['12', 10.5 / 3600],
  ['13', 11 / 3600],
  ['14', 11 / 3600],
  ['15', 24],
  ['20', 24],
  ['2026-04-01T12:00:00Z', 12],
])('a level holds until the state of %s ended', async (asOf, hours) => {
  await stored.dimension('storage', { aggregation: 'time_integral' });
  await stored.add([
    {
      customerId: 'acme',
      dimensionId: 'storage',
      time: '2026-03-01T00:00:00Z',
      quantity: '100',
      sequence: 2,
    },
  ]);
  const query = parseUsageQuery([
    ['from', '2026-04-01'],
    ['to', '2026-04-02'],
    ['dimensionId', 'storage'],
    ['asOf', asOf],
  ]);
  query.completeUntil = unixNano('2026-05-01T00:00:00Z');
  const { rows } = await runQuery(stored.connection, { type: 'usage', query });
  expect(Number(rows[0].quantity)).toBeCloseTo(100 * hours, 10);
  expect(rows[0].records).toBe(0);
});

test('pages of an earlier state do not change while more comes', async () => {
  const params: [string, string][] = [...MARCH, ['window', 'day'], ['limit', '10'], ['asOf', '16']];
  const whole: unknown[] = [];
  for (let cursor: string | null = null; ; ) {
    const query = parseUsageQuery(cursor === null ? params : [...params, ['cursor', cursor]]);
    query.completeUntil = unixNano('2026-05-01T00:00:00Z') + BigInt(whole.length);
    const answer = await runQuery(stored.connection, { type: 'usage', query });
    whole.push(...answer.rows.map((row) => row.quantity));
    await stored.add([
      { customerId: 'aa', dimensionId: 'api', time: '2026-03-01T00:00:00Z', quantity: '7', sequence: 21 },
    ]);
    cursor = answer.nextCursor;
    if (cursor === null) break;
  }
  expect(whole.filter((quantity) => quantity !== '0')).toEqual(['1', '100', '200']);
  expect(whole).toHaveLength(31);
});
