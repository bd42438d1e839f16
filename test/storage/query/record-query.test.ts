/** Single records, event keys, and what voided usage does to every question: nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  parseRecordsQuery,
  parseUsageQuery,
  type QueryAnswer,
  runQuery,
  type StoredUsageRecord,
  type UsageRecord,
} from '../../../storage/query/index.ts';
import { StoredUsage } from './stored-usage.ts';

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
  await stored.dimension('gb', { unit: 'GBy' });
  await stored.add([
    {
      customerId: "be'ta",
      dimensionId: 'gb',
      time: '2026-03-01T10:00:00.000000001Z',
      startTime: '2026-03-01T09:00:00Z',
      quantity: '1.000000000001',
      metadata: { region: 'eu' },
      meterId: 'api',
      eventKey: KEY(1),
    },
    // Another at the same instant.
    {
      customerId: 'acme',
      dimensionId: 'gb',
      time: '2026-03-01T10:00:00.000000001Z',
      quantity: '2',
      meterId: 'tokens',
      meterVersion: 3,
      eventKey: KEY(2),
    },
    { customerId: 'acme', dimensionId: 'gb', time: '2026-03-02T00:00:00Z', quantity: '4' },
    { customerId: 'acme', dimensionId: 'gb', time: '2026-03-03T00:00:00Z', quantity: '8', kind: 1 },
    { customerId: 'acme', dimensionId: 'gb', time: 0n, quantity: '16', eventKey: KEY(3) },
  ]);
});
afterEach(() => stored.close());

/** Keys whose hex digits would be taken for other numbers if anything read them as decimals or as signed. */
function KEY(number: number): string {
  return `f${'0123456789abcdef'.repeat(2).slice(1, 31)}${number}`;
}

const MARCH = 'from=2026-03-01&to=2026-04-01';

async function records(params = MARCH): Promise<UsageRecord[]> {
  const query = structuredClone(parseRecordsQuery(new URLSearchParams(params)));
  return (await runQuery(stored.connection, { type: 'records', query })).rows;
}

async function record(recordId: string): Promise<StoredUsageRecord | null> {
  return await runQuery(stored.connection, { type: 'record', query: recordId });
}

async function ofEvents(...eventKeys: string[]): Promise<QueryAnswer<{ type: 'eventKeys'; query: never }>> {
  return await runQuery(stored.connection, { type: 'eventKeys', query: { eventKeys } });
}

const recordIdOf = async (quantity: string) =>
  (await records('from=1970-01-01&to=2026-04-01')).find(({ recordValue }) => recordValue === quantity)!
    .recordId;

describe('a record by its id', () => {
  test('is told as the list tells it', async () => {
    const listed = await records('from=1970-01-01&to=2026-04-01');
    expect(listed).toHaveLength(5);
    for (const each of listed) {
      expect(await record(each.recordId)).toEqual({ ...each, sequence: 1, voided: null });
    }
  });

  test('is found after it was voided, with the reason', async () => {
    const recordId = await recordIdOf('2');
    await stored.void(recordId, 'wrong customer', true);
    expect(await record(recordId)).toEqual({
      recordId,
      customerId: 'acme',
      dimensionId: 'gb',
      recordValue: '2',
      unit: 'GBy',
      timestamp: '2026-03-01T10:00:00.000000001Z',
      metadata: {},
      meterId: 'tokens',
      meterVersion: 3,
      kind: 'record',
      sequence: 1,
      voided: { reason: 'wrong customer', replaced: true, at: '2026-03-31T00:00:00Z', sequence: 900 },
    });
  });

  test('has the reason of its own where one frame voided several', async () => {
    const [first, second] = [await recordIdOf('2'), await recordIdOf('4')];
    await stored.void(first, 'wrong customer', true);
    await stored.void(second, 'never happened');
    expect((await record(first))?.voided).toMatchObject({ reason: 'wrong customer', replaced: true });
    expect((await record(second))?.voided).toMatchObject({ reason: 'never happened', replaced: false });
  });

  test.each([
    ['', ''],
    ['of nobody', '0'.repeat(32)],
    ['of nobody at all', 'f'.repeat(32)],
    ['beyond all times', `8${'0'.repeat(31)}`],
    ['hostile', "' OR 1 = 1 --"],
    ['long', 'a'.repeat(10_000)],
    ['short', '0123456789abcdef'],
  ])('%s is none', async (_, id) => {
    expect(await record(id)).toBeNull();
  });

  test('in another case is none', async () => {
    const recordId = await recordIdOf('4');
    expect(await record(recordId.toUpperCase())).toBeNull();
  });
});

describe('event keys', () => {
  test('name what was counted, in their order', async () => {
    const { records } = await ofEvents(KEY(3), KEY(9), KEY(1), KEY(3));
    expect(records.map((each) => each?.recordValue ?? null)).toEqual(['16', null, '1.000000000001', '16']);
    expect(records[2]).toEqual({
      recordId: await recordIdOf('1.000000000001'),
      customerId: "be'ta",
      dimensionId: 'gb',
      recordValue: '1.000000000001',
      unit: 'GBy',
      timestamp: '2026-03-01T10:00:00.000000001Z',
      startTime: '2026-03-01T09:00:00Z',
      metadata: { region: 'eu' },
      meterId: 'api',
      meterVersion: 0,
      kind: 'record',
      sequence: 1,
      voided: null,
    });
  });

  test('none asks for nothing', async () => {
    expect(await ofEvents()).toEqual({ records: [] });
  });

  test('a voided record is known, and is told to be void', async () => {
    await stored.void(await recordIdOf('2'), 'no longer');
    expect((await ofEvents(KEY(2), KEY(1))).records.map((each) => each?.voided?.reason)).toEqual([
      'no longer',
      undefined,
    ]);
  });

  test('a record that counts is told before a void one of the same key', async () => {
    await stored.void(await recordIdOf('2'), 'amended', true);
    const amended = { customerId: 'acme', dimensionId: 'gb', time: 5n, quantity: '3', eventKey: KEY(2) };
    await stored.add([amended]);
    const { records } = await ofEvents(KEY(2));
    expect(records.map((each) => each?.recordValue)).toEqual(['3']);
  });

  test('of ten thousand the known ones are found', async () => {
    const unknown = Array.from({ length: 9_999 }, (_, i) => i.toString(16).padStart(32, '0'));
    const { records } = await ofEvents(...unknown, KEY(1));
    expect(records.flatMap((each, i) => (each === null ? [] : [i]))).toEqual([9_999]);
  });
});

describe('voided usage', () => {
  beforeEach(async () => stored.void(await recordIdOf('4'), 'never happened'));

  test('is in no list of records', async () => {
    expect((await records()).map(({ recordValue }) => recordValue)).toEqual(['1.000000000001', '2', '8']);
  });

  test.each([
    ['window=total', ['acme 10 2', "be'ta 1.000000000001 1"]],
    ['window=day&timeZone=Europe/Berlin&fill=false', ['acme 2 1', 'acme 8 1', "be'ta 1.000000000001 1"]],
    ['groupBy=customerId,dimensionId,metadata.region', ['acme 10 2', "be'ta 1.000000000001 1"]],
  ])('%s leaves it out', async (params, expected) => {
    const query = parseUsageQuery(new URLSearchParams(`${MARCH}&${params}`));
    const { rows } = await runQuery(stored.connection, { type: 'usage', query });
    expect(rows.map((row) => `${row.customerId} ${row.quantity} ${row.records}`)).toEqual(expected);
  });

  test('makes no row of its own', async () => {
    for (const quantity of ['2', '8']) await stored.void(await recordIdOf(quantity), 'all');
    const query = parseUsageQuery(new URLSearchParams(`${MARCH}&window=day`));
    const { rows } = await runQuery(stored.connection, { type: 'usage', query });
    expect(new Set(rows.map(({ customerId }) => customerId))).toEqual(new Set(["be'ta"]));
  });

  test('is not counted', async () => {
    expect(await runQuery(stored.connection, { type: 'counts' })).toMatchObject({ records: 4, events: 3 });
    await stored.void(await recordIdOf('2'), 'either');
    expect(await runQuery(stored.connection, { type: 'counts' })).toMatchObject({ records: 3, events: 2 });
  });

  test('is no usage of its customer', async () => {
    const has = async (customerId: string) =>
      (await runQuery(stored.connection, { type: 'hasUsage', query: { customerId } })).hasUsage;
    expect(await has("be'ta")).toBe(true);
    await stored.void(await recordIdOf('1.000000000001'), 'the only one');
    expect(await has("be'ta")).toBe(false);
    expect(await has('acme')).toBe(true);
  });
});

test.each([
  [{ dimensionId: 'gb' }, true],
  [{ dimensionId: 'idle' }, false],
  [{ dimensionId: "gb' OR '1'='1" }, false],
  [{ customerId: 'nobody' }, false],
  [{ customerId: 'gb' }, false],
])('%j has usage: %s', async (query, hasUsage) => {
  await stored.dimension('idle', {});
  expect(await runQuery(stored.connection, { type: 'hasUsage', query })).toEqual({ hasUsage });
});

test.each([
  ['meterId=tokens', ['2']],
  ['meterId=api&meterId=tokens', ['1.000000000001', '2']],
  ['meterId=api&metadata.region=eu', ['1.000000000001']],
  ['meterId=tokens&metadata.region=eu', []],
  ['meterId=%25', []],
])('records of %s', async (params, expected) => {
  expect((await records(`${MARCH}&${params}`)).map(({ recordValue }) => recordValue)).toEqual(expected);
});

test('records and the view usage_records agree', async () => {
  await stored.void(await recordIdOf('8'), 'gone');
  const reader = await stored.connection.runAndReadAll('SELECT record_id FROM usage_records ORDER BY 1');
  const listed = await records('from=1970-01-01&to=2026-04-01');
  expect(listed.map(({ recordId }) => recordId).sort()).toEqual(reader.getRows().map(([id]) => id));
  const voided = await stored.connection.runAndReadAll('SELECT record_id, void_reason FROM usage_voided');
  expect(voided.getRows()).toEqual([[expect.any(String), 'gone']]);
});
