import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SqlPool } from '../../receiver/sql/sql-pool.ts';
import type { LedgerChange } from '../../storage/changes.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../../storage/resources.ts';
import { ask, type SampleLake, sampleLake } from '../receiver/sql/sample-lake.ts';
import type { TestPoint } from '../storage/duckdb/batches.ts';

const FOLDER = new URL('../../examples/sql-cookbook/', import.meta.url);
const DAY_MS = 86_400_000;

/** Noon of a day, relative to today: the queries ask of now. */
function noon(day: Date): bigint {
  return BigInt(Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), 12)) * 1_000_000n;
}

const now = new Date();
const daysAgo = (days: number) => noon(new Date(now.getTime() - days * DAY_MS));
const monthsAgo = (months: number) =>
  noon(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 10)));
const month = (months: number) => new Date(Number(monthsAgo(months) / 1_000_000n)).toISOString().slice(0, 7);

function usage(customer: string, time: bigint, value: string, more: Partial<TestPoint> = {}): TestPoint {
  return { series: `${customer} ${JSON.stringify(more)}`, customer, time, value, ...more };
}

let lake: SampleLake;
let pool: SqlPool;

async function answerOf(file: string): Promise<unknown[][]> {
  const sql = readFileSync(new URL(file, FOLDER), 'utf8');
  return (JSON.parse((await ask(pool, sql)).toString()) as { rows: unknown[][] }).rows;
}

async function openLake(...sample: Parameters<typeof sampleLake>): Promise<void> {
  lake = await sampleLake(...sample);
  pool = new SqlPool({ lakeDirectory: lake.directory, processes: 1 });
}

async function closeLake(): Promise<void> {
  await pool.stop();
  lake.remove();
}

const PRICED: LedgerChange[] = [
  {
    type: 'customer_put',
    customer: CustomerDeclaration.parse({ id: 'acme', name: 'Acme Inc.' }),
    managedBy: 'api',
  },
  {
    type: 'dimension_put',
    dimension: DimensionDeclaration.parse({ id: 'tokens', unitPrice: '0.0125' }),
    managedBy: 'api',
  },
];

describe('months', () => {
  beforeAll(
    () =>
      openLake(
        [
          usage('acme', monthsAgo(3), '1'),
          usage('acme', monthsAgo(1), '2.5'),
          usage('acme', monthsAgo(1) + 1n, '0.000000000001'),
          usage('acme', monthsAgo(1), '7', { dimension: 'tokens' }),
          usage('globex', monthsAgo(3), '4'),
          usage('initech', monthsAgo(1), '9'),
        ],
        { changes: PRICED },
      ),
    60_000,
  );
  afterAll(closeLake);

  test('month-by-customer.sql', async () => {
    expect(await answerOf('month-by-customer.sql')).toEqual([
      ['acme', 'Acme Inc.', 'api.requests', '2.500000000001', '1', '2', null],
      ['acme', 'Acme Inc.', 'tokens', '7.000000000000', '1', '1', '0.09'],
      ['initech', null, 'api.requests', '9.000000000000', '1', '1', null],
    ]);
  });

  test('cohort.sql', async () => {
    expect(await answerOf('cohort.sql')).toEqual([
      [month(3), '2', '0', '2', 100],
      [month(3), '2', '2', '1', 50],
      [month(1), '1', '0', '1', 100],
    ]);
  });
});

describe('days', () => {
  beforeAll(
    () =>
      openLake(
        [
          usage('acme', daysAgo(10), '100'),
          usage('acme', daysAgo(3), '150', { metadata: { model: 'large' } }),
          usage('globex', daysAgo(10), '80', { metadata: { model: 'small' } }),
          usage('globex', daysAgo(2), '20'),
          usage('initech', daysAgo(1), '5', { dimension: 'tokens' }),
          usage('steady', daysAgo(9), '3'),
          usage('steady', daysAgo(2), '3'),
          usage('acme', daysAgo(1), 'NaN', { code: 'not_a_number' }),
          usage('acme', daysAgo(1), '8', { customer: null, code: 'missing_customer', series: 'nobody' }),
          usage('acme', daysAgo(1) + 1n, '9', { customer: null, code: 'missing_customer', series: 'nobody' }),
        ],
        { later: [usage('late', daysAgo(20), '11'), usage('late', daysAgo(16), '12')] },
      ),
    60_000,
  );
  afterAll(closeLake);

  test('top-movers.sql', async () => {
    expect(await answerOf('top-movers.sql')).toEqual([
      ['globex', 'api.requests', '80.000000000000', '20.000000000000', '-60.000000000000', '1', -75],
      ['acme', 'api.requests', '100.000000000000', '150.000000000000', '50.000000000000', '1', 50],
      ['initech', 'tokens', '0.000000000000', '5.000000000000', '5.000000000000', '1', null],
    ]);
  });

  test('unattributed.sql', async () => {
    const rows = await answerOf('unattributed.sql');
    expect(rows.map((row) => row.slice(0, 6))).toEqual([
      ['missing_customer', 'builtin', '(no customer)', 'api.requests', '2', '17.000000000000'],
      ['not_a_number', 'builtin', 'acme', 'api.requests', '1', null],
    ]);
  });

  test('heaviest-metadata.sql', async () => {
    expect(await answerOf('heaviest-metadata.sql')).toEqual([
      ['api.requests', 'large', '150.000000000000', '1', '1', '1'],
      ['api.requests', '(none)', '149.000000000000', '1', '6', '4'],
      ['api.requests', 'small', '80.000000000000', '1', '1', '1'],
      ['tokens', '(none)', '5.000000000000', '1', '1', '1'],
    ]);
  });

  test('late-usage.sql', async () => {
    const day = (days: number) => new Date(Number(daysAgo(days) / 1_000_000n)).toISOString().slice(0, 10);
    expect(await answerOf('late-usage.sql')).toEqual([
      [day(20), 'late', 'api.requests', '1', '11.000000000000', '1'],
      [day(16), 'late', 'api.requests', '1', '12.000000000000', '1'],
    ]);
  });
});

test('every file is tested, and told of in the README', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.sql'));
  const [tested, told] = [new URL(import.meta.url), new URL('README.md', FOLDER)].map((url) =>
    readFileSync(url, 'utf8'),
  );
  for (const file of files) {
    expect(tested).toContain(`answerOf('${file}')`);
    expect(told).toContain(`[${file}](${file})`);
  }
});
