import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DryRunOptions, dryRun } from '../../../receiver/dry-run/dry-run.ts';
import { type MeterRuleInput, parseMeterRule } from '../../../receiver/metering/rules/index.ts';
import { DEFAULT_SETTINGS } from '../../../storage/changes.ts';
import type { RegistrySnapshot } from '../../../storage/ledger.ts';
import { framesOf, logsRequest, NOW, SECOND, sumRequest, tracesRequest } from './otlp-requests.ts';

let scratchParent: string;
beforeAll(async () => {
  scratchParent = await mkdtemp(join(tmpdir(), 'dry-run-test-'));
});
afterAll(async () => {
  await rm(scratchParent, { recursive: true });
});

const EMPTY: RegistrySnapshot = {
  customers: [],
  aliases: [],
  dimensions: [],
  instruments: [],
  meters: [],
  settings: DEFAULT_SETTINGS,
};

const ORDERS: MeterRuleInput = {
  id: 'orders',
  signals: ['logs'],
  match: { all: [{ path: 'body', eq: 'order placed' }] },
  customer: 'attributes["account"]',
  dimension: 'orders',
  value: { path: 'attributes["amount"]', default: '1' },
  metadata: ['region'],
};

function run(
  rule: MeterRuleInput,
  requests: readonly object[],
  registry: Partial<RegistrySnapshot> = {},
  options: Partial<DryRunOptions> = {},
) {
  return dryRun({
    rule: parseMeterRule(rule),
    registry: { ...EMPTY, ...registry },
    frames: framesOf(requests),
    scratchParent,
    ...options,
  });
}

function meter(rule: MeterRuleInput, version = 1) {
  return {
    id: rule.id,
    version,
    rule: JSON.stringify(parseMeterRule(rule)),
    sinceUnixNano: 0n,
    deleted: false,
  };
}

/** Customer, dimension, quantity, quantity in force, difference. */
function table(rows: Awaited<ReturnType<typeof run>>['customers']) {
  return rows.map((row) => [
    row.customerId,
    row.dimensionId,
    row.quantity,
    row.inForceQuantity,
    row.difference,
  ]);
}

const order = (at: number, account: string, amount: number | string, more: Record<string, string> = {}) => ({
  at,
  body: 'order placed',
  attributes: { account, amount, ...more },
});

describe('a rule for log records', () => {
  test('its usage, what it would quarantine, and what it leaves alone', async () => {
    const report = await run(ORDERS, [
      logsRequest([
        order(9, 'acme', '0.1', { region: 'eu' }),
        order(8, 'acme', '0.2'),
        order(7, 'zürich', 9_007_199_254_740_991),
        { at: 6, body: 'something else', attributes: {} },
        { at: 5, body: 'order placed', attributes: { amount: 3 } },
        order(4, 'acme', 'many'),
      ]),
      // Sent again: the same records.
      logsRequest([order(9, 'acme', '0.1', { region: 'eu' }), order(8, 'acme', '0.2')]),
    ]);
    expect(report).toMatchObject({
      meterId: 'orders',
      inForceVersion: null,
      requests: 2,
      signals: 8,
      matched: 7,
      matchedInForce: 0,
      ignored: 1,
      duplicates: 2,
      stoppedBy: null,
      receivedFrom: '2023-11-14T22:13:20Z',
      unreadable: { requests: 0, samples: [] },
      discovered: {
        customers: ['acme', 'zürich'],
        customerCount: 2,
        dimensions: [{ id: 'orders', unit: '1' }],
      },
    });
    expect(table(report.customers)).toEqual([
      ['zürich', 'orders', '9007199254740991', null, '9007199254740991'],
      ['acme', 'orders', '0.3', null, '0.3'],
    ]);
    expect(table(report.totals)).toEqual([
      [null, 'orders', '9007199254740991.3', null, '9007199254740991.3'],
    ]);
    expect(report.quarantined).toMatchObject([
      {
        reason: 'missing_customer',
        signals: 1,
        dimensions: [{ dimensionId: 'orders', signals: 1, quantity: '3' }],
        samples: [{ origin: 'request 1', customerId: null, value: '3', kind: 'log' }],
      },
      {
        reason: 'not_a_number',
        signals: 1,
        dimensions: [{ dimensionId: 'orders', signals: 1, quantity: null }],
        samples: [
          {
            customerId: 'acme',
            signal: {
              resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'order placed' } }] }] }],
            },
          },
        ],
      },
    ]);
    expect(
      report.records.map(({ customerId, recordValue, metadata }) => [customerId, recordValue, metadata]),
    ).toEqual([
      ['acme', '0.1', { region: 'eu' }],
      ['acme', '0.2', {}],
      ['zürich', '9007199254740991', {}],
    ]);
  });
});

describe('compared with the version in force', () => {
  test('the difference per customer and dimension, and whom it leaves out', async () => {
    const inForce = { ...ORDERS, customer: 'attributes["account"]', value: { constant: '1' } };
    const requests = [
      logsRequest([
        order(9, 'acme', 5),
        order(8, 'acme', '2.5'),
        order(7, 'globex', 1),
        order(6, 'initech', 2, { test: 'yes' }),
      ]),
    ];
    const rule: MeterRuleInput = {
      ...ORDERS,
      match: { all: ORDERS.match.all, none: [{ path: 'attributes["test"]', exists: true }] },
    };
    const report = await run(rule, requests, { meters: [meter(inForce, 3)] });
    expect(report).toMatchObject({ inForceVersion: 3, matched: 3, matchedInForce: 4 });
    expect(table(report.customers)).toEqual([
      ['acme', 'orders', '7.5', '2', '5.5'],
      ['initech', 'orders', null, '1', '-1'],
      ['globex', 'orders', '1', '1', '0'],
    ]);
    expect(table(report.totals)).toEqual([[null, 'orders', '8.5', '4', '4.5']]);
    // Only the version in force discovers initech; the rest they discover together.
    expect(report.discovered).toEqual({ customers: [], customerCount: 0, dimensions: [] });
  });

  test.each([
    ['deleted', { ...meter(ORDERS), deleted: true }],
    ['disabled', meter({ ...ORDERS, enabled: false })],
  ])('a version that is %s is not in force', async (_, entry) => {
    const report = await run(ORDERS, [logsRequest([order(1, 'acme', 5)])], { meters: [entry] });
    expect(report.inForceVersion).toBeNull();
    expect(table(report.customers)).toEqual([['acme', 'orders', '5', null, '5']]);
  });

  test('a rule that is disabled is tested as though it were not', async () => {
    const report = await run({ ...ORDERS, enabled: false }, [logsRequest([order(1, 'acme', 5)])]);
    expect(report.matched).toBe(1);
  });
});

describe('beside other meters', () => {
  const usage = { 'usage.customer.id': 'acme', 'usage.dimension.id': 'orders.builtin', 'usage.value': '4' };
  const requests = [
    logsRequest([
      { at: 2, body: 'order placed', attributes: { account: 'acme', amount: 5, ...usage } },
      { at: 1, body: 'other', attributes: usage },
    ]),
  ];

  test('they are left out of the report', async () => {
    const report = await run(ORDERS, requests);
    expect(report).toMatchObject({ signals: 2, matched: 1, ignored: 1, replaced: [] });
    expect(table(report.totals)).toEqual([[null, 'orders', '5', null, '5']]);
    expect(report.discovered.dimensions).toEqual([{ id: 'orders', unit: '1' }]);
  });

  test('what the rule takes away from those that it replaces', async () => {
    const report = await run({ ...ORDERS, replaces: ['builtin'] }, requests);
    expect(report.replaced).toEqual([
      {
        meterId: 'builtin',
        dimensionId: 'orders.builtin',
        unit: '1',
        before: '8',
        after: '4',
        recordsBefore: 2,
        recordsAfter: 1,
        difference: '-4',
      },
    ]);
    expect(table(report.totals)).toEqual([[null, 'orders', '5', null, '5']]);
  });

  test('what a meter that replaces it claims is none of its', async () => {
    const stronger: MeterRuleInput = { ...ORDERS, id: 'stronger', replaces: ['orders'] };
    const report = await run(ORDERS, requests, { meters: [meter(stronger)] });
    expect(report).toMatchObject({ signals: 2, matched: 0 });
  });
});

describe('what is known counts', () => {
  test('a quantity is made of the records as the dimension says', async () => {
    const expected = {
      // of 5, 1 and 2, in the order of time
      sum: '8',
      count: '3',
      max: '5',
      min: '1',
      last: '2',
      average: '2.666666666667',
      unique: null,
      time_weighted: null,
      time_integral: null,
    };
    const aggregations = Object.keys(expected);
    const report = await run(
      { ...ORDERS, dimension: { path: 'attributes["dimension"]' } },
      aggregations.map((dimension) =>
        logsRequest([5, 1, 2].map((amount, index) => order(3 - index, 'acme', amount, { dimension }))),
      ),
      {
        dimensions: aggregations.map((id) => ({
          id,
          unit: '1',
          aggregation: id,
          creditsAllowed: false,
          discovered: false,
        })),
      },
    );
    for (const rows of [report.customers, report.totals]) {
      expect(Object.fromEntries(rows.map((row) => [row.aggregation, row.quantity]))).toEqual(expected);
      expect(Object.fromEntries(rows.map((row) => [row.dimensionId, row.difference]))).toEqual(expected);
    }
  });

  test('aliases, units, credits and discovery', async () => {
    const rule: MeterRuleInput = { ...ORDERS, unit: 'kBy' };
    const report = await run(
      rule,
      [logsRequest([order(3, 'acme-old', 2), order(2, 'acme', -1), order(1, 'unknown', 1)])],
      {
        dimensions: [
          { id: 'orders', unit: 'By', aggregation: 'sum', creditsAllowed: true, discovered: false },
        ],
        customers: ['acme'],
        aliases: [['acme-old', 'acme']],
        settings: { ...DEFAULT_SETTINGS, discovery: false },
      },
    );
    expect(table(report.customers)).toEqual([['acme', 'orders', '1000', null, '1000']]);
    expect(report.customers[0].unit).toBe('By');
    expect(report.quarantined).toMatchObject([{ reason: 'unknown_customer', signals: 1 }]);
    expect(report.discovered.customerCount).toBe(0);
  });
});

describe('metrics and spans', () => {
  const requestsRule: MeterRuleInput = {
    id: 'http',
    signals: ['metrics'],
    match: { all: [{ path: 'metric.name', eq: 'http.requests' }] },
    customer: 'attributes["tenant"]',
    dimension: 'requests',
  };
  const acme = { tenant: 'acme' };

  test('deltas: repetitions count once, whatever they came in', async () => {
    const first = { at: 20, start: 30, value: 5, attributes: acme };
    const report = await run(requestsRule, [
      sumRequest('http.requests', [first]),
      sumRequest('http.requests', [first, { at: 10, start: 20, value: 7, attributes: acme }]),
      sumRequest('other', [first]),
    ]);
    expect(report).toMatchObject({ requests: 3, signals: 4, matched: 3, duplicates: 1 });
    expect(table(report.totals)).toEqual([[null, 'requests', '12', null, '12']]);
  });

  const total = (at: number, start: number, value: number) =>
    sumRequest('http.requests', [{ at, start, value, attributes: acme }], { temporality: 2 });

  test.each([
    // since                  quantity  baseline
    ['files: from its start', 0n, '130', []],
    [
      'the journal: from the first reading, where it began before',
      NOW - 50n * SECOND,
      '30',
      [{ reason: 'baseline', signals: 1, dimensions: [{ quantity: '100' }] }],
    ],
    ['the journal: from its start, where that is within', NOW - 70n * SECOND, '130', []],
  ])('a running total of %s', async (_, sinceUnixNano, quantity, quarantined) => {
    const report = await run(
      requestsRule,
      [total(40, 60, 100), total(30, 60, 125), total(20, 60, 130), total(30, 60, 125)],
      {},
      { sinceUnixNano },
    );
    expect(table(report.totals)).toEqual([[null, 'requests', quantity, null, quantity]]);
    expect(report.quarantined).toMatchObject(quarantined);
    expect(report.duplicates).toBe(1);
  });

  test('the duration of spans; the same span again is one', async () => {
    const rule: MeterRuleInput = {
      id: 'gpu',
      signals: ['spans'],
      match: { all: [{ path: 'name', eq: 'render' }] },
      customer: 'resource["tenant"]',
      dimension: 'gpu.time',
      value: 'duration',
      unit: 's',
    };
    const span = { id: 7, at: 5, seconds: 90, name: 'render', attributes: {} };
    const report = await run(rule, [tracesRequest([span], acme), tracesRequest([span], acme)]);
    expect(report).toMatchObject({ matched: 2, duplicates: 1 });
    expect(table(report.totals)).toEqual([[null, 'gpu.time', '90', null, '90']]);
  });

  test('requests of other signals than the rules name are passed over', async () => {
    const report = await run(ORDERS, [
      sumRequest('http.requests', [{ at: 1, value: 1, attributes: acme }]),
      logsRequest([order(1, 'acme', 1)]),
    ]);
    expect(report).toMatchObject({ requests: 1, signals: 1 });
  });

  test('an event id with other content is a conflict, shown as received', async () => {
    const report = await run(ORDERS, [
      logsRequest([order(2, 'acme', 1, { 'event.id': 'e-1' })]),
      logsRequest([order(2, 'acme', 2, { 'event.id': 'e-1' })]),
    ]);
    expect(report.quarantined).toMatchObject([
      { reason: 'event_conflict', signals: 1, samples: [{ origin: 'request 2', value: '2' }] },
    ]);
    expect(JSON.stringify(report.quarantined[0].samples[0].signal)).toContain('e-1');
    expect(table(report.totals)).toEqual([[null, 'orders', '1', null, '1']]);
  });
});

describe('bounds', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => logsRequest([order(index + 1, `c-${index}`, index)]));

  test('it looks at so many signals and says so', async () => {
    const report = await run(ORDERS, many(10), {}, { maxSignals: 4 });
    expect(report).toMatchObject({ signals: 4, stoppedBy: 'max_signals' });
    expect(await run(ORDERS, many(4), {}, { maxSignals: 4 })).toMatchObject({ stoppedBy: null });
  });

  test('for so long', async () => {
    const report = await run(ORDERS, many(10), {}, { timeLimitMs: -1 });
    expect(report).toMatchObject({ signals: 0, matched: 0, stoppedBy: 'time_limit' });
  });

  test('it tells of so many customers, and totals of all', async () => {
    const inForce = { ...ORDERS, value: { constant: '1' } };
    const report = await run(ORDERS, many(10), { meters: [meter(inForce)] }, { maxCustomers: 3 });
    expect(table(report.customers)).toEqual([
      ['c-2', 'orders', '2', '1', '1'],
      ['c-0', 'orders', '0', '1', '-1'],
      ['c-1', 'orders', '1', '1', '0'],
    ]);
    expect(report.hasMoreCustomers).toBe(true);
    expect(table(report.totals)).toEqual([[null, 'orders', '45', '10', '35']]);
  });

  test('what is no request is named and left out', async () => {
    async function* frames() {
      yield* framesOf(many(1));
      yield { origin: 'f.jsonl:2', problem: 'is no JSON' };
      for await (const frame of framesOf(many(1)))
        yield { ...frame, payload: Buffer.from('{"resourceLogs":7}'), origin: 'f.jsonl:3' };
      yield* framesOf(many(1));
    }
    const report = await run(ORDERS, [], {}, { frames: frames() });
    expect(report).toMatchObject({
      requests: 2,
      matched: 2,
      unreadable: {
        requests: 2,
        samples: [{ origin: 'f.jsonl:2', message: 'is no JSON' }, { origin: 'f.jsonl:3' }],
      },
    });
  });

  test('an aborted run leaves nothing behind', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    async function* frames() {
      for await (const frame of framesOf(many(50))) {
        if (seen.push(seen.length) === 20) {
          expect(await readdir(scratchParent)).toHaveLength(1);
          stop.abort(new Error('enough'));
        }
        yield frame;
      }
    }
    await expect(run(ORDERS, [], {}, { frames: frames(), signal: stop.signal })).rejects.toThrow('enough');
    expect(seen).toHaveLength(20);
    expect(await readdir(scratchParent)).toEqual([]);
  });

  test('a source that fails is told of, and leaves nothing behind', async () => {
    // biome-ignore lint/correctness/useYield: it fails before
    async function* frames() {
      throw new Error('the disk is gone');
    }
    await expect(run(ORDERS, [], {}, { frames: frames() })).rejects.toThrow('the disk is gone');
    expect(await readdir(scratchParent)).toEqual([]);
  });
});
