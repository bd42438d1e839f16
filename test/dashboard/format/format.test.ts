/** Decimals, times and ranges as texts. */
import { expect, test } from 'vitest';
import { parseSearch, stringifySearch } from '../../../dashboard/app/search.ts';
import { decimalFault, fromScaled, grouped, scaled, sumOf } from '../../../dashboard/format/decimal.ts';
import { presetRange, rangeOf, readRange } from '../../../dashboard/format/range.ts';
import {
  addDays,
  ageText,
  boundFault,
  dateIn,
  monthStart,
  timeText,
} from '../../../dashboard/format/time.ts';

const NARROW = '\u202f';

test.each([
  // exact                       grouped, _ for the narrow space
  ['0', '0'],
  ['999', '999'],
  ['1000', '1_000'],
  ['-1234567.125', '−1_234_567.125'],
  ['0.000000000001', '0.000000000001'],
  ['99999999999999999999999999.5', '99_999_999_999_999_999_999_999_999.5'],
  ['no number', 'no number'],
])('%s is read as %s', (exact, read) => {
  expect(grouped(exact)).toBe(read.replaceAll('_', NARROW));
});

test.each([
  // typed                            taken
  ['12.5', true],
  ['-3', true],
  ['99999999999999999999999999.999999999999', true],
  ['100000000000000000000000000', false],
  ['0.0000000000001', false],
  ['1,5', false],
  ['1e3', false],
  ['.5', false],
  [' 1', false],
  ['', false],
])('%j is a quantity: %s', (typed, taken) => {
  expect(decimalFault(typed) === null).toBe(taken);
});

test('sums are exact, and what is scaled comes back', () => {
  expect(sumOf(['0.1', '0.2'])).toBe('0.3');
  expect(sumOf(['9007199254740993', '-0.000000000001'])).toBe('9007199254740992.999999999999');
  expect(sumOf([])).toBe('0');
  for (const exact of ['0', '-0.5', '12345678901234567890.000000000001'])
    expect(fromScaled(scaled(exact))).toBe(exact);
  expect(() => scaled('1e3')).toThrow('a decimal is expected');
});

test('a time is shown in its zone, over the change of the clocks, too', () => {
  expect(timeText('2026-03-29T00:59:59Z', 'Europe/Berlin', 'second')).toBe('29 Mar 2026, 01:59:59');
  expect(timeText('2026-03-29T01:00:00.123456789Z', 'Europe/Berlin', 'second')).toBe('29 Mar 2026, 03:00:00');
  expect(timeText('what?', 'UTC', 'day')).toBe('what?');
  expect(ageText('2026-03-01T00:00:00Z', Date.parse('2026-03-01T00:05:10Z'))).toBe('5 minutes ago');
});

test.each([
  // preset      today         from          to, not in it
  ['this-month', '2026-12-31', '2026-12-01', '2027-01-01'],
  ['last-month', '2026-01-15', '2025-12-01', '2026-01-01'],
  ['7d', '2026-03-03', '2026-02-25', '2026-03-04'],
  ['30d', '2024-03-01', '2024-02-01', '2024-03-02'],
] as const)('%s on %s is from %s to %s', (preset, today, from, to) => {
  expect(presetRange(preset, today)).toEqual({ from, to });
});

test('today is the zone’s', () => {
  const now = Date.parse('2026-03-31T23:30:00Z');
  expect(dateIn('UTC', now)).toBe('2026-03-31');
  expect(dateIn('Europe/Berlin', now)).toBe('2026-04-01');
  expect(rangeOf({}, 'Europe/Berlin', now)).toEqual({ from: '2026-04-01', to: '2026-05-01' });
  expect(rangeOf({ from: '2026-01-01', to: '2026-01-02' }, 'UTC', now)).toEqual({
    from: '2026-01-01',
    to: '2026-01-02',
  });
  expect(addDays('2026-02-28', 1)).toBe('2026-03-01');
  expect(monthStart('2026-01-31', 1)).toBe('2026-02-01');
});

test('of a range in the address, what the API would refuse is left out', () => {
  expect(readRange({ from: '2026-03-01', to: '2026-03-02T00:00:00+01:00' })).toEqual({
    from: '2026-03-01',
    to: '2026-03-02T00:00:00+01:00',
  });
  expect(readRange({ from: '2026-03-01' })).toEqual({});
  expect(readRange({ from: '2026-13-01', to: '2026-03-02', range: '7d' })).toEqual({ range: '7d' });
  expect(readRange({ range: 'century' })).toEqual({});
  expect(boundFault('2026-03-01T08:00:00')).not.toBe(null);
});

test('the address keeps texts as they are, and comes back the same', () => {
  const search = { search: '007', page: ['a', 'b'], zone: 'Europe/Berlin' };
  expect(parseSearch(stringifySearch({ ...search, left: undefined }))).toEqual(search);
  expect(parseSearch('?search=true&__proto__=x').search).toBe('true');
  expect(stringifySearch({})).toBe('');
});
