/** Closing, late data, adjustments and re-opening, over the API of an Ingest in this process. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FRAME_LOGS, FRAME_METRICS, PLAIN_JSON } from '../../../receiver/frames.ts';
import type { StatementDraftsQuery } from '../../../storage/query/index.ts';
import { logRequest } from '../../system/api/api-client.ts';
import { ApiServer } from '../http/api-server.ts';

let server: ApiServer;

/** Each test has a customer and a dimension of its own. */
let customer: string;
let calls: string;
let tests = 0;

beforeAll(async () => {
  server = await ApiServer.start();
});

beforeEach(() => {
  tests += 1;
  customer = `customer-${tests}`;
  calls = `calls-${tests}`;
});

afterAll(() => server.stop());

const MARCH = { from: '2026-03-01', to: '2026-04-01' };
const APRIL = { from: '2026-04-01', to: '2026-05-01' };
const MAY = { from: '2026-05-01', to: '2026-06-01' };

async function post(path: string, body: object, status: number) {
  const reply = await server.client.post(path, body);
  expect([reply.status, reply.body]).toEqual([status, expect.anything()]);
  return reply.body;
}

async function record(recordValue: string, timestamp: string, customerId = customer, dimensionId = calls) {
  const body = await post('/usage', { customerId, dimensionId, recordValue, timestamp }, 201);
  return body.records[0].recordId as string;
}

const close = (period: object, customerId = customer, status = 201) =>
  post('/periods/close', { customerId, ...period }, status);

/** Period, dimension, quantity, billable quantity, amount and reasons of what is pending. */
async function pending(customerId = customer) {
  const { body } = await server.client.get(`/adjustments?customerId=${customerId}`);
  return body.rows.map(summary);
}

// biome-ignore lint/suspicious/noExplicitAny: an adjustment as the API says it
function summary(row: any) {
  const reasons = row.reasons.map(
    // biome-ignore lint/suspicious/noExplicitAny: a reason as the API says it
    ({ reason, records, quantity }: any) => `${reason} ${records ?? '-'} ${quantity ?? '-'}`,
  );
  return [row.from.slice(0, 7), row.dimensionId, row.quantity, row.billableQuantity, row.amount, ...reasons];
}

const nano = (text: string) => BigInt(Date.parse(text)) * 1_000_000n;

/** A reading of a counter that an SDK began on 1 March. */
function cumulative(value: string, time: string): Buffer {
  const attributes = [
    { key: 'service.name', value: { stringValue: 'shop' } },
    { key: 'service.instance.id', value: { stringValue: customer } },
    { key: 'telemetry.sdk.name', value: { stringValue: 'opentelemetry' } },
  ];
  const point = {
    startTimeUnixNano: String(nano('2026-03-01T00:00:00Z')),
    timeUnixNano: String(nano(time)),
    asInt: value,
    attributes: [
      { key: 'usage.customer.id', value: { stringValue: customer } },
      { key: 'usage.dimension.id', value: { stringValue: calls } },
    ],
  };
  const sum = { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] };
  const metrics = [{ name: 'calls', unit: '1', sum }];
  return Buffer.from(
    JSON.stringify({
      resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ scope: {}, metrics }] }],
    }),
  );
}

describe('a statement', () => {
  test('states the usage of the period and its terms, and the next one follows it', async () => {
    await post(
      '/dimensions',
      { id: calls, usageIncrement: '10', rounding: 'ceiling', unitPrice: '0.5' },
      201,
    );
    await record('12', '2026-03-05T00:00:00Z');
    await record('3.5', '2026-03-31T23:59:59.999999999Z');
    await record('7', '2026-04-01T00:00:00Z');
    const march = await close({ ...MARCH, note: 'first' });
    expect(march).toMatchObject({
      customerId: customer,
      from: '2026-03-01T00:00:00Z',
      to: '2026-04-01T00:00:00Z',
      timeZone: 'UTC',
      note: 'first',
      previousHash: null,
      lines: [
        {
          dimensionId: calls,
          quantity: '15.5',
          billableQuantity: '20',
          unitPrice: '0.5',
          amount: '10',
          records: 2,
          terms: { aggregation: 'sum', usageIncrement: '10', rounding: 'ceiling' },
        },
      ],
      adjustments: [],
      totals: { amount: '10', lineAmount: '10', adjustmentAmount: null, records: 2 },
      reopened: null,
    });
    expect(march.id).toBe(march.hash.slice(0, 32));
    const april = await close(APRIL);
    expect(april.previousHash).toBe(march.hash);
    expect(await close(MARCH, customer, 200)).toEqual(march);
  });

  test.each([
    ['an overlapping period', { from: '2026-03-15', to: '2026-04-15' }, 409, 'PERIOD_OVERLAPS'],
    ['a period that is not over', { from: '2026-03-15', to: '2200-01-01' }, 422, 'PERIOD_NOT_OVER'],
    ['an empty period', { from: '2026-03-15', to: '2026-03-15' }, 400, 'INVALID_BODY'],
    ['no date', { from: 'March', to: '2026-03-15' }, 400, 'INVALID_BODY'],
    ['no zone', { ...APRIL, timeZone: 'Berlin' }, 400, 'INVALID_BODY'],
    ['an empty note', { ...APRIL, note: '' }, 400, 'INVALID_BODY'],
    ['a strange field', { ...APRIL, force: true }, 400, 'INVALID_BODY'],
  ])('is refused for %s', async (_, period, status, code) => {
    await record('12', '2026-03-05T00:00:00Z');
    await close(MARCH);
    expect(await close(period, customer, status)).toMatchObject({ code });
  });

  test('of somebody unknown is 404; of somebody without usage it says nothing', async () => {
    expect(await close(MARCH, 'nobody', 404)).toMatchObject({ code: 'NOT_FOUND' });
    await post('/customers', { id: 'quiet', timeZone: 'Europe/Berlin' }, 201);
    expect(await close(MARCH, 'quiet')).toMatchObject({
      from: '2026-02-28T23:00:00Z',
      to: '2026-03-31T22:00:00Z',
      timeZone: 'Europe/Berlin',
      lines: [],
      totals: { amount: null, records: 0 },
    });
  });

  test('is only shown in a dry run', async () => {
    await record('12', '2026-03-05T00:00:00Z');
    expect(await close({ ...MARCH, dryRun: true }, customer, 200)).toMatchObject({
      dryRun: true,
      statement: { lines: [{ quantity: '12' }] },
    });
    expect((await server.client.get(`/statements?customerId=${customer}`)).body.rows).toEqual([]);
  });
});

describe('an adjustment', () => {
  test('is what came late, was voided and was amended, by the price that was stated', async () => {
    await post('/dimensions', { id: calls, usageIncrement: '10', unitPrice: '0.5' }, 201);
    const first = await record('12', '2026-03-05T00:00:00Z');
    const second = await record('20', '2026-03-06T00:00:00Z');
    const march = await close(MARCH);
    expect(await pending()).toEqual([]);
    await post(`/dimensions`, { id: 'other', unitPrice: '7' }, 201);
    expect((await server.client.put(`/dimensions/${calls}`, { unitPrice: '9' })).status).toBe(200);
    expect(await pending()).toEqual([]);
    await record('5', '2026-03-07T00:00:00Z');
    await record('2', '2026-03-07T00:00:00Z', customer, 'other');
    expect((await server.client.post(`/records/${first}/void`, { reason: 'test' })).status).toBe(200);
    const amended = await server.client.post(`/records/${second}/amend`, {
      reason: 'typo',
      recordValue: '21',
    });
    expect(amended.status).toBe(200);
    const expected = [
      ['2026-03', calls, '-6', '0', '0', 'amendment 2 1', 'late_arrival 1 5', 'void 1 -12'],
      ['2026-03', 'other', '2', '2', '14', 'late_arrival 1 2'],
    ];
    expect(await pending()).toEqual(expected);
    const april = await close(APRIL);
    expect(april.adjustments.map(summary)).toEqual(expected);
    expect(april.adjustments[0].statementId).toBe(march.id);
    expect(april.totals).toMatchObject({ amount: '14', lineAmount: null, adjustmentAmount: '14' });
    expect(await pending()).toEqual([]);
    expect((await server.client.get(`/statements/${march.id}`)).body).toEqual(march);
  });

  test('of a running total that is read late moves usage between periods', async () => {
    const read = (value: string, time: string) =>
      server.ingest.signals(FRAME_METRICS, cumulative(value, time), PLAIN_JSON);
    await read('100', '2026-03-10T00:00:00Z');
    await read('250', '2026-05-10T00:00:00Z');
    const march = await close(MARCH);
    expect(march.lines).toMatchObject([{ quantity: '100' }]);
    expect((await close(APRIL)).lines).toEqual([]);
    expect((await close(MAY)).lines).toMatchObject([{ quantity: '150' }]);
    await read('180', '2026-04-10T00:00:00Z');
    expect(await pending()).toEqual([
      ['2026-04', calls, '80', '80', null, 'late_arrival 1 80'],
      ['2026-05', calls, '-80', '-80', null, 'late_reading 1 -80'],
    ]);
  });

  test('tells a replay from what a person said', async () => {
    await post('/dimensions', { id: calls }, 201);
    const log = (attributes: Record<string, string>) => {
      const request = logRequest([{ attributes, timeUnixNano: nano('2026-03-07T00:00:00Z') }]);
      return server.ingest.signals(FRAME_LOGS, Buffer.from(JSON.stringify(request)), PLAIN_JSON);
    };
    await log({ 'usage.dimension.id': calls, 'usage.value': '3', 'usage.event.id': `a-${tests}` });
    await log({
      'usage.dimension.id': calls,
      'usage.value': '-1',
      'usage.customer.id': customer,
      'usage.event.id': `b-${tests}`,
    });
    await record('12', '2026-03-05T00:00:00Z');
    await close(MARCH);
    const correction = { customerId: customer };
    await post('/quarantine/replay', { reason: 'missing_customer', dimensionId: calls, correction }, 200);
    await server.client.put(`/dimensions/${calls}`, { creditsAllowed: true });
    await post('/quarantine/replay', { reason: 'credits_not_allowed', dimensionId: calls }, 200);
    expect(await pending()).toEqual([['2026-03', calls, '2', '2', null, 'correction 1 3', 'replay 1 -1']]);
  });

  test('of a level that comes late moves all periods behind it', async () => {
    await post('/dimensions', { id: calls, aggregation: 'time_integral' }, 201);
    await record('1', '2026-03-01T00:00:00Z');
    await close(MARCH);
    // The level of March holds in April, without a record.
    const april = await close(APRIL);
    expect(april.lines).toMatchObject([{ quantity: '720', records: 0 }]);
    await record('3', '2026-03-31T00:00:00Z');
    expect(await pending()).toEqual([
      ['2026-03', calls, '48', '48', null, 'late_arrival 1 3'],
      ['2026-04', calls, '1440', '1440', null, 'late_arrival 1 3'],
    ]);
  });

  test('of a statement that is re-opened is pending again, and closing anew subtracts what others state', async () => {
    await record('12', '2026-03-05T00:00:00Z');
    const march = await close(MARCH);
    await record('5', '2026-03-07T00:00:00Z');
    const april = await close(APRIL);
    expect(april.adjustments.map(summary)).toEqual([['2026-03', calls, '5', '5', null, 'late_arrival 1 5']]);
    const reopened = await post(`/statements/${march.id}/reopen`, { note: 'wrong customer' }, 200);
    expect(reopened).toEqual({ ...march, reopened: expect.objectContaining({ note: 'wrong customer' }) });
    expect(await post(`/statements/${march.id}/reopen`, { note: 'again' }, 409)).toMatchObject({
      code: 'ALREADY_REOPENED',
    });
    expect(await pending()).toEqual([]);
    expect(await close({ from: '2026-03-01', to: '2026-03-15' }, customer, 409)).toMatchObject({
      code: 'PERIOD_ADJUSTED',
    });
    const again = await close(MARCH);
    expect(again.lines).toMatchObject([{ quantity: '17' }]);
    expect(again.adjustments.map(summary)).toEqual([
      ['2026-03', calls, '-5', '-5', null, 'already_stated - -5'],
    ]);
    expect(await pending()).toEqual([]);
    await post(`/statements/${april.id}/reopen`, { note: 'again' }, 200);
    expect(await pending()).toEqual([['2026-03', calls, '5', '5', null, 'statement_reopened - 5']]);
  });

  test('comes of customers that become one', async () => {
    await record('12', '2026-03-05T00:00:00Z', customer);
    await record('5', '2026-03-05T00:00:00Z', `${customer}-old`);
    await record('1', '2026-04-05T00:00:00Z', `${customer}-old`);
    await close(MARCH, customer);
    await close(MARCH, `${customer}-old`);
    await close(APRIL, `${customer}-old`);
    expect((await server.client.put(`/customers/${customer}`, { aliases: [`${customer}-old`] })).status).toBe(
      200,
    );
    expect(await pending()).toEqual([]);
    await record('3', '2026-03-06T00:00:00Z', `${customer}-old`);
    expect(await pending()).toEqual([['2026-03', calls, '3', '3', null, 'late_arrival 1 3']]);
    expect((await close(APRIL, customer, 200)).customerId).toBe(`${customer}-old`);
    expect((await close(APRIL, `${customer}-old`, 200)).customerId).toBe(`${customer}-old`);
  });
});

describe('between a draft and its frame', () => {
  async function draft() {
    await server.ingest.caughtUp();
    const query: StatementDraftsQuery = {
      from: nano('2026-03-01T00:00:00Z'),
      to: nano('2026-04-01T00:00:00Z'),
      customerId: customer,
      customerZone: null,
      after: null,
      limit: 1,
      timeZone: 'UTC',
      closedAtUnixNano: nano('2026-06-01T00:00:00Z'),
      note: null,
    };
    const { drafts } = await server.ingest.ledger.query({ type: 'statementDrafts', query });
    return drafts[0];
  }

  test('usage is late', async () => {
    await record('12', '2026-03-05T00:00:00Z');
    const { content, hash } = await draft();
    await record('5', '2026-03-06T00:00:00Z');
    await server.ingest.change({ changes: [{ type: 'period_closed', statement: content, hash }] });
    expect(await pending()).toEqual([['2026-03', calls, '5', '5', null, 'late_arrival 1 5']]);
  });

  test('a customer that becomes another one takes the statement along', async () => {
    await record('12', '2026-03-05T00:00:00Z');
    const { content, hash } = await draft();
    await server.client.put(`/customers/${customer}-new`, { aliases: [customer] });
    await server.ingest.change({ changes: [{ type: 'period_closed', statement: content, hash }] });
    const { rows } = (await server.client.get(`/statements?customerId=${customer}-new`)).body;
    expect(rows).toMatchObject([{ customerId: customer, hash }]);
    expect(await pending(`${customer}-new`)).toEqual([]);
    await record('5', '2026-03-06T00:00:00Z');
    expect(await pending(`${customer}-new`)).toMatchObject([
      ['2026-03', calls, '5', '5', null, 'late_arrival 1 5'],
    ]);
  });
});

test('changes are logged in the name of whoever asked, where it is known', async () => {
  await post('/customers', { id: customer }, 201);
  await server.ingest.change({ changes: [{ type: 'customer_deleted', id: customer }] });
  const { rows } = (await server.client.get(`/audit?subject=${customer}`)).body;
  expect(rows).toMatchObject([
    { kind: 'customer_deleted', actor: null },
    { kind: 'customer_put', actor: 'local' },
  ]);
});

test('analysts see statements, lines and adjustments as the API says them', async () => {
  await server.client.put(`/dimensions/${calls}`, { unitPrice: '0.000000000001' });
  await record('12.000000000001', '2026-03-05T00:00:00Z');
  const march = await close(MARCH);
  await record('5', '2026-03-07T00:00:00Z');
  const april = await close(APRIL);
  await post(`/statements/${april.id}/reopen`, { note: 'test' }, 200);
  const where = `WHERE customer_id = '${customer}'`;
  const [statements, lines, adjustments, log] = await server.askLedger([
    `SELECT statement_id, period_start, amount, hash, previous_hash, is_valid, reopen_note FROM statements ${where}
      ORDER BY journal_sequence`,
    `SELECT statement_id, dimension_id, quantity, billable_quantity, unit_price, amount, records, is_valid,
      terms->>'aggregation' FROM statement_lines ${where}`,
    `SELECT statement_id, adjusted_statement_id, period_end, quantity, amount, is_valid, reasons->0->>'reason'
      FROM adjustments ${where}`,
    `SELECT kind, actor, note FROM audit_log WHERE subject = '${april.id}' ORDER BY sequence`,
  ]);
  expect(statements).toEqual([
    [march.id, '2026-03-01 00:00:00', '0.000000000012000000000001', march.hash, 'null', 'true', 'null'],
    [april.id, '2026-04-01 00:00:00', '0.000000000005000000000000', april.hash, march.hash, 'false', 'test'],
  ]);
  expect(lines).toEqual([
    [
      march.id,
      calls,
      '12.000000000001',
      '12.000000000001',
      '0.000000000001',
      '0.000000000012000000000001',
      '1',
      'true',
      'sum',
    ],
  ]);
  expect(adjustments).toEqual([
    [
      april.id,
      march.id,
      '2026-04-01 00:00:00',
      '5.000000000000',
      '0.000000000005000000000000',
      'false',
      'late_arrival',
    ],
  ]);
  expect(log).toEqual([
    ['period_closed', 'local', 'null'],
    ['statement_reopened', 'local', 'test'],
  ]);
});

test('all customers are closed, each in its zone, and once', async () => {
  await server.stop();
  server = await ApiServer.start();
  await post('/customers', { id: 'berlin', timeZone: 'Europe/Berlin' }, 201);
  await record('1', '2026-03-31T22:30:00Z', 'berlin');
  await record('2', '2026-03-31T22:30:00Z', 'acme');
  await record('3', '2026-03-31T21:30:00Z', 'berlin');
  await post('/customers', { id: 'offset', timeZone: '+05:30' }, 201);
  await post('/dimensions', { id: 'by-day', aggregation: 'max', interval: 'day' }, 201);
  await record('4', '2026-03-31T18:29:59Z', 'offset', 'by-day');
  await record('5', '2026-03-31T18:30:00Z', 'offset', 'by-day');
  await post('/customers', { id: 'quiet' }, 201);
  expect(await post('/periods/close', { ...MARCH, dryRun: true }, 200)).toMatchObject({
    dryRun: true,
    closed: 3,
    // In the order of their zones.
    statements: [
      { customerId: 'offset', lines: 1, adjustments: 0, records: 1, amount: null },
      { customerId: 'berlin', lines: 1, adjustments: 0, records: 1, amount: null },
      { customerId: 'acme', lines: 1, adjustments: 0, records: 1, amount: null },
    ],
    unpriced: ['by-day', calls],
  });
  expect(await post('/periods/close', MARCH, 200)).toMatchObject({ closed: 3, alreadyClosed: 0 });
  expect(await post('/periods/close', MARCH, 200)).toMatchObject({ closed: 0, alreadyClosed: 3 });
  const { rows } = (await server.client.get('/statements')).body;
  const lines = await Promise.all(
    rows.map(async ({ id }: { id: string }) => {
      const { customerId, lines } = (await server.client.get(`/statements/${id}`)).body;
      return [customerId, lines[0].quantity];
    }),
  );
  expect(lines.sort()).toEqual([
    ['acme', '2'],
    ['berlin', '3'],
    ['offset', '4'],
  ]);
  expect(await post('/periods/close', { from: '2026-03-15', to: '2026-04-15' }, 200)).toMatchObject({
    closed: 0,
    conflicting: 3,
    conflicts: [
      { customerId: 'offset', isAdjustment: false },
      { customerId: 'berlin' },
      { customerId: 'acme' },
    ],
  });
});
