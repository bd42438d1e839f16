import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SqlPool } from '../../../receiver/sql/sql-pool.ts';
import { ask, type SampleLake, sampleLake } from './sample-lake.ts';

let lake: SampleLake;
let pool: SqlPool;

beforeAll(async () => {
  lake = await sampleLake();
  pool = new SqlPool({ lakeDirectory: lake.directory, processes: 1 });
});
afterAll(async () => {
  await pool.stop();
  lake.remove();
});

async function tableOf(sql: string) {
  return tableFromIPC(await ask(pool, sql, { format: 'arrow' }));
}

/** What Apache's own reader makes of one column of one row. */
test.each([
  // SQL, type of Arrow, value as it reads it
  ['true', 'Bool', true],
  ['(-128)::TINYINT', 'Int8', -128],
  ['(-32768)::SMALLINT', 'Int16', -32768],
  ['(-2147483648)::INTEGER', 'Int32', -2147483648],
  ['(-9223372036854775808)::BIGINT', 'Int64', -9223372036854775808n],
  ['255::UTINYINT', 'Uint8', 255],
  ['65535::USMALLINT', 'Uint16', 65535],
  ['4294967295::UINTEGER', 'Uint32', 4294967295],
  ['18446744073709551615::UBIGINT', 'Uint64', 18446744073709551615n],
  ['0.5::FLOAT', 'Float32', 0.5],
  ['0.1::DOUBLE', 'Float64', 0.1],
  ["'é😀'", 'Utf8', 'é😀'],
  ["''", 'Utf8', ''],
  ["DATE '2026-02-28'", 'Date32<DAY>', Date.UTC(2026, 1, 28)],
  ["TIMESTAMPTZ '2026-01-01 00:00:00.001+00'", 'Timestamp<MICROSECOND, UTC>', Date.UTC(2026, 0, 1) + 1],
  ["TIMESTAMP_MS '1969-12-31 23:59:59.999'", 'Timestamp<MILLISECOND>', -1],
  ["TIMESTAMP_S '2026-01-01'", 'Timestamp<SECOND>', Date.UTC(2026, 0, 1)],
  ['170141183460469231731687303715884105727::HUGEINT', 'Utf8', '170141183460469231731687303715884105727'],
  ['[1, 2]', 'Utf8', '[1, 2]'],
  ["INTERVAL '1 day'", 'Utf8', '1 day'],
])('%s is %s', async (expression, type, value) => {
  const table = await tableOf(`SELECT ${expression} AS x, NULL AS y`);
  expect(table.numRows).toBe(1);
  expect(String(table.schema.fields[0].type)).toBe(type);
  expect(table.get(0)?.x).toEqual(value);
  expect(table.get(0)?.y).toBeNull();
});

test.each([
  ['99999999999999999999999999.999999999999', 99999999999999999999999999999999999999n],
  ['-0.000000000001', -1n],
  ['0', 0n],
])('DECIMAL(38, 12) %s to the last digit', async (text, scaled) => {
  const table = await tableOf(`SELECT '${text}'::DECIMAL(38, 12) AS x`);
  expect(String(table.schema.fields[0].type)).toBe('Decimal[38e+12]');
  const words = table.getChild('x')!.get(0) as Uint32Array;
  const found = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  expect(BigInt.asIntN(128, found)).toBe(scaled);
});

test('nanoseconds stay nanoseconds', async () => {
  const table = await tableOf('SELECT make_timestamp_ns(1700000000123456789) AS x');
  expect(String(table.schema.fields[0].type)).toBe('Timestamp<NANOSECOND>');
  const [data] = table.getChild('x')!.data;
  expect((data.values as BigInt64Array)[0]).toBe(1700000000123456789n);
});

test('no row, and names as they are', async () => {
  const table = await tableOf(`SELECT customer_id AS "é ""x""" FROM usage_records WHERE false`);
  expect(table.numRows).toBe(0);
  expect(table.schema.fields.map(({ name }) => name)).toEqual(['é "x"']);
});

test('many batches with gaps, the same as DuckDB has them', async () => {
  const sql = `SELECT i, CASE WHEN i % 3 > 0 THEN 'text ' || i END AS text, CASE WHEN i % 7 > 0 THEN i % 2 = 0 END AS even
    FROM range(100000) t(i)`;
  const table = await tableOf(sql);
  expect(table.numRows).toBe(100_000);
  expect(table.batches.length).toBeGreaterThan(1);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRows();
  const found = table.toArray().map((row) => [row.i, row.text, row.even]);
  expect(found).toEqual(rows);
  connection.closeSync();
  instance.closeSync();
});

test('a row too many', async () => {
  await expect(ask(pool, 'FROM range(11)', { format: 'arrow', maxRows: 10 })).rejects.toMatchObject({
    code: 'ROW_LIMIT',
  });
});
