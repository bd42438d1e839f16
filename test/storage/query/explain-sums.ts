/** Whether an explanation adds up, in BigInt arithmetic of its own: contributions to parts, parts to the cell. */
import { expect } from 'vitest';
import type { ExplainAnswer } from '../../../storage/query/index.ts';

interface Fraction {
  numerator: bigint;
  denominator: bigint;
}

/** The exact value of a decimal text. */
export function fraction(decimal: string): Fraction {
  const [whole, digits = ''] = decimal.split('.');
  return { numerator: BigInt(whole + digits), denominator: 10n ** BigInt(digits.length) };
}

function plus(a: Fraction, b: Fraction): Fraction {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

function over(a: Fraction, b: Fraction): Fraction {
  return { numerator: a.numerator * b.denominator, denominator: a.denominator * b.numerator };
}

export function isEqual(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

export function total(decimals: Iterable<string>): Fraction {
  let sum = fraction('0');
  for (const decimal of decimals) sum = plus(sum, fraction(decimal));
  return sum;
}

/** To 12 places, half-even, as scaled integers. */
function rounded({ numerator, denominator }: Fraction): bigint {
  const scaled = (numerator < 0n ? -numerator : numerator) * 10n ** 12n;
  let whole = scaled / denominator;
  const twice = (scaled % denominator) * 2n;
  if (twice > denominator || (twice === denominator && whole % 2n === 1n)) whole += 1n;
  return numerator < 0n ? -whole : whole;
}

/** @param pages all pages of one explanation */
export function expectSumOfParts(pages: readonly ExplainAnswer[], what: string): void {
  const [{ cell, parts, carriedIn, dimension }] = pages;
  const records = pages.flatMap((page) => page.records);
  const ofLevels = dimension?.aggregation === 'time_weighted' || dimension?.aggregation === 'time_integral';
  const contributed = total([
    ...records.map(({ contribution }) => contribution),
    ...(carriedIn === null ? [] : [carriedIn.contribution]),
  ]);
  const ofParts = total(parts.map(({ sum }) => sum));
  expect(isEqual(contributed, ofParts), `${what}: contributions add up to the parts' sums`).toBe(true);
  if (!ofLevels) {
    for (const { begin, sum } of parts) {
      const own = records.filter(({ part }) => part === begin).map(({ contribution }) => contribution);
      expect(isEqual(total(own), fraction(sum)), `${what}: those of the part of ${begin}`).toBe(true);
    }
  }
  const quantity = parts
    .map(({ sum, divisor }) => over(fraction(sum), fraction(divisor)))
    .reduce(plus, fraction('0'));
  const counted = records.filter(({ kind }) => kind !== 'correction').length;
  if (cell === null) {
    expect(rounded(quantity), `${what}: what has no row comes to nothing`).toBe(0n);
    return;
  }
  expect(rounded(quantity), `${what}: the parts come to the cell`).toBe(rounded(fraction(cell.quantity)));
  expect(counted, `${what}: its records`).toBe(cell.records);
}
