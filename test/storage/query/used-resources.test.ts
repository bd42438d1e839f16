/** What usage says of customers and dimensions in their lists, and the orders that it gives them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CustomersAnswer,
  type DimensionsAnswer,
  parseCustomersQuery,
  parseDimensionsQuery,
  QueryError,
  runQuery,
} from '../../../storage/query/index.ts';
import { StoredUsage, unixNano } from './stored-usage.ts';

const NOW = unixNano('2026-03-10T12:00:00Z');

type Params = [string, string][];

let stored: StoredUsage;

async function customers(params: Params = []): Promise<CustomersAnswer> {
  const query = structuredClone(parseCustomersQuery(params, NOW));
  return await runQuery(stored.connection, { type: 'customers', query });
}

async function dimensions(params: Params = []): Promise<DimensionsAnswer> {
  const query = structuredClone(parseDimensionsQuery(params, NOW));
  return await runQuery(stored.connection, { type: 'dimensions', query });
}

const ids = ({ rows }: { rows: { id: string }[] }) => rows.map(({ id }) => id);

describe('a few customers', () => {
  beforeAll(async () => {
    stored = await StoredUsage.create();
    await stored.customer('acme', {
      name: 'zeta Corp',
      email: 'b@x.example',
      aliases: ['old-1'],
      managedBy: 'api',
    });
    await stored.customer('beta', { name: 'Alpha' });
    await stored.customer('quiet', { name: 'alpha' });
    await stored.customer('nameless');
    await stored.customer('gone', { deleted: true });
    const record = (customerId: string, dimensionId: string, time: string, more: object = {}) => ({
      customerId,
      dimensionId,
      time,
      quantity: '1',
      ...more,
    });
    await stored.add([
      record('acme', 'calls', '2026-03-08T10:00:00Z'),
      record('acme', 'calls', '2026-03-10T00:00:00.000000001Z', { kind: 1 }),
      // A correction is no record, and what was voided does not count.
      record('acme', 'calls', '2026-03-10T00:00:00.000000001Z', { kind: 2 }),
      record('acme', 'tokens', '2026-03-10T11:00:00Z', { voidedBy: 900 }),
      record('acme', 'tokens', '2026-03-01T00:00:00Z'),
      record('beta', 'calls', '2026-03-09T23:59:59.999999999Z'),
      record('nameless', 'tokens', '2026-03-09T22:59:59Z'),
      record('gone', 'tokens', '2026-03-09T12:00:00Z'),
    ]);
  });
  afterAll(() => stored.close());

  test('each says how many records it has, and when the newest was', async () => {
    const { rows, total } = await customers();
    expect(rows.map(({ id, records, lastSeen }) => [id, records, lastSeen])).toEqual([
      ['acme', 3, '2026-03-10T00:00:00.000000001Z'],
      ['beta', 1, '2026-03-09T23:59:59.999999999Z'],
      ['nameless', 1, '2026-03-09T22:59:59Z'],
      ['quiet', 0, null],
    ]);
    expect(total).toBe(4);
    expect(rows[0]).not.toHaveProperty('activity');
  });

  test.each<[Params, Record<string, number[]>]>([
    [[['activity', '3']], { acme: [1, 0, 1], beta: [0, 1, 0], nameless: [0, 1, 0], quiet: [0, 0, 0] }],
    [[['activity', '1']], { acme: [1], beta: [0], nameless: [0], quiet: [0] }],
    // 23:59:59.9 in UTC is the next day there, 22:59:59 is not.
    [
      [
        ['activity', '3'],
        ['timeZone', 'Europe/Berlin'],
      ],
      { acme: [1, 0, 1], beta: [0, 0, 1], nameless: [0, 1, 0], quiet: [0, 0, 0] },
    ],
    // Days of 24 hours and one of 23, on the other side of the change of clocks (8 March in the United States).
    [
      [
        ['activity', '3'],
        ['timeZone', 'America/New_York'],
      ],
      { acme: [1, 1, 0], beta: [0, 1, 0], nameless: [0, 1, 0], quiet: [0, 0, 0] },
    ],
  ])('%j counts the records of each day', async (params, expected) => {
    const { rows } = await customers(params);
    expect(Object.fromEntries(rows.map(({ id, activity }) => [id, activity]))).toEqual(expected);
  });

  test.each<[Params, string[]]>([
    [[['sort', 'id']], ['acme', 'beta', 'nameless', 'quiet']],
    [
      [
        ['sort', 'id'],
        ['order', 'desc'],
      ],
      ['quiet', 'nameless', 'beta', 'acme'],
    ],
    [[['sort', 'name']], ['beta', 'quiet', 'acme', 'nameless']],
    [
      [
        ['sort', 'name'],
        ['order', 'desc'],
      ],
      ['acme', 'beta', 'quiet', 'nameless'],
    ],
    [[['sort', 'lastSeen']], ['acme', 'beta', 'nameless', 'quiet']],
    [
      [
        ['sort', 'lastSeen'],
        ['order', 'asc'],
      ],
      ['nameless', 'beta', 'acme', 'quiet'],
    ],
    [[['search', 'ETA']], ['acme', 'beta']],
    [[['search', 'x.EX']], ['acme']],
    [[['search', 'ld-']], ['acme']],
    [[['search', '']], ['acme', 'beta', 'nameless', 'quiet']],
    [
      [
        ['search', 'eta'],
        ['discovered', 'true'],
        ['sort', 'name'],
      ],
      ['beta'],
    ],
  ])('%j lists', async (params, expected) => {
    const answer = await customers(params);
    expect(ids(answer)).toEqual(expected);
    expect(answer.total).toBe(expected.length);
  });

  test('what a customer used, with its own records', async () => {
    const { rows, total } = await dimensions([
      ['customerId', 'acme'],
      ['sort', 'lastSeen'],
      ['activity', '10'],
    ]);
    expect(total).toBe(2);
    expect(rows.map(({ id, records, lastSeen, activity }) => [id, records, lastSeen, activity])).toEqual([
      ['calls', 2, '2026-03-10T00:00:00.000000001Z', [0, 0, 0, 0, 0, 0, 0, 1, 0, 1]],
      ['tokens', 1, '2026-03-01T00:00:00Z', [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ]);
    expect(ids(await dimensions([['customerId', 'beta']]))).toEqual(['calls']);
    expect(await dimensions([['customerId', 'quiet']])).toEqual({ rows: [], total: 0, nextCursor: null });
    expect(await dimensions([['customerId', 'nobody']])).toEqual({ rows: [], total: 0, nextCursor: null });
    expect(ids(await dimensions([['search', 'OKE']]))).toEqual(['tokens']);
  });

  test('pages of what a customer used', async () => {
    const of: Params = [
      ['customerId', 'acme'],
      ['limit', '1'],
    ];
    const { rows, nextCursor } = await dimensions(of);
    const next = await dimensions([...of, ['cursor', nextCursor!]]);
    expect([...rows, ...next.rows].map(({ id }) => id)).toEqual(['calls', 'tokens']);
    expect(next.nextCursor).toBeNull();
    // Of another customer it is another question.
    of[0][1] = 'beta';
    expect(() => parseDimensionsQuery([...of, ['cursor', nextCursor!]], NOW)).toThrow(QueryError);
  });

  test.each<[Params, string]>([
    [[['sort', 'email']], 'sort'],
    [[['order', 'up']], 'order'],
    [[['activity', '0']], 'activity'],
    [[['activity', '367']], 'activity'],
    [[['activity', 'all']], 'activity'],
    [[['timeZone', 'Mars']], 'timeZone'],
  ])('%j is refused', (params, parameter) => {
    for (const parse of [parseCustomersQuery, parseDimensionsQuery]) {
      expect(() => parse(params, NOW)).toThrow(expect.objectContaining({ parameter }));
    }
  });

  test('an empty customer is nobody', () => {
    expect(() => parseDimensionsQuery([['customerId', '']], NOW)).toThrow(QueryError);
  });

  test('a cursor belongs to its order, and not to its day', async () => {
    const { nextCursor } = await customers([
      ['limit', '1'],
      ['sort', 'lastSeen'],
      ['activity', '7'],
    ]);
    const later = NOW + 86_400_000_000_000n;
    const next: Params = [
      ['cursor', nextCursor!],
      ['sort', 'lastSeen'],
      ['activity', '7'],
    ];
    expect(parseCustomersQuery(next, later).after).toEqual(['1773100800000000001', 'acme']);
    expect(() => parseCustomersQuery([['cursor', nextCursor!]], NOW)).toThrow(QueryError);
    const forged = Buffer.from(nextCursor!, 'base64url')
      .toString()
      .replace('1773100800000000001', '0) OR (1=1');
    next[0][1] = Buffer.from(forged).toString('base64url');
    expect(() => parseCustomersQuery(next, NOW)).toThrow(QueryError);
  });
});

test('a page may have thousands', async () => {
  stored = await StoredUsage.create();
  await stored.connection.run(`INSERT INTO stored.customers BY NAME SELECT range::INTEGER AS customer,
    'c-' || range AS id, [] AS aliases, '{}' AS metadata, true AS discovered, 1 AS sequence FROM range(2500)`);
  await stored.connection.run(`INSERT INTO stored.usage SELECT 1, range, 1, make_timestamp_ns(0),
    make_timestamp_ns(${NOW} - range), 1, 0, 1, NULL, NULL FROM range(2400)`);
  const { rows, total } = await customers([
    ['sort', 'lastSeen'],
    ['activity', '1'],
  ]);
  expect(total).toBe(2500);
  expect(ids({ rows }).slice(0, 3)).toEqual(['c-0', 'c-1', 'c-2']);
  expect(rows.filter(({ records, activity }) => records === 1 && activity?.[0] === 1)).toHaveLength(2400);
  stored.close();
});

describe('many customers', () => {
  beforeAll(async () => {
    stored = await StoredUsage.create();
    const named = [{}, { name: 'Same' }, { name: 'same' }, { name: 'Other' }, { name: 'ÄÖ' }];
    for (let number = 0; number < 60; number++) {
      await stored.customer(`c-${number}`, named[(number * 7) % 5]);
    }
    // Several have the same newest time, some none.
    await stored.add(
      Array.from({ length: 80 }, (_, i) => ({
        customerId: `c-${(i * 31) % 50}`,
        dimensionId: 'calls',
        time: `2026-03-0${1 + ((i * i) % 5)}T00:00:00Z`,
        quantity: '1',
      })),
    );
  });
  afterAll(() => stored.close());

  const orders = ['id', 'name', 'lastSeen'].flatMap((sort) =>
    ['asc', 'desc'].map((order): [string, string] => [sort, order]),
  );
  test.each(orders)('pages by %s %s make the whole', async (sort, order) => {
    const question: Params = [
      ['sort', sort],
      ['order', order],
    ];
    const whole = await customers(question);
    expect(whole.rows).toHaveLength(60);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Params = cursor === '' ? [] : [['cursor', cursor]];
      const answer = await customers([...question, ['limit', '7'], ...page]);
      expect(answer.total).toBe(60);
      seen.push(...ids(answer));
      cursor = answer.nextCursor;
    }
    expect(seen).toEqual(ids(whole));
  });
});
