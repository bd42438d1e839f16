/**
 * Arithmetic of statements: what was stated, what the usage is now, and the difference. (Pure.)
 *
 * Quantities are scaled by 10^12, amounts, as products of two such, by 10^24. Sums of many records may have more than
 * 26 integer digits, so texts are read here without that limit.
 */
import { FRACTION_DIGITS, scaledFromText, textFromScaled } from '../decimal.ts';
import { amountText, billableQuantity, type Rounding } from '../query/billable.ts';
import type { Terms } from './statement-content.ts';

const AMOUNT_DIGITS = 2 * FRACTION_DIGITS;

/** Quantity, billable quantity and amount of one dimension. */
export interface Measure {
  quantity: bigint;
  billable: bigint;
  /** null: there is no price. */
  amount: bigint | null;
}

export const NOTHING: Measure = { quantity: 0n, billable: 0n, amount: null };

export interface MeasureTexts {
  quantity: string;
  billableQuantity: string;
  amount: string | null;
}

/** Reads what {@link measureTexts} wrote, or the engine. */
export function measureOf({ quantity, billableQuantity, amount }: MeasureTexts): Measure {
  return {
    quantity: scaledText(quantity, FRACTION_DIGITS),
    billable: scaledText(billableQuantity, FRACTION_DIGITS),
    amount: amount === null ? null : scaledText(amount, AMOUNT_DIGITS),
  };
}

export function measureTexts({ quantity, billable, amount }: Measure): MeasureTexts {
  return {
    quantity: textFromScaled(quantity),
    billableQuantity: textFromScaled(billable),
    amount: amount === null ? null : amountFromScaled(amount),
  };
}

export function plus(a: Measure, b: Measure): Measure {
  return {
    quantity: a.quantity + b.quantity,
    billable: a.billable + b.billable,
    amount: addAmounts(a.amount, b.amount),
  };
}

export function minus(a: Measure, b: Measure): Measure {
  return plus(a, { quantity: -b.quantity, billable: -b.billable, amount: negated(b.amount) });
}

export function isNothing({ quantity, billable, amount }: Measure): boolean {
  return quantity === 0n && billable === 0n && (amount === null || amount === 0n);
}

/** Amounts that are there; null where none is. */
export function addAmounts(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null) return b;
  return b === null ? a : a + b;
}

/** A quantity that was put together of several parts, billed as one. */
export function measureByTerms(quantity: bigint, terms: Terms, unitPrice: string | null): Measure {
  const increment = terms.usageIncrement === null ? null : scaledFromText(terms.usageIncrement);
  const billable = billableQuantity(quantity, increment, terms.rounding as Rounding | null);
  const price = unitPrice === null ? null : scaledFromText(unitPrice);
  return { quantity, billable, amount: price === null ? null : billable * price };
}

/** Exact text of an amount scaled by 10^24. */
export function amountFromScaled(amount: bigint): string {
  return amountText(amount, 1n);
}

/** A plain decimal of at most so many fraction digits, scaled by them. */
export function scaledText(text: string, fractionDigits: number): bigint {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)!;
  const scaled = BigInt(whole + fraction.padEnd(fractionDigits, '0'));
  return sign === '-' ? -scaled : scaled;
}

function negated(amount: bigint | null): bigint | null {
  return amount === null ? null : -amount;
}

/** Half-open, Unix nanoseconds. */
export interface Range {
  from: bigint;
  to: bigint;
}

export function overlaps(a: Range, b: Range): boolean {
  return a.from < b.to && b.from < a.to;
}

/** What is left of a range when others are taken out of it, in order. */
export function without(range: Range, others: readonly Range[]): Range[] {
  let left = [range];
  for (const other of others) {
    left = left.flatMap((piece) => {
      if (!overlaps(piece, other)) return [piece];
      return [
        { from: piece.from, to: other.from },
        { from: other.to, to: piece.to },
      ].filter(({ from, to }) => from < to);
    });
  }
  return left;
}
