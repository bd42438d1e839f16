import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  readBigInt,
  scaledFromText,
  textFromScaled,
  writeBigInt,
  writeDouble,
  writeInt64,
} from '../../storage/decimal.ts';

const words = new Uint32Array(8);

function fromInt64(value: bigint): bigint {
  const bits = BigInt.asUintN(64, value);
  writeInt64(Number(bits & 0xffffffffn), Number(bits >> 32n), words, 3);
  return readBigInt(words, 3);
}

function fromDouble(value: number): string | null {
  return writeDouble(value, words, 2) ? textFromScaled(readBigInt(words, 2)) : null;
}

test.each([
  [0n],
  [1n],
  [-1n],
  [4294967295n],
  [-4294967296n],
  [9007199254740993n],
  [9223372036854775807n],
  [-9223372036854775808n],
])('int64 %s stays exact', (value) => {
  expect(fromInt64(value)).toBe(value * 10n ** 12n);
});

test('any int64 stays exact', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (value) => fromInt64(value) === value * 10n ** 12n,
    ),
    { numRuns: 20_000 },
  );
});

test.each([
  // double                 decimal of the shortest form, to 12 places half-even
  [0, '0'],
  [-0, '0'],
  [0.1, '0.1'],
  [-0.1, '-0.1'],
  [0.1 + 0.2, '0.3'],
  [1 / 3, '0.333333333333'],
  [2 / 3, '0.666666666667'],
  [12.5, '12.5'],
  [1e-12, '0.000000000001'],
  [5e-13, '0'],
  [1.5e-12, '0.000000000002'],
  [2.5e-12, '0.000000000002'],
  [Number.MIN_VALUE, '0'],
  [123456789.123456, '123456789.123456'],
  [999.999999999999, '999.999999999999'],
  [1000.0000000000001, '1000'],
  [9007199254740991, '9007199254740991'],
  [9007199254740992, '9007199254740992'],
  [1e21, '1000000000000000000000'],
  [-1e25, '-10000000000000000000000000'],
  [9.999999999999999e25, '99999999999999990000000000'],
  [1e26, null],
  [-1e300, null],
])('double %s is %s', (value, decimal) => {
  expect(fromDouble(value)).toBe(decimal);
});

test('any double is what its shortest form spells', () => {
  const magnitudes = fc.tuple(fc.double({ noNaN: true, min: -1, max: 1 }), fc.integer({ min: -14, max: 27 }));
  const short = fc.tuple(
    fc.integer({ min: -999_999_999, max: 999_999_999 }),
    fc.integer({ min: 0, max: 12 }),
  );
  const check = (value: number) => {
    const scaled = scaledFromText(String(value));
    expect(fromDouble(value)).toBe(scaled === null ? null : textFromScaled(scaled));
  };
  fc.assert(
    fc.property(magnitudes, ([mantissa, exponent]) => check(mantissa * 10 ** exponent)),
    { numRuns: 30_000 },
  );
  fc.assert(
    fc.property(short, ([digits, places]) => check(digits / 10 ** places)),
    { numRuns: 30_000 },
  );
});

test.each([
  ['12.5', '12.5'],
  ['+7', '7'],
  ['.5', '0.5'],
  ['5.', '5'],
  ['00012.500', '12.5'],
  ['1e3', '1000'],
  ['1.5E-3', '0.0015'],
  ['0.0000000000005', '0'],
  ['0.0000000000015', '0.000000000002'],
  ['0.00000000000050001', '0.000000000001'],
  ['99999999999999999999999999.999999999999', '99999999999999999999999999.999999999999'],
  ['99999999999999999999999999.9999999999999', null],
  ['100000000000000000000000000', null],
  ['1e400', null],
  ['1e-400', '0'],
  ['', null],
  ['.', null],
  ['e5', null],
  ['1,5', null],
  ['0x10', null],
  ['NaN', null],
  [' 1', null],
])('the text "%s" is %s', (text, decimal) => {
  const scaled = scaledFromText(text);
  expect(scaled === null ? null : textFromScaled(scaled)).toBe(decimal);
});

test('words hold any scaled value', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), (scaled) => {
      writeBigInt(scaled, words, 1);
      return readBigInt(words, 1) === scaled;
    }),
    { numRuns: 5_000 },
  );
});
