/**
 * Logs that an application writes anyway become usage: the real OpenTelemetry JS SDK and its exporters, meters made over
 * the API, and a receiver in a process of its own that is stopped and killed meanwhile.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { OTLPLogExporter as JsonExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtobufExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decimalText, scaledOfDecimal, scaledQuantity } from '../model/usage-model.ts';
import { type CapturedRequest, startCaptureProxy } from '../support/capture-proxy.ts';
import { type PreparedRequest, sendInterrupted } from '../support/interrupted-sending.ts';
import { compareLedgers } from '../support/ledger-comparison.ts';
import { EventReader, encodeEvents, eventMessage, type LooseEvent } from '../support/otlp-events.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { readQuarantine, readTotals } from '../support/receiver-api.ts';
import { ledgerPath, type ReceiverProcess, runCommand, startReceiver } from '../support/receiver-process.ts';
import { ApiClient } from './api/api-client.ts';

const METERS = [
  {
    id: 'exports',
    signals: ['logs'],
    match: { all: [{ path: 'event_name', eq: 'report.exported' }] },
    customer: ['attributes["tenant.id"]', 'resource["tenant.id"]'],
    dimension: 'exported_rows',
    value: { path: 'attributes["rows"]' },
    unit: '{row}',
    metadata: ['format'],
  },
  {
    id: 'orders',
    signals: ['logs'],
    match: { all: [{ path: 'body.kind', eq: 'order' }], none: [{ path: 'body.test', eq: true }] },
    customer: 'body.customer.id',
    dimension: 'turnover',
    value: { path: 'body.order.amount' },
    metadata: { country: 'body.customer.country' },
    eventId: 'body.order.id',
  },
  {
    id: 'jobs',
    signals: ['logs'],
    match: { all: [{ path: 'body.msg', regex: '^job (done|failed)$' }] },
    customer: 'body.tenant',
    dimension: 'job_minutes',
    value: { path: 'body.seconds' },
    unit: 's',
    eventId: 'none',
  },
];
const CUSTOMERS = ['acme', 'globex', 'Zürich & Söhne', '0042'];
const SECONDS_2026_03 = 1_772_323_200;
const RANGE = ['2026-03-01', '2026-04-01'] as const;

type LogRecord = Parameters<ReturnType<LoggerProvider['getLogger']>['emit']>[0];

interface EmittedLog {
  /** Of what the meter shall make of it; null: none claims it. */
  customer: string | null;
  dimension: string;
  /** × 10^12, in the dimension's unit. */
  quantity: bigint;
  record: LogRecord;
}

/** Values that doubles and hasty code get wrong: beyond 2^53, with twelve places, 0.1. */
function decimalOf(random: Random): string {
  return random.pick([
    '0.1',
    '0.2',
    '9007199254740993',
    '12345678901234567890.123456789012',
    '0.000000000001',
    '-0.000000000001',
    '7',
    '007.50',
    `${random.integer(0, 999)}.${random.integer(0, 999_999)}`,
  ]);
}

/** A log of each kind, by its number; what it comes to is said here and nowhere else. */
function randomLog(random: Random, number: number): EmittedLog {
  const customer = random.pick(CUSTOMERS);
  switch (number % 4) {
    case 0: {
      const rows = random.pick([1, 0.1, 0.30000000000000004, 9007199254740991, random.integer(0, 1e9)]);
      const withId = random.chance(0.5) ? { 'log.record.uid': `export-${number}` } : {};
      const attributes = { 'tenant.id': customer, rows, format: random.pick(['csv', 'pdf']), ...withId };
      return {
        customer,
        dimension: 'exported_rows',
        quantity: scaledQuantity(Number.isInteger(rows) ? BigInt(rows) : rows)!,
        record: { eventName: 'report.exported', body: `export ${number} is ready`, attributes },
      };
    }
    case 1: {
      const amount = random.chance(0.5) ? decimalOf(random) : random.integer(0, 10_000) / 100;
      const order = { id: `order-${number}`, amount, lines: [1, 'two', { three: 3 }] };
      return {
        customer,
        dimension: 'turnover',
        quantity: typeof amount === 'string' ? scaledOfDecimal(amount) : scaledQuantity(amount)!,
        record: { body: { kind: 'order', order, customer: { id: customer, country: 'CH' } } },
      };
    }
    case 2: {
      // A bare number of any length, as some loggers write it; minutes that divide exactly.
      const minutes = random.pick(['0.1', '123456789012345678.5', '42', String(random.integer(1, 500))]);
      const seconds = decimalText(scaledOfDecimal(minutes) * 60n);
      const body = `{"msg":"job done","n":${number},"tenant":${JSON.stringify(customer)},"seconds":${seconds}}`;
      return {
        customer,
        dimension: 'job_minutes',
        quantity: scaledOfDecimal(minutes),
        record: { body },
      };
    }
    default:
      return {
        customer: null,
        dimension: '',
        quantity: 0n,
        record: random.pick([
          { body: 'server started' },
          { body: `{"msg":"job done", ${number}` },
          { body: { kind: 'order', test: true, order: { id: 'x', amount: 5 }, customer: { id: customer } } },
          { eventName: 'report.started', attributes: { 'tenant.id': customer, rows: 5 } },
        ]),
      };
  }
}

let dataDir: string;
let receiver: ReceiverProcess;
let captured: CapturedRequest[];
let loose: LooseEvent[];
let expected: Map<string, string>;
const seed = seedFromEnvironment(Date.now() % 1_000_000);
const random = new Random(seed);

/** Every log by every exporter: the SDK's own four deliveries of the same record. */
async function exportLogs(url: string, logs: readonly EmittedLog[]): Promise<void> {
  const compressions = [CompressionAlgorithm.NONE, CompressionAlgorithm.GZIP];
  const exporters = compressions.flatMap((compression) => [
    new JsonExporter({ url, compression }),
    new ProtobufExporter({ url, compression }),
  ]);
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', 'service.instance.id': 'shop-1' }),
    processors: exporters.map(
      (exporter) => new BatchLogRecordProcessor({ exporter, maxExportBatchSize: 70, maxQueueSize: 10_000 }),
    ),
  });
  for (const [number, { record }] of logs.entries()) {
    provider.getLogger(`logger-${number % 3}`, '1.0.0').emit({
      ...record,
      timestamp: [SECONDS_2026_03 + number, 123_456_000 + number],
      severityNumber: 9,
      severityText: 'INFO',
    });
  }
  await provider.forceFlush();
  await provider.shutdown();
}

const totals = () => readTotals(receiver.url, ...RANGE);
const quarantine = async () =>
  (await readQuarantine(receiver.url)).map(
    ({ reason, meterId, signals }) => `${reason} ${meterId} ${signals}`,
  );

function sameRequest(one: CapturedRequest): PreparedRequest {
  const headers = { 'content-type': one.mediaType, ...(one.isGzip && { 'content-encoding': 'gzip' }) };
  return { path: '/v1/logs', headers, body: one.raw };
}

function newRequest(events: readonly LooseEvent[]): PreparedRequest {
  const format = random.pick(['protobuf', 'json'] as const);
  const plain = encodeEvents('logs', events, format, random.integer(1, 1e6));
  const headers = { 'content-type': format === 'json' ? 'application/json' : 'application/x-protobuf' };
  return random.chance(0.5)
    ? { path: '/v1/logs', headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(plain) }
    : { path: '/v1/logs', headers, body: plain };
}

/** Requests of any size out of the events in any order: what was one becomes many, and many become one. */
function regrouped(events: readonly LooseEvent[], largest: number): PreparedRequest[] {
  const shuffled = random.shuffled(events);
  const requests: PreparedRequest[] = [];
  while (shuffled.length > 0) requests.push(newRequest(shuffled.splice(0, random.integer(1, largest))));
  return requests;
}

beforeAll(async () => {
  console.log(`log meters with seed ${seed}`);
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-log-meters-'));
  receiver = await startReceiver({ dataDir });
  const api = new ApiClient(receiver.url);
  for (const dimension of [
    { id: 'exported_rows', unit: '{row}' },
    { id: 'turnover', creditsAllowed: true },
    { id: 'job_minutes', unit: 'min' },
  ])
    expect((await api.post('/dimensions', dimension)).status).toBe(201);
  for (const meter of METERS) expect((await api.post('/meters', meter)).status).toBe(201);

  const logs = Array.from({ length: 400 }, (_, number) => randomLog(random, number));
  const sums = new Map<string, bigint>();
  for (const { customer, dimension, quantity } of logs) {
    if (customer === null) continue;
    const key = `${customer} / ${dimension}`;
    sums.set(key, (sums.get(key) ?? 0n) + quantity);
  }
  expected = new Map(
    [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, sum]) => [key, decimalText(sum)]),
  );

  await using proxy = await startCaptureProxy(() => receiver.url);
  await exportLogs(`${proxy.url}/v1/logs`, logs);
  captured = proxy.requests;
  const reader = new EventReader();
  loose = captured.flatMap(({ body, mediaType }) =>
    reader.read('logs', body, mediaType === 'application/json' ? 'json' : 'protobuf'),
  );
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

test('what the exporters of the SDK send is counted to the last decimal', async () => {
  expect(captured.every(({ status }) => status === 200)).toBe(true);
  // Each of the four wrote all records, in several requests.
  for (const mediaType of ['application/json', 'application/x-protobuf']) {
    for (const isGzip of [true, false]) {
      const own = captured.filter((one) => one.mediaType === mediaType && one.isGzip === isGzip);
      expect(own.length, `${mediaType} ${isGzip}`).toBeGreaterThan(4);
    }
  }
  expect(loose).toHaveLength(4 * 400);
  expect(await totals()).toEqual(expected);
  expect(await quarantine()).toEqual([]);
});

test('the same bodies again, in any order, between kills: the same totals', async () => {
  const requests = random.shuffled([...captured, ...captured]).map(sameRequest);
  const places = new Set([1, 3].map((third) => Math.floor((requests.length * third) / 4)));
  const outcome = await sendInterrupted(receiver, requests, places, random);
  receiver = outcome.receiver;
  expect(outcome.kills + outcome.restarts).toBe(2);
  expect(await totals()).toEqual(expected);
  expect(await quarantine()).toEqual([]);
});

test.each([
  ['records alone and in twos and threes', 3],
  ['records of many requests in one', 500],
])('regrouped: %s', async (_, largest) => {
  const requests = regrouped(loose, largest);
  const outcome = await sendInterrupted(
    receiver,
    requests,
    new Set([Math.floor(requests.length / 2)]),
    random,
  );
  receiver = outcome.receiver;
  expect(await totals()).toEqual(expected);
  expect(await quarantine()).toEqual([]);
});

describe('an id that comes again with other content', () => {
  const original = (uid: string) =>
    loose.find(({ event }) =>
      event.attributes.some(
        (one: { key: string; value: { stringValue?: string } }) => one.value.stringValue === uid,
      ),
    )!;
  const int = (value: number) => ({ intValue: String(value) });
  const text = (value: string) => ({ stringValue: value });
  const attributes = (changes: object) =>
    Object.entries({ 'tenant.id': text('acme'), rows: int(10), format: text('csv'), ...changes }).map(
      ([key, value]) => ({ key, value }),
    );
  const at = (nano: number) => `${SECONDS_2026_03 + 3600}${String(nano).padStart(9, '0')}`;
  const log = (changes: object, nano = 0): LooseEvent => ({
    ...loose[0],
    event: eventMessage('logs', {
      timeUnixNano: at(nano),
      eventName: 'report.exported',
      attributes: attributes({ 'log.record.uid': text('conflicting'), ...changes }),
    }),
  });

  test('is quarantined, and the first one holds', async () => {
    const due = new Map(expected);
    due.set(
      'acme / exported_rows',
      decimalText(scaledOfDecimal(expected.get('acme / exported_rows')!) + 10n ** 13n),
    );
    const conflicts = [
      log({ rows: int(11) }),
      log({ 'tenant.id': text('globex') }),
      log({ format: text('pdf') }),
      log({}, 1),
    ];
    // The first comes alone: whatever follows, together or not, changes nothing of it.
    for (const events of [[log({})], conflicts, [...conflicts, log({})], [conflicts[2]], [log({})]]) {
      const { receiver: same } = await sendInterrupted(receiver, [newRequest(events)], new Set(), random);
      expect(same).toBe(receiver);
      expect(await totals()).toEqual(due);
    }
    expected = due;
    const rows = await readQuarantine(receiver.url);
    expect(rows.map(({ reason, customerId, signals }) => ({ reason, customerId, signals }))).toEqual(
      expect.arrayContaining([
        { reason: 'event_conflict', customerId: 'acme', signals: 3 },
        { reason: 'event_conflict', customerId: 'globex', signals: 1 },
      ]),
    );
    expect(rows).toHaveLength(2);
  });

  test('also when it was the SDK that sent the first one', async () => {
    const uid = loose
      .flatMap(({ event }) => event.attributes)
      .find((one: { key: string }) => one.key === 'log.record.uid').value.stringValue;
    const { resource, scope, event } = original(uid);
    const later = eventMessage('logs', {
      ...event.toJSON(),
      timeUnixNano: String(BigInt(String(event.timeUnixNano)) + 1n),
    });
    const outcome = await sendInterrupted(
      receiver,
      regrouped([{ resource, scope, event: later }], 1),
      new Set(),
      random,
    );
    receiver = outcome.receiver;
    expect(await totals()).toEqual(expected);
    expect((await readQuarantine(receiver.url)).reduce((sum, { signals }) => sum + signals, 0)).toBe(5);
  });
});

test('records without an event id are known by their content and flagged; a rebuild says the same', async () => {
  await receiver.stop();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`ATTACH '${ledgerPath(dataDir)}' AS ledger (READ_ONLY)`);
  const reader = await connection.runAndReadAll(
    `SELECT meter_id, weak_identity, count(*)::INTEGER FROM ledger.usage_records GROUP BY ALL ORDER BY ALL`,
  );
  const counts = reader.getRows().map((row) => row.join(' '));
  connection.closeSync();
  instance.closeSync();
  const uids = new Set(
    loose.flatMap(({ event }) =>
      event.attributes
        .filter((one: { key: string }) => one.key === 'log.record.uid')
        .map((one: { value: { stringValue: string } }) => one.value.stringValue),
    ),
  );
  expect(counts).toEqual([
    `exports false ${uids.size + 1}`,
    `exports true ${100 - uids.size}`,
    'jobs true 100',
    'orders false 100',
  ]);

  const rebuilt = `${dataDir}-rebuilt`;
  cpSync(dataDir, rebuilt, {
    recursive: true,
    filter: (source) => !basename(source).startsWith('ledger.duckdb'),
  });
  await runCommand(['rebuild', '--data-dir', rebuilt]);
  const differences = await compareLedgers(ledgerPath(dataDir), ledgerPath(rebuilt));
  rmSync(rebuilt, { recursive: true });
  expect(differences.flatMap(({ examples }) => examples)).toEqual([]);
  receiver = await startReceiver({ dataDir });
  expect(await totals()).toEqual(expected);
});
