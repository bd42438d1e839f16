import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LockedLake, openLockedLake } from '../../../receiver/sql/locked-lake.ts';
import type { SqlErrorCode } from '../../../receiver/sql/sql-error.ts';
import { SqlPool } from '../../../receiver/sql/sql-pool.ts';
import { ask, rowsOf, type SampleLake, sampleLake } from './sample-lake.ts';

let lake: SampleLake;
let pool: SqlPool;
let secretFolder: string;
let listener: Server;
let connections = 0;

beforeAll(async () => {
  lake = await sampleLake();
  pool = new SqlPool({ lakeDirectory: lake.directory });
  secretFolder = mkdtempSync(join(tmpdir(), 'secret-'));
  writeFileSync(join(secretFolder, 'secret.csv'), 'word\nopensesame\n');
  process.env.USAGE_METER_API_KEYS = 'opensesame';
  listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  delete process.env.USAGE_METER_API_KEYS;
  await pool.stop();
  listener.close();
  lake.remove();
  rmSync(secretFolder, { recursive: true, force: true });
});

/** {secret}, {folder}, {lake} and {port} stand for what is there in this run. */
function real(sql: string): string {
  const { port } = listener.address() as { port: number };
  return sql
    .replaceAll('{secret}', join(secretFolder, 'secret.csv'))
    .replaceAll('{folder}', secretFolder)
    .replaceAll('{lake}', lake.directory)
    .replaceAll('{port}', String(port));
}

const R: SqlErrorCode = 'STATEMENT_REFUSED';
const I: SqlErrorCode = 'INVALID_SQL';

const ESCAPES: [sql: string, code: SqlErrorCode][] = [
  // Files
  ["SELECT * FROM read_text('{secret}')", R],
  ["SELECT * FROM read_blob('{secret}')", R],
  ["SELECT * FROM read_csv('{secret}')", R],
  ["SELECT * FROM READ_CSV_AUTO('{secret}')", R],
  ["SELECT * FROM sniff_csv('{secret}')", R],
  ["SELECT * FROM read_json('{secret}')", R],
  ["SELECT * FROM read_ndjson_objects('{secret}')", R],
  ["SELECT * FROM read_parquet('{lake}/**/*.parquet')", R],
  ["SELECT * FROM parquet_scan('{lake}/tables/*.parquet')", R],
  ["SELECT * FROM parquet_metadata('{lake}/tables/*.parquet')", R],
  ["SELECT * FROM parquet_kv_metadata('{lake}/tables/*.parquet')", R],
  ["SELECT * FROM read_duckdb('{lake}/usage.duckdb')", R],
  ["SELECT * FROM glob('/*')", R],
  ["SELECT * FROM '{secret}'", R],
  ['SELECT * FROM "{secret}"', R],
  ["FROM '{lake}/usage.duckdb'", R],
  ["TABLE '{secret}'", R],
  ["DESCRIBE '{secret}'", R],
  ["SUMMARIZE '{secret}'", R],
  ["SELECT (SELECT content FROM read_text('{secret}'))", R],
  ["WITH x AS (SELECT * FROM read_text('{secret}')) SELECT * FROM x", R],
  ["SELECT * FROM customers WHERE EXISTS (FROM read_text('{secret}'))", R],
  ["SELECT [x FOR x IN (SELECT content FROM read_text('{secret}'))]", R],
  ["SELECT * FROM customers JOIN LATERAL (FROM read_text('{secret}')) ON true", R],
  ["SELECT * FROM query('FROM read_text(''{secret}'')')", R],
  ["SELECT * FROM query_table('{secret}')", R],
  ["EXPLAIN ANALYZE SELECT * FROM read_text('{secret}')", R],
  ["/* a */ EXPLAIN /* b */ SELECT * FROM read_text('{secret}')", R],
  ["COPY customers TO '{folder}/out.csv'", R],
  ["COPY (SELECT 1) TO '{lake}/out.parquet'", R],
  ["EXPLAIN COPY (SELECT 1) TO '{folder}/out.csv'", R],
  ["SELECT 1) TO '{folder}/out.csv'; --", I],
  ["EXPORT DATABASE '{folder}/export'", R],
  ["IMPORT DATABASE '{folder}'", R],
  ["ATTACH '{folder}/new.duckdb'", R],
  ["ATTACH '{lake}/../ledger.duckdb' AS ledger (READ_ONLY)", R],
  ['DETACH usage', R],
  ["SELECT * FROM which_secret('s3://bucket', 's3')", R],
  // Network
  ["SELECT * FROM read_csv('http://127.0.0.1:{port}/x.csv')", R],
  ["FROM 'http://127.0.0.1:{port}/x.parquet'", R],
  ["SELECT * FROM read_text('s3://127.0.0.1:{port}/x')", R],
  ["ATTACH 'http://127.0.0.1:{port}/x.duckdb' AS far", R],
  // Extensions
  ['INSTALL httpfs', R],
  ["INSTALL httpfs FROM 'http://127.0.0.1:{port}'", R],
  ['LOAD httpfs', R],
  ["LOAD '{folder}/evil.duckdb_extension'", R],
  ['UPDATE EXTENSIONS', R],
  // Settings, secrets, environment
  ["SET memory_limit = '100GB'", R],
  ['SET GLOBAL threads = 64', R],
  ['RESET lock_configuration', R],
  ["SET VARIABLE usage_lake = '{folder}'", R],
  ['PRAGMA database_list', R],
  ["PRAGMA enable_profiling = 'json'", R],
  ["SELECT getenv('USAGE_METER_API_KEYS')", R],
  ["SELECT current_setting('temp_directory')", R],
  ["SELECT getvariable('usage_lake')", R],
  ['SELECT * FROM duckdb_settings()', R],
  ['SELECT * FROM duckdb_secrets()', R],
  ['SELECT * FROM duckdb_databases()', R],
  ['SELECT * FROM duckdb_databases', R],
  ['SELECT * FROM duckdb_temporary_files()', R],
  ['SELECT * FROM pg_settings', R],
  ['SELECT * FROM pg_catalog.pg_settings', R],
  ['SELECT * FROM system.main.duckdb_logs', R],
  ['CREATE SECRET s (TYPE s3)', R],
  // Logging, checkpoints and other SELECTs that act
  ["FROM enable_logging(storage = 'file', storage_path = '{folder}')", R],
  ["CALL enable_logging('QueryLog')", R],
  ['FROM disable_logging()', R],
  ['FROM truncate_duckdb_logs()', R],
  ['SELECT * FROM duckdb_logs', R],
  ["SELECT write_log('x')", R],
  ['FROM checkpoint()', R],
  ['FROM force_checkpoint()', R],
  ['CHECKPOINT', R],
  ['VACUUM', R],
  ["SELECT * FROM json_execute_serialized_sql('{}')", R],
  ['FROM test_all_types()', R],
  // More than one statement, and other statements
  ['SELECT 1; SELECT 2', R],
  ["SELECT 1; COPY (SELECT 1) TO '{folder}/out.csv'", R],
  ['', R],
  [';', R],
  ['-- nothing', R],
  ['CREATE TABLE memory.t AS SELECT 1', R],
  ['CREATE MACRO f() AS 1', R],
  ['CREATE TEMP VIEW v AS SELECT 1', R],
  ['INSERT INTO customers VALUES (1)', R],
  ['DELETE FROM customers', R],
  ['WITH x AS (SELECT 1) DELETE FROM customers', R],
  ['DROP VIEW customers', R],
  ['ALTER TABLE customers ADD COLUMN x INT', R],
  ['BEGIN', R],
  ['PREPARE p AS SELECT 1', R],
  ['EXECUTE p', R],
  ['SELECT $1', R],
  ['SELECT ?', R],
  ['USE memory', R],
  ['KILL 1', I],
];

describe('what is no question over the views is refused', () => {
  test.each(ESCAPES)('%s', { timeout: 30_000 }, async (sql, code) => {
    await expect(ask(pool, real(sql))).rejects.toMatchObject({ code });
  });

  test('a comment that ends elsewhere for DuckDB hides nothing: what was checked is what runs', async () => {
    const sql = "/* /* */ EXPLAIN SELECT 1 -- */ COPY (SELECT 1) TO '{folder}/out.csv'";
    expect(await rowsOf(pool, real(sql))).toEqual([['physical_plan', expect.any(String)]]);
  });

  test('nothing was read, written or reached, and the views still answer', async () => {
    expect(connections).toBe(0);
    expect(readdirSync(secretFolder)).toEqual(['secret.csv']);
    expect(existsSync(join(lake.directory, 'out.parquet'))).toBe(false);
    expect(await rowsOf(pool, 'SELECT count(*) FROM usage_records')).toEqual([['4']]);
  });
});

describe('what gets past the check meets a process that is locked', () => {
  let locked: LockedLake;
  let temporaryDirectory: string;

  beforeAll(async () => {
    temporaryDirectory = mkdtempSync(join(tmpdir(), 'locked-'));
    locked = await openLockedLake({
      lakeDirectory: lake.directory,
      temporaryDirectory,
      memoryBytes: 256e6,
      threads: 1,
    });
  });
  afterAll(() => {
    locked.close();
    rmSync(temporaryDirectory, { recursive: true });
  });

  test.each(ESCAPES.filter(([, code]) => code === R))('%s', async (sql) => {
    const said = await locked.connection.runAndReadAll(real(sql)).then(
      (reader) => JSON.stringify(reader.getRowsJson()),
      (error: Error) => error.message,
    );
    expect(said).not.toContain('opensesame');
    expect(connections).toBe(0);
    expect(readdirSync(secretFolder)).toEqual(['secret.csv']);
  });
});

const BOMBS: [sql: string, codes: SqlErrorCode[]][] = [
  ['SELECT count(*) FROM range(1000000000000)', ['TIME_LIMIT']],
  ['SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b', ['TIME_LIMIT']],
  [
    'WITH RECURSIVE x AS (SELECT 1 a UNION ALL SELECT a + 1 FROM x) SELECT count(*) FROM x',
    ['TIME_LIMIT', 'MEMORY_LIMIT'],
  ],
  [
    'WITH RECURSIVE x AS (SELECT 1 a UNION SELECT a + 1 FROM x) SELECT max(a) FROM x',
    ['TIME_LIMIT', 'MEMORY_LIMIT'],
  ],
  ["SELECT length(repeat('x', 4000000000))", ['MEMORY_LIMIT', 'QUERY_FAILED']],
  ["SELECT list(repeat('x', 1000000) || i) FROM range(1000000) t(i)", ['MEMORY_LIMIT', 'TIME_LIMIT']],
  ["SELECT string_agg(repeat('x', 100000), ',') FROM range(1000000)", ['MEMORY_LIMIT', 'TIME_LIMIT']],
  ['SELECT range(4000000000)', ['MEMORY_LIMIT', 'TIME_LIMIT', 'QUERY_FAILED']],
  [
    'SELECT list_transform(range(100000), x -> range(100000))',
    ['MEMORY_LIMIT', 'TIME_LIMIT', 'QUERY_FAILED'],
  ],
  [
    'SELECT i, row_number() OVER (ORDER BY hash(i)) FROM range(10000000000) t(i)',
    ['MEMORY_LIMIT', 'TIME_LIMIT', 'ROW_LIMIT'],
  ],
  [
    'SELECT hash(i), count(*) FROM range(10000000000) t(i) GROUP BY 1',
    ['MEMORY_LIMIT', 'TIME_LIMIT', 'ROW_LIMIT'],
  ],
  ['SELECT factorial(10000)', ['QUERY_FAILED']],
  ['SELECT i FROM range(100000000) t(i)', ['ROW_LIMIT', 'TIME_LIMIT']],
  [
    `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
    [I, R, 'PROCESS_DIED', 'QUERY_FAILED', 'MEMORY_LIMIT'],
  ],
  [`SELECT ${'1+'.repeat(40_000)}1`, [I, R, 'PROCESS_DIED', 'QUERY_FAILED', 'MEMORY_LIMIT', 'TIME_LIMIT']],
];

describe('what takes too much is ended, and the next question is answered', () => {
  test.each(BOMBS)('%s', { timeout: 60_000 }, async (sql, codes) => {
    const failed = await ask(pool, sql, { maxMilliseconds: 2_000, maxRows: 1_000_000 }).then(
      (answer) => `answered ${answer.length} bytes`,
      (error) => error.code,
    );
    expect(codes).toContain(failed);
    expect(await rowsOf(pool, 'SELECT count(*) FROM usage_records')).toEqual([['4']]);
  });
});
