import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseUsageQuery, runQuery } from '../../../storage/query/index.ts';
import { windowBoundaries } from '../../../storage/query/windows.ts';
import { randomNumbers, seedOfThisRun } from '../query/random.ts';
import { StoredUsage, unixNano } from '../query/stored-usage.ts';

let stored: StoredUsage;
beforeEach(async () => {
  stored = await StoredUsage.create();
});
afterEach(() => stored.close());

async function rows(sql: string): Promise<unknown[][]> {
  return (await stored.connection.runAndReadAll(sql)).getRows();
}

/** The starts of windows and the end of the last, Unix nanoseconds. */
async function boundaries(macro: string): Promise<bigint[]> {
  const windows = await rows(
    `SELECT epoch_ns(window_start), epoch_ns(window_end) FROM ${macro} ORDER BY window_start`,
  );
  for (const [i, [, end]] of windows.slice(0, -1).entries()) expect(end).toBe(windows[i + 1][0]);
  return windows.length === 0
    ? []
    : [...windows.map(([start]) => start as bigint), windows.at(-1)![1] as bigint];
}

const FROM = '2026-02-27 10:20:30.5';
const TO = '2026-04-07 00:15:00';

describe.each([
  ['UTC'],
  ['America/Los_Angeles'],
  ['Europe/Berlin'],
  ['Australia/Lord_Howe'],
  ['Asia/Kolkata'],
  // The clock goes forward at midnight, and back to it.
  ['America/Havana'],
  ['Asia/Kathmandu'],
])('%s', (timeZone) => {
  const at = (local: string): bigint => {
    const text = local.replace(' ', 'T');
    return localInstant(text, timeZone);
  };

  test.each(['hour', 'day', 'week', 'month'] as const)('windows of a %s are the engine’s', async (window) => {
    expect(await boundaries(`usage_windows('${FROM}', '${TO}', '${window}', '${timeZone}')`)).toEqual(
      windowBoundaries({ from: at(FROM), to: at(TO), window, timeZone, anchor: null }),
    );
    const [from, to] = ['2026-10-03 00:00:00', '2026-11-05 00:00:00'];
    expect(await boundaries(`usage_windows('${from}', '${to}', '${window}', '${timeZone}')`)).toEqual(
      windowBoundaries({ from: at(from), to: at(to), window, timeZone, anchor: null }),
    );
  });

  test('minutes over a change of the clock are the engine’s', async () => {
    const [from, to] = ['2026-03-07 23:00:30', '2026-03-08 04:00:00'];
    expect(await boundaries(`usage_windows('${from}', '${to}', 'minute', '${timeZone}')`)).toEqual(
      windowBoundaries({ from: at(from), to: at(to), window: 'minute', timeZone, anchor: null }),
    );
  });

  test.each([1, 15, 29, 30, 31])('periods from the %s. are the engine’s', async (anchor) => {
    const [from, to] = ['2024-01-15 00:00:00', '2025-03-31 12:00:00'];
    expect(await boundaries(`billing_periods('${from}', '${to}', ${anchor}, '${timeZone}')`)).toEqual(
      windowBoundaries({ from: at(from), to: at(to), window: 'period', timeZone, anchor }),
    );
  });
});

/** Unix nanoseconds of a local time that is neither skipped nor repeated. */
function localInstant(local: string, timeZone: string): bigint {
  const utc = unixNano(`${local}Z`);
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const offsetAt = (instant: bigint): bigint => {
    const name = format
      .formatToParts(Number(instant / 1_000_000n))
      .find(({ type }) => type === 'timeZoneName')!.value;
    const [, sign, hours, minutes] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(name)!;
    const offset = BigInt(Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000_000_000n;
    return sign === '-' ? -offset : offset;
  };
  // The offset there, by the offset of about there.
  return utc - offsetAt(utc - offsetAt(utc));
}

test('an empty range has no window, and an unknown size is an error', async () => {
  expect(await boundaries(`usage_windows('2026-03-01', '2026-03-01', 'day', 'UTC')`)).toEqual([]);
  await expect(rows(`FROM usage_windows('2026-03-01', '2026-03-02', 'year', 'UTC')`)).rejects.toThrow(
    'size must be minute, hour, day, week or month',
  );
});

test('sums and counts per window are the engine’s, to the last decimal', async () => {
  const seed = seedOfThisRun();
  const random = randomNumbers(seed);
  await stored.dimension('calls', { aggregation: 'count' });
  await stored.dimension('level', { aggregation: 'max' });
  await stored.add(
    Array.from({ length: 400 }, () => ({
      customerId: random.pick(['ant', 'bee', "cat's"]),
      dimensionId: random.pick(['api', 'calls', 'level']),
      time: unixNano('2026-03-01T00:00:00Z') + BigInt(random.below(45 * 96)) * 900_000_000_000n,
      quantity: `${random.below(2 ** 30)}.${random.below(10 ** 9)}`,
      kind: random.pick([0, 0, 1]),
      ...(random.below(9) === 0 ? { voidedBy: 5 } : {}),
    })),
  );
  for (const [macro, params] of [
    [
      `usage_by_window('2026-03-03', '2026-04-09', 'day', 'Australia/Lord_Howe')`,
      { window: 'day', timeZone: 'Australia/Lord_Howe' },
    ],
    [
      `usage_by_window('2026-03-03', '2026-04-09', 'hour', 'Europe/Berlin')`,
      { window: 'hour', timeZone: 'Europe/Berlin' },
    ],
    [
      `usage_by_period('2026-03-03', '2026-04-09', 31, 'America/Los_Angeles')`,
      { window: 'period', anchor: '31', timeZone: 'America/Los_Angeles' },
    ],
  ] as const) {
    const bySql = await rows(
      `SELECT customer_id, dimension_id, epoch_ns(window_start), epoch_ns(window_end), quantity::VARCHAR, unit, records
       FROM ${macro} ORDER BY customer_id, dimension_id, window_start`,
    );
    const query = parseUsageQuery([
      ['from', '2026-03-03'],
      ['to', '2026-04-09'],
      ['fill', 'false'],
      ['dimensionId', 'api'],
      ['dimensionId', 'calls'],
      ...Object.entries(params),
    ]);
    const { rows: byEngine } = await runQuery(stored.connection, { type: 'usage', query });
    expect(byEngine.length, `seed ${seed}`).toBeGreaterThan(5);
    expect(
      bySql.map(([customer, dimension, start, end, quantity, unit, records]) => [
        customer,
        dimension,
        start,
        end,
        (quantity as string).replace(/\.?0+$/, ''),
        unit,
        Number(records),
      ]),
      `seed ${seed}: ${macro}`,
    ).toEqual(
      byEngine.map((row) => [
        row.customerId,
        row.dimensionId,
        unixNano(row.windowStart),
        unixNano(row.windowEnd),
        row.quantity,
        row.unit,
        row.records,
      ]),
    );
  }
});

test('every macro has a comment', async () => {
  const silent = await rows(
    `SELECT function_name FROM duckdb_functions()
     WHERE schema_name = 'main' AND function_type = 'table_macro' AND NOT internal AND comment IS NULL`,
  );
  expect(silent).toEqual([]);
});
