import { describe, expect, test } from 'vitest';
import { quantityFromText } from '../../../cli/import/record-value.ts';

describe('a quantity keeps every digit', () => {
  test.each([
    //  text                                        in the API
    ['9007199254740993', '9007199254740993'],
    ['0.1', '0.1'],
    ['1e-7', '0.0000001'],
    ['1E+3', '1000'],
    ['-12.50', '-12.5'],
    ['+3', '3'],
    [' 3\t', '3'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['-0', '0'],
    ['0e999', '0'],
    ['12345678901234567890123456.123456789012', '12345678901234567890123456.123456789012'],
    ['99999999999999999999999999.999999999999', '99999999999999999999999999.999999999999'],
    ['0.000000000001', '0.000000000001'],
    ['0.1230000000000000', '0.123'],
    ['123e-14', 'has more than 12 fraction digits (--round-values rounds)'],
    ['120e-13', '0.000000000012'],
    ['0.1234567890123', 'has more than 12 fraction digits (--round-values rounds)'],
    ['100000000000000000000000000', 'has more than 26 integer digits'],
    ['1e26', 'has more than 26 integer digits'],
    ['1e999999', 'has more than 26 integer digits'],
    ['1,234.5', 'must be a number with a point before its fraction, and without separators, like 1234.5'],
    ['12,5', 'must be a number with a point before its fraction, and without separators, like 1234.5'],
    ['1 000', 'must be a number with a point before its fraction, and without separators, like 1234.5'],
    ['oops', 'must be a number, like 12.5'],
    ['NaN', 'must be a number, like 12.5'],
    ['inf', 'must be a number, like 12.5'],
    ['0x10', 'must be a number, like 12.5'],
    ['true', 'must be a number, like 12.5'],
    ['.', 'must be a number, like 12.5'],
    ['1e', 'must be a number, like 12.5'],
    ['1'.repeat(100_000), 'must be a number, like 12.5'],
    [`${'1'.repeat(100_000)}x`, 'must be a number, like 12.5'],
  ])('%.50s', (text, expected) => {
    const quantity = quantityFromText(text, false);
    expect('problem' in quantity ? quantity.problem : quantity.text).toBe(expected);
  });
});

test.each([
  ['0.30000000000000004', '0.3'],
  ['0.0000000000005', '0'],
  ['0.0000000000015', '0.000000000002'],
])('rounded half to even where that is asked for: %s', (text, expected) => {
  expect(quantityFromText(text, true)).toMatchObject({ text: expected });
});
