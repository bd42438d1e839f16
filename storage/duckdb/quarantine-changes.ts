/** What a load changes in quarantine: signals that are listed, that leave, and that came again. Applied at its end. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { readBigInt, writeBigInt } from '../decimal.ts';
import type { LedgerBatch } from '../ledger-batch.ts';
import {
  type FactWriter,
  hasEventKey,
  originOf,
  type QuarantineText,
  type RowOrigin,
  type Seen,
} from './fact-writer.ts';
import type { RegistryTables } from './registry-tables.ts';
import { RESOLUTION_OPEN, type Resolution } from './schema.ts';
import type { SlotTable } from './slot-table.ts';
import { TableAppender } from './table-appender.ts';
import { copy64, read64, write64 } from './words.ts';

/** A row of quarantine; of a point, that is its key. */
export interface QuarantineKey {
  series: number;
  start: bigint;
  time: bigint;
  valueKind: number;
  value: bigint;
  /** Key of an event, 0n = it is a point. */
  event: bigint;
}

/** A signal that this load lists. */
export interface Addition {
  origin: RowOrigin;
  text: QuarantineText;
  seen: Seen;
}

/** How a signal lies in quarantine: as a row, or as one that this load adds. */
export type Listing = Resolution | Addition;

/** When signals that left quarantine to be judged again had come, by {@link signalName}. */
export type Rejudged = ReadonlyMap<string, Seen>;

export interface QuarantineTables {
  connection: DuckDBConnection;
  facts: FactWriter;
  slots: SlotTable;
  registry: RegistryTables;
  rejudged: Rejudged;
}

export class QuarantineChanges {
  readonly #tables: QuarantineTables;
  readonly #additions = new Set<Addition>();
  readonly #removals: QuarantineKey[] = [];
  readonly #seenAgain = new Map<string, { key: QuarantineKey; lastSeen: Uint32Array }>();

  constructor(tables: QuarantineTables) {
    this.#tables = tables;
  }

  list(origin: RowOrigin, code: number): Addition {
    const { slots, registry, rejudged } = this.#tables;
    const { batch, row } = origin;
    const came = originOf(batch, row);
    const seen = came === null ? undefined : rejudged.get(signalName(came, batch.ordinal[row]));
    const addition = {
      origin,
      text: quarantineText(batch.slot[row], code, slots, registry),
      seen: { ...seen },
    };
    this.#additions.add(addition);
    return addition;
  }

  /** A signal that is listed came again, which is no news but for the time. */
  seeAgain(row: RowOrigin, key: QuarantineKey, listing: Listing): void {
    const { receivedAtUnixNano } = row.batch.frames;
    const lastSeen = receivedAtUnixNano.slice(row.frame * 2, row.frame * 2 + 2);
    if (typeof listing === 'object') listing.seen.last = lastSeen;
    else this.#seenAgain.set(quarantineName(key), { key, lastSeen });
  }

  /** A signal leaves, unless a person has settled it. */
  remove(key: QuarantineKey, listing: Listing): void {
    if (typeof listing === 'object') this.#additions.delete(listing);
    else if (listing === RESOLUTION_OPEN) {
      this.#removals.push(key);
      this.#seenAgain.delete(quarantineName(key));
    }
  }

  /** Applies everything. @returns whether anything was listed */
  async finish(): Promise<boolean> {
    const { facts } = this.#tables;
    await this.#changeStored();
    for (const { origin, text, seen } of this.#additions) facts.addQuarantine(origin, text, seen);
    return this.#additions.size > 0;
  }

  async #changeStored(): Promise<void> {
    const { connection, facts } = this.#tables;
    if (this.#removals.length === 0 && this.#seenAgain.size === 0) return;
    facts.flush();
    await connection.run(`CREATE OR REPLACE TEMP TABLE quarantine_changes (series INTEGER, start_nano UBIGINT,
      time_nano UBIGINT, value_kind UTINYINT, value_low UBIGINT, value_high UBIGINT, event UHUGEINT, removed UTINYINT,
      last_seen TIMESTAMP_NS)`);
    const changes = await TableAppender.create(
      connection,
      ['temp', 'main', 'quarantine_changes'],
      [4, 8, 8, 1, 8, 8, 16, 1, 8],
    );
    const add = (key: QuarantineKey, removed: boolean, lastSeen: Uint32Array): void => {
      changes.reserve();
      const at = changes.length;
      changes.words(0)[at] = key.series;
      write64(changes.words(1), at, key.start);
      write64(changes.words(2), at, key.time);
      changes.bytes(3)[at] = key.valueKind;
      write64(changes.words(4), at, key.value);
      write64(changes.words(5), at, key.value >> 64n);
      writeBigInt(key.event, changes.words(6), at * 4);
      changes.bytes(7)[at] = removed ? 1 : 0;
      copy64(lastSeen, 0, changes.words(8), at);
      changes.length += 1;
    };
    const never = new Uint32Array(2);
    for (const key of this.#removals) add(key, true, never);
    for (const { key, lastSeen } of this.#seenAgain.values()) add(key, false, lastSeen);
    changes.close();
    const isSame = `q.series = c.series AND q.start_nano = c.start_nano AND q.time_nano = c.time_nano
      AND q.value_kind = c.value_kind AND q.value_low = c.value_low AND q.value_high = c.value_high
      AND coalesce(q.event, 0::UHUGEINT) = c.event`;
    if (this.#removals.length > 0) {
      await connection.run(`DELETE FROM stored.quarantine q USING temp.quarantine_changes c
        WHERE ${isSame} AND c.removed = 1 AND q.resolution = '${RESOLUTION_OPEN}'`);
    }
    if (this.#seenAgain.size > 0) {
      await connection.run(`UPDATE stored.quarantine q SET last_seen = c.last_seen FROM temp.quarantine_changes c
        WHERE ${isSame} AND c.removed = 0`);
    }
  }
}

/** The customer and dimension that a quarantined row is listed under. */
export function quarantineText(
  slot: number,
  code: number,
  slots: SlotTable,
  registry: RegistryTables,
): QuarantineText {
  const ids = slots.unattributed.get(slot);
  return {
    series: slots.series[slot],
    code,
    customerId: ids === undefined ? registry.customerId(slots.customer[slot]) : ids.customerId,
    dimensionId: ids === undefined ? registry.dimensionId(slots.dimension[slot]) : ids.dimensionId,
  };
}

export function quarantineKey(batch: LedgerBatch, row: number, slots: SlotTable): QuarantineKey {
  return {
    series: slots.series[batch.slot[row]],
    start: read64(batch.startUnixNano, row),
    time: read64(batch.timeUnixNano, row),
    valueKind: batch.valueKind[row],
    value: readBigInt(batch.quantity, row * 4),
    event: hasEventKey(batch, row) ? BigInt.asUintN(128, readBigInt(batch.event, row * 4)) : 0n,
  };
}

/** A key as text, one to one. */
export function quarantineName({ series, start, time, valueKind, value, event }: QuarantineKey): string {
  return `${series} ${start} ${time} ${valueKind} ${value} ${event}`;
}

/** A signal by its place in the journal, as text. */
export function signalName(sequence: number, ordinal: number): string {
  return `${sequence} ${ordinal}`;
}
