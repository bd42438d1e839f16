/**
 * `npm run demo`: a receiver, an Express app that meters usage, real traffic, and what DuckDB then knows. Everything
 * runs in processes of its own, on free ports of this machine, with data in a temporary folder. With `--keep` the
 * receiver goes on until Ctrl-C, to be looked at.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';

/** What an analyst would run, over the ledger's view of all usage records. */
const SQL = `SELECT customer_id AS customer, dimension_id AS dimension,
  sum(record_value) AS quantity, any_value(unit) AS unit, count(*) AS records
FROM usage_records
GROUP BY ALL
ORDER BY ALL`;

const PROMPTS = [
  'write a haiku about exactly once delivery',
  'how many tokens does this question have',
  'hello',
];
/** Requests per customer: searches and completions. */
const TRAFFIC = { acme: [40, 25], globex: [12, 60], initech: [100, 3] } as const;

interface Row {
  customer: string;
  dimension: string;
  quantity: string;
  unit: string;
  records: number;
}

interface Running {
  child: ChildProcess;
  /** The first line on its stdout. */
  first: { url: string; dataDir?: string };
}

const dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-demo-'));
const children: ChildProcess[] = [];
try {
  await demo();
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  const receiver = await startReceiver('0');
  console.log(`receiver   ${receiver.first.url}, data in ${dataDir}`);
  const app = await start('app.ts', [], {
    PORT: '0',
    OTEL_SERVICE_NAME: 'demo-app',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.first.url,
    OTEL_METRIC_EXPORT_INTERVAL: '250',
  });
  console.log(`app        ${app.first.url}, sends its usage there every 250 ms`);

  const from = new Date(Date.now() - 60_000).toISOString();
  const expected = await drive(app.first.url);
  console.log(`traffic    ${expected.requests} requests of ${Object.keys(TRAFFIC).length} customers`);

  // The app has no handler for SIGTERM: it sends what is left, then dies of the signal.
  await stop(app);
  const to = new Date(Date.now() + 60_000).toISOString();
  const answered = await usage(receiver.first.url, from, to);
  await stop(receiver);

  // The receiver owns the ledger while it runs; now anybody may open it.
  const queried = await query(join(dataDir, 'ledger.duckdb'));
  console.log(`\n${SQL};\n`);
  console.table(queried);

  const agree =
    same(expected.totals, totalsOf(answered), 'GET /api/v1/usage') &&
    same(expected.totals, totalsOf(queried), 'the SQL above');
  console.log(
    agree
      ? 'GET /api/v1/usage and the SQL both give exactly what the traffic was.'
      : 'The totals differ from the traffic.',
  );
  console.log(`
Next:
  npm start                        a receiver on http://127.0.0.1:4318, data in ./data
  examples/express-app/app.ts      the app: metering is the lines that say recordUsage
  README.md                        your own app, an OpenTelemetry Collector, SQL`);
  if (!agree) process.exitCode = 1;
  if (process.argv.includes('--keep')) await keep(receiver.first.url);
}

/** The receiver again, where it was: the SQL above wanted the ledger for itself. */
async function keep(url: string): Promise<void> {
  const { child, first } = await startReceiver(new URL(url).port);
  const ended = once(child, 'exit');
  // It listens before it has read its journal.
  while (!(await fetch(`${first.url}/readyz`)).ok) await sleep(100);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGTERM'));
  console.log(
    `\nThe receiver runs on at ${first.url}, with its dashboard; Ctrl-C ends it and removes its data.`,
  );
  await ended;
}

async function startReceiver(port: string): Promise<Running> {
  return await start('../../cli/usage-meter.ts', [
    'serve',
    ...['--port', port],
    ...['--data-dir', dataDir],
    ...['--log', 'json'],
  ]);
}

/** Sends the traffic, a few requests at a time. @returns what it should have cost, in thousandths */
async function drive(url: string): Promise<{ requests: number; totals: Map<string, number> }> {
  const totals = new Map<string, number>();
  const add = (customer: string, dimension: string, thousandths: number) => {
    const key = `${customer} ${dimension}`;
    totals.set(key, (totals.get(key) ?? 0) + thousandths);
  };
  const jobs: (() => Promise<Response>)[] = [];
  for (const [customer, [searches, completions]] of Object.entries(TRAFFIC)) {
    const headers = { 'x-customer-id': customer, 'content-type': 'application/json' };
    for (let i = 0; i < searches; i++) {
      jobs.push(() => fetch(`${url}/v1/search?q=${i}`, { headers }));
      add(customer, 'api.requests', 1000);
    }
    for (let i = 0; i < completions; i++) {
      const prompt = PROMPTS[i % PROMPTS.length];
      const body = JSON.stringify({ prompt, model: i % 2 === 0 ? 'small' : 'large' });
      jobs.push(() => fetch(`${url}/v1/completions`, { method: 'POST', headers, body }));
      const words = prompt.split(' ').length;
      add(customer, 'api.requests', 1000);
      add(customer, 'tokens', 1000 * words);
      add(customer, 'compute.seconds', words);
    }
  }
  const requests = jobs.length;
  const worker = async () => {
    for (let job = jobs.pop(); job !== undefined; job = jobs.pop()) {
      const response = await job();
      if (!response.ok) throw new Error(`the app answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return { requests, totals };
}

async function usage(url: string, from: string, to: string): Promise<Row[]> {
  const response = await fetch(`${url}/api/v1/usage?${new URLSearchParams({ from, to })}`);
  if (!response.ok) throw new Error(`the receiver answered ${response.status}: ${await response.text()}`);
  const { rows } = (await response.json()) as { rows: Record<string, string | number>[] };
  return rows.map((row) => ({
    customer: String(row.customerId),
    dimension: String(row.dimensionId),
    quantity: String(row.quantity),
    unit: String(row.unit),
    records: Number(row.records),
  }));
}

async function query(path: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  try {
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(SQL);
    return reader.getRowObjectsJson().map((row) => ({
      customer: String(row.customer),
      dimension: String(row.dimension),
      // DECIMAL(38,12) shows all of its places.
      quantity: String(row.quantity).replace(/\.0*$|(\.\d*?)0+$/, '$1'),
      unit: String(row.unit),
      records: Number(row.records),
    }));
  } finally {
    instance.closeSync();
  }
}

function totalsOf(rows: Row[]): Map<string, number> {
  return new Map(
    rows.map(({ customer, dimension, quantity }) => [
      `${customer} ${dimension}`,
      Math.round(Number(quantity) * 1000),
    ]),
  );
}

function same(expected: Map<string, number>, actual: Map<string, number>, source: string): boolean {
  const keys = new Set([...expected.keys(), ...actual.keys()]);
  const different = [...keys].filter((key) => expected.get(key) !== actual.get(key));
  for (const key of different) {
    const [should, is] = [expected, actual].map((totals) => (totals.get(key) ?? 0) / 1000);
    console.log(`${key}: ${source} gives ${is}, the traffic was ${should}`);
  }
  return different.length === 0;
}

/** @throws Error with what it said, if the process ends before its first line */
async function start(file: string, args: string[], env: Record<string, string> = {}): Promise<Running> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code, signal]) => {
      throw new Error(`${file} ended (${code ?? signal}) before it listened:\n${said}`);
    }),
  ]);
  return { child, first: JSON.parse(line) };
}

/** Settings of your shell are for your own receiver and apps. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(OTEL|USAGE_METER)_/.test(name)));
}

async function stop({ child }: Running): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
