/**
 * The slow path of a load: points of which the memory cannot tell whether they are new, and readings that do not simply
 * continue their series. They are compared with what is stored, in one query per table, and then settled one by one in
 * journal order, so that the outcome does not depend on how frames were grouped into loads.
 */
import type { DuckDBConnection, DuckDBDecimalValue } from '@duckdb/node-api';
import { readBigInt, writeBigInt } from '../decimal.ts';
import { VALUE_DECIMAL } from '../ledger-batch.ts';
import { codeNumber } from '../quarantine-codes.ts';
import { compareReadings, type Reading, SegmentTail } from './cumulative.ts';
import type { RowOrigin } from './fact-writer.ts';
import {
  type Listing,
  QuarantineChanges,
  type QuarantineKey,
  type QuarantineTables,
  quarantineKey,
  quarantineName,
} from './quarantine-changes.ts';
import {
  incrementKind,
  KIND_CORRECTION,
  KIND_RECORD,
  RESOLUTION_CORRECTED,
  RESOLUTION_DISMISSED,
  RESOLUTION_OPEN,
  type Resolution,
} from './schema.ts';
import {
  FLAG_CUMULATIVE,
  FLAG_DEFERRED,
  FLAG_FROM_SDK,
  FLAG_HAS_READINGS,
  FLAG_LEVEL_KNOWN,
  type SlotTable,
} from './slot-table.ts';
import { TableAppender } from './table-appender.ts';
import { compare64, compare128, copy64, copy128, read64, write64 } from './words.ts';

const BASELINE = codeNumber('baseline');
const BEFORE_BASELINE = codeNumber('before_baseline');
const LAST_INSTANT = 2n ** 63n - 2n;

export interface DeferredRow extends RowOrigin {
  slot: number;
  /** As it came, or `mixed_start`. */
  code: number;
}

/** What is known of one key while its rows are settled. */
interface KeyState {
  counted: boolean;
  /** null = not in quarantine. */
  listing: Listing | null;
}

interface Segment {
  slot: number;
  series: number;
  startUnixNano: bigint;
  /** The earliest new reading: what is stored from there on is fetched. */
  fromUnixNano: bigint;
  tail: SegmentTail;
  /** A person has said what the baseline is worth, or that it is worth nothing. */
  settledBaseline: Reading | null;
}

export interface LoadTables extends QuarantineTables {
  /** Nothing was ever quarantined. */
  quarantineIsEmpty: boolean;
  /** Makes new series visible to the queries. */
  flushSeries: () => void;
}

/**
 * Stores what is new among the rows.
 * @returns whether anything was quarantined
 */
export async function settleDeferred(rows: readonly DeferredRow[], tables: LoadTables): Promise<boolean> {
  // What is counted never counts again, and is not listed either, whatever is wrong with it this time.
  const unknown = withoutStaged(rows, tables);
  if (unknown.length === 0) return false;
  // The queries below must see what the fast path wrote in this transaction.
  tables.facts.flush();
  await storeCandidates(unknown, tables);
  const states = await keyStates(unknown, tables);
  const segments = await loadSegments(unknown, states, tables);
  const settlement = new Settlement(tables, states, segments);
  for (const row of unknown) settlement.settle(row);
  return settlement.finish();
}

class Settlement {
  readonly #tables: LoadTables;
  readonly #states: Map<string, KeyState>;
  readonly #segments: Map<string, Segment>;
  readonly #quarantine: QuarantineChanges;
  readonly #corrections = new Map<
    string,
    { row: DeferredRow; segment: Segment; timeUnixNano: bigint; change: bigint }
  >();

  constructor(tables: LoadTables, states: Map<string, KeyState>, segments: Map<string, Segment>) {
    this.#tables = tables;
    this.#states = states;
    this.#segments = segments;
    this.#quarantine = new QuarantineChanges(tables);
  }

  settle(row: DeferredRow): void {
    const key = quarantineKey(row.batch, row.row, this.#tables.slots);
    const state = this.#states.get(quarantineName(key))!;
    // A counted key never counts again, and is not listed either, whatever is wrong with it this time.
    if (state.counted) return;
    const isSettled = state.listing === RESOLUTION_CORRECTED || state.listing === RESOLUTION_DISMISSED;
    if (row.code === 0 && !isSettled) this.#count(row, key, state);
    else if (state.listing === null) state.listing = this.#quarantine.list(row, row.code);
    else this.#quarantine.seeAgain(row, key, state.listing);
  }

  async finish(): Promise<boolean> {
    this.#addCorrections();
    this.#keepLevels();
    return this.#quarantine.finish();
  }

  #count(row: DeferredRow, key: QuarantineKey, state: KeyState): void {
    const { slots, facts } = this.#tables;
    const isReading = (slots.flags[row.slot] & FLAG_CUMULATIVE) !== 0;
    if (isReading && this.#isBeforeSettled(row)) {
      // What it would add to the baseline is in what the person said.
      if (state.listing === null) state.listing = this.#quarantine.list(row, BEFORE_BASELINE);
      else this.#quarantine.seeAgain(row, key, state.listing);
      return;
    }
    state.counted = true;
    if (state.listing !== null) this.#quarantine.remove(key, state.listing);
    state.listing = null;
    const keys = {
      series: slots.series[row.slot],
      customer: slots.customer[row.slot],
      dimension: slots.dimension[row.slot],
    };
    if (!isReading) {
      facts.addUsage(row, keys, KIND_RECORD);
      return;
    }

    const segment = this.#segments.get(segmentName(row, slots))!;
    const { increment, isBaseline, displacedBaseline, sameTime, corrections } = segment.tail.insert(
      readingOf(row),
    );
    facts.addReading(row, keys.series);
    const at = facts.addUsage(row, keys, incrementKind(sameTime));
    writeBigInt(increment, facts.usage.words(5), at * 4);
    if (isBaseline) state.listing = this.#quarantine.list(row, BASELINE);
    if (displacedBaseline !== null) this.#displaceBaseline(segment, displacedBaseline);
    for (const { timeUnixNano, change } of corrections) this.#correct(row, segment, timeUnixNano, change);
  }

  /** Whether a reading would take the place of a baseline that a person has settled. */
  #isBeforeSettled(row: DeferredRow): boolean {
    const { settledBaseline, tail } = this.#segments.get(segmentName(row, this.#tables.slots))!;
    if (settledBaseline === null) return false;
    const displaced = tail.displacedBy(readingOf(row));
    return displaced !== null && compareReadings(displaced, settledBaseline) === 0;
  }

  #displaceBaseline(segment: Segment, { timeUnixNano, value }: Reading): void {
    const key = {
      series: segment.series,
      start: segment.startUnixNano,
      time: timeUnixNano,
      valueKind: VALUE_DECIMAL,
      value,
      event: 0n,
    };
    const state = this.#states.get(quarantineName(key));
    this.#quarantine.remove(key, state?.listing ?? RESOLUTION_OPEN);
    if (state !== undefined) state.listing = null;
  }

  /** Corrections of one reading by one frame become one row, so that rows have distinct keys. */
  #correct(row: DeferredRow, segment: Segment, timeUnixNano: bigint, change: bigint): void {
    const frame = row.batch.frames.sequence[row.frame];
    const name = `${segment.series} ${segment.startUnixNano} ${timeUnixNano} ${frame}`;
    const correction = this.#corrections.get(name);
    if (correction === undefined) this.#corrections.set(name, { row, segment, timeUnixNano, change });
    else correction.change += change;
  }

  #addCorrections(): void {
    const { slots, facts } = this.#tables;
    for (const { row, segment, timeUnixNano, change } of this.#corrections.values()) {
      if (change === 0n) continue;
      const keys = {
        series: segment.series,
        customer: slots.customer[row.slot],
        dimension: slots.dimension[row.slot],
      };
      const at = facts.addUsage(row, keys, KIND_CORRECTION);
      write64(facts.usage.words(4), at, timeUnixNano);
      writeBigInt(change, facts.usage.words(5), at * 4);
    }
  }

  /** From here on readings that continue the live segment need no query. */
  #keepLevels(): void {
    const { slots } = this.#tables;
    for (const { slot, startUnixNano, tail } of this.#segments.values()) {
      if (tail.level === null) continue;
      const hasReadings = (slots.flags[slot] & FLAG_HAS_READINGS) !== 0;
      const live = hasReadings ? read64(slots.liveStart, slot) : -1n;
      if (startUnixNano < live) continue;
      write64(slots.liveStart, slot, startUnixNano);
      writeBigInt(tail.level, slots.level, slot * 4);
      slots.flags[slot] |= FLAG_HAS_READINGS | FLAG_LEVEL_KNOWN;
    }
  }
}

/** Puts the rows' keys where SQL can join them, in both forms that keys have in the tables. */
async function storeCandidates(rows: readonly DeferredRow[], tables: LoadTables): Promise<void> {
  const { connection, slots } = tables;
  await connection.run(`CREATE OR REPLACE TEMP TABLE candidates (n INTEGER, series INTEGER, start_nano UBIGINT,
    time_nano UBIGINT, value_kind UTINYINT, value_low UBIGINT, value_high UBIGINT, start_time TIMESTAMP_NS,
    time TIMESTAMP_NS, quantity DECIMAL(38, 12), is_cumulative UTINYINT)`);
  const candidates = await TableAppender.create(
    connection,
    ['temp', 'main', 'candidates'],
    [4, 4, 8, 8, 1, 8, 8, 8, 8, 16, 1],
  );
  for (const [n, { batch, row, slot }] of rows.entries()) {
    candidates.reserve();
    const at = candidates.length;
    candidates.words(0)[at] = n;
    candidates.words(1)[at] = slots.series[slot];
    copy64(batch.startUnixNano, row, candidates.words(2), at);
    copy64(batch.timeUnixNano, row, candidates.words(3), at);
    candidates.bytes(4)[at] = batch.valueKind[row];
    copy64(batch.quantity, row * 2, candidates.words(5), at);
    copy64(batch.quantity, row * 2 + 1, candidates.words(6), at);
    // An instant that no timestamp can say is nobody's: no counted row has it.
    copy64(batch.startUnixNano, row, candidates.words(7), at);
    copy64(batch.timeUnixNano, row, candidates.words(8), at);
    if (batch.valueKind[row] === VALUE_DECIMAL) copy128(batch.quantity, row, candidates.words(9), at);
    else candidates.words(9).fill(0, at * 4, at * 4 + 4);
    candidates.bytes(10)[at] = (slots.flags[slot] & FLAG_CUMULATIVE) === 0 ? 0 : 1;
    candidates.length += 1;
  }
  candidates.close();
}

/** What is stored of each key. */
async function keyStates(
  rows: readonly DeferredRow[],
  { connection, slots, quarantineIsEmpty }: LoadTables,
): Promise<Map<string, KeyState>> {
  const states = new Map<string, KeyState>();
  const stateOf = rows.map((row) => {
    const name = keyName(row, slots);
    const state = states.get(name) ?? { counted: false, listing: null };
    states.set(name, state);
    return state;
  });

  // Bounds as constants let DuckDB leave out the blocks of other times.
  let earliest = LAST_INSTANT;
  let latest = 0n;
  let hasCumulative = false;
  let hasOther = false;
  for (const { batch, row, slot } of rows) {
    const time = read64(batch.timeUnixNano, row);
    if (time > LAST_INSTANT) continue;
    if (time < earliest) earliest = time;
    if (time > latest) latest = time;
    if ((slots.flags[slot] & FLAG_CUMULATIVE) === 0) hasOther = true;
    else hasCumulative = true;
  }
  const between = `t.time BETWEEN make_timestamp_ns(${earliest}) AND make_timestamp_ns(${latest})`;
  const isSame = 'c.series = t.series AND c.time = t.time AND c.start_time = t.start_time';
  const found = async (sql: string): Promise<number[]> =>
    (await connection.runAndReadAll(sql)).getRows().map(([n]) => Number(n));

  if (hasOther) {
    const counted = await found(`SELECT c.n FROM temp.candidates c JOIN stored.usage t
      ON ${isSame} AND c.quantity = t.quantity
      WHERE c.is_cumulative = 0 AND c.value_kind = ${VALUE_DECIMAL} AND t.kind = ${KIND_RECORD} AND ${between}`);
    for (const n of counted) stateOf[n].counted = true;
  }
  if (hasCumulative) {
    const counted = await found(`SELECT c.n FROM temp.candidates c JOIN stored.readings t
      ON ${isSame} AND c.quantity = t.value
      WHERE c.is_cumulative = 1 AND c.value_kind = ${VALUE_DECIMAL} AND ${between}`);
    for (const n of counted) stateOf[n].counted = true;
  }
  if (!quarantineIsEmpty) {
    const listed =
      await connection.runAndReadAll(`SELECT c.n, q.resolution FROM temp.candidates c JOIN stored.quarantine q
      ON c.series = q.series AND c.start_nano = q.start_nano AND c.time_nano = q.time_nano
      AND c.value_kind = q.value_kind AND c.value_low = q.value_low AND c.value_high = q.value_high`);
    for (const [n, resolution] of listed.getRows()) stateOf[Number(n)].listing = resolution as Resolution;
  }
  return states;
}

/** The rows whose keys are not those of records that are staged, so that no query would find them. */
function withoutStaged(rows: readonly DeferredRow[], { facts, slots }: LoadTables): readonly DeferredRow[] {
  const { records } = facts;
  if (records.length === 0) return rows;
  const series = records.words(0);
  const start = records.words(3);
  const time = records.words(4);
  const quantity = records.words(5);

  // Chains of rows by a short hash; of nearly every staged record it says at once that no row has its key.
  const shift = Math.max(8, Math.clz32(rows.length) - 4);
  const hashOf = (seriesKey: number, timeLow: number) =>
    (Math.imul(seriesKey, 0x9e3779b1) + Math.imul(timeLow, 0x85ebca6b)) >>> shift;
  const first = new Int32Array(2 ** (32 - shift)).fill(-1);
  const next = new Int32Array(rows.length);
  for (const [n, { batch, row, slot }] of rows.entries()) {
    const hash = hashOf(slots.series[slot], batch.timeUnixNano[row * 2]);
    next[n] = first[hash];
    first[hash] = n;
  }
  const isStaged = new Uint8Array(rows.length);
  for (let at = 0; at < records.length; at++) {
    for (let n = first[hashOf(series[at], time[at * 2])]; n !== -1; n = next[n]) {
      const { batch, row, slot } = rows[n];
      if (
        slots.series[slot] === series[at] &&
        batch.valueKind[row] === VALUE_DECIMAL &&
        compare64(batch.timeUnixNano, row, time, at) === 0 &&
        compare64(batch.startUnixNano, row, start, at) === 0 &&
        compare128(batch.quantity, row, quantity, at) === 0
      ) {
        isStaged[n] = 1;
      }
    }
  }
  return rows.filter((_, n) => isStaged[n] === 0);
}

/** The segments that new readings belong to, with what is stored from the earliest of these on. */
async function loadSegments(
  rows: readonly DeferredRow[],
  states: Map<string, KeyState>,
  { connection, slots, quarantineIsEmpty }: LoadTables,
): Promise<Map<string, Segment>> {
  const wanted = new Map<string, Omit<Segment, 'tail' | 'settledBaseline'>>();
  for (const row of rows) {
    if (row.code !== 0 || (slots.flags[row.slot] & FLAG_CUMULATIVE) === 0) continue;
    if (states.get(keyName(row, slots))!.counted) continue;
    const name = segmentName(row, slots);
    const time = read64(row.batch.timeUnixNano, row.row);
    const segment = wanted.get(name);
    if (segment === undefined) {
      wanted.set(name, {
        slot: row.slot,
        series: slots.series[row.slot],
        startUnixNano: read64(row.batch.startUnixNano, row.row),
        fromUnixNano: time,
      });
    } else if (time < segment.fromUnixNano) {
      segment.fromUnixNano = time;
    }
  }
  const segments = new Map<string, Segment>();
  if (wanted.size === 0) return segments;

  await connection.run(`CREATE OR REPLACE TEMP TABLE wanted_segments
    (n INTEGER, series INTEGER, start_time TIMESTAMP_NS, from_time TIMESTAMP_NS)`);
  const table = await TableAppender.create(connection, ['temp', 'main', 'wanted_segments'], [4, 4, 8, 8]);
  for (const [n, segment] of [...wanted.values()].entries()) {
    table.reserve();
    table.words(0)[table.length] = n;
    table.words(1)[table.length] = segment.series;
    write64(table.words(2), table.length, segment.startUnixNano);
    write64(table.words(3), table.length, segment.fromUnixNano);
    table.length += 1;
  }
  table.close();
  const levels = await levelsBefore(connection);
  const readings = await readingsFrom(connection);
  const settled = quarantineIsEmpty ? new Map<number, Reading>() : await settledBaselines(connection);
  for (const [n, [name, segment]] of [...wanted].entries()) {
    const rule = {
      startUnixNano: segment.startUnixNano,
      sinceUnixNano: read64(slots.since, segment.slot),
      fromSdk: (slots.flags[segment.slot] & FLAG_FROM_SDK) !== 0,
    };
    const level = levels.get(n);
    const before = level === undefined ? null : segment.startUnixNano === 0n ? level.last : level.greatest;
    const tail = new SegmentTail(rule, before, readings.get(n));
    segments.set(name, { ...segment, tail, settledBaseline: settled.get(n) ?? null });
  }
  return segments;
}

/** Per wanted segment: the greatest and the last value before its `from_time`, where there is one. */
async function levelsBefore(
  connection: DuckDBConnection,
): Promise<Map<number, { greatest: bigint; last: bigint }>> {
  const reader = await connection.runAndReadAll(`SELECT w.n, max(r.value),
      arg_max(r.value, {'time': r.time, 'value': r.value})
    FROM stored.readings r JOIN temp.wanted_segments w
      ON r.series = w.series AND r.start_time = w.start_time AND r.time < w.from_time
    GROUP BY w.n`);
  return new Map(
    reader
      .getRows()
      .map(([n, greatest, last]) => [Number(n), { greatest: scaled(greatest), last: scaled(last) }] as const),
  );
}

/** Per wanted segment: the stored readings from its `from_time` on, in order. */
async function readingsFrom(connection: DuckDBConnection): Promise<Map<number, Reading[]>> {
  const reader = await connection.runAndReadAll(`SELECT w.n, epoch_ns(r.time), r.value
    FROM stored.readings r JOIN temp.wanted_segments w
      ON r.series = w.series AND r.start_time = w.start_time AND r.time >= w.from_time
    ORDER BY w.n, r.time, r.value`);
  const readings = new Map<number, Reading[]>();
  for (const [n, time, value] of reader.getRows()) {
    const reading = { timeUnixNano: BigInt(time as bigint), value: scaled(value) };
    const ofSegment = readings.get(Number(n));
    if (ofSegment === undefined) readings.set(Number(n), [reading]);
    else ofSegment.push(reading);
  }
  return readings;
}

/** Per wanted segment: the baseline that was corrected or dismissed, where there is one. */
async function settledBaselines(connection: DuckDBConnection): Promise<Map<number, Reading>> {
  const reader = await connection.runAndReadAll(`SELECT w.n, q.time_nano, q.quantity
    FROM stored.quarantine q JOIN temp.wanted_segments w
      ON q.series = w.series AND q.start_nano = epoch_ns(w.start_time)
    WHERE q.code = ${BASELINE} AND q.resolution <> '${RESOLUTION_OPEN}'`);
  return new Map(
    reader
      .getRows()
      .map(
        ([n, time, quantity]) =>
          [Number(n), { timeUnixNano: BigInt(time as bigint), value: scaled(quantity) }] as const,
      ),
  );
}

function scaled(value: unknown): bigint {
  return (value as DuckDBDecimalValue).value;
}

function readingOf({ batch, row }: DeferredRow): Reading {
  return {
    timeUnixNano: read64(batch.timeUnixNano, row),
    value: readBigInt(batch.quantity, row * 4),
  };
}

function keyName({ batch, row }: DeferredRow, slots: SlotTable): string {
  return quarantineName(quarantineKey(batch, row, slots));
}

function segmentName({ batch, row, slot }: DeferredRow, slots: SlotTable): string {
  return `${slots.series[slot]} ${read64(batch.startUnixNano, row)}`;
}

/** Rows of the slots are no longer held back. */
export function releaseSlots(rows: readonly DeferredRow[], slots: SlotTable): void {
  for (const { slot } of rows) slots.flags[slot] &= ~FLAG_DEFERRED;
}
