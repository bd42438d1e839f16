/** Arithmetic of statements: exact texts, differences, and ranges that are cut out of others. */
import { describe, expect, test } from 'vitest';
import {
  addAmounts,
  isNothing,
  measureByTerms,
  measureOf,
  measureTexts,
  minus,
  NOTHING,
  overlaps,
  plus,
  without,
} from '../../../storage/periods/stated.ts';
import type { Terms } from '../../../storage/periods/statement-content.ts';

const TERMS: Terms = {
  aggregation: 'sum',
  uniqueKey: null,
  levelTtl: null,
  interval: 'none',
  usageIncrement: '10',
  rounding: 'ceiling',
};

test.each([
  { quantity: '0', billableQuantity: '0', amount: null },
  { quantity: '-0.000000000001', billableQuantity: '-10', amount: '-0.000000000000000000000001' },
  {
    quantity: `${'9'.repeat(40)}.5`,
    billableQuantity: '1',
    amount: `${'9'.repeat(60)}.123456789012345678901234`,
  },
])('texts are exact both ways: %o', (texts) => {
  expect(measureTexts(measureOf(texts))).toEqual(texts);
});

test('a difference of amounts takes what is there', () => {
  const a = measureOf({ quantity: '3', billableQuantity: '10', amount: '5' });
  const b = measureOf({ quantity: '1', billableQuantity: '10', amount: null });
  expect(measureTexts(minus(a, b))).toEqual({ quantity: '2', billableQuantity: '0', amount: '5' });
  expect(measureTexts(minus(b, a))).toEqual({ quantity: '-2', billableQuantity: '0', amount: '-5' });
  expect(measureTexts(plus(b, b)).amount).toBeNull();
  expect(isNothing(minus(a, a))).toBe(true);
  expect(isNothing(NOTHING)).toBe(true);
  expect(isNothing(minus(b, a))).toBe(false);
  expect(addAmounts(null, 3n)).toBe(3n);
});

test.each([
  [12n, '0.5', { quantity: '12', billableQuantity: '20', amount: '10' }],
  [-12n, '0.5', { quantity: '-12', billableQuantity: '-10', amount: '-5' }],
  [10n, null, { quantity: '10', billableQuantity: '10', amount: null }],
])('%d in steps of 10, at %s', (quantity, unitPrice, expected) => {
  expect(measureTexts(measureByTerms(quantity * 10n ** 12n, TERMS, unitPrice))).toEqual(expected);
});

describe('ranges', () => {
  const range = (from: number, to: number) => ({ from: BigInt(from), to: BigInt(to) });
  test.each([
    ['nothing', [], [[0, 10]]],
    ['itself', [[0, 10]], []],
    ['more than itself', [[-5, 15]], []],
    ['the begin', [[-5, 4]], [[4, 10]]],
    [
      'the middle',
      [[3, 4]],
      [
        [0, 3],
        [4, 10],
      ],
    ],
    [
      'two',
      [
        [3, 4],
        [8, 12],
      ],
      [
        [0, 3],
        [4, 8],
      ],
    ],
    [
      'what touches',
      [
        [-5, 0],
        [10, 12],
      ],
      [[0, 10]],
    ],
  ])('[0, 10) without %s', (_, others, left) => {
    expect(
      without(
        range(0, 10),
        others.map(([from, to]) => range(from, to)),
      ),
    ).toEqual(left.map(([from, to]) => range(from, to)));
  });

  test.each([
    [range(0, 5), range(5, 9), false],
    [range(0, 6), range(5, 9), true],
    [range(6, 7), range(5, 9), true],
  ])('%o and %o overlap: %s', (a, b, expected) => {
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([expected, expected]);
  });
});
