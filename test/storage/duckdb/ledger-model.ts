/**
 * What a sequence of frames means, as plainly as it can be written: maps of keys, sorted arrays, BigInt. It shares no
 * code with the ledger but the reading of decimals.
 */
import { hash } from 'node:crypto';
import type { LedgerChange, SignalReference } from '../../../storage/changes.ts';
import { scaledFromText, textFromScaled } from '../../../storage/decimal.ts';
import { codeNumber, type QuarantineCode } from '../../../storage/quarantine-codes.ts';
import { eventKey, seriesHash, type TestPoint } from './batches.ts';

/** A journal frame. */
export interface TestFrame {
  changes: LedgerChange[];
  points: TestPoint[];
}

export interface ModelContents {
  /** `customer start time` → exact sum, zero left out. Instants are Unix nanoseconds. */
  usage: Record<string, string>;
  records: number;
  /** `reason customer start time value frame ordinal`, sorted. */
  quarantined: string[];
  /** The same, after the resolution. */
  resolved: string[];
  /** Known ones. */
  customers: string[];
}

interface Counted {
  point: TestPoint;
  customer: string;
  voided: boolean;
  sequence: number;
  ordinal: number;
}

interface Listed {
  code: QuarantineCode;
  point: TestPoint;
  customer: string | null;
  sequence: number;
  ordinal: number;
  resolution: 'open' | 'corrected' | 'dismissed';
}

export class LedgerModel {
  #sequence = 0;
  /** Points by their keys, events by their ids. */
  readonly #counted = new Map<string, Counted>();
  #listed: Listed[] = [];
  readonly #knowsStart = new Map<string, boolean>();
  readonly #customers = new Set<string>();

  apply({ changes, points }: TestFrame): void {
    this.#sequence += 1;
    const replaced: boolean[] = [];
    const notOpen = new Set<string>();
    for (const change of changes) this.#change(change, replaced, notOpen);
    for (const [ordinal, point] of points.entries()) {
      const { origin } = point;
      // Whoever interprets the frame discovers, whatever becomes of the row.
      if (point.code === undefined) this.#customers.add(customerOf(point)!);
      if (origin?.sequence === this.#sequence && !replaced.shift()) continue;
      if (origin !== undefined && notOpen.has(`${origin.sequence} ${origin.ordinal}`)) continue;
      this.#take(point, origin ?? { sequence: this.#sequence, ordinal });
    }
  }

  /** Signals that were sent with a fault, and are not yet settled, but for those of running totals. */
  get open(): { reference: SignalReference; point: TestPoint }[] {
    return this.#listed
      .filter(({ point, resolution }) => resolution !== 'corrected' && point.role !== 'cumulative')
      .map(({ sequence, ordinal, point }) => ({
        reference: { sequence, ordinal, meterId: point.meterId ?? 'builtin' },
        point,
      }));
  }

  /** Records that can be voided. */
  get records(): { recordId: string; timeUnixNano: string }[] {
    return [...this.#counted.values()]
      .filter(({ point }) => point.role !== 'cumulative')
      .map(({ point }) => ({ recordId: recordIdOf(point), timeUnixNano: String(point.time) }));
  }

  #take(point: TestPoint, place: { sequence: number; ordinal: number }): void {
    let { code } = point;
    if (point.role === 'cumulative' && (code === undefined || codeNumber(code) > codeNumber('mixed_start'))) {
      const known = (point.start ?? 0n) !== 0n;
      if (!this.#knowsStart.has(point.series)) this.#knowsStart.set(point.series, known);
      if (this.#knowsStart.get(point.series) !== known) code = 'mixed_start';
    }
    const counted = this.#counted.get(keyOf(point));
    if (counted !== undefined) {
      if (isSame(counted.point, point)) return;
      const isEarlier = code !== undefined && codeNumber(code) < codeNumber('event_conflict');
      this.#list(point, isEarlier ? code! : 'event_conflict', place);
      return;
    }
    if (code !== undefined) {
      this.#list(point, code, place);
      return;
    }
    const ofKey = this.#listed.filter((other) => keyOf(other.point) === keyOf(point));
    if (ofKey.some(({ resolution, point: other }) => resolution !== 'open' && isSame(other, point))) return;
    if (ofKey.some(({ resolution }) => resolution === 'corrected')) {
      this.#list(point, 'event_conflict', place);
      return;
    }
    this.#counted.set(keyOf(point), { point, customer: customerOf(point)!, voided: false, ...place });
    this.#listed = this.#listed.filter(
      (other) => !ofKey.includes(other) || other.resolution !== 'open' || !isSame(other.point, point),
    );
  }

  #list(
    point: TestPoint,
    code: QuarantineCode,
    { sequence, ordinal }: Omit<SignalReference, 'meterId'>,
  ): void {
    // A replayed signal that stays at fault goes back beside what another version made of its key.
    const isKnown = ({ point: other }: { point: TestPoint }) =>
      point.origin === undefined ? isSame(other, point) : contentOf(other) === contentOf(point);
    const isListed = this.#listed.some((other) => keyOf(other.point) === keyOf(point) && isKnown(other));
    if (isListed) return;
    this.#listed.push({ code, point, customer: customerOf(point), sequence, ordinal, resolution: 'open' });
  }

  #change(change: LedgerChange, replaced: boolean[], notOpen: Set<string>): void {
    switch (change.type) {
      case 'customer_put': {
        const { id, aliases } = change.customer;
        this.#customers.add(id);
        for (const alias of aliases) {
          if (!this.#customers.has(alias)) continue;
          this.#customers.delete(alias);
          for (const counted of this.#counted.values()) if (counted.customer === alias) counted.customer = id;
          for (const listed of this.#listed) if (listed.customer === alias) listed.customer = id;
        }
        return;
      }
      case 'customer_deleted':
        this.#customers.delete(change.id);
        return;
      case 'quarantine_dismissed':
        for (const listed of this.#listed) {
          if (listed.resolution === 'open' && listed.code === change.reason) listed.resolution = 'dismissed';
        }
        return;
      case 'quarantine_corrected':
        for (const { sequence, ordinal } of change.signals) {
          const found = this.#find(sequence, ordinal);
          if (found?.resolution === 'open') found.resolution = 'corrected';
          else notOpen.add(`${sequence} ${ordinal}`);
        }
        return;
      case 'quarantine_rejudged':
        for (const { sequence, ordinal } of change.signals) {
          const found = this.#find(sequence, ordinal);
          if (found?.resolution !== 'corrected') this.#listed = this.#listed.filter((one) => one !== found);
        }
        return;
      case 'record_corrected': {
        const found = [...this.#counted.values()].find(
          ({ point, voided }) =>
            !voided && point.role !== 'cumulative' && recordIdOf(point) === change.recordId,
        );
        if (found !== undefined) found.voided = true;
        if (change.replacement !== null) replaced.push(found !== undefined);
        return;
      }
      default:
        throw new Error(`the model does not know the change ${change.type}`);
    }
  }

  #find(sequence: number, ordinal: number): Listed | undefined {
    return this.#listed.find((one) => one.sequence === sequence && one.ordinal === ordinal);
  }

  contents(): ModelContents {
    const sums = new Map<string, bigint>();
    const add = ({ point: { start, time }, customer, voided }: Counted, quantity: bigint) => {
      if (voided) return;
      const name = `${customer} ${start ?? 0n} ${time}`;
      sums.set(name, (sums.get(name) ?? 0n) + quantity);
    };
    const segments = new Map<string, Counted[]>();
    for (const counted of this.#counted.values()) {
      const { point } = counted;
      if (point.role !== 'cumulative') add(counted, scaled(point));
      else {
        const name = `${point.series} ${point.start ?? 0n}`;
        segments.set(name, [...(segments.get(name) ?? []), counted]);
      }
    }
    const open = this.#listed.filter(({ resolution }) => resolution === 'open');
    for (const readings of segments.values()) {
      // Times and values of the tests are few and far apart, so their differences are good numbers.
      readings.sort(
        (a, b) => Number(a.point.time - b.point.time) || Number(scaled(a.point) - scaled(b.point)),
      );
      const [first] = readings;
      const { start = 0n, time, fromSdk, since = 0n } = first.point;
      const unknown = start === 0n;
      const isBaseline = unknown || start < since || (start === time && fromSdk === false);
      if (isBaseline) open.push({ ...first, code: 'baseline', resolution: 'open' });
      else add(first, scaled(first.point));
      for (let i = 1; i < readings.length; i++) {
        const value = scaled(readings[i].point);
        const earlier = readings.slice(0, i).map(({ point }) => scaled(point));
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
      records: [...this.#counted.values()].filter(({ voided }) => !voided).length,
      quarantined: open.map(textOf).sort(),
      resolved: this.#listed
        .filter(({ resolution }) => resolution !== 'open')
        .map((one) => `${one.resolution} ${textOf(one)}`)
        .sort(),
      customers: [...this.#customers].sort(),
    };
  }
}

function textOf({ code, customer, point, sequence, ordinal }: Listed): string {
  return `${code} ${customer ?? '-'} ${point.start ?? 0n} ${point.time} ${valueKey(point)} ${sequence} ${ordinal}`;
}

function customerOf({ customer, series }: TestPoint): string | null {
  return customer === undefined ? series : customer;
}

function contentOf(point: TestPoint): string {
  const { series, meterVersion, start, time } = point;
  return JSON.stringify([series, meterVersion ?? 0, String(start ?? 0n), String(time), valueKey(point)]);
}

/** What makes two signals the same: of a point everything, of an event its id. */
function keyOf(point: TestPoint): string {
  return point.event === undefined ? contentOf(point) : `event ${point.event}`;
}

/** Whether one says nothing new after the other, of two with one key. */
function isSame(one: TestPoint, other: TestPoint): boolean {
  if (contentOf(one) === contentOf(other)) return true;
  return (one.meterVersion ?? 0) !== (other.meterVersion ?? 0) && one.time === other.time;
}

/** The id of a record that came as it is: its time, and a hash of its key. */
function recordIdOf(point: TestPoint): string {
  const [whole, fraction = ''] = valueKey(point).split('.');
  const parts = [
    seriesHash(point),
    point.start ?? 0n,
    point.time,
    `${whole}.${fraction.padEnd(12, '0')}`,
    0,
    0,
    ...(point.event === undefined ? [] : [eventKey(point.event)]),
  ];
  return point.time.toString(16).padStart(16, '0') + hash('md5', parts.join(' ')).slice(0, 16);
}

function valueKey({ value }: TestPoint): string {
  if (value === null) return 'no value';
  const decimal = scaledFromText(value);
  return decimal === null ? String(Number(value)) : textFromScaled(decimal);
}

function scaled({ value }: TestPoint): bigint {
  return scaledFromText(value!)!;
}
