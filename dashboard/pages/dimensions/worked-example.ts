/**
 * What a dimension would make of a few records: the receiver's arithmetic on the page, exact, for the example beside
 * the form. test/dashboard/dimension-example.test.ts asks the receiver itself the same and compares. (Pure.)
 */
import { fromScaled, scaled } from '../../format/decimal.ts';

export const AGGREGATIONS = [
  'sum',
  'count',
  'max',
  'min',
  'last',
  'average',
  'unique',
  'time_weighted',
  'time_integral',
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];
export const INTERVALS = ['none', 'hour', 'day', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];
export const ROUNDINGS = ['round', 'ceiling', 'floor'] as const;
export type Rounding = (typeof ROUNDINGS)[number];

/** What of a dimension the example is made by. Decimals as texts. */
export interface ExampleRule {
  aggregation: Aggregation;
  interval: Interval;
  levelTtl: number | null;
  usageIncrement: string | null;
  rounding: Rounding | null;
  unitPrice: string | null;
}

export interface SampleRecord {
  /** Tells records apart while they are changed. */
  row: number;
  /** Minutes after the span's begin. */
  minute: number;
  /** An exact decimal. */
  value: string;
  /** Of the metadata key that `unique` counts; empty where the record has none. */
  key: string;
}

/** The time that the example is about, in UTC. */
export interface ExampleSpan {
  /** RFC 3339. */
  from: string;
  to: string;
  /** Begin of each part, an interval of the dimension, and the end of the last: minutes after `from`. */
  parts: number[];
}

export interface ExamplePart {
  from: number;
  to: number;
  /** An exact decimal, an average to 12 places; null where nothing is in it. */
  quantity: string | null;
  records: number;
}

export interface ExampleResult {
  parts: ExamplePart[];
  /** null: the receiver would answer no row. */
  quantity: string | null;
  billableQuantity: string | null;
  amount: string | null;
  /** Rows of the records of which the quantity is made: all of sum and average, the greatest of max. */
  counted: ReadonlySet<number>;
}

const DAY = 24 * 60;
const SPANS: Readonly<Record<Interval, ExampleSpan>> = {
  none: { from: '2026-03-02T00:00:00Z', to: '2026-03-06T00:00:00Z', parts: [0, 4 * DAY] },
  hour: {
    from: '2026-03-02T08:00:00Z',
    to: '2026-03-02T12:00:00Z',
    parts: [0, 60, 120, 180, 240],
  },
  day: {
    from: '2026-03-02T00:00:00Z',
    to: '2026-03-06T00:00:00Z',
    parts: [0, DAY, 2 * DAY, 3 * DAY, 4 * DAY],
  },
  month: {
    from: '2026-03-01T00:00:00Z',
    to: '2026-06-01T00:00:00Z',
    parts: [0, 31 * DAY, 61 * DAY, 92 * DAY],
  },
};

export function exampleSpan(interval: Interval): ExampleSpan {
  return SPANS[interval];
}

/** Records at the same place of another interval's span. */
export function movedTo(records: readonly SampleRecord[], from: Interval, to: Interval): SampleRecord[] {
  const length = (interval: Interval): number => SPANS[interval].parts.at(-1) as number;
  return records.map((record) => ({
    ...record,
    minute: Math.floor((record.minute * length(to)) / length(from)),
  }));
}

/** Whether a record is a level, which holds until the next one. */
export function isLevel(aggregation: Aggregation): boolean {
  return aggregation === 'time_weighted' || aggregation === 'time_integral';
}

/** numerator ÷ denominator, the numerator scaled by 10^12, the denominator positive. */
interface Quotient {
  numerator: bigint;
  denominator: bigint;
}

const SCALE = scaled('1');

/** @param records values must be decimals, and lie in the span */
export function workedExample(rule: ExampleRule, records: readonly SampleRecord[]): ExampleResult {
  const { parts } = exampleSpan(rule.interval);
  const inOrder = [...records].sort((a, b) => a.minute - b.minute);
  const counted = new Set<number>();
  let total: Quotient | null = null;
  const shown = parts.slice(1).map((to, index): ExamplePart => {
    const from = parts[index];
    const inPart = inOrder.filter(({ minute }) => minute >= from && minute < to);
    const quotient = isLevel(rule.aggregation)
      ? levelQuotient(rule, inOrder, from, to)
      : quotientOf(rule.aggregation, inPart);
    for (const row of countedRows(rule.aggregation, inPart, quotient)) counted.add(row);
    if (quotient !== null) total = total === null ? quotient : added(total, quotient);
    return {
      from,
      to,
      quantity: quotient === null ? null : fromScaled(halfEven(quotient)),
      records: inPart.length,
    };
  });
  const nothing = { parts: shown, quantity: null, billableQuantity: null, amount: null, counted };
  // Of customers without any record there is no row, whatever the aggregation.
  if (total === null || records.length === 0) return nothing;
  const billable = billableOf(total, rule);
  return {
    parts: shown,
    quantity: fromScaled(halfEven(total)),
    billableQuantity: fromScaled(billable),
    amount: rule.unitPrice === null ? null : product(billable, scaled(rule.unitPrice)),
    counted,
  };
}

function quotientOf(aggregation: Aggregation, records: readonly SampleRecord[]): Quotient | null {
  const values = records.map(({ value }) => scaled(value));
  const whole = (numerator: bigint): Quotient => ({ numerator, denominator: 1n });
  const sum = values.reduce((one, other) => one + other, 0n);
  switch (aggregation) {
    case 'sum':
      return whole(sum);
    case 'count':
      return whole(BigInt(values.length) * SCALE);
    case 'unique': {
      const keys = new Set(records.map(({ key }) => key).filter((key) => key !== ''));
      return whole(BigInt(keys.size) * SCALE);
    }
  }
  const last = values.at(-1);
  if (last === undefined) return null;
  if (aggregation === 'average') return { numerator: sum, denominator: BigInt(values.length) };
  if (aggregation === 'last') return whole(last);
  return whole(
    values.reduce((one, other) => ((aggregation === 'max' ? one > other : one < other) ? one : other)),
  );
}

/** For how long a level holds, in seconds after the span's begin. */
export function levelSeconds(
  records: readonly SampleRecord[],
  index: number,
  levelTtl: number | null,
  endMinute: number,
): { from: number; to: number } {
  const from = records[index].minute * 60;
  const next = (records[index + 1]?.minute ?? endMinute) * 60;
  return { from, to: levelTtl === null ? next : Math.min(next, from + levelTtl) };
}

/** Σ level × time: over the time of the part for a mean, or in hours. */
function levelQuotient(
  { aggregation, levelTtl }: ExampleRule,
  records: readonly SampleRecord[],
  from: number,
  to: number,
): Quotient | null {
  let numerator = 0n;
  let isThere = records.some(({ minute }) => minute >= from && minute < to);
  for (const [index, { value }] of records.entries()) {
    const held = levelSeconds(records, index, levelTtl, to);
    const seconds = Math.min(held.to, to * 60) - Math.max(held.from, from * 60);
    if (seconds <= 0) continue;
    isThere = true;
    numerator += scaled(value) * BigInt(seconds);
  }
  if (!isThere) return null;
  return { numerator, denominator: aggregation === 'time_integral' ? 3600n : BigInt((to - from) * 60) };
}

function countedRows(
  aggregation: Aggregation,
  records: readonly SampleRecord[],
  quotient: Quotient | null,
): number[] {
  switch (aggregation) {
    case 'max':
    case 'min':
      return records
        .filter(({ value }) => scaled(value) === quotient?.numerator)
        .slice(0, 1)
        .map(({ row }) => row);
    case 'last':
      return records.slice(-1).map(({ row }) => row);
    case 'unique':
      return records
        .filter(({ key }, index) => key !== '' && records.findIndex((each) => each.key === key) === index)
        .map(({ row }) => row);
    default:
      return records.map(({ row }) => row);
  }
}

function added(a: Quotient, b: Quotient): Quotient {
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

/** Towards minus infinity. */
function floorDivided(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator < 0n ? quotient - 1n : quotient;
}

/** To the twelfth place, halves to the even neighbour. */
function halfEven({ numerator, denominator }: Quotient): bigint {
  const below = floorDivided(numerator, denominator);
  const twice = (numerator - below * denominator) * 2n;
  const isUp = twice > denominator || (twice === denominator && below % 2n !== 0n);
  return isUp ? below + 1n : below;
}

/** A multiple of the increment. What is rounded is the exact quotient, once. */
function billableOf(quantity: Quotient, { usageIncrement, rounding }: ExampleRule): bigint {
  if (usageIncrement === null) return halfEven(quantity);
  const increment = scaled(usageIncrement);
  const step = increment * quantity.denominator;
  const steps = floorDivided(quantity.numerator, step);
  const rest = quantity.numerator - steps * step;
  const isHalfUp = rest * 2n > step || (rest * 2n === step && quantity.numerator > 0n);
  const isUp = rounding === 'ceiling' ? rest > 0n : rounding === 'floor' ? false : isHalfUp;
  return (isUp ? steps + 1n : steps) * increment;
}

/** Of two scaled values: as many digits as it has, up to 24. */
function product(a: bigint, b: bigint): string {
  const value = a * b;
  const [integer, fraction] = [value / SCALE / SCALE, value % (SCALE * SCALE)];
  const digits = (fraction < 0n ? -fraction : fraction).toString().padStart(24, '0').replace(/0+$/, '');
  const sign = value < 0n && integer === 0n ? '-' : '';
  return `${sign}${integer}${digits === '' ? '' : `.${digits}`}`;
}
