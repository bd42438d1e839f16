/** GET /api/v1/live: what listeners are told, and that none of them costs more than it may. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ApiAccess } from '../../../receiver/http/api-routes.ts';
import { LISTENERS_LIMIT, LiveFeed } from '../../../receiver/http/live-feed.ts';
import { liveRoutes } from '../../../receiver/http/live-route.ts';
import { createLog, Receiver } from '../../../receiver/index.ts';
import { Ingest } from '../../../receiver/ingest.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-live-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

interface LiveEvent {
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of an event is what the test says it is
  data: any;
}

/** Events of a stream, one after the other. */
async function* eventsOf(response: Response): AsyncGenerator<LiveEvent> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body!) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const event = field('event');
      if (event !== undefined) yield { event, data: JSON.parse(field('data')!) };
    }
  }
}

describe('a receiver', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    const config = {
      host: '127.0.0.1',
      port: 0,
      dataDir,
      apiKeys: [],
      log: 'text' as const,
      minFreeDiskBytes: 0,
      journalRetentionDays: null,
      allowedHosts: [],
      configPath: null,
    };
    receiver = await Receiver.start(
      config,
      createLog('text', () => {}),
    );
    await receiver.ready();
  });
  afterEach(() => receiver.stop());

  const record = (customerId: string, more: object = {}) => ({
    customerId,
    dimensionId: 'calls',
    recordValue: '2.50',
    timestamp: '2026-03-05T00:00:00Z',
    ...more,
  });

  async function post(path: string, body: unknown): Promise<void> {
    const response = await fetch(`${receiver.url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.ok, await response.text()).toBe(true);
  }

  /** Listens, from when the receiver says that it does. */
  async function listen(query = ''): Promise<AsyncGenerator<LiveEvent>> {
    const events = eventsOf(await fetch(`${receiver.url}/api/v1/live${query}`));
    expect((await events.next()).value.event).toBe('listening');
    return events;
  }

  test('records come as the list of records has them, of all or of some', async () => {
    await post('/api/v1/usage', record('before'));
    await (await fetch(`${receiver.url}/api/v1/records?from=2026-03-01&to=2026-04-01`)).text();
    const all = await listen();
    const some = await listen('?customerId=globex&customerId=initech&dimensionId=calls');
    await post('/api/v1/usage', [record('acme', { metadata: { region: 'eu' } }), record('globex')]);
    const { event, data } = (await all.next()).value;
    expect(event).toBe('records');
    const listed = await fetch(`${receiver.url}/api/v1/records?from=2026-03-01&to=2026-04-01`);
    const { rows } = (await listed.json()) as { rows: { customerId: string }[] };
    expect(data.rows).toEqual(rows.filter(({ customerId }) => customerId !== 'before'));
    expect(data.leftOut).toBe(0);
    const [told] = (await some.next()).value.data.rows;
    expect(told).toMatchObject({ customerId: 'globex', recordValue: '2.5' });
  });

  test('of many at once the last are told, and how many are left out', async () => {
    const events = await listen();
    await post(
      '/api/v1/usage',
      Array.from({ length: 57 }, (_, i) =>
        record('acme', { timestamp: `2026-03-05T00:00:${String(i).padStart(2, '0')}Z` }),
      ),
    );
    const { data } = (await events.next()).value;
    expect(data.leftOut).toBe(37);
    expect(data.rows.map(({ timestamp }: { timestamp: string }) => timestamp.slice(-3, -1))).toEqual(
      Array.from({ length: 20 }, (_, i) => String(37 + i)),
    );
  });

  test('an event has a size, whatever is in the metadata', async () => {
    const events = await listen();
    const metadata = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`key${i}`, 'x'.repeat(1000)]));
    await post(
      '/api/v1/usage',
      Array.from({ length: 10 }, () => record('acme', { metadata })),
    );
    const { data } = (await events.next()).value;
    expect(JSON.stringify(data).length).toBeLessThan(70_000);
    expect(data.rows.length).toBeGreaterThan(1);
    expect(data.rows.length + data.leftOut).toBe(10);
  });

  test('what goes to quarantine is told with its reason', async () => {
    const events = await listen();
    const attributes = [{ key: 'usage.dimension.id', value: { stringValue: 'calls' } }];
    const logRecords = [{ timeUnixNano: '1772355600000000000', attributes }];
    await post('/v1/logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
    const { event, data } = (await events.next()).value;
    expect(event).toBe('quarantined');
    expect(data).toMatchObject({
      rows: [{ reason: 'missing_customer', customerId: null, dimensionId: 'calls' }],
      leftOut: 0,
    });
  });

  test('so many can listen, and one who leaves makes room', async () => {
    const leaving = new AbortController();
    const listeners = await Promise.all(
      Array.from({ length: LISTENERS_LIMIT }, (_, i) =>
        fetch(`${receiver.url}/api/v1/live`, i === 0 ? { signal: leaving.signal } : {}),
      ),
    );
    expect(listeners.every(({ status }) => status === 200)).toBe(true);
    const refused = await fetch(`${receiver.url}/api/v1/live`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('2');
    await refused.text();
    leaving.abort();
    let next = refused;
    // The receiver learns from the system that somebody has left.
    while (next.status === 503) {
      next = await fetch(`${receiver.url}/api/v1/live`);
      if (next.status === 503) await next.text();
    }
    expect(next.status).toBe(200);
  });

  test('a stop ends it', async () => {
    const events = await listen();
    const stopped = receiver.stop();
    expect((await events.next()).value.event).toBe('end');
    expect((await events.next()).done).toBe(true);
    await stopped;
  });

  test.each([
    ['GET', '?from=2026-03-01', 400, 'UNKNOWN_PARAMETER'],
    ['GET', '?customerId=', 400, 'INVALID_PARAMETER'],
    ['POST', '', 405, 'METHOD_NOT_ALLOWED'],
  ])('%s %s is refused', async (method, query, status, code) => {
    const response = await fetch(`${receiver.url}/api/v1/live${query}`, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});

test('who does not read is dropped, and the others go on', async () => {
  const ingest = await Ingest.open({ dataDir });
  const stopping = new AbortController();
  const feed = new LiveFeed(async () => ingest, stopping.signal, 1);
  const closed = Promise.withResolvers<void>();
  const server: Server = createServer((request, response) => {
    if (request.url === '/idle') response.once('close', () => closed.resolve());
    feed.add(response, { customerIds: null, dimensionIds: null }, ingest.ledger.position);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const idle = connect(port, '127.0.0.1');
  idle.on('error', () => {});
  idle.pause();
  idle.write('GET /idle HTTP/1.1\r\nHost: a\r\n\r\n');
  const reading = new AbortController();
  const events = eventsOf(await fetch(`http://127.0.0.1:${port}/`, { signal: reading.signal }));
  expect((await events.next()).value.event).toBe('listening');
  expect(feed.size).toBe(2);

  let isDropped = false;
  void closed.promise.then(() => {
    isDropped = true;
  });
  const metadata = { text: 'x'.repeat(30_000) };
  for (let i = 0; !isDropped; i++) {
    expect(i, 'events until it was dropped').toBeLessThan(1_000);
    const one = {
      customerId: 'acme',
      dimensionId: 'calls',
      recordValue: '1',
      timeUnixNano: '1772355600000000000',
      startUnixNano: '0',
      metadata,
      id: null,
    };
    await ingest.records([one, one]);
    // A tick is a millisecond here: while a busy machine loads them, nothing is told many times.
    let event = 'heartbeat';
    while (event === 'heartbeat') event = (await events.next()).value.event;
    expect(event).toBe('records');
  }
  expect(feed.size).toBe(1);
  stopping.abort();
  for (let last = 'records'; last !== 'end'; ) last = (await events.next()).value.event;
  idle.destroy();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await ingest.close();
}, 60_000);

test('a stop while the ledger is asked: what it answers is for nobody any more', async () => {
  const ingest = await Ingest.open({ dataDir });
  const stopping = new AbortController();
  const asked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const { ledger } = ingest;
  const query = ledger.query.bind(ledger);
  ledger.query = (async (request: Parameters<typeof query>[0]) => {
    const answer = await query(request);
    asked.resolve();
    await goOn.promise;
    // Whoever asked has gone on by then.
    setImmediate(() => setImmediate(answered.resolve));
    return answer;
  }) as typeof ledger.query;
  const faults: unknown[] = [];
  const feed = new LiveFeed(async () => ingest, stopping.signal, 1);
  const server: Server = createServer((_request, response) => {
    response.on('error', (error) => faults.push(error));
    feed.add(response, { customerIds: null, dimensionIds: null }, ingest.ledger.position);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const events = eventsOf(await fetch(`http://127.0.0.1:${port}/`));
  expect((await events.next()).value.event).toBe('listening');
  await ingest.records([
    {
      customerId: 'acme',
      dimensionId: 'calls',
      recordValue: '1',
      timeUnixNano: '1772355600000000000',
      startUnixNano: '0',
      metadata: {},
      id: null,
    },
  ]);
  await asked.promise;
  stopping.abort();
  goOn.resolve();
  await answered.promise;
  expect((await events.next()).value.event).toBe('end');
  expect((await events.next()).done).toBe(true);
  expect(faults).toEqual([]);
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await ingest.close();
});

test('who comes while a stop begins is sent away, and does not hold it', async () => {
  const ingest = await Ingest.open({ dataDir });
  const stopping = new AbortController();
  const access = {
    ingest: async () => {
      stopping.abort();
      return ingest;
    },
    log: () => {},
  } as unknown as ApiAccess;
  const server = createServer(express().use(liveRoutes(access, stopping.signal)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/live`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: 'UNAVAILABLE', detail: 'the receiver is stopping' });
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await ingest.close();
});

test('who does not read what came before does not hold a stop', async () => {
  const stopping = new AbortController();
  const ingest = await Ingest.open({ dataDir });
  const feed = new LiveFeed(async () => ingest, stopping.signal);
  const closed = Promise.withResolvers<void>();
  const server = createServer((_request, response) => {
    response.once('close', () => closed.resolve());
    feed.add(response, { customerIds: null, dimensionIds: null }, ingest.ledger.position);
    // More than the system buffers.
    response.write('x'.repeat(32 * 1024 * 1024));
    stopping.abort();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const idle = connect((server.address() as AddressInfo).port, '127.0.0.1');
  idle.on('error', () => {});
  idle.pause();
  idle.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await closed.promise;
  idle.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await ingest.close();
});
