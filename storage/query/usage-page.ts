/** The rows of a usage answer: values from exact parts, windows without a record, the cut of the page. (Pure.) */
import type { DuckDBListValue, DuckDBStructValue, DuckDBValue } from '@duckdb/node-api';
import { FRACTION_DIGITS, textFromScaled } from '../decimal.ts';
import { amountText, billableQuantity } from './billable.ts';
import { type CursorPosition, cursorText } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { type Quotient, roundedHalfEven, sumOfQuotients } from './quotient.ts';
import { scaledSum } from './statement.ts';
import {
  type GroupKey,
  type UsageAnswer,
  type UsageQuery,
  type UsageRow,
  usageFingerprint,
} from './usage-query.ts';
import type { UsagePlan } from './usage-statement.ts';
import { type DimensionTerms, isZeroWithoutRecords } from './usage-terms.ts';

const SCALE = 10n ** BigInt(FRACTION_DIGITS);
const HOUR_NANO = 3_600_000_000_000n;
const ZERO: Quotient = { numerator: 0n, denominator: 1n };

/** A group of rows, and how its dimension is billed. */
interface Member {
  texts: (string | null)[];
  labels: Pick<UsageRow, 'customerId' | 'dimensionId' | 'metadata'>;
  terms: DimensionTerms;
}

/**
 * Fills windows without a record, and cuts the page.
 * @param parts rows of the statement, in order: the texts of groupBy, then PART_COLUMNS
 * @returns null if a part is of a dimension without terms
 */
export function usagePage(
  { query, boundaries, terms, resumeWindow }: UsagePlan,
  parts: DuckDBValue[][],
): UsageAnswer | null {
  const windowCount = boundaries.length - 1;
  const groupCount = query.groupBy.length;
  const termsOf = new Map(terms.map((one) => [one.dimension, one]));
  const rows: UsageRow[] = [];
  /** Where the last of the rows stands, as a cursor says it. */
  let last: CursorPosition = [];
  let hasNext = false;

  const boundaryTexts: string[] = [];
  const boundaryText = (i: number): string => {
    boundaryTexts[i] ??= textFromInstant(boundaries[i]);
    return boundaryTexts[i];
  };
  const add = (member: Member, window: number, quantity: Quotient, records: number): void => {
    if (rows.length === query.limit) {
      hasNext = true;
      return;
    }
    rows.push({
      ...member.labels,
      unit: member.terms.unit,
      windowStart: boundaryText(window),
      windowEnd: boundaryText(window + 1),
      ...billed(quantity, member.terms),
      records,
    });
    last = [...member.texts, String(boundaries[window])];
  };
  const addEmpty = (member: Member, from: number, to: number): void => {
    if (!query.fill || !isZeroWithoutRecords(member.terms)) return;
    for (let window = from; window < to && !hasNext; window++) add(member, window, ZERO, 0);
  };

  let member: Member | null = null;
  let nextWindow = 0;
  for (const part of parts) {
    if (hasNext) break;
    const texts = part.slice(0, groupCount) as (string | null)[];
    const [resumed, dimension, window, high, whole, rest, ofIntervals, records] = part.slice(groupCount);
    if (member === null || texts.some((text, i) => text !== member?.texts[i])) {
      if (member !== null) addEmpty(member, nextWindow, windowCount);
      const own = termsOf.get(Number(dimension));
      if (own === undefined) return null;
      member = { texts, labels: labels(query.groupBy, texts), terms: own };
      nextWindow = resumed ? resumeWindow + 1 : 0;
    }
    // NULL: the page before ended in this member, and nothing of it is left but empty windows.
    if (window === null) continue;
    const index = window as number;
    addEmpty(member, nextWindow, index);
    if (hasNext) break;
    const count = Number(records);
    const quantity =
      ofIntervals === null
        ? aggregated(
            member.terms,
            scaledSum(whole, rest, high),
            count,
            boundaries[index + 1] - boundaries[index],
          )
        : sumOfQuotients(quotients(ofIntervals as DuckDBListValue));
    // Where the clock or a late reading left nothing to divide, there is no value.
    if (quantity !== null) add(member, index, quantity, count);
    nextWindow = index + 1;
  }
  if (member !== null && !hasNext) addEmpty(member, nextWindow, windowCount);
  return { rows, nextCursor: hasNext ? cursorText(usageFingerprint(query), last) : null };
}

/**
 * A window's quantity by the dimension's aggregation, exact.
 * @param total sum of values, scaled; of levels, of levels × nanoseconds
 */
function aggregated(
  { aggregation }: DimensionTerms,
  total: bigint,
  records: number,
  windowNano: bigint,
): Quotient | null {
  switch (aggregation) {
    case 'count':
      return { numerator: BigInt(records) * SCALE, denominator: 1n };
    case 'average':
      return records === 0 ? null : { numerator: total, denominator: BigInt(records) };
    case 'time_weighted':
      return { numerator: total, denominator: windowNano };
    case 'time_integral':
      return { numerator: total, denominator: HOUR_NANO };
    default:
      return { numerator: total, denominator: 1n };
  }
}

function quotients(list: DuckDBListValue): Quotient[] {
  return list.items.map((item) => {
    const { high, whole, rest, divisor } = (item as DuckDBStructValue).entries;
    return { numerator: scaledSum(whole, rest, high), denominator: divisor as bigint };
  });
}

/** What a quantity is billed as by the dimension's terms. */
function billed(
  quantity: Quotient,
  { usageIncrement, rounding, unitPrice }: DimensionTerms,
): Pick<UsageRow, 'quantity' | 'billableQuantity' | 'amount'> {
  const { numerator, denominator } = quantity;
  const billable = billableQuantity(numerator, usageIncrement, rounding, denominator);
  return {
    quantity: textFromScaled(roundedHalfEven(quantity)),
    billableQuantity: textFromScaled(billable),
    ...(unitPrice === null ? {} : { amount: amountText(billable, unitPrice) }),
  };
}

function labels(groupBy: UsageQuery['groupBy'], texts: (string | null)[]): Member['labels'] {
  const row: Member['labels'] = {};
  const metadata: [string, string | null][] = [];
  groupBy.forEach((key: GroupKey, i) => {
    if (typeof key === 'object') metadata.push([key.metadataKey, texts[i]]);
    else row[key] = texts[i]!;
  });
  return metadata.length === 0 ? row : { ...row, metadata: Object.fromEntries(metadata) };
}
