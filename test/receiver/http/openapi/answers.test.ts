/** What a running receiver answers, against the description: each body by its schema, and every kind of answer once. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openApiDocument } from '../../../../receiver/http/openapi/document.ts';
import { QUARANTINE_CODES } from '../../../../storage/quarantine-codes.ts';
import { describedAnswers, type Witness, witnessOf } from './answer-witness.ts';
import { type RunningReceiver, runReceiver } from './running-receiver.ts';

const KEY = 'a-key';
let receiver: RunningReceiver;
let api: Witness;
beforeAll(async () => {
  receiver = await runReceiver([KEY]);
  api = witnessOf(receiver.url, openApiDocument({ closedAnswers: true }), KEY);
});
afterAll(() => receiver.stop());

const MARCH = 'from=2026-03-01&to=2026-04-01';
const MARCH_NANO = 1_772_323_200n * 1_000_000_000n;
const at = (seconds: number) => String(MARCH_NANO + BigInt(seconds) * 1_000_000_000n);
const text = (key: string, value: string) => ({ key, value: { stringValue: value } });

const record = (customerId: string, dimensionId: string, recordValue: string, more: object = {}) => ({
  customerId,
  dimensionId,
  recordValue,
  timestamp: '2026-03-05T00:00:00Z',
  ...more,
});

test('customers', async () => {
  const customer = {
    id: 'acme',
    name: 'Acme',
    email: 'a@acme.example',
    timeZone: 'Europe/Berlin',
    aliases: ['old'],
  };
  await api.ask('POST', '/api/v1/customers', 201, customer);
  await api.ask('POST', '/api/v1/customers', 409, customer);
  await api.ask('POST', '/api/v1/customers', 400, { id: '' });
  await api.ask('POST', '/api/v1/customers', 415, 'id: acme', { 'Content-Type': 'text/yaml' });
  await api.ask('PUT', '/api/v1/customers/other', 201, { metadata: { plan: 'free' } });
  await api.ask('PUT', '/api/v1/customers/other', 200, { id: 'other', name: null });
  await api.ask('PUT', '/api/v1/customers/other', 409, { aliases: ['acme'] });
  await api.ask('GET', '/api/v1/customers/acme', 200);
  await api.ask('GET', '/api/v1/customers/nobody', 404);
  await api.ask('GET', '/api/v1/customers?limit=1', 200);
  await api.ask('DELETE', '/api/v1/customers/other', 204);
  await api.ask('DELETE', '/api/v1/customers/other', 404);
});

test('dimensions', async () => {
  const priced = { usageIncrement: '5', rounding: 'ceiling', unitPrice: '0.10' };
  await api.ask('POST', '/api/v1/dimensions', 201, { id: 'calls', ...priced });
  await api.ask('POST', '/api/v1/dimensions', 409, { id: 'calls' });
  await api.ask('POST', '/api/v1/dimensions', 201, { id: 'spare' });
  await api.ask('PUT', '/api/v1/dimensions/seats', 201, { aggregation: 'time_weighted', interval: 'day' });
  await api.ask('PUT', '/api/v1/dimensions/seats', 200, {
    aggregation: 'time_weighted',
    levelTtl: 3_000_000,
  });
  await api.ask('PUT', '/api/v1/dimensions/users', 201, { aggregation: 'unique', uniqueKey: 'user' });
  await api.ask('PUT', '/api/v1/dimensions/peak', 201, { aggregation: 'max', unit: 'By' });
  await api.ask('PUT', '/api/v1/dimensions/bad', 400, { aggregation: 'total' });
  await api.ask('GET', '/api/v1/dimensions/calls', 200);
  await api.ask('GET', '/api/v1/dimensions/nothing', 404);
  await api.ask('GET', '/api/v1/dimensions?discovered=false', 200);
  await api.ask('DELETE', '/api/v1/dimensions/spare', 204);
  await api.ask('DELETE', '/api/v1/dimensions/spare', 404);
});

const RULE = {
  id: 'orders',
  signals: ['logs'],
  match: { all: [{ path: 'body', eq: 'order' }] },
  customer: 'attributes["account"]',
  dimension: 'orders',
};

test('meters', async () => {
  await api.ask('POST', '/api/v1/meters', 201, RULE);
  await api.ask('POST', '/api/v1/meters', 409, RULE);
  await api.ask('PUT', '/api/v1/meters/orders', 200, { ...RULE, metadata: ['region'] });
  await api.ask('PUT', '/api/v1/meters/spare', 201, { ...RULE, id: 'spare', name: 'Spare' });
  await api.ask('PUT', '/api/v1/meters/builtin', 409, { ...RULE, id: 'builtin' });
  await api.ask('GET', '/api/v1/meters', 200);
  await api.ask('GET', '/api/v1/meters/builtin', 200);
  await api.ask('GET', '/api/v1/meters?activity=3&timeZone=Europe/Berlin', 200);
  await api.ask('GET', '/api/v1/meters/orders?activity=3', 200);
  await api.ask('POST', '/api/v1/meters/check', 200, { text: 'id: orders' });
  await api.ask('POST', '/api/v1/meters/check', 200, { text: JSON.stringify(RULE) });
  await api.ask('POST', '/api/v1/meters/check', 400, { text: 1 });
  await api.ask('GET', '/api/v1/meters/orders?versions=all', 200);
  await api.ask('GET', '/api/v1/meters/nothing', 404);
  await api.ask('DELETE', '/api/v1/meters/spare', 204);
  await api.ask('DELETE', '/api/v1/meters/spare', 404);
  await api.ask('DELETE', '/api/v1/meters/builtin', 409);
});

test('signals', async () => {
  const points = [
    { asInt: '100', startTimeUnixNano: at(60), timeUnixNano: at(60) },
    { asInt: '225', startTimeUnixNano: at(60), timeUnixNano: at(120) },
  ].map((point) => ({ ...point, attributes: [text('usage.customer.id', 'acme')] }));
  const metrics = [
    { name: 'usage.total', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points } },
    {
      name: 'usage.delta',
      sum: {
        aggregationTemporality: 1,
        isMonotonic: true,
        dataPoints: [points[0], { ...points[1], attributes: [] }],
      },
    },
  ];
  const body = { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] };
  const { partialSuccess } = (await api.ask('POST', '/v1/metrics', 200, body)).body;
  expect(partialSuccess.errorMessage).toContain('missing_customer');
  await api.ask('POST', '/v1/metrics', 400, { resourceMetrics: 1 });
  await api.ask('POST', '/v1/metrics', 415, 'x', { 'Content-Type': 'text/plain' });
  await api.ask('POST', '/v1/metrics', 401, body, { Authorization: 'Bearer wrong' });
  const now = `${Date.now()}000000`;
  const logRecords = ['acme', 'globex'].map((account) => ({
    timeUnixNano: now,
    body: { stringValue: 'order' },
    attributes: [text('account', account), text('region', 'eu')],
  }));
  await api.ask('POST', '/v1/logs', 200, { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  const span = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    name: 'render',
    startTimeUnixNano: at(0),
    endTimeUnixNano: at(1),
    attributes: [text('usage.dimension.id', 'renders'), text('usage.customer.id', 'acme')],
  };
  await api.ask('POST', '/v1/traces', 200, { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
});

test('records by hand', async () => {
  const first = record('acme', 'calls', '12', { id: 'one', metadata: { region: 'eu' } });
  await api.ask('POST', '/api/v1/usage', 201, first);
  await api.ask('POST', '/api/v1/usage', 200, first);
  await api.ask('POST', '/api/v1/usage', 409, { ...first, recordValue: '13' });
  await api.ask('POST', '/api/v1/usage', 400, [{ ...first, recordValue: 'x', metadata: { a: null } }]);
  await api.ask(
    'POST',
    '/api/v1/usage',
    413,
    Array.from({ length: 50_001 }, () => 0),
  );
  const others = [
    record('acme', 'calls', '3', { startTime: '2026-03-04T00:00:00Z' }),
    record('acme', 'seats', '10', { timestamp: '2026-02-20T00:00:00Z' }),
    record('acme', 'seats', '12', { metadata: { region: 'eu' } }),
    record('acme', 'users', '1', { metadata: { user: 'ada' } }),
    record('acme', 'peak', '7'),
    record('globex', 'calls', '1'),
  ];
  await api.ask('POST', '/api/v1/usage', 201, others, { Prefer: 'return=minimal' });
});

test('questions', async () => {
  await api.ask('GET', `/api/v1/usage?${MARCH}&window=week&timeZone=Europe/Berlin`, 200);
  await api.ask('GET', `/api/v1/usage?${MARCH}&groupBy=dimensionId,metadata.region&fill=false&limit=2`, 200);
  const { rows } = (await api.ask('GET', `/api/v1/usage?${MARCH}`, 200)).body;
  expect(rows.length).toBeGreaterThan(6);
  expect(rows.some(({ amount }: { amount?: string }) => amount !== undefined)).toBe(true);
  await api.ask('GET', '/api/v1/usage', 400);
  await api.ask('GET', `/api/v1/usage?${MARCH}`, 401, undefined, { Authorization: '' });
});

test.each(['calls', 'seats', 'users', 'peak', 'total', 'delta', 'renders', 'nothing'])(
  'why usage of %s is what it is',
  async (dimensionId) => {
    const question = `${MARCH}&customerId=acme&dimensionId=${dimensionId}&signals=true`;
    const { body } = await api.ask('GET', `/api/v1/usage/explain?${question}`, 200);
    expect(body.records.length > 0).toBe(dimensionId !== 'nothing');
    for (const { recordId } of body.records) await api.ask('GET', `/api/v1/records/${recordId}/signal`, 200);
  },
);

test('records, void and amend', async () => {
  const { rows } = (await api.ask('GET', `/api/v1/records?${MARCH}&meterId=api&dimensionId=calls`, 200)).body;
  const [first, second] = rows;
  await api.ask('GET', `/api/v1/records/${first.recordId}`, 200);
  await api.ask('GET', '/api/v1/records/0', 404);
  await api.ask('GET', '/api/v1/records/0/signal', 404);
  await api.ask('POST', `/api/v1/records/${first.recordId}/void`, 200, { reason: 'mistake' });
  await api.ask('POST', `/api/v1/records/${first.recordId}/void`, 409, { reason: 'mistake' });
  await api.ask('POST', '/api/v1/records/0/void', 404, { reason: 'mistake' });
  await api.ask('GET', `/api/v1/records/${first.recordId}`, 200);
  const amendment = { reason: 'mistake', recordValue: 4, metadata: { region: 'us', n: 2 } };
  const amended = await api.ask('POST', `/api/v1/records/${second.recordId}/amend`, 200, amendment);
  await api.ask('POST', `/api/v1/records/${second.recordId}/amend`, 409, amendment);
  await api.ask('POST', '/api/v1/records/0/amend', 404, amendment);
  await api.ask('GET', `/api/v1/records/${amended.body.replacement.recordId}/signal`, 200);
  await api.ask('GET', `/api/v1/records/${first.recordId}/signal`, 200);
});

test('what a rule would do', async () => {
  const rule = { ...RULE, dimension: 'orders.new', customer: 'attributes["nothing"]' };
  const { body } = await api.ask('POST', '/api/v1/meters/test', 200, { rule, lastHours: 1 });
  expect(body.quarantined[0].samples).toHaveLength(2);
  await api.ask('POST', '/api/v1/meters/test', 200, { rule: { ...RULE, value: { constant: '2' } } });
  await api.ask('POST', '/api/v1/meters/test', 400, { rule: {} });
});

test('quarantine', async () => {
  const { rows } = (await api.ask('GET', '/api/v1/quarantine', 200)).body;
  expect(rows.map(({ reason }: { reason: string }) => reason)).toEqual(['missing_customer', 'baseline']);
  const reasons = await api.ask('GET', '/api/v1/quarantine/reasons', 200);
  expect(reasons.body.rows.map(({ reason }: { reason: string }) => reason)).toEqual(QUARANTINE_CODES);
  await api.ask('GET', '/api/v1/quarantine/reasons?reason=baseline', 400);
  const signals = await api.ask('GET', '/api/v1/quarantine/signals?reason=missing_customer', 200);
  expect(signals.body.rows[0].signal).not.toBeNull();
  const totals = await api.ask('GET', '/api/v1/quarantine/totals?meterId=builtin', 200);
  expect(totals.body.rows[0]).toMatchObject({ reason: 'missing_customer', signals: 1 });
  const elsewhere = { metadata: { region: ['nowhere'] }, dryRun: true };
  expect((await api.ask('POST', '/api/v1/quarantine/replay', 200, elsewhere)).body.signals).toBe(0);
  const lost = '{"reason": "missing_customer", "metadata": {"__proto__": "x"}, "dryRun": true}';
  await api.ask('POST', '/api/v1/quarantine/replay', 400, lost, { 'Content-Type': 'application/json' });
  const selection = { reason: 'missing_customer' };
  const correction = { customerId: 'acme', recordValue: 3 };
  await api.ask('POST', '/api/v1/quarantine/replay', 200, { dryRun: true });
  await api.ask('POST', '/api/v1/quarantine/replay', 200, { ...selection, note: 'nothing has changed' });
  await api.ask('POST', '/api/v1/quarantine/replay', 200, { ...selection, correction, note: 'ticket' });
  await api.ask('POST', '/api/v1/quarantine/replay', 400, { correction });
  await api.ask('POST', '/api/v1/quarantine/dismiss', 200, { reason: 'baseline', note: 'x', dryRun: true });
  await api.ask('POST', '/api/v1/quarantine/dismiss', 200, { reason: ['baseline'], note: 'x' });
  await api.ask('POST', '/api/v1/quarantine/dismiss', 400, { note: 'x' });
  await api.ask('GET', '/api/v1/quarantine/resolved', 200);
  const dismissed = await api.ask('GET', '/api/v1/quarantine/signals?resolution=dismissed', 200);
  const [entry] = (await api.ask('GET', '/api/v1/audit?kind=quarantine_dismissed', 200)).body.rows;
  expect(dismissed.body.rows[0]).toMatchObject({ resolvedAt: entry.time, actor: entry.actor, note: 'x' });
  const explained = `/api/v1/usage/explain?${MARCH}&customerId=acme&dimensionId=delta&signals=true`;
  const { body } = await api.ask('GET', explained, 200);
  expect(body.records.some(({ corrects }: { corrects: unknown }) => corrects !== null)).toBe(true);
});

test('closed periods', async () => {
  const period = { from: '2026-03-01', to: '2026-04-01' };
  const close = { customerId: 'acme', ...period, timeZone: 'UTC' };
  await api.ask('POST', '/api/v1/periods/close', 200, { ...close, dryRun: true });
  await api.ask('POST', '/api/v1/periods/close', 200, { ...period, dryRun: true });
  const { id } = (await api.ask('POST', '/api/v1/periods/close', 201, { ...close, note: 'March' })).body;
  await api.ask('POST', '/api/v1/periods/close', 200, close);
  await api.ask('POST', '/api/v1/periods/close', 409, { ...close, from: '2026-03-15' });
  await api.ask('POST', '/api/v1/periods/close', 404, { ...close, customerId: 'nobody' });
  await api.ask('POST', '/api/v1/periods/close', 422, { ...close, from: '2100-01-01', to: '2100-02-01' });
  await api.ask('POST', '/api/v1/periods/close', 400, { ...close, to: 'soon' });
  const all = (await api.ask('POST', '/api/v1/periods/close', 200, { from: '2026-03-10', to: '2026-04-01' }))
    .body;
  expect(all.conflicts).toHaveLength(1);
  await api.ask('POST', '/api/v1/usage', 201, record('acme', 'calls', '100'));
  const pending = (await api.ask('GET', '/api/v1/adjustments', 200)).body.rows;
  expect(pending).toHaveLength(1);
  const april = { ...close, from: '2026-04-01', to: '2026-05-01' };
  const { adjustments } = (await api.ask('POST', '/api/v1/periods/close', 201, april)).body;
  expect(adjustments).toHaveLength(1);
  await api.ask('GET', '/api/v1/statements', 200);
  const { headers } = await api.ask('GET', `/api/v1/statements/${id}`, 200);
  await api.ask('GET', `/api/v1/statements/${id}`, 304, undefined, { 'If-None-Match': headers.get('etag')! });
  await api.ask('GET', `/api/v1/statements/${id}?format=csv`, 200);
  await api.ask('GET', `/api/v1/statements/${id}?format=html`, 200);
  await api.ask('GET', '/api/v1/statements/nothing', 404);
  await api.ask('POST', `/api/v1/statements/${id}/reopen`, 200, { note: 'the price was wrong' });
  await api.ask('POST', `/api/v1/statements/${id}/reopen`, 409, { note: 'the price was wrong' });
  await api.ask('POST', '/api/v1/statements/nothing/reopen', 404, { note: 'x' });
  await api.ask('GET', `/api/v1/statements/${id}`, 200);
  await api.ask('GET', '/api/v1/statements?state=reopened', 200);
});

test('what has usage stays', async () => {
  await api.ask('DELETE', '/api/v1/customers/acme', 409);
  await api.ask('DELETE', '/api/v1/dimensions/calls', 409);
  await api.ask('PUT', '/api/v1/dimensions/calls', 409, { unit: 'h' });
});

test('SQL', async () => {
  const question = { query: 'SELECT customer_id, record_value FROM usage_records LIMIT 2' };
  await vi.waitFor(
    async () => {
      const { rowCount } = (await api.ask('POST', '/api/v1/sql', 200, question)).body;
      expect(rowCount).toBe(2);
    },
    { timeout: 60_000, interval: 500 },
  );
  for (const format of ['csv', 'parquet', 'arrow'])
    await api.ask('POST', '/api/v1/sql', 200, { ...question, format });
  const refused = (await api.ask('POST', '/api/v1/sql', 400, { query: 'SELECT 1 FROM nowhere' })).body;
  expect(refused.line).toBe(1);
}, 90_000);

test('the receiver itself', async () => {
  await api.ask('GET', '/api/v1/audit', 200);
  await api.ask('GET', '/api/v1/audit?kind=meter_put&limit=1', 200);
  await api.ask('GET', '/api/v1/status', 200);
  await api.ask('GET', '/api/v1/overview', 200);
  await api.ask('POST', '/v1/logs', 415, 'x', { 'Content-Type': 'text/plain' });
  const { refused } = (await api.ask('GET', '/api/v1/first-run', 200)).body;
  expect(refused.length).toBeGreaterThan(3);
  for (const open of ['/healthz', '/readyz', '/api/v1/openapi.json'])
    await api.ask('GET', open, 200, undefined, { Authorization: '' });
});

/** Statuses that this file does not bring about: what only goes wrong, and what takes a long time. */
const NOT_HERE = [
  'GET /api/v1/records/{recordId}/signal 410',
  'POST /api/v1/meters/test 429',
  'GET /readyz 503',
  // Without end: live.test.ts.
  'GET /api/v1/live 200',
];
/** They say the same on every route. */
const OF_ALL_ROUTES = [400, 401, 403, 413, 415, 500, 503];

test('every kind of answer was seen', () => {
  const expected = describedAnswers(openApiDocument()).filter(
    ({ name, status }) =>
      !NOT_HERE.includes(`${name} ${status}`) && (status < 400 || !OF_ALL_ROUTES.includes(status)),
  );
  expect(expected.length).toBeGreaterThan(70);
  const missing = expected.filter(({ name, status }) => !api.seen.has(`${name} ${status}`));
  expect(missing).toEqual([]);
});
