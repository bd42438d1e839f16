/** The questions about resources, events and quarantine, over a ledger that its own loader filled. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LedgerChange } from '../../../storage/changes.ts';
import {
  parseCustomersQuery,
  parseDimensionsQuery,
  parseMetersQuery,
  parseQuarantineQuery,
  parseQuarantineSignalsQuery,
  parseRecordsQuery,
  runQuery,
  signalId,
} from '../../../storage/query/index.ts';
import { CustomerDeclaration, DimensionDeclaration } from '../../../storage/resources.ts';
import { at, BatchWriter, eventKey, type TestPoint } from '../duckdb/batches.ts';
import { MemoryLedger } from '../duckdb/memory-ledger.ts';

let ledger: MemoryLedger;
let writer: BatchWriter;
beforeEach(async () => {
  ledger = await MemoryLedger.open();
  writer = new BatchWriter();
});
afterEach(() => ledger.close());

function event(id: string, customer: string, value: string, more: Partial<TestPoint> = {}): TestPoint {
  return { series: `of ${customer}`, customer, role: 'event', event: id, time: at(1), value, ...more };
}

const change = async (changes: LedgerChange[], points: TestPoint[] = []) =>
  await ledger.load(writer.changes(changes, points));

const put = (id: string, aliases: string[] = []): LedgerChange => ({
  type: 'customer_put',
  customer: CustomerDeclaration.parse({ id, aliases }),
  managedBy: 'api',
});

const customers = async () =>
  (await runQuery(ledger.connection, { type: 'customers', query: parseCustomersQuery([], 0n) })).rows;

test('a customer is discovered, declared, merged with an alias and deleted', async () => {
  await ledger.load(writer.batch([event('1', 'acme', '1'), event('2', 'acme-eu', '2')]));
  expect(await customers()).toMatchObject([
    { id: 'acme', discovered: true, managedBy: null },
    { id: 'acme-eu', discovered: true },
  ]);

  await change([put('acme', ['acme-eu'])]);
  expect(await customers()).toMatchObject([
    { id: 'acme', discovered: false, managedBy: 'api', aliases: ['acme-eu'] },
  ]);
  const { records } = await runQuery(ledger.connection, {
    type: 'eventKeys',
    query: { eventKeys: [eventKey('2'), eventKey('1')] },
  });
  expect(records).toMatchObject([
    { customerId: 'acme', recordValue: '2' },
    { customerId: 'acme', recordValue: '1' },
  ]);

  await change([{ type: 'customer_deleted', id: 'acme' }]);
  expect(await customers()).toEqual([]);
  expect(await runQuery(ledger.connection, { type: 'customer', query: 'acme' })).toBeNull();
  // Its usage is still its own.
  expect(await runQuery(ledger.connection, { type: 'hasUsage', query: { customerId: 'acme' } })).toEqual({
    hasUsage: true,
  });
});

test('a dimension and a meter are as they were declared', async () => {
  const dimension = DimensionDeclaration.parse({
    id: 'disk',
    name: 'Disk',
    unit: 'GBy.h',
    aggregation: 'time_integral',
    levelTtl: 3600,
    interval: 'hour',
    usageIncrement: '0.000000000001',
    unitPrice: '-1.5',
    rounding: 'floor',
    creditsAllowed: true,
  });
  const meter = (version: number): LedgerChange => ({
    type: 'meter_put',
    id: 'disks',
    version,
    rule: JSON.stringify({ id: 'disks', name: `rule ${version}` }),
    managedBy: 'file',
    sinceUnixNano: at(version),
  });
  await change([{ type: 'dimension_put', dimension, managedBy: 'file' }, meter(1)]);
  await change([meter(2)]);

  const dimensions = await runQuery(ledger.connection, {
    type: 'dimensions',
    query: parseDimensionsQuery([['q', 'di']], 0n),
  });
  expect(dimensions.rows).toEqual([
    { ...dimension, discovered: false, managedBy: 'file', records: 0, lastSeen: null },
  ]);
  const version = (number: number) => ({
    version: number,
    rule: { id: 'disks', name: `rule ${number}` },
    managedBy: 'file',
    sequence: number,
    deletedSequence: null,
  });
  expect(await runQuery(ledger.connection, { type: 'meter', query: 'disks' })).toMatchObject({
    id: 'disks',
    ...version(2),
    since: '2023-11-14T22:13:22Z',
    deleted: false,
    versions: [version(2), version(1)],
  });

  await change([{ type: 'meter_deleted', id: 'disks' }]);
  const meters = async (params: [string, string][]) =>
    (await runQuery(ledger.connection, { type: 'meters', query: parseMetersQuery(params) })).rows;
  expect(await meters([])).toEqual([]);
  expect(await meters([['deleted', 'true']])).toMatchObject([{ version: 2, deleted: true }]);
});

test('signals are listed by where they stand in the journal, until somebody settles them', async () => {
  const future = (id: string, customer: string | null, value: string) =>
    event(id, customer ?? 'nobody', value, {
      customer,
      code: customer === null ? 'missing_customer' : 'time_in_future',
      series: `bad ${customer}`,
      dimension: 'api.requests',
    });
  await ledger.load(
    writer.batch([event('1', 'acme', '1')], [future('2', 'acme', '2'), future('3', null, '3')]),
  );
  await ledger.load(writer.batch([future('4', 'acme', '4')]));
  const signals = async (params: [string, string][] = []) => {
    const query = parseQuarantineSignalsQuery(params);
    const { rows } = await runQuery(ledger.connection, { type: 'quarantineSignals', query });
    const references = await runQuery(ledger.connection, { type: 'quarantineReferences', query });
    expect(references.signals.map(signalId)).toEqual(rows.map(({ id }) => id));
    return rows.map(({ id, reason, value }) => `${id} ${reason} ${value}`);
  };
  const all = await signals();
  expect(all).toEqual([
    '2.0.builtin time_in_future 2',
    '2.1.builtin missing_customer 3',
    '3.0.builtin time_in_future 4',
  ]);

  await change([
    {
      type: 'quarantine_dismissed',
      signals: [{ sequence: 2, ordinal: 0, meterId: 'builtin' }],
      reason: null,
      meterId: null,
      note: 'a test',
    },
    {
      type: 'quarantine_corrected',
      signals: [{ sequence: 2, ordinal: 1, meterId: 'builtin' }],
      note: null,
    },
  ]);
  expect(await signals()).toEqual([all[2]]);
  expect(await signals([['resolution', 'dismissed']])).toEqual([all[0]]);
  expect(await signals([['resolution', 'corrected']])).toEqual([all[1]]);
  const query = parseQuarantineQuery([]);
  expect(await runQuery(ledger.connection, { type: 'quarantineResolutions', query })).toEqual({
    open: 1,
    corrected: 1,
    dismissed: 1,
  });
  const { rows } = await runQuery(ledger.connection, { type: 'quarantine', query });
  expect(rows).toMatchObject([{ reason: 'time_in_future', customerId: 'acme', signals: 1, quantity: '4' }]);
});

test('a record is found by its id before and after it was voided', async () => {
  await ledger.load(writer.batch([event('1', 'acme', '1'), event('2', 'acme', '2')]));
  const query = parseRecordsQuery([
    ['from', '2020-01-01'],
    ['to', '2030-01-01'],
  ]);
  const { rows } = await runQuery(ledger.connection, { type: 'records', query });
  expect(rows.map(({ recordValue }) => recordValue)).toEqual(['1', '2']);
  const { recordId } = rows[0];
  const found = await runQuery(ledger.connection, { type: 'record', query: recordId });
  expect(found).toEqual({ ...rows[0], sequence: 1, voided: null });

  await change([
    {
      type: 'record_corrected',
      recordId,
      timeUnixNano: String(at(1)),
      reason: 'counted by hand too',
      replacement: null,
    },
  ]);
  const voided = { reason: 'counted by hand too', replaced: false, at: expect.any(String), sequence: 2 };
  expect(await runQuery(ledger.connection, { type: 'record', query: recordId })).toEqual({
    ...found,
    voided,
  });
  expect((await runQuery(ledger.connection, { type: 'records', query })).rows).toEqual([rows[1]]);
  expect(
    await runQuery(ledger.connection, { type: 'eventKeys', query: { eventKeys: [eventKey('1')] } }),
  ).toEqual({ records: [{ ...found, voided }] });
  expect(await runQuery(ledger.connection, { type: 'counts' })).toMatchObject({ records: 1, events: 1 });
});
