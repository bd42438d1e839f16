/**
 * Takes from interpreted batches what a dry run is about, and makes them fit for a ledger that begins empty. Pure.
 */

import type { RegistryDimension } from '../../storage/ledger.ts';
import type { LedgerBatch, SlotDefinition } from '../../storage/ledger-batch.ts';

const OTHER_METER = 1;
const TESTED_METER = 2;

export interface TestedRowsOptions {
  /** Whose rows are counted as {@link TestedRows.matched}. */
  meterId: string;
  /** Meters beside it whose rows stay too. */
  otherMeterIds: readonly string[];
  /** What was known before the first frame. The empty ledger learns of it as it is named. */
  known: { customers: ReadonlySet<string>; dimensions: ReadonlyMap<string, RegistryDimension> };
  /** When the first frame came; running totals that began before count from their first reading on. 0n = never. */
  sinceUnixNano: bigint;
}

/** Customers and dimensions that nobody had declared, and that usage of the tested meter makes known. */
export interface Discovery {
  customers: Set<string>;
  dimensions: Map<string, { unit: string }>;
}

export class TestedRows {
  readonly #options: TestedRowsOptions;
  readonly #others: ReadonlySet<string>;
  /** By slot: 0 where its rows are left out. */
  #meters = new Uint8Array(1024);
  readonly #told = new Set<string>();
  /** Customers and dimensions that the tested meter names. */
  readonly #named = new Set<string>();
  /** Rows of the tested meter so far: one for each signal that it claims. */
  matched = 0;
  readonly discovered: Discovery = { customers: new Set(), dimensions: new Map() };

  constructor(options: TestedRowsOptions) {
    this.#options = options;
    this.#others = new Set(options.otherMeterIds);
  }

  /** The batch without the rows of other meters. Batches come in their order. */
  select(batch: LedgerBatch): LedgerBatch {
    if (batch.reset) this.#meters.fill(0);
    const events: LedgerBatch['events'] = [];
    const slots: SlotDefinition[] = [];
    for (const definition of batch.slots) {
      const meter = this.#meterOf(definition);
      this.#setMeter(definition.slot, meter);
      if (meter === 0) continue;
      if (meter === TESTED_METER) this.#name(definition);
      slots.push({ ...definition, sinceUnixNano: this.#options.sinceUnixNano });
      this.#tell(definition, batch.frames.sequence[0], events);
    }
    this.#noteDiscoveries(batch);
    return { ...batch, ...this.#selectRows(batch), slots, events: [...events, ...batch.events] };
  }

  #meterOf({ meterId }: SlotDefinition): number {
    if (meterId === this.#options.meterId) return TESTED_METER;
    return this.#others.has(meterId) ? OTHER_METER : 0;
  }

  #setMeter(slot: number, meter: number): void {
    if (slot >= this.#meters.length) {
      const larger = new Uint8Array(Math.max(slot + 1, this.#meters.length * 2));
      larger.set(this.#meters);
      this.#meters = larger;
    }
    this.#meters[slot] = meter;
  }

  /** What the registry knows, the empty ledger does not: it would take it for usage of nobody. */
  #tell({ customerId, dimensionId }: SlotDefinition, sequence: number, events: LedgerBatch['events']): void {
    const { customers, dimensions } = this.#options.known;
    if (customerId !== null && customers.has(customerId) && this.#isNews(customerName(customerId)))
      events.push({ type: 'customer_discovered', sequence, customerId });
    const dimension = dimensionId === null ? undefined : dimensions.get(dimensionId);
    if (dimension !== undefined && this.#isNews(dimensionName(dimension.id))) {
      const { id, unit } = dimension;
      events.push({ type: 'dimension_discovered', sequence, dimensionId: id, unit });
    }
  }

  #name({ customerId, dimensionId }: SlotDefinition): void {
    if (customerId !== null) this.#named.add(customerName(customerId));
    if (dimensionId !== null) this.#named.add(dimensionName(dimensionId));
  }

  #isNews(name: string): boolean {
    if (this.#told.has(name)) return false;
    this.#told.add(name);
    return true;
  }

  #noteDiscoveries({ events }: LedgerBatch): void {
    const { customers, dimensions } = this.discovered;
    for (const event of events) {
      if (event.type === 'customer_discovered' && this.#named.has(customerName(event.customerId)))
        customers.add(event.customerId);
      else if (event.type === 'dimension_discovered' && this.#named.has(dimensionName(event.dimensionId)))
        dimensions.set(event.dimensionId, { unit: event.unit });
    }
  }

  #selectRows(batch: LedgerBatch) {
    const kept: number[] = [];
    const rowEnd = new Int32Array(batch.frames.length);
    let row = 0;
    for (let frame = 0; frame < batch.frames.length; frame++) {
      for (; row < batch.frames.rowEnd[frame]; row++) {
        const meter = this.#meters[batch.slot[row]];
        if (meter === 0) continue;
        if (meter === TESTED_METER) this.matched += 1;
        kept.push(row);
      }
      rowEnd[frame] = kept.length;
    }
    return {
      frames: { ...batch.frames, rowEnd },
      length: kept.length,
      slot: gathered(batch.slot, kept, 1),
      startUnixNano: gathered(batch.startUnixNano, kept, 2),
      timeUnixNano: gathered(batch.timeUnixNano, kept, 2),
      quantity: gathered(batch.quantity, kept, 4),
      valueKind: gathered(batch.valueKind, kept, 1),
      code: gathered(batch.code, kept, 1),
      ordinal: gathered(batch.ordinal, kept, 1),
      event: batch.event.length === 0 ? batch.event : gathered(batch.event, kept, 4),
    };
  }
}

const customerName = (id: string) => `customer ${id}`;
const dimensionName = (id: string) => `dimension ${id}`;

/** The elements of some rows, of which each has `width`. */
function gathered<T extends Int32Array | Uint32Array | Uint8Array>(
  column: T,
  rows: readonly number[],
  width: number,
): T {
  const Column = column.constructor as new (length: number) => T;
  const target = new Column(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    for (let word = 0; word < width; word++) target[i * width + word] = column[rows[i] * width + word];
  }
  return target;
}
