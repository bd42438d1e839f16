/**
 * Table macros for analysts: windows and billing periods in any time zone, as GET /api/v1/usage cuts them.
 *
 * They read only the views usage_records and dimensions, so that they work wherever these are.
 */

interface TableMacro {
  name: string;
  parameters: string;
  comment: string;
  query: string;
}

/**
 * Every instant at which a window of a zone's clock can begin, with what the clock shows: clocks are changed at whole
 * quarters of an hour since 1972.
 */
const CLOCK = (step: string) => `
  range_of AS (
    SELECT timezone(zone, from_local::TIMESTAMP) AS begins, timezone(zone, to_local::TIMESTAMP) AS ends),
  instants AS (
    SELECT unnest(generate_series(begins, ends - INTERVAL 1 MICROSECOND, ${step})) AS instant, begins, ends
    FROM (SELECT time_bucket(${step}, begins) AS grid, begins, ends FROM range_of)),
  aligned AS (
    SELECT begins AS instant, ends FROM range_of WHERE begins < ends
    UNION
    SELECT time_bucket(${step}, instant), ends FROM instants WHERE time_bucket(${step}, instant) > begins),
  clock AS (SELECT instant, ends, timezone(zone, instant) AS shown FROM aligned)`;

/** From labels, which are the same within a window, to windows. */
const WINDOWS = `
  starts AS (SELECT min(instant) AS instant, any_value(ends) AS ends FROM labelled GROUP BY label),
  windows AS (SELECT instant AS begins, lead(instant, 1, ends) OVER (ORDER BY instant) AS ends FROM starts)`;

const AS_NANOSECONDS = (column: string) => `make_timestamp_ns(epoch_us(${column}) * 1000)`;

const WINDOW_ROWS = `
SELECT ${AS_NANOSECONDS('begins')} AS window_start, ${AS_NANOSECONDS('ends')} AS window_end FROM windows`;

const USAGE_IN = (windows: string) => `
SELECT r.customer_id, r.dimension_id, any_value(w.window_start) AS window_start,
  any_value(w.window_end) AS window_end,
  CASE any_value(d.aggregation)
    WHEN 'count' THEN (count(*) FILTER (r.kind <> 'correction'))::DECIMAL(38, 12)
    ELSE sum(r.record_value) END AS quantity,
  any_value(r.unit) AS unit, count(*) FILTER (r.kind <> 'correction') AS records
FROM (SELECT * FROM usage_records
    WHERE "timestamp" >= (SELECT min(window_start) FROM ${windows})
      AND "timestamp" < (SELECT max(window_end) FROM ${windows})) r
  ASOF JOIN ${windows} w ON r."timestamp" >= w.window_start
  JOIN dimensions d ON d.dimension_id = r.dimension_id
WHERE d.aggregation IN ('sum', 'count')
GROUP BY r.customer_id, r.dimension_id, w.window_start`;

export const MACROS: readonly TableMacro[] = [
  {
    name: 'usage_windows',
    parameters: 'from_local, to_local, size, zone',
    comment:
      'Windows of a range of local times in a zone: minute, hour, day, week (from Monday) or month. A repeated hour is ' +
      'two windows. Columns window_start and window_end (UTC), cut to the range.',
    query: `WITH ${CLOCK("CASE WHEN size = 'minute' THEN INTERVAL 1 MINUTE ELSE INTERVAL 15 MINUTE END")},
  labelled AS (
    SELECT instant, ends, CASE
      WHEN size IN ('minute', 'hour') THEN date_trunc(size, shown)::VARCHAR || (shown - timezone('UTC', instant))::VARCHAR
      WHEN size IN ('day', 'week', 'month') THEN date_trunc(size, shown)::VARCHAR
      ELSE error('size must be minute, hour, day, week or month') END AS label
    FROM clock),${WINDOWS}${WINDOW_ROWS}`,
  },
  {
    name: 'billing_periods',
    parameters: 'from_local, to_local, anchor, zone',
    comment:
      'Billing periods of a range of local times in a zone: each begins on the anchor, a day of month, or on the last ' +
      'day of a shorter month. Columns window_start and window_end (UTC), cut to the range.',
    query: `WITH ${CLOCK('INTERVAL 15 MINUTE')},
  labelled AS (
    SELECT instant, ends, strftime(CASE WHEN day(shown) >= least(anchor, day(last_day(shown))) THEN shown
      ELSE date_trunc('month', shown) - INTERVAL 1 DAY END, '%Y-%m') AS label
    FROM clock),${WINDOWS}${WINDOW_ROWS}`,
  },
  {
    name: 'usage_by_window',
    parameters: 'from_local, to_local, size, zone',
    comment:
      'Usage per customer, dimension and window of usage_windows, of dimensions that sum or count, as GET ' +
      '/api/v1/usage answers with fill=false.',
    query: USAGE_IN('usage_windows(from_local, to_local, size, zone)'),
  },
  {
    name: 'usage_by_period',
    parameters: 'from_local, to_local, anchor, zone',
    comment:
      'Usage per customer, dimension and period of billing_periods, of dimensions that sum or count, as GET ' +
      '/api/v1/usage answers with fill=false.',
    query: USAGE_IN('billing_periods(from_local, to_local, anchor, zone)'),
  },
];

/** Creates or replaces the macros, with their comments; after the views. */
export function macroStatements(): string[] {
  return MACROS.flatMap(({ name, parameters, comment, query }) => [
    `CREATE OR REPLACE MACRO main.${name}(${parameters}) AS TABLE ${query}`,
    `COMMENT ON MACRO TABLE main.${name} IS '${comment.replaceAll("'", "''")}'`,
  ]);
}
