/**
 * Every reason for quarantine over the API of a receiver in a process of its own: shown with the signal as it came,
 * repaired, replayed to the exact total, and the same after a crash and in a rebuilt ledger.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scaledFromText, textFromScaled } from '../../../storage/decimal.ts';
import { type ReceiverProcess, runCommand, startReceiver } from '../../support/receiver-process.ts';
import { ApiClient, logRequest } from './api-client.ts';

let dataDir: string;
let receiver: ReceiverProcess;
let api: ApiClient;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-quarantine-'));
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

const SECOND = 1_000_000_000n;
const NOW = BigInt(Date.now()) * 1_000_000n;
const TIME = String(NOW - 60n * SECOND);
const START = String(NOW - 120n * SECOND);
const RFC_3339 = new Date(Number(NOW / 1_000_000n) - 30_000).toISOString();

interface KeyValue {
  key: string;
  value: object;
}
const text = (key: string, stringValue: string): KeyValue => ({ key, value: { stringValue } });
const of = (customer: string) => [text('usage.customer.id', customer)];
const DELTA = { aggregationTemporality: 1, isMonotonic: true };
const CUMULATIVE = { aggregationTemporality: 2, isMonotonic: true };

const resource = { attributes: [text('service.name', 'shop'), text('service.instance.id', 'i-1')] };
const metric = (dimension: string, data: object, unit = '1') => ({
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [{ scope: { name: 's' }, metrics: [{ name: `usage.${dimension}`, unit, ...data }] }],
    },
  ],
});
const point = (fields: object = {}) => ({
  attributes: of('cust'),
  startTimeUnixNano: START,
  timeUnixNano: TIME,
  asInt: '5',
  ...fields,
});
const sum = (dimension: string, fields: object = {}, kind: object = DELTA, unit = '1') =>
  metric(dimension, { sum: { dataPoints: [point(fields)], ...kind } }, unit);
const gauge = (dimension: string) => metric(dimension, { gauge: { dataPoints: [point()] } });

interface Case {
  reason: string;
  /** What comes, in this order. */
  send: (dimension: string) => object[];
  /** What people do first. */
  prepare?: (dimension: string) => Promise<unknown>;
  repair?: (dimension: string) => Promise<unknown>;
  /** What they say it should have been; else it is judged again by what is known now. */
  correction?: (dimension: string) => object;
  /** What counts before and after. */
  before?: string;
  after: string;
}

const put = async (path: string, body: object) => {
  const { status } = await api.put(path, body);
  expect([200, 201]).toContain(status);
};

const CASES: Case[] = [
  {
    reason: 'sdk_overflow',
    send: (d) => [sum(d, { attributes: [{ key: 'otel.metric.overflow', value: { boolValue: true } }] })],
    correction: () => ({ customerId: 'cust' }),
    after: '5',
  },
  {
    reason: 'missing_customer',
    send: (d) => [sum(d, { attributes: [] })],
    correction: () => ({ customerId: 'cust' }),
    after: '5',
  },
  {
    reason: 'duplicate_attribute',
    send: (d) => [sum(d, { attributes: [...of('cust'), ...of('other')] })],
    correction: (dimensionId) => ({ customerId: 'cust', dimensionId }),
    after: '5',
  },
  {
    reason: 'time_zero',
    send: (d) => [sum(d, { startTimeUnixNano: '0', timeUnixNano: '0' })],
    correction: () => ({ timestamp: RFC_3339 }),
    after: '5',
  },
  {
    reason: 'start_after_time',
    send: (d) => [sum(d, { startTimeUnixNano: TIME, timeUnixNano: START })],
    correction: () => ({ startTime: null }),
    after: '5',
  },
  {
    reason: 'time_in_future',
    send: (d) => [sum(d, { timeUnixNano: String(NOW + 86_400n * SECOND) })],
    correction: () => ({ timestamp: RFC_3339 }),
    after: '5',
  },
  {
    reason: 'no_value',
    send: (d) => [sum(d, { asInt: undefined })],
    correction: () => ({ recordValue: 7 }),
    after: '7',
  },
  {
    reason: 'not_a_number',
    send: (d) => [sum(d, { asInt: undefined, asDouble: 'NaN' })],
    correction: () => ({ recordValue: '0.5' }),
    after: '0.5',
  },
  {
    reason: 'infinite',
    send: (d) => [sum(d, { asInt: undefined, asDouble: 'Infinity' })],
    correction: () => ({ recordValue: '3' }),
    after: '3',
  },
  {
    reason: 'out_of_range',
    send: (d) => [sum(d, { asInt: undefined, asDouble: 1e30 })],
    correction: () => ({ recordValue: '3' }),
    after: '3',
  },
  {
    reason: 'unspecified_temporality',
    send: (d) => [sum(d, {}, { aggregationTemporality: 0, isMonotonic: true })],
    repair: (d) =>
      put(`/meters/${d}`, {
        signals: ['metrics'],
        match: { all: [{ path: 'metric.name', eq: `usage.${d}` }] },
        customer: 'attributes["usage.customer.id"]',
        dimension: d,
        temporality: 'delta',
        replaces: ['builtin'],
      }),
    after: '5',
  },
  {
    reason: 'unsupported_kind',
    send: (d) => [
      metric(d, {
        histogram: {
          dataPoints: [point({ asInt: undefined, count: '4', sum: 9 })],
          aggregationTemporality: 1,
        },
      }),
    ],
    repair: (d) =>
      put(`/meters/${d}`, {
        signals: ['metrics'],
        match: { all: [{ path: 'metric.name', eq: `usage.${d}` }] },
        customer: 'attributes["usage.customer.id"]',
        dimension: d,
        value: 'sum',
        replaces: ['builtin'],
      }),
    after: '9',
  },
  {
    reason: 'negative_monotonic',
    send: (d) => [sum(d, { asInt: '-5' })],
    correction: () => ({ recordValue: '5' }),
    after: '5',
  },
  {
    reason: 'other_temporality',
    send: (d) => [sum(d), sum(d, { asInt: '6' }, CUMULATIVE)],
    correction: () => ({ recordValue: '1' }),
    before: '5',
    after: '6',
  },
  {
    reason: 'mixed_start',
    send: (d) => [
      sum(d, { timeUnixNano: START }, CUMULATIVE),
      sum(d, { startTimeUnixNano: '0', asInt: '8' }, CUMULATIVE),
    ],
    correction: () => ({ recordValue: '3' }),
    after: '3',
  },
  {
    reason: 'unknown_dimension',
    send: (d) => [gauge(d)],
    repair: (d) => put(`/dimensions/${d}`, { aggregation: 'max' }),
    after: '5',
  },
  {
    reason: 'wrong_unit',
    prepare: (d) => put(`/dimensions/${d}`, { unit: 's' }),
    send: (d) => [sum(d, {}, DELTA, 'By')],
    repair: (d) => put(`/dimensions/${d}`, { unit: 'bit' }),
    after: '40',
  },
  {
    reason: 'level_into_sum',
    prepare: (d) => put(`/dimensions/${d}`, {}),
    send: (d) => [gauge(d)],
    repair: (d) => put(`/dimensions/${d}`, { aggregation: 'last' }),
    after: '5',
  },
  {
    reason: 'credits_not_allowed',
    prepare: (d) => put(`/dimensions/${d}`, {}),
    send: (d) => [sum(d, { asInt: '-5' }, { aggregationTemporality: 1, isMonotonic: false })],
    repair: (d) => put(`/dimensions/${d}`, { creditsAllowed: true }),
    after: '-5',
  },
  {
    reason: 'baseline',
    send: (d) => [
      sum(d, { timeUnixNano: START, asInt: '100' }, CUMULATIVE),
      sum(d, { asInt: '225' }, CUMULATIVE),
    ],
    correction: () => ({ recordValue: '40' }),
    before: '125',
    after: '165',
  },
  {
    reason: 'id_too_long',
    send: (d) => [sum(d, { attributes: of('x'.repeat(1025)) })],
    correction: () => ({ customerId: 'cust' }),
    after: '5',
  },
];

const dimensionOf = (reason: string) => `q.${reason}`;
const ALWAYS = 'from=2000-01-01&to=2200-01-01';

/** The sum of the records of a customer in a dimension, whatever the dimension makes of them. */
async function recorded(customerId: string, dimensionId: string): Promise<string> {
  const { rows } = (await api.get(`/records?${ALWAYS}&customerId=${customerId}&dimensionId=${dimensionId}`))
    .body;
  return sumOf(rows);
}

function sumOf(rows: { recordValue: string }[]): string {
  return textFromScaled(rows.reduce((total, { recordValue }) => total + scaledFromText(recordValue)!, 0n));
}

/** Records and quarantine, as the API tells them. */
async function everything() {
  const { rows: records } = (await api.get(`/records?${ALWAYS}`)).body;
  const { rows: open } = (await api.get('/quarantine')).body;
  const { completeUntil: _completeUntil, ...resolved } = (await api.get('/quarantine/resolved')).body;
  const byId = (a: { recordId: string }, b: { recordId: string }) => (a.recordId < b.recordId ? -1 : 1);
  return { records: records.toSorted(byId), open, resolved };
}

describe.each(CASES)('$reason', ({ reason, send, prepare, repair, correction, before = '0', after }) => {
  const dimension = dimensionOf(reason);

  test('is shown with the signal as it came', async () => {
    await prepare?.(dimension);
    const requests = send(dimension);
    for (const request of requests) await api.otlp('metrics', request);
    // Listed once, however often it comes.
    await api.otlp('metrics', requests.at(-1)!);
    expect(await recorded('cust', dimension)).toBe(before);
    const { rows } = (await api.get(`/quarantine?reason=${reason}&dimensionId=${dimension}`)).body;
    expect(rows.map((row: { signals: number }) => row.signals)).toEqual([1]);
    const shown = (await api.get(`/quarantine/signals?reason=${reason}&dimensionId=${dimension}`)).body.rows;
    expect(shown).toHaveLength(1);
    const [one] = shown;
    expect(one).toMatchObject({ reason, meterId: 'builtin', id: `${one.sequence}.${one.ordinal}.builtin` });
    const { name } = one.signal.resourceMetrics[0].scopeMetrics[0].metrics[0];
    expect(name).toBe(`usage.${dimension}`);
  });

  test('is repaired, and counts once at its own time', async () => {
    await repair?.(dimension);
    const selection = {
      reason,
      dimensionId: dimension,
      note: 'repaired in a test',
      ...(correction ? { correction: correction(dimension) } : {}),
    };
    const dry = await api.post('/quarantine/replay', { ...selection, dryRun: true });
    expect([dry.status, dry.body]).toEqual([200, { dryRun: true, signals: 1 }]);
    const replayed = await api.post('/quarantine/replay', selection);
    expect([replayed.status, replayed.body]).toEqual([
      200,
      { signals: 1, counted: 1, quarantined: [], untouched: 0 },
    ]);
    expect(await recorded('cust', dimension)).toBe(after);
    expect((await api.get(`/quarantine?reason=${reason}&dimensionId=${dimension}`)).body.rows).toEqual([]);

    // Neither another replay nor another delivery counts it again.
    expect((await api.post('/quarantine/replay', selection)).body.signals).toBe(0);
    await api.otlp('metrics', send(dimension).at(-1)!);
    expect(await recorded('cust', dimension)).toBe(after);
    expect((await api.get(`/quarantine?reason=${reason}&dimensionId=${dimension}`)).body.rows).toEqual([]);
  });
});

describe('event_conflict', () => {
  const dimension = dimensionOf('event_conflict');
  const log = (value: number) =>
    logRequest([
      {
        attributes: {
          'usage.customer.id': 'cust',
          'usage.dimension.id': dimension,
          'usage.event.id': 'e-1',
          'usage.value': value,
        },
        timeUnixNano: BigInt(TIME),
      },
    ]);

  test('is shown, and counts beside the first one when a person says so', async () => {
    await api.otlp('logs', log(5));
    await api.otlp('logs', log(7));
    await api.otlp('logs', log(7));
    expect(await recorded('cust', dimension)).toBe('5');
    const [row] = (await api.get('/quarantine/signals?reason=event_conflict')).body.rows;
    expect(row).toMatchObject({ value: '7', dimensionId: dimension });
    expect(row.signal).toMatchObject({
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: TIME }] }] }],
    });
    // Judged again it conflicts again.
    const again = await api.post('/quarantine/replay', { ids: [row.id] });
    expect(again.body).toEqual({
      signals: 1,
      counted: 0,
      quarantined: [{ reason: 'event_conflict', signals: 1 }],
      untouched: 0,
    });
    const { body } = await api.post('/quarantine/replay', {
      ids: [row.id],
      correction: { recordValue: '7' },
    });
    expect(body).toEqual({ signals: 1, counted: 1, quarantined: [], untouched: 0 });
    await api.otlp('logs', log(7));
    expect(await recorded('cust', dimension)).toBe('12');
  });
});

describe('aliases and dismissals', () => {
  const dimension = dimensionOf('dismissed');

  test('a dismissed signal is listed no more, also when it comes again', async () => {
    const bad = sum(dimension, { attributes: [] });
    await api.otlp('metrics', bad);
    const dry = await api.post('/quarantine/dismiss', { dimensionId: dimension, note: 'n', dryRun: true });
    expect(dry.body).toEqual({ dryRun: true, signals: 1 });
    const { status, body } = await api.post('/quarantine/dismiss', {
      reason: ['missing_customer', 'time_zero'],
      dimensionId: [dimension],
      customerId: null,
      note: 'a load test of ours',
    });
    expect([status, body]).toEqual([200, { dismissed: 1 }]);
    await api.otlp('metrics', bad);
    expect((await api.get(`/quarantine?dimensionId=${dimension}`)).body.rows).toEqual([]);
    const [row] = (await api.get(`/quarantine/signals?dimensionId=${dimension}&resolution=dismissed`)).body
      .rows;
    expect(row).toMatchObject({ resolution: 'dismissed', note: 'a load test of ours' });
    const resolved = (await api.get(`/quarantine/resolved?dimensionId=${dimension}`)).body;
    expect(resolved).toMatchObject({ open: 0, corrected: 0, dismissed: 1 });
  });

  test('what a correction leaves open stays, and is said to', async () => {
    await api.otlp('metrics', sum(dimension, { attributes: [], asInt: '77' }));
    const { body } = await api.post('/quarantine/replay', {
      dimensionId: dimension,
      correction: { recordValue: 1 },
    });
    expect(body).toEqual({ signals: 1, counted: 0, quarantined: [], untouched: 1 });
    expect((await api.get(`/quarantine?dimensionId=${dimension}`)).body.rows).toHaveLength(1);
  });
});

test.each([
  // path         body                                                   path at fault
  ['replay', { correction: { customerId: 'a' } }, ''],
  ['replay', { ids: [], correction: { customerId: 'a' } }, ''],
  ['replay', { reason: 'time_zero', correction: {} }, 'correction'],
  ['replay', { reason: 'time_zero', correction: { customerId: '' } }, 'correction.customerId'],
  ['replay', { reason: 'time_zero', correction: { timestamp: 'now' } }, 'correction.timestamp'],
  ['replay', { reason: 'time_zero', correction: { recordValue: '1e5' } }, 'correction.recordValue'],
  ['replay', { reason: 'boredom' }, 'reason'],
  ['replay', { ids: ['x'] }, 'ids'],
  ['replay', { colour: 'red' }, 'colour'],
  ['replay', { from: '2026-01-02', to: '2026-01-01' }, 'to'],
  ['dismiss', { note: 'n' }, ''],
  ['dismiss', { reason: 'time_zero' }, 'note'],
  ['dismiss', { reason: 'time_zero', note: '' }, 'note'],
])('%s of %j is refused', async (path, body, at) => {
  const refused = await api.post(`/quarantine/${path}`, body);
  expect([refused.status, refused.body.errors?.[0].path]).toEqual([400, at]);
});

test('signals come by pages of at most 100, each as it came', async () => {
  const dimension = dimensionOf('pages');
  const dataPoints = Array.from({ length: 250 }, (_, i) => point({ attributes: [], asInt: String(i) }));
  await api.otlp('metrics', metric(dimension, { sum: { dataPoints, ...DELTA } }));
  const values: string[] = [];
  let cursor = '';
  do {
    const { body } = await api.get(`/quarantine/signals?dimensionId=${dimension}&limit=500${cursor}`);
    expect(body.rows.length).toBeLessThanOrEqual(100);
    for (const { signal, quantity } of body.rows) {
      const [{ asInt }] = signal.resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints;
      expect(asInt).toBe(quantity);
      values.push(asInt);
    }
    cursor = body.nextCursor === null ? '' : `&cursor=${body.nextCursor}`;
  } while (cursor !== '');
  expect(values.map(Number)).toEqual(dataPoints.map((_, i) => i));
  const { body } = await api.post('/quarantine/dismiss', { dimensionId: dimension, note: 'n' });
  expect(body).toEqual({ dismissed: 250 });
});

test('signals of many frames are replayed together', async () => {
  const dimension = dimensionOf('frames');
  // More frames than one change looks at.
  const requests = Array.from({ length: 300 }, (_, i) =>
    sum(dimension, { attributes: of(`lost-${i}`), asInt: '-1' }),
  );
  await Promise.all(requests.map((request) => api.otlp('metrics', request)));
  const correction = { customerId: 'cust', recordValue: '2' };
  const { body } = await api.post('/quarantine/replay', { dimensionId: dimension, correction });
  expect(body).toEqual({ signals: 300, counted: 300, quarantined: [], untouched: 0 });
  expect(await recorded('cust', dimension)).toBe('600');
});

test('all of it is the same after a crash and in a rebuilt ledger', async () => {
  const before = await everything();
  for (const { reason, after } of CASES) {
    const ofReason = (record: { dimensionId: string }) => record.dimensionId === dimensionOf(reason);
    expect([reason, sumOf(before.records.filter(ofReason))]).toEqual([reason, after]);
  }
  await receiver.kill();
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
  expect(await everything()).toEqual(before);
  await receiver.stop();
  await runCommand(['rebuild', '--data-dir', dataDir]);
  receiver = await startReceiver({ dataDir });
  api = new ApiClient(receiver.url);
  expect(await everything()).toEqual(before);
});
