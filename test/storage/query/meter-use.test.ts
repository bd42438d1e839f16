/** What meters counted, beside their list. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeNumber } from '../../../storage/quarantine-codes.ts';
import { type QueryRequest, runQuery, takeActivity } from '../../../storage/query/index.ts';
import { StoredUsage, unixNano } from './stored-usage.ts';

let stored: StoredUsage;
const record = { customerId: 'acme', dimensionId: 'api', quantity: '1' };
beforeAll(async () => {
  stored = await StoredUsage.create();
  await stored.add([
    { ...record, meterId: 'orders', time: '2026-01-01T00:00:00Z' },
    { ...record, meterId: 'orders', time: '2026-03-02T23:30:00Z' },
    { ...record, meterId: 'orders', meterVersion: 2, metadata: { a: 'b' }, time: '2026-03-03T10:00:00Z' },
    { ...record, meterId: 'orders', time: '2026-03-03T11:00:00Z', voidedBy: 9 },
    { ...record, meterId: 'orders', time: '2026-03-03T12:00:00Z', kind: 2 },
    { ...record, meterId: 'other', time: '2026-03-03T09:00:00Z' },
  ]);
  const signal = { customerId: null, dimensionId: 'api', quantity: '1', firstSeen: '2026-03-03T00:00:00Z' };
  const missing = codeNumber('missing_customer');
  await stored.quarantine([
    { ...signal, code: codeNumber('wrong_unit'), meterId: 'orders' },
    { ...signal, code: missing, meterId: 'orders', metadata: { a: '1' } },
    { ...signal, code: missing, meterId: 'orders', time: 5n },
    { ...signal, code: missing, meterId: 'orders', time: 6n, resolution: 'dismissed' },
    { ...signal, code: missing, meterId: 'other' },
  ]);
});
afterAll(() => stored.close());

const useOf = async (meterIds: string[], params: [string, string][]) => {
  const { activity } = takeActivity(params, unixNano('2026-03-03T22:30:00Z'));
  const request: QueryRequest = { type: 'meterUse', query: { meterIds, activity: activity! } };
  return (await runQuery(stored.connection, request)) as unknown[];
};

test('records that count, the newest of them, days of a zone, and open signals by reason', async () => {
  expect(
    await useOf(
      ['orders', 'nothing'],
      [
        ['activity', '3'],
        ['timeZone', 'UTC'],
      ],
    ),
  ).toEqual([
    {
      meterId: 'orders',
      records: 2,
      lastSeen: '2026-03-03T10:00:00Z',
      activity: [0, 1, 1],
      quarantined: [
        { reason: 'missing_customer', signals: 2 },
        { reason: 'wrong_unit', signals: 1 },
      ],
    },
    { meterId: 'nothing', records: 0, lastSeen: null, activity: [0, 0, 0], quarantined: [] },
  ]);
  const [berlin] = await useOf(
    ['orders'],
    [
      ['activity', '2'],
      ['timeZone', 'Europe/Berlin'],
    ],
  );
  expect(berlin).toMatchObject({ activity: [0, 2] });
  expect(await useOf([], [['activity', '2']])).toEqual([]);
});

test('without days nothing is asked; what else there is goes on', () => {
  const q: [string, string] = ['q', 'or'];
  expect(takeActivity([q], 0n)).toEqual({ rest: [q], activity: null });
  expect(takeActivity([['activity', '1'], q], 0n).rest).toEqual([q]);
  expect(() => takeActivity([['activity', '0']], 0n)).toThrow('from 1 to 366');
});
