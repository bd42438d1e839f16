/**
 * The tables of the ledger.
 *
 * They live in the SQL schema `stored` (not `ledger`: a database in ledger.duckdb has that name itself, and
 * `ledger.usage` is ambiguous then), are narrow, and refer to each other by integer keys. None has a primary
 * key or an index: an index costs each load in proportion to the table's size. What must be unique is made so by the
 * one writer. What analysts read are the views in `main` (views.ts).
 */

import { PERIOD_TABLES } from './period-tables.ts';

/** Goes up with every change of the base tables; a ledger of another version is rebuilt from the journal. */
export const SCHEMA_VERSION = 5;

/** Values of `stored.usage.kind`. */
export const KIND_RECORD = 0;
/** What one cumulative reading added, zero included: one row per reading. See {@link incrementKind}. */
export const KIND_INCREMENT = 1;
/** A change of an increment that is already stored, because a reading came late. Not a record of its own. */
export const KIND_CORRECTION = 2;

/**
 * The kind of an increment whose segment had so many readings of the same time before: 1, 5, 9, … They are all
 * increments (kind modulo 4); the number keeps their keys distinct where they add the same.
 */
export function incrementKind(sameTime: number): number {
  return KIND_INCREMENT + 4 * Math.min(sameTime, 63);
}

/** Values of `stored.series.role`. */
export const ROLE_DELTA = 0;
export const ROLE_CUMULATIVE = 1;
export const ROLE_LEVEL = 2;
export const ROLE_EVENT = 3;

/** Values of `stored.quarantine.resolution`: to be settled; counted as a person said; not to be counted. */
export const RESOLUTION_OPEN = 'open';
export const RESOLUTION_CORRECTED = 'corrected';
export const RESOLUTION_DISMISSED = 'dismissed';
export type Resolution = typeof RESOLUTION_OPEN | typeof RESOLUTION_CORRECTED | typeof RESOLUTION_DISMISSED;

/** Creates tables, in an empty database. */
export const TABLES: readonly string[] = [
  'CREATE SCHEMA stored',
  `CREATE TABLE stored.version (version INTEGER NOT NULL)`,
  `INSERT INTO stored.version VALUES (${SCHEMA_VERSION})`,

  // One row: the journal frame up to which everything is in the ledger, and the greatest time of usage (without
  // events) and readings.
  `CREATE TABLE stored.position (sequence BIGINT NOT NULL, greatest_time TIMESTAMP_NS NOT NULL)`,
  'INSERT INTO stored.position VALUES (0, make_timestamp_ns(0))',

  // One row: the rows of usage of frames up to this one lie in the order of questions (clustering.ts), the others in that
  // in which they came.
  'CREATE TABLE stored.clustering (through_sequence BIGINT NOT NULL)',
  'INSERT INTO stored.clustering VALUES (0)',

  // How many usage records each customer has in each dimension (usage-totals.ts); several rows of one add up.
  `CREATE TABLE stored.usage_totals (
    customer INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    records BIGINT NOT NULL,
    newest TIMESTAMP_NS NOT NULL
  )`,

  // One row. The totals are of the frames up to through_sequence, without what was voided by frames up to
  // as_of_sequence; merged_rows is how many they were when each customer and dimension had one.
  `CREATE TABLE stored.usage_totals_state (
    through_sequence BIGINT NOT NULL,
    as_of_sequence BIGINT NOT NULL,
    merged_rows BIGINT NOT NULL
  )`,
  'INSERT INTO stored.usage_totals_state VALUES (0, 0, 0)',

  // The first journal frame of each second, by the receiver's clock; both columns ascend.
  'CREATE TABLE stored.arrivals (sequence BIGINT NOT NULL, received_at TIMESTAMP_NS NOT NULL)',

  // start_time is the epoch where unknown. sequence is the journal frame that brought the row. event is the key of an
  // event, null for metric points. voided_by is the frame that says that the row does not count; null = it counts.
  `CREATE TABLE stored.usage (
    series INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    start_time TIMESTAMP_NS NOT NULL,
    time TIMESTAMP_NS NOT NULL,
    quantity DECIMAL(38, 12) NOT NULL,
    kind UTINYINT NOT NULL,
    sequence BIGINT NOT NULL,
    event UHUGEINT,
    voided_by BIGINT
  )`,

  // Why rows of usage do not count. sequence is their voided_by, replaced says whether a row of the same frame took
  // the record's place.
  `CREATE TABLE stored.voids (
    sequence BIGINT NOT NULL,
    record_id VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    replaced BOOLEAN NOT NULL,
    received_at TIMESTAMP_NS NOT NULL
  )`,

  // Every reading of a cumulative series, baselines too. (series, start_time) is a segment.
  `CREATE TABLE stored.readings (
    series INTEGER NOT NULL,
    start_time TIMESTAMP_NS NOT NULL,
    time TIMESTAMP_NS NOT NULL,
    value DECIMAL(38, 12) NOT NULL,
    sequence BIGINT NOT NULL
  )`,

  // Signals that a meter claimed and that are not counted. Keys are exact: unsigned nanoseconds as they came, and
  // value_kind with the 128 bits of the value (storage/ledger-batch.ts). quantity is null unless value_kind is 0;
  // value_text says the value for people. event is the key of an event, null for metric points. sequence and ordinal
  // are where the signal stood in the journal when it came first. resolution is open, corrected or dismissed, the
  // latter two by the frame resolved_by, with its note.
  `CREATE TABLE stored.quarantine (
    series INTEGER NOT NULL,
    start_nano UBIGINT NOT NULL,
    time_nano UBIGINT NOT NULL,
    value_kind UTINYINT NOT NULL,
    value_low UBIGINT NOT NULL,
    value_high UBIGINT NOT NULL,
    quantity DECIMAL(38, 12),
    value_text VARCHAR NOT NULL,
    code UTINYINT NOT NULL,
    customer_id VARCHAR,
    dimension_id VARCHAR,
    first_seen TIMESTAMP_NS NOT NULL,
    last_seen TIMESTAMP_NS NOT NULL,
    sequence BIGINT NOT NULL,
    ordinal INTEGER NOT NULL DEFAULT 0,
    event UHUGEINT,
    resolution VARCHAR NOT NULL DEFAULT 'open',
    resolved_by BIGINT,
    note VARCHAR
  )`,

  // hash: 128 bits of SHA-256 over the canonical series. customer and dimension are null for a series that came
  // with none known; its usage rows have their own. metadata is a JSON object of strings, sorted by key.
  `CREATE TABLE stored.series (
    series INTEGER NOT NULL,
    hash UHUGEINT NOT NULL,
    context INTEGER NOT NULL,
    customer INTEGER,
    dimension INTEGER,
    role UTINYINT NOT NULL,
    meter_id VARCHAR NOT NULL,
    meter_version INTEGER NOT NULL DEFAULT 0,
    metadata VARCHAR NOT NULL
  )`,

  // hash: of all the other columns but context.
  `CREATE TABLE stored.contexts (
    context INTEGER NOT NULL,
    hash UHUGEINT NOT NULL,
    resource VARCHAR NOT NULL,
    scope_name VARCHAR NOT NULL,
    scope_version VARCHAR NOT NULL,
    metric_name VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    metric_kind VARCHAR NOT NULL,
    temporality VARCHAR NOT NULL,
    monotonic BOOLEAN NOT NULL,
    from_sdk BOOLEAN NOT NULL,
    weak_identity BOOLEAN NOT NULL
  )`,

  // A deleted customer or dimension keeps its key; used says whether usage refers to it. sequence is the frame that
  // made it known, the last time that it was unknown.
  `CREATE TABLE stored.customers (
    customer INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    name VARCHAR,
    email VARCHAR,
    time_zone VARCHAR,
    aliases VARCHAR[] NOT NULL,
    metadata VARCHAR NOT NULL,
    discovered BOOLEAN NOT NULL,
    managed_by VARCHAR,
    deleted BOOLEAN NOT NULL DEFAULT false,
    used BOOLEAN NOT NULL DEFAULT false,
    sequence BIGINT NOT NULL
  )`,

  // "interval" is none, hour, day or month; level_ttl is in seconds.
  `CREATE TABLE stored.dimensions (
    dimension INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    name VARCHAR,
    unit VARCHAR NOT NULL,
    aggregation VARCHAR NOT NULL,
    unique_key VARCHAR,
    level_ttl BIGINT,
    "interval" VARCHAR NOT NULL,
    usage_increment DECIMAL(38, 12),
    unit_price DECIMAL(38, 12),
    rounding VARCHAR,
    credits_allowed BOOLEAN NOT NULL,
    discovered BOOLEAN NOT NULL,
    managed_by VARCHAR,
    deleted BOOLEAN NOT NULL DEFAULT false,
    used BOOLEAN NOT NULL DEFAULT false,
    sequence BIGINT NOT NULL
  )`,

  `CREATE TABLE stored.instruments (
    hash UHUGEINT NOT NULL,
    temporality UTINYINT NOT NULL,
    sequence BIGINT NOT NULL
  )`,

  // Every version that a meter ever had. rule is JSON. deleted_sequence is the frame that deleted the meter while this
  // was its version.
  `CREATE TABLE stored.meters (
    meter_id VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    rule VARCHAR NOT NULL,
    since TIMESTAMP_NS NOT NULL,
    managed_by VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    received_at TIMESTAMP_NS NOT NULL,
    deleted_sequence BIGINT
  )`,

  // What was set, the last one holds; without any the defaults do (storage/changes.ts).
  `CREATE TABLE stored.settings (
    discovery BOOLEAN NOT NULL,
    max_future_seconds INTEGER NOT NULL,
    sequence BIGINT NOT NULL,
    received_at TIMESTAMP_NS NOT NULL
  )`,

  // Everything that people changed, in order. ordinal is the place within the frame. subject is the id of what was
  // changed, null where it is not one. note is what whoever did it said; change is the whole of it as JSON, but for
  // statements, which stand in their own table. actor is null in frames that do not say.
  `CREATE TABLE stored.changes (
    sequence BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    received_at TIMESTAMP_NS NOT NULL,
    type VARCHAR NOT NULL,
    actor VARCHAR,
    subject VARCHAR,
    note VARCHAR,
    change VARCHAR NOT NULL
  )`,

  ...PERIOD_TABLES,
];
