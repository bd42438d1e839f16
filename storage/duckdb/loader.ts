/**
 * Takes batches into the ledger, in transactions that hold usage, readings, quarantine, dictionaries, registry and
 * the journal position.
 *
 * A point is new for certain when its time lies beyond everything stored of its series (the slot's mark), an event
 * when its key is not in the filter of all keys. Nearly all rows are decided so, from memory. The others go the slow
 * path (deferred-rows.ts, deferred-events.ts), after the other rows of the batches.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LedgerBatch, RegistryEvent } from '../ledger-batch.ts';
import { codeNumber } from '../quarantine-codes.ts';
import { Arrivals } from './arrivals.ts';
import { settleEvents } from './deferred-events.ts';
import { type DeferredRow, type LoadTables, releaseSlots, settleDeferred } from './deferred-rows.ts';
import { Dictionaries, type ResolvedSlot } from './dictionaries.ts';
import type { EventFilter } from './event-filter.ts';
import { storedEvents } from './event-keys.ts';
import { FactWriter, setSequence, USAGE_EVENT } from './fact-writer.ts';
import { applyChanges, effectiveRows } from './ledger-changes.ts';
import { quarantineText, type Rejudged } from './quarantine-changes.ts';
import { RegistryTables } from './registry-tables.ts';
import { KIND_INCREMENT, KIND_RECORD } from './schema.ts';
import { nameSeries, SlotRecall } from './slot-recall.ts';
import {
  approximate,
  FLAG_ARRIVAL_TIME,
  FLAG_CUMULATIVE,
  FLAG_DEFERRED,
  FLAG_EVENT,
  FLAG_FROM_SDK,
  FLAG_GUESSED_MARK,
  FLAG_HAS_READINGS,
  FLAG_LEVEL_KNOWN,
  FLAG_QUARANTINE,
  FLAG_UNATTRIBUTED,
  FLAGS_NOT_PLAIN,
  NO_KEY,
  NO_MARK,
  SlotTable,
  START_KNOWN,
  START_UNKNOWN,
  START_UNSEEN,
} from './slot-table.ts';
import { compare64, compare128, copy64, copy128, read64, subtract128, write64 } from './words.ts';

const MIXED_START = codeNumber('mixed_start');
const BASELINE = codeNumber('baseline');
/** Rows of a row group of DuckDB. */
export const ROW_GROUP = 122_880;
const NONE_REJUDGED: Rejudged = new Map();

export class Loader {
  readonly #connection: DuckDBConnection;
  readonly #registry: RegistryTables;
  readonly #dictionaries: Dictionaries;
  readonly #facts: FactWriter;
  readonly #slots = new SlotTable();
  readonly #recall: SlotRecall;
  readonly #events: EventFilter;
  readonly #arrivals: Arrivals;
  readonly #rowGroup: number;
  #position: number;
  /** Sequence of the last frame that was taken. */
  #taken: number;
  #takenRows = 0;
  #committedRows = 0;
  /** Of {@link FactWriter.usageAppended}. */
  #committedUsage = 0;
  #isInTransaction = false;
  /** The greatest time of usage and readings, two words, and the same {@link approximate}. */
  readonly #greatestTime = new Uint32Array(2);
  #greatestMark: number;
  #quarantineIsEmpty: boolean;
  #deferred: DeferredRow[] = [];
  #deferredEvents: DeferredRow[] = [];

  private constructor(
    connection: DuckDBConnection,
    tables: {
      registry: RegistryTables;
      dictionaries: Dictionaries;
      facts: FactWriter;
      events: EventFilter;
      arrivals: Arrivals;
    },
    rowGroup: number,
    state: { position: number; greatestTime: bigint; quarantineIsEmpty: boolean },
  ) {
    this.#connection = connection;
    this.#recall = new SlotRecall(connection, this.#slots);
    this.#registry = tables.registry;
    this.#dictionaries = tables.dictionaries;
    this.#facts = tables.facts;
    this.#events = tables.events;
    this.#arrivals = tables.arrivals;
    this.#rowGroup = rowGroup;
    this.#position = state.position;
    this.#taken = state.position;
    write64(this.#greatestTime, 0, state.greatestTime);
    this.#greatestMark = approximate(this.#greatestTime[0], this.#greatestTime[1]);
    this.#quarantineIsEmpty = state.quarantineIsEmpty;
  }

  /**
   * @param connection is the loader's alone from now on
   * @param rowGroup rows of a row group of usage; only tests have small ones
   */
  static async open(connection: DuckDBConnection, rowGroup = ROW_GROUP): Promise<Loader> {
    const reader = await connection.runAndReadAll(`SELECT sequence, epoch_ns(greatest_time),
      (SELECT count(*) FROM (FROM stored.quarantine LIMIT 1)) FROM stored.position`);
    const [position, greatestTime, quarantined] = reader.getRows()[0];
    const registry = await RegistryTables.open(connection);
    const dictionaries = await Dictionaries.open(connection, registry);
    const facts = await FactWriter.open(connection, 2 * rowGroup);
    const events = await storedEvents(connection);
    const arrivals = await Arrivals.open(connection);
    return new Loader(connection, { registry, dictionaries, facts, events, arrivals }, rowGroup, {
      position: Number(position),
      greatestTime: BigInt(greatestTime as bigint),
      quarantineIsEmpty: Number(quarantined) === 0,
    });
  }

  /** The journal sequence up to which everything is committed. */
  get position(): number {
    return this.#position;
  }

  /** Rows that were taken and are committed. */
  get committedRows(): number {
    return this.#committedRows;
  }

  /**
   * Takes batches into the transaction that the next {@link commit} ends. Only the first of them may reset. A batch
   * with changes comes alone, and is committed: what comes before it, too. After an error nothing since the last commit
   * is stored, and the loader must not be used any more.
   */
  async take(batches: readonly LedgerBatch[]): Promise<void> {
    if (batches.some(({ changes }) => changes.length > 0)) {
      if (batches.length > 1) throw new RangeError('a batch with changes must be taken alone');
      await this.#takeChanges(batches[0]);
      return;
    }
    await this.#begin();
    // Marks are lost by a reset and found again by queries, which do not see what is staged.
    if (batches[0].reset) {
      this.#facts.records.flush();
      this.#facts.flush();
    }
    await this.#define(batches);
    await this.#recall.findMarks(batches);
    for (const batch of batches) this.#takeRows(batch);
    await this.#settle();
    this.#noteTaken(batches);
  }

  /**
   * Everything before the changes is committed first, so that they find it; then they are committed with their rows and
   * the position, so that they are never ahead of it: frames that come again after a crash are judged without them.
   */
  async #takeChanges(batch: LedgerBatch): Promise<void> {
    await this.commit('everything');
    await this.#begin();
    const effects = await applyChanges(batch, {
      connection: this.#connection,
      registry: this.#registry,
      slots: this.#slots,
    });
    await this.#define([batch]);
    await this.#recall.findMarks([batch]);
    const meters = await this.#metersOf(batch);
    for (const row of effectiveRows(
      batch,
      effects,
      (row) => meters.get(this.#slots.series[batch.slot[row]])!,
      effects.asked.size === 0 ? new Map() : await this.#registry.metersBegan(),
    )) {
      this.#takeAgain(batch, row);
    }
    await this.#settle(effects.rejudged);
    this.#noteTaken([batch]);
    await this.commit('everything');
  }

  #noteTaken(batches: readonly LedgerBatch[]): void {
    const { frames } = batches[batches.length - 1];
    this.#taken = frames.sequence[frames.length - 1];
    for (const { length, frames: all } of batches) {
      this.#takenRows += length;
      this.#arrivals.note(all);
    }
  }

  /** The meters of the rows, by their series. */
  async #metersOf({ length, slot }: LedgerBatch): Promise<Map<number, string>> {
    if (length === 0) return new Map();
    this.#dictionaries.flush();
    await nameSeries(
      this.#connection,
      [...new Set(slot.subarray(0, length))].map((one) => [one, this.#slots.series[one]]),
    );
    const reader = await this.#connection.runAndReadAll(
      'SELECT s.series, s.meter_id FROM stored.series s JOIN temp.wanted_series w USING (series)',
    );
    return new Map(reader.getRows().map(([series, meterId]) => [Number(series), String(meterId)] as const));
  }

  /**
   * Commits everything, or as many whole row groups of usage as there are: only these go to the file directly, all
   * else through DuckDB's log first. Then records stay staged, and the position is before the first one's frame. What
   * later frames brought besides is committed already: when they come again after a crash, it is known.
   * @returns whether anything was committed
   */
  async commit(what: 'everything' | 'whole row groups'): Promise<boolean> {
    if (!this.isWaiting) return false;
    await this.#begin();
    const { records } = this.#facts;
    this.#facts.flush();
    if (what === 'everything') {
      records.append(records.length);
    } else {
      const inTransaction = this.#facts.usageAppended - this.#committedUsage;
      const available = inTransaction + records.length;
      const missing = available - (available % this.#rowGroup) - inTransaction;
      // More than a row group of what cannot wait, as from running totals only, is not held back.
      if (missing < 0 && inTransaction < this.#rowGroup) return false;
      if (missing + inTransaction === 0) return false;
      records.append(Math.max(0, missing));
    }
    records.flushAppended();
    this.#dictionaries.flush();
    const arrived = this.#arrivals.takeStatement();
    if (arrived !== null) await this.#connection.run(arrived);
    const position = records.length > 0 ? Number(read64(records.words(7), 0)) - 1 : this.#taken;
    await this.#connection.run(`UPDATE stored.position SET sequence = ${position},
      greatest_time = make_timestamp_ns(${read64(this.#greatestTime, 0)})`);
    await this.#connection.run('COMMIT');
    this.#isInTransaction = false;
    this.#position = position;
    this.#committedUsage = this.#facts.usageAppended;
    this.#committedRows = this.#takenRows - records.length;
    return true;
  }

  /**
   * Whether an event of this key may have come, ever; false is certain of all that was taken.
   * @param words the key as four words, the lowest first
   */
  mayKnowEvent(words: Uint32Array): boolean {
    return this.#events.has(words, 0);
  }

  /** Rows that were taken and are not committed. */
  get waitingRows(): number {
    return this.#takenRows - this.#committedRows;
  }

  /** Whether a commit of everything would move the position. */
  get isWaiting(): boolean {
    return this.#taken > this.#position;
  }

  /** Ends, without what is not committed. */
  async close(): Promise<void> {
    this.#facts.discard();
    this.#dictionaries.discard();
    if (this.#isInTransaction) await this.#connection.run('ROLLBACK');
    this.#isInTransaction = false;
  }

  async #begin(): Promise<void> {
    if (!this.#isInTransaction) await this.#connection.run('BEGIN');
    this.#isInTransaction = true;
  }

  async #define(batches: readonly LedgerBatch[]): Promise<void> {
    if (batches[0].reset) {
      this.#slots.clear();
      this.#dictionaries.forgetContexts();
      this.#recall.clear();
    }
    const events: RegistryEvent[] = batches.flatMap((batch) => batch.events);
    if (events.length > 0) await this.#registry.apply(events);
    const known: ResolvedSlot[] = [];
    for (const { contexts, slots } of batches) {
      const resolved = await this.#dictionaries.resolve(contexts, slots);
      for (const slot of resolved) {
        this.#defineSlot(slot);
        if (!slot.isNew && slot.definition.role !== 'event') known.push(slot);
      }
    }
    if (known.length > 0) await this.#recall.recall(known, this.#quarantineIsEmpty);
  }

  #defineSlot({ definition, context, series, customer, dimension, isNew }: ResolvedSlot): void {
    let flags = 0;
    if (definition.role === 'cumulative') flags |= FLAG_CUMULATIVE;
    else if (definition.role === 'event') flags |= FLAG_EVENT;
    if (context.fromSdk) flags |= FLAG_FROM_SDK;
    if (definition.timeIsArrival === true) flags |= FLAG_ARRIVAL_TIME;
    if (customer === NO_KEY || dimension === NO_KEY) {
      flags |= FLAG_UNATTRIBUTED;
      const { customerId, dimensionId } = definition;
      this.#slots.unattributed.set(definition.slot, { customerId, dimensionId });
    }
    // A series that was seen before has nothing stored beyond the greatest time of all.
    if (!isNew && definition.role !== 'event') {
      flags |= FLAG_GUESSED_MARK;
      this.#recall.noteGuess();
    }
    const mark = isNew ? NO_MARK : this.#greatestMark;
    this.#slots.define(definition.slot, { series, customer, dimension }, definition, flags, mark);
  }

  /** The hot path: one pass over the rows of a batch. */
  #takeRows(batch: LedgerBatch): void {
    const { frames, slot: slotOf, startUnixNano, timeUnixNano, quantity, code } = batch;
    const { series, customer, dimension, flags, mark } = this.#slots;
    const { records } = this.#facts;
    const recordSeries = records.words(0);
    const recordCustomer = records.words(1);
    const recordDimension = records.words(2);
    const recordStart = records.words(3);
    const recordTime = records.words(4);
    const recordQuantity = records.words(5);
    const recordKind = records.bytes(6);
    const recordSequence = records.words(7);
    let row = 0;
    for (let frame = 0; frame < frames.length; frame++) {
      const sequenceLow = frames.sequence[frame] >>> 0;
      const sequenceHigh = Math.floor(frames.sequence[frame] / 4294967296);
      const end = frames.rowEnd[frame];
      for (; row < end; row++) {
        const slot = slotOf[row];
        const timeLow = timeUnixNano[row * 2];
        const timeHigh = timeUnixNano[row * 2 + 1];
        const time = approximate(timeLow, timeHigh);
        if (code[row] !== 0 || (flags[slot] & FLAGS_NOT_PLAIN) !== 0 || time <= mark[slot]) {
          this.#takeOther(batch, row, frame);
          continue;
        }
        mark[slot] = time;
        if (time > this.#greatestMark) this.#raiseGreatest(batch, row, time);
        records.reserve();
        const at = records.length;
        recordSeries[at] = series[slot];
        recordCustomer[at] = customer[slot];
        recordDimension[at] = dimension[slot];
        recordStart[at * 2] = startUnixNano[row * 2];
        recordStart[at * 2 + 1] = startUnixNano[row * 2 + 1];
        recordTime[at * 2] = timeLow;
        recordTime[at * 2 + 1] = timeHigh;
        recordQuantity[at * 4] = quantity[row * 4];
        recordQuantity[at * 4 + 1] = quantity[row * 4 + 1];
        recordQuantity[at * 4 + 2] = quantity[row * 4 + 2];
        recordQuantity[at * 4 + 3] = quantity[row * 4 + 3];
        recordKind[at] = KIND_RECORD;
        recordSequence[at * 2] = sequenceLow;
        recordSequence[at * 2 + 1] = sequenceHigh;
        records.length = at + 1;
      }
    }
  }

  #raiseGreatest(batch: LedgerBatch, row: number, time: number): void {
    this.#greatestMark = time;
    copy64(batch.timeUnixNano, row, this.#greatestTime, 0);
  }

  /** A row that is quarantined, or cumulative, or perhaps not new. */
  #takeOther(batch: LedgerBatch, row: number, frame: number): void {
    const slots = this.#slots;
    const slot = batch.slot[row];
    if ((slots.flags[slot] & FLAG_EVENT) !== 0) {
      this.#takeEvent(batch, row, frame);
      return;
    }
    const time = approximate(batch.timeUnixNano[row * 2], batch.timeUnixNano[row * 2 + 1]);
    const isCumulative = (slots.flags[slot] & FLAG_CUMULATIVE) !== 0;
    const code = isCumulative ? this.#judgeStart(batch, row, slot) : batch.code[row];
    const deferredRow = { batch, row, frame, slot, code };
    if (code === 0 && (slots.flags[slot] & FLAG_UNATTRIBUTED) !== 0) this.#attribute(slot);
    if ((slots.flags[slot] & FLAG_DEFERRED) !== 0) {
      if (code === 0) this.#raiseMark(batch, row, slot, time);
      else slots.widenQuarantine(slot, time, time);
      this.#deferred.push(deferredRow);
      return;
    }
    if (code !== 0) {
      const isNew =
        time > slots.mark[slot] &&
        ((slots.flags[slot] & FLAG_QUARANTINE) === 0 || time > slots.quarantineTo[slot]);
      slots.widenQuarantine(slot, time, time);
      if (isNew) this.#quarantine(deferredRow);
      else this.#deferred.push(deferredRow);
      return;
    }

    const isNew =
      time > slots.mark[slot] &&
      ((slots.flags[slot] & FLAG_QUARANTINE) === 0 ||
        time > slots.quarantineTo[slot] ||
        time < slots.quarantineFrom[slot]);
    this.#raiseMark(batch, row, slot, time);
    if (isNew && !isCumulative) {
      this.#facts.addUsage(deferredRow, this.#keysOf(slot), KIND_RECORD);
    } else if (!isNew || !this.#continueSegment(deferredRow)) {
      // A late reading changes what later ones add, so these wait for it.
      if (isCumulative) slots.flags[slot] |= FLAG_DEFERRED;
      this.#deferred.push(deferredRow);
    }
  }

  #takeEvent(batch: LedgerBatch, row: number, frame: number): void {
    const slot = batch.slot[row];
    const code = batch.code[row];
    const deferredRow = { batch, row, frame, slot, code };
    if (code === 0 && (this.#slots.flags[slot] & FLAG_UNATTRIBUTED) !== 0) this.#attribute(slot);
    // From here on the key is known, so that a later row of it waits for this one.
    if (this.#events.add(batch.event, row * 4)) this.#deferredEvents.push(deferredRow);
    else if (code !== 0) this.#quarantine(deferredRow);
    else this.#stageEvent(deferredRow);
  }

  #stageEvent(origin: DeferredRow): void {
    const { batch, row, frame, slot } = origin;
    const { records } = this.#facts;
    const { series, customer, dimension } = this.#slots;
    records.reserve();
    const at = records.length;
    records.words(0)[at] = series[slot];
    records.words(1)[at] = customer[slot];
    records.words(2)[at] = dimension[slot];
    copy64(batch.startUnixNano, row, records.words(3), at);
    copy64(batch.timeUnixNano, row, records.words(4), at);
    copy128(batch.quantity, row, records.words(5), at);
    records.bytes(6)[at] = KIND_RECORD;
    setSequence(records.words(7), at, batch.frames.sequence[frame]);
    copy128(batch.event, row, records.words(USAGE_EVENT), at);
    records.setPresent(USAGE_EVENT);
    records.length = at + 1;
  }

  /** A row of a frame with changes: it may have been here before in another form, so it goes the slow path. */
  #takeAgain(batch: LedgerBatch, row: number): void {
    const slots = this.#slots;
    const slot = batch.slot[row];
    const isCumulative = (slots.flags[slot] & FLAG_CUMULATIVE) !== 0;
    const code = isCumulative ? this.#judgeStart(batch, row, slot) : batch.code[row];
    if (code === 0 && (slots.flags[slot] & FLAG_UNATTRIBUTED) !== 0) this.#attribute(slot);
    const deferredRow = { batch, row, frame: 0, slot, code };
    if ((slots.flags[slot] & FLAG_EVENT) !== 0) {
      this.#events.add(batch.event, row * 4);
      this.#deferredEvents.push(deferredRow);
      return;
    }
    const time = approximate(batch.timeUnixNano[row * 2], batch.timeUnixNano[row * 2 + 1]);
    if (code === 0) this.#raiseMark(batch, row, slot, time);
    else slots.widenQuarantine(slot, time, time);
    slots.flags[slot] |= FLAG_DEFERRED;
    this.#deferred.push(deferredRow);
  }

  /** The code of a row of a cumulative series: `mixed_start` comes before the codes with a greater number. */
  #judgeStart({ code, startUnixNano }: LedgerBatch, row: number, slot: number): number {
    const { startKind } = this.#slots;
    if (code[row] !== 0 && code[row] <= MIXED_START) return code[row];
    const isUnknown = startUnixNano[row * 2] === 0 && startUnixNano[row * 2 + 1] === 0;
    const kind = isUnknown ? START_UNKNOWN : START_KNOWN;
    if (startKind[slot] === START_UNSEEN) startKind[slot] = kind;
    return startKind[slot] === kind ? code[row] : MIXED_START;
  }

  /**
   * Takes a reading that comes after all others of its series, in the segment with the greatest start or in a new one.
   * @returns false if more has to be known: nothing was taken
   */
  #continueSegment(origin: DeferredRow): boolean {
    const { batch, row, slot } = origin;
    const slots = this.#slots;
    const flags = slots.flags[slot];
    const { startUnixNano, timeUnixNano, quantity } = batch;
    const hasReadings = (flags & FLAG_HAS_READINGS) !== 0;
    const order = hasReadings ? compare64(startUnixNano, row, slots.liveStart, slot) : 1;
    if (order < 0 || (order === 0 && (flags & FLAG_LEVEL_KNOWN) === 0)) return false;

    const { usage } = this.#facts;
    const at = this.#facts.addUsage(origin, this.#keysOf(slot), KIND_INCREMENT);
    this.#facts.addReading(origin, slots.series[slot]);
    const increment = usage.words(5);
    const isUnknownStart = slots.startKind[slot] === START_UNKNOWN;
    if (order > 0) {
      // The first reading of a segment; see isBaseline in cumulative.ts.
      const isOfStart = compare64(startUnixNano, row, timeUnixNano, row) === 0;
      const beganBefore = compare64(startUnixNano, row, slots.since, slot) < 0;
      if (isUnknownStart || beganBefore || (isOfStart && (flags & FLAG_FROM_SDK) === 0)) {
        increment.fill(0, at * 4, at * 4 + 4);
        this.#quarantine({ ...origin, code: BASELINE });
      }
      copy64(startUnixNano, row, slots.liveStart, slot);
      copy128(quantity, row, slots.level, slot);
      slots.flags[slot] |= FLAG_HAS_READINGS | FLAG_LEVEL_KNOWN;
    } else if (compare128(quantity, row, slots.level, slot) >= 0) {
      subtract128(quantity, row, slots.level, slot, increment, at);
      copy128(quantity, row, slots.level, slot);
    } else if (isUnknownStart) {
      // A writer that began again: the value is what it counted since.
      copy128(quantity, row, slots.level, slot);
    } else {
      increment.fill(0, at * 4, at * 4 + 4);
    }
    return true;
  }

  #quarantine(row: DeferredRow): void {
    this.#quarantineIsEmpty = false;
    this.#facts.addQuarantine(row, quarantineText(row.slot, row.code, this.#slots, this.#registry));
  }

  #raiseMark(batch: LedgerBatch, row: number, slot: number, time: number): void {
    if (time > this.#slots.mark[slot]) this.#slots.mark[slot] = time;
    if (time > this.#greatestMark) this.#raiseGreatest(batch, row, time);
  }

  #keysOf(slot: number): { series: number; customer: number; dimension: number } {
    const { series, customer, dimension } = this.#slots;
    return { series: series[slot], customer: customer[slot], dimension: dimension[slot] };
  }

  /** Customer and dimension may have become known since the slot was defined. */
  #attribute(slot: number): void {
    const slots = this.#slots;
    const { customerId, dimensionId } = slots.unattributed.get(slot)!;
    slots.customer[slot] = this.#registry.customerKey(customerId);
    slots.dimension[slot] = this.#registry.dimensionKey(dimensionId);
    if (slots.customer[slot] === NO_KEY || slots.dimension[slot] === NO_KEY) {
      throw new RangeError(
        `a point to be counted belongs to customer ${JSON.stringify(customerId)} and dimension ` +
          `${JSON.stringify(dimensionId)}: both must be known or discovered in the same frame`,
      );
    }
    slots.flags[slot] &= ~FLAG_UNATTRIBUTED;
    slots.unattributed.delete(slot);
  }

  async #settle(rejudged = NONE_REJUDGED): Promise<void> {
    const [rows, events] = [this.#deferred, this.#deferredEvents];
    if (rows.length + events.length === 0) return;
    this.#deferred = [];
    this.#deferredEvents = [];
    const tables: LoadTables = {
      connection: this.#connection,
      facts: this.#facts,
      slots: this.#slots,
      registry: this.#registry,
      rejudged,
      quarantineIsEmpty: this.#quarantineIsEmpty,
      flushSeries: () => this.#dictionaries.flush(),
    };
    const listed = [await settleDeferred(rows, tables), await settleEvents(events, tables)];
    if (listed.includes(true)) this.#quarantineIsEmpty = false;
    releaseSlots(rows, this.#slots);
  }
}
