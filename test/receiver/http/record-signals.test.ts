/** A usage record by hand that comes as a log record or span: the same record as over the API, whichever comes first. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FRAME_LOGS, FRAME_TRACES } from '../../../receiver/frames.ts';
import { logRequest } from '../../system/api/api-client.ts';
import { ApiServer } from './api-server.ts';

let server: ApiServer;
beforeAll(async () => {
  server = await ApiServer.start();
  await server.client.put('/dimensions/gpu.hours', { unit: 'h' });
});
afterAll(() => server.stop());

const JSON_BODY = { format: 'json', compression: 'identity' } as const;
const TIME = 1_772_352_000_123_456_789n;
const START = TIME - 3_600_000_000_000n;
type Attributes = Record<string, string | number>;

/** In hours, which no log record can say otherwise: its own unit is 1. */
const attributes = (id: string, changes: Attributes = {}): Attributes => ({
  'usage.customer.id': 'acme',
  'usage.dimension.id': 'gpu.hours',
  'usage.value': '12.50',
  'usage.record.id': id,
  region: 'eu',
  plan: 'gold',
  ...changes,
});

const body = (id: string) => ({
  id,
  customerId: 'acme',
  dimensionId: 'gpu.hours',
  recordValue: '12.5',
  timestamp: '2026-03-01T08:00:00.123456789Z',
  metadata: { plan: 'gold', region: 'eu' },
});

const log = (each: Attributes) =>
  server.ingest.signals(
    FRAME_LOGS,
    Buffer.from(JSON.stringify(logRequest([{ attributes: each, timeUnixNano: TIME }]))),
    JSON_BODY,
  );

const span = (each: Attributes) =>
  server.ingest.signals(
    FRAME_TRACES,
    Buffer.from(
      JSON.stringify({
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: '5b8efff798038103d269b633813fc60c',
                    spanId: 'eee19b7ec3c1b174',
                    name: 'usage',
                    startTimeUnixNano: String(START),
                    endTimeUnixNano: String(TIME),
                    attributes: Object.entries(each).map(([key, value]) => ({
                      key,
                      value: { stringValue: String(value) },
                    })),
                  },
                ],
              },
            ],
          },
        ],
      }),
    ),
    JSON_BODY,
  );

const PERIOD = { startTime: '2026-03-01T07:00:00.123456789Z' };
const records = async (id: string) => {
  const { body: answer } = await server.client.get(
    '/records?from=2026-03-01&to=2026-03-02&dimensionId=gpu.hours&limit=1000',
  );
  const { body: one } = await server.client.post('/usage', { ...body(id), ...(isPeriod(id) ? PERIOD : {}) });
  return answer.rows.filter(({ recordId }: { recordId: string }) => recordId === one.records[0].recordId);
};
const isPeriod = (id: string) => id.startsWith('span');

test.each([
  ['log', log, {}],
  ['span', span, PERIOD],
] as const)('a %s and then the API: the second is a duplicate', async (kind, send, period) => {
  await send(attributes(`${kind}-first`));
  const { status, body: answer } = await server.client.post('/usage', {
    ...body(`${kind}-first`),
    ...period,
  });
  expect(status).toBe(200);
  expect(answer.records).toEqual([
    {
      ...body(`${kind}-first`),
      ...period,
      recordId: expect.any(String),
      unit: 'h',
      meterId: 'api',
      meterVersion: 0,
      kind: 'record',
      status: 'duplicate',
    },
  ]);
  expect(await records(`${kind}-first`)).toHaveLength(1);
});

test.each([
  ['log', log, {}],
  ['span', span, PERIOD],
] as const)(
  'the API and then a %s: it counts once, and nothing is in quarantine',
  async (kind, send, period) => {
    const { body: stored } = await server.client.post('/usage', { ...body(`${kind}-second`), ...period });
    await send(attributes(`${kind}-second`));
    await send(attributes(`${kind}-second`));
    expect(stored.records[0].status).toBe('stored');
    expect(await records(`${kind}-second`)).toEqual([
      expect.objectContaining({ recordId: stored.records[0].recordId, recordValue: '12.5' }),
    ]);
    expect((await server.client.get('/quarantine')).body.rows).toEqual([]);
  },
);

test('the ledger made anew from the journal has the same records', async () => {
  const before = await server.client.get('/records?from=2026-03-01&to=2026-03-02');
  await server.rebuild();
  const after = await server.client.get('/records?from=2026-03-01&to=2026-03-02');
  expect(after.body.rows).toHaveLength(4);
  expect(after.body.rows).toEqual(before.body.rows);
});

test('it is explained by the log record that came', async () => {
  await log(attributes('explained'));
  const { body: answer } = await server.client.post('/usage', body('explained'));
  const { body: explained } = await server.client.get(`/records/${answer.records[0].recordId}/signal`);
  expect(explained.signal).toMatchObject({ kind: 'log', ordinal: 0 });
  expect(JSON.stringify(explained.signal.signal)).toContain('usage.record.id');
});

test('other content under its id is refused by the API, and quarantined as a signal', async () => {
  await log(attributes('conflict'));
  const { status, body: problem } = await server.client.post('/usage', {
    ...body('conflict'),
    recordValue: '13',
  });
  expect(status).toBe(409);
  expect(problem).toMatchObject({ code: 'ID_CONFLICT', errors: [{ path: 'recordValue' }] });
  await log(attributes('conflict', { 'usage.value': '13' }));
  const { body: quarantine } = await server.client.get('/quarantine?reason=event_conflict');
  expect(quarantine.rows).toMatchObject([{ meterId: 'api', customerId: 'acme', quantity: '13', signals: 1 }]);
});

test('without a customer it is quarantined, and a correction that names one counts it in the unit of its dimension', async () => {
  const { 'usage.customer.id': _customer, ...rest } = attributes('nobody');
  await log(rest);
  const { body: replayed } = await server.client.post('/quarantine/replay', {
    reason: 'missing_customer',
    correction: { customerId: 'corrected' },
  });
  expect(replayed).toMatchObject({ signals: 1, counted: 1 });
  expect(await server.client.quantity('corrected', 'gpu.hours')).toBe('12.5');
});

test('a dimension that nobody declared is discovered with unit 1, as over the API', async () => {
  await log(attributes('new dimension', { 'usage.dimension.id': 'tapes' }));
  const { body: answer } = await server.client.post('/usage', {
    ...body('new dimension'),
    dimensionId: 'tapes',
  });
  expect(answer.records[0]).toMatchObject({ status: 'duplicate', unit: '1' });
});
