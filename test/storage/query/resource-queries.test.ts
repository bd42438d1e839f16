/** Customers, dimensions and meters: lists, search, pages, one by its id. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type CustomersAnswer,
  type DimensionsAnswer,
  type MetersAnswer,
  parseCustomersQuery,
  parseDimensionsQuery,
  parseMetersQuery,
  QueryError,
  runQuery,
} from '../../../storage/query/index.ts';
import { StoredUsage, unixNano } from './stored-usage.ts';

const HOSTILE = [
  "O'Brien; DROP TABLE stored.customers; --",
  '100%',
  'a_c',
  '"quoted"',
  'back\\slash',
  '$1',
  'new\nline',
  '\u202Eright-to-left',
  'שלום',
  '😀',
  '[1]',
  'x'.repeat(10_000),
];

/** What a search must not find for one of those, though it would if a character had a meaning. */
const ALIKE = ['100 things', 'abc', 'xx', 'ri', '"', "O'Neill"];

const NOW = unixNano('2026-03-10T12:00:00Z');

async function customersOf(stored: StoredUsage, params: [string, string][]): Promise<CustomersAnswer> {
  const query = structuredClone(parseCustomersQuery(params, NOW));
  return await runQuery(stored.connection, { type: 'customers', query });
}

async function dimensionsOf(stored: StoredUsage, params: [string, string][]): Promise<DimensionsAnswer> {
  const query = structuredClone(parseDimensionsQuery(params, NOW));
  return await runQuery(stored.connection, { type: 'dimensions', query });
}

async function metersOf(stored: StoredUsage, params: [string, string][]): Promise<MetersAnswer> {
  const query = structuredClone(parseMetersQuery(params));
  return await runQuery(stored.connection, { type: 'meters', query });
}

const ids = ({ rows }: { rows: { id: string }[] }) => rows.map(({ id }) => id);

describe('customers', () => {
  let stored: StoredUsage;
  beforeAll(async () => {
    stored = await StoredUsage.create();
    await stored.customer('acme', {
      name: 'Acme Inc.',
      email: 'billing@acme.example',
      timeZone: 'Europe/Berlin',
      aliases: ['acme-eu', 'ACME'],
      metadata: { plan: 'gold', __proto: 'x' },
      managedBy: 'api',
    });
    await stored.customer('beta', { name: 'Ölwerk', managedBy: 'file' });
    await stored.customer('acorn');
    await stored.customer('gone', { managedBy: 'api', deleted: true });
    await stored.customer('Ärzte');
  });
  afterAll(() => stored.close());

  test('one is told as it is known', async () => {
    expect(await runQuery(stored.connection, { type: 'customer', query: 'acme' })).toEqual({
      id: 'acme',
      name: 'Acme Inc.',
      email: 'billing@acme.example',
      timeZone: 'Europe/Berlin',
      aliases: ['acme-eu', 'ACME'],
      metadata: { plan: 'gold', __proto: 'x' },
      discovered: false,
      managedBy: 'api',
    });
    expect(await runQuery(stored.connection, { type: 'customer', query: 'acorn' })).toEqual({
      id: 'acorn',
      name: null,
      email: null,
      timeZone: null,
      aliases: [],
      metadata: {},
      discovered: true,
      managedBy: null,
    });
  });

  test.each(['nobody', '', 'gone', 'acme-eu', 'Acme', 'acme '])('"%s" is no id of a customer', async (id) => {
    expect(await runQuery(stored.connection, { type: 'customer', query: id })).toBeNull();
  });

  test.each<[string, [string, string][], string[]]>([
    ['all, by id as bytes', [], ['acme', 'acorn', 'beta', 'Ärzte']],
    ['an empty search', [['q', '']], ['acme', 'acorn', 'beta', 'Ärzte']],
    ['the begin of an id', [['q', 'ac']], ['acme', 'acorn']],
    ['in any case', [['q', 'ACO']], ['acorn']],
    ['in any case beyond ASCII', [['q', 'äR']], ['Ärzte']],
    ['a name', [['q', 'ölw']], ['beta']],
    ['an e-mail address', [['q', 'billing@']], ['acme']],
    ['an alias', [['q', 'acme-e']], ['acme']],
    ['not the middle', [['q', 'cme']], []],
    ['not what was deleted', [['q', 'gone']], []],
    ['declared', [['discovered', 'false']], ['acme', 'beta']],
    ['discovered', [['discovered', 'true']], ['acorn', 'Ärzte']],
    ['of the file', [['managedBy', 'file']], ['beta']],
    [
      'all together',
      [
        ['q', 'a'],
        ['discovered', 'false'],
        ['managedBy', 'api'],
      ],
      ['acme'],
    ],
  ])('the list finds %s', async (_, params, expected) => {
    expect(ids(await customersOf(stored, params))).toEqual(expected);
  });

  test.each<[[string, string][], string]>([
    [[['discovered', 'yes']], 'discovered'],
    [[['managedBy', 'me']], 'managedBy'],
    [[['customerId', 'acme']], 'customerId'],
    [[['limit', '0']], 'limit'],
    [[['cursor', 'WzFd']], 'cursor'],
    [
      [
        ['q', 'a'],
        ['q', 'b'],
      ],
      'q',
    ],
  ])('%j is refused', (params, parameter) => {
    expect(() => parseCustomersQuery(params, NOW)).toThrow(expect.objectContaining({ parameter }));
    expect(() => parseCustomersQuery(params, NOW)).toThrow(QueryError);
  });

  test('a cursor belongs to its question', async () => {
    const { nextCursor } = await customersOf(stored, [['limit', '1']]);
    expect(() =>
      parseCustomersQuery(
        [
          ['cursor', nextCursor!],
          ['q', 'a'],
        ],
        NOW,
      ),
    ).toThrow(QueryError);
  });
});

describe('any text is only text', () => {
  let stored: StoredUsage;
  beforeAll(async () => {
    stored = await StoredUsage.create();
    for (const id of [...HOSTILE, ...ALIKE]) {
      await stored.customer(id);
      await stored.dimension(id, {});
      await stored.meter(id, [{ version: 1, rule: { id } }]);
    }
  });
  afterAll(() => stored.close());

  const lower = (text: string) => text.toLowerCase();

  test.each(HOSTILE.map((id) => [id.slice(0, 40), id]))(
    '%j is found by itself and its begin',
    async (_, id) => {
      const { connection } = stored;
      expect(await runQuery(connection, { type: 'customer', query: id })).toMatchObject({ id });
      expect(await runQuery(connection, { type: 'dimension', query: id })).toMatchObject({ id });
      expect(await runQuery(connection, { type: 'meter', query: id })).toMatchObject({ id });
      for (const search of [id, [...id].slice(0, 2).join('')]) {
        const found = [...HOSTILE, ...ALIKE].filter((each) => lower(each).startsWith(lower(search))).sort();
        expect(ids(await customersOf(stored, [['q', search]])).sort()).toEqual(found);
        expect(ids(await dimensionsOf(stored, [['q', search]])).sort()).toEqual(found);
        expect(ids(await metersOf(stored, [['q', search]])).sort()).toEqual(found);
      }
    },
  );

  test.each([1, 5, 18])('pages of %i make the whole', async (limit) => {
    const pages: Record<string, (params: [string, string][]) => Promise<CustomersAnswer | MetersAnswer>> = {
      customers: (params) => customersOf(stored, params),
      meters: (params) => metersOf(stored, params),
    };
    for (const page of Object.values(pages)) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const answer: { rows: { id: string }[]; nextCursor: string | null } = await page([
          ['limit', String(limit)],
          ...(cursor === '' ? [] : ([['cursor', cursor]] as [string, string][])),
        ]);
        seen.push(...ids(answer));
        cursor = answer.nextCursor;
      }
      expect(seen).toEqual(ids(await page([])));
      expect(seen).toHaveLength(HOSTILE.length + ALIKE.length);
    }
  });
});

describe('while customers come', () => {
  let stored: StoredUsage;
  beforeEach(async () => {
    stored = await StoredUsage.create();
  });
  afterEach(() => stored.close());

  test('pages neither skip nor repeat those that were there', async () => {
    const name = (number: number) => `customer-${String(number).padStart(3, '0')}`;
    for (let number = 0; number < 40; number += 2) await stored.customer(name(number));
    const there = ids(await customersOf(stored, []));
    const seen: string[] = [];
    for (let cursor: string | null = '', next = 1; cursor !== null; next += 4) {
      const params: [string, string][] = cursor === '' ? [] : [['cursor', cursor]];
      const page: CustomersAnswer = await customersOf(stored, [['limit', '3'], ...params]);
      seen.push(...ids(page));
      cursor = page.nextCursor;
      // One before or at the place where the page ended, one far behind it.
      await stored.customer(name(next));
      await stored.customer(`z-${name(next)}`);
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => there.includes(id))).toEqual(there);
  });
});

describe('dimensions', () => {
  let stored: StoredUsage;
  beforeAll(async () => {
    stored = await StoredUsage.create();
    await stored.dimension('gb-hours', {
      name: 'Storage',
      unit: 'GBy.h',
      aggregation: 'unique',
      uniqueKey: 'disk',
      levelTtl: 3600,
      interval: 'day',
      usageIncrement: '0.5',
      unitPrice: '0.000000000001',
      rounding: 'ceiling',
      creditsAllowed: true,
      managedBy: 'file',
    });
    await stored.dimension('api.requests', {});
    await stored.dimension('gone', { deleted: true });
  });
  afterAll(() => stored.close());

  test('one is told as it is known', async () => {
    expect(await runQuery(stored.connection, { type: 'dimension', query: 'gb-hours' })).toEqual({
      id: 'gb-hours',
      name: 'Storage',
      unit: 'GBy.h',
      aggregation: 'unique',
      uniqueKey: 'disk',
      levelTtl: 3600,
      interval: 'day',
      usageIncrement: '0.5',
      unitPrice: '0.000000000001',
      rounding: 'ceiling',
      creditsAllowed: true,
      discovered: false,
      managedBy: 'file',
    });
    expect(await runQuery(stored.connection, { type: 'dimension', query: 'api.requests' })).toEqual({
      id: 'api.requests',
      name: null,
      unit: '1',
      aggregation: 'sum',
      uniqueKey: null,
      levelTtl: null,
      interval: 'none',
      usageIncrement: null,
      unitPrice: null,
      rounding: null,
      creditsAllowed: false,
      discovered: true,
      managedBy: null,
    });
    expect(await runQuery(stored.connection, { type: 'dimension', query: 'gone' })).toBeNull();
  });

  test.each<[[string, string][], string[]]>([
    [[], ['api.requests', 'gb-hours']],
    [[['q', 'STO']], ['gb-hours']],
    [[['q', 'g']], ['gb-hours']],
    [[['discovered', 'true']], ['api.requests']],
    [[['managedBy', 'api']], []],
  ])('%j lists', async (params, expected) => {
    expect(ids(await dimensionsOf(stored, params))).toEqual(expected);
  });
});

describe('meters', () => {
  let stored: StoredUsage;
  const first = { id: 'tokens', name: 'Token counter', signals: ['spans'] };
  const second = { ...first, value: { path: 'attributes["n"]' } };
  beforeAll(async () => {
    stored = await StoredUsage.create();
    await stored.meter('tokens', [
      { version: 1, rule: first },
      { version: 2, rule: second, managedBy: 'file' },
    ]);
    await stored.meter('ended', [{ version: 1, rule: {}, deletedSequence: 300 }]);
    await stored.meter('again', [
      { version: 1, rule: {}, deletedSequence: 150 },
      { version: 2, rule: {} },
    ]);
  });
  afterAll(() => stored.close());

  const versions = [
    {
      version: 2,
      rule: second,
      since: '2026-03-01T02:00:00Z',
      managedBy: 'file',
      receivedAt: '2026-03-01T02:00:00Z',
      sequence: 200,
      deletedSequence: null,
    },
    {
      version: 1,
      rule: first,
      since: '2026-03-01T01:00:00Z',
      managedBy: 'api',
      receivedAt: '2026-03-01T01:00:00Z',
      sequence: 100,
      deletedSequence: null,
    },
  ];

  test('one has all its versions, the latest first', async () => {
    expect(await runQuery(stored.connection, { type: 'meter', query: 'tokens' })).toEqual({
      id: 'tokens',
      ...versions[0],
      deleted: false,
      versions,
    });
  });

  test('a deleted one is told by its id', async () => {
    expect(await runQuery(stored.connection, { type: 'meter', query: 'ended' })).toMatchObject({
      version: 1,
      deleted: true,
      deletedSequence: 300,
    });
    expect(await runQuery(stored.connection, { type: 'meter', query: 'never' })).toBeNull();
  });

  test.each<[[string, string][], string[]]>([
    [[], ['again v2', 'tokens v2']],
    [[['deleted', 'true']], ['again v2', 'ended v1 deleted', 'tokens v2']],
    [[['q', 'token c']], ['tokens v2']],
    [[['q', 'AG']], ['again v2']],
    [[['managedBy', 'file']], ['tokens v2']],
    [[['managedBy', 'api']], ['again v2']],
  ])('%j lists', async (params, expected) => {
    const { rows } = await metersOf(stored, params);
    expect(rows.map(({ id, version, deleted }) => `${id} v${version}${deleted ? ' deleted' : ''}`)).toEqual(
      expected,
    );
  });

  test('are counted without the deleted ones', async () => {
    expect(await runQuery(stored.connection, { type: 'counts' })).toMatchObject({ meters: 2 });
  });
});
