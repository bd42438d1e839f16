import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Amount, amountOf, doubleOf } from '../../instrumentation/amount.ts';
import { pico } from './capture-server.ts';

const pairs = (amount: Amount) => [amount.whole, amount.fraction];

test.each<[string, unknown, number, number]>([
  // what            value               whole              fraction (10^-12)
  ['zero', 0, 0, 0],
  ['minus zero', -0, 0, 0],
  ['integer', 42, 42, 0],
  ['largest', 2 ** 53 - 1, 9007199254740991, 0],
  ['smallest', -(2 ** 53 - 1), -9007199254740991, 0],
  ['bigint', 9007199254740991n, 9007199254740991, 0],
  ['tenth', 0.1, 0, 1e11],
  ['sum of doubles', 0.1 + 0.2, 0, 300000000000],
  ['third', 1 / 3, 0, 333333333333],
  ['credit', -1.5, -1, -5e11],
  ['many digits', 1234567890.1234567, 1234567890, 123456700000],
  ['exponent', 1e-7, 0, 100000],
  ['half of the last place, to even', '0.0000000000025', 0, 2],
  ['half of the last place, to even', '0.0000000000035', 0, 4],
  ['text', '12.000000000001', 12, 1],
  ['text with sign', '+7', 7, 0],
  ['text without whole', '.5', 0, 5e11],
  ['text without fraction', '5.', 5, 0],
  ['text with exponent', '2.5e3', 2500, 0],
  ['rounds up into the whole', '0.9999999999996', 1, 0],
])('amount of %s', (_, value, whole, fraction) => {
  expect(pairs(amountOf(value) as Amount)).toEqual([whole, fraction]);
});

test.each<[string, unknown, string]>([
  ['NaN', Number.NaN, 'invalid_value'],
  ['infinity', Number.POSITIVE_INFINITY, 'invalid_value'],
  ['nothing', undefined, 'invalid_value'],
  ['null', null, 'invalid_value'],
  ['boolean', true, 'invalid_value'],
  ['object', { valueOf: () => 1 }, 'invalid_value'],
  ['empty text', '', 'invalid_value'],
  ['a dot', '.', 'invalid_value'],
  ['words', 'twelve', 'invalid_value'],
  ['hexadecimal', '0x10', 'invalid_value'],
  ['blanks', ' 1', 'invalid_value'],
  ['a very long text', '1'.repeat(500), 'invalid_value'],
  ['2^53', 2 ** 53, 'value_out_of_range'],
  ['2^53 as bigint', 2n ** 53n, 'value_out_of_range'],
  ['−2^53 as bigint', -(2n ** 53n), 'value_out_of_range'],
  ['2^53 as text', '9007199254740992', 'value_out_of_range'],
  ['a huge exponent', '1e300', 'value_out_of_range'],
  ['a half billionth of a thousandth', 4e-13, 'value_below_precision'],
  ['the smallest double', 5e-324, 'value_below_precision'],
])('no amount: %s', (_, value, fault) => {
  expect(amountOf(value)).toBe(fault);
});

describe('properties', () => {
  test('a decimal of twelve places is taken exactly, as text and, up to 15 digits, as a double', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n }),
        fc.integer({ min: 0, max: 12 }),
        (digits, places) => {
          const text = `${digits}e-${places}`;
          const exact = pico(text);
          for (const value of [text, Number(text)]) {
            const amount = amountOf(value) as Amount;
            expect(BigInt(amount.whole) * 10n ** 12n + BigInt(amount.fraction)).toBe(exact);
          }
        },
      ),
      { numRuns: 5000 },
    );
  });

  test('doubleOf says exactly the amount, or nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.integer({ min: 0, max: 1e12 - 1 }),
        (whole, fraction) => {
          const double = doubleOf({ whole, fraction });
          // pico refuses a text beyond twelve places: 6 + 0.341294 would be 6.3412939999999995.
          if (double !== null)
            expect(pico(String(double))).toBe(BigInt(whole) * 10n ** 12n + BigInt(fraction));
          // Fifteen digits always fit a double.
          if (whole < 1000) expect(double).not.toBeNull();
        },
      ),
      {
        numRuns: 5000,
        examples: [
          [6, 341_294_000_000],
          [57, 340_287_000_000],
        ],
      },
    );
  });
});
