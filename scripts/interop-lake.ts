/**
 * The second part of `npm run test:interop`: dbt on the lake of a running receiver, and pyarrow on its SQL over HTTP.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startReceiver } from '../test/support/receiver-process.ts';

const execute = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../test/system/interop/lake/', import.meta.url));
const DBT_PROJECT = fileURLToPath(new URL('../examples/dbt/', import.meta.url));
const ENVIRONMENT = fileURLToPath(new URL('../node_modules/.cache/interop/lake/', import.meta.url));

const REQUESTS = 30;
const RECORDS = 40;
const TOTAL = REQUESTS * RECORDS;

prepare();
const folder = mkdtempSync(join(tmpdir(), 'usage-meter-interop-lake-'));
const dataDir = join(folder, 'data');
const receiver = await startReceiver({ dataDir });
let failures = 0;
try {
  for (let request = 0; request < REQUESTS; request++) await send(request);
  await untilPublished();
  await checked('pyarrow, over POST /api/v1/sql', async () => {
    const { stdout } = await execute(program('python'), [
      join(FOLDER, 'read_arrow.py'),
      receiver.url,
      'SELECT sum(record_value) AS total, max("timestamp") IS NOT NULL AS isKnown, count(*) AS n FROM usage_records',
    ]);
    expectEqual(
      JSON.stringify(JSON.parse(stdout)),
      JSON.stringify({
        types: ['decimal128(38, 12)', 'bool', 'int64'],
        rows: [[sumText(TOTAL), 'True', String(TOTAL)]],
      }),
    );
  });
  await checked('dbt build', async () => {
    const database = join(folder, 'analytics.duckdb');
    await execute(
      program('dbt'),
      [
        'build',
        '--profiles-dir',
        DBT_PROJECT,
        '--target-path',
        join(folder, 'target'),
        '--log-path',
        join(folder, 'logs'),
      ],
      {
        cwd: DBT_PROJECT,
        env: {
          ...process.env,
          USAGE_LAKE: join(dataDir, 'lake'),
          ANALYTICS_DATABASE: database,
          DO_NOT_TRACK: '1',
        },
      },
    );
    // The command line is older than what dbt writes with.
    const ask =
      'import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute("SELECT sum(quantity) FROM monthly_usage").fetchone()[0])';
    const { stdout } = await execute(program('python'), ['-c', ask, database]);
    expectEqual(stdout.trim().split('\n').at(-1), sumText(TOTAL));
  });
  await receiver.stop();
} finally {
  await receiver.kill();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

/** Installs the tools once. */
function prepare(): void {
  const requirements = readFileSync(join(FOLDER, 'requirements.txt'), 'utf8');
  const stamp = join(ENVIRONMENT, 'requirements.txt');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === requirements) return;
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', ENVIRONMENT], { stdio: 'inherit' });
  const arguments_ = [
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '-r',
    join(FOLDER, 'requirements.txt'),
  ];
  execFileSync(program('pip'), arguments_, { stdio: 'inherit' });
  writeFileSync(stamp, requirements);
}

function program(name: string): string {
  return join(ENVIRONMENT, 'bin', name);
}

async function checked(name: string, check: () => Promise<void>): Promise<void> {
  try {
    await check();
    console.log(`passed: ${name}`);
  } catch (error) {
    failures += 1;
    const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
    console.log(`FAILED: ${name}: ${message}\n${stdout}${stderr}`);
  }
}

/** Asks until the lake has everything. */
async function untilPublished(): Promise<void> {
  for (;;) {
    const response = await fetch(`${receiver.url}/api/v1/sql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: 'SELECT count(*)::INTEGER FROM usage_records' }),
    });
    const { rows } = (await response.json()) as { rows?: [number][] };
    if (rows?.[0][0] === TOTAL) return;
    await sleep(200);
  }
}

async function send(request: number): Promise<void> {
  const records = Array.from({ length: RECORDS }, (_, i) => ({
    customerId: `customer-${i % 7}`,
    dimensionId: `dimension-${request % 3}`,
    timestamp: new Date(Date.now() - (i % 5) * 86_400_000).toISOString(),
    recordValue: '0.1',
  }));
  const response = await fetch(`${receiver.url}/api/v1/usage`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(records),
  });
  if (response.status !== 201)
    throw new Error(`POST /api/v1/usage: ${response.status} ${await response.text()}`);
}

/** So many tenths, as DECIMAL(38, 12) spells them. */
function sumText(tenths: number): string {
  return `${(tenths / 10).toFixed(1)}00000000000`;
}

function expectEqual(found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`expected ${expected}, found ${found}`);
}
