import { expect, test } from 'vitest';
import { roundedHalfEven, sumOfQuotients } from '../../../storage/query/quotient.ts';

test.each([
  //  numerator  denominator  to the nearest, ties to even
  [0n, 7n, 0n],
  [1n, 2n, 0n],
  [3n, 2n, 2n],
  [5n, 2n, 2n],
  [-1n, 2n, 0n],
  [-3n, 2n, -2n],
  [-5n, 2n, -2n],
  [2n, 3n, 1n],
  [1n, 3n, 0n],
  [-2n, 3n, -1n],
  [10n ** 40n + 1n, 2n, 5n * 10n ** 39n],
  [7n, 1n, 7n],
])('%s ÷ %s is about %s', (numerator, denominator, expected) => {
  expect(roundedHalfEven({ numerator, denominator })).toBe(expected);
});

test.each<[string, [bigint, bigint][], [bigint, bigint]]>([
  ['nothing', [], [0n, 1n]],
  ['one', [[5n, 3n]], [5n, 3n]],
  [
    'equal denominators',
    [
      [1n, 3n],
      [1n, 3n],
      [1n, 3n],
    ],
    [1n, 1n],
  ],
  [
    'a half, a third and a sixth',
    [
      [1n, 2n],
      [1n, 3n],
      [1n, 6n],
    ],
    [1n, 1n],
  ],
  [
    'of both signs',
    [
      [1n, 2n],
      [-1n, 3n],
      [-1n, 6n],
    ],
    [0n, 1n],
  ],
])('the sum of %s', (_, terms, [top, bottom]) => {
  const sum = sumOfQuotients(terms.map(([numerator, denominator]) => ({ numerator, denominator })));
  expect(sum.denominator).toBeGreaterThan(0n);
  // Equal as fractions.
  expect(sum.numerator * bottom).toBe(top * sum.denominator);
});

test('a year of hourly averages is summed exactly', () => {
  const count = 8760;
  const terms = Array.from({ length: count }, (_, i) => ({ numerator: 1n, denominator: BigInt(i + 1) }));
  // The harmonic number, by another road: each term to 40 places, which is wrong by less than 8760 of the last.
  const scale = 10n ** 40n;
  const about = terms.reduce((total, { denominator }) => total + scale / denominator, 0n);
  const { numerator, denominator } = sumOfQuotients(terms);
  const difference = (numerator * scale) / denominator - about;
  expect(difference).toBeGreaterThanOrEqual(0n);
  expect(difference).toBeLessThan(BigInt(count));
});
