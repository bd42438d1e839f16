/**
 * Exact decimals of 26 integer and 12 fraction digits, kept as value × 10^12 in 128-bit two's complement: four
 * little-endian 32-bit words at a place of a Uint32Array, which is also how DuckDB keeps DECIMAL(38,12).
 */

/** Fraction digits of a quantity. */
export const FRACTION_DIGITS = 12;
const SCALE = 10n ** 12n;
/** Beyond this magnitude (10^26, exclusive) a value is out of range. */
export const QUANTITY_LIMIT = 10n ** 26n;
const SCALED_LIMIT = QUANTITY_LIMIT * SCALE;

// 10^12 = 5^12 × 2^12; 5^12 has 28 bits, so its product with a 24-bit limb is exact in a double.
const FIVE_POW_12 = 244_140_625;

/** Writes an int64 (two 32-bit words, two's complement) as a scaled decimal at `target[at..at+3]`. */
export function writeInt64(low: number, high: number, target: Uint32Array, at: number): void {
  low >>>= 0;
  high >>>= 0;
  const negative = high >>> 31 === 1;
  if (negative) {
    low = ~low >>> 0;
    high = ~high >>> 0;
    low = (low + 1) >>> 0;
    if (low === 0) high = (high + 1) >>> 0;
  }
  writeMagnitude(low, high, FIVE_POW_12, 12, target, at);
  if (negative) negate(target, at);
}

/**
 * Writes a finite double as the decimal that its shortest round-trip form spells, to 12 places half-even.
 * @returns false if it is out of range: then nothing was written
 */
export function writeDouble(value: number, target: Uint32Array, at: number): boolean {
  const magnitude = Math.abs(value);
  if (Number.isInteger(value) && magnitude <= Number.MAX_SAFE_INTEGER) {
    writeMagnitude(magnitude >>> 0, Math.floor(magnitude / 4294967296), FIVE_POW_12, 12, target, at);
    if (value < 0) negate(target, at);
    return true;
  }
  // A decimal of at most 15 significant digits that rounds to this double is the shortest form, so where the
  // scaled value is that short, it can be taken without spelling the number out.
  if (magnitude < 1e3) {
    const scaled = Math.round(magnitude * 1e12);
    if (scaled < 1e15 && scaled / 1e12 === magnitude) {
      writeMagnitude(scaled >>> 0, Math.floor(scaled / 4294967296), 1, 0, target, at);
      if (value < 0) negate(target, at);
      return true;
    }
  } else if (magnitude < 1e9) {
    const scaled = Math.round(magnitude * 1e6);
    if (scaled < 1e15 && scaled / 1e6 === magnitude) {
      // × 10^6 = 5^6 × 2^6
      writeMagnitude(scaled >>> 0, Math.floor(scaled / 4294967296), 15_625, 6, target, at);
      if (value < 0) negate(target, at);
      return true;
    }
  }
  const exact = scaledFromText(String(value));
  if (exact === null) return false;
  writeBigInt(exact, target, at);
  return true;
}

/** Writes a scaled value (value × 10^12) at `target[at..at+3]`. */
export function writeBigInt(scaled: bigint, target: Uint32Array, at: number): void {
  target[at] = Number(scaled & 0xffffffffn);
  target[at + 1] = Number((scaled >> 32n) & 0xffffffffn);
  target[at + 2] = Number((scaled >> 64n) & 0xffffffffn);
  target[at + 3] = Number((scaled >> 96n) & 0xffffffffn);
}

/** The scaled value (value × 10^12) at `source[at..at+3]`. */
export function readBigInt(source: Uint32Array, at: number): bigint {
  const unsigned =
    BigInt(source[at]) |
    (BigInt(source[at + 1]) << 32n) |
    (BigInt(source[at + 2]) << 64n) |
    (BigInt(source[at + 3]) << 96n);
  return BigInt.asIntN(128, unsigned);
}

/** Nobody writes a longer number; reading one takes more than linear time, and the text may be a stranger's. */
const MAX_TEXT_LENGTH = 1024;

/** ± digits × 10^power; without leading zeros, so '' is zero. */
export interface DecimalParts {
  isNegative: boolean;
  digits: string;
  power: number;
}

/** Reads a plain or exponent decimal ("12.5", "1e-7"). @returns null if it is none, or longer than 1,024 characters */
export function decimalParts(text: string): DecimalParts | null {
  if (text.length > MAX_TEXT_LENGTH) return null;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = '', exponentText = '0'] = match;
  if (whole.length + fraction.length === 0) return null;
  return {
    isNegative: sign === '-',
    digits: (whole + fraction).replace(/^0+/, ''),
    power: Number(exponentText) - fraction.length,
  };
}

/** Halves go to the even neighbour. The divisor is positive. */
export function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const magnitude = dividend < 0n ? -dividend : dividend;
  let quotient = magnitude / divisor;
  const twice = (magnitude % divisor) * 2n;
  if (twice > divisor || (twice === divisor && quotient % 2n === 1n)) quotient += 1n;
  return dividend < 0n ? -quotient : quotient;
}

/**
 * The scaled value of a plain or exponent decimal ("12.5", "1e-7"), rounded to 12 places half-even.
 * @returns null if it is no decimal, is longer than 1,024 characters or has more than 26 integer digits
 */
export function scaledFromText(text: string): bigint | null {
  const parts = decimalParts(text);
  if (parts === null) return null;
  const { isNegative, digits, power } = parts;
  if (digits === '') return 0n;
  if (digits.length + power > 26) return null;
  const shift = power + FRACTION_DIGITS;
  let scaled: bigint;
  if (shift >= 0) scaled = BigInt(digits) * 10n ** BigInt(shift);
  // Less than half of the last place; a power of this size may be beyond computing.
  else if (-shift > digits.length) scaled = 0n;
  else scaled = divideHalfEven(BigInt(digits), 10n ** BigInt(-shift));
  if (scaled >= SCALED_LIMIT) return null;
  return isNegative ? -scaled : scaled;
}

/** The shortest decimal text of a scaled value: "12.5", "-3", "0". */
export function textFromScaled(scaled: bigint): string {
  const negative = scaled < 0n;
  const magnitude = negative ? -scaled : scaled;
  const whole = magnitude / SCALE;
  const fraction = magnitude % SCALE;
  const text =
    fraction === 0n
      ? `${whole}`
      : `${whole}.${fraction.toString().padStart(FRACTION_DIGITS, '0').replace(/0+$/, '')}`;
  return negative ? `-${text}` : text;
}

/** target = magnitude × factor × 2^shift; magnitude is 64 bits, factor at most 28, shift at most 12. */
function writeMagnitude(
  low: number,
  high: number,
  factor: number,
  shift: number,
  target: Uint32Array,
  at: number,
): void {
  // Three limbs of 24, 24 and 16 bits; each product stays below 2^53.
  const p0 = (low & 0xffffff) * factor;
  const p1 = (((low >>> 24) | (high << 8)) & 0xffffff) * factor + Math.floor(p0 / 16777216);
  const p2 = (high >>> 16) * factor + Math.floor(p1 / 16777216);
  // The 92-bit product as limbs of 24, 24 and the rest (at most 44 bits), then words.
  const l0 = p0 % 16777216;
  const l1 = p1 % 16777216;
  const w0 = (l0 | (l1 << 24)) >>> 0;
  const rest = p2; // starts at bit 48
  const w1 = ((l1 >>> 8) | ((rest % 65536) << 16)) >>> 0;
  const upper = Math.floor(rest / 65536); // starts at bit 64, at most 28 bits
  if (shift === 0) {
    target[at] = w0;
    target[at + 1] = w1;
    target[at + 2] = upper;
    target[at + 3] = 0;
    return;
  }
  target[at] = (w0 << shift) >>> 0;
  target[at + 1] = ((w1 << shift) | (w0 >>> (32 - shift))) >>> 0;
  target[at + 2] = ((upper << shift) | (w1 >>> (32 - shift))) >>> 0;
  target[at + 3] = upper >>> (32 - shift);
}

function negate(target: Uint32Array, at: number): void {
  let carry = 1;
  for (let word = at; word < at + 4; word++) {
    const flipped = (~target[word] >>> 0) + carry;
    target[word] = flipped >>> 0;
    carry = flipped > 0xffffffff ? 1 : 0;
  }
}
