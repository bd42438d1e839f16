import { afterEach, describe, expect, test } from 'vitest';
import { VIEWS } from '../../../storage/duckdb/views.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger;
afterEach(() => ledger.close());

async function load(...frames: TestPoint[][]): Promise<void> {
  ledger = await MemoryLedger.open();
  await ledger.load(new BatchWriter().batch(...frames));
}

test('each view and each column says what it is', async () => {
  ledger = await MemoryLedger.open();
  const views = await ledger.rows(
    'SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NOT NULL ORDER BY 1',
  );
  expect(views.flat()).toEqual(VIEWS.map(({ name }) => name).toSorted());
  const silent = await ledger.rows(
    "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal AND comment IS NULL",
  );
  expect(silent).toEqual([]);
});

test('hours and days are those of UTC, also before and after a session elsewhere', async () => {
  const hour = (value: string) => BigInt(Date.parse(value)) * 1_000_000n;
  await load([
    { series: 'a', time: hour('2026-03-01T00:59:59.999Z') + 999_999n, value: '1' },
    { series: 'a', time: hour('2026-03-01T01:00:00Z'), value: '0.1' },
    { series: 'a', time: hour('2026-03-01T23:59:59Z'), value: '0.2' },
    { series: 'a', time: hour('2026-03-02T00:00:00Z'), value: '5' },
  ]);
  await ledger.rows("SET TimeZone = 'America/New_York'");
  expect(
    await ledger.rows('SELECT day::VARCHAR, quantity, records, unit FROM usage_daily ORDER BY day'),
  ).toEqual([
    ['2026-03-01', '1.300000000000', '3', '1'],
    ['2026-03-02', '5.000000000000', '1', '1'],
  ]);
  expect(await ledger.rows('SELECT hour::VARCHAR, quantity FROM usage_hourly ORDER BY hour')).toEqual([
    ['2026-03-01 00:00:00', '1.000000000000'],
    ['2026-03-01 01:00:00', '0.100000000000'],
    ['2026-03-01 23:00:00', '0.200000000000'],
    ['2026-03-02 00:00:00', '5.000000000000'],
  ]);
});

test('metadata is JSON, and an unknown start is null', async () => {
  await load([{ series: 'a', time: at(1), value: '1', metadata: { region: 'eu' } }]);
  expect(
    await ledger.rows(
      "SELECT metadata->>'region', start_time, weak_identity, metric_name FROM usage_records",
    ),
  ).toEqual([['eu', 'null', 'false', 'usage.api.requests']]);
});

describe('flags', () => {
  const delta = (start: number, time: number, value: string): TestPoint => ({
    series: 'a',
    start: at(start),
    time: at(time),
    value,
  });
  const reading = (start: number | null, time: number, value: string): TestPoint => ({
    series: 'c',
    role: 'cumulative',
    start: start === null ? 0n : at(start),
    time: at(time),
    value,
  });
  test.each<[string, TestPoint[], string[]]>([
    ['windows that meet', [delta(0, 1, '1'), delta(1, 2, '1'), delta(2, 2, '1')], []],
    [
      'unknown starts',
      [
        { ...delta(0, 1, '1'), start: 0n },
        { ...delta(0, 5, '1'), start: 0n },
      ],
      [],
    ],
    ['a gap', [delta(0, 1, '1'), delta(3, 4, '7')], ['gap a 7 2']],
    ['an overlap', [delta(0, 2, '1'), delta(1, 3, '7')], ['overlap a 7 1']],
    ['two values for a window', [delta(0, 1, '2'), delta(0, 1, '5')], ['window_conflict a 2 -']],
    ['a decrease', [reading(1, 2, '8'), reading(1, 3, '2'), reading(1, 4, '9')], ['decrease c 6 -']],
    ['an unknown start that began again', [reading(null, 2, '8'), reading(null, 3, '2')], []],
    ['two writers', [reading(1, 5, '8'), reading(3, 6, '2')], ['overlap c 2 2']],
    ['a restart', [reading(1, 5, '8'), reading(5, 6, '2')], []],
    ['nobody knows who', [{ ...delta(0, 1, '4'), weakIdentity: true }], ['weak_identity a 4 -']],
  ])('%s', async (_, points, flags) => {
    await load(points);
    const rows = await ledger.rows(`SELECT flag, customer_id, amount::DECIMAL(38, 0),
      coalesce((duration_ns // 1000000000)::VARCHAR, '-') FROM usage_flags ORDER BY ALL`);
    expect(rows.map((row) => row.join(' '))).toEqual(flags);
  });
});
