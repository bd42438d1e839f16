/** Why usage is what it is, over the API: records, what they were made of, and the bytes that came. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FRAME_LOGS, FRAME_METRICS, FRAME_TRACES } from '../../../receiver/frames.ts';
import { expectSumOfParts } from '../../storage/query/explain-sums.ts';
import { encodeEvents, looseEvent, type OtlpSpan } from '../../support/otlp-events.ts';
import { CUMULATIVE, type OtlpPoint, stream } from '../../support/otlp-points.ts';
import { ProtobufWriter, requestOf } from '../../support/otlp-writer.ts';
import { logRequest } from '../../system/api/api-client.ts';
import { ApiServer } from './api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await ApiServer.start();
});
afterAll(() => server.stop());

const PROTOBUF = { format: 'protobuf', compression: 'identity' } as const;
const writer = new ProtobufWriter();
const SECOND = 1_000_000_000n;
/** 2026-03-01T00:00:00Z */
const MARCH = 1_772_323_200n * SECOND;
const RANGE = 'from=2026-03-01&to=2026-04-01';

function point(customer: string, value: bigint | number, changes: Partial<OtlpPoint> = {}): OtlpPoint {
  return {
    stream: stream(),
    attributes: [['usage.customer.id', customer]],
    startUnixNano: MARCH,
    timeUnixNano: MARCH + 60n * SECOND,
    value,
    flags: 0,
    ...changes,
  };
}

async function send(points: readonly OtlpPoint[]): Promise<void> {
  await server.ingest.signals(FRAME_METRICS, writer.encode(requestOf(points)), PROTOBUF);
}

async function get(path: string) {
  const { status, body } = await server.client.get(path);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

const explained = (customer: string, dimension = 'api.requests', more = '') =>
  get(`/usage/explain?customerId=${customer}&dimensionId=${dimension}&${RANGE}${more}`);

test('a delta point: its record, its series, and the message that came', async () => {
  const neighbour = point('neighbour', 7n);
  const own = point('delta', 12n);
  await send([neighbour, own]);
  const answer = await explained('delta', 'api.requests', '&signals=true');
  expect(answer).toMatchObject({
    cell: { quantity: '12', records: 1 },
    steps: [{ text: 'the sum of the values: 1 record', value: '12' }],
    parts: [{ sum: '12', divisor: '1', quantity: '12', records: 1 }],
    carriedIn: null,
    nextCursor: null,
  });
  const [record] = answer.records;
  expect(record).toMatchObject({
    customerId: 'delta',
    recordValue: '12',
    contribution: '12',
    timestamp: '2026-03-01T00:01:00Z',
    startTime: '2026-03-01T00:00:00Z',
    meterId: 'builtin',
    flags: ['customer_discovered', 'dimension_discovered'],
    voided: null,
    replaces: null,
    corrects: null,
  });
  expect(answer.series).toMatchObject([
    {
      seriesHash: record.seriesHash,
      role: 'delta',
      metricName: 'usage.api.requests',
      scopeName: 'usage',
      kind: 'sum',
      temporality: 'delta',
    },
  ]);
  const { signal } = record;
  expect(signal).toMatchObject({
    sequence: record.sequence,
    ordinal: 1,
    kind: 'metric',
    contentType: 'application/x-protobuf',
    contentEncoding: 'identity',
  });
  const [metric] = signal.signal.resourceMetrics[0].scopeMetrics[0].metrics;
  expect(metric.sum.dataPoints[0]).toMatchObject({ asInt: '12', timeUnixNano: String(MARCH + 60n * SECOND) });
  const body = writer.encode(requestOf([neighbour, own]));
  const { of, offset, length, base64 } = signal.bytes;
  expect(of).toBe('message');
  expect(body.subarray(offset, offset + length).toString('base64')).toBe(base64);
  expect(await get(`/records/${record.recordId}/signal`)).toMatchObject({ signal, series: answer.series[0] });
});

test('a running total: the reading, the one before it, and late ones', async () => {
  const total = (value: bigint, seconds: bigint) =>
    point('total', value, {
      stream: stream({ temporality: CUMULATIVE, name: 'usage.tokens', scopeName: 'totals' }),
      timeUnixNano: MARCH + seconds * SECOND,
    });
  await send([total(10n, 10n)]);
  await send([total(25n, 30n)]);
  await send([total(15n, 20n)]);
  const { cell, records } = await explained('total', 'tokens', '&signals=true');
  expect(cell).toMatchObject({ quantity: '25', records: 3 });
  const brief = records.map(({ kind, contribution, flags, reading, signal, previous, late }: Found) => {
    const values = [signal, previous, late].map(readingValue);
    return { kind, contribution, flags, reading, values };
  });
  const discovered = ['customer_discovered', 'dimension_discovered'];
  const at = (seconds: string, value: string, sequence: unknown) => ({
    value,
    timestamp: `2026-03-01T00:00:${seconds}Z`,
    sequence,
  });
  const sequence = expect.any(Number);
  expect(brief).toEqual([
    {
      kind: 'increment',
      contribution: '10',
      flags: [...discovered, 'first_reading'],
      reading: { ...at('10', '10', sequence), previous: null },
      values: ['10', null, undefined],
    },
    {
      kind: 'increment',
      contribution: '5',
      flags: discovered,
      reading: { ...at('20', '15', sequence), previous: at('10', '10', sequence) },
      values: ['15', '10', undefined],
    },
    {
      kind: 'increment',
      contribution: '15',
      flags: discovered,
      reading: { ...at('30', '25', sequence), previous: at('20', '15', sequence) },
      values: ['25', '15', undefined],
    },
    {
      kind: 'correction',
      contribution: '-5',
      flags: [...discovered, 'late_reading'],
      reading: { ...at('30', '25', sequence), previous: at('20', '15', sequence) },
      values: ['25', '15', ['15']],
    },
  ]);
});

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer is what the test says it is
type Found = any;

function readingValue(found: Found): unknown {
  if (found === undefined || found === null) return found;
  if (Array.isArray(found)) return found.map(readingValue);
  return found.signal.resourceMetrics[0].scopeMetrics[0].metrics[0].sum.dataPoints[0].asInt;
}

const JSON_BODY = { format: 'json', compression: 'identity' } as const;
const GZIP_JSON = { format: 'json', compression: 'gzip' } as const;
type Attributes = Record<string, string | number>;

/** A log record each, of these attributes. */
function logs(...records: Attributes[]): Buffer {
  const request = logRequest(
    records.map((attributes) => ({ attributes, timeUnixNano: MARCH + 5n * SECOND })),
  );
  return Buffer.from(JSON.stringify(request));
}

const event = (customer: string, id: string, more: Attributes = {}): Attributes => ({
  'usage.customer.id': customer,
  'usage.dimension.id': 'api.requests',
  'usage.event.id': id,
  ...more,
});

async function post(path: string, body: object, status = 200) {
  const reply = await server.client.post(path, body);
  expect(reply.status, JSON.stringify(reply.body)).toBe(status);
  return reply.body;
}

test('a log record in JSON: the record alone, and all of the body that it came in', async () => {
  const body = logs(event('logger', 'a'), event('logger', 'b', { 'usage.value': '2.5' }));
  await server.ingest.signals(FRAME_LOGS, gzipSync(body), GZIP_JSON);
  const { cell, records } = await explained('logger', 'api.requests', '&signals=true');
  expect(cell).toMatchObject({ quantity: '3.5', records: 2 });
  for (const [ordinal, { signal, eventKey }] of records.entries()) {
    expect(eventKey).toMatch(/^[0-9a-f]{32}$/);
    expect(signal).toMatchObject({
      ordinal,
      kind: 'log',
      contentType: 'application/json',
      contentEncoding: 'gzip',
    });
    expect(signal.signal.resourceLogs[0].scopeLogs[0].logRecords).toHaveLength(1);
    expect(signal.bytes).toEqual({
      of: 'body',
      offset: 0,
      length: body.length,
      base64: body.toString('base64'),
    });
  }
  expect(attributesOf(records[1].signal)).toContainEqual({
    key: 'usage.value',
    value: { stringValue: '2.5' },
  });
});

function attributesOf({ signal }: Found): unknown {
  return signal.resourceLogs[0].scopeLogs[0].logRecords[0].attributes;
}

test('a span has what it came with', async () => {
  const span: OtlpSpan = {
    type: 'span',
    source: { resource: [['service.name', 'shop']], scopeName: 'work', scopeVersion: '1' },
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name: 'resize',
    kind: 2,
    startUnixNano: MARCH,
    endUnixNano: MARCH + SECOND,
    attributes: [
      ['usage.customer.id', 'spanner'],
      ['usage.dimension.id', 'api.requests'],
    ],
  };
  await server.ingest.signals(FRAME_TRACES, encodeEvents('traces', [looseEvent(span)], 'protobuf'), PROTOBUF);
  const [record] = (await explained('spanner')).records;
  const { signal } = await get(`/records/${record.recordId}/signal`);
  expect(signal.signal.resourceSpans[0].scopeSpans[0].spans[0]).toMatchObject({
    name: 'resize',
    traceId: span.traceId,
    spanId: span.spanId,
  });
});

test('a record by hand, and the one that took its place', async () => {
  const record = {
    customerId: 'hand',
    dimensionId: 'api.requests',
    recordValue: 4,
    timestamp: '2026-03-02T00:00:00Z',
  };
  const { records } = await post('/usage', [{ ...record, id: 'invoice-7' }, record], 201);
  const first = await get(`/records/${records[0].recordId}/signal`);
  expect(first.signal).toMatchObject({
    ordinal: 0,
    kind: 'record',
    contentType: 'application/json',
    signal: { customerId: 'hand', recordValue: '4', id: 'invoice-7' },
  });
  const reason = 'four were five';
  await post(`/records/${records[0].recordId}/amend`, { recordValue: 5, reason });
  const { cell, records: now } = await explained('hand', 'api.requests', '&signals=true');
  expect(cell).toMatchObject({ quantity: '9', records: 2 });
  const replacement = now.find(({ recordValue }: Found) => recordValue === '5');
  expect(replacement).toMatchObject({
    replaces: records[0].recordId,
    signal: {
      sequence: replacement.sequence,
      signal: { recordValue: '5' },
      counted: { change: 'record_corrected', recordId: records[0].recordId, reason },
    },
  });
  // What was taken back still says what it was made of, and why it does not count.
  const { record: voided, signal } = await get(`/records/${records[0].recordId}/signal`);
  expect(voided.voided).toMatchObject({ reason, replaced: true, sequence: replacement.sequence });
  expect(signal).toEqual(first.signal);
  // As of before, it is explained as it was.
  const before = await explained('hand', 'api.requests', `&asOf=${replacement.sequence - 1}`);
  expect(before.cell).toMatchObject({ quantity: '8' });
  expect(before.records.map(({ recordValue }: Found) => recordValue)).toEqual(['4', '4']);
});

test('signals out of quarantine: judged again, or as a person has corrected them', async () => {
  const orphan = (id: string, more: Attributes = {}): Attributes => {
    const { 'usage.customer.id': _customer, ...rest } = event('', id, more);
    return rest;
  };
  await server.ingest.signals(FRAME_LOGS, logs(orphan('q1', { 'usage.value': 3 }), orphan('q2')), JSON_BODY);
  const unknown = event('replayed', 'q3', { 'usage.dimension.id': 'levels' });
  await server.client.put('/dimensions/levels', { aggregation: 'sum', unit: 'By' });
  await server.ingest.signals(FRAME_LOGS, logs({ 'usage.value': 0, ...unknown }), JSON_BODY);
  const { rows } = await get('/quarantine/signals?reason=missing_customer');
  const ids = rows.map(({ id }: Found) => id);
  const correction = { customerId: 'corrected' };
  await post('/quarantine/replay', { ids, correction, note: 'asked the team' });
  const { records } = await explained('corrected', 'api.requests', '&signals=true');
  expect(records).toHaveLength(2);
  // Of one time and one frame: which is first is not said.
  records.sort((a: Found, b: Found) => (a.corrects.id < b.corrects.id ? -1 : 1));
  for (const [i, record] of records.entries()) {
    expect(record).toMatchObject({
      corrects: { id: ids[i], reason: 'missing_customer', note: 'asked the team' },
      signal: {
        sequence: rows[i].sequence,
        ordinal: rows[i].ordinal,
        counted: {
          change: 'quarantine_replayed',
          sequence: record.sequence,
          correction,
          note: 'asked the team',
        },
      },
    });
  }
  // Judged again, once its unit fits.
  await server.client.put('/dimensions/levels', { aggregation: 'sum', unit: '1' });
  await post('/quarantine/replay', { reason: 'wrong_unit' });
  const [again] = (await explained('replayed', 'levels', '&signals=true')).records;
  expect(again).toMatchObject({
    corrects: null,
    signal: { counted: { change: 'quarantine_replayed', correction: null } },
  });
  expect(attributesOf(again.signal)).toContainEqual({ key: 'usage.event.id', value: { stringValue: 'q3' } });
});

test('the rule that was in force when the record came, whatever holds now', async () => {
  const rule = (value: object | string) => ({
    signals: ['logs'],
    match: { all: [{ path: 'attributes["kind"]', eq: 'order' }] },
    customer: ['attributes["tenant"]'],
    dimension: 'orders',
    value,
  });
  const order = (id: string) => ({ kind: 'order', tenant: 'ruled', id, number: `n${id}`, amount: 7, net: 5 });
  const amount = { ...rule({ path: 'attributes["amount"]' }), eventId: ['attributes["id"]'] };
  // By this one the first order would be another event.
  const net = { ...rule({ path: 'attributes["net"]' }), eventId: ['attributes["number"]'] };
  expect((await server.client.put('/meters/orders', amount)).status).toBeLessThan(300);
  await server.ingest.signals(FRAME_LOGS, logs(order('1')), JSON_BODY);
  await server.client.put('/meters/orders', net);
  await server.ingest.signals(FRAME_LOGS, logs(order('2')), JSON_BODY);
  await server.client.delete('/meters/orders');
  const { records, meters } = await explained('ruled', 'orders', '&signals=true');
  expect(records.map(({ meterVersion, recordValue }: Found) => [meterVersion, recordValue])).toEqual([
    [1, '7'],
    [2, '5'],
  ]);
  expect(records.map(({ signal }: Found) => signal.kind)).toEqual(['log', 'log']);
  expect(meters).toMatchObject([
    { id: 'orders', version: 1, rule: { value: amount.value } },
    { id: 'orders', version: 2, rule: { value: net.value } },
  ]);
});

test('two values for one window, and a total whose start nobody knows', async () => {
  await send([point('odd', 1n), point('odd', 2n)]);
  const totals = stream({ temporality: CUMULATIVE, name: 'usage.tokens', scopeName: 'unknown' });
  const reading = (value: bigint, seconds: bigint) =>
    point('odd', value, { stream: totals, startUnixNano: 0n, timeUnixNano: MARCH + seconds * SECOND });
  await send([reading(100n, 1n), reading(130n, 2n), reading(4n, 3n)]);
  const windows = await explained('odd', 'api.requests', '&signals=true');
  expect(windows.records.map(({ flags }: Found) => flags.includes('window_conflict'))).toEqual([true, true]);
  const values = windows.records.map((record: Found) => [record.recordValue, readingValue(record.signal)]);
  expect(values.sort()).toEqual([
    ['1', '1'],
    ['2', '2'],
  ]);
  const { records } = await explained('odd', 'tokens');
  expect(records.map(({ contribution, flags }: Found) => [contribution, flags.slice(2)])).toEqual([
    ['0', ['start_unknown', 'first_reading', 'baseline']],
    ['30', ['start_unknown']],
    ['4', ['start_unknown']],
  ]);
});

test('readings of one time are told apart', async () => {
  const totals = stream({ temporality: CUMULATIVE, name: 'usage.tokens', scopeName: 'same time' });
  const reading = (value: bigint, seconds: bigint) =>
    point('twice', value, { stream: totals, timeUnixNano: MARCH + seconds * SECOND });
  for (const one of [reading(10n, 1n), reading(20n, 2n), reading(15n, 2n), reading(12n, 3n)])
    await send([one]);
  const { cell, records } = await explained('twice', 'tokens', '&signals=true');
  expect(cell.quantity).toBe('20');
  const brief = records.map(({ kind, contribution, reading, signal, flags }: Found) => [
    kind,
    contribution,
    reading.value,
    reading.previous?.value,
    readingValue(signal),
    flags.includes('decrease'),
  ]);
  expect(brief).toEqual([
    //  kind        adds  reading  from       signal decrease
    ['increment', '10', '10', undefined, '10', false],
    ['increment', '10', '20', '15', '20', false],
    ['increment', '5', '15', '10', '15', false],
    ['correction', '-5', '20', '15', '20', false],
    ['increment', '0', '12', '20', '12', true],
  ]);
});

test('pages, each of at most a hundred records with their signals', async () => {
  const records = Array.from({ length: 130 }, (_, i) => event('many', `e${i}`));
  await server.ingest.signals(FRAME_LOGS, logs(...records), JSON_BODY);
  const first = await explained('many', 'api.requests', '&signals=true&limit=1000');
  expect(first.records).toHaveLength(100);
  // A page tells where the bytes stand; the whole body a hundred times would be too much.
  const [{ recordId, signal }] = first.records;
  expect(signal.bytes).toEqual({ of: 'body', offset: 0, length: logs(...records).length });
  expect((await get(`/records/${recordId}/signal`)).signal.bytes.base64).toBe(
    logs(...records).toString('base64'),
  );
  const next = await explained('many', 'api.requests', `&signals=true&limit=1000&cursor=${first.nextCursor}`);
  expect(next.records).toHaveLength(30);
  expect(next).toMatchObject({
    cell: { quantity: '130' },
    nextCursor: null,
    completeUntil: first.completeUntil,
  });
});

test('while usage comes, each explanation adds up', async () => {
  const isDone = Promise.withResolvers<void>();
  const sending = (async () => {
    for (let i = 0; i < 60; i++)
      await server.ingest.signals(FRAME_LOGS, logs(event('busy', `b${i}`)), JSON_BODY);
    isDone.resolve();
  })();
  let isSending = true;
  void isDone.promise.then(() => {
    isSending = false;
  });
  let explanations = 0;
  while (isSending || explanations < 3) {
    const pages: Found[] = [];
    for (let cursor = ''; ; ) {
      const more = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await explained('busy', 'api.requests', `&limit=7&freshness=available${more}`);
      pages.push(page);
      cursor = page.nextCursor;
      if (cursor === null) break;
    }
    if (pages[0].cell !== null) expectSumOfParts(pages, `explanation ${explanations}`);
    explanations += 1;
  }
  await sending;
  expect((await explained('busy')).cell.quantity).toBe('60');
});

test.each([
  //  path                                              status  code
  ['/usage/explain?dimensionId=d&from=2026-03-01&to=2026-04-01', 400, 'MISSING_PARAMETER'],
  [
    '/usage/explain?customerId=a&dimensionId=d&from=2026-03-01&to=2026-04-01&signals=1',
    400,
    'INVALID_PARAMETER',
  ],
  [`/records/${'0'.repeat(32)}/signal`, 404, 'NOT_FOUND'],
  ['/records/nobody/signal', 404, 'NOT_FOUND'],
  [`/records/${'0'.repeat(32)}/signal?raw=1`, 400, 'UNKNOWN_PARAMETER'],
])('%s is refused with %i %s', async (path, status, code) => {
  expect(await server.client.get(path)).toMatchObject({ status, body: { code } });
});

test('a signal whose segment of the journal was released', async () => {
  // The second of these begins another segment.
  const large = (id: string) => Buffer.concat([logs(event('released', id)), Buffer.alloc(40 << 20, ' ')]);
  for (const id of ['r1', 'r2']) await server.ingest.signals(FRAME_LOGS, large(id), JSON_BODY);
  const [first, second] = (await explained('released')).records;
  const { signal } = await get(`/records/${first.recordId}/signal`);
  expect(signal.bytes).toEqual({ of: 'body', offset: 0, length: expect.any(Number) });
  expect(await server.ingest.releaseJournal(BigInt(Date.now() + 60_000) * 1_000_000n)).toBe(1);
  const refused = await server.client.get(`/records/${first.recordId}/signal`);
  expect(refused).toMatchObject({
    status: 410,
    body: { code: 'SIGNAL_RELEASED', title: 'Gone', detail: expect.stringContaining('still counts') },
  });
  expect((await get(`/records/${second.recordId}/signal`)).signal.kind).toBe('log');
  const { cell, records } = await explained('released', 'api.requests', '&signals=true');
  expect(cell.quantity).toBe('2');
  expect(records[0].signal).toMatchObject({ sequence: first.sequence, gone: 'released' });
  expect(records[1].signal.kind).toBe('log');
});
