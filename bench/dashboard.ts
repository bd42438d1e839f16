/**
 * What the dashboard's questions cost: `npm run bench:dashboard -- [--json FILE] [--rows N] [--customers N]`.
 *
 * 100,000 customers and 10 million records of 90 days in a ledger as the receiver keeps it, asked as the pages ask; the
 * lists also beside plain SQL that counts the records of each customer when asked.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { DuckDBConnection } from '@duckdb/node-api';
import { clusterUsage } from '../storage/duckdb/clustering.ts';
import { openDatabase } from '../storage/duckdb/database.ts';
import {
  parseCustomersQuery,
  parseDimensionsQuery,
  parseExplainQuery,
  parseUsageQuery,
  type QueryRequest,
  runQuery,
} from '../storage/query/index.ts';
import { questionCost, showProgress } from './support/question-cost.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    rows: { type: 'string', default: '10000000' },
    customers: { type: 'string', default: '100000' },
    repetitions: { type: 'string', default: '5' },
  },
});
const ROWS = Number(options.rows);
const CUSTOMERS = Number(options.customers);
const REPETITIONS = Number(options.repetitions);

const DAY = 86_400_000_000_000n;
const FIRST = 1_769_904_000_000_000_000n;
/** 90 days later: now, for whoever asks. */
const NOW = FIRST + 90n * DAY;
const APRIL = { from: '2026-04-01', to: '2026-05-01' };
const NEWEST = `SELECT c.id, count(u.customer), max(u.time) FROM stored.customers c
  LEFT JOIN stored.usage u USING (customer) GROUP BY c.id ORDER BY 3 DESC NULLS LAST LIMIT 50`;

/** A question of a page; lists have the same in plain SQL. */
const QUESTIONS: [page: string, request: QueryRequest, plainSql?: string][] = [
  ['customers, by id', customers({})],
  ['customers, by name', customers({ sort: 'name' })],
  ['customers, by last seen', customers({ sort: 'lastSeen', order: 'desc' }), NEWEST],
  ['customers, searched', customers({ search: '777' })],
  ['customers, searched, by last seen', customers({ search: '777', sort: 'lastSeen', order: 'desc' })],
  ['profile: dimensions of a customer', dimensions({ customerId: 'customer-17' })],
  [
    'profile: days of a month',
    usage({ ...APRIL, customerId: 'customer-17', dimensionId: 'dimension-2', window: 'day' }),
  ],
  ['explain: a month', explain({ ...APRIL, customerId: 'customer-17', dimensionId: 'dimension-2' })],
];

interface Figures {
  question: string;
  ms: number;
  cpuMs: number;
  plainMs: number | null;
}

const directory = mkdtempSync(join(tmpdir(), 'dashboard-bench-'));
try {
  const { instance, connection } = await openDatabase({
    path: join(directory, 'ledger.duckdb'),
    threads: 1,
    memoryLimit: '1GB',
    checkpointThreshold: '64MB',
  });
  showProgress('making rows');
  await generate(connection);
  for (let moved = 0, rows = -1; rows !== 0; moved += rows) {
    showProgress(`moved into the order of questions: ${moved} rows`);
    rows = await clusterUsage(connection);
  }
  await connection.run('FORCE CHECKPOINT');
  showProgress('');
  console.log(`${CUSTOMERS} customers, ${ROWS} records; DuckDB with 1 thread; best of ${REPETITIONS}\n`);
  console.log(
    `${'question'.padEnd(36)} ${'ms'.padStart(7)} ${'CPU ms'.padStart(7)} ${'plain SQL'.padStart(10)}`,
  );
  const figures: Figures[] = [];
  for (const [question, request, plainSql] of QUESTIONS) {
    const { ms, cpuMs } = await questionCost(() => runQuery(connection, request), REPETITIONS);
    const plain =
      plainSql === undefined
        ? null
        : await questionCost(() => connection.runAndReadAll(plainSql), REPETITIONS);
    figures.push({ question, ms, cpuMs, plainMs: plain?.ms ?? null });
    const columns = [
      ms.toFixed(0).padStart(7),
      cpuMs.toFixed(0).padStart(7),
      (plain?.ms.toFixed(0) ?? '').padStart(10),
    ];
    console.log([question.padEnd(36), ...columns].join(' '));
  }
  if (options.json !== undefined) {
    writeFileSync(
      options.json,
      `${JSON.stringify({ rows: ROWS, customers: CUSTOMERS, figures }, null, 2)}\n`,
    );
  }
  connection.closeSync();
  instance.closeSync();
} finally {
  rmSync(directory, { recursive: true });
}

/** As the page of customers asks: fifty rows with a line of thirty days. */
function customers(params: Record<string, string>): QueryRequest {
  return {
    type: 'customers',
    query: parseCustomersQuery(Object.entries({ limit: '50', activity: '30', ...params }), NOW),
  };
}

function dimensions(params: Record<string, string>): QueryRequest {
  return { type: 'dimensions', query: parseDimensionsQuery(Object.entries({ limit: '50', ...params }), NOW) };
}

function usage(params: Record<string, string>): QueryRequest {
  return { type: 'usage', query: parseUsageQuery(Object.entries(params)) };
}

function explain(params: Record<string, string>): QueryRequest {
  return { type: 'explain', query: parseExplainQuery(Object.entries(params)) };
}

async function generate(connection: DuckDBConnection): Promise<void> {
  await connection.run(
    `INSERT INTO stored.contexts VALUES (0, 0, '{}', '', '', 'usage', '1', 'sum', 'delta', true, true, false)`,
  );
  await connection.run(
    `INSERT INTO stored.customers BY NAME SELECT range::INTEGER AS customer, 'customer-' || range AS id,
       'Customer ' || hash(range) AS name, [] AS aliases, '{}' AS metadata, range % 3 = 0 AS discovered, 1 AS sequence
     FROM range(${CUSTOMERS})`,
  );
  await connection.run(
    `INSERT INTO stored.dimensions BY NAME SELECT range::INTEGER AS dimension, 'dimension-' || range AS id, '1' AS unit,
       'sum' AS aggregation, 'none' AS interval, false AS credits_allowed, true AS discovered, 1 AS sequence FROM range(3)`,
  );
  await connection.run(
    `INSERT INTO stored.series (series, hash, context, customer, dimension, role, meter_id, metadata)
     SELECT range, range, 0, range, range % 3, 0, 'builtin', '{"region":"eu"}' FROM range(${CUSTOMERS})`,
  );
  await connection.run(
    `INSERT INTO stored.usage
     SELECT customer, customer, customer % 3, make_timestamp_ns(time - 10000000000), make_timestamp_ns(time),
       (hash(i * 3) % 100000 / 100)::DECIMAL(38,12), 0, i // 5000 + 1, NULL, NULL
     FROM (
       SELECT range AS i, (hash(range) % ${CUSTOMERS})::INTEGER AS customer,
         ${FIRST} + (range * ${(90n * DAY) / BigInt(ROWS)}) + (hash(range * 7) % 60000000000)::BIGINT AS time
       FROM range(${ROWS}))`,
  );
  await connection.run(`UPDATE stored.position SET sequence = ${Math.ceil(ROWS / 5000)}`);
  await connection.run('CHECKPOINT');
}
