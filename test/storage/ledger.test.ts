import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../storage/changes.ts';
import { Ledger, type LedgerError } from '../../storage/ledger.ts';
import { parseRecordsQuery } from '../../storage/query/index.ts';
import { at, BatchWriter, type TestPoint } from './duckdb/batches.ts';
import { batchOf, frameOf } from './ledger-crash-child.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ledger-'));
  // The name that a receiver gives it, which is also DuckDB's name for the database.
  path = join(directory, 'ledger.duckdb');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function delta(time: number, value: string, series = 'a'): TestPoint {
  return { series, time: at(time), value };
}

/** Of a ledger that nobody has open. */
async function rowsOf(sql: string): Promise<string[][]> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql);
  const rows = reader.getRowsJson().map((row) => row.map(String));
  connection.closeSync();
  instance.closeSync();
  return rows;
}

describe('a ledger', () => {
  test('begins at position 0, with nothing known', async () => {
    const ledger = await Ledger.open({ path });
    expect(ledger.position).toBe(0);
    expect(await ledger.registry()).toEqual({
      customers: [],
      aliases: [],
      dimensions: [],
      instruments: [],
      meters: [],
      settings: DEFAULT_SETTINGS,
      keptUnits: [],
    });
    await ledger.close();
  });

  test('tells position and registry when it is opened again', async () => {
    const first = await Ledger.open({ path });
    const writer = new BatchWriter();
    const batch = writer.batch([delta(1, '1'), delta(1, '2', 'b')]);
    batch.events.push({
      type: 'instrument_declared',
      sequence: 1,
      instrumentHash: 'f'.repeat(32),
      temporality: 1,
    });
    first.append(batch);
    await first.close();

    const second = await Ledger.open({ path });
    expect(second.position).toBe(1);
    expect(await second.registry()).toEqual({
      customers: ['a', 'b'],
      aliases: [],
      dimensions: [
        { id: 'api.requests', unit: '1', aggregation: 'sum', creditsAllowed: false, discovered: true },
      ],
      instruments: [{ hash: 'f'.repeat(32), temporality: 1 }],
      meters: [],
      settings: DEFAULT_SETTINGS,
      keptUnits: [],
    });
    await second.close();
  });

  test('commits early for somebody who waits, and says so', async () => {
    const ledger = await Ledger.open({ path, commitIntervalMs: 3_600_000 });
    const positions: number[] = [];
    ledger.onLoaded((position) => positions.push(position));
    const writer = new BatchWriter();
    ledger.append(writer.batch([delta(1, '1')], [delta(2, '2')]));
    expect(ledger.unloadedRows).toBe(2);
    await ledger.whenLoaded(2);
    expect([ledger.position, ledger.unloadedRows, positions]).toEqual([2, 0, [2]]);
    await ledger.whenLoaded(1);
    await ledger.close();
  });

  test('commits changes by themselves, after everything before them', async () => {
    const ledger = await Ledger.open({ path, commitIntervalMs: 3_600_000 });
    const positions: number[] = [];
    ledger.onLoaded((position) => positions.push(position));
    const writer = new BatchWriter();
    ledger.append(writer.batch([delta(1, '1')]));
    ledger.append(
      writer.changes(
        [
          { type: 'settings_put', settings: { discovery: false, maxFutureSeconds: 1 } },
          {
            type: 'meter_put',
            id: 'logs',
            version: 1,
            rule: '{}',
            managedBy: 'file',
            sinceUnixNano: 2n ** 63n - 2n,
          },
        ],
        [delta(2, '2')],
      ),
    );
    ledger.append(writer.batch([delta(3, '3')]));
    await ledger.whenLoaded(3);
    expect([positions, ledger.unloadedRows]).toEqual([[2, 3], 0]);
    const { settings, meters } = await ledger.registry();
    expect({ settings, meters }).toEqual({
      settings: { discovery: false, maxFutureSeconds: 1 },
      meters: [{ id: 'logs', version: 1, rule: '{}', sinceUnixNano: 2n ** 63n - 2n, deleted: false }],
    });
    await ledger.close();
    expect(await rowsOf('SELECT count(*), sum(record_value)::BIGINT FROM usage_records')).toEqual([
      ['3', '6'],
    ]);
  });

  test('commits after its interval without anybody waiting', async () => {
    const ledger = await Ledger.open({ path, commitIntervalMs: 5 });
    const loaded = new Promise<number>((resolve) => ledger.onLoaded(resolve));
    ledger.append(new BatchWriter().batch([delta(1, '1')]));
    expect(await loaded).toBe(1);
    await ledger.close();
  });

  test('commits what fills a row group, and the rest when it is asked to', async () => {
    const ledger = await Ledger.open({ path, commitIntervalMs: 3_600_000 });
    const writer = new BatchWriter();
    const positions: number[] = [];
    const loaded = new Promise<void>((resolve) =>
      ledger.onLoaded((position) => {
        positions.push(position);
        resolve();
      }),
    );
    for (let frame = 0; frame < 13; frame++) {
      ledger.append(
        writer.batch(Array.from({ length: 10_000 }, (_, i) => delta(frame + 1, '1', `s${i % 10_000}`))),
      );
    }
    await loaded;
    // 12 frames and a part of the thirteenth.
    expect([positions, ledger.unloadedRows]).toEqual([[12], 130_000 - 122_880]);
    await ledger.whenLoaded(13);
    expect(ledger.unloadedRows).toBe(0);
    await ledger.close();
    expect(await rowsOf('SELECT count(*), sum(quantity)::BIGINT FROM stored.usage')).toEqual([
      ['130000', '130000'],
    ]);
  });

  test('takes frames in order, once', async () => {
    const ledger = await Ledger.open({ path });
    ledger.append(new BatchWriter().batch([delta(1, '1')], [delta(2, '1')]));
    expect(() => ledger.append(new BatchWriter(1).batch([delta(3, '1')]))).toThrow(
      /frame 2 .* after frame 2/,
    );
    await ledger.close();
  });

  test('puts usage into the order of questions while more comes, is corrected and asked for', async () => {
    const ledger = await Ledger.open({ path, clusterRows: 100, commitIntervalMs: 5 });
    const writer = new BatchWriter();
    let moved = 0;
    ledger.onClustered((rows) => {
      moved += rows;
    });
    let frame = 0;
    const corrected = new Set<string>();
    while (moved < 300) {
      frame += 1;
      ledger.append(writer.batch(['b', 'a', 'c'].map((series) => delta(frame, '1', series))));
      if (frame % 50 > 0) continue;
      await ledger.whenLoaded(frame);
      const query = parseRecordsQuery(
        Object.entries({ from: '1970-01-01', to: '2262-01-01', limit: String(2 * frame) }),
      );
      const { rows } = await ledger.query({ type: 'records', query });
      const record = rows.find(({ recordId }) => !corrected.has(recordId))!;
      corrected.add(record.recordId);
      frame += 1;
      const time = {
        recordId: record.recordId,
        timeUnixNano: String(BigInt(`0x${record.recordId.slice(0, 16)}`)),
      };
      ledger.append(
        writer.changes([{ type: 'record_corrected', ...time, reason: 'test', replacement: null }], []),
      );
    }
    await ledger.close();
    const left = 3 * (frame - corrected.size) - corrected.size;
    expect(await rowsOf('SELECT count(*), sum(record_value)::BIGINT FROM usage_records')).toEqual([
      [String(left), String(left)],
    ]);
    expect(await rowsOf('SELECT count(*) FROM usage_voided')).toEqual([[String(corrected.size)]]);
  });

  test('answers questions', async () => {
    const ledger = await Ledger.open({ path });
    const writer = new BatchWriter();
    ledger.append(writer.batch([delta(1, '1'), delta(2, '2')]));
    await ledger.whenLoaded(1);
    expect(await ledger.query({ type: 'counts' })).toBeDefined();
    await ledger.checkpoint();
    await ledger.close();
    expect(statSync(path).size).toBeGreaterThan(0);
    expect(existsSync(`${path}.wal`)).toBe(false);
  });

  test('checkpoints while rows wait and questions run', async () => {
    const ledger = await Ledger.open({ path, commitIntervalMs: 3_600_000 });
    ledger.append(new BatchWriter().batch([delta(1, '1')]));
    const questions = Array.from({ length: 10 }, () => ledger.query({ type: 'counts' }));
    await ledger.checkpoint();
    await Promise.all(questions);
    expect(existsSync(`${path}.wal`)).toBe(false);
    await ledger.close();
  });

  test('refuses everything when it is closed', async () => {
    const ledger = await Ledger.open({ path });
    const batch = new BatchWriter().batch([delta(1, '1')]);
    const waiting = ledger.whenLoaded(9);
    waiting.catch(() => {});
    await ledger.close();
    await ledger.close();
    const closed = { name: 'LedgerError', code: 'CLOSED', retryable: false };
    expect(() => ledger.append(batch)).toThrow(expect.objectContaining(closed));
    await expect(waiting).rejects.toMatchObject(closed);
    await expect(ledger.whenLoaded(9)).rejects.toMatchObject(closed);
    await expect(ledger.registry()).rejects.toMatchObject(closed);
  });

  test('answers what was asked before it closes, and refuses what comes while it does', async () => {
    const ledger = await Ledger.open({ path });
    ledger.append(new BatchWriter().batch([delta(1, '1')]));
    const before = Array.from({ length: 10 }, () => ledger.query({ type: 'counts' }));
    const closing = ledger.close();
    const during = Promise.allSettled(Array.from({ length: 10 }, () => ledger.query({ type: 'counts' })));
    expect((await Promise.allSettled(before)).map(({ status }) => status)).toEqual(
      Array(10).fill('fulfilled'),
    );
    expect(await during).toEqual(
      Array(10).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'CLOSED' }) }),
    );
    await closing;
  });
});

describe('opening', () => {
  test.each<[string, () => void | Promise<void>, string, boolean, RegExp]>([
    [
      'a folder that is not there',
      () => rmSync(directory, { recursive: true }),
      'OPEN_FAILED',
      true,
      /cannot be/,
    ],
    [
      'a file that is no database',
      () => writeFileSync(path, 'x'.repeat(9000)),
      'OPEN_FAILED',
      true,
      /not a valid/,
    ],
    [
      'a database that is no ledger',
      () => runOnFile('CREATE TABLE other (i INTEGER)'),
      'UNSUPPORTED_VERSION',
      false,
      /no ledger: it has other/,
    ],
    [
      'a ledger of another release',
      async () => {
        await (await Ledger.open({ path })).close();
        await runOnFile('UPDATE stored.version SET version = 99');
      },
      'UNSUPPORTED_VERSION',
      false,
      /schema version 99.*usage-meter rebuild/,
    ],
  ])('%s', async (_, arrange, code, retryable, message) => {
    await arrange();
    const opening = Ledger.open({ path });
    await expect(opening).rejects.toMatchObject({ name: 'LedgerError', code, retryable });
    await expect(opening).rejects.toThrow(message);
  });
});

async function runOnFile(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(sql.replace('stored.version', 'ledger.stored.version'));
  connection.closeSync();
  instance.closeSync();
}

describe('a failure', () => {
  test('of a load is told, rejects who waits, and the ledger can be opened again', async () => {
    const ledger = await Ledger.open({ path });
    const good = new BatchWriter();
    ledger.append(good.batch([delta(1, '1')]));
    await ledger.whenLoaded(1);
    const failed = new Promise<LedgerError>((resolve) => ledger.onFailed(resolve));
    // A point to be counted of a customer that nobody discovered cannot be stored.
    const bad = new BatchWriter(1, { customers: ['x'], dimensions: ['api.requests'] });
    ledger.append(bad.batch([delta(1, '1', 'x')]));
    await expect(ledger.whenLoaded(2)).rejects.toMatchObject({ code: 'LOAD_FAILED', retryable: true });
    expect(await failed).toMatchObject({ code: 'LOAD_FAILED' });
    expect(() => ledger.append(bad.batch([delta(2, '1', 'x')]))).toThrow(/could not load/);
    await ledger.close();

    const again = await Ledger.open({ path });
    expect(again.position).toBe(1);
    const writer = new BatchWriter(1, { customers: ['a'], dimensions: ['api.requests'] });
    again.append(writer.batch([delta(1, '1'), delta(2, '2')]));
    await again.close();
    expect(await rowsOf('SELECT quantity::BIGINT FROM stored.usage ORDER BY 1')).toEqual([['1'], ['2']]);
  });
});

/** What the child's frames 1 to `frames` amount to. */
function expected(frames: number): { delta: bigint; total: bigint; records: number; quarantined: number } {
  const seen = new Map<string, bigint>();
  for (let sequence = 1; sequence <= frames; sequence++) {
    for (const { series, time, value, code } of frameOf(sequence)) {
      if (code === undefined) seen.set(`${series} ${time}`, BigInt(value!));
    }
  }
  let sum = 0n;
  for (const [key, value] of seen) if (!key.startsWith('total')) sum += value;
  return { delta: sum, total: BigInt(frames) * 10n, records: seen.size, quarantined: frames };
}

/** Position and contents agree: exactly the frames up to it, plus at most what later ones brought ahead. */
async function contents(): Promise<string[]> {
  const [row] = await rowsOf(`SELECT
    (SELECT sequence FROM stored.position),
    (SELECT sum(quantity)::BIGINT FROM usage_daily WHERE customer_id <> 'total'),
    (SELECT sum(quantity)::BIGINT FROM usage_daily WHERE customer_id = 'total'),
    (SELECT sum(records)::BIGINT FROM usage_daily),
    (SELECT count(*) FROM quarantined)`);
  return row;
}

describe('kill -9', () => {
  const FRAMES = 400;

  test('at any instant: what was told is there, and in the end everything once', async () => {
    const child = new URL('./ledger-crash-child.ts', import.meta.url).pathname;
    let told = 0;
    for (let kill = 0; kill < 6; kill++) {
      const process_ = spawn(process.execPath, [child, path, String(FRAMES)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // After some commits, wherever the next one is by then.
      let commits = 2 + kill;
      process_.stdout.on('data', (text: Buffer) => {
        const lines = text.toString().trim().split('\n');
        told = Math.max(told, Number(lines.at(-1)));
        commits -= lines.length;
        if (commits <= 0) process_.kill('SIGKILL');
      });
      await once(process_, 'exit');
      const ledger = await Ledger.open({ path });
      expect(ledger.position).toBeGreaterThanOrEqual(told);
      told = ledger.position;
      await ledger.close();
      // Changes are never ahead of the position, nor behind it.
      if (told >= 10)
        expect(await rowsOf("SELECT name FROM customers WHERE customer_id = 'events'")).toEqual([
          [`as of ${told - (told % 10)}`],
        ]);
    }
    const last = spawn(process.execPath, [child, path, String(FRAMES)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(last, 'exit');
    const { delta, total, records, quarantined } = expected(FRAMES);
    expect(await contents()).toEqual([FRAMES, delta, total, records, quarantined].map(String));
  });

  test('a file that cannot grow: the load fails, the ledger opens again, and later the rest goes in', async () => {
    const child = new URL('./ledger-crash-child.ts', import.meta.url).pathname;
    // A limit on the size of files, in blocks of 512 bytes, stands in for a full disk: the same write fails.
    const limited = spawn(
      'sh',
      ['-c', `ulimit -f 4000; exec "$0" "$@"`, process.execPath, child, path, '2000'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    limited.stdout.on('data', (text: Buffer) => {
      output += text;
    });
    await once(limited, 'exit');
    const told = output.match(/^\d+$/gm)?.map(Number) ?? [];
    const reopened = Number(/^reopened (\d+)$/m.exec(output)?.[1]);
    expect(output).toMatch(/^failed LOAD_FAILED$/m);
    expect(reopened).toBeGreaterThanOrEqual(Math.max(...told));

    const more = reopened + 20;
    const unlimited = spawn(process.execPath, [child, path, String(more)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(unlimited, 'exit');
    const { delta, total, records, quarantined } = expected(more);
    expect(await contents()).toEqual([more, delta, total, records, quarantined].map(String));
  });

  test('a torn end of the log takes the position with it, and the journal brings the rest again', async () => {
    const ledger = await Ledger.open({ path, commitIntervalMs: 3_600_000 });
    const writer = new BatchWriter();
    const sizes: number[] = [];
    for (let frame = 1; frame <= 10; frame++) {
      ledger.append(batchOf(frame, writer));
      await ledger.whenLoaded(frame);
      sizes.push(statSync(`${path}.wal`).size);
    }
    // The files as a power cut leaves them: the last commit's log is half on disk.
    const torn = join(directory, 'torn.duckdb');
    copyFileSync(path, torn);
    copyFileSync(`${path}.wal`, `${torn}.wal`);
    await ledger.close();
    truncateSync(`${torn}.wal`, Math.floor((sizes[8] + sizes[9]) / 2));
    path = torn;

    const again = await Ledger.open({ path });
    expect(again.position).toBe(9);
    const { customers, dimensions } = await again.registry();
    const rest = new BatchWriter(9, { customers, dimensions: dimensions.map(({ id }) => id) });
    again.append(batchOf(10, rest));
    again.append(batchOf(11, rest));
    await again.close();
    const { delta, total, records, quarantined } = expected(11);
    expect(await contents()).toEqual([11, delta, total, records, quarantined].map(String));
  });
});
