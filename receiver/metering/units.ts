/**
 * Exact conversion between units of measure, in rational arithmetic.
 *
 * What ucum.ts cannot read, such as "bytes" or "requests", is an opaque unit that equals only itself.
 */
import {
  decimalParts,
  divideHalfEven,
  FRACTION_DIGITS,
  QUANTITY_LIMIT,
  readBigInt,
  writeBigInt,
} from '../../storage/decimal.ts';
import { intendedUnit, lowestTerms, MAX_FACTOR_BITS, MAX_UNIT_LENGTH, readUnit, type Unit } from './ucum.ts';

/** By what a value is multiplied: numerator / denominator, both positive, in lowest terms. */
export interface Conversion {
  readonly numerator: bigint;
  readonly denominator: bigint;
  /** Both as numbers where they are small enough for {@link convertWords} without bigints, else 0. */
  readonly smallNumerator: number;
  readonly smallDenominator: number;
}

/** Units come from the network: when this many are known, all are forgotten and parsed again as they come. */
const MAX_CACHED = 2048;

const SCALE = 10n ** BigInt(FRACTION_DIGITS);
const SCALED_LIMIT = QUANTITY_LIMIT * SCALE;

const conversions = new Map<string, Map<string, Conversion | 'same' | null>>();
let cachedConversions = 0;

/**
 * How values in one unit become values in another.
 * @returns 'same' where nothing changes (annotations mean nothing, an empty unit is 1); null where there is no way
 */
export function conversion(from: string, to: string): Conversion | 'same' | null {
  if (from === to) return 'same';
  const known = conversions.get(from)?.get(to);
  if (known !== undefined) return known;
  const found = findConversion(from, to);
  if (from.length > MAX_UNIT_LENGTH || to.length > MAX_UNIT_LENGTH) return found;
  if (cachedConversions >= MAX_CACHED) {
    conversions.clear();
    cachedConversions = 0;
  }
  let targets = conversions.get(from);
  if (targets === undefined) {
    targets = new Map();
    conversions.set(from, targets);
  }
  targets.set(to, found);
  cachedConversions++;
  return found;
}

/** Whether values in `unit` can be added to a dimension kept in `dimensionUnit` as they are. */
export function isSameUnit(unit: string, dimensionUnit: string): boolean {
  return conversion(unit, dimensionUnit) === 'same';
}

/** What keeps text from being a unit that converts, with what may have been meant; null where nothing does. */
export function unitFault(text: string): string | null {
  if (text.length > MAX_UNIT_LENGTH) return `a unit has at most ${MAX_UNIT_LENGTH} characters`;
  const unit = parseUnit(text);
  if (typeof unit !== 'string') return null;
  const meant = intendedUnit(text);
  const hint = meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`;
  const reason = unit === `"${text}" is unknown` ? '' : ` (${unit})`;
  return `${JSON.stringify(text)} is no unit that is known here${reason}${hint}`;
}

/**
 * A scaled value (value × 10^12) in the other unit, rounded half-even at the twelfth place. The result may be out of
 * range.
 */
export function convertScaled(scaled: bigint, { numerator, denominator }: Conversion): bigint {
  return divideHalfEven(scaled * numerator, denominator);
}

/**
 * A finite double in the other unit, as a scaled value. The decimal that its shortest round-trip form spells is
 * converted exactly and rounded once, so that places beyond the twelfth are not lost where the factor is large.
 * @returns null if the result is out of range, or the double is not finite
 */
export function convertDouble(value: number, conversion: Conversion): bigint | null {
  return Number.isFinite(value) ? convertText(String(value), conversion) : null;
}

/**
 * A plain or exponent decimal ("12.5", "1e-20") in the other unit, as a scaled value: converted exactly, rounded once.
 * @returns null if the result is out of range, or the text is no decimal of at most 1,024 characters
 */
export function convertText(text: string, { numerator, denominator }: Conversion): bigint | null {
  const parts = decimalParts(text);
  if (parts === null) return null;
  const { isNegative, digits, power } = parts;
  if (digits === '') return 0n;
  // Factors have at most MAX_FACTOR_BITS / 3 digits: beyond these powers it is certain
  // that the result is out of range, or nothing.
  if (digits.length + power > 26 + MAX_FACTOR_BITS) return null;
  if (digits.length + power < -FRACTION_DIGITS - MAX_FACTOR_BITS) return 0n;
  const shift = power + FRACTION_DIGITS;
  let dividend = BigInt(digits) * numerator;
  let divisor = denominator;
  if (shift >= 0) dividend *= 10n ** BigInt(shift);
  else divisor *= 10n ** BigInt(-shift);
  const scaled = divideHalfEven(dividend, divisor);
  if (scaled >= SCALED_LIMIT) return null;
  return isNegative ? -scaled : scaled;
}

/** The limbs of {@link convertWords}: 128 bits, and what a small numerator adds. */
const limbs = new Float64Array(11);
/** Beyond this a product of a limb and a factor, or of a remainder and 2^16, would not be exact in a double. */
const MAX_SMALL_FACTOR = 2 ** 36;

/**
 * Converts a scaled value (four 32-bit words, two's complement) in place, rounded half-even at the twelfth place.
 * @returns false if the result has more than 26 integer digits: then nothing was written
 */
export function convertWords(quantity: Uint32Array, at: number, conversion: Conversion): boolean {
  const { smallNumerator, smallDenominator } = conversion;
  if (smallNumerator === 0) {
    const scaled = convertScaled(readBigInt(quantity, at), conversion);
    if (scaled >= SCALED_LIMIT || scaled <= -SCALED_LIMIT) return false;
    writeBigInt(scaled, quantity, at);
    return true;
  }
  const negative = quantity[at + 3] >>> 31 === 1;
  loadMagnitude(quantity, at, negative);
  let carry = 0;
  for (let limb = 0; limb < 8; limb++) {
    const product = limbs[limb] * smallNumerator + carry;
    carry = Math.floor(product / 65536);
    limbs[limb] = product - carry * 65536;
  }
  for (let limb = 8; limb < 11; limb++) {
    const upper = Math.floor(carry / 65536);
    limbs[limb] = carry - upper * 65536;
    carry = upper;
  }
  if (smallDenominator !== 1) {
    let remainder = 0;
    let top = 10;
    while (top > 0 && limbs[top] === 0) top--;
    for (let limb = top; limb >= 0; limb--) {
      const dividend = remainder * 65536 + limbs[limb];
      const quotient = Math.floor(dividend / smallDenominator);
      remainder = dividend - quotient * smallDenominator;
      limbs[limb] = quotient;
    }
    const twice = remainder * 2;
    if (twice > smallDenominator || (twice === smallDenominator && limbs[0] % 2 === 1)) addOne();
  }
  if (isOutOfRange()) return false;
  storeMagnitude(quantity, at, negative);
  return true;
}

function loadMagnitude(quantity: Uint32Array, at: number, negative: boolean): void {
  let carry = negative ? 1 : 0;
  for (let word = 0; word < 4; word++) {
    let bits = quantity[at + word];
    if (negative) {
      bits = (~bits >>> 0) + carry;
      carry = bits > 0xffffffff ? 1 : 0;
    }
    limbs[2 * word] = bits & 0xffff;
    limbs[2 * word + 1] = (bits >>> 16) & 0xffff;
  }
}

function storeMagnitude(quantity: Uint32Array, at: number, negative: boolean): void {
  let carry = negative ? 1 : 0;
  for (let word = 0; word < 4; word++) {
    let bits = limbs[2 * word] + limbs[2 * word + 1] * 65536;
    if (negative) {
      bits = 0xffffffff - bits + carry;
      carry = bits > 0xffffffff ? 1 : 0;
    }
    quantity[at + word] = bits;
  }
}

function addOne(): void {
  for (let limb = 0; limb < limbs.length; limb++) {
    if (limbs[limb] < 65535) {
      limbs[limb]++;
      return;
    }
    limbs[limb] = 0;
  }
}

const LIMIT_LIMBS = Array.from({ length: 8 }, (_, limb) =>
  Number((SCALED_LIMIT >> BigInt(16 * limb)) & 0xffffn),
);

function isOutOfRange(): boolean {
  if (limbs[10] !== 0 || limbs[9] !== 0 || limbs[8] !== 0) return true;
  for (let limb = 7; limb >= 0; limb--) {
    if (limbs[limb] !== LIMIT_LIMBS[limb]) return limbs[limb] > LIMIT_LIMBS[limb];
  }
  return true;
}

function findConversion(from: string, to: string): Conversion | 'same' | null {
  const source = parseUnit(from);
  const target = parseUnit(to);
  if (typeof source === 'string' || typeof target === 'string') {
    return withoutAnnotations(from) === withoutAnnotations(to) ? 'same' : null;
  }
  if (source.dimension !== target.dimension) return null;
  const { numerator, denominator } = lowestTerms(
    source.numerator * target.denominator,
    source.denominator * target.numerator,
  );
  if (numerator === denominator) return 'same';
  const isSmall = numerator <= MAX_SMALL_FACTOR && denominator <= MAX_SMALL_FACTOR;
  return {
    numerator,
    denominator,
    smallNumerator: isSmall ? Number(numerator) : 0,
    smallDenominator: isSmall ? Number(denominator) : 0,
  };
}

function withoutAnnotations(unit: string): string {
  return unit.replace(/\{[^{}]*\}/g, '') || '1';
}

const parsed = new Map<string, Unit | string>();

/** @returns the unit, or what is wrong with the text */
function parseUnit(text: string): Unit | string {
  if (text.length > MAX_UNIT_LENGTH) return `it has more than ${MAX_UNIT_LENGTH} characters`;
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const unit = readUnit(text);
  if (parsed.size >= MAX_CACHED) parsed.clear();
  parsed.set(text, unit);
  return unit;
}
