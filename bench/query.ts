/**
 * What questions cost: `npm run bench:query -- [--json FILE] [--rows N]`.
 *
 * Three months of generated usage (2,000 customers, 20,000 series with metadata, three dimensions that sum and one
 * each of last, time_weighted and unique with a hundredth of the rows) in a ledger file, and each question beside the SQL
 * that one would write first: over the flat view, by its texts, in the same run.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { DuckDBConnection } from '@duckdb/node-api';
import { clusterUsage } from '../storage/duckdb/clustering.ts';
import { openDatabase } from '../storage/duckdb/database.ts';
import { parseRecordsQuery, parseUsageQuery, type QueryRequest, runQuery } from '../storage/query/index.ts';
import { type Cost, questionCost, showProgress } from './support/question-cost.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rows: { type: 'string', default: '10000000' },
    repetitions: { type: 'string', default: '3' },
    // As the receiver has it.
    threads: { type: 'string', default: '1' },
  },
});
const ROWS = Number(options.rows);
const REPETITIONS = Number(options.repetitions);
const THREADS = Number(options.threads);

const ZONE = 'America/Los_Angeles';
const MARCH = { from: '2026-03-01', to: '2026-04-01' };
const IN_MARCH = `timestamp >= TIMESTAMP_NS '2026-03-01' AND timestamp < TIMESTAMP_NS '2026-04-01'`;
const SUM = 'sum(record_value), count(*)';
/** Of a series. */
const DIMENSION =
  '(CASE WHEN series // 2000 % 10 = 9 AND series % 10 < 3 THEN 3 + series % 10 ELSE series % 3 END)::INTEGER';
const LOCAL_DAY = `date_trunc('day', timezone('${ZONE}', timezone('UTC', timestamp::TIMESTAMP)))`;

/** A question, and the same asked of the view; the zoned ones differ at the range's edges by hours, not in work. */
const QUESTIONS: [name: string, request: QueryRequest, naive: string][] = [
  [
    "one customer's month",
    usage({ ...MARCH, customerId: 'customer-17' }),
    `SELECT customer_id, dimension_id, ${SUM} FROM usage_records
     WHERE ${IN_MARCH} AND customer_id = 'customer-17' GROUP BY ALL`,
  ],
  [
    "one customer's days in a zone",
    usage({ ...MARCH, customerId: 'customer-17', window: 'day', timeZone: ZONE }),
    `SELECT customer_id, dimension_id, ${LOCAL_DAY}, ${SUM} FROM usage_records
     WHERE ${IN_MARCH} AND customer_id = 'customer-17' GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'totals per customer for a month',
    usage(MARCH),
    `SELECT customer_id, dimension_id, ${SUM} FROM usage_records WHERE ${IN_MARCH} GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'totals per customer, everything',
    usage({ from: '2026-01-01', to: '2027-01-01' }),
    `SELECT customer_id, dimension_id, ${SUM} FROM usage_records GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'days in a zone, all customers, first page',
    usage({ ...MARCH, window: 'day', timeZone: ZONE }),
    `SELECT customer_id, dimension_id, ${LOCAL_DAY}, ${SUM} FROM usage_records
     WHERE ${IN_MARCH} GROUP BY ALL ORDER BY ALL LIMIT 10000`,
  ],
  [
    'hours, all customers, first page',
    usage({ ...MARCH, window: 'hour' }),
    `SELECT customer_id, dimension_id, date_trunc('hour', timestamp), ${SUM} FROM usage_records
     WHERE ${IN_MARCH} GROUP BY ALL ORDER BY ALL LIMIT 10000`,
  ],
  [
    'grid of days and dimensions',
    usage({ ...MARCH, groupBy: 'dimensionId', window: 'day', timeZone: ZONE }),
    `SELECT dimension_id, ${LOCAL_DAY}, ${SUM} FROM usage_records WHERE ${IN_MARCH} GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'totals per customer, as of a frame',
    usage({ ...MARCH, asOf: String(Math.floor(ROWS / 10_000)) }),
    `SELECT customer_id, dimension_id, ${SUM} FROM usage_records
     WHERE ${IN_MARCH} AND journal_sequence <= ${Math.floor(ROWS / 10_000)} GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'last value per customer',
    usage({ ...MARCH, dimensionId: 'last' }),
    `SELECT customer_id, arg_max(record_value, record_id) FROM usage_records
     WHERE ${IN_MARCH} AND dimension_id = 'last' GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'distinct models per customer',
    usage({ ...MARCH, dimensionId: 'unique' }),
    `SELECT customer_id, count(DISTINCT metadata->>'model') FROM usage_records
     WHERE ${IN_MARCH} AND dimension_id = 'unique' GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'mean level per customer, carried in',
    usage({ ...MARCH, dimensionId: 'time_weighted' }),
    `SELECT customer_id, sum(record_value * epoch_ns(ends) - record_value * epoch_ns("timestamp")) FROM (
       SELECT *, lead("timestamp", 1, TIMESTAMP_NS '2026-04-01') OVER (PARTITION BY customer_id ORDER BY "timestamp") AS ends
       FROM usage_records WHERE timestamp < TIMESTAMP_NS '2026-04-01' AND dimension_id = 'time_weighted')
     GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'mean level per customer and day',
    usage({ ...MARCH, dimensionId: 'time_weighted', window: 'day', timeZone: ZONE }),
    `SELECT customer_id, ${LOCAL_DAY}, sum(record_value) FROM usage_records
     WHERE ${IN_MARCH} AND dimension_id = 'time_weighted' GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'a month by metadata',
    usage({ ...MARCH, groupBy: 'dimensionId,metadata.region' }),
    `SELECT dimension_id, metadata->>'region', ${SUM} FROM usage_records
     WHERE ${IN_MARCH} GROUP BY ALL ORDER BY ALL`,
  ],
  [
    'records of a customer, first 1,000',
    records({ ...MARCH, customerId: 'customer-17', limit: '1000' }),
    `SELECT * FROM usage_records WHERE ${IN_MARCH} AND customer_id = 'customer-17'
     ORDER BY timestamp, record_id LIMIT 1000`,
  ],
  [
    'records, first 1,000',
    records({ ...MARCH, limit: '1000' }),
    `SELECT * FROM usage_records WHERE ${IN_MARCH} ORDER BY timestamp, record_id LIMIT 1000`,
  ],
];

interface Figures {
  question: string;
  rows: number;
  /** As the receiver keeps usage. */
  clustered: Cost;
  /** The same question of the same rows in the order in which they came. */
  unsorted: Cost;
  /** Plain SQL over the view usage_records, of rows in the order in which they came. */
  plainSql: Cost;
}

const directory = mkdtempSync(join(tmpdir(), 'query-bench-'));
try {
  const path = join(directory, 'ledger.duckdb');
  const { instance, connection } = await openDatabase({
    path,
    threads: THREADS,
    memoryLimit: '1GB',
    checkpointThreshold: '64MB',
  });
  showProgress('making rows');
  await generate(connection);
  const bytesPerRow = statSync(path).size / ROWS;

  const figures = new Map<string, Figures>();
  for (const [question, request, plain] of QUESTIONS) {
    showProgress(`unsorted: ${question}`);
    const unsorted = await questionCost(() => ask(connection, request), REPETITIONS);
    const plainSql = await questionCost(() => connection.runAndReadAll(plain), REPETITIONS);
    figures.set(question, { question, rows: 0, clustered: unsorted, unsorted, plainSql });
  }

  const cpuBefore = process.cpuUsage();
  for (let moved = 0, rows = -1; rows !== 0; moved += rows) {
    showProgress(`moved into the order of questions: ${moved} rows`);
    rows = await clusterUsage(connection);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  await connection.run('FORCE CHECKPOINT');
  const clusterMicros = (user + system) / ROWS;

  showProgress('');
  console.log(
    `${ROWS} rows, ${bytesPerRow.toFixed(1)} bytes each; DuckDB with ${THREADS} thread${THREADS > 1 ? 's' : ''}; ` +
      `best of ${REPETITIONS}, ms and CPU ms.\n` +
      `clustered: as the receiver keeps usage, for ${clusterMicros.toFixed(2)} µs of CPU per row. unsorted: the same ` +
      'question of rows as they came. plain SQL: over usage_records, as they came.\n',
  );
  console.log(
    [
      'question'.padEnd(44),
      ...['clustered', 'cpu', 'unsorted', 'cpu', 'plain SQL', 'cpu'].map((name) => name.padStart(9)),
      '  ratio',
    ].join(' '),
  );
  for (const [question, request] of QUESTIONS) {
    const one = figures.get(question)!;
    one.clustered = await questionCost(async () => {
      one.rows = await ask(connection, request);
    }, REPETITIONS);
    const columns = [one.clustered, one.unsorted, one.plainSql].flatMap(({ ms, cpuMs }) => [ms, cpuMs]);
    const ratio = one.unsorted.ms / one.clustered.ms;
    console.log(
      [
        question.padEnd(44),
        ...columns.map((value) => value.toFixed(0).padStart(9)),
        ratio.toFixed(1).padStart(7),
      ].join(' '),
    );
  }
  if (options.json !== undefined) {
    const told = { rows: ROWS, threads: THREADS, bytesPerRow, clusterMicros, figures: [...figures.values()] };
    writeFileSync(options.json, `${JSON.stringify(told, null, 2)}\n`);
  }
  connection.closeSync();
  instance.closeSync();
} finally {
  rmSync(directory, { recursive: true });
}

/** @returns rows of the answer */
async function ask(connection: DuckDBConnection, request: QueryRequest): Promise<number> {
  const answer = await runQuery(connection, request);
  return answer !== null && 'rows' in answer ? answer.rows.length : 0;
}

function usage(params: Record<string, string>): QueryRequest {
  return { type: 'usage', query: parseUsageQuery(Object.entries(params)) };
}

function records(params: Record<string, string>): QueryRequest {
  return { type: 'records', query: parseRecordsQuery(Object.entries(params)) };
}

async function generate(connection: DuckDBConnection): Promise<void> {
  await connection.run(
    `INSERT INTO stored.contexts VALUES (0, 0, '{}', '', '', 'usage', '1', 'sum', 'delta', true, true, false)`,
  );
  await connection.run(
    `INSERT INTO stored.customers BY NAME SELECT range::INTEGER AS customer, 'customer-' || range AS id,
       [] AS aliases, '{}' AS metadata, true AS discovered, 1 AS sequence FROM range(2000)`,
  );
  await connection.run(
    `INSERT INTO stored.dimensions BY NAME SELECT range::INTEGER AS dimension,
       ['dimension-0', 'dimension-1', 'dimension-2', 'last', 'time_weighted', 'unique'][range + 1] AS id,
       '1' AS unit, ['sum', 'sum', 'sum', 'last', 'time_weighted', 'unique'][range + 1] AS aggregation,
       CASE WHEN range = 5 THEN 'model' END AS unique_key,
       'none' AS interval, false AS credits_allowed, true AS discovered, 1 AS sequence FROM range(6)`,
  );
  await connection.run(
    `INSERT INTO stored.series (series, hash, context, customer, dimension, role, meter_id, metadata)
       SELECT range, range, 0, range % 2000, ${DIMENSION}, 0, 'builtin',
         '{"model":"m' || range % 7 || '","region":"r' || range % 5 || '"}' FROM (SELECT range, range AS series FROM range(20000))`,
  );
  // In the order of time but for a minute, as exporters send.
  const day = 86_400_000_000_000n;
  await connection.run(
    `INSERT INTO stored.usage
     SELECT series, series % 2000, ${DIMENSION}, make_timestamp_ns(time - 10000000000), make_timestamp_ns(time),
       (hash(i * 3) % 100000 / 100)::DECIMAL(38,12), 0, i // 5000, NULL, NULL
     FROM (
       SELECT range AS i, (hash(range) % 20000)::INTEGER AS series,
         1769904000000000000 + (range * ${(90n * day) / BigInt(ROWS)}) + (hash(range * 7) % 60000000000)::BIGINT AS time
       FROM range(${ROWS}))`,
  );
  await connection.run(`UPDATE stored.position SET sequence = ${Math.ceil(ROWS / 5000)}`);
  await connection.run('CHECKPOINT');
}
