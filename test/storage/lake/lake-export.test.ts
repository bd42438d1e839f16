import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LedgerChange } from '../../../storage/changes.ts';
import { VIEWS } from '../../../storage/duckdb/views.ts';
import { exportLake, type LakeOrder, type LakeReport } from '../../../storage/lake/lake-export.ts';
import { readManifest, writeManifest } from '../../../storage/lake/manifest.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../../../storage/resources.ts';
import { at, BatchWriter, type TestPoint } from '../duckdb/batches.ts';
import { MemoryLedger } from '../duckdb/memory-ledger.ts';

const DAY = 86_400;
/** Every view that the lake has of the ledger. */
const LAKE_VIEWS = VIEWS.map(({ name }) => name).filter((name) => name !== 'usage_flags');

let ledger: MemoryLedger;
let writer: BatchWriter;
let directory: string;

beforeEach(async () => {
  ledger = await MemoryLedger.open();
  writer = new BatchWriter();
  directory = mkdtempSync(join(tmpdir(), 'lake-'));
});
afterEach(async () => {
  await ledger.close();
  rmSync(directory, { recursive: true });
});

async function load(...frames: TestPoint[][]): Promise<void> {
  await ledger.load(writer.batch(...frames));
}

async function change(changes: LedgerChange[], points: TestPoint[] = []): Promise<void> {
  await ledger.load(writer.changes(changes, points));
}

function exported(more: Partial<LakeOrder> = {}): Promise<LakeReport> {
  return exportLake(ledger.connection, {
    directory,
    rewriteRows: 0,
    isQuiet: false,
    anew: false,
    keepReplacedMs: 3_600_000,
    ...more,
  });
}

function delta(time: number, value: string, customer = 'a', more: Partial<TestPoint> = {}): TestPoint {
  return { series: `${customer}-${more.dimension ?? ''}`, customer, time: at(time), value, ...more };
}

function event(id: string, time: number, value: string, customer = 'a'): TestPoint {
  return { series: `${customer} events`, customer, role: 'event', event: id, time: at(time), value };
}

function customer(id: string, more: Partial<CustomerDeclaration> = {}): LedgerChange {
  return { type: 'customer_put', customer: CustomerDeclaration.parse({ id, ...more }), managedBy: 'api' };
}

function dimension(id: string, more: Partial<DimensionDeclaration> = {}): LedgerChange {
  return { type: 'dimension_put', dimension: DimensionDeclaration.parse({ id, ...more }), managedBy: 'file' };
}

type Ask = (sql: string) => Promise<string[][]>;

/** What a reader with a DuckDB of its own sees. */
async function withLake<T>(read: (ask: Ask) => Promise<T>): Promise<T> {
  const path = join(directory, 'usage.duckdb');
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY', threads: '1' });
  const connection = await instance.connect();
  try {
    return await read(async (sql) =>
      (await connection.runAndReadAll(sql)).getRowsJson().map((row) => row.map(String)),
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const inLake: Ask = (sql) => withLake((ask) => ask(sql));

/** All views of the lake hold what those of the ledger hold, to the last decimal. */
function expectSame(): Promise<void> {
  const columns = `SELECT table_name, column_name, data_type, comment FROM duckdb_columns()
    WHERE schema_name = 'main' AND table_name IN ('${LAKE_VIEWS.join("', '")}') ORDER BY table_name, column_index`;
  return withLake(async (ask) => {
    expect(await ask(columns)).toEqual(await ledger.rows(columns));
    for (const view of LAKE_VIEWS) {
      const sql = `SELECT * FROM ${view} ORDER BY ALL`;
      expect(await ask(sql), view).toEqual(await ledger.rows(sql));
    }
  });
}

describe('the lake shows what the ledger shows', () => {
  test('nothing', async () => {
    const report = await exported();
    expect(report).toMatchObject({ position: 0, isBehind: false, newRows: 0, published: true });
    await expectSame();
  });

  test('records, events, running totals with late readings, quarantine', async () => {
    await load(
      [delta(1, '0.000000000001'), delta(2, '99999999999999999999999999.999999999999', 'b')],
      [
        event('e1', 3, '-0', 'c'),
        delta(4, '5', 'b', { dimension: 'tokens', metadata: { region: 'eu', "o'clock": '"' }, start: at(1) }),
        delta(5, 'NaN', 'b', { code: 'not_a_number' }),
      ],
    );
    await exported();
    await expectSame();
    const total = (time: number, value: string) =>
      delta(time, value, 'total', { role: 'cumulative', start: at(0), fromSdk: true });
    await load([total(10, '10')], [total(30, '30')], [total(20, '25')], [event('e2', 4, '7', 'c')]);
    await exported();
    await expectSame();
    expect(await inLake("SELECT count(*) FROM usage_records WHERE kind = 'correction'")).toEqual([['1']]);
  });

  test('usage by window, through the macros; also after a catalogue that was copied', async () => {
    await load([delta(1, '1.5'), delta(2, '2')], [delta(DAY + 1, '4', 'b')]);
    await exported();
    const sql = `SELECT customer_id, window_start, window_end, quantity, records
      FROM usage_by_window('2023-11-14', DATE '2023-11-14' + 2, 'day', 'UTC') ORDER BY ALL`;
    const answer = await inLake(sql);
    expect(answer.map(([name, , , quantity, records]) => [name, quantity, records])).toEqual([
      ['a', '3.500000000000', '2'],
      ['b', '4.000000000000', '1'],
    ]);
    await load([delta(3, '10')]);
    await exported();
    expect((await inLake(sql))[0][3]).toBe('13.500000000000');
    expect(
      await inLake(`SELECT count(*) FROM billing_periods('2024-01-01', '2025-01-01', 31, 'Europe/Berlin')`),
    ).toEqual([['13']]);
  });

  test('voided and amended records', async () => {
    await load([event('e1', 1, '1'), event('e2', 1, '2'), event('e3', DAY, '4', 'b')]);
    await exported();
    const ids = await inLake('SELECT record_id FROM usage_records ORDER BY record_value');
    const corrected = (recordId: string): LedgerChange => ({
      type: 'record_corrected',
      recordId,
      timeUnixNano: String(BigInt(`0x${recordId.slice(0, 16)}`)),
      reason: 'a test',
      replacement: null,
    });
    await change([corrected(ids[0][0])]);
    await exported();
    expect(await inLake('SELECT record_value FROM usage_records ORDER BY 1')).toEqual([
      ['2.000000000000'],
      ['4.000000000000'],
    ]);
    await expectSame();
    await change([corrected(ids[2][0])]);
    await exported();
    await expectSame();
    // What is only said of a part becomes what it is.
    await exported({ rewriteRows: 100 });
    await expectSame();
    const manifest = await readManifest(directory);
    expect(manifest?.parts.map(({ rows, restatement }) => [rows, restatement])).toEqual([[1, null]]);
  });

  test('customers that become an alias, also of an alias, and come back as themselves', async () => {
    await load([delta(1, '1', 'a'), delta(1, '2', 'b'), delta(1, '4', 'c')]);
    await exported();
    await change([customer('b', { aliases: ['a'] })]);
    await exported();
    await expectSame();
    await change([customer('c', { aliases: ['b', 'a'] })]);
    await exported();
    await expectSame();
    await change([customer('c')]);
    await load([delta(2, '8', 'a')]);
    await exported();
    await expectSame();
    expect(
      await inLake('SELECT customer_id, sum(record_value)::INTEGER FROM usage_records GROUP BY 1 ORDER BY 1'),
    ).toEqual([
      ['a', '8'],
      ['c', '7'],
    ]);
    await exported({ rewriteRows: 100, isQuiet: true });
    await expectSame();
    expect((await readManifest(directory))?.parts).toHaveLength(1);
  });

  test('units that a person changed', async () => {
    await load([delta(1, '1'), delta(2, '2', 'a', { dimension: 'other' })]);
    await exported();
    await change([dimension('api.requests', { unit: '{request}' })]);
    await exported();
    await expectSame();
    await exported({ rewriteRows: 100 });
    await expectSame();
  });
});

describe('files', () => {
  test('an export of many days is one file until there is time, then one for each day', async () => {
    for (let frame = 0; frame < 3; frame++) {
      await load(Array.from({ length: 10 }, (_, day) => delta(day * DAY + frame, '1', `c${frame}`)));
      await exported();
    }
    expect((await readManifest(directory))?.parts).toHaveLength(3);
    await expectSame();
    const report = await exported({ rewriteRows: 1000, isQuiet: true });
    expect(report).toMatchObject({ rewrittenRows: 30, isCompact: true, parts: 10 });
    await expectSame();
    const manifest = await readManifest(directory);
    expect(manifest?.parts.map(({ file, rows }) => `${file.split('/')[1]} ${rows}`)).toEqual(
      Array.from({ length: 10 }, (_, day) => `day=2023-11-${14 + day} 3`),
    );
  });

  test('of one day are merged, several of a size at once', async () => {
    const parts: number[] = [];
    for (let frame = 0; frame < 20; frame++) {
      await load([delta(frame, '1')]);
      parts.push((await exported({ rewriteRows: 1000 })).parts);
    }
    expect(parts).toEqual([1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 4, 5, 6]);
    await expectSame();
  });

  test('are sorted by customer and dimension', async () => {
    await load(
      Array.from({ length: 500 }, (_, i) =>
        delta(i, '1', `c${(i * 7) % 13}`, { dimension: `d${(i * 5) % 3}`, series: `s${i}` }),
      ),
    );
    await exported();
    const [part] = (await readManifest(directory))!.parts;
    const rows = await inLake(
      `SELECT customer_id, dimension_id FROM read_parquet('${join(directory, part.file)}')`,
    );
    expect(rows).toHaveLength(500);
    expect(rows.map((row) => row.join(' '))).toEqual(rows.map((row) => row.join(' ')).toSorted());
  });

  test('that were replaced stay for whoever has the old catalogue open, and go after a while', async () => {
    await load([delta(1, '1')]);
    await exported();
    await load([delta(2, '2')]);
    await exported();
    const instance = await DuckDBInstance.create(join(directory, 'usage.duckdb'), {
      access_mode: 'READ_ONLY',
    });
    const old = await instance.connect();
    await load([delta(3, '4')]);
    await exported({ rewriteRows: 100, isQuiet: true });
    const sum = async () =>
      String(
        (await old.runAndReadAll('SELECT sum(record_value)::INTEGER FROM usage_records')).getRows()[0][0],
      );
    expect(await sum()).toBe('3');
    expect(await inLake('SELECT sum(record_value)::INTEGER FROM usage_records')).toEqual([['7']]);
    await exported({ keepReplacedMs: -1 });
    await expect(sum()).rejects.toThrow(/No files found|Cannot open file/);
    old.closeSync();
    instance.closeSync();
    expect(readdirSync(join(directory, 'usage', 'day=2023-11-14'))).toHaveLength(1);
    await expectSame();
  });

  test('that were replaced a while ago go when they are more than the lake and a spare gigabyte', async () => {
    await load([delta(1, '1')]);
    await exported();
    // As after hours of merging.
    const minutesAgo = (minutes: number) => Date.now() - minutes * 60_000;
    const replaced = [
      { file: 'usage/old.parquet', at: minutesAgo(50), bytes: 2 ** 30 },
      { file: 'usage/later.parquet', at: minutesAgo(40), bytes: 2 ** 29 },
      { file: 'usage/last.parquet', at: minutesAgo(1), bytes: 2 ** 30 },
    ];
    for (const { file } of replaced) writeFileSync(join(directory, file), '');
    const manifest = (await readManifest(directory))!;
    await writeManifest(directory, { ...manifest, replaced });
    await exported();
    expect(readdirSync(join(directory, 'usage')).filter((name) => name.endsWith('.parquet'))).toEqual([
      'last.parquet',
    ]);
  });

  test('of tables that are dear to write are written in turns, and no change is forgotten', async () => {
    const bad = (time: number) => delta(time, 'NaN', 'a', { code: 'not_a_number' });
    await load([bad(1)]);
    expect(await exported()).toMatchObject({ isStale: false });
    const took = async (milliseconds: number) => {
      const manifest = (await readManifest(directory))!;
      Object.assign(manifest.tables.quarantined, { milliseconds, bytes: 1e9 });
      await writeManifest(directory, manifest);
    };
    await took(3_600_000);
    await load([bad(2)]);
    expect(await exported()).toMatchObject({ isStale: true });
    expect(await inLake('SELECT count(*) FROM quarantined')).toEqual([['1']]);
    await took(0);
    expect(await exported()).toMatchObject({ isStale: false, published: true });
    await expectSame();
  });

  test('can be read elsewhere', async () => {
    await load([delta(1, '1')]);
    await exported();
    const copy = `${directory}-copy`;
    const { cpSync } = await import('node:fs');
    cpSync(directory, copy, { recursive: true });
    for (const part of ['usage', 'daily']) rmSync(join(directory, part), { recursive: true });
    try {
      const instance = await DuckDBInstance.create(':memory:');
      const connection = await instance.connect();
      await connection.run(`SET VARIABLE usage_lake = '${copy}'`);
      await connection.run(`ATTACH '${join(copy, 'usage.duckdb')}' AS lake (READ_ONLY)`);
      const reader = await connection.runAndReadAll(
        'SELECT (SELECT sum(quantity)::INTEGER FROM lake.usage_daily), (SELECT count(*)::INTEGER FROM lake.usage_hourly)',
      );
      expect(reader.getRows()).toEqual([[1, 1]]);
      connection.closeSync();
      instance.closeSync();
    } finally {
      rmSync(copy, { recursive: true });
    }
  });

  test('of another ledger are replaced, and so is everything when asked', async () => {
    await load([delta(1, '1')], [delta(2, '2')]);
    await exported();
    const other = await MemoryLedger.open();
    await ledger.close();
    ledger = other;
    writer = new BatchWriter();
    await load([delta(1, '5')]);
    await exported();
    await expectSame();
    await exported({ anew: true });
    await expectSame();
  });
});
