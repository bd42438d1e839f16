import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Conversion,
  conversion,
  convertDouble,
  convertScaled,
  convertText,
  convertWords,
  isSameUnit,
  unitFault,
} from '../../../receiver/metering/units.ts';
import { readBigInt, scaledFromText, textFromScaled, writeBigInt } from '../../../storage/decimal.ts';

/** "3600/1", "same", or "none". */
function factor(from: string, to: string): string {
  const found = conversion(from, to);
  if (found === null) return 'none';
  return found === 'same' ? found : `${found.numerator}/${found.denominator}`;
}

describe('factors', () => {
  test.each([
    // from, to, factor
    // counts
    ['', '1', 'same'],
    ['{request}', '1', 'same'],
    ['{request}', '{token}', 'same'],
    ['{request}/min', '{token}/h', '60/1'],
    ['%', '1', '1/100'],
    ['10*3', '1', '1000/1'],
    ['10^3', '10*3', 'same'],
    ['10*-6', '[ppm]', 'same'],
    ['10*+2', '1', '100/1'],
    ['[ppth]', '%', '1/10'],
    ['[ppb]', '[pptr]', '1000/1'],
    ['1000.{token}', '{token}', '1000/1'],
    ['10', '1', '10/1'],
    ['100', '1', '100/1'],
    // time
    ['s', 'ms', '1000/1'],
    ['ms', 's', '1/1000'],
    ['us', 'ns', '1000/1'],
    ['min', 's', '60/1'],
    ['h', 's', '3600/1'],
    ['d', 'h', '24/1'],
    ['wk', 'd', '7/1'],
    ['a', 'd', '1461/4'],
    ['mo', 'd', '487/16'],
    ['mo', 's', '2629800/1'],
    ['a', 'mo', '12/1'],
    ['as', 's', '1/1000000000000000000'],
    // data
    ['By', 'bit', '8/1'],
    ['kBy', 'By', '1000/1'],
    ['KiBy', 'By', '1024/1'],
    ['GiBy', 'GBy', '2097152/1953125'],
    ['TiBy', 'MiBy', '1048576/1'],
    ['PiBy', 'TiBy', '1024/1'],
    ['EiBy', 'By', '1152921504606846976/1'],
    ['Gbit', 'MBy', '125/1'],
    ['Kibit', 'By', '128/1'],
    ['EBy', 'PBy', '1000/1'],
    // products, quotients, powers
    ['GBy.h', 'By.s', '3600000000000/1'],
    ['GiBy.h', 'GiBy.min', '60/1'],
    ['kBy.mo', 'kBy.h', '1461/2'],
    ['h.GBy', 'GBy.h', 'same'],
    ['By/s', 'By.s-1', 'same'],
    ['MBy/s', 'kBy/s', '1000/1'],
    ['s2', 'ms2', '1000000/1'],
    ['ks2', 's2', '1000000/1'],
    ['/s', 'Hz', 'same'],
    ['/min', 'Hz', '1/60'],
    // a solidus inverts the one unit that follows it, at the beginning too
    ['/s.By', 'By/s', 'same'],
    ['By/h.s', 'By', '1/3600'],
    ['kHz', '{request}/s', '1000/1'],
    ['By/s/s', 'By/s2', 'same'],
    ['By/(s.s)', 'By/s2', 'same'],
    ['m/s.kg', 'kg.m/s', 'same'],
    ['By{fs}/h{wall}', 'By/h', 'same'],
    ['s/s', '1', 'same'],
    ['s0', '1', 'same'],
    // other atoms
    ['kW.h', 'J', '3600000/1'],
    ['V.A', 'W', 'same'],
    ['mCel', 'Cel', '1/1000'],
    ['kg', 'g', '1000/1'],
    ['km', 'm', '1000/1'],
    ['m3', 'L', '1000/1'],
    ['mL', 'cm3', 'same'],
    ['dag', 'g', '10/1'],
    // what is an atom is no prefix with an atom
    ['min', 'm', 'none'],
    ['cd', 'd', 'none'],
    ['Pa', 'a', 'none'],
    ['mo', 's', '2629800/1'],
    // none
    ['s', '1', 'none'],
    ['By', '1', 'none'],
    ['By', 's', 'none'],
    ['By', 'By/s', 'none'],
    ['Cel', 'K', 'none'],
    ['mol', '1', 'none'],
    ['S', 's', 'none'],
    ['MS', 'ms', 'none'],
    // only metric atoms take prefixes, only data binary ones
    ['kmin', 'min', 'none'],
    ['k%', '%', 'none'],
    ['Kis', 's', 'none'],
    // opaque
    ['bytes', 'bytes', 'same'],
    ['bytes', 'By', 'none'],
    ['seconds', 's', 'none'],
    ['requests', '1', 'none'],
    ['requests', 'requests{all}', 'same'],
    ['USD', 'USD', 'same'],
    ['USD', 'EUR', 'none'],
    ['k(s', 'k(s', 'same'],
    ['[in_i]', 'm', 'none'],
    ['__proto__', '1', 'none'],
    ['constructor', '1', 'none'],
  ])('%j in %j: %s', (from, to, expected) => {
    expect(factor(from, to)).toBe(expected);
    // The cache answers the same.
    expect(factor(from, to)).toBe(expected);
    expect(isSameUnit(from, to)).toBe(expected === 'same');
  });
});

describe('faults', () => {
  test.each([
    ['', null],
    ['1', null],
    ['{seat}', null],
    ['GiBy.h', null],
    ['By/', '"By/" is no unit that is known here (it ends too early)'],
    ['.s', 'unexpected ".s"'],
    ['{a', 'a brace is not closed'],
    ['{a{b}}', 'braces within braces'],
    ['(s', 'a parenthesis is not closed'],
    ['s)', 'unexpected ")"'],
    ['s s', 'unexpected " s"'],
    ['By{a}{b}', 'unexpected "{b}"'],
    ['0', '0 is no unit'],
    ['s100', 'the exponent 100 is too large'],
    ['s1e9', 'unexpected "e9"'],
    ['10*99.10*99.10*99', 'its factor is too large'],
    ['9'.repeat(120), null],
    ['1'.repeat(129), 'at most 128 characters'],
    [`${'('.repeat(127)}s`, 'a parenthesis is not closed'],
    ['bytes', 'did you mean "By"?'],
    ['seconds', 'did you mean "s"?'],
    ['Seconds', 'did you mean "s"?'],
    ['milliseconds', 'did you mean "ms"?'],
    ['hours', 'did you mean "h"?'],
    ['µs', 'did you mean "us"?'],
    ['percent', 'did you mean "%"?'],
    ['B', 'did you mean "By"?'],
    ['GB', 'did you mean "GBy"?'],
    ['KB', 'did you mean "kBy"?'],
    ['MiB', 'did you mean "MiBy"?'],
    ['Gb', 'did you mean "Gbit"?'],
    ['GBh', 'did you mean "GBy.h"?'],
    ['GB.h', 'did you mean "GBy.h"?'],
    ['kWh', 'did you mean "kW.h"?'],
    ['requests', 'did you mean "{requests}"?'],
    ['requests/s', 'did you mean "{requests}/s"?'],
  ])('%j', (text, expected) => {
    const fault = unitFault(text);
    if (expected === null) expect(fault).toBeNull();
    else expect(fault).toContain(expected);
  });
});

/** A value converted in each of the three ways; they must agree. */
function converted(text: string, from: string, to: string): string {
  const factors = conversion(from, to) as Conversion;
  const scaled = scaledFromText(text)!;
  const result = textFromScaled(convertScaled(scaled, factors));
  const words = new Uint32Array(6).fill(7);
  writeBigInt(scaled, words, 1);
  expect(convertWords(words, 1, factors)).toBe(true);
  expect(textFromScaled(readBigInt(words, 1))).toBe(result);
  expect([words[0], words[5]]).toEqual([7, 7]);
  expect(textFromScaled(convertText(text, factors)!)).toBe(result);
  return result;
}

describe('values', () => {
  test.each([
    // value, from, to, result
    ['1', 'h', 's', '3600'],
    ['90', 'min', 'h', '1.5'],
    ['-90', 'min', 'h', '-1.5'],
    ['0', 'min', 'h', '0'],
    ['1', 's', 'min', '0.016666666667'],
    ['-1', 's', 'min', '-0.016666666667'],
    ['1', 'GiBy', 'GBy', '1.073741824'],
    ['1000000000', 'By', 'GiBy', '0.931322574615'],
    ['1', 'GBy.mo', 'GBy.h', '730.5'],
    ['12345678901234567890.123456789012', 'ms', 's', '12345678901234567.890123456789'],
    ['99999999999999999999999999.999999999999', 's', 'ms', null],
    ['99999999999999999999999999.999999999999', '1', '%', null],
    ['99999999999999999999999999.999999999999', '%', '1', '1000000000000000000000000'],
    // halves go to the even neighbour at the twelfth place
    ['0.00000000005', '%', '1', '0'],
    ['0.00000000015', '%', '1', '0.000000000002'],
    ['0.00000000025', '%', '1', '0.000000000002'],
    ['-0.00000000015', '%', '1', '-0.000000000002'],
    ['0.000000000051', '%', '1', '0.000000000001'],
    // factors beyond 2^36 go another way
    ['1', 'By', 'TiBy', '0.000000000001'],
    ['3', 'PBy', 'By', '3000000000000000'],
    ['-3', 'By.h', 'TBy.mo', '0'],
  ])('%s %s in %s is %s', (value, from, to, expected) => {
    if (expected !== null) {
      expect(converted(value, from, to)).toBe(expected);
      return;
    }
    const factors = conversion(from, to) as Conversion;
    const words = new Uint32Array(4);
    writeBigInt(scaledFromText(value)!, words, 0);
    const before = [...words];
    expect(convertWords(words, 0, factors)).toBe(false);
    expect([...words]).toEqual(before);
    expect(convertText(value, factors)).toBeNull();
  });

  test.each([
    // A limit is exclusive on both sides, on both ways.
    ['s', 'ms', 10n ** 35n - 1n, true],
    ['s', 'ms', 10n ** 35n, false],
    ['s', 'ms', -(10n ** 35n), false],
    ['PBy', 'By', 10n ** 23n - 1n, true],
    ['PBy', 'By', 10n ** 23n, false],
    ['PBy', 'By', -(10n ** 23n), false],
    ['ks', 's', 2n ** 127n - 1n, false],
  ])('%s in %s of %s at the limit: %s', (from, to, scaled, expected) => {
    const words = new Uint32Array(4);
    writeBigInt(scaled, words, 0);
    expect(convertWords(words, 0, conversion(from, to) as Conversion)).toBe(expected);
  });

  test.each([
    // The places beyond the twelfth would be lost if the double were rounded first.
    [1.23456789e-13, 'TBy', 'By', '0.123456789'],
    [1e-300, 'TBy', 'By', '0'],
    [0.1, 'h', 's', '360'],
    [-0.1, 'h', 's', '-360'],
    [1e25, 'ms', 's', '10000000000000000000000'],
    [1e28, 'ms', 's', '10000000000000000000000000'],
    [1e29, 'ms', 's', null],
    [Number.MAX_VALUE, 'ms', 's', null],
    [Number.NaN, 'ms', 's', null],
    [Number.POSITIVE_INFINITY, 'ms', 's', null],
    [-0, 'ms', 's', '0'],
  ])('double %s %s in %s is %s', (value, from, to, expected) => {
    const scaled = convertDouble(value, conversion(from, to) as Conversion);
    expect(scaled === null ? null : textFromScaled(scaled)).toBe(expected);
  });

  test.each([
    ['1e-13', '0.0000001'],
    ['.5', '500000'],
    ['5.', '5000000'],
    ['+1', '1000000'],
    ['1e999999999', null],
    ['1e-999999999', '0'],
    ['0e999999999', '0'],
    ['', null],
    ['.', null],
    ['1,5', null],
    ['0x10', null],
    [`0.${'1'.repeat(1100)}`, null],
  ])('text %j MBy in By is %s', (text, expected) => {
    const scaled = convertText(text, conversion('MBy', 'By') as Conversion);
    expect(scaled === null ? null : textFromScaled(scaled)).toBe(expected);
  });
});

// --- properties: a model that knows each atom as a fraction of a base, and multiplies naively --------------------

type Fraction = readonly [bigint, bigint];
const MODEL: Record<string, Record<string, Fraction>> = {
  time: {
    ns: [1n, 1_000_000_000n],
    us: [1n, 1_000_000n],
    ms: [1n, 1_000n],
    s: [1n, 1n],
    min: [60n, 1n],
    h: [3_600n, 1n],
    d: [86_400n, 1n],
    wk: [604_800n, 1n],
    mo: [2_629_800n, 1n],
    a: [31_557_600n, 1n],
  },
  data: {
    bit: [1n, 1n],
    kbit: [1_000n, 1n],
    By: [8n, 1n],
    kBy: [8_000n, 1n],
    KiBy: [8_192n, 1n],
    MBy: [8_000_000n, 1n],
    GBy: [8_000_000_000n, 1n],
    GiBy: [8_589_934_592n, 1n],
    TBy: [8_000_000_000_000n, 1n],
    EiBy: [9_223_372_036_854_775_808n, 1n],
  },
  count: { '1': [1n, 1n], '%': [1n, 100n], '{x}': [1n, 1n], '10*3': [1_000n, 1n], '[ppm]': [1n, 1_000_000n] },
};

const component = fc.record({
  kind: fc.constantFrom('time', 'data', 'count'),
  place: fc.nat({ max: 9 }),
  exponent: fc.constantFrom(-2, -1, 1, 2, 3),
});

/** Two to three units of one dimension, with their values in base units. */
const alike = fc.array(component, { minLength: 1, maxLength: 3 }).chain((components) =>
  fc
    .array(fc.array(fc.nat({ max: 9 }), { minLength: components.length, maxLength: components.length }), {
      minLength: 3,
      maxLength: 3,
    })
    .map((places) =>
      places.map((chosen) => modelUnit(components.map((one, index) => ({ ...one, place: chosen[index] })))),
    ),
);

interface ModelUnit {
  text: string;
  value: Fraction;
}

function modelUnit(components: { kind: string; place: number; exponent: number }[]): ModelUnit {
  let [up, down]: Fraction = [1n, 1n];
  let text = '';
  for (const { kind, place, exponent } of components) {
    const units = Object.entries(MODEL[kind]);
    const [name, [a, b]] = units[place % units.length];
    // Counts take no exponent after a digit or an annotation: written out instead.
    for (let times = Math.abs(exponent); times > 0; times--) {
      if (kind === 'count') text += `${exponent < 0 ? '/' : text === '' ? '' : '.'}${name}`;
      [up, down] = exponent > 0 ? [up * a, down * b] : [up * b, down * a];
    }
    if (kind !== 'count') text += `${text === '' ? '' : '.'}${name}${exponent === 1 ? '' : exponent}`;
  }
  return { text, value: [up, down] };
}

const scaledValue = fc.oneof(
  fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
  fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
  fc.bigInt({ min: -1000n, max: 1000n }),
);

/** The quotient to the nearest integer by definition: no integer is closer, and of two it is the even one. */
function expectNearest(result: bigint, dividend: bigint, divisor: bigint): void {
  const twice = 2n * (result * divisor - dividend);
  const distance = twice < 0n ? -twice : twice;
  expect(distance <= divisor).toBe(true);
  if (distance === divisor) expect(result % 2n).toBe(0n);
}

describe('properties', () => {
  test('a conversion is the quotient of both units, there and back', () => {
    fc.assert(
      fc.property(alike, ([from, to]) => {
        const [fromUp, fromDown] = from.value;
        const [toUp, toDown] = to.value;
        const up = fromUp * toDown;
        const down = fromDown * toUp;
        const there = conversion(from.text, to.text);
        const back = conversion(to.text, from.text);
        if (there === null || back === null) throw new Error(`${from.text} must convert to ${to.text}`);
        if (there === 'same' || back === 'same') {
          expect([up, there, back]).toEqual([down, 'same', 'same']);
          return;
        }
        expect(there.numerator * down).toBe(there.denominator * up);
        expect([back.numerator, back.denominator]).toEqual([there.denominator, there.numerator]);
      }),
    );
  });

  test('conversions are transitive', () => {
    const asFraction = (found: Conversion | 'same' | null): Fraction => {
      if (found === null) throw new Error('must convert');
      return found === 'same' ? [1n, 1n] : [found.numerator, found.denominator];
    };
    fc.assert(
      fc.property(alike, ([a, b, c]) => {
        const [abUp, abDown] = asFraction(conversion(a.text, b.text));
        const [bcUp, bcDown] = asFraction(conversion(b.text, c.text));
        const [acUp, acDown] = asFraction(conversion(a.text, c.text));
        expect(abUp * bcUp * acDown).toBe(abDown * bcDown * acUp);
      }),
    );
  });

  test('a value is the nearest there is, halves to even, in words as in bigints', () => {
    fc.assert(
      fc.property(alike, scaledValue, ([from, to], scaled) => {
        const factors = conversion(from.text, to.text);
        if (factors === null || factors === 'same') return;
        const result = convertScaled(scaled, factors);
        expectNearest(result, scaled * factors.numerator, factors.denominator);
        const words = new Uint32Array(4);
        writeBigInt(scaled, words, 0);
        const fits = result < 10n ** 38n && result > -(10n ** 38n);
        expect(convertWords(words, 0, factors)).toBe(fits);
        expect(readBigInt(words, 0)).toBe(fits ? result : scaled);
        const text = convertText(textFromScaled(scaled), factors);
        expect(text).toBe(fits ? result : null);
      }),
      { numRuns: 1000 },
    );
  });

  test('small factors of any size, in words as in bigints', () => {
    const factorPart = fc.oneof(fc.integer({ min: 1, max: 2 ** 36 }), fc.integer({ min: 1, max: 4000 }));
    fc.assert(
      fc.property(factorPart, factorPart, scaledValue, (up, down, scaled) => {
        const factors = conversion(`${up}.s`, `${down}.s`);
        if (factors === null || factors === 'same') return;
        expect(factors.smallNumerator).toBeGreaterThan(0);
        const result = convertScaled(scaled, factors);
        expectNearest(result, scaled * factors.numerator, factors.denominator);
        const words = new Uint32Array(4);
        writeBigInt(scaled, words, 0);
        const fits = result < 10n ** 38n && result > -(10n ** 38n);
        expect(convertWords(words, 0, factors)).toBe(fits);
        expect(readBigInt(words, 0)).toBe(fits ? result : scaled);
      }),
      { numRuns: 1000 },
    );
  });

  test('any double is converted as its shortest form spells', () => {
    fc.assert(
      fc.property(alike, fc.double({ noNaN: true, noDefaultInfinity: true }), ([from, to], value) => {
        const factors = conversion(from.text, to.text);
        if (factors === null || factors === 'same') return;
        const [, sign, whole, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e(.+))?$/.exec(
          String(value),
        )!;
        const exponent = Number(power) - fraction.length + 12;
        const digits = BigInt(whole + fraction) * (sign === '' ? 1n : -1n);
        const dividend = digits * factors.numerator * (exponent > 0 ? 10n ** BigInt(exponent) : 1n);
        const divisor = factors.denominator * (exponent < 0 ? 10n ** BigInt(-exponent) : 1n);
        const result = convertDouble(value, factors);
        if (result !== null) expectNearest(result, dividend, divisor);
        else expect((dividend < 0n ? -dividend : dividend) / divisor >= 10n ** 38n - 1n).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('any text is read or refused, and equals itself', () => {
    const piece = fc.constantFrom(
      's',
      'By',
      'Ki',
      'k',
      '.',
      '/',
      '{',
      '}',
      '(',
      ')',
      '2',
      '-',
      '10*',
      '%',
      'x',
      ' ',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(conversion(a, a)).toBe('same');
        const there = conversion(a, b);
        const back = conversion(b, a);
        expect(there === null).toBe(back === null);
        // Opaque units never convert into others, but for what annotations hide.
        if (unitFault(a) !== null && there !== null) expect(there).toBe('same');
        if (unitFault(a) === null && unitFault(b) !== null) expect(there).toBeNull();
      }),
      { numRuns: 1000 },
    );
  });

  test('more units than the cache holds', () => {
    for (let index = 1; index < 6000; index++)
      expect(factor(`${index}.s`, 's')).toBe(index === 1 ? 'same' : `${index}/1`);
    expect(factor('60.s', 's')).toBe('60/1');
  });
});
