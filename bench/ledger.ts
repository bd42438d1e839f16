/**
 * CPU per point of the ledger's load, and bytes per record on disk: fresh delta points in 5,000-row frames of 2,000
 * customers, 1 % of them of new series; the same with 1 % duplicates; the same as events, each with a key of its own;
 * and beside it the naive way on the same points: a table with a primary key and one transaction per frame.
 *
 *   node bench/ledger.ts [--points 3000000] [--threads 1] [--naive-points 300000] [--json FILE]
 */
import { hash, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { TableAppender } from '../storage/duckdb/table-appender.ts';
import { Ledger } from '../storage/ledger.ts';
import type {
  ContextDefinition,
  LedgerBatch,
  RegistryEvent,
  SlotDefinition,
} from '../storage/ledger-batch.ts';

const FRAME_ROWS = 5000;
const FRAMES_PER_BATCH = 4;
const CUSTOMERS = 2000;
const DIMENSIONS = 10;
const NEW_SERIES = 0.01;
const START = 1_700_000_000_000_000_000n;

const { values: options } = parseArgs({
  options: {
    points: { type: 'string', default: '3000000' },
    'naive-points': { type: 'string', default: '300000' },
    threads: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});

/** Batches as a receiver would make them. */
class Workload {
  readonly #role: 'delta' | 'event';
  #slots = 0;
  #sequence = 0;
  #state = 42;
  #previous: LedgerBatch | null = null;

  constructor(role: 'delta' | 'event' = 'delta') {
    this.#role = role;
  }

  /** @param duplicates share of rows that repeat the row of the batch before */
  next(duplicates: number): LedgerBatch {
    const length = FRAME_ROWS * FRAMES_PER_BATCH;
    const slots: SlotDefinition[] = [];
    const contexts: ContextDefinition[] = [];
    const events: RegistryEvent[] = [];
    const isFirst = this.#sequence === 0;
    if (isFirst) this.#declare(contexts, events);
    const batch: LedgerBatch = {
      reset: isFirst,
      contexts,
      slots,
      events,
      changes: [],
      frames: {
        length: FRAMES_PER_BATCH,
        sequence: new Float64Array(FRAMES_PER_BATCH),
        receivedAtUnixNano: new Uint32Array(FRAMES_PER_BATCH * 2),
        rowEnd: new Int32Array(FRAMES_PER_BATCH),
      },
      length,
      slot: new Int32Array(length),
      startUnixNano: new Uint32Array(length * 2),
      timeUnixNano: new Uint32Array(length * 2),
      quantity: new Uint32Array(length * 4),
      valueKind: new Uint8Array(length),
      code: new Uint8Array(length),
      ordinal: new Int32Array(length),
      event: this.#role === 'event' ? randomFillSync(new Uint32Array(length * 4)) : new Uint32Array(0),
      originSequence: new Float64Array(0),
    };
    const times = new BigUint64Array(batch.timeUnixNano.buffer);
    const starts = new BigUint64Array(batch.startUnixNano.buffer);
    const quantities = new BigUint64Array(batch.quantity.buffer);
    for (let frame = 0; frame < FRAMES_PER_BATCH; frame++) {
      this.#sequence += 1;
      batch.frames.sequence[frame] = this.#sequence;
      batch.frames.rowEnd[frame] = (frame + 1) * FRAME_ROWS;
      // A client's frames are 50 ms apart, and its points some microseconds.
      const frameTime = START + BigInt(this.#sequence) * 50_000_000n;
      // A frame has a series once.
      let known = Math.floor(this.#random() * this.#slots);
      for (let row = frame * FRAME_ROWS; row < (frame + 1) * FRAME_ROWS; row++) {
        const before = this.#previous;
        if (before !== null && duplicates > 0 && this.#random() < duplicates) {
          batch.slot[row] = before.slot[row];
          times[row] = new BigUint64Array(before.timeUnixNano.buffer)[row];
          starts[row] = new BigUint64Array(before.startUnixNano.buffer)[row];
          for (let word = row * 4; word < row * 4 + 4 && this.#role === 'event'; word++)
            batch.event[word] = before.event[word];
          quantities[row * 2] = new BigUint64Array(before.quantity.buffer)[row * 2];
          continue;
        }
        const isNew = this.#slots < FRAME_ROWS * FRAMES_PER_BATCH || this.#random() < NEW_SERIES;
        known = (known + 3) % this.#slots;
        batch.slot[row] = isNew ? this.#define(slots) : known;
        times[row] = frameTime + BigInt(row % 1000) * 1000n;
        starts[row] = frameTime - 10_000_000_000n;
        quantities[row * 2] = BigInt(1 + Math.floor(this.#random() * 1000)) * 1_000_000_000_000n;
      }
    }
    this.#previous = duplicates > 0 ? structuredClone(batch) : null;
    return batch;
  }

  #declare(contexts: ContextDefinition[], events: RegistryEvent[]): void {
    contexts.push({
      context: 0,
      resource: '{"service.name":"shop","service.instance.id":"1"}',
      scopeName: 'usage',
      scopeVersion: '1.0.0',
      metricName: 'usage.requests',
      unit: '1',
      metricKind: 'sum',
      temporality: 'delta',
      monotonic: true,
      fromSdk: true,
      weakIdentity: false,
    });
    for (let customer = 0; customer < CUSTOMERS; customer++) {
      events.push({ type: 'customer_discovered', sequence: 1, customerId: `customer-${customer}` });
    }
    for (let dimension = 0; dimension < DIMENSIONS; dimension++) {
      events.push({ type: 'dimension_discovered', sequence: 1, dimensionId: `d-${dimension}`, unit: '1' });
    }
  }

  #define(slots: SlotDefinition[]): number {
    const slot = this.#slots++;
    slots.push({
      slot,
      context: 0,
      seriesHash: hash('sha256', String(slot)).slice(0, 32),
      role: this.#role,
      meterId: 'builtin',
      meterVersion: 0,
      sinceUnixNano: null,
      customerId: `customer-${slot % CUSTOMERS}`,
      dimensionId: `d-${slot % DIMENSIONS}`,
      metadata: `{"region":"eu","route":"/v1/items/${slot}"}`,
    });
    return slot;
  }

  #random(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 4294967296;
  }
}

interface Figures {
  points: number;
  cpuMicrosecondsPerPoint: number;
  wallMicrosecondsPerPoint: number;
  bytesPerRecord: number;
  records: number;
}

/** @param duplicates share of the points */
async function ledgerFigures(duplicates: number, role: 'delta' | 'event' = 'delta'): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'ledger-bench-'));
  const path = join(directory, 'ledger.duckdb');
  const points = Number(options.points);
  const perRound = 10;
  try {
    const ledger = await Ledger.open({ path, threads: Number(options.threads) });
    const workload = new Workload(role);
    ledger.append(workload.next(0));
    await ledger.whenLoaded(FRAMES_PER_BATCH);
    let done = 0;
    let cpu = 0;
    let wall = 0;
    let sequence = FRAMES_PER_BATCH;
    while (done < points) {
      // Made before the clock runs: what is measured is the hand-over and the load.
      const batches = Array.from({ length: perRound }, () => workload.next(duplicates));
      const cpuBefore = process.cpuUsage();
      const before = performance.now();
      for (const batch of batches) ledger.append(batch);
      sequence += perRound * FRAMES_PER_BATCH;
      done += perRound * FRAMES_PER_BATCH * FRAME_ROWS;
      // At full speed the queue never runs dry, so nobody asks for an early commit.
      while (ledger.unloadedRows >= 122_880) await new Promise<void>((resolve) => setTimeout(resolve, 1));
      const used = process.cpuUsage(cpuBefore);
      cpu += used.user + used.system;
      wall += performance.now() - before;
    }
    const cpuBefore = process.cpuUsage();
    const before = performance.now();
    await ledger.whenLoaded(sequence);
    await ledger.close();
    const used = process.cpuUsage(cpuBefore);
    const records = await countOf(path, 'SELECT count(*) FROM usage_records');
    return {
      points: done,
      cpuMicrosecondsPerPoint: (cpu + used.user + used.system) / done,
      wallMicrosecondsPerPoint: ((wall + performance.now() - before) * 1000) / done,
      bytesPerRecord: statSync(path).size / records,
      records,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** One table with a primary key, one transaction per frame, rows by the appender into a staging table. */
async function naiveFigures(): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'naive-bench-'));
  const path = join(directory, 'naive.duckdb');
  const points = Number(options['naive-points']);
  try {
    const instance = await DuckDBInstance.create(path, { threads: options.threads });
    const connection = await instance.connect();
    await connection.run(`CREATE TABLE usage (series INTEGER, start_time TIMESTAMP_NS, time TIMESTAMP_NS,
      quantity DECIMAL(38, 12), PRIMARY KEY (series, start_time, time, quantity))`);
    await connection.run('CREATE TEMP TABLE frame AS FROM usage LIMIT 0');
    const frame = await TableAppender.create(connection, ['temp', 'main', 'frame'], [4, 8, 8, 16]);
    const workload = new Workload();
    let done = 0;
    let cpu = 0;
    let wall = 0;
    while (done < points) {
      const batch = workload.next(0);
      const cpuBefore = process.cpuUsage();
      const before = performance.now();
      for (let from = 0; from < batch.length; from += FRAME_ROWS) {
        const to = from + FRAME_ROWS;
        frame.words(0).set(new Uint32Array(batch.slot.subarray(from, to)));
        frame.words(1).set(batch.startUnixNano.subarray(from * 2, to * 2));
        frame.words(2).set(batch.timeUnixNano.subarray(from * 2, to * 2));
        frame.words(3).set(batch.quantity.subarray(from * 4, to * 4));
        frame.length = FRAME_ROWS;
        frame.flush();
        await connection.run('INSERT INTO usage FROM frame ON CONFLICT DO NOTHING');
        await connection.run('DELETE FROM frame');
      }
      done += batch.length;
      const used = process.cpuUsage(cpuBefore);
      cpu += used.user + used.system;
      wall += performance.now() - before;
    }
    await connection.run('CHECKPOINT');
    connection.closeSync();
    instance.closeSync();
    const records = await countOf(path, 'SELECT count(*) FROM usage');
    return {
      points: done,
      cpuMicrosecondsPerPoint: cpu / done,
      wallMicrosecondsPerPoint: (wall * 1000) / done,
      bytesPerRecord: statSync(path).size / records,
      records,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function countOf(path: string, sql: string): Promise<number> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql);
  connection.closeSync();
  instance.closeSync();
  return Number(reader.getRows()[0][0]);
}

const figures = {
  fresh: await ledgerFigures(0),
  duplicates: await ledgerFigures(0.01),
  events: await ledgerFigures(0, 'event'),
  'event duplicates': await ledgerFigures(0.01, 'event'),
  naive: await naiveFigures(),
};
console.log('                      points    CPU µs/point   wall µs/point   bytes/record');
for (const [name, one] of Object.entries(figures)) {
  const columns = [one.cpuMicrosecondsPerPoint, one.wallMicrosecondsPerPoint, one.bytesPerRecord];
  const texts = columns.map((value, i) => value.toFixed(i === 2 ? 1 : 3).padStart(i === 0 ? 14 : 15));
  console.log(`${name.padEnd(16)}${String(one.points).padStart(12)}${texts.join('')}`);
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
