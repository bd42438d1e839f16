import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import type { LedgerChange } from '../../../storage/changes.ts';
import { exportLake } from '../../../storage/lake/lake-export.ts';
import { readManifest } from '../../../storage/lake/manifest.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../../../storage/resources.ts';
import { Random } from '../../support/random.ts';
import { at, BatchWriter, type TestPoint } from '../duckdb/batches.ts';
import { MemoryLedger } from '../duckdb/memory-ledger.ts';

const DAY = 86_400;
const STEPS = 40;
const VIEWS = ['usage_records', 'usage_voided', 'usage_daily', 'customers', 'dimensions', 'quarantined'];

/** What happens to a ledger: usage of any time and kind, corrections, merges, units; and exports of any eagerness. */
async function story(seed: number): Promise<void> {
  const random = new Random(seed);
  const ledger = await MemoryLedger.open();
  const writer = new BatchWriter();
  const directory = mkdtempSync(join(tmpdir(), 'lake-property-'));
  const below = (limit: number) => random.integer(0, limit - 1);
  const pick = <T>(items: readonly T[]): T => random.pick(items);
  const customers = ['a', 'b', 'c', 'd', "e'e"];
  /** Ids that are an alias by now: no usage comes under them any more. */
  const merged = new Set<string>();
  const livingCustomer = () => pick(customers.filter((id) => !merged.has(id)));
  try {
    for (let step = 0; step < STEPS; step++) {
      const action = below(10);
      if (action < 5) {
        const points = Array.from({ length: 1 + below(20) }, (): TestPoint => {
          const customer = livingCustomer();
          const [time, value] = [below(12 * DAY), String(below(1000) / 8)];
          const dimension = pick(['x', 'y']);
          if (below(3) === 0)
            return {
              series: `${customer} total`,
              customer,
              dimension,
              role: 'cumulative',
              start: at(-1),
              time: at(time),
              value,
            };
          if (below(2) === 0)
            return {
              series: `${customer} events`,
              customer,
              dimension,
              role: 'event',
              event: `${step} ${time}`,
              time: at(time),
              value,
            };
          return { series: `${customer} ${dimension} deltas`, customer, dimension, time: at(time), value };
        });
        await ledger.load(writer.batch(points));
      } else if (action === 5) {
        await ledger.load(writer.changes([await voidOf(ledger, random)].flatMap((change) => change ?? [])));
      } else if (action === 6 && customers.length - merged.size > 2) {
        const alias = livingCustomer();
        merged.add(alias);
        const id = livingCustomer();
        const change: LedgerChange = {
          type: 'customer_put',
          customer: CustomerDeclaration.parse({ id, aliases: [alias] }),
          managedBy: 'api',
        };
        await ledger.load(writer.changes([change]));
      } else if (action === 7) {
        const dimension = DimensionDeclaration.parse({
          id: pick(['x', 'y']),
          unit: pick(['1', 'By', '{z}']),
        });
        await ledger.load(writer.changes([{ type: 'dimension_put', dimension, managedBy: 'api' }]));
      } else {
        const rewriteRows = pick([0, 0, 30, 1_000_000]);
        const order = {
          directory,
          rewriteRows,
          isQuiet: below(3) === 0,
          anew: below(20) === 0,
          keepReplacedMs: -1,
        };
        const report = await exportLake(ledger.connection, order);
        expect(report).toMatchObject({ position: ledger.position, isBehind: false });
        await expectSame(ledger, directory);
      }
    }
    await exportLake(ledger.connection, {
      directory,
      rewriteRows: 1e9,
      isQuiet: true,
      anew: false,
      keepReplacedMs: -1,
    });
    await expectSame(ledger, directory);
    const parts = (await readManifest(directory))!.parts;
    expect(new Set(parts.map(({ firstDay }) => firstDay)).size).toBe(parts.length);
    expect(
      parts.every(({ restatement, firstDay, lastDay }) => restatement === null && firstDay === lastDay),
    ).toBe(true);
  } finally {
    await ledger.close();
    rmSync(directory, { recursive: true });
  }
}

async function voidOf(ledger: MemoryLedger, random: Random): Promise<LedgerChange[]> {
  const ids = await ledger.rows("SELECT record_id FROM usage_records WHERE kind = 'record' ORDER BY 1");
  if (ids.length === 0) return [];
  const [recordId] = random.pick(ids);
  const timeUnixNano = String(BigInt(`0x${recordId.slice(0, 16)}`));
  return [{ type: 'record_corrected', recordId, timeUnixNano, reason: 'a test', replacement: null }];
}

async function expectSame(ledger: MemoryLedger, directory: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(directory, 'usage.duckdb'), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    for (const view of VIEWS) {
      const sql = `SELECT * FROM ${view} ORDER BY ALL`;
      const found = (await connection.runAndReadAll(sql)).getRowsJson().map((row) => row.map(String));
      expect(found, view).toEqual(await ledger.rows(sql));
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const SEEDS = process.env.LAKE_SEEDS?.split(',').map(Number) ?? [1, 2, 3, 4, 5];

test.each(SEEDS)(
  'any story, exported at any time, is the ledger (seed %i)',
  { timeout: 240_000 },
  async (seed) => {
    await story(seed);
  },
);
