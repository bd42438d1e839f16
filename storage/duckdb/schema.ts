/**
 * The tables and views of the ledger.
 *
 * Base tables are narrow, of integer keys, in the SQL schema `ledger`; no primary key and no index, for a check on
 * every row would cost more than the load. People read the flat, commented views in `main`.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { QUARANTINE_CODES } from '../quarantine-codes.ts';

/** Moves on with every change of the tables. A ledger of another version is rebuilt from the journal. */
export const SCHEMA_VERSION = 1;

/** Values of `ledger.usage.kind`. */
export const KIND_RECORD = 0;
export const KIND_INCREMENT = 1;
export const KIND_CORRECTION = 2;

const TABLES = `
CREATE SCHEMA ledger;

-- One row: the journal sequence up to which everything is loaded.
CREATE TABLE ledger.position (schema_version INTEGER, sequence BIGINT, received_at TIMESTAMP_NS);
INSERT INTO ledger.position VALUES (${SCHEMA_VERSION}, 0, NULL);

-- Every customer id that a signal named. known: declared or discovered; others were named by quarantined signals only.
CREATE TABLE ledger.customers (
  customer INTEGER, customer_id VARCHAR, known BOOLEAN, discovered BOOLEAN, name VARCHAR, email VARCHAR,
  time_zone VARCHAR, aliases VARCHAR[], metadata MAP(VARCHAR, VARCHAR), sequence BIGINT);

CREATE TABLE ledger.dimensions (
  dimension INTEGER, dimension_id VARCHAR, known BOOLEAN, discovered BOOLEAN, name VARCHAR, unit VARCHAR,
  aggregation VARCHAR, unique_key VARCHAR, level_ttl DOUBLE, "interval" VARCHAR, usage_increment DECIMAL(38,12),
  unit_price DECIMAL(38,12), rounding VARCHAR, credits_allowed BOOLEAN, sequence BIGINT);

-- The temporality that holds for an instrument: the first one seen.
CREATE TABLE ledger.instruments (hash UHUGEINT, temporality UTINYINT, sequence BIGINT);

CREATE TABLE ledger.contexts (
  context INTEGER, resource VARCHAR, scope_name VARCHAR, scope_version VARCHAR, metric_name VARCHAR, unit VARCHAR,
  metric_kind VARCHAR, temporality VARCHAR, monotonic BOOLEAN, from_sdk BOOLEAN, weak_identity BOOLEAN);

-- customer and dimension are NULL where the series names none.
CREATE TABLE ledger.series (
  series INTEGER, hash UHUGEINT, context INTEGER, customer INTEGER, dimension INTEGER, role VARCHAR,
  meter_id VARCHAR, metadata MAP(VARCHAR, VARCHAR));

-- kind: 0 one per delta point, 1 one per reading of a running total (its increment), 2 correction of an increment
-- by a reading that came late. start_time at the epoch: unknown. sequence: the journal frame it came with.
CREATE TABLE ledger.usage (
  series INTEGER, customer INTEGER, dimension INTEGER, start_time TIMESTAMP_NS, time TIMESTAMP_NS,
  quantity DECIMAL(38,12), kind UTINYINT, sequence BIGINT);

-- Running totals as they were read. What they add to usage stands in ledger.usage.
CREATE TABLE ledger.readings (
  series INTEGER, start_time TIMESTAMP_NS, time TIMESTAMP_NS, value DECIMAL(38,12), sequence BIGINT);

-- value_kind and value_words are part of the key (storage/ledger-batch.ts); quantity is NULL where they are no decimal.
CREATE TABLE ledger.quarantine (
  series INTEGER, code UTINYINT, start_unix_nano UBIGINT, time_unix_nano UBIGINT, value_kind UTINYINT,
  value_words UHUGEINT, quantity DECIMAL(38,12), sequence BIGINT, received_at TIMESTAMP_NS);
`;

const REASON = `CASE q.code ${QUARANTINE_CODES.map((code, i) => `WHEN ${i + 1} THEN '${code}'`).join(' ')} END`;

interface View {
  name: string;
  comment: string;
  columns: [name: string, comment: string][];
  query: string;
}

const VIEWS: View[] = [
  {
    name: 'usage_records',
    comment: 'Every usage record: who used how much of what, and when. One row per counted fact.',
    columns: [
      [
        'record_id',
        'Derived from the identity of the point: the same in every ledger made from the same journal',
      ],
      ['customer_id', 'Who is billed: the id of the caller'],
      ['dimension_id', 'What is billed'],
      ['record_value', 'How much, in the unit of the dimension; negative for credits and corrections'],
      ['unit', 'UCUM unit of the dimension'],
      ['timestamp', 'When the usage occurred, or the end of its period (UTC)'],
      ['start_time', 'Begin of the period of the record (UTC); NULL where it is unknown'],
      ['metadata', 'Other attributes of the signal, as text'],
      ['meter_id', 'The meter that claimed the signal'],
      [
        'kind',
        'record: a delta as it came; increment: growth of a running total; correction: of an increment, by a reading that came late',
      ],
      [
        'weak_identity',
        'The writer named no service.instance.id, so replicas of it cannot be told apart for certain',
      ],
      ['series', 'Key of the series within this ledger'],
      ['sequence', 'Journal sequence of the request that brought it'],
    ],
    query: `
      SELECT
        md5(concat_ws('/', s.hash, epoch_ns(u.start_time), epoch_ns(u.time), u.quantity, u.kind,
          CASE WHEN u.kind = ${KIND_CORRECTION} THEN u.sequence END)),
        c.customer_id, d.dimension_id, u.quantity, d.unit, u.time,
        CASE WHEN epoch_ns(u.start_time) <> 0 THEN u.start_time END,
        s.metadata, s.meter_id,
        CASE u.kind WHEN ${KIND_RECORD} THEN 'record' WHEN ${KIND_INCREMENT} THEN 'increment' ELSE 'correction' END,
        x.weak_identity, u.series, u.sequence
      FROM ledger.usage u
      JOIN ledger.series s ON s.series = u.series
      JOIN ledger.contexts x ON x.context = s.context
      JOIN ledger.customers c ON c.customer = u.customer
      JOIN ledger.dimensions d ON d.dimension = u.dimension`,
  },
  ...(['hour', 'day'] as const).map(
    (window): View => ({
      name: window === 'hour' ? 'usage_hourly' : 'usage_daily',
      comment: `Usage per customer, dimension and ${window} (UTC). Windows without a record have no row.`,
      columns: [
        ['customer_id', 'Who is billed'],
        ['dimension_id', 'What is billed'],
        ['unit', 'UCUM unit of the dimension'],
        [window, `Begin of the ${window} (UTC)`],
        ['quantity', `Exact sum of the records whose timestamp is in the ${window}`],
        ['records', 'How many records; corrections of running totals are not counted'],
      ],
      query: `
        SELECT c.customer_id, d.dimension_id, d.unit, a.${window}, a.quantity, a.records
        FROM (
          SELECT customer, dimension, date_trunc('${window}', time::TIMESTAMP) AS ${window},
            sum(quantity) AS quantity, count(*) FILTER (kind <> ${KIND_CORRECTION}) AS records
          FROM ledger.usage GROUP BY ALL
        ) a
        JOIN ledger.customers c ON c.customer = a.customer
        JOIN ledger.dimensions d ON d.dimension = a.dimension`,
    }),
  ),
  {
    name: 'customers',
    comment: 'Everybody who is billed.',
    columns: [
      ['customer_id', 'The id of the caller'],
      ['name', 'NULL until somebody gives one'],
      ['email', 'NULL until somebody gives one'],
      ['time_zone', 'IANA zone of the billing periods'],
      ['aliases', 'Other ids that mean this customer'],
      ['metadata', 'Anything else'],
      ['discovered', 'True: created by usage that named it, not declared by a person'],
    ],
    query: `SELECT customer_id, name, email, time_zone, aliases, metadata, discovered FROM ledger.customers WHERE known`,
  },
  {
    name: 'dimensions',
    comment: 'Everything that is billed.',
    columns: [
      ['dimension_id', 'The id of the dimension'],
      ['name', 'NULL until somebody gives one'],
      ['unit', 'UCUM; empty means 1'],
      [
        'aggregation',
        'How records become a quantity: sum, count, max, min, last, average, unique, time_weighted, time_integral',
      ],
      ['unique_key', 'Metadata key whose values are counted by unique'],
      ['level_ttl', 'Seconds after which a level is no longer carried on'],
      ['interval', 'Aggregate within each interval, then sum: none, hour, day, month'],
      ['usage_increment', 'Billable quantities are multiples of it'],
      ['unit_price', 'Price of one unit'],
      ['rounding', 'How a quantity becomes a multiple of the increment: floor, ceiling, round'],
      ['credits_allowed', 'Whether negative usage is taken'],
      ['discovered', 'True: created by usage that named it, not declared by a person'],
    ],
    query: `
      SELECT dimension_id, name, unit, aggregation, unique_key, level_ttl, "interval", usage_increment, unit_price,
        rounding, credits_allowed, discovered
      FROM ledger.dimensions WHERE known`,
  },
  {
    name: 'quarantined',
    comment: 'Every signal that a meter claims and cannot count. None of it is in usage_records.',
    columns: [
      ['reason', 'Why it is not counted: a stable code, see docs/quarantine.md'],
      ['meter_id', 'The meter that claimed it'],
      ['customer_id', 'NULL where the signal names none'],
      ['dimension_id', 'NULL where the signal names none'],
      ['quantity', 'What it would have counted; NULL where its value is no quantity'],
      ['time_unix_nano', 'Time of the signal, as sent'],
      ['start_unix_nano', 'Start time of the signal, as sent; 0 is unknown'],
      ['metric_name', 'Name of the metric'],
      ['unit', 'Unit of the metric'],
      ['metric_kind', 'gauge, sum, histogram, exponential_histogram or summary'],
      ['temporality', 'delta, cumulative or unspecified'],
      ['metadata', 'Other attributes of the signal, as text'],
      ['resource', 'Attributes of the resource, JSON'],
      ['received_at', 'When it first came (UTC)'],
      ['series', 'Key of the series within this ledger'],
      ['sequence', 'Journal sequence of the request that first brought it'],
    ],
    query: `
      SELECT ${REASON}, s.meter_id, c.customer_id, d.dimension_id, q.quantity, q.time_unix_nano, q.start_unix_nano,
        x.metric_name, x.unit, x.metric_kind, x.temporality, s.metadata, x.resource, q.received_at, q.series, q.sequence
      FROM ledger.quarantine q
      JOIN ledger.series s ON s.series = q.series
      JOIN ledger.contexts x ON x.context = s.context
      LEFT JOIN ledger.customers c ON c.customer = s.customer
      LEFT JOIN ledger.dimensions d ON d.dimension = s.dimension`,
  },
  {
    name: 'usage_flags',
    comment:
      'What is remarkable about counted usage. It counts all the same. Computed when asked, over everything.',
    columns: [
      [
        'flag',
        'window_conflict: two deltas of one window differ; gap, overlap: a delta window does not begin where the one before ended; decrease: a running total shrank within one start',
      ],
      ['customer_id', 'Who is billed'],
      ['dimension_id', 'What is billed'],
      ['series', 'Key of the series within this ledger'],
      ['start_time', 'Begin of the window (UTC)'],
      ['timestamp', 'End of the window (UTC)'],
      ['amount', 'decrease: by how much; window_conflict: the value; gap, overlap: seconds'],
    ],
    query: `
      WITH delta AS (
        SELECT series, customer, dimension, start_time, time, quantity,
          count(*) OVER (PARTITION BY series, start_time, time) AS same_window,
          lag(time) OVER (PARTITION BY series ORDER BY time, start_time, quantity) AS before
        FROM ledger.usage WHERE kind = ${KIND_RECORD} AND epoch_ns(start_time) <> 0
      ), reading AS (
        SELECT series, start_time, time,
          max(value) OVER (PARTITION BY series, start_time ORDER BY time, value
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - value AS shrunk
        FROM ledger.readings
      ), flag AS (
        SELECT 'window_conflict' AS flag, series, start_time, time, quantity AS amount FROM delta WHERE same_window > 1
        UNION ALL
        SELECT CASE WHEN start_time > before THEN 'gap' ELSE 'overlap' END, series, start_time, time,
          (abs(epoch_ns(start_time) - epoch_ns(before)) / 1e9)::DECIMAL(38,12)
        FROM delta WHERE before IS NOT NULL AND start_time <> before AND start_time <> time AND before <> time
        UNION ALL
        SELECT 'decrease', series, start_time, time, shrunk FROM reading WHERE shrunk > 0
      )
      SELECT f.flag, c.customer_id, d.dimension_id, f.series,
        CASE WHEN epoch_ns(f.start_time) <> 0 THEN f.start_time END, f.time, f.amount
      FROM flag f
      JOIN ledger.series s ON s.series = f.series
      LEFT JOIN ledger.customers c ON c.customer = s.customer
      LEFT JOIN ledger.dimensions d ON d.dimension = s.dimension`,
  },
];

/** Makes the tables and views in an empty database. */
export async function createSchema(connection: DuckDBConnection): Promise<void> {
  await connection.run('BEGIN');
  for (const statement of TABLES.split(/;\s*\n/)) {
    if (statement.trim() !== '') await connection.run(statement);
  }
  for (const { name, comment, columns, query } of VIEWS) {
    await connection.run(
      `CREATE VIEW ${name} (${columns.map(([column]) => quoted(column)).join(', ')}) AS ${query}`,
    );
    await connection.run(`COMMENT ON VIEW ${name} IS ${literal(comment)}`);
    for (const [column, text] of columns) {
      await connection.run(`COMMENT ON COLUMN ${name}.${quoted(column)} IS ${literal(text)}`);
    }
  }
  await connection.run('COMMIT');
}

/** Whether the database has a ledger, and of which version. null: it is empty. */
export async function schemaVersion(connection: DuckDBConnection): Promise<number | null> {
  const tables = await connection.runAndReadAll(
    `SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ledger' AND table_name = 'position'`,
  );
  if (tables.currentRowCount === 0) return null;
  const version = await connection.runAndReadAll('SELECT schema_version FROM ledger.position');
  return Number(version.value(0, 0));
}

function quoted(name: string): string {
  return `"${name}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
