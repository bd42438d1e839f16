import { describe, expect, test } from 'vitest';
import { scaledFromText, textFromScaled } from '../../../storage/decimal.ts';
import { amountText, billableQuantity, type Rounding } from '../../../storage/query/billable.ts';

describe('billable quantity', () => {
  test.each<[string, string | null, Rounding | null, string]>([
    //  quantity  increment  rounding  billable
    ['12.5', null, null, '12.5'],
    ['12.5', null, 'floor', '12.5'],
    ['12.5', '1', null, '13'],
    ['12.4', '1', 'round', '12'],
    ['12.5', '1', 'round', '13'],
    ['12.5', '1', 'floor', '12'],
    ['12.000000000001', '1', 'ceiling', '13'],
    ['12', '1', 'ceiling', '12'],
    ['-12.5', '1', 'round', '-13'],
    ['-12.4', '1', 'round', '-12'],
    ['-12.6', '1', 'round', '-13'],
    ['-12.5', '1', 'floor', '-13'],
    ['-12.5', '1', 'ceiling', '-12'],
    ['0', '1', 'ceiling', '0'],
    ['0.1', '0.3', 'round', '0'],
    ['0.15', '0.3', 'round', '0.3'],
    ['0.2', '0.3', 'round', '0.3'],
    ['1234', '1000', 'ceiling', '2000'],
    ['99999999999999999999999999.999999999999', '1', 'round', '100000000000000000000000000'],
    ['0.000000000001', '0.000000000001', 'floor', '0.000000000001'],
  ])('%s by %s %s is %s', (quantity, increment, rounding, expected) => {
    const step = increment === null ? null : scaledFromText(increment)!;
    expect(textFromScaled(billableQuantity(scaledFromText(quantity)!, step, rounding))).toBe(expected);
  });
});

describe('billable quotient: what is rounded is exact, not its twelve places', () => {
  test.each<[string, bigint, string | null, Rounding | null, string]>([
    //  numerator  denominator  increment  rounding  billable
    ['1', 3n, null, null, '0.333333333333'],
    ['2', 3n, null, null, '0.666666666667'],
    ['0.000000000001', 2n, null, null, '0'],
    ['0.000000000003', 2n, null, null, '0.000000000002'],
    ['1', 3n, '0.000000000001', 'ceiling', '0.333333333334'],
    ['1', 3n, '0.000000000001', 'floor', '0.333333333333'],
    ['4999', 9998n, '1', 'round', '1'],
    // A hair below a half, which twelve places do not show.
    ['49999999999999', 100000000000000n, '1', 'round', '0'],
    ['50000000000001', 100000000000000n, '1', 'floor', '0'],
    ['-1', 3n, '0.5', 'floor', '-0.5'],
    ['-1', 3n, '0.5', 'ceiling', '0'],
    ['-1', 4n, '0.5', 'round', '-0.5'],
    ['3', 3n, '1', 'ceiling', '1'],
  ])('%s ÷ %s by %s %s is %s', (numerator, denominator, increment, rounding, expected) => {
    const step = increment === null ? null : scaledFromText(increment)!;
    const billable = billableQuantity(scaledFromText(numerator)!, step, rounding, denominator);
    expect(textFromScaled(billable)).toBe(expected);
  });
});

describe('amount', () => {
  test.each([
    ['13', '0.25', '3.25'],
    ['0', '0.25', '0'],
    ['-2', '0.5', '-1'],
    ['0.000000000001', '0.000000000001', '0.000000000000000000000001'],
    ['3', '0.1', '0.3'],
    ['99999999999999999999999999', '10', '999999999999999999999999990'],
  ])('%s at %s is %s', (billable, price, expected) => {
    expect(amountText(scaledFromText(billable)!, scaledFromText(price)!)).toBe(expected);
  });
});
