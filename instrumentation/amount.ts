/**
 * Exact amounts without bigints: a whole number and a fraction in units of 10^-12, both JavaScript numbers that stay
 * integers below 2^53, so adding them is exact. Pure.
 */

/** An exact decimal: whole + fraction × 10^-12. Both parts have the same sign, or one of them is zero. */
export interface Amount {
  /** Integer, |whole| ≤ 2^53 − 1. */
  whole: number;
  /** Integer, |fraction| < 10^12. */
  fraction: number;
}

/** 1 in units of an {@link Amount}'s fraction: usage is kept to twelve places. */
export const FRACTION_UNITS = 1e12;

/** Why a value is no amount. */
export type AmountFault = 'invalid_value' | 'value_out_of_range' | 'value_below_precision';

/**
 * The amount of a recorded value: an integer as it is; a double as the decimal that its shortest round-trip form
 * spells; text as a decimal ("12.5", "1e-7"). More than twelve places are rounded half-even, as the receiver does.
 * @returns the fault where it is no number, exceeds 2^53 − 1, or is not zero but would round to zero
 */
export function amountOf(value: unknown): Amount | AmountFault {
  switch (typeof value) {
    case 'number':
      return amountOfNumber(value);
    case 'bigint':
      if (value > MAX_WHOLE || value < -MAX_WHOLE) return 'value_out_of_range';
      return { whole: Number(value), fraction: 0 };
    case 'string':
      return amountOfText(value);
    default:
      return 'invalid_value';
  }
}

/**
 * The double whose shortest decimal form is exactly this amount, which is how a receiver reads a double.
 * @returns null where no double says it: such an amount travels as an integer and a fraction
 */
export function doubleOf(amount: Amount): number | null {
  // Read from its text, since the sum of the two parts can be the neighbour of the nearest double (6 + 0.341294).
  const sign = amount.whole < 0 || amount.fraction < 0 ? '-' : '';
  const fraction = String(Math.abs(amount.fraction)).padStart(12, '0');
  const double = Number(`${sign}${Math.abs(amount.whole)}.${fraction}`);
  const read = amountOf(double);
  return typeof read !== 'string' && read.whole === amount.whole && read.fraction === amount.fraction
    ? double
    : null;
}

const MAX_WHOLE = BigInt(Number.MAX_SAFE_INTEGER);
const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
/** Longer text is no number that anybody recorded on purpose; it bounds the work below. */
const MAX_TEXT_LENGTH = 400;

function amountOfNumber(value: number): Amount | AmountFault {
  if (Number.isInteger(value)) {
    // Adding zero turns −0 into 0.
    return Number.isSafeInteger(value) ? { whole: value + 0, fraction: 0 } : 'value_out_of_range';
  }
  if (!Number.isFinite(value)) return 'invalid_value';
  const magnitude = Math.abs(value);
  // A decimal of at most 15 significant digits that reads back as this double is its shortest form, and most
  // recorded fractions are one: no need to spell the number out.
  if (magnitude < 1e3) {
    const scaled = Math.round(magnitude * FRACTION_UNITS);
    if (scaled < 1e15 && scaled / FRACTION_UNITS === magnitude) {
      const whole = Math.floor(scaled / FRACTION_UNITS);
      const fraction = scaled - whole * FRACTION_UNITS;
      return value < 0 ? { whole: 0 - whole, fraction: 0 - fraction } : { whole, fraction };
    }
  }
  return amountOfText(String(value));
}

function amountOfText(text: string): Amount | AmountFault {
  if (text.length > MAX_TEXT_LENGTH) return 'invalid_value';
  const match = DECIMAL.exec(text);
  if (match === null) return 'invalid_value';
  const [, sign, wholeDigits, fractionDigits = '', exponent = '0'] = match;
  if (wholeDigits.length + fractionDigits.length === 0) return 'invalid_value';
  const digits = (wholeDigits + fractionDigits).replace(/^0+/, '');
  if (digits === '') return { whole: 0, fraction: 0 };
  // value = digits × 10^power; sixteen integer digits are the most that 2^53 has.
  const power = Number(exponent) - fractionDigits.length;
  if (digits.length + power > 16) return 'value_out_of_range';
  const scaled = scaledToTwelvePlaces(digits, power + 12);
  if (scaled === 0n) return 'value_below_precision';
  const whole = scaled / 1_000_000_000_000n;
  if (whole > MAX_WHOLE) return 'value_out_of_range';
  const fraction = Number(scaled % 1_000_000_000_000n);
  return sign === '-'
    ? { whole: 0 - Number(whole), fraction: 0 - fraction }
    : { whole: Number(whole), fraction };
}

/** digits × 10^shift as an integer, rounded half-even. */
function scaledToTwelvePlaces(digits: string, shift: number): bigint {
  if (shift >= 0) return BigInt(digits) * 10n ** BigInt(shift);
  if (-shift > digits.length) return 0n;
  const divisor = 10n ** BigInt(-shift);
  const exact = BigInt(digits);
  const floor = exact / divisor;
  const twice = (exact % divisor) * 2n;
  return twice > divisor || (twice === divisor && floor % 2n === 1n) ? floor + 1n : floor;
}
