/** Why usage is what it is, over the API: records, what they were made of, and the bytes that came. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FRAME_METRICS } from '../../../receiver/frames.ts';
import { CUMULATIVE, type OtlpPoint, stream } from '../../support/otlp-points.ts';
import { ProtobufWriter, requestOf } from '../../support/otlp-writer.ts';
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
