/** Where usage records come from: series, meter, running total, corrections, and what is odd about them. */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBStructValue, DuckDBValue } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import {
  KIND_CORRECTION,
  KIND_RECORD,
  RESOLUTION_CORRECTED,
  ROLE_CUMULATIVE,
  ROLE_DELTA,
  ROLE_EVENT,
} from '../duckdb/schema.ts';
import { codeName, type QuarantineCode } from '../quarantine-codes.ts';
import { textFromInstant } from './instant.ts';
import { signalId } from './quarantine-filter.ts';
import type { VoidedRecord } from './record-query.ts';
import { instant } from './statement.ts';
import {
  RECORD_COLUMNS,
  RECORD_TIME,
  RECORD_WIDTH,
  toUsageRecord,
  type UsageRecord,
} from './usage-record.ts';

/** What is odd about a record that is counted all the same (docs/explain.md says what each means). */
export const RECORD_FLAGS = [
  'weak_identity',
  'customer_discovered',
  'dimension_discovered',
  'start_unknown',
  'first_reading',
  'baseline',
  'decrease',
  'late_reading',
  'window_conflict',
] as const;

export type RecordFlag = (typeof RECORD_FLAGS)[number];

/** A reading of a running total, as it is stored. */
export interface ReadingOrigin {
  /** Exact decimal in the dimension's unit. */
  value: string;
  /** RFC 3339 in UTC. */
  timestamp: string;
  /** The journal frame that brought it. */
  sequence: number;
}

/** The reading that a record is the growth to. */
export interface CumulativeReading extends ReadingOrigin {
  /** What it counts from: the greatest reading before it; where the start is unknown, the last. null: it is the first. */
  previous: ReadingOrigin | null;
}

/** What a person has done to a quarantined signal so that it became this record. */
export interface CorrectedSignal {
  /** Id of the signal in quarantine. */
  id: string;
  reason: QuarantineCode;
  note: string | null;
}

/** A usage record with all that is known of how it came about. */
export interface RecordOrigin extends UsageRecord {
  /** The version whose rule was in force when the record came; 0 for meters that have none. */
  meterVersion: number;
  /** One of the answer's series. */
  seriesHash: string;
  /** What makes an event the same when it comes again; null for metric points. */
  eventKey: string | null;
  flags: RecordFlag[];
  /** The journal frame that brought it, and when, to the second, by the receiver's clock. */
  sequence: number;
  receivedAt: string | null;
  /** Increments and corrections of running totals only. */
  reading?: CumulativeReading;
  /** Of a correction: the readings that came late, at most ten, those next before it. */
  lateReadings?: ReadingOrigin[];
  /** Why it does not count any more; null: it does. */
  voided: VoidedRecord | null;
  /** Ids of records that were taken back by the frame that brought this one, which stands for one of them. */
  replaces: string[];
  /** Where a person has corrected a signal out of quarantine: those that this frame settled. */
  corrects: CorrectedSignal[];
}

/** What the points of a series, or the events of a kind, share. */
export interface OriginSeries {
  seriesHash: string;
  role: 'delta' | 'cumulative' | 'level' | 'event';
  resource: Record<string, unknown>;
  scopeName: string;
  scopeVersion: string;
  /** Empty for events. */
  metricName: string;
  /** As the signal says it. */
  unit: string;
  /** gauge, sum, histogram, exponential_histogram, summary, log, span or record. */
  kind: string;
  temporality: string;
  monotonic: boolean;
  metadata: Record<string, string>;
}

/** A version of a configured meter, as it was in force for one of the records. */
export interface MeterInForce {
  id: string;
  version: number;
  rule: Record<string, unknown>;
  /** RFC 3339 in UTC: running totals that began before count from their first reading on. */
  since: string;
  /** The journal frame that brought it. */
  sequence: number;
}

/** What a page of records refers to. */
export interface Origins {
  records: RecordOrigin[];
  series: OriginSeries[];
  meters: MeterInForce[];
}

const HASH_HEX = (column: string) => `lower(lpad(hex(${column}), 32, '0'))`;

/** Columns that {@link originsOf} takes, of rows `u` that `withNames` has joined. */
export const ORIGIN_COLUMNS = `${RECORD_COLUMNS}, u.series, u.sequence, ${HASH_HEX('u.event')}, u.voided_by,
  ${HASH_HEX('s.hash')}, s.role, c.discovered, d.discovered`;
/** How many columns those are. */
export const ORIGIN_WIDTH = RECORD_WIDTH + 8;

interface StoredRow {
  record: UsageRecord;
  start: bigint;
  time: bigint;
  quantity: bigint;
  kind: number;
  series: number;
  sequence: bigint;
  eventKey: string | null;
  voidedBy: bigint | null;
  seriesHash: string;
  role: number;
  customerDiscovered: boolean;
  dimensionDiscovered: boolean;
}

function toStoredRow(row: DuckDBValue[]): StoredRow {
  const [series, sequence, eventKey, voidedBy, seriesHash, role, customerDiscovered, dimensionDiscovered] =
    row.slice(RECORD_WIDTH);
  return {
    record: toUsageRecord(row),
    quantity: (row[3] as DuckDBDecimalValue).value,
    time: row[RECORD_TIME] as bigint,
    start: row[RECORD_TIME + 1] as bigint,
    kind: Number(row[RECORD_WIDTH - 1]),
    series: Number(series),
    sequence: sequence as bigint,
    eventKey: eventKey as string | null,
    voidedBy: voidedBy as bigint | null,
    seriesHash: seriesHash as string,
    role: Number(role),
    customerDiscovered: customerDiscovered as boolean,
    dimensionDiscovered: dimensionDiscovered as boolean,
  };
}

/**
 * Looks up all that a page of records refers to.
 * @param stored rows of {@link ORIGIN_COLUMNS}
 * @param through what the ledger had up to this journal frame
 */
export async function originsOf(
  connection: DuckDBConnection,
  stored: readonly DuckDBValue[][],
  through: bigint,
): Promise<Origins> {
  const rows = stored.map(toStoredRow);
  if (rows.length === 0) return { records: [], series: [], meters: [] };
  const page = new Page(connection, rows, through);
  return await page.origins();
}

class Page {
  readonly #connection: DuckDBConnection;
  readonly #rows: readonly StoredRow[];
  readonly #through: bigint;

  constructor(connection: DuckDBConnection, rows: readonly StoredRow[], through: bigint) {
    this.#connection = connection;
    this.#rows = rows;
    this.#through = through;
  }

  async origins(): Promise<Origins> {
    const series = await this.#series();
    const readings = await this.#readings();
    const versions = await this.#versions();
    const arrivals = await this.#arrivals();
    const voids = await this.#voids();
    const corrected = await this.#corrected();
    const conflicts = await this.#conflicts();
    const inForce = new Map<string, MeterInForce>();
    /** The version of a meter that was in force for what came with a frame. */
    const versionAt = (meterId: string, sequence: number, known: number): number => {
      const found = versions.find((one) => one.id === meterId && one.sequence <= sequence);
      if (found === undefined) return known;
      inForce.set(`${found.id} ${found.version}`, found);
      return found.version;
    };
    const records = this.#rows.map((row): RecordOrigin => {
      const { record, eventKey, seriesHash } = row;
      const sequence = Number(row.sequence);
      const cumulative = row.role === ROLE_CUMULATIVE ? cumulativeOf(row, readings) : null;
      // Each reading was read by the rule that was in force when it came.
      for (const one of [cumulative?.reading, cumulative?.reading?.previous])
        if (one != null) versionAt(record.meterId, Number(one.sequence), record.meterVersion);
      const ofFrame = voids.filter((one) => one.sequence === sequence);
      return {
        ...record,
        meterVersion: versionAt(record.meterId, sequence, record.meterVersion),
        seriesHash,
        eventKey,
        flags: flagsOf(row, series.get(row.series)!.weakIdentity, cumulative?.reading ?? null, conflicts),
        sequence,
        receivedAt: arrivals.get(row.sequence) ?? null,
        ...(cumulative === null ? {} : shownCumulative(row, cumulative)),
        voided:
          row.voidedBy === null
            ? null
            : (voids.find((one) => BigInt(one.sequence) === row.voidedBy && one.recordId === record.recordId)
                ?.voided ?? null),
        replaces:
          row.role === ROLE_EVENT
            ? ofFrame.flatMap(({ recordId, voided }) => (voided.replaced ? [recordId] : []))
            : [],
        corrects: row.role === ROLE_EVENT ? (corrected.get(row.sequence) ?? []) : [],
      };
    });
    return {
      records,
      series: [...series.values()].map(({ weakIdentity: _weakIdentity, ...one }) => one),
      meters: [...inForce.values()],
    };
  }

  async #ask(sql: string): Promise<DuckDBValue[][]> {
    return (await this.#connection.runAndReadAll(sql)).getRows();
  }

  #list(numberOf: (row: StoredRow) => number | bigint | null): string {
    return [...new Set(this.#rows.map(numberOf))].filter((one) => one !== null).join(', ');
  }

  async #series(): Promise<Map<number, OriginSeries & { weakIdentity: boolean }>> {
    const found = await this.#ask(
      `SELECT series, ${HASH_HEX('s.hash')}, role, resource, scope_name, scope_version, metric_name, unit, metric_kind,
        temporality, monotonic, weak_identity, metadata
      FROM stored.series s JOIN stored.contexts USING (context)
      WHERE series IN (${this.#list(({ series }) => series)})`,
    );
    return new Map(
      found.map(([series, seriesHash, role, resource, scopeName, scopeVersion, ...metric]) => {
        const [metricName, unit, kind, temporality, monotonic, weakIdentity, metadata] = metric;
        return [
          Number(series),
          {
            seriesHash: seriesHash as string,
            role: ROLE_NAMES[Number(role)],
            resource: JSON.parse(resource as string),
            scopeName: scopeName as string,
            scopeVersion: scopeVersion as string,
            metricName: metricName as string,
            unit: unit as string,
            kind: kind as string,
            temporality: temporality as string,
            monotonic: monotonic as boolean,
            weakIdentity: weakIdentity as boolean,
            metadata: JSON.parse(metadata as string),
          },
        ];
      }),
    );
  }

  /** The latest version first. */
  async #versions(): Promise<MeterInForce[]> {
    const reader = await this.#ask(
      `SELECT meter_id, version, rule, epoch_ns(since), sequence FROM stored.meters
      WHERE meter_id IN (SELECT DISTINCT meter_id FROM stored.series WHERE series IN (${this.#list(({ series }) => series)}))
      ORDER BY version DESC`,
    );
    return reader.map(([id, version, rule, since, sequence]) => ({
      id: id as string,
      version: Number(version),
      rule: JSON.parse(rule as string),
      since: textFromInstant(since as bigint),
      sequence: Number(sequence),
    }));
  }

  async #arrivals(): Promise<Map<bigint, string>> {
    const found = await this.#ask(
      `SELECT w.sequence, epoch_ns(a.received_at)
      FROM (SELECT unnest([${this.#list(({ sequence }) => sequence)}])::BIGINT AS sequence) w
      ASOF JOIN stored.arrivals a ON w.sequence >= a.sequence`,
    );
    return new Map(
      found.map(([sequence, receivedAt]) => [
        sequence as bigint,
        textFromInstant(((receivedAt as bigint) / SECOND_NANO) * SECOND_NANO),
      ]),
    );
  }

  /** What was taken back by the frames that brought the records, or by those that took them back. */
  async #voids(): Promise<{ sequence: number; recordId: string; voided: VoidedRecord }[]> {
    const frames = [this.#list(({ sequence }) => sequence), this.#list(({ voidedBy }) => voidedBy)];
    const found = await this.#ask(
      `SELECT sequence, record_id, reason, replaced, epoch_ns(received_at) FROM stored.voids
      WHERE sequence IN (${frames.filter((list) => list !== '').join(', ')})`,
    );
    return found.map(([frame, recordId, reason, replaced, at]) => {
      const sequence = Number(frame);
      return {
        sequence,
        recordId: recordId as string,
        voided: {
          reason: reason as string,
          replaced: replaced as boolean,
          at: textFromInstant(at as bigint),
          sequence,
        },
      };
    });
  }

  /** Signals that were corrected out of quarantine, by the frame that did. */
  async #corrected(): Promise<Map<bigint, CorrectedSignal[]>> {
    const found = await this.#ask(
      `SELECT resolved_by, q.sequence, ordinal, meter_id, code, note
      FROM stored.quarantine q JOIN stored.series USING (series)
      WHERE resolution = '${RESOLUTION_CORRECTED}' AND resolved_by IN (${this.#list(({ sequence }) => sequence)})
      ORDER BY q.sequence, ordinal`,
    );
    const corrected = new Map<bigint, CorrectedSignal[]>();
    for (const [frame, sequence, ordinal, meterId, code, note] of found) {
      const signal = {
        id: signalId({
          sequence: Number(sequence),
          ordinal: Number(ordinal),
          meterId: meterId as string,
        }),
        reason: codeName(Number(code)),
        note: note as string | null,
      };
      const ofFrame = corrected.get(frame as bigint);
      if (ofFrame === undefined) corrected.set(frame as bigint, [signal]);
      else ofFrame.push(signal);
    }
    return corrected;
  }

  /** Windows of delta series that have several values: series, start and time. */
  async #conflicts(): Promise<Set<string>> {
    const deltas = this.#rows.filter(({ role }) => role === ROLE_DELTA);
    if (deltas.length === 0) return new Set();
    const { from, to } = timesOf(deltas);
    const found = await this.#ask(
      `SELECT series, epoch_ns(start_time), epoch_ns(time) FROM stored.usage
      WHERE series IN (${listOf(deltas.map(({ series }) => series))}) AND ${from} AND ${to} AND voided_by IS NULL
      GROUP BY series, start_time, time HAVING count(*) > 1`,
    );
    return new Set(found.map(([series, start, time]) => `${series} ${start} ${time}`));
  }

  /** All readings that the page's increments and corrections are made of, by their series and start. */
  async #readings(): Promise<Map<string, StoredReading[]>> {
    const readings = new Map<string, StoredReading[]>();
    const wanted = this.#rows.filter(({ role }) => role === ROLE_CUMULATIVE);
    if (wanted.length === 0) return readings;
    const { to } = timesOf(wanted);
    const times = [...new Set(wanted.map(({ series, start, time }) => `(${series}, ${start}, ${time})`))];
    const late = wanted.filter(({ kind }) => kind === KIND_CORRECTION);
    const lateFrames = [
      ...new Set(late.map(({ series, start, sequence }) => `(${series}, ${start}, ${sequence})`)),
    ];
    const isWanted = [
      `(series, epoch_ns(start_time), epoch_ns(time)) IN (${times.join(', ')})`,
      ...(lateFrames.length === 0
        ? []
        : [`(series, epoch_ns(start_time), sequence) IN (${lateFrames.join(', ')})`]),
    ];
    const found = await this.#ask(
      `WITH ordered AS (
        SELECT rowid AS row, *, {time: epoch_ns(time), value: value, sequence: sequence} AS reading
        FROM stored.readings
        WHERE series IN (${listOf(wanted.map(({ series }) => series))}) AND ${to} AND sequence <= ${this.#through})
      SELECT * FROM (
        SELECT series, epoch_ns(start_time) AS start, reading,
          row_number() OVER (PARTITION BY series, start_time, time ORDER BY row) - 1 AS place,
          CASE WHEN epoch_ns(start_time) = 0
            THEN lag(reading) OVER (PARTITION BY series, start_time ORDER BY time, value)
            ELSE arg_max(reading, {value: value, time: time}) OVER (PARTITION BY series, start_time ORDER BY time, value
              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) END AS previous,
          ${isWanted.join(' OR ')} AS is_wanted
        FROM ordered)
      WHERE is_wanted ORDER BY (reading).time, (reading).value`,
    );
    for (const [series, start, reading, place, previous] of found) {
      const name = `${series} ${start}`;
      const one: StoredReading = {
        ...toReading(reading as DuckDBStructValue),
        place: Number(place),
        previous: previous === null ? null : toReading(previous as DuckDBStructValue),
      };
      const known = readings.get(name);
      if (known === undefined) readings.set(name, [one]);
      else known.push(one);
    }
    return readings;
  }
}

interface PlainReading {
  time: bigint;
  value: bigint;
  sequence: bigint;
}

interface StoredReading extends PlainReading {
  /** Its place among the readings of its time, in the order in which they came. */
  place: number;
  previous: PlainReading | null;
}

function toReading({ entries }: DuckDBStructValue): PlainReading {
  return {
    time: entries.time as bigint,
    value: (entries.value as DuckDBDecimalValue).value,
    sequence: entries.sequence as bigint,
  };
}

function readingText({ time, value, sequence }: PlainReading): ReadingOrigin {
  return { value: textFromScaled(value), timestamp: textFromInstant(time), sequence: Number(sequence) };
}

/** What a row of a running total is made of. */
interface Cumulative {
  reading: StoredReading | null;
  late: StoredReading[];
}

function cumulativeOf(row: StoredRow, readings: ReadonlyMap<string, StoredReading[]>): Cumulative {
  const ofSegment = readings.get(`${row.series} ${row.start}`) ?? [];
  const ofTime = ofSegment.filter(({ time }) => time === row.time);
  const isCorrection = row.kind === KIND_CORRECTION;
  // The kind of an increment tells how many readings of its time came before. A correction is of one that was there.
  const place = row.kind >> 2;
  const own = isCorrection
    ? ofTime.findLast(({ sequence }) => sequence !== row.sequence)
    : ofTime.find((one) => one.place === place);
  const reading = own ?? ofTime[0] ?? null;
  const late = isCorrection
    ? ofSegment.filter(({ sequence, time }) => sequence === row.sequence && time <= row.time).slice(-MAX_LATE)
    : [];
  return { reading, late };
}

function shownCumulative(
  { kind }: StoredRow,
  { reading, late }: Cumulative,
): Pick<RecordOrigin, 'reading' | 'lateReadings'> {
  const shown: Pick<RecordOrigin, 'reading' | 'lateReadings'> = {};
  if (reading !== null) {
    const { previous } = reading;
    shown.reading = { ...readingText(reading), previous: previous === null ? null : readingText(previous) };
  }
  if (kind === KIND_CORRECTION) shown.lateReadings = late.map(readingText);
  return shown;
}

function flagsOf(
  row: StoredRow,
  isWeak: boolean,
  reading: StoredReading | null,
  conflicts: ReadonlySet<string>,
): RecordFlag[] {
  const { kind, start } = row;
  const flags: RecordFlag[] = [];
  if (isWeak) flags.push('weak_identity');
  if (row.customerDiscovered) flags.push('customer_discovered');
  if (row.dimensionDiscovered) flags.push('dimension_discovered');
  if (reading !== null) {
    const { previous, value } = reading;
    if (start === 0n) flags.push('start_unknown');
    if (kind === KIND_CORRECTION) flags.push('late_reading');
    else if (previous === null) {
      flags.push('first_reading');
      if (row.quantity === 0n && value !== 0n) flags.push('baseline');
    }
    if (start !== 0n && previous !== null && value < previous.value) flags.push('decrease');
  }
  if (kind === KIND_RECORD && conflicts.has(`${row.series} ${start} ${row.time}`))
    flags.push('window_conflict');
  return flags;
}

/** Conditions on the column `time`, both ends included. */
function timesOf(rows: readonly StoredRow[]): { from: string; to: string } {
  const times = rows.map(({ time }) => time);
  const from = times.reduce((a, b) => (a < b ? a : b));
  const to = times.reduce((a, b) => (a > b ? a : b));
  return { from: `time >= ${instant(from)}`, to: `time <= ${instant(to)}` };
}

function listOf(numbers: readonly (number | bigint)[]): string {
  return [...new Set(numbers)].join(', ');
}

const SECOND_NANO = 1_000_000_000n;
/** One request may bring thousands of late readings, which each of as many corrections would repeat. */
const MAX_LATE = 10;
/** By the numbers of stored.series.role. */
const ROLE_NAMES = ['delta', 'cumulative', 'level', 'event'] as const;
