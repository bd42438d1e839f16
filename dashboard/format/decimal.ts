/** Exact decimals as texts: "12.5". They are never made a float, except for how tall a bar is. (Pure.) */

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;
/** What a quantity may have at most: 26 integer and 12 fraction digits. */
const MAX_INTEGER_DIGITS = 26;
export const MAX_FRACTION_DIGITS = 12;
const SCALE = 10n ** BigInt(MAX_FRACTION_DIGITS);

/** Groups of three before the point, apart by a narrow space, to read: "1234567.125" is "1 234 567.125". */
export function grouped(decimal: string): string {
  const match = DECIMAL.exec(decimal);
  if (match === null) return decimal;
  const [, sign, integer, fraction] = match;
  const groups = integer.replaceAll(/\B(?=(\d{3})+$)/g, '\u202f');
  return `${sign === '' ? '' : '−'}${groups}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** What is wrong with a text as a quantity, for whoever types it; null where it is one. */
export function decimalFault(text: string): string | null {
  if (text === '') return 'Enter a number, like 12.5';
  const match = DECIMAL.exec(text);
  if (match === null)
    return text.includes(',')
      ? 'Write a decimal point, and no separators of thousands: 1234.5'
      : 'Digits and at most one decimal point, like 12.5';
  if (match[2].length > MAX_INTEGER_DIGITS) return `At most ${MAX_INTEGER_DIGITS} digits before the point`;
  if ((match[3] ?? '').length > MAX_FRACTION_DIGITS)
    return `At most ${MAX_FRACTION_DIGITS} digits after the point`;
  return null;
}

/** The value × 10^12; more fraction digits are cut. @throws Error unless it is a decimal */
export function scaled(decimal: string): bigint {
  const match = DECIMAL.exec(decimal);
  if (match === null) throw new Error(`a decimal is expected, like 12.5 (got ${JSON.stringify(decimal)})`);
  const [, sign, integer, fraction = ''] = match;
  const magnitude = BigInt(integer + fraction.slice(0, MAX_FRACTION_DIGITS).padEnd(MAX_FRACTION_DIGITS, '0'));
  return sign === '' ? magnitude : -magnitude;
}

/** The decimal of a value × 10^12, without zeros at its end. */
export function fromScaled(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  const fraction = (magnitude % SCALE).toString().padStart(MAX_FRACTION_DIGITS, '0').replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${magnitude / SCALE}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The exact sum. */
export function sumOf(decimals: Iterable<string>): string {
  let sum = 0n;
  for (const decimal of decimals) sum += scaled(decimal);
  return fromScaled(sum);
}

/** For the place of a pixel, and for nothing that anybody reads or copies. */
export function toPixelValue(decimal: string): number {
  return Number(decimal);
}
