/** From exact usage to what is billed: usage increment, rounding and unit price. (Pure.) */
import { FRACTION_DIGITS } from '../decimal.ts';
import { roundedHalfEven } from './quotient.ts';

export type Rounding = 'floor' | 'ceiling' | 'round';

/**
 * An exact quantity rounded once to a multiple of the increment; quantity and increment scaled by 10^12. `round` is half
 * away from zero; floor and ceiling are towards minus and plus infinity, so a credit of 0.5 at an increment of 1 is -1
 * by floor. Without an increment nothing is rounded, but that a quotient ends after 12 places, half-even.
 * @param denominator of a quantity that is a quotient: what is rounded is the quotient, not its 12 places
 */
export function billableQuantity(
  quantity: bigint,
  increment: bigint | null,
  rounding: Rounding | null,
  denominator = 1n,
): bigint {
  if (increment === null) return roundedHalfEven({ numerator: quantity, denominator });
  const step = increment * denominator;
  const remainder = ((quantity % step) + step) % step;
  const below = (quantity - remainder) / denominator;
  if (remainder === 0n) return below;
  switch (rounding ?? 'round') {
    case 'floor':
      return below;
    case 'ceiling':
      return below + increment;
    case 'round': {
      const half = remainder * 2n - step;
      // Away from zero is up for a positive quantity and down for a negative one.
      const up = half > 0n || (half === 0n && quantity > 0n);
      return up ? below + increment : below;
    }
  }
}

/** Billable quantity × unit price, both scaled by 10^12, as exact decimal text (up to 24 fraction digits). */
export function amountText(billable: bigint, unitPrice: bigint): string {
  const product = billable * unitPrice;
  const digits = (product < 0n ? -product : product).toString().padStart(2 * FRACTION_DIGITS + 1, '0');
  const whole = digits.slice(0, -2 * FRACTION_DIGITS);
  const fraction = digits.slice(-2 * FRACTION_DIGITS).replace(/0+$/, '');
  return `${product < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
