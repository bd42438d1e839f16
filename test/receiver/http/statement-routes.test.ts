/** Statements and the audit log over HTTP: lists, formats, caches, and who did it. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ReceiverProcess, startReceiver } from '../../support/receiver-process.ts';

let dataDir: string;
let receiver: ReceiverProcess;
const KEYS = ['first-key', 'second-key'];
const actor = (key: string) => `key:${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
/** Statements of March, April and May; that of April was re-opened. */
const ids: string[] = [];

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${receiver.url}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${KEYS[0]}`, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
}

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-statements-'));
  const config = join(dataDir, 'usage-meter.yaml');
  writeFileSync(config, 'customers:\n  - id: from-file\n');
  const env = { USAGE_METER_API_KEYS: KEYS.join(','), USAGE_METER_CONFIG: config };
  receiver = await startReceiver({ dataDir, env });
  await send('PUT', '/dimensions/calls', { unitPrice: '0.25' });
  for (const month of [3, 4, 5])
    await send('POST', '/usage', {
      customerId: 'acme',
      dimensionId: 'calls',
      recordValue: '2',
      timestamp: `2026-0${month}-05T00:00:00Z`,
    });
  await send('PUT', '/customers/other', { name: 'Other' }, { Authorization: `Bearer ${KEYS[1]}` });
  for (const month of [3, 4, 5]) {
    const period = { from: `2026-0${month}-01`, to: `2026-0${month + 1}-01` };
    ids.push((await send('POST', '/periods/close', { customerId: 'acme', ...period })).body.id);
  }
  await send(
    'POST',
    `/statements/${ids[1]}/reopen`,
    { note: 'price' },
    { Authorization: `Bearer ${KEYS[1]}` },
  );
});

afterAll(async () => {
  await receiver?.stop();
  rmSync(dataDir, { recursive: true });
});

describe('the list', () => {
  test.each([
    ['', [2, 1, 0]],
    ['state=valid', [2, 0]],
    ['state=reopened', [1]],
    ['from=2026-04-01&to=2026-05-01', [1]],
    ['from=2026-04-30', [2, 1]],
    ['to=2026-03-02', [0]],
    ['customerId=acme', [2, 1, 0]],
    ['customerId=other', []],
    ['limit=10', [2, 1, 0]],
    ['order=asc', [0, 1, 2]],
    ['sort=from&order=asc', [0, 1, 2]],
    ['sort=amount', [2, 1, 0]],
    ['sort=customerId&state=valid', [2, 0]],
  ])('of %s', async (parameters, expected) => {
    const { status, body } = await send('GET', `/statements?${parameters}`);
    expect([status, body.rows.map(({ id }: { id: string }) => ids.indexOf(id))]).toEqual([200, expected]);
  });

  test('has the heads of statements, without their lines', async () => {
    const { rows } = (await send('GET', '/statements?state=reopened')).body;
    expect(rows).toEqual([
      {
        id: ids[1],
        customerId: 'acme',
        from: '2026-04-01T00:00:00Z',
        to: '2026-05-01T00:00:00Z',
        timeZone: 'UTC',
        closedAt: expect.any(String),
        asOfSequence: expect.any(Number),
        amount: '0.5',
        note: null,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        previousHash: expect.stringMatching(new RegExp(`^${ids[0]}`)),
        sequence: expect.any(Number),
        reopened: { at: expect.any(String), note: 'price', sequence: expect.any(Number) },
      },
    ]);
  });

  test.each([
    '/statements?limit=1',
    '/statements?sort=closedAt&order=asc&limit=1',
    '/statements?sort=customerId&limit=1',
    '/statements?sort=from&order=asc&limit=1',
    '/statements?sort=amount&order=desc&limit=2',
    '/audit?limit=2',
  ])('pages through %s', async (path) => {
    const all = (await send('GET', path.replace(/&?limit=\d/, ''))).body.rows;
    const seen: unknown[] = [];
    let next = path;
    for (;;) {
      const { body } = await send('GET', next);
      seen.push(...body.rows);
      if (body.nextCursor === null) break;
      next = `${path}&cursor=${body.nextCursor}`;
    }
    expect(seen).toEqual(all);
  });

  test.each([
    ['/statements?state=open', 'state'],
    ['/statements?from=2026-05-01&to=2026-04-01', 'to'],
    ['/statements?cursor=x', 'cursor'],
    ['/statements?reopened=true', 'reopened'],
    ['/statements?sort=hash', 'sort'],
    ['/adjustments?dimensionId=calls', 'dimensionId'],
    ['/adjustments?customerId=', 'customerId'],
    ['/audit?kind=customer', 'kind'],
    ['/audit?from=yesterday', 'from'],
  ])('%s is refused, naming %s', async (path, parameter) => {
    const { status, body } = await send('GET', path);
    expect([status, body.parameter]).toEqual([400, parameter]);
  });
});

describe('a statement', () => {
  test.each([
    ['', 'application/json', /^application\/json/],
    ['', 'text/csv', /^text\/csv; charset=utf-8$/],
    ['', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', /^text\/html; charset=utf-8$/],
    ['', '*/*', /^application\/json/],
    ['?format=csv', 'text/html', /^text\/csv/],
    ['?format=html', '*/*', /^text\/html/],
    ['?format=json', 'text/csv', /^application\/json/],
  ])('%s accepting %s', async (parameters, accept, type) => {
    const { status, headers } = await send('GET', `/statements/${ids[0]}${parameters}`, undefined, {
      Accept: accept,
    });
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(type);
    expect(headers.get('vary')).toBe('Accept');
    expect(headers.get('cache-control')).toBe('private, no-cache');
  });

  test('as a page may do nothing but be looked at', async () => {
    const { headers, text } = await send('GET', `/statements/${ids[0]}?format=html`);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/=]+';/,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(text).toContain('Statement of usage');
  });

  test('has its hash as ETag; one that is re-opened is another answer', async () => {
    const { headers, body } = await send('GET', `/statements/${ids[0]}`);
    const etag = headers.get('etag')!;
    expect(etag).toBe(`"${body.hash}"`);
    const again = await send('GET', `/statements/${ids[0]}`, undefined, { 'If-None-Match': `"x", ${etag}` });
    expect([again.status, again.text]).toEqual([304, '']);
    expect((await send('GET', `/statements/${ids[0]}`, undefined, { 'If-None-Match': '"x"' })).status).toBe(
      200,
    );
    expect((await send('GET', `/statements/${ids[0]}?format=csv`)).headers.get('etag')).toBe(
      `"${body.hash}-csv"`,
    );
    const reopened = await send('GET', `/statements/${ids[1]}`);
    expect(reopened.headers.get('etag')).toBe(`"${reopened.body.hash}-reopened"`);
  });

  test.each([
    ['GET', '/statements/nobody', undefined, 404],
    ['GET', '/statements/nobody?format=csv', undefined, 404],
    ['POST', '/statements/nobody/reopen', { note: 'x' }, 404],
    ['POST', '/statements/nobody/reopen', {}, 400],
    ['POST', '/statements/nobody/reopen', { note: '' }, 400],
    ['DELETE', '/statements/nobody', undefined, 405],
    ['PUT', '/periods/close', {}, 405],
  ])('%s %s %j is %i', async (method, path, body, status) => {
    expect((await send(method, path, body)).status).toBe(status);
  });

  test('of an unknown format is refused', async () => {
    const { status, body } = await send('GET', `/statements/${ids[0]}?format=pdf`);
    expect([status, body.parameter]).toEqual([400, 'format']);
  });
});

describe('the audit log', () => {
  const entries = async (parameters: string) => {
    const { body } = await send('GET', `/audit?${parameters}`);
    // biome-ignore lint/suspicious/noExplicitAny: an entry as the API says it
    return body.rows.map(({ kind, subject, actor: who, note }: any) => [kind, subject, who, note]);
  };

  test('has every change with its actor, newest first', async () => {
    expect(await entries('')).toEqual([
      ['statement_reopened', ids[1], actor(KEYS[1]), 'price'],
      ['period_closed', ids[2], actor(KEYS[0]), null],
      ['period_closed', ids[1], actor(KEYS[0]), null],
      ['period_closed', ids[0], actor(KEYS[0]), null],
      ['customer_put', 'other', actor(KEYS[1]), null],
      ['dimension_put', 'calls', actor(KEYS[0]), null],
      ['customer_put', 'from-file', 'file', null],
    ]);
  });

  test.each([
    ['kind=customer_put&kind=dimension_put', 3],
    ['subject=calls', 1],
    [`actor=${encodeURIComponent(actor(KEYS[1]))}`, 2],
    ['actor=file', 1],
    ['from=2100-01-01', 0],
    ['from=2026-01-01&to=2100-01-01', 7],
    ['kind=meter_put', 0],
  ])('%s: %i', async (parameters, count) => {
    expect(await entries(parameters)).toHaveLength(count);
  });

  test('has the change itself; of a close what names the statement', async () => {
    const { rows } = (await send('GET', `/audit?subject=${ids[0]}&subject=calls`)).body;
    const { hash, asOfSequence } = (await send('GET', `/statements/${ids[0]}`)).body;
    expect(rows[0].change).toEqual({
      type: 'period_closed',
      hash,
      customerId: 'acme',
      from: '2026-03-01T00:00:00Z',
      to: '2026-04-01T00:00:00Z',
      timeZone: 'UTC',
      asOfSequence,
    });
    expect(rows[1].change).toMatchObject({
      type: 'dimension_put',
      dimension: { id: 'calls', unitPrice: '0.25' },
    });
  });

  test('names no key', async () => {
    const { text } = await send('GET', '/audit');
    for (const key of KEYS) expect(text).not.toContain(key);
  });
});
