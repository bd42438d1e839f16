/** Exact quotients of quantities, and where they are rounded. (Pure.) */
import { divideHalfEven } from '../decimal.ts';

/** numerator ÷ denominator, the numerator scaled by 10^12, the denominator positive. */
export interface Quotient {
  numerator: bigint;
  denominator: bigint;
}

/**
 * Their exact sum. Equal denominators are added first and the others in pairs: a year of hourly averages has thousands
 * of denominators, and one common denominator that grows with each of them would take quadratic time.
 */
export function sumOfQuotients(quotients: Iterable<Quotient>): Quotient {
  const byDenominator = new Map<bigint, bigint>();
  for (const { numerator, denominator } of quotients) {
    byDenominator.set(denominator, (byDenominator.get(denominator) ?? 0n) + numerator);
  }
  let terms = [...byDenominator].map(([denominator, numerator]) => ({ numerator, denominator }));
  while (terms.length > 1) {
    const pairs: Quotient[] = [];
    for (let i = 0; i < terms.length; i += 2) {
      pairs.push(i + 1 < terms.length ? sumOfTwo(terms[i], terms[i + 1]) : terms[i]);
    }
    terms = pairs;
  }
  return terms[0] ?? { numerator: 0n, denominator: 1n };
}

function sumOfTwo(a: Quotient, b: Quotient): Quotient {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

/** Rounded half-even to a whole number: of a scaled numerator, to 12 places. */
export function roundedHalfEven({ numerator, denominator }: Quotient): bigint {
  return divideHalfEven(numerator, denominator);
}
