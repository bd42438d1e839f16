import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlRoutes } from '../../../receiver/http/sql-route.ts';
import { SqlPool } from '../../../receiver/sql/sql-pool.ts';
import { type SampleLake, sampleLake } from './sample-lake.ts';

let lake: SampleLake;
let pool: SqlPool;
let server: Server;
let port: number;

beforeAll(async () => {
  lake = await sampleLake();
  pool = new SqlPool({ lakeDirectory: lake.directory, processes: 2, maxWaiting: 1 });
  const app = express();
  app.use('/api/v1', sqlRoutes({ pool, memory: { bytes: 0, limitBytes: 1e9 }, log: () => {} }));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as { port: number });
});
afterAll(async () => {
  await pool.stop();
  server.closeAllConnections();
  server.close();
  lake.remove();
});

function post(body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/api/v1/sql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  });
}

async function problemOf(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  return (await response.json()) as Record<string, unknown>;
}

const EVERY_TYPE = `SELECT 1::TINYINT a, 9007199254740993::BIGINT b, 170141183460469231731687303715884105727::HUGEINT c,
  0.1::DOUBLE d, 'nan'::DOUBLE e, '-inf'::FLOAT f, 99999999999999999999999999.999999999999::DECIMAL(38, 12) g,
  true h, NULL i, '' j, 'a "quoted", text' || chr(10) || 'é' k, DATE '2026-02-28' l,
  make_timestamp_ns(1700000000123456789) m, TIMESTAMPTZ '2026-01-01 00:00:00+00' n, uuid() IS NULL o`;
const LISTS = `SELECT [1.5::DECIMAL(10, 2), NULL] a, {'x': 9007199254740993::BIGINT, 'y': 'z'} b, MAP {'k': 1} c`;

test('the macros for windows may be asked', async () => {
  const query = `SELECT window_end FROM usage_windows('2026-03-28', '2026-03-30', 'day', 'Europe/Berlin')`;
  const response = await post({ query });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    rows: [['2026-03-28 23:00:00'], ['2026-03-29 22:00:00']],
  });
});

describe('formats', () => {
  test('JSON: rows as arrays, every digit', async () => {
    const response = await post({ query: EVERY_TYPE });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/json; charset=utf-8');
    const answer = (await response.json()) as { asOf: string; columns: { type: string }[] };
    expect(answer).toMatchObject({
      rowCount: 1,
      rows: [
        [
          1,
          '9007199254740993',
          '170141183460469231731687303715884105727',
          0.1,
          'nan',
          '-inf',
          '99999999999999999999999999.999999999999',
          true,
          null,
          '',
          'a "quoted", text\né',
          '2026-02-28',
          '2023-11-14 22:13:20.123456789',
          '2026-01-01 00:00:00+00',
          false,
        ],
      ],
    });
    expect(answer.asOf).toBe(response.headers.get('Usage-As-Of'));
    expect(answer.columns.map(({ type }) => type).slice(0, 3)).toEqual(['TINYINT', 'BIGINT', 'HUGEINT']);
  });

  test('JSON of lists and structs', async () => {
    const { rows } = (await (await post({ query: LISTS })).json()) as { rows: unknown[][] };
    expect(rows).toEqual([[['1.50', null], { x: '9007199254740993', y: 'z' }, [{ key: 'k', value: 1 }]]]);
  });

  test('CSV as RFC 4180', async () => {
    const response = await post({ query: EVERY_TYPE, format: 'csv' });
    expect(await response.text()).toBe(
      'a,b,c,d,e,f,g,h,i,j,k,l,m,n,o\r\n' +
        '1,9007199254740993,170141183460469231731687303715884105727,0.1,nan,-inf,' +
        '99999999999999999999999999.999999999999,true,,"","a ""quoted"", text\né",2026-02-28,' +
        '2023-11-14 22:13:20.123456789,2026-01-01 00:00:00+00,false\r\n',
    );
  });

  test('Parquet, which DuckDB reads back with its types', async () => {
    const response = await post({
      query: 'SELECT customer_id, record_value, "timestamp" FROM usage_records ORDER BY ALL; ',
      format: 'parquet',
    });
    const folder = mkdtempSync(join(tmpdir(), 'parquet-'));
    try {
      const path = join(folder, 'answer.parquet');
      writeFileSync(path, Buffer.from(await response.arrayBuffer()));
      expect(readFileSync(path).subarray(0, 4).toString()).toBe('PAR1');
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      const reader = await connection.runAndReadAll(
        `SELECT typeof(record_value), typeof("timestamp"), record_value FROM '${path}'`,
      );
      expect(reader.getRowsJson()).toEqual([
        ['DECIMAL(38,12)', 'TIMESTAMP_NS', '0.000000000001'],
        ['DECIMAL(38,12)', 'TIMESTAMP_NS', '1.500000000000'],
        ['DECIMAL(38,12)', 'TIMESTAMP_NS', '7.000000000000'],
        ['DECIMAL(38,12)', 'TIMESTAMP_NS', '9007199254740993.000000000000'],
      ]);
      connection.closeSync();
      instance.closeSync();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    ['no row', 'SELECT customer_id FROM usage_records WHERE false', []],
    ['names that repeat', 'SELECT 1 AS a, 2 AS a', [[1, 2]]],
    ['an order', 'SELECT i FROM range(3) t(i) ORDER BY i DESC -- the last first', [['2'], ['1'], ['0']]],
    [
      'VALUES',
      "VALUES (1, 'x'), (2, NULL)",
      [
        [1, 'x'],
        [2, null],
      ],
    ],
    ['FROM first', 'FROM customers SELECT count(*)', [['2']]],
    [
      'DESCRIBE',
      'SELECT column_name FROM (DESCRIBE lake_status)',
      [['journal_sequence'], ['as_of'], ['age']],
    ],
    [
      'comments of columns',
      "SELECT comment FROM duckdb_columns() WHERE table_name = 'lake_status' AND column_name = 'age'",
      [['How long ago that was.']],
    ],
    ['the catalogue by name', 'SELECT count(*) FROM usage.main.usage_daily', [['4']]],
    [
      'information_schema',
      "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'usage_%' ORDER BY 1",
      [['usage_daily'], ['usage_hourly'], ['usage_records'], ['usage_voided']],
    ],
  ])('%s', async (_, query, rows) => {
    expect(await (await post({ query })).json()).toMatchObject({ rows });
  });

  test('EXPLAIN', async () => {
    const { rows } = (await (await post({ query: 'EXPLAIN SELECT * FROM customers' })).json()) as {
      rows: string[][];
    };
    expect(rows[0][0]).toBe('physical_plan');
  });

  test('a hundred thousand rows in order', async () => {
    const response = await post({ query: 'SELECT i FROM range(100000) t(i)', format: 'csv' });
    const lines = (await response.text()).split('\r\n');
    expect(lines).toHaveLength(100_002);
    expect(lines.slice(1, -1).every((line, i) => line === String(i))).toBe(true);
  });
});

describe('refusals', () => {
  test.each([
    ['a syntax error', 'SELECT 1 +\n  FROM', { code: 'INVALID_SQL', line: 2, column: 3 }],
    [
      'a column that is not there',
      "SELECT 'é',\n  nothing FROM customers",
      { code: 'INVALID_SQL', line: 2, column: 3 },
    ],
    ['a view that is not there', 'SELECT * FROM nothing', { code: 'INVALID_SQL' }],
    ['two statements', 'SELECT 1; SELECT 2', { code: 'STATEMENT_REFUSED' }],
    [
      'a function that reads files',
      "SELECT 1,\n * FROM read_text('x')",
      { code: 'STATEMENT_REFUSED', line: 2, column: 9 },
    ],
    ['a cast that fails', "SELECT 'x'::INTEGER", { code: 'QUERY_FAILED' }],
    ['a row too many', 'SELECT * FROM range(11)', { code: 'ROW_LIMIT' }],
    ['too long', 'SELECT count(*) FROM range(1000000000000)', { code: 'TIME_LIMIT' }],
  ])('%s', async (_, query, problem) => {
    const response = await post({ query, limits: { rows: 10, seconds: 2 } });
    expect(response.status).toBe(400);
    expect(await problemOf(response)).toMatchObject({ status: 400, ...problem });
  });

  test.each([
    ['another method', { method: 'GET', body: null }, 405, 'METHOD_NOT_ALLOWED'],
    ['another type', { headers: { 'Content-Type': 'text/plain' } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['no JSON', { body: '{' }, 400, 'INVALID_JSON'],
    ['no query', { body: '{}' }, 400, 'INVALID_BODY'],
    ['a format that is not there', { body: '{"query":"SELECT 1","format":"xml"}' }, 400, 'INVALID_BODY'],
    ['an unknown field', { body: '{"query":"SELECT 1","limit":1}' }, 400, 'INVALID_BODY'],
    ['a body too large', { body: JSON.stringify({ query: 'x'.repeat(2_000_000) }) }, 413, 'TOO_LARGE'],
  ])('%s', async (_, init, status, code) => {
    const response = await post({}, init);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code });
  });

  test('a lake that is not there yet', async () => {
    const nowhere = new SqlPool({ lakeDirectory: join(lake.directory, 'nowhere') });
    const run = nowhere.run({
      sql: 'SELECT 1',
      format: 'json',
      maxRows: 1,
      maxMilliseconds: 10_000,
      signal: new AbortController().signal,
    });
    await expect(run).rejects.toMatchObject({ code: 'NO_LAKE', retryable: true });
    await nowhere.stop();
  });
});

describe('processes', () => {
  test('an answer that breaks a limit on the way ends in a broken connection, never in a short answer', async () => {
    const response = await post({
      query: 'SELECT i, hash(i) FROM range(100000000) t(i)',
      format: 'csv',
      limits: { rows: 500_000 },
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  test('one that dies is replaced', async () => {
    await post({ query: 'SELECT 1' });
    const pids = pool.pids;
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    while (pool.pids.some((pid) => pids.includes(pid))) await sleep(10);
    expect(await (await post({ query: 'SELECT 42' })).json()).toMatchObject({ rows: [[42]] });
  });

  test('a receiver that dies takes its processes along, and what they had on disk', {
    timeout: 60_000,
  }, async () => {
    const program = new URL('./pool-child.ts', import.meta.url).pathname;
    const owner = spawn(process.execPath, [program, lake.directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string];
    const pids = JSON.parse(line) as number[];
    expect(pids).toHaveLength(1);
    const [folder] = temporaryFolders(pids[0]);
    expect(existsSync(folder)).toBe(true);
    owner.kill('SIGKILL');
    while (isAlive(pids[0]) || existsSync(folder)) await sleep(20);
  });

  test('a client that goes away ends its query, and one that waits makes room', {
    timeout: 60_000,
  }, async () => {
    const slow = () => {
      const client = request({ host: '127.0.0.1', port, path: '/api/v1/sql', method: 'POST' });
      client.setHeader('Content-Type', 'application/json');
      client.on('error', () => {});
      client.end(JSON.stringify({ query: 'SELECT count(*) FROM range(1000000000000)' }));
      return client;
    };
    const running = [slow(), slow()];
    while (pool.pids.filter((pid) => isBusy(pid)).length < 2) await sleep(20);
    const waiting = post({ query: 'SELECT 1' });
    await sleep(200);
    const refused = await post({ query: 'SELECT 2' });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('Retry-After')).toBe('2');
    expect(await problemOf(refused)).toMatchObject({ code: 'BUSY' });
    for (const client of running) client.destroy();
    expect(await (await waiting).json()).toMatchObject({ rows: [[1]] });
  });

  test('a client that does not read holds its query back, and neither memory', {
    timeout: 60_000,
  }, async () => {
    const before = process.memoryUsage().rss;
    const { promise, resolve } = Promise.withResolvers<import('node:http').IncomingMessage>();
    const client = request({ host: '127.0.0.1', port, path: '/api/v1/sql', method: 'POST' }, resolve);
    client.setHeader('Content-Type', 'application/json');
    client.on('error', () => {});
    client.end(
      JSON.stringify({
        query: "SELECT i, repeat('x', 1000) FROM range(1000000) t(i)",
        format: 'csv',
        limits: { seconds: 60 },
      }),
    );
    const response = await promise;
    await sleep(1_500);
    // The answer is a gigabyte.
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
    expect(response.readableEnded).toBe(false);
    client.destroy();
  });
});

/** The folder that a process of a pool works in. */
function temporaryFolders(pid: number): string[] {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  return words.flatMap((word) =>
    word.startsWith('{') ? [(JSON.parse(word) as { temporaryDirectory: string }).temporaryDirectory] : [],
  );
}

/** Whether a process runs: one that ended may be there until the system's first process takes note of it. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Whether a process has used the processor lately: it runs something. */
function isBusy(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] === 'R' || cpuTicks(pid) > 100;
  } catch {
    return false;
  }
}

function cpuTicks(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[13]);
}
