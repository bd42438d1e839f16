/** The typed client against a running receiver: what it sends, what it gives back, and what it throws. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  type AnswerOf,
  type ListName,
  type RequestOptions,
  UsageMeterClient,
  UsageMeterError,
} from '../../client/index.ts';
import { type RunningReceiver, runReceiver } from '../receiver/http/openapi/running-receiver.ts';

const KEY = 'a-key';
let receiver: RunningReceiver;
let client: UsageMeterClient;
beforeAll(async () => {
  receiver = await runReceiver([KEY]);
  client = new UsageMeterClient({ url: `${receiver.url}/`, apiKey: KEY });
});
afterAll(() => receiver.stop());

const MARCH = { from: '2026-03-01', to: '2026-04-01' };
const record = (dimensionId: string, recordValue: string | number, region: string) => ({
  customerId: 'a/b?c',
  dimensionId,
  recordValue,
  timestamp: '2026-03-05T00:00:00Z',
  metadata: { region },
});

async function errorOf(asked: Promise<unknown>): Promise<UsageMeterError> {
  const error = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UsageMeterError);
  return error as UsageMeterError;
}

test('what is written can be asked for, by parameters of every kind', async () => {
  const written = await client.request('POST /api/v1/usage', {
    body: [record('calls', 1, 'eu'), record('calls', '2', 'us'), record('tokens', '4.5', 'eu & "co"')],
    headers: { 'Idempotency-Key': 'first' },
  });
  expect('records' in written && written.records.map(({ status }) => status)).toEqual(
    Array(3).fill('stored'),
  );

  const ask = async (query: RequestOptions<'GET /api/v1/usage'>['query']) =>
    (await client.request('GET /api/v1/usage', { query })).rows.map(({ quantity }) => quantity);
  expect(await ask(MARCH)).toEqual(['3', '4.5']);
  expect(await ask({ ...MARCH, customerId: 'a/b?c', dimensionId: ['calls'] })).toEqual(['3']);
  expect(await ask({ ...MARCH, metadata: { region: 'eu & "co"' } })).toEqual(['4.5']);
  expect(await ask({ ...MARCH, metadata: { region: ['us', 'eu'] } })).toEqual(['3']);
  expect(await ask({ ...MARCH, groupBy: ['dimensionId', 'metadata.region'] })).toEqual(['1', '2', '4.5']);
  expect(await ask({ ...MARCH, window: 'day', fill: false, limit: 1 })).toEqual(['3']);
  expect(await ask({ ...MARCH, customerId: undefined as never })).toHaveLength(2);
});

test('ids in paths are encoded', async () => {
  const customer = await client.request('PUT /api/v1/customers/{id}', {
    path: { id: 'a/b?c' },
    body: { name: 'A' },
  });
  expect(customer).toMatchObject({ id: 'a/b?c', name: 'A', aliases: [], discovered: false });
  expect(await client.request('GET /api/v1/customers/{id}', { path: { id: 'a/b?c' } })).toEqual(customer);
});

test('what has no answer to read gives undefined', async () => {
  await client.request('POST /api/v1/dimensions', { body: { id: 'spare' } });
  expect(await client.request('DELETE /api/v1/dimensions/{id}', { path: { id: 'spare' } })).toBeUndefined();
});

test('rows of all pages, one after the other', async () => {
  const ids = Array.from({ length: 7 }, (_, n) => `listed-${n}`);
  for (const id of ids) await client.request('POST /api/v1/customers', { body: { id } });
  const rows: string[] = [];
  for await (const { id } of client.rows('GET /api/v1/customers', { query: { q: 'listed', limit: 2 } }))
    rows.push(id);
  expect(rows).toEqual(ids);
});

test('what is no JSON comes as it is', async () => {
  const body = { ...MARCH, customerId: 'a/b?c' };
  const statement = await client.request('POST /api/v1/periods/close', { body });
  if (!('hash' in statement)) throw new Error('the period was not closed');
  const options = { path: { id: statement.id }, query: { format: 'csv' } } as const;
  const response = await client.respond('GET /api/v1/statements/{id}', options);
  expect(await response.text()).toMatch(/^statementId,/);
  const error = await errorOf(client.request('GET /api/v1/statements/{id}', options));
  expect(error).toMatchObject({ code: 'NOT_JSON', retryable: false, status: 200 });
});

describe('errors', () => {
  test.each([
    // asks                                                                     status  code
    [
      'an id that is nobody’s',
      () => client.request('GET /api/v1/customers/{id}', { path: { id: 'x' } }),
      404,
      'NOT_FOUND',
    ],
    [
      'a body that is wrong',
      () => client.request('POST /api/v1/customers', { body: { id: '' } }),
      400,
      'INVALID_BODY',
    ],
    [
      'a parameter that is wrong',
      () => client.request('GET /api/v1/usage', { query: { ...MARCH, limit: 0 } }),
      400,
      'INVALID_PARAMETER',
    ],
    [
      'no key',
      () => new UsageMeterClient({ url: receiver.url }).request('GET /api/v1/status'),
      401,
      'UNAUTHENTICATED',
    ],
  ])('%s', async (_, ask, status, code) => {
    const error = await errorOf(ask());
    expect(error).toMatchObject({ status, code, retryable: false, problem: { status, code } });
    expect(error.message).toContain(error.problem!.detail);
  });

  test.each([
    // answer                                                              code           retryable
    [{ status: 503, headers: { 'Retry-After': '2' }, body: 'later' }, 'HTTP_503', true],
    [{ status: 500, headers: {}, body: '{"code":"INTERNAL","detail":"x"}' }, 'INTERNAL', false],
    [{ status: 403, headers: {}, body: '<html>' }, 'HTTP_403', false],
    [{ status: 200, headers: {}, body: '<html>' }, 'NOT_JSON', false],
  ])('a server that answers %j', async ({ status, headers, body }, code, retryable) => {
    const server = createServer((_, response) => response.writeHead(status, headers).end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const other = new UsageMeterClient({ url: `http://127.0.0.1:${port}` });
    const error = await errorOf(other.request('GET /api/v1/status'));
    expect(error).toMatchObject({ code, retryable, status });
    expect(error.retryAfterSeconds).toBe(status === 503 ? 2 : null);
    server.closeAllConnections();
    server.close();
  });

  test('nobody who answers', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const other = new UsageMeterClient({ url: `http://127.0.0.1:${port}` });
    const error = await errorOf(other.request('GET /api/v1/status'));
    expect(error).toMatchObject({ code: 'UNREACHABLE', retryable: true, status: null });
    expect(error.cause).toBeDefined();
  });

  test('a request that was aborted ends with what it was aborted with', async () => {
    const reason = new Error('nobody waits any more');
    const asked = client.request('GET /api/v1/status', { signal: AbortSignal.abort(reason) });
    await expect(asked).rejects.toBe(reason);
  });
});

test('types: what is asked for and what comes', () => {
  expectTypeOf<AnswerOf<'GET /api/v1/usage'>['rows'][number]['quantity']>().toEqualTypeOf<string>();
  expectTypeOf<AnswerOf<'GET /api/v1/usage'>['nextCursor']>().toEqualTypeOf<string | null>();
  expectTypeOf<AnswerOf<'DELETE /api/v1/meters/{id}'>>().toEqualTypeOf<undefined>();
  expectTypeOf<'GET /api/v1/records'>().toExtend<ListName>();
  expectTypeOf<'GET /api/v1/status'>().not.toExtend<ListName>();
  expectTypeOf<{ query: { from: string } }>().not.toExtend<RequestOptions<'GET /api/v1/usage'>>();
  expectTypeOf<{ query: typeof MARCH }>().toExtend<RequestOptions<'GET /api/v1/usage'>>();
  expectTypeOf<{ query: typeof MARCH & { window: 'year' } }>().not.toExtend<
    RequestOptions<'GET /api/v1/usage'>
  >();
  expectTypeOf<{ body: { id: string } }>().toExtend<RequestOptions<'POST /api/v1/customers'>>();
  expectTypeOf<{ body: { name: string } }>().not.toExtend<RequestOptions<'POST /api/v1/customers'>>();
  expectTypeOf<{ path: { recordId: string } }>().toExtend<RequestOptions<'GET /api/v1/records/{recordId}'>>();
  expectTypeOf<{ path: { id: string } }>().not.toExtend<RequestOptions<'GET /api/v1/records/{recordId}'>>();
  type Value = Extract<RequestOptions<'POST /api/v1/usage'>['body'], { recordValue: unknown }>['recordValue'];
  expectTypeOf<Value>().toEqualTypeOf<string | number>();
});

test('the example: an invoice, run twice', async () => {
  const file = fileURLToPath(new URL('../../examples/typescript-client/invoice.ts', import.meta.url));
  const env = { PATH: process.env.PATH, USAGE_METER_URL: receiver.url, USAGE_METER_API_KEY: KEY };
  const run = async () =>
    (await promisify(execFile)(process.execPath, [file, 'initech'], { env })).stdout.trim().split('\n');
  const expected = ['support.hours: 1.5 1, of 1 records', 'closed: 1 lines, amount null'];
  expect(await run()).toEqual(expected);
  expect(await run()).toEqual(expected);
});

test('nothing but types comes along', () => {
  const source = readFileSync(new URL('../../client/index.ts', import.meta.url), 'utf8');
  const imports = source.match(/^(?:import|export) .*from .*$/gm)!;
  expect(imports.length).toBeGreaterThan(2);
  for (const line of imports) expect(line).toMatch(/^(?:import|export) type /);
});
