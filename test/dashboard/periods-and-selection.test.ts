/** What the pages of periods and data quality count and name by themselves, without a browser. */
import { describe, expect, test } from 'vitest';
import {
  isAnchor,
  isMonth,
  monthBefore,
  periodOf,
  periodText,
} from '../../dashboard/pages/periods/period.ts';
import { fixesOf } from '../../dashboard/pages/quality/reasons.ts';
import { queryOf } from '../../dashboard/pages/quality/repair.ts';
import { filterOf, isEmpty, selectionOf } from '../../dashboard/pages/quality/selection.ts';

describe('a billing period', () => {
  test.each([
    // month    anchor  from          to
    ['2026-03', 1, '2026-03-01', '2026-04-01'],
    ['2026-12', 15, '2026-12-15', '2027-01-15'],
    ['2026-01', 31, '2026-01-31', '2026-02-28'],
    ['2026-02', 31, '2026-02-28', '2026-03-31'],
    ['2028-02', 30, '2028-02-29', '2028-03-30'],
  ])('of %s from day %i is %s to %s', (month, anchor, from, to) => {
    expect(periodOf(month, anchor)).toEqual({ from, to });
  });

  test.each([
    // from                   to                      zone             text
    ['2026-03-01T00:00:00Z', '2026-04-01T00:00:00Z', 'UTC', 'Mar 2026'],
    // The clocks change in it.
    ['2026-02-28T23:00:00Z', '2026-03-31T22:00:00Z', 'Europe/Berlin', 'Mar 2026'],
    ['2026-02-15T00:00:00Z', '2026-03-15T00:00:00Z', 'UTC', '15 Feb 2026 – 14 Mar 2026'],
    ['2026-03-01T00:00:00Z', '2026-03-01T12:30:00Z', 'UTC', '01 Mar 2026, 00:00 – 01 Mar 2026, 12:30'],
  ])('from %s to %s in %s is called %s', (from, to, zone, text) => {
    expect(periodText({ from, to }, zone)).toBe(text);
  });

  test('is of the latest month that is over', () => {
    expect(monthBefore('2026-01-31')).toBe('2025-12');
  });

  test.each([
    ['2026-03', true],
    ['2026-13', false],
    ['2026-3', false],
  ])('%s is a month: %s', (text, expected) => expect(isMonth(text)).toBe(expected));

  test.each([
    ['1', true],
    ['31', true],
    ['32', false],
    ['0', false],
    ['1.5', false],
  ])('%s is an anchor day: %s', (text, expected) => expect(isAnchor(text)).toBe(expected));
});

describe('the signals that an address means', () => {
  test.each([
    // address                                       what a change names
    [{}, {}],
    [
      { reason: 'baseline', dimensionId: 'a' },
      { reason: 'baseline', dimensionId: 'a' },
    ],
    // Refused by the receiver, rather than all that is listed meant in its place.
    [{ reason: 'no such reason' }, { reason: 'no such reason' }],
    [{ missing: ['customerId'] }, { customerId: null }],
    [
      { timeFrom: '2026-03-01T00:00:00Z', timeTo: '2026-04-01T00:00:00Z' },
      { timeFrom: '2026-03-01T00:00:00Z', timeTo: '2026-04-01T00:00:00Z' },
    ],
    [{ missing: ['customerId'], customerId: 'acme' }, { customerId: ['acme', null] }],
    [
      { metadata: ['region=eu', 'region=us', 'note=a=b'] },
      { metadata: { region: ['eu', 'us'], note: ['a=b'] } },
    ],
  ])('%j are named %j', (search, expected) => {
    expect(selectionOf(search)).toEqual(expected);
    expect(isEmpty(selectionOf(search))).toBe(Object.keys(expected).length === 0);
  });

  test('have the attribute __proto__, where that is asked for', () => {
    const { metadata } = selectionOf({ metadata: ['__proto__=x'] });
    expect(Object.entries(metadata!)).toEqual([['__proto__', ['x']]]);
  });

  test('are asked for as they are named', () => {
    const search = { missing: ['customerId'], customerId: 'acme', metadata: ['region=eu'] };
    expect(filterOf(search)).toEqual({
      customerId: 'acme',
      missing: ['customerId'],
      metadata: { region: ['eu'] },
    });
    expect(queryOf(selectionOf(search))).toEqual({
      customerId: ['acme'],
      missing: ['customerId'],
      metadata: { region: ['eu'] },
    });
  });
});

test('each reason offers its own repair first, and always correcting, replaying and dismissing', () => {
  expect(fixesOf('baseline')).toEqual(['own-values', 'correct', 'replay', 'dismiss']);
  expect(fixesOf('before_baseline')).toEqual(['dismiss', 'correct', 'replay']);
  expect(fixesOf(undefined)).toEqual(['correct', 'replay', 'dismiss']);
});
