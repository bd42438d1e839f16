/**
 * What GET /api/v1/usage must answer, in plain BigInt arithmetic over a list of records: docs/semantics.md a second
 * time, by no code of storage/query.
 */
import { createHash } from 'node:crypto';
import { type ModelWindow, modelWindowStarts } from './zone-model.ts';

const UNIT = 10n ** 12n;

export interface ModelRecord {
  customerId: string;
  dimensionId: string;
  /** Unix nanoseconds. */
  time: bigint;
  /** Unix nanoseconds; 0n = unknown. */
  start: bigint;
  /** Times 10^12. */
  quantity: bigint;
  metadata: Record<string, string>;
  /** A record as it came, what a reading added, or a change of that. */
  kind: 'record' | 'increment' | 'correction';
  sequence: number;
  voidedBy: number | null;
  seriesHash: number;
  eventKey: string | null;
}

export interface ModelDimension {
  id: string;
  unit: string;
  aggregation: string;
  uniqueKey: string | null;
  /** Seconds. */
  levelTtl: number | null;
  interval: 'none' | 'hour' | 'day' | 'month';
  /** Times 10^12, as unitPrice. */
  increment: bigint | null;
  rounding: 'floor' | 'ceiling' | 'round' | null;
  unitPrice: bigint | null;
}

export interface ModelQuestion {
  from: bigint;
  to: bigint;
  window: ModelWindow;
  zone: string;
  anchor: number | null;
  customerIds: string[] | null;
  dimensionIds: string[] | null;
  metadata: Record<string, string[]>;
  /** customerId, dimensionId, metadata.KEY */
  groupBy: string[];
  fill: boolean;
  /** null = now */
  asOfSequence: number | null;
  /** Levels hold no longer. */
  holdUntil: bigint;
}

export interface ModelRow {
  group: (string | null)[];
  dimensionId: string;
  windowStart: bigint;
  windowEnd: bigint;
  quantity: string;
  billable: string;
  amount: string | null;
  records: number;
}

/** top ÷ bottom */
interface Fraction {
  top: bigint;
  bottom: bigint;
}

export function modelAnswer(
  records: readonly ModelRecord[],
  dimensions: readonly ModelDimension[],
  question: ModelQuestion,
): ModelRow[] {
  const { from, to } = question;
  if (from >= to) return [];
  const starts = modelWindowStarts(from, to, question.window, question.zone, question.anchor);
  const windows = starts.map((start, i): [bigint, bigint] => [start, starts[i + 1] ?? to]);
  const groups = new Map<string, { group: (string | null)[]; dimensionId: string; own: ModelRecord[] }>();
  for (const record of records) {
    if (!isVisible(record, question.asOfSequence) || !isAskedFor(record, question)) continue;
    const group = question.groupBy.map((key) => {
      if (key === 'customerId' || key === 'dimensionId') return record[key];
      return record.metadata[key.slice('metadata.'.length)] ?? null;
    });
    const id = JSON.stringify([group, record.dimensionId]);
    const known = groups.get(id);
    if (known === undefined) groups.set(id, { group, dimensionId: record.dimensionId, own: [record] });
    else known.own.push(record);
  }
  return [...groups.values()]
    .sort((a, b) => compareTexts(a.group, b.group))
    .flatMap(({ group, dimensionId, own }) => {
      const dimension = dimensions.find(({ id }) => id === dimensionId)!;
      return groupRows(own, dimension, windows, question).map((row) => ({ group, dimensionId, ...row }));
    });
}

function isVisible({ sequence, voidedBy }: ModelRecord, asOf: number | null): boolean {
  if (asOf === null) return voidedBy === null;
  return sequence <= asOf && (voidedBy === null || voidedBy > asOf);
}

function isAskedFor(record: ModelRecord, { customerIds, dimensionIds, metadata }: ModelQuestion): boolean {
  return (
    (customerIds === null || customerIds.includes(record.customerId)) &&
    (dimensionIds === null || dimensionIds.includes(record.dimensionId)) &&
    Object.entries(metadata).every(([key, values]) => values.includes(record.metadata[key] ?? '\0none'))
  );
}

/** Null first, then by UTF-8 bytes. */
function compareTexts(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  const i = a.findIndex((text, place) => text !== b[place]);
  if (i === -1) return 0;
  if (a[i] === null) return -1;
  if (b[i] === null) return 1;
  return Buffer.compare(Buffer.from(a[i]!), Buffer.from(b[i]!));
}

type GroupRow = Omit<ModelRow, 'group' | 'dimensionId'>;

function groupRows(
  own: ModelRecord[],
  dimension: ModelDimension,
  windows: [bigint, bigint][],
  question: ModelQuestion,
): GroupRow[] {
  const items = asItems(own);
  const inRange = own.some(
    ({ time, kind }) => kind !== 'correction' && time >= question.from && time < question.to,
  );
  const isOfLevels = dimension.aggregation.startsWith('time_');
  if (!inRange && !isOfLevels) return [];
  const hasZero = ['sum', 'count', 'unique'].includes(dimension.aggregation);
  return windows.flatMap(([begin, end]) => {
    const stored = own.filter(({ time }) => time >= begin && time < end);
    const records = stored.filter(({ kind }) => kind !== 'correction').length;
    const values = pieces(begin, end, dimension.interval, question)
      .map(([a, b]) => aggregate(items, dimension, a, b, question.holdUntil))
      .filter((value) => value !== null);
    const isEmpty = stored.length === 0 && values.length === 0;
    if (isEmpty && !(hasZero && question.fill)) return [];
    const value = values.reduce(plus, { top: 0n, bottom: 1n });
    const billable = rounded(value, dimension);
    const { unitPrice } = dimension;
    return [
      {
        windowStart: begin,
        windowEnd: end,
        quantity: decimal(nearest(value), 12),
        billable: decimal(billable, 12),
        amount: unitPrice === null ? null : decimal(billable * unitPrice, 24),
        records,
      },
    ];
  });
}

/** The parts of a window in which its dimension is aggregated. */
function pieces(
  begin: bigint,
  end: bigint,
  interval: ModelDimension['interval'],
  { window, zone }: ModelQuestion,
): [bigint, bigint][] {
  // The month of a billing period is the period.
  if (interval === 'none' || (interval === 'month' && window === 'period')) return [[begin, end]];
  const starts = modelWindowStarts(begin, end, interval, zone, null);
  return starts.map((start, i) => [start, starts[i + 1] ?? end]);
}

/** A record, or what the readings of one running total added at one time. */
interface Item {
  time: bigint;
  quantity: bigint;
  /** Bytes as hex. */
  key: string;
  uniqueOf: Record<string, string>;
  records: number;
}

function asItems(own: readonly ModelRecord[]): Item[] {
  const items: Item[] = [];
  const readings = new Map<string, Item>();
  for (const record of own) {
    const { time, quantity, metadata, kind, seriesHash, start } = record;
    if (kind === 'record') {
      items.push({ time, quantity, key: recordKey(record), uniqueOf: metadata, records: 1 });
      continue;
    }
    const id = `${seriesHash} ${start} ${time}`;
    const item = readings.get(id) ?? {
      time,
      quantity: 0n,
      key: hex(time, 16) + md5(`${hex(BigInt(seriesHash), 32)} ${start}`),
      uniqueOf: metadata,
      records: 0,
    };
    if (!readings.has(id)) items.push(item);
    readings.set(id, item);
    item.quantity += quantity;
    if (kind === 'increment') item.records += 1;
  }
  return items.sort((a, b) => {
    if (a.time !== b.time) return a.time < b.time ? -1 : 1;
    return a.key < b.key ? -1 : 1;
  });
}

/** The record's id, as the API tells it. */
function recordKey({ seriesHash, start, time, quantity, eventKey }: ModelRecord): string {
  const sign = quantity < 0n ? '-' : '';
  const digits = (quantity < 0n ? -quantity : quantity).toString().padStart(13, '0');
  const value = `${sign}${digits.slice(0, -12)}.${digits.slice(-12)}`;
  const parts = [hex(BigInt(seriesHash), 32), start, time, value, 0, 0, ...(eventKey ? [eventKey] : [])];
  return hex(time, 16) + md5(parts.join(' '));
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex').slice(0, 16);
}

function hex(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** The value from a to b; null where there is none. */
function aggregate(
  all: readonly Item[],
  { aggregation, uniqueKey, levelTtl }: ModelDimension,
  a: bigint,
  b: bigint,
  holdUntil: bigint,
): Fraction | null {
  const items = all.filter(({ time }) => time >= a && time < b);
  if (aggregation.startsWith('time_')) {
    let area = 0n;
    let holds = items.length > 0;
    all.forEach(({ time, quantity }, i) => {
      const ends = [b, holdUntil];
      if (i + 1 < all.length) ends.push(all[i + 1].time);
      if (levelTtl !== null) ends.push(time + BigInt(levelTtl) * 1_000_000_000n);
      const end = ends.reduce((least, one) => (one < least ? one : least));
      const begin = time > a ? time : a;
      if (end <= begin) return;
      holds = true;
      area += quantity * (end - begin);
    });
    if (!holds) return null;
    return { top: area, bottom: aggregation === 'time_weighted' ? b - a : 3_600_000_000_000n };
  }
  if (items.length === 0) return null;
  const quantities = items.map(({ quantity }) => quantity);
  const sum = quantities.reduce((total, one) => total + one, 0n);
  const records = BigInt(items.reduce((count, one) => count + one.records, 0));
  switch (aggregation) {
    case 'sum':
      return { top: sum, bottom: 1n };
    case 'count':
      return { top: records * UNIT, bottom: 1n };
    case 'max':
      return { top: quantities.reduce((most, one) => (one > most ? one : most)), bottom: 1n };
    case 'min':
      return { top: quantities.reduce((least, one) => (one < least ? one : least)), bottom: 1n };
    case 'last':
      return { top: quantities[quantities.length - 1], bottom: 1n };
    case 'average':
      return { top: sum, bottom: records };
    case 'unique': {
      const values = items.flatMap(({ uniqueOf }) => uniqueOf[uniqueKey!] ?? []);
      return { top: BigInt(new Set(values).size) * UNIT, bottom: 1n };
    }
    default:
      throw new Error(`the model knows no aggregation ${aggregation}`);
  }
}

function plus(a: Fraction, b: Fraction): Fraction {
  const top = a.top * b.bottom + b.top * a.bottom;
  const bottom = a.bottom * b.bottom;
  const common = divisor(top < 0n ? -top : top, bottom);
  return { top: top / common, bottom: bottom / common };
}

function divisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : divisor(b, a % b);
}

/** To the nearest whole, ties to the even one. */
function nearest({ top, bottom }: Fraction): bigint {
  const below = floor(top, bottom);
  const doubled = (top - below * bottom) * 2n;
  if (doubled === bottom) return below % 2n === 0n ? below : below + 1n;
  return doubled < bottom ? below : below + 1n;
}

function floor(top: bigint, bottom: bigint): bigint {
  const quotient = top / bottom;
  return top < 0n && top % bottom !== 0n ? quotient - 1n : quotient;
}

function rounded(value: Fraction, { increment, rounding }: ModelDimension): bigint {
  if (increment === null) return nearest(value);
  const bottom = value.bottom * increment;
  const down = floor(value.top, bottom);
  const up = -floor(-value.top, bottom);
  if (rounding === 'floor') return down * increment;
  if (rounding === 'ceiling') return up * increment;
  const magnitude = value.top < 0n ? -value.top : value.top;
  const steps = floor(2n * magnitude + bottom, 2n * bottom);
  return (value.top < 0n ? -steps : steps) * increment;
}

/** Without zeros at the end. */
function decimal(scaled: bigint, places: number): string {
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return `${scaled < 0n ? '-' : ''}${digits.slice(0, -places)}${fraction && `.${fraction}`}`;
}
