/** A quantity as files spell it, to the plain decimal text that the API takes. (Pure.) */
import { FRACTION_DIGITS, scaledFromText, textFromScaled } from '../../storage/decimal.ts';

const NUMBER = /^[+-]?(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d{1,6}))?$/;
/** Longer ones are no quantity that anybody measured. */
const MAX_LENGTH = 1024;

export interface Quantity {
  /** Value × 10^12. */
  scaled: bigint;
  /** "12.5" */
  text: string;
}

/**
 * @param rounds to 12 places half-even, where more are given; else that is a fault
 * @returns what is wrong, to follow the column's name, where it is no quantity
 */
export function quantityFromText(text: string, rounds: boolean): Quantity | { problem: string } {
  const trimmed = text.trim();
  const match = trimmed.length > MAX_LENGTH ? null : NUMBER.exec(trimmed);
  if (match === null) return { problem: notANumber(trimmed) };
  const scaled = scaledFromText(trimmed);
  if (scaled === null) return { problem: 'has more than 26 integer digits' };
  if (!rounds && fractionDigits(match[1], Number(match[2] ?? 0)) > FRACTION_DIGITS) {
    return { problem: `has more than ${FRACTION_DIGITS} fraction digits (--round-values rounds)` };
  }
  return { scaled, text: textFromScaled(scaled) };
}

function notANumber(text: string): string {
  return text.length <= MAX_LENGTH && /^[+-]?[\d.,' ]+$/.test(text) && /\d/.test(text)
    ? 'must be a number with a point before its fraction, and without separators, like 1234.5'
    : 'must be a number, like 12.5';
}

/** Of a decimal without sign × 10^exponent; zeros at the end are none. */
function fractionDigits(digits: string, exponent: number): number {
  const [whole, fraction = ''] = digits.split('.');
  if (exponent === 0 && fraction.length <= FRACTION_DIGITS) return fraction.length;
  const significant = (whole + fraction).replace(/0+$/, '');
  if (/^0*$/.test(significant)) return 0;
  return significant.length - whole.length - exponent;
}
