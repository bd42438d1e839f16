/** The views that analysts read: the documented surface of the ledger. Each view and each column has a comment. */
import { QUARANTINE_CODES } from '../quarantine-codes.ts';
import { PERIOD_VIEWS } from './period-tables.ts';
import { KIND_CORRECTION, KIND_RECORD, RESOLUTION_OPEN } from './schema.ts';

export interface View {
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

/**
 * Id of a row `u` of stored.usage with its series `s`: 16 hex digits of its time in nanoseconds, by which it is found,
 * and 16 of a hash of its key. What a cumulative series adds depends on when its readings came, so the frame belongs
 * to it. The event's key is spelled in hex: as a decimal it costs DuckDB 128 µs per row.
 */
export const RECORD_ID = `lower(lpad(hex(epoch_ns(u.time)), 16, '0')) || left(md5(concat_ws(' ', ${HASH_HEX('s.hash')},
    epoch_ns(u.start_time), epoch_ns(u.time), u.quantity, u.kind,
    CASE WHEN u.kind = ${KIND_RECORD} THEN 0 ELSE u.sequence END, ${HASH_HEX('u.event')})), 16)`;

const REASONS = `[${QUARANTINE_CODES.map((code) => `'${code}'`).join(', ')}]`;

// Timestamps of quarantined signals are as they came, so they can lie beyond what a timestamp can say.
const timestampOrNull = (column: string) =>
  `CASE WHEN ${column} BETWEEN 1 AND 9223372036854775806 THEN make_timestamp_ns(${column}::BIGINT) END`;

/** Only the points of a metric series are windows that should meet. */
const IS_POINT = `kind = ${KIND_RECORD} AND event IS NULL AND voided_by IS NULL`;

// What is odd about usage that is counted all the same. One branch per flag; a branch gives series, customer, dimension,
// start_time, time, amount and duration (nanoseconds), and the flag's name.
const FLAG_BRANCHES = [
  // Two values for one window of a delta series: both count. The amount is what one of them would not have added.
  `SELECT 'window_conflict' AS flag, series, any_value(customer) AS customer, any_value(dimension) AS dimension,
    start_time, time, sum(quantity) - max(quantity) AS amount, NULL::BIGINT AS duration
  FROM stored.usage WHERE ${IS_POINT} GROUP BY series, start_time, time HAVING count(*) > 1`,
  // Windows of a delta series that do not meet. Windows without a known start cannot be compared.
  `SELECT CASE WHEN start_time > latest THEN 'gap' ELSE 'overlap' END, series, customer, dimension, start_time, time,
    quantity, abs(epoch_ns(start_time) - epoch_ns(latest))
  FROM (
    SELECT *, max(time) OVER (PARTITION BY series ORDER BY time, start_time
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP) AS latest
    FROM stored.usage WHERE ${IS_POINT} AND start_time > make_timestamp_ns(0))
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
  WHERE x.weak_identity AND u.voided_by IS NULL GROUP BY u.series`,
];

const perWindow = (window: string): string => `FROM (
    SELECT customer, dimension, ${window} AS "window", sum(quantity) AS quantity,
      count(*) FILTER (kind <> ${KIND_CORRECTION}) AS records
    FROM stored.usage WHERE voided_by IS NULL GROUP BY ALL
  ) u
  JOIN stored.customers c USING (customer)
  JOIN stored.dimensions d USING (dimension)`;

const windowColumns = (name: string, comment: string): View['columns'] => [
  ['customer_id', 'c.id', "The customer's own id, as the caller gave it."],
  ['dimension_id', 'd.id', 'What is billed.'],
  [name, 'u."window"', comment],
  [
    'quantity',
    'u.quantity',
    "Exact sum of the record values, in the dimension's unit; in the lake NULL where it is 10^26 or more.",
  ],
  ['unit', 'd.unit', 'Unit of quantity (UCUM).'],
  ['records', 'u.records', 'Usage records in the window; corrections are no records.'],
];

// What was deleted is still named by its usage.
const IS_SHOWN = 'WHERE NOT deleted OR used';

const RECORD_COLUMNS: View['columns'] = [
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
  ['metric_name', 'x.metric_name', 'Name of the metric that it came from; empty for events.'],
  [
    'event_key',
    HASH_HEX('u.event'),
    'What makes a log record, span or record by hand the same when it comes again.',
  ],
  [
    'series_hash',
    HASH_HEX('s.hash'),
    'Identity of the OpenTelemetry series that it came from, or what its events share.',
  ],
  [
    'weak_identity',
    'x.weak_identity',
    'The resource names no service.instance.id: its replicas cannot be told apart for certain.',
  ],
  ['journal_sequence', 'u.sequence', 'The journal frame that brought it.'],
];

const RECORD_SOURCE = `FROM stored.usage u
  JOIN stored.series s USING (series)
  JOIN stored.contexts x USING (context)
  JOIN stored.customers c ON c.customer = u.customer
  JOIN stored.dimensions d ON d.dimension = u.dimension`;

const QUARANTINE_COLUMNS: View['columns'] = [
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
  ['metric_name', 'x.metric_name', 'Name of the metric; empty for events.'],
  ['unit', 'x.unit', 'Unit that the signal says.'],
  [
    'metric_kind',
    'x.metric_kind',
    'gauge, sum, histogram, exponential_histogram, summary; of events log, span, record.',
  ],
  ['temporality', 'x.temporality', 'delta, cumulative or unspecified.'],
  ['monotonic', 'x.monotonic', 'Whether a sum only grows.'],
  ['scope_name', 'x.scope_name', 'Name of the instrumentation scope.'],
  ['resource', 'x.resource::JSON', 'Attributes of the resource.'],
  ['series_hash', HASH_HEX('s.hash'), 'Identity of the OpenTelemetry series.'],
  ['first_seen', 'q.first_seen', 'When it came first (UTC).'],
  ['last_seen', 'q.last_seen', 'When it came last (UTC).'],
  ['journal_sequence', 'q.sequence', 'The journal frame that brought it first.'],
  ['ordinal', 'q.ordinal', 'Its place among the signals of that frame, from 0.'],
  ['event_key', HASH_HEX('q.event'), 'Key of a log record, span or record by hand; null for metric points.'],
];

const QUARANTINE_SOURCE = `FROM stored.quarantine q
  JOIN stored.series s USING (series)
  JOIN stored.contexts x USING (context)`;

const AUDIT_LOG: View = {
  name: 'audit_log',
  comment:
    'Every change of state that people, or the configuration file, made. Append-only, in the order of the journal.',
  columns: [
    ['sequence', 'g.sequence', 'The journal frame that made it.'],
    ['ordinal', 'g.ordinal', 'Its place among the changes of that frame, from 0.'],
    ['time', 'g.received_at', 'When (UTC).'],
    [
      'actor',
      'g.actor',
      'Who: key: and the begin of a hash of the API key, file, or local. null: not recorded.',
    ],
    ['kind', 'g.type', 'What was done: customer_put, period_closed, statement_reopened, …'],
    ['subject', 'g.subject', 'Id of what was changed; null where it is not one.'],
    ['note', 'g.note', 'The words of whoever did it.'],
    ['change', 'g.change::JSON', 'The change itself.'],
  ],
  source: 'FROM stored.changes g',
};

export const VIEWS: readonly View[] = [
  {
    name: 'usage_records',
    comment:
      'Every usage record, one row each, exact. Sum record_value; a correction (kind) changes an earlier increment ' +
      'because a reading came late.',
    columns: RECORD_COLUMNS,
    source: `${RECORD_SOURCE}
  WHERE u.voided_by IS NULL`,
  },
  {
    name: 'usage_voided',
    comment: 'Usage records that somebody voided or amended. They count nowhere.',
    columns: [
      ...RECORD_COLUMNS,
      ['voided_by', 'u.voided_by', 'The journal frame that voided it; a replacement came with it.'],
      ['void_reason', 'v.reason', 'Why, in the words of who did it.'],
      ['replaced', 'v.replaced', 'Whether another record took its place.'],
      ['voided_at', 'v.received_at', 'When (UTC).'],
    ],
    source: `${RECORD_SOURCE}
  JOIN stored.voids v ON v.sequence = u.voided_by AND v.record_id = ${RECORD_ID}`,
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
      ['managed_by', 'c.managed_by', 'Who declared it: api or file; null if nobody.'],
    ],
    source: `FROM stored.customers c ${IS_SHOWN}`,
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
      ['managed_by', 'd.managed_by', 'Who declared it: api or file; null if nobody.'],
    ],
    source: `FROM stored.dimensions d ${IS_SHOWN}`,
  },
  {
    name: 'quarantined',
    comment: 'Signals that a meter claimed but that could not be counted, each once, with the reason.',
    columns: QUARANTINE_COLUMNS,
    source: `${QUARANTINE_SOURCE}
  WHERE q.resolution = '${RESOLUTION_OPEN}'`,
  },
  {
    name: 'quarantine_resolved',
    comment: 'Signals that were quarantined until a person counted them otherwise or dismissed them.',
    columns: [
      ...QUARANTINE_COLUMNS,
      ['resolution', 'q.resolution', 'corrected: counted as somebody said. dismissed: not to be counted.'],
      ['note', 'q.note', 'What whoever resolved it said.'],
      ['resolved_by', 'q.resolved_by', 'The journal frame that resolved it.'],
    ],
    source: `${QUARANTINE_SOURCE}
  WHERE q.resolution <> '${RESOLUTION_OPEN}'`,
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
  ...PERIOD_VIEWS,
  AUDIT_LOG,
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
