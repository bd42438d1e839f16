/** The kept totals against all usage: whatever is loaded, voided, merged and folded, lists say what usage says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LedgerChange } from '../../../storage/changes.ts';
import { openDatabase } from '../../../storage/duckdb/database.ts';
import { ROW_GROUP } from '../../../storage/duckdb/loader.ts';
import { foldUsage } from '../../../storage/duckdb/usage-totals.ts';
import { parseCustomersQuery, parseDimensionsQuery, runQuery } from '../../../storage/query/index.ts';
import { keptTotals } from '../../../storage/query/used-keys.ts';
import { CustomerDeclaration } from '../../../storage/resources.ts';
import { type RandomNumbers, randomNumbers, seedOfThisRun } from '../query/random.ts';
import { at, BatchWriter, type TestPoint } from './batches.ts';
import { MemoryLedger } from './memory-ledger.ts';

let ledger: MemoryLedger;
let writer: BatchWriter;
beforeEach(async () => {
  ledger = await MemoryLedger.open();
  writer = new BatchWriter();
});
afterEach(() => ledger.close());

const rowsOf = async (sql: string) => (await ledger.connection.runAndReadAll(sql)).getRows();

async function fold(through = ledger.position): Promise<void> {
  await ledger.connection.run('BEGIN');
  await foldUsage(ledger.connection, through);
  await ledger.connection.run('COMMIT');
}

let events = 0;
const event = (customer: string, dimension: string, seconds: number): TestPoint => ({
  series: `${customer} ${dimension}`,
  customer,
  dimension,
  role: 'event',
  event: `event ${events++}`,
  time: at(seconds),
  value: '1',
});

async function voided(recordId: string): Promise<LedgerChange> {
  const [[time]] = await rowsOf(
    `SELECT epoch_ns("timestamp") FROM usage_records WHERE record_id = '${recordId}'`,
  );
  return {
    type: 'record_corrected',
    recordId,
    timeUnixNano: String(time),
    reason: 'a mistake',
    replacement: null,
  };
}

const alias = (id: string, aliases: string[]): LedgerChange => ({
  type: 'customer_put',
  customer: CustomerDeclaration.parse({ id, aliases }),
  managedBy: 'api',
});

/** What the view of all records says. */
async function counted(by: 'customer_id' | 'dimension_id', condition = 'true'): Promise<unknown[]> {
  return (
    await rowsOf(`SELECT ${by}, count(*), max(epoch_ns("timestamp")) FROM usage_records
      WHERE kind <> 'correction' AND ${condition} GROUP BY ALL ORDER BY ALL`)
  ).map((row) => row.map(String));
}

const listed = (rows: { id: string; records: number; lastSeen: string | null }[]) =>
  rows
    .filter(({ records }) => records > 0)
    .map(({ id, records, lastSeen }) => [
      id,
      String(records),
      String(BigInt(Date.parse(lastSeen!)) * 1_000_000n),
    ]);

async function customers(sort = 'id') {
  const query = parseCustomersQuery([['sort', sort]], 0n);
  return (await runQuery(ledger.connection, { type: 'customers', query })).rows;
}

async function expectSame(): Promise<void> {
  expect(listed(await customers())).toEqual(await counted('customer_id'));
  const newest = (await customers('lastSeen')).map(({ lastSeen }) => lastSeen ?? '');
  expect(newest).toEqual(newest.toSorted().reverse());
  const dimensions = async (params: [string, string][]) =>
    listed(
      (
        await runQuery(ledger.connection, {
          type: 'dimensions',
          query: parseDimensionsQuery(params, 0n),
        })
      ).rows,
    );
  expect(await dimensions([])).toEqual(await counted('dimension_id'));
  for (const { id } of await customers())
    expect(await dimensions([['customerId', id]])).toEqual(
      await counted('dimension_id', `customer_id = '${id}'`),
    );
}

describe('totals', () => {
  test('are used where they were folded, and the rest is added', async () => {
    await ledger.load(writer.batch([event('a', 'x', 1), event('a', 'x', 2)], [event('b', 'x', 3)]));
    await fold(1);
    expect(await keptTotals(ledger.connection)).toEqual({ through: 1, voided: [] });
    // Were they not read, this would not show.
    await ledger.connection.run('UPDATE stored.usage_totals SET records = 70');
    expect((await customers()).map(({ id, records }) => [id, records])).toEqual([
      ['a', 70],
      ['b', 1],
    ]);
  });

  test('are counted anew where a record was voided', async () => {
    await ledger.load(writer.batch([event('a', 'x', 1), event('a', 'x', 9), event('b', 'x', 3)]));
    await fold();
    const [[newest]] = await rowsOf(
      `SELECT record_id FROM usage_records WHERE customer_id = 'a' ORDER BY "timestamp" DESC LIMIT 1`,
    );
    await ledger.load(writer.changes([await voided(String(newest))]));
    expect((await keptTotals(ledger.connection)).voided).toHaveLength(1);
    await expectSame();
    await fold();
    expect((await keptTotals(ledger.connection)).voided).toEqual([]);
    await expectSame();
  });

  test('go with a customer who becomes another', async () => {
    await ledger.load(writer.batch([event('a', 'x', 1), event('b', 'x', 3), event('b', 'y', 4)]));
    await fold();
    await ledger.load(writer.changes([alias('a', ['b'])]));
    await expectSame();
    expect(await rowsOf('SELECT count(*) FROM stored.usage_totals')).toEqual([[3n]]);
  });
});

test('whatever happens in whatever order, lists say what usage says', async () => {
  const seed = seedOfThisRun();
  const random = randomNumbers(seed);
  for (let step = 0; step < 60; step++) {
    await happen(random);
    if (step % 5 === 4) await expectSame().catch((error) => fail(seed, step, error));
  }
}, 60_000);

function fail(seed: number, step: number, error: unknown): never {
  throw new Error(`SEED=${seed}, step ${step}`, { cause: error });
}

const taken = new Set<string>();

async function happen({ below, pick }: RandomNumbers): Promise<void> {
  const customer = () => `c${below(6)}`;
  switch (below(6)) {
    case 0:
      return await fold(below(2) === 0 ? ledger.position : Math.max(0, ledger.position - below(3)));
    case 1: {
      const records = await rowsOf(`SELECT record_id FROM usage_records WHERE kind = 'record' ORDER BY ALL`);
      if (records.length === 0) return;
      return await ledger.load(writer.changes([await voided(String(pick(records)[0]))]));
    }
    case 2: {
      const [into, from] = [customer(), customer()];
      // What is an alias already belongs to one customer only.
      if (into === from || taken.has(into) || taken.has(from) || below(4) > 0) return;
      taken.add(from);
      taken.add(into);
      return await ledger.load(writer.changes([alias(into, [from])]));
    }
    default: {
      const frames = Array.from({ length: 1 + below(3) }, () =>
        Array.from({ length: 1 + below(5) }, (): TestPoint => {
          const of = pick([customer(), customer()].filter((id) => !taken.has(id)).concat('always'));
          const point = event(of, pick(['x', 'y', 'z']), below(1000));
          if (below(3) > 0) return point;
          // A running total, of which late readings bring corrections.
          const { event: _event, ...rest } = point;
          return { ...rest, series: `total of ${of}`, dimension: 'total', role: 'cumulative', start: at(-1) };
        }),
      );
      return await ledger.load(writer.batch(...frames));
    }
  }
}

test('a question beside a fold sees the totals and how far they go of one state', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-totals-'));
  const { instance, connection } = await openDatabase({
    path: join(folder, 'ledger.duckdb'),
    memoryLimit: '512MB',
    threads: 2,
    checkpointThreshold: '16MB',
  });
  const customers = 2 * ROW_GROUP;
  const differences = new Set<number>();
  let isFolding = true;
  const ask = async () => {
    const asking = await instance.connect();
    while (isFolding) {
      const reader =
        await asking.runAndReadAll(`SELECT (SELECT coalesce(sum(records), 0) FROM stored.usage_totals)
        - ${customers} * (SELECT through_sequence FROM stored.usage_totals_state)`);
      differences.add(Number(reader.getRows()[0][0]));
    }
    asking.closeSync();
  };
  const asked = [ask(), ask()];
  for (let sequence = 1; sequence <= 6; sequence++) {
    await connection.run(`INSERT INTO stored.usage BY NAME
      SELECT 1 AS series, i AS customer, 1 AS dimension, make_timestamp_ns(0) AS start_time,
        make_timestamp_ns(i) AS time, 1 AS quantity, 0 AS kind, ${sequence} AS sequence
      FROM range(${customers}) rows(i)`);
    await connection.run('BEGIN');
    await foldUsage(connection, sequence);
    await connection.run('COMMIT');
  }
  isFolding = false;
  await Promise.all(asked);
  connection.closeSync();
  instance.closeSync();
  rmSync(folder, { recursive: true });
  expect([...differences]).toEqual([0]);
}, 60_000);
