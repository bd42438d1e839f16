/** What is wrong with a record before it is sent, and at which field or cell. */
import { expect, test } from 'vitest';
import {
  type Draft,
  draftFaults,
  hasFaults,
  newRecord,
  newRecordId,
} from '../../../dashboard/pages/customer/record-usage/draft.ts';

const GOOD: Draft = {
  id: 'manual-1',
  customerId: 'acme',
  dimensionId: 'gpu.hours',
  recordValue: '12.5',
  timestamp: '2026-03-01T08:00:00+01:00',
  startTime: '',
  metadata: [{ row: 1, key: 'region', value: 'eu' }],
};
const pairs = (...texts: [string, string][]) => ({
  metadata: texts.map(([key, value], index) => ({ row: index + 1, key, value })),
});

test('a record without faults becomes what the API takes', () => {
  expect(hasFaults(draftFaults(GOOD, null))).toBe(false);
  expect(newRecord({ ...GOOD, ...pairs(['region', 'eu'], ['', '']) })).toEqual({
    id: 'manual-1',
    customerId: 'acme',
    dimensionId: 'gpu.hours',
    recordValue: '12.5',
    timestamp: '2026-03-01T08:00:00+01:00',
    metadata: { region: 'eu' },
  });
  expect(newRecord({ ...GOOD, startTime: '2026-03-01T06:00:00Z' }).startTime).toBe('2026-03-01T06:00:00Z');
});

test.each<[string, Partial<Draft>, boolean | null, Record<string, RegExp>]>([
  ['no customer', { customerId: '' }, null, { customerId: /choose one/ }],
  ['a customer too long', { customerId: 'x'.repeat(1025) }, null, { customerId: /1024/ }],
  ['no dimension', { dimensionId: '' }, null, { dimensionId: /choose one/ }],
  ['no value', { recordValue: '' }, null, { recordValue: /Enter a number/ }],
  ['a comma', { recordValue: '1,5' }, null, { recordValue: /decimal point/ }],
  ['an exponent', { recordValue: '1e3' }, null, { recordValue: /Digits/ }],
  ['26 and 12 digits', { recordValue: `${'9'.repeat(26)}.${'9'.repeat(12)}` }, null, {}],
  ['27 digits', { recordValue: '9'.repeat(27) }, null, { recordValue: /26 digits/ }],
  ['13 places', { recordValue: '0.0000000000001' }, null, { recordValue: /12 digits/ }],
  ['a credit that is allowed', { recordValue: '-1' }, true, {}],
  ['a credit nobody knows about', { recordValue: '-1' }, null, {}],
  ['a credit that is not', { recordValue: '-0.5' }, false, { recordValue: /credits/ }],
  ['less than nothing is nothing', { recordValue: '-0.0' }, false, {}],
  ['no time', { timestamp: '' }, null, { timestamp: /offset/ }],
  ['a time that is none', { timestamp: '2026-02-30T00:00:00Z' }, null, { timestamp: /no such date/ }],
  ['a start after it', { startTime: '2026-03-01T07:00:01Z' }, null, { startTime: /After/ }],
  ['a start at it', { startTime: '2026-03-01T07:00:00Z' }, null, {}],
  [
    '65 pairs',
    pairs(...Array.from({ length: 65 }, (_, at): [string, string] => [`k${at}`, ''])),
    null,
    { metadata: /64/ },
  ],
])('%s', (_name, changes, creditsAllowed, expected) => {
  const { fields } = draftFaults({ ...GOOD, ...changes }, creditsAllowed);
  expect(Object.keys(fields)).toEqual(Object.keys(expected));
  for (const [field, fault] of Object.entries(expected)) expect(fields[field as 'metadata']).toMatch(fault);
});

test.each<[string, [string, string][], [row: number, at: 'key' | 'value', fault: RegExp][]]>([
  [
    'a key twice',
    [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ],
    [[3, 'key', /there already/]],
  ],
  [
    'other case is another key',
    [
      ['a', '1'],
      ['A', '2'],
    ],
    [],
  ],
  ['a value without a key', [['', 'x']], [[1, 'key', /Name/]]],
  [
    'a row that is empty',
    [
      ['', ''],
      ['', ''],
    ],
    [],
  ],
  ['an empty value', [['a', '']], []],
  ['a long key', [['k'.repeat(257), '']], [[1, 'key', /256/]]],
  ['a long value', [['a', 'v'.repeat(10_000)]], [[1, 'value', /4096 .*10000/]]],
  ['half a character', [['a', '\ud83d']], [[1, 'value', /half/]]],
  ['a key of JavaScript', [['__proto__', 'x']], [[1, 'key', /not allowed/]]],
])('metadata: %s', (_name, texts, expected) => {
  const { cells } = draftFaults({ ...GOOD, ...pairs(...texts) }, null);
  expect([...cells.keys()]).toEqual(expected.map(([row]) => row));
  for (const [row, at, fault] of expected) expect(cells.get(row)?.[at]).toMatch(fault);
});

test('ids are of 128 random bits, which are a trace id too', () => {
  const ids = Array.from({ length: 100 }, newRecordId);
  expect(new Set(ids).size).toBe(100);
  for (const id of ids) expect(id).toMatch(/^manual-[0-9a-f]{32}$/);
});
