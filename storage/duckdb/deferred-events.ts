/**
 * The slow path of events: those whose keys may be known already. What is stored and staged of their keys is looked up
 * together; then they are settled one by one in journal order.
 *
 * The first good event of a key counts, and holds. The same again is nothing new, another content is a conflict. Each
 * content of a key that is not counted is listed once, also where another version of the rule reads it otherwise.
 */
import type { DuckDBConnection, DuckDBDecimalValue } from '@duckdb/node-api';
import { readBigInt, writeBigInt } from '../decimal.ts';
import { VALUE_DECIMAL } from '../ledger-batch.ts';
import { codeNumber } from '../quarantine-codes.ts';
import type { DeferredRow, LoadTables } from './deferred-rows.ts';
import { type FactWriter, originOf, USAGE_EVENT } from './fact-writer.ts';
import { type Listing, QuarantineChanges, type QuarantineKey, quarantineKey } from './quarantine-changes.ts';
import { KIND_RECORD, RESOLUTION_CORRECTED, RESOLUTION_DISMISSED, type Resolution } from './schema.ts';
import { FLAG_ARRIVAL_TIME } from './slot-table.ts';
import { TableAppender } from './table-appender.ts';
import { read64 } from './words.ts';

const EVENT_CONFLICT = codeNumber('event_conflict');
const LAST_INSTANT = 2n ** 63n - 2n;
/** So many keys are found by constants, which costs a scan of all keys a sixth of what a join does. */
const FEW_KEYS = 50;

/** What an event says, with the version of the rule by which it says so. */
interface Content extends QuarantineKey {
  meterVersion: number;
  /** Its time is when it came, which is no part of what it says. Of what is stored, that is told by the series. */
  timeIsArrival?: boolean;
}

/** What is known of one key. */
interface EventState {
  counted: Content | null;
  listed: { content: Content; listing: Listing }[];
}

/**
 * Stores what is new among the rows.
 * @returns whether anything was quarantined
 */
export async function settleEvents(rows: readonly DeferredRow[], tables: LoadTables): Promise<boolean> {
  if (rows.length === 0) return false;
  const { connection, facts, slots } = tables;
  const contents = rows.map(
    ({ batch, row, slot }): Content => ({
      ...quarantineKey(batch, row, slots),
      meterVersion: slots.meterVersion[slot],
      timeIsArrival: (slots.flags[slot] & FLAG_ARRIVAL_TIME) !== 0,
    }),
  );
  const states = new Map<bigint, EventState>();
  for (const { event } of contents) states.set(event, { counted: null, listed: [] });
  const staged = stagedEvents(facts, states);
  facts.flush();
  tables.flushSeries();
  await findStaged(connection, staged, states);
  await findCounted(connection, contents, states);
  if (!tables.quarantineIsEmpty) await findListed(connection, states);

  const settlement = new EventSettlement(tables, states);
  for (const [n, row] of rows.entries()) settlement.settle(row, contents[n]);
  return settlement.finish();
}

class EventSettlement {
  readonly #tables: LoadTables;
  readonly #states: Map<bigint, EventState>;
  readonly #quarantine: QuarantineChanges;

  constructor(tables: LoadTables, states: Map<bigint, EventState>) {
    this.#tables = tables;
    this.#states = states;
    this.#quarantine = new QuarantineChanges(tables);
  }

  settle(row: DeferredRow, content: Content): void {
    const state = this.#states.get(content.event)!;
    if (state.counted !== null) {
      if (!isSame(state.counted, content)) this.#list(row, content, state, conflictOr(row.code));
      return;
    }
    if (row.code !== 0) {
      this.#list(row, content, state, row.code);
      return;
    }
    // What somebody has dismissed does not count when it comes again; what somebody has counted otherwise not even
    // in another form.
    const settled = state.listed.find(
      ({ content: other, listing }) => isResolved(listing) && isSame(other, content),
    );
    if (settled !== undefined) this.#quarantine.seeAgain(row, settled.content, settled.listing);
    else if (state.listed.some(({ listing }) => listing === RESOLUTION_CORRECTED)) {
      this.#list(row, content, state, EVENT_CONFLICT);
    } else {
      this.#count(row, content, state);
    }
  }

  finish(): Promise<boolean> {
    return this.#quarantine.finish();
  }

  #count(row: DeferredRow, content: Content, state: EventState): void {
    const { slots, facts } = this.#tables;
    state.counted = content;
    const { slot } = row;
    const keys = {
      series: slots.series[slot],
      customer: slots.customer[slot],
      dimension: slots.dimension[slot],
    };
    facts.addUsage(row, keys, KIND_RECORD);
    state.listed = state.listed.filter(({ content: other, listing }) => {
      if (isResolved(listing) || !isSame(other, content)) return true;
      this.#quarantine.remove(other, listing);
      return false;
    });
  }

  #list(row: DeferredRow, content: Content, state: EventState, code: number): void {
    // What a replay has taken out of quarantine goes back, beside all that another version made of the key.
    const isKnown = originOf(row.batch, row.row) === null ? isSame : isEqual;
    const known = state.listed.find(({ content: other }) => isKnown(other, content));
    if (known !== undefined) this.#quarantine.seeAgain(row, known.content, known.listing);
    else state.listed.push({ content, listing: this.#quarantine.list(row, code) });
  }
}

function isResolved(listing: Listing): boolean {
  return listing === RESOLUTION_CORRECTED || listing === RESOLUTION_DISMISSED;
}

/** The fault of an event whose key is counted with another content: the first that applies. */
function conflictOr(code: number): number {
  return code !== 0 && code < EVENT_CONFLICT ? code : EVENT_CONFLICT;
}

function isEqual(a: Content, b: Content): boolean {
  return (
    a.series === b.series &&
    a.start === b.start &&
    hasSameTime(a, b) &&
    a.valueKind === b.valueKind &&
    a.value === b.value
  );
}

/** Another version of the rule may say anything else of the same signal but its time. */
function isSame(a: Content, b: Content): boolean {
  return isEqual(a, b) || (a.meterVersion !== b.meterVersion && hasSameTime(a, b));
}

function hasSameTime(a: Content, b: Content): boolean {
  return a.time === b.time || a.timeIsArrival === true || b.timeIsArrival === true;
}

/** Staged records with one of the keys, which no query finds. */
function stagedEvents({ records }: FactWriter, states: ReadonlyMap<bigint, EventState>): QuarantineKey[] {
  const staged: QuarantineKey[] = [];
  const keys = records.words(USAGE_EVENT);
  // The lowest words of the wanted keys say of nearly all others that they are not among them.
  const lowest = new Set<number>();
  for (const event of states.keys()) lowest.add(Number(event & 0xffffffffn));
  for (let at = 0; at < records.length; at++) {
    if (!records.isPresent(USAGE_EVENT, at) || !lowest.has(keys[at * 4])) continue;
    const event = BigInt.asUintN(128, readBigInt(keys, at * 4));
    if (!states.has(event)) continue;
    staged.push({
      series: records.words(0)[at],
      start: read64(records.words(3), at),
      time: read64(records.words(4), at),
      valueKind: VALUE_DECIMAL,
      value: readBigInt(records.words(5), at * 4),
      event,
    });
  }
  return staged;
}

async function findStaged(
  connection: DuckDBConnection,
  staged: readonly QuarantineKey[],
  states: Map<bigint, EventState>,
): Promise<void> {
  if (staged.length === 0) return;
  await connection.run('CREATE OR REPLACE TEMP TABLE staged_events (n INTEGER, series INTEGER)');
  const table = await TableAppender.create(connection, ['temp', 'main', 'staged_events'], [4, 4]);
  for (const [n, { series }] of staged.entries()) {
    table.reserve();
    table.words(0)[table.length] = n;
    table.words(1)[table.length] = series;
    table.length += 1;
  }
  table.close();
  const reader = await connection.runAndReadAll(
    'SELECT e.n, s.meter_version FROM temp.staged_events e JOIN stored.series s USING (series)',
  );
  for (const [n, meterVersion] of reader.getRows()) {
    const key = staged[Number(n)];
    states.get(key.event)!.counted = { ...key, meterVersion: Number(meterVersion) };
  }
}

/** What is counted of the keys that are not staged: nearly always at the times of the rows, else at any. */
async function findCounted(
  connection: DuckDBConnection,
  contents: readonly Content[],
  states: Map<bigint, EventState>,
): Promise<void> {
  let earliest = LAST_INSTANT;
  let latest = 0n;
  for (const { event, time } of contents) {
    if (states.get(event)!.counted !== null || time > LAST_INSTANT) continue;
    if (time < earliest) earliest = time;
    if (time > latest) latest = time;
  }
  for (const isAnyTime of [false, true]) {
    const wanted = [...states].flatMap(([event, { counted }]) => (counted === null ? [event] : []));
    if (wanted.length === 0) return;
    await nameEvents(connection, wanted);
    let condition = `time BETWEEN make_timestamp_ns(${earliest}) AND make_timestamp_ns(${latest})`;
    if (isAnyTime) {
      const isFew = wanted.length <= FEW_KEYS;
      condition = isFew ? `event IN (${wanted.join('::UHUGEINT, ')}::UHUGEINT)` : 'event IS NOT NULL';
    }
    const reader =
      await connection.runAndReadAll(`SELECT w.n, u.series, epoch_ns(u.start_time), epoch_ns(u.time),
        u.quantity, s.meter_version
      FROM (SELECT * FROM stored.usage WHERE ${condition}) u
        JOIN temp.wanted_events w USING (event) JOIN stored.series s USING (series)`);
    for (const [n, series, start, time, quantity, meterVersion] of reader.getRows()) {
      const event = wanted[Number(n)];
      states.get(event)!.counted = {
        series: Number(series),
        start: start as bigint,
        time: time as bigint,
        valueKind: VALUE_DECIMAL,
        value: (quantity as DuckDBDecimalValue).value,
        event,
        meterVersion: Number(meterVersion),
      };
    }
  }
}

async function findListed(connection: DuckDBConnection, states: Map<bigint, EventState>): Promise<void> {
  const wanted = [...states.keys()];
  await nameEvents(connection, wanted);
  const reader =
    await connection.runAndReadAll(`SELECT w.n, q.series, q.start_nano, q.time_nano, q.value_kind,
      q.value_low, q.value_high, q.resolution, s.meter_version
    FROM stored.quarantine q JOIN temp.wanted_events w USING (event) JOIN stored.series s USING (series)
    ORDER BY q.sequence, q.ordinal`);
  for (const [n, series, start, time, kind, low, high, resolution, meterVersion] of reader.getRows()) {
    const event = wanted[Number(n)];
    states.get(event)!.listed.push({
      content: {
        series: Number(series),
        start: start as bigint,
        time: time as bigint,
        valueKind: Number(kind),
        value: BigInt.asIntN(128, (low as bigint) | ((high as bigint) << 64n)),
        event,
        meterVersion: Number(meterVersion),
      },
      listing: resolution as Resolution,
    });
  }
}

/** Puts keys where SQL can join them. */
async function nameEvents(connection: DuckDBConnection, events: readonly bigint[]): Promise<void> {
  await connection.run('CREATE OR REPLACE TEMP TABLE wanted_events (n INTEGER, event UHUGEINT)');
  const table = await TableAppender.create(connection, ['temp', 'main', 'wanted_events'], [4, 16]);
  for (const [n, event] of events.entries()) {
    table.reserve();
    table.words(0)[table.length] = n;
    writeBigInt(event, table.words(1), table.length * 4);
    table.length += 1;
  }
  table.close();
}
