/**
 * The tables of the ledger and the views that analysts read.
 *
 * Base tables live in the SQL schema `stored` (not `ledger`: a database in ledger.duckdb has that name itself, and
 * `ledger.usage` is ambiguous then), are narrow, and refer to each other by integer keys. None has a primary
 * key or an index: an index costs each load in proportion to the table's size. What must be unique is made so by the
 * one writer. The views in `main` are the documented surface; each view and each column has a comment.
 */
import { QUARANTINE_CODES } from '../quarantine-codes.ts';

/** Goes up with every change of the base tables; a ledger of another version is rebuilt from the journal. */
export const SCHEMA_VERSION = 1;

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

/** Creates tables, in an empty database. */
export const TABLES: readonly string[] = [
  'CREATE SCHEMA stored',
  `CREATE TABLE stored.version (version INTEGER NOT NULL)`,
  `INSERT INTO stored.version VALUES (${SCHEMA_VERSION})`,

  // One row: the journal frame up to which everything is in the ledger, and the greatest usage.time and readings.time.
  `CREATE TABLE stored.position (sequence BIGINT NOT NULL, greatest_time TIMESTAMP_NS NOT NULL)`,
  'INSERT INTO stored.position VALUES (0, make_timestamp_ns(0))',

  // start_time is the epoch where unknown. sequence is the journal frame that brought the row.
  `CREATE TABLE stored.usage (
    series INTEGER NOT NULL,
    customer INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    start_time TIMESTAMP_NS NOT NULL,
    time TIMESTAMP_NS NOT NULL,
    quantity DECIMAL(38, 12) NOT NULL,
    kind UTINYINT NOT NULL,
    sequence BIGINT NOT NULL
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
  // value_text says the value for people.
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
    sequence BIGINT NOT NULL
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

  `CREATE TABLE stored.customers (
    customer INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    name VARCHAR,
    email VARCHAR,
    time_zone VARCHAR,
    aliases VARCHAR[] NOT NULL,
    metadata VARCHAR NOT NULL,
    discovered BOOLEAN NOT NULL,
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
    sequence BIGINT NOT NULL
  )`,

  `CREATE TABLE stored.instruments (
    hash UHUGEINT NOT NULL,
    temporality UTINYINT NOT NULL,
    sequence BIGINT NOT NULL
  )`,
];

interface View {
  name: string;
  comment: string;
  /** Name, SQL, comment. */
  columns: readonly (readonly [name: string, expression: string, comment: string])[];
  /** From FROM on. */
  source: string;
}

const HASH_HEX = (column: string) => `lower(lpad(hex(${column}), 32, '0'))`;

/** The epoch stands for an unknown start. */
const KNOWN_START = 'nullif(u.start_time, make_timestamp_ns(0))';

// A record is its key. What a cumulative series adds depends on when its readings came, so the frame belongs to it.
const RECORD_ID = `md5(concat_ws(' ', ${HASH_HEX('s.hash')}, epoch_ns(u.start_time), epoch_ns(u.time), u.quantity,
    u.kind, CASE WHEN u.kind = ${KIND_RECORD} THEN 0 ELSE u.sequence END))`;

const REASONS = `[${QUARANTINE_CODES.map((code) => `'${code}'`).join(', ')}]`;

// Timestamps of quarantined signals are as they came, so they can lie beyond what a timestamp can say.
const timestampOrNull = (column: string) =>
  `CASE WHEN ${column} BETWEEN 1 AND 9223372036854775806 THEN make_timestamp_ns(${column}::BIGINT) END`;

// What is odd about usage that is counted all the same. One branch per flag; a branch gives series, customer, dimension,
// start_time, time, amount and duration (nanoseconds), and the flag's name.
const FLAG_BRANCHES = [
  // Two values for one window of a delta series: both count. The amount is what one of them would not have added.
  `SELECT 'window_conflict' AS flag, series, any_value(customer) AS customer, any_value(dimension) AS dimension,
    start_time, time, sum(quantity) - max(quantity) AS amount, NULL::BIGINT AS duration
  FROM stored.usage WHERE kind = ${KIND_RECORD} GROUP BY series, start_time, time HAVING count(*) > 1`,
  // Windows of a delta series that do not meet. Windows without a known start cannot be compared.
  `SELECT CASE WHEN start_time > latest THEN 'gap' ELSE 'overlap' END, series, customer, dimension, start_time, time,
    quantity, abs(epoch_ns(start_time) - epoch_ns(latest))
  FROM (
    SELECT *, max(time) OVER (PARTITION BY series ORDER BY time, start_time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP) AS latest
    FROM stored.usage WHERE kind = ${KIND_RECORD} AND start_time > make_timestamp_ns(0))
  WHERE start_time <> latest`,
  // A running total that shrank within one start: the greatest value holds. With an unknown start it began again.
  `SELECT 'decrease', r.series, s.customer, s.dimension, r.start_time, r.time, r.greatest - r.value, NULL
  FROM (
    SELECT *, max(value) OVER (PARTITION BY series, start_time ORDER BY time, value
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS greatest
    FROM stored.readings WHERE start_time > make_timestamp_ns(0)) r
  JOIN stored.series s USING (series)
  WHERE r.value < r.greatest`,
  // A running total with two starts at once: two writers with one name, both counted.
  `SELECT 'overlap', g.series, s.customer, s.dimension, g.start_time, g.until, g.total,
    epoch_ns(g.latest) - epoch_ns(g.start_time)
  FROM (
    SELECT *, max(until) OVER (PARTITION BY series ORDER BY start_time
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest
    FROM (
      SELECT series, start_time, max(time) AS until, max(value) AS total
      FROM stored.readings WHERE start_time > make_timestamp_ns(0) GROUP BY series, start_time)) g
  JOIN stored.series s USING (series)
  WHERE g.start_time < g.latest`,
  // All usage of series whose replicas cannot be told apart.
  `SELECT 'weak_identity', u.series, any_value(u.customer), any_value(u.dimension), min(u.start_time), max(u.time),
    sum(u.quantity), NULL
  FROM stored.usage u JOIN stored.series s USING (series) JOIN stored.contexts x USING (context)
  WHERE x.weak_identity GROUP BY u.series`,
];

const perWindow = (window: string): string => `FROM (
    SELECT customer, dimension, ${window} AS "window", sum(quantity) AS quantity,
      count(*) FILTER (kind <> ${KIND_CORRECTION}) AS records
    FROM stored.usage GROUP BY ALL
  ) u
  JOIN stored.customers c USING (customer)
  JOIN stored.dimensions d USING (dimension)`;

const windowColumns = (name: string, comment: string): View['columns'] => [
  ['customer_id', 'c.id', "The customer's own id, as the caller gave it."],
  ['dimension_id', 'd.id', 'What is billed.'],
  [name, 'u."window"', comment],
  ['quantity', 'u.quantity', "Exact sum of the record values, in the dimension's unit."],
  ['unit', 'd.unit', 'Unit of quantity (UCUM).'],
  ['records', 'u.records', 'Usage records in the window; corrections are no records.'],
];

export const VIEWS: readonly View[] = [
  {
    name: 'usage_records',
    comment:
      'Every usage record, one row each, exact. Sum record_value; a correction (kind) changes an earlier increment ' +
      'because a reading came late.',
    columns: [
      ['record_id', RECORD_ID, 'Id of the record, derived from its key: the same in every rebuild.'],
      ['customer_id', 'c.id', 'Who is billed: the id that the caller gave.'],
      ['dimension_id', 'd.id', 'What is billed.'],
      ['record_value', 'u.quantity', "The usage, exact, in the dimension's unit."],
      ['unit', 'd.unit', 'Unit of record_value (UCUM).'],
      ['timestamp', 'u.time', 'When the usage occurred, or the end of its period (UTC, nanoseconds).'],
      ['start_time', KNOWN_START, 'Begin of the period (UTC, nanoseconds); null if unknown.'],
      ['metadata', 's.metadata::JSON', 'The other attributes: a JSON object of strings.'],
      [
        'kind',
        `CASE u.kind WHEN ${KIND_RECORD} THEN 'record' WHEN ${KIND_CORRECTION} THEN 'correction' ELSE 'increment' END`,
        'record: as it came. increment: what a reading of a running total added. correction: see the view.',
      ],
      ['meter_id', 's.meter_id', 'The meter that turned the signal into this record.'],
      ['metric_name', 'x.metric_name', 'Name of the metric that it came from.'],
      ['series_hash', HASH_HEX('s.hash'), 'Identity of the OpenTelemetry series that it came from.'],
      [
        'weak_identity',
        'x.weak_identity',
        'The resource names no service.instance.id: its replicas cannot be told apart for certain.',
      ],
      ['journal_sequence', 'u.sequence', 'The journal frame that brought it.'],
    ],
    source: `FROM stored.usage u
  JOIN stored.series s USING (series)
  JOIN stored.contexts x USING (context)
  JOIN stored.customers c ON c.customer = u.customer
  JOIN stored.dimensions d ON d.dimension = u.dimension`,
  },
  {
    name: 'usage_hourly',
    comment: 'Usage per customer, dimension and hour (UTC); hours without a record are absent.',
    columns: windowColumns('hour', 'Begin of the hour (UTC).'),
    source: perWindow(`date_trunc('hour', time)`),
  },
  {
    name: 'usage_daily',
    comment: 'Usage per customer, dimension and day (UTC); days without a record are absent.',
    columns: windowColumns('day', 'The day (UTC).'),
    source: perWindow('time::DATE'),
  },
  {
    name: 'customers',
    comment: 'Who is billed: declared customers, and those that were discovered because usage came for them.',
    columns: [
      ['customer_id', 'c.id', 'The id that the caller gave.'],
      ['name', 'c.name', 'Name, if declared.'],
      ['email', 'c.email', 'E-mail address, if declared.'],
      ['time_zone', 'c.time_zone', 'IANA time zone, if declared.'],
      ['aliases', 'c.aliases', 'Other ids that mean this customer.'],
      ['metadata', 'c.metadata::JSON', 'A JSON object of strings.'],
      ['discovered', 'c.discovered', 'Nobody declared it: it was created because usage came.'],
    ],
    source: 'FROM stored.customers c',
  },
  {
    name: 'dimensions',
    comment:
      'What is billed: declared dimensions, and those that were discovered because usage came for them.',
    columns: [
      ['dimension_id', 'd.id', 'The id that the caller gave.'],
      ['name', 'd.name', 'Name, if declared.'],
      ['unit', 'd.unit', 'Unit of its quantities (UCUM).'],
      [
        'aggregation',
        'd.aggregation',
        'sum, count, max, min, last, average, unique, time_weighted, time_integral.',
      ],
      ['unique_key', 'd.unique_key', 'Metadata key whose values are counted by aggregation unique.'],
      ['level_ttl', 'd.level_ttl', 'Seconds for which a level holds at most; null: until the next.'],
      ['interval', 'd."interval"', 'none, hour, day or month: aggregated within each, then summed.'],
      ['usage_increment', 'd.usage_increment', 'Billed in multiples of this; null: exactly.'],
      ['unit_price', 'd.unit_price', 'Price of one unit, if set.'],
      ['rounding', 'd.rounding', 'floor, ceiling or round, to the increment.'],
      ['credits_allowed', 'd.credits_allowed', 'Whether negative usage is taken.'],
      ['discovered', 'd.discovered', 'Nobody declared it: it was created because usage came.'],
    ],
    source: 'FROM stored.dimensions d',
  },
  {
    name: 'quarantined',
    comment: 'Signals that a meter claimed but that could not be counted, each once, with the reason.',
    columns: [
      ['reason', `${REASONS}[q.code]`, 'Stable code of the first fault.'],
      ['customer_id', 'q.customer_id', 'Who would be billed; null if missing.'],
      ['dimension_id', 'q.dimension_id', 'What would be billed; null if missing.'],
      ['meter_id', 's.meter_id', 'The meter that claimed it.'],
      ['quantity', 'q.quantity', 'The value, exact; null where it is no decimal in range.'],
      ['value', 'q.value_text', 'The value as text, whatever it is.'],
      [
        'timestamp',
        timestampOrNull('q.time_nano'),
        'Time of the signal (UTC, nanoseconds); null if it cannot be.',
      ],
      ['start_time', timestampOrNull('q.start_nano'), 'Begin of its period; null if unknown or impossible.'],
      ['metadata', 's.metadata::JSON', 'The other attributes: a JSON object of strings.'],
      ['metric_name', 'x.metric_name', 'Name of the metric.'],
      ['unit', 'x.unit', 'Unit that the metric says.'],
      ['metric_kind', 'x.metric_kind', 'gauge, sum, histogram, exponential_histogram or summary.'],
      ['temporality', 'x.temporality', 'delta, cumulative or unspecified.'],
      ['monotonic', 'x.monotonic', 'Whether a sum only grows.'],
      ['scope_name', 'x.scope_name', 'Name of the instrumentation scope.'],
      ['resource', 'x.resource::JSON', 'Attributes of the resource.'],
      ['series_hash', HASH_HEX('s.hash'), 'Identity of the OpenTelemetry series.'],
      ['first_seen', 'q.first_seen', 'When it came first (UTC).'],
      ['last_seen', 'q.last_seen', 'When it came last (UTC).'],
      ['journal_sequence', 'q.sequence', 'The journal frame that brought it first.'],
    ],
    source: `FROM stored.quarantine q
  JOIN stored.series s USING (series)
  JOIN stored.contexts x USING (context)`,
  },
  {
    name: 'usage_flags',
    comment:
      'What is odd about usage that is counted all the same. Computed from all usage when asked: ask for one flag, ' +
      'and not often.',
    columns: [
      [
        'flag',
        'f.flag',
        'window_conflict: two values for one window, both counted. gap, overlap: windows of a series that do not meet. ' +
          'decrease: a running total shrank, its greatest value holds. weak_identity: no service.instance.id.',
      ],
      ['customer_id', 'c.id', 'Who is billed.'],
      ['dimension_id', 'd.id', 'What is billed.'],
      [
        'amount',
        'f.amount',
        'window_conflict: all but the greatest value. gap, overlap: the usage of the window that does not fit. ' +
          'decrease: by how much. weak_identity: all usage of the series.',
      ],
      ['unit', 'd.unit', 'Unit of amount (UCUM).'],
      [
        'start_time',
        'nullif(f.start_time, make_timestamp_ns(0))',
        'Begin of the window (UTC); null if unknown.',
      ],
      ['timestamp', 'f.time', 'End of the window, or the time of the reading (UTC).'],
      ['duration_ns', 'f.duration', 'gap, overlap: how long, nanoseconds.'],
      ['metric_name', 'x.metric_name', 'Name of the metric.'],
      ['series_hash', HASH_HEX('s.hash'), 'Identity of the OpenTelemetry series.'],
    ],
    source: `FROM (\n${FLAG_BRANCHES.join('\nUNION ALL ')}\n) f
  JOIN stored.series s USING (series)
  JOIN stored.contexts x USING (context)
  LEFT JOIN stored.customers c ON c.customer = f.customer
  LEFT JOIN stored.dimensions d ON d.dimension = f.dimension`,
  },
];

/** Creates or replaces the views, with their comments. */
export function viewStatements(views: readonly View[] = VIEWS): string[] {
  return views.flatMap(({ name, comment, columns, source }) => [
    `CREATE OR REPLACE VIEW main.${name} AS SELECT\n${columns
      .map(([column, expression]) => `  ${expression} AS "${column}"`)
      .join(',\n')}\n${source}`,
    `COMMENT ON VIEW main.${name} IS ${quoted(comment)}`,
    ...columns.map(([column, , text]) => `COMMENT ON COLUMN main.${name}."${column}" IS ${quoted(text)}`),
  ]);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
