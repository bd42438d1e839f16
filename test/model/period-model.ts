/**
 * What closed periods should say, in plain BigInt over a list of records: shares nothing with storage.
 *
 * Quantities are whole numbers of 10^-12, amounts of 10^-24, times nanoseconds.
 */

export interface ModelTerms {
  aggregation: 'sum' | 'count' | 'max' | 'average' | 'unique' | 'time_weighted';
  usageIncrement: bigint | null;
  rounding: 'floor' | 'ceiling' | 'round' | null;
  unitPrice: bigint | null;
}

export interface ModelRecord {
  customer: string;
  dimension: string;
  value: bigint;
  time: bigint;
  user: string;
  counts: boolean;
}

export interface ModelMeasure {
  quantity: bigint;
  billable: bigint;
  amount: bigint;
}

export interface ModelRange {
  from: bigint;
  to: bigint;
}

const UNIT = 10n ** 12n;

/** Of records of one customer and dimension, over the parts of a period. */
export function modelUsage(
  records: readonly ModelRecord[],
  parts: readonly ModelRange[],
  terms: ModelTerms,
): ModelMeasure {
  const exact = parts.map((part) => aggregate(records, part, terms));
  // One part is rounded as the exact quotient that it is; several are each a quantity of 12 places first.
  const [numerator, denominator] =
    exact.length === 1 ? exact[0] : [exact.reduce((sum, [a, b]) => sum + halfEven(a, b), 0n), 1n];
  const quantity = halfEven(numerator, denominator);
  const billable = billed(numerator, denominator, terms);
  return { quantity, billable, amount: billable * (terms.unitPrice ?? 0n) };
}

function aggregate(
  all: readonly ModelRecord[],
  { from, to }: ModelRange,
  { aggregation }: ModelTerms,
): [numerator: bigint, denominator: bigint] {
  const within = all.filter(({ time }) => time >= from && time < to);
  const sum = within.reduce((total, { value }) => total + value, 0n);
  switch (aggregation) {
    case 'sum':
      return [sum, 1n];
    case 'count':
      return [BigInt(within.length) * UNIT, 1n];
    case 'unique':
      return [BigInt(new Set(within.map(({ user }) => user)).size) * UNIT, 1n];
    case 'max':
      return [within.reduce((max, { value }, i) => (i === 0 || value > max ? value : max), 0n), 1n];
    case 'average':
      return within.length === 0 ? [0n, 1n] : [sum, BigInt(within.length)];
    case 'time_weighted': {
      const levels = all.filter(({ time }) => time < to).sort((a, b) => (a.time < b.time ? -1 : 1));
      let total = 0n;
      for (const [i, { time, value }] of levels.entries()) {
        const start = time < from ? from : time;
        const end = levels[i + 1]?.time ?? to;
        if (end > start) total += value * (end - start);
      }
      return [total, to - from];
    }
  }
}

function billed(numerator: bigint, denominator: bigint, { usageIncrement, rounding }: ModelTerms): bigint {
  if (usageIncrement === null) return halfEven(numerator, denominator);
  const step = usageIncrement * denominator;
  let whole = numerator / step;
  const rest = numerator - whole * step;
  const up = rounding === 'ceiling' ? rest > 0n : rounding === 'floor' ? false : abs(rest) * 2n >= step;
  if (rounding === 'floor' && rest < 0n) whole -= 1n;
  if (up) whole += numerator < 0n && rounding !== 'ceiling' ? -1n : 1n;
  return whole * usageIncrement;
}

function halfEven(numerator: bigint, denominator: bigint): bigint {
  const whole = abs(numerator) / denominator;
  const twice = (abs(numerator) % denominator) * 2n;
  const rounded = twice > denominator || (twice === denominator && whole % 2n === 1n) ? whole + 1n : whole;
  return numerator < 0n ? -rounded : rounded;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** A range without the instants of others. */
export function remaining(range: ModelRange, others: readonly ModelRange[]): ModelRange[] {
  const edges = [range.from, range.to, ...others.flatMap(({ from, to }) => [from, to])]
    .filter((edge) => edge >= range.from && edge <= range.to)
    .sort((a, b) => (a < b ? -1 : 1));
  const parts: ModelRange[] = [];
  for (const [i, from] of edges.slice(0, -1).entries()) {
    const to = edges[i + 1];
    if (from === to || others.some((other) => other.from <= from && other.to >= to)) continue;
    const last = parts.at(-1);
    if (last !== undefined && last.to === from) last.to = to;
    else parts.push({ from, to });
  }
  return parts;
}

/** A plain decimal, in units of 10^-digits. */
export function scaled(text: string | null, digits: number): bigint {
  if (text === null) return 0n;
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)!;
  const value = BigInt(whole + fraction.padEnd(digits, '0'));
  return sign === '-' ? -value : value;
}

/** The plain decimal of a value in units of 10^-12. */
export function decimal(value: bigint): string {
  const whole = abs(value) / UNIT;
  const fraction = (abs(value) % UNIT).toString().padStart(12, '0').replace(/0+$/, '');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
