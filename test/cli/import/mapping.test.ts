import { describe, expect, test } from 'vitest';
import { type MappingOptions, mapObjects, mapTable, type RowMapper } from '../../../cli/import/mapping.ts';
import type { Cell, Cells } from '../../../cli/import/source-row.ts';

const HASH = '0123456789abcdef0123456789abcdef';

function options(
  changes: Partial<Record<'map' | 'set', Record<string, string>>> & Partial<MappingOptions> = {},
) {
  const { map = {}, set = {}, ...rest } = changes;
  return {
    columns: new Map(Object.entries(map)),
    constants: new Map(Object.entries(set)),
    metadata: 'default',
    timeFormat: 'text',
    timeZone: null,
    roundsValues: false,
    ...rest,
  } satisfies MappingOptions;
}

/** The record, or `column: problem` of each fault. */
function told(mapper: RowMapper, cells: Cells): unknown {
  const mapped = mapper.map(cells, 7, HASH);
  return Array.isArray(mapped) ? mapped.map(({ column, problem }) => `${column}: ${problem}`) : mapped.record;
}

/** One row of a table. */
function table(row: Record<string, Cell>, changes: Parameters<typeof options>[0] = {}): unknown {
  const columns = Object.keys(row).map((name) => ({ name }));
  return told(mapTable(options(changes), columns), Object.values(row));
}

const TIME = '2026-03-01T00:00:00Z';
const ROW = { customerId: 'acme', dimensionId: 'api', recordValue: '12.50', timestamp: TIME };
const RECORD = {
  timestamp: TIME,
  customerId: 'acme',
  dimensionId: 'api',
  recordValue: '12.5',
  metadata: {},
  id: `import:${HASH}:7:api`,
};

describe('columns', () => {
  test.each<[string, Record<string, Cell>, Parameters<typeof options>[0], object]>([
    ["the API's names", { ...ROW, other: 'x' }, {}, {}],
    [
      'in snake case',
      { customer_id: 'acme', dimension_id: 'api', record_value: '12.5', timestamp: TIME, start_time: TIME },
      {},
      { startTime: TIME },
    ],
    [
      'mapped and constant',
      { account: 'acme', amount: '12.5', ts: '2026-03-01 01:00:00' },
      {
        map: { customerId: 'account', recordValue: 'amount', timestamp: 'ts' },
        set: { dimensionId: 'api' },
        timeZone: 'Europe/Berlin',
      },
      {},
    ],
    [
      'a mapping goes before the default',
      { ...ROW, customerId: 'other', account: 'acme' },
      { map: { customerId: 'account' } },
      {},
    ],
    [
      'a constant time is text whatever the format of the column',
      { ...ROW, timestamp: '0' },
      { set: { timestamp: TIME }, timeFormat: 's' },
      {},
    ],
    [
      'metadata columns',
      { ...ROW, 'metadata.region': 'eu', 'metadata.empty': null },
      {},
      { metadata: { region: 'eu' } },
    ],
    [
      'a metadata column of JSON',
      { ...ROW, metadata: '{"a":"x","n":9007199254740993}' },
      {},
      { metadata: { a: 'x', n: '9007199254740993' } },
    ],
    ['metadata none', { ...ROW, 'metadata.region': 'eu', metadata: 'x' }, { metadata: 'none' }, {}],
    [
      'metadata all: what is not used otherwise',
      { ...ROW, 'metadata.region': 'eu', plan: 'pro', startTime: TIME },
      { metadata: 'all' },
      { metadata: { region: 'eu', plan: 'pro' }, startTime: TIME },
    ],
    [
      'metadata of chosen columns',
      { ...ROW, 'metadata.region': 'eu', plan: 'pro', tier: '1' },
      { metadata: ['plan', 'customerId'], set: { 'metadata.source': 'crm' } },
      { metadata: { plan: 'pro', customerId: 'acme', source: 'crm' } },
    ],
    [
      'metadata mapped by name',
      { ...ROW, land: 'de' },
      { map: { 'metadata.country.code': 'land' } },
      { metadata: { 'country.code': 'de' } },
    ],
    ['an id by mapping', { ...ROW, key: 'k-1' }, { map: { id: 'key' } }, { id: 'k-1' }],
    ['an id column that is not mapped is none', { ...ROW, id: 'k-1' }, {}, {}],
    [
      'a key named like a property of all objects',
      { ...ROW, 'metadata.constructor': 'x' },
      {},
      { metadata: { constructor: 'x' } },
    ],
  ])('%s', (_, row, changes, expected) => {
    expect(table(row, changes)).toEqual({ ...RECORD, ...expected });
  });

  test.each<[string, string[], Parameters<typeof options>[0], string]>([
    [
      'a required one is missing',
      ['customerId', 'amount', 'timestamp', 'dimensionId'],
      {},
      'has no column for recordValue: --map recordValue=COLUMN or --set recordValue=VALUE; it has: customerId, amount, timestamp, dimensionId',
    ],
    [
      'a mapped one is missing',
      Object.keys(ROW),
      { map: { customerId: 'account' } },
      'has no column "account", which --map takes for customerId; it has: customerId, dimensionId, recordValue, timestamp',
    ],
    [
      'a metadata one is missing',
      Object.keys(ROW),
      { metadata: ['region'] },
      'has no column "region", which --metadata names',
    ],
    [
      'it stands there twice',
      [...Object.keys(ROW), 'customerId'],
      {},
      'has the column "customerId" more than once',
    ],
    [
      'two could be meant',
      [...Object.keys(ROW), 'customer_id'],
      {},
      'has both customerId and customer_id: --map customerId=COLUMN says which',
    ],
  ])('the file is refused where %s', (_, names, changes, message) => {
    const columns = names.map((name) => ({ name }));
    expect(() => mapTable(options(changes), columns)).toThrow(message);
  });

  test('a binary column is refused where it is used, and only there', () => {
    const columns = [
      ...Object.keys(ROW).map((name) => ({ name })),
      { name: 'raw', unreadable: 'binary, not text' },
    ];
    expect(() => mapTable(options({ map: { id: 'raw' } }), columns)).toThrow(
      'has a column "raw" that is binary',
    );
    expect(told(mapTable(options({ metadata: 'all' }), columns), [...Object.values(ROW), undefined])).toEqual(
      RECORD,
    );
  });

  test('doubles are rounded, other numbers are not', () => {
    const columns = Object.keys(ROW).map((name) => ({ name, isDouble: name === 'recordValue' }));
    const cells = Object.values({ ...ROW, recordValue: '0.30000000000000004' });
    expect(told(mapTable(options(), columns), cells)).toMatchObject({ recordValue: '0.3' });
    expect(table({ ...ROW, recordValue: '0.30000000000000004' })).toEqual([
      'recordValue: has more than 12 fraction digits (--round-values rounds)',
    ]);
  });
});

describe('a bad row names every column at fault', () => {
  test.each<[string, Record<string, Cell>, string[]]>([
    ['no customer', { customerId: null }, ['customerId: there is no customerId']],
    ['no value', { recordValue: null }, ['recordValue: there is no recordValue']],
    ['no time', { timestamp: null }, ['timestamp: there is no timestamp']],
    ['a value that is none', { recordValue: 'x' }, ['recordValue: must be a number, like 12.5']],
    [
      'a time that is none',
      { timestamp: 'x' },
      ['timestamp: must be a date and time, like 2026-03-01T00:00:00Z'],
    ],
    ['a start after the time', { startTime: '2026-03-02T00:00:00Z' }, ['startTime: is after the timestamp']],
    ['NUL', { customerId: 'a\0b' }, ['customerId: has the character NUL']],
    ['bytes that are not UTF-8', { customerId: 'a\udfff' }, ['customerId: is not valid UTF-8']],
    ['the same in metadata', { 'metadata.a': 'a\udfff' }, ['metadata.a: is not valid UTF-8']],
    ['the same in a column that is not used', { other: 'a\udfff' }, []],
    [
      'an id that is too long',
      { customerId: 'x'.repeat(1025) },
      ['customerId: must have at most 1024 characters'],
    ],
    ['metadata that is no object', { metadata: '[1]' }, ['metadata: must be a JSON object of texts']],
    [
      'metadata with an object in it',
      { metadata: '{"a":{}}' },
      ['metadata.a: must be a text, a number or a boolean'],
    ],
    [
      'several',
      { customerId: null, recordValue: '1,5', timestamp: '2026-03-01' },
      [
        'customerId: there is no customerId',
        'recordValue: must be a number with a point before its fraction, and without separators, like 1234.5',
        'timestamp: has no offset from UTC: --time-zone says in which zone it is (such as UTC)',
      ],
    ],
  ])('%s', (_, row, expected) => {
    expect(table({ ...ROW, ...row })).toEqual(expected.length === 0 ? RECORD : expected);
  });

  test('an id that is mapped and empty', () => {
    expect(table({ ...ROW, key: null }, { map: { id: 'key' } })).toEqual(['key: there is no id']);
  });
});

describe('objects', () => {
  const map = (cells: Record<string, Cell>, changes: Parameters<typeof options>[0] = {}) =>
    told(mapObjects(options(changes)), cells);

  test.each<[string, Record<string, Cell>, Parameters<typeof options>[0], object]>([
    [
      'the shape of the API',
      { ...ROW, metadata: { region: 'eu', n: '1', yes: true, no: null } },
      {},
      { metadata: { region: 'eu', n: '1', yes: 'true' } },
    ],
    [
      'in snake case',
      { customer_id: 'acme', dimension_id: 'api', record_value: '12.5', timestamp: TIME },
      {},
      {},
    ],
    [
      'paths',
      { ...ROW, customerId: null, account: { id: 'acme' } },
      { map: { customerId: 'account.id' } },
      {},
    ],
    [
      'a name with a point goes before a path',
      { ...ROW, 'account.id': 'acme', account: { id: 'x' } },
      { map: { customerId: 'account.id' } },
      {},
    ],
    [
      'all else as metadata',
      { ...ROW, plan: 'pro', 'metadata.a': 'b' },
      { metadata: 'all' },
      { metadata: { plan: 'pro', a: 'b' } },
    ],
    ['the empty text is a value', { ...ROW, metadata: { a: '' } }, {}, { metadata: { a: '' } }],
  ])('%s', (_, cells, changes, expected) => {
    expect(map(cells, changes)).toEqual({ ...RECORD, ...expected });
  });

  test('what is not there is a fault of the row', () => {
    expect(map({ ...ROW, customerId: {} })).toEqual(['customerId: must be a text, a number or a boolean']);
    expect(map({}, { map: { customerId: 'a.b.c' } })).toEqual([
      'a.b.c: there is no customerId',
      'dimensionId: there is no dimensionId',
      'recordValue: there is no recordValue',
      'timestamp: there is no timestamp',
    ]);
    expect(map({ ...ROW }, { map: { customerId: '__proto__' } })).toEqual([
      '__proto__: there is no customerId',
    ]);
  });
});

test('an id is made of content, row and dimension; a long dimension goes in as its hash', () => {
  const long = 'd'.repeat(1024);
  expect(table({ ...ROW, dimensionId: long })).toMatchObject({
    id: expect.stringMatching(new RegExp(`^import:${HASH}:7:[0-9a-f]{32}$`)),
  });
});
