/** Ledger batches from points that are easy to write down. */
import { hash } from 'node:crypto';
import type { LedgerChange } from '../../../storage/changes.ts';
import { scaledFromText, writeBigInt } from '../../../storage/decimal.ts';
import { writeHash } from '../../../storage/duckdb/dictionaries.ts';
import {
  type ContextDefinition,
  type LedgerBatch,
  type RegistryEvent,
  type SeriesRole,
  type SlotDefinition,
  VALUE_DECIMAL,
  VALUE_DOUBLE,
  VALUE_NONE,
  VALUE_TEXT,
} from '../../../storage/ledger-batch.ts';
import { codeNumber, type QuarantineCode } from '../../../storage/quarantine-codes.ts';

/** Unix nanoseconds of the instant that the tests' small times count from, in seconds. */
export const EPOCH = 1_700_000_000_000_000_000n;

/** An instant of the tests: so many seconds after {@link EPOCH}. 0 = unknown. */
export function at(seconds: number): bigint {
  return EPOCH + BigInt(Math.round(seconds * 1000)) * 1_000_000n;
}

export interface TestPoint {
  series: string;
  /** Default: the whole series name. null = missing. */
  customer?: string | null;
  /** Default "api.requests". */
  dimension?: string | null;
  role?: SeriesRole;
  fromSdk?: boolean;
  weakIdentity?: boolean;
  /** Unix nanoseconds. Default 0: unknown. */
  start?: bigint;
  time: bigint;
  /** A decimal, "NaN", or null for none; of an event, any text. */
  value: string | null;
  /** Makes it an event of this id; the role must say so, too. */
  event?: string;
  /** Default "builtin". */
  meterId?: string;
  meterVersion?: number;
  /** Unix nanoseconds before which totals began that count from their first reading on. */
  since?: bigint;
  timeIsArrival?: boolean;
  /** Of a replay: where the signal stood first. */
  origin?: { sequence: number; ordinal: number };
  code?: QuarantineCode;
  metadata?: Record<string, string>;
}

/** What a receiver keeps between batches: names of slots, and what it discovered. */
export class BatchWriter {
  #slots = new Map<string, number>();
  #customers = new Set<string>();
  #dimensions = new Set<string>();
  #reset = true;
  sequence: number;

  /** @param sequence of the last frame that the ledger has */
  constructor(sequence = 0, known: { customers?: string[]; dimensions?: string[] } = {}) {
    this.sequence = sequence;
    for (const id of known.customers ?? []) this.#customers.add(id);
    for (const id of known.dimensions ?? []) this.#dimensions.add(id);
  }

  /** From the next batch on, slots mean something new. */
  reset(): void {
    this.#slots.clear();
    this.#reset = true;
  }

  /** One batch of a frame with changes and the rows that come with them. */
  changes(changes: LedgerChange[], points: TestPoint[] = []): LedgerBatch {
    // Slots of customers that mean another from now on are defined anew.
    if (changes.some(({ type }) => type === 'customer_put' || type === 'customer_deleted')) this.reset();
    for (const change of changes) this.#learn(change);
    return { ...this.batch(points), changes };
  }

  #learn(change: LedgerChange): void {
    if (change.type === 'customer_put') {
      this.#customers.add(change.customer.id);
      for (const alias of change.customer.aliases) this.#customers.delete(alias);
    } else if (change.type === 'dimension_put') this.#dimensions.add(change.dimension.id);
    else if (change.type === 'customer_deleted') this.#customers.delete(change.id);
    else if (change.type === 'dimension_deleted') this.#dimensions.delete(change.id);
  }

  /** One batch of these frames. */
  batch(...frames: TestPoint[][]): LedgerBatch {
    const points = frames.flat();
    const hasEvents = points.some(({ event }) => event !== undefined);
    const isReplay = points.some(({ origin }) => origin !== undefined);
    const contexts: ContextDefinition[] = [];
    const slots: SlotDefinition[] = [];
    const events: RegistryEvent[] = [];
    const length = points.length;
    const batch: LedgerBatch = {
      reset: this.#reset,
      contexts,
      slots,
      events,
      changes: [],
      frames: {
        length: frames.length,
        sequence: new Float64Array(frames.length),
        receivedAtUnixNano: new Uint32Array(frames.length * 2),
        rowEnd: new Int32Array(frames.length),
      },
      length,
      slot: new Int32Array(length),
      startUnixNano: new Uint32Array(length * 2),
      timeUnixNano: new Uint32Array(length * 2),
      quantity: new Uint32Array(length * 4),
      valueKind: new Uint8Array(length),
      code: new Uint8Array(length),
      ordinal: new Int32Array(length),
      event: new Uint32Array(hasEvents ? length * 4 : 0),
      originSequence: new Float64Array(isReplay ? length : 0),
    };
    this.#reset = false;
    let row = 0;
    for (const [frame, ofFrame] of frames.entries()) {
      this.sequence += 1;
      batch.frames.sequence[frame] = this.sequence;
      // Received in order, a second per frame.
      writeNano(batch.frames.receivedAtUnixNano, frame, EPOCH + BigInt(this.sequence) * 1_000_000_000n);
      for (const [ordinal, point] of ofFrame.entries()) {
        batch.ordinal[row] = point.origin?.ordinal ?? ordinal;
        if (point.origin !== undefined) batch.originSequence[row] = point.origin.sequence;
        if (point.event !== undefined) writeHash(eventKey(point.event), batch.event, row * 4);
        batch.slot[row] = this.#slotOf(point, contexts, slots);
        if (point.code === undefined) this.#discover(point, events);
        writeNano(batch.startUnixNano, row, point.start ?? 0n);
        writeNano(batch.timeUnixNano, row, point.time);
        batch.valueKind[row] = writeValue(point.value, batch.quantity, row);
        batch.code[row] = point.code === undefined ? 0 : codeNumber(point.code);
        row += 1;
      }
      batch.frames.rowEnd[frame] = row;
    }
    return batch;
  }

  #slotOf(point: TestPoint, contexts: ContextDefinition[], slots: SlotDefinition[]): number {
    const name = seriesName(point);
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    this.#slots.set(name, slot);
    const role = point.role ?? 'delta';
    contexts.push({
      context: slot,
      resource: '{"service.name":"shop"}',
      scopeName: 'test',
      scopeVersion: '',
      metricName: `usage.${dimensionOf(point)}`,
      unit: '1',
      metricKind: role === 'event' ? 'log' : 'sum',
      temporality: role === 'delta' || role === 'event' ? 'delta' : 'cumulative',
      monotonic: role !== 'level',
      fromSdk: point.fromSdk ?? true,
      weakIdentity: point.weakIdentity ?? false,
    });
    slots.push({
      slot,
      context: slot,
      seriesHash: seriesHash(point),
      role,
      meterId: point.meterId ?? 'builtin',
      meterVersion: point.meterVersion ?? 0,
      sinceUnixNano: point.since ?? null,
      customerId: customerOf(point),
      dimensionId: dimensionOf(point),
      metadata: JSON.stringify(point.metadata ?? {}),
      ...(point.timeIsArrival === undefined ? {} : { timeIsArrival: point.timeIsArrival }),
    });
    return slot;
  }

  #discover(point: TestPoint, events: RegistryEvent[]): void {
    const { sequence } = this;
    const customerId = customerOf(point);
    if (customerId !== null && !this.#customers.has(customerId)) {
      this.#customers.add(customerId);
      events.push({ type: 'customer_discovered', sequence, customerId });
    }
    const dimensionId = dimensionOf(point);
    if (dimensionId !== null && !this.#dimensions.has(dimensionId)) {
      this.#dimensions.add(dimensionId);
      events.push({ type: 'dimension_discovered', sequence, dimensionId, unit: '1' });
    }
  }
}

function seriesName({ series, meterId, meterVersion }: TestPoint): string {
  return JSON.stringify([series, meterId, meterVersion]);
}

export function seriesHash(point: TestPoint): string {
  return hash('sha256', seriesName(point)).slice(0, 32);
}

/** The key of an event, 32 hex digits. */
export function eventKey(id: string): string {
  return hash('sha256', id).slice(0, 32);
}

function customerOf({ customer, series }: TestPoint): string | null {
  return customer === undefined ? series : customer;
}

function dimensionOf({ dimension }: TestPoint): string | null {
  return dimension === undefined ? 'api.requests' : dimension;
}

function writeNano(words: Uint32Array, row: number, nano: bigint): void {
  words[row * 2] = Number(nano & 0xffffffffn);
  words[row * 2 + 1] = Number(nano >> 32n);
}

function writeValue(value: string | null, words: Uint32Array, row: number): number {
  if (value === null) return VALUE_NONE;
  const scaled = scaledFromText(value);
  if (scaled !== null) {
    writeBigInt(scaled, words, row * 4);
    return VALUE_DECIMAL;
  }
  if (Number.isNaN(Number(value)) && value !== 'NaN') {
    writeHash(hash('sha256', value).slice(0, 32), words, row * 4);
    return VALUE_TEXT;
  }
  const bits = new Uint32Array(new Float64Array([Number(value)]).buffer);
  words.set(bits, row * 4);
  return VALUE_DOUBLE;
}
