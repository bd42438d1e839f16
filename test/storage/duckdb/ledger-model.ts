/**
 * What a sequence of points means, as plainly as it can be written: sets of keys, sorted arrays, BigInt. It shares no
 * code with the ledger but the reading of decimals.
 */
import { scaledFromText, textFromScaled } from '../../../storage/decimal.ts';
import { codeNumber } from '../../../storage/quarantine-codes.ts';
import type { TestPoint } from './batches.ts';

export interface ModelLedger {
  /** `customer start time` → exact sum, zero left out. Instants are Unix nanoseconds. */
  usage: Record<string, string>;
  records: number;
  /** `reason customer start time value`, sorted. */
  quarantined: string[];
}

export function modelOf(points: readonly TestPoint[]): ModelLedger {
  const counted = new Map<string, TestPoint>();
  const quarantined = new Map<string, string>();
  const knowsStart = new Map<string, boolean>();
  for (const point of points) {
    const key = `${point.series} ${point.start ?? 0n} ${point.time} ${valueKey(point)}`;
    if (counted.has(key)) continue;
    let code = point.code;
    if (point.role === 'cumulative' && (code === undefined || codeNumber(code) > codeNumber('mixed_start'))) {
      const known = (point.start ?? 0n) !== 0n;
      if (!knowsStart.has(point.series)) knowsStart.set(point.series, known);
      if (knowsStart.get(point.series) !== known) code = 'mixed_start';
    }
    if (code === undefined) {
      counted.set(key, point);
      quarantined.delete(key);
    } else if (!quarantined.has(key)) {
      quarantined.set(key, listed(code, point));
    }
  }

  const sums = new Map<string, bigint>();
  const add = ({ series, start, time }: TestPoint, quantity: bigint) => {
    const name = `${series} ${start ?? 0n} ${time}`;
    sums.set(name, (sums.get(name) ?? 0n) + quantity);
  };
  const segments = new Map<string, TestPoint[]>();
  for (const point of counted.values()) {
    if (point.role !== 'cumulative') add(point, scaled(point));
    else {
      const name = `${point.series} ${point.start ?? 0n}`;
      segments.set(name, [...(segments.get(name) ?? []), point]);
    }
  }
  const baselines: string[] = [];
  for (const readings of segments.values()) {
    // Times and values of the tests are few and far apart, so their differences are good numbers.
    readings.sort((a, b) => Number(a.time - b.time) || Number(scaled(a) - scaled(b)));
    const [first] = readings;
    const unknown = (first.start ?? 0n) === 0n;
    const isBaseline = unknown || (first.start === first.time && first.fromSdk === false);
    if (isBaseline) baselines.push(listed('baseline', first));
    else add(first, scaled(first));
    for (let i = 1; i < readings.length; i++) {
      const value = scaled(readings[i]);
      const earlier = readings.slice(0, i).map(scaled);
      const last = earlier[i - 1];
      if (unknown) add(readings[i], value >= last ? value - last : value);
      else {
        const greatest = earlier.toSorted((a, b) => (a < b ? -1 : 1)).at(-1)!;
        if (value > greatest) add(readings[i], value - greatest);
      }
    }
  }
  const usage = [...sums].filter(([, sum]) => sum !== 0n).map(([name, sum]) => [name, textFromScaled(sum)]);
  return {
    usage: Object.fromEntries(usage.sort()),
    records: counted.size,
    quarantined: [...quarantined.values(), ...baselines].sort(),
  };
}

function listed(code: string, point: TestPoint): string {
  const customer = point.customer === undefined ? point.series : point.customer;
  return `${code} ${customer ?? '-'} ${point.start ?? 0n} ${point.time} ${valueKey(point)}`;
}

function valueKey({ value }: TestPoint): string {
  if (value === null) return 'no value';
  const decimal = scaledFromText(value);
  return decimal === null ? String(Number(value)) : textFromScaled(decimal);
}

function scaled({ value }: TestPoint): bigint {
  return scaledFromText(value!)!;
}
