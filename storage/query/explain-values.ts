/** Exact sums of contributions, as texts. (Pure.) */
import { FRACTION_DIGITS, textFromScaled } from '../decimal.ts';
import { type Quotient, roundedHalfEven } from './quotient.ts';
import { type DimensionTerms, isOfLevels } from './usage-terms.ts';

const SCALE = 10n ** BigInt(FRACTION_DIGITS);
const SECOND_NANO = 1_000_000_000n;
const SECOND_DIGITS = 9;
const HOUR_SECONDS = 3600n;

/** A sum of contributions and what it is divided by. */
export interface ExactSum {
  /** × 10^{@link digits}. */
  sum: bigint;
  digits: number;
  /** × 10^{@link divisorDigits}. */
  divisor: bigint;
  divisorDigits: number;
  /** sum ÷ divisor as quantities are. */
  quantity: Quotient;
}

/**
 * What the records of one interval come to.
 * @param part.total sum of the values that count, × 10^12; of levels, of levels × nanoseconds
 * @param part.counted records that count
 * @param part.nanoseconds of the interval
 */
export function partValue(
  { aggregation }: Pick<DimensionTerms, 'aggregation'>,
  part: { total: bigint; counted: number; nanoseconds: bigint },
): ExactSum {
  const { total, nanoseconds } = part;
  const counted = BigInt(part.counted);
  const plain = { digits: FRACTION_DIGITS, divisor: 1n, divisorDigits: 0 };
  switch (aggregation) {
    case 'count':
    case 'unique':
      return { ...plain, sum: counted * SCALE, quantity: { numerator: counted * SCALE, denominator: 1n } };
    case 'average':
      // Corrections alone are no records: there is nothing to divide by.
      return {
        ...plain,
        sum: total,
        divisor: counted === 0n ? 1n : counted,
        quantity: { numerator: total, denominator: counted === 0n ? 1n : counted },
      };
    case 'time_weighted':
      return {
        sum: total,
        digits: FRACTION_DIGITS + SECOND_DIGITS,
        divisor: nanoseconds,
        divisorDigits: SECOND_DIGITS,
        quantity: { numerator: total, denominator: nanoseconds },
      };
    case 'time_integral':
      return {
        sum: total,
        digits: FRACTION_DIGITS + SECOND_DIGITS,
        divisor: HOUR_SECONDS,
        divisorDigits: 0,
        quantity: { numerator: total, denominator: HOUR_SECONDS * SECOND_NANO },
      };
    default:
      return { ...plain, sum: total, quantity: { numerator: total, denominator: 1n } };
  }
}

/** As the answer tells it. */
export function sumText({ sum, digits, divisor, divisorDigits, quantity }: ExactSum): {
  sum: string;
  divisor: string;
  quantity: string;
} {
  return {
    sum: decimalOf(sum, digits),
    divisor: decimalOf(divisor, divisorDigits),
    quantity: textFromScaled(roundedHalfEven(quantity)),
  };
}

/** What one record adds to the sum of its interval, exact: of a level, × the nanoseconds that it holds. */
export function contributionText(
  terms: Pick<DimensionTerms, 'aggregation'>,
  record: { counts: boolean; quantity: bigint; nanoseconds: bigint },
): string {
  if (!record.counts) return '0';
  if (isOfLevels(terms)) return levelSumText(record.quantity, record.nanoseconds);
  if (terms.aggregation === 'count' || terms.aggregation === 'unique') return '1';
  return textFromScaled(record.quantity);
}

/** A level × the seconds that it holds, exact. @param level × 10^12 */
export function levelSumText(level: bigint, nanoseconds: bigint): string {
  return decimalOf(level * nanoseconds, FRACTION_DIGITS + SECOND_DIGITS);
}

export function secondsText(nanoseconds: bigint): string {
  return decimalOf(nanoseconds, SECOND_DIGITS);
}

/** The shortest text of value ÷ 10^digits. */
function decimalOf(value: bigint, digits: number): string {
  if (digits === 0) return String(value);
  const magnitude = value < 0n ? -value : value;
  const scale = 10n ** BigInt(digits);
  const fraction = (magnitude % scale).toString().padStart(digits, '0').replace(/0+$/, '');
  const text = `${magnitude / scale}${fraction === '' ? '' : `.${fraction}`}`;
  return value < 0n ? `-${text}` : text;
}
