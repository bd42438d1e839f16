import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  createUsageMeter,
  type FlushResult,
  type UsageMeter,
  type UsageMeterOptions,
} from '../../instrumentation/index.ts';
import {
  ACCEPT,
  type Answer,
  type CaptureServer,
  pointKey,
  pointsOf,
  startCaptureServer,
  totals,
} from './capture-server.ts';

let server: CaptureServer;
const meters: UsageMeter[] = [];
const log = { error: vi.fn(), warn: vi.fn(), info: vi.fn(), debug: vi.fn(), verbose: vi.fn() };
const usageLines = (lines: typeof log.warn) =>
  lines.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('usage:'));

beforeEach(async () => {
  server = await startCaptureServer();
  for (const level of Object.values(log)) level.mockReset();
  diag.setLogger(log, { logLevel: DiagLogLevel.INFO, suppressOverrideMessage: true });
});

afterEach(async () => {
  server.always = ACCEPT;
  server.answers = [];
  await Promise.all(meters.splice(0).map((meter) => meter.shutdown()));
  await server.close();
  diag.disable();
  vi.unstubAllEnvs();
});

function meter(options: UsageMeterOptions = {}): UsageMeter {
  const made = createUsageMeter({
    endpoint: server.url,
    exportIntervalMillis: 1_000_000,
    requestTimeoutMillis: 400,
    flushTimeoutMillis: 3000,
    shutdownTimeoutMillis: 500,
    handleProcessEnd: false,
    ...options,
  });
  meters.push(made);
  return made;
}

const usage = (more: object = {}) => ({ customer: 'acme', dimension: 'tokens', value: 1, ...more });

describe('flush tells the truth', () => {
  const html: Answer = { status: 200, body: '<!doctype html>' };
  const partial = (rejectedDataPoints: number | string, errorMessage: string): Answer => ({
    status: 200,
    body: JSON.stringify({ partialSuccess: { rejectedDataPoints, errorMessage } }),
  });
  const unavailable: Answer = { status: 503, headers: { 'retry-after': '2' } };

  test.each<[string, Answer[], Answer, Partial<FlushResult>, RegExp | null]>([
    //  answers: the first ones      then       result                                            error
    ['accepted', [], ACCEPT, { accepted: true, acceptedPoints: 1 }, null],
    ['an empty answer', [], { status: 200 }, { accepted: true, acceptedPoints: 1 }, null],
    [
      'quarantined',
      [],
      partial(0, '1 point: unknown_dimension'),
      { accepted: true, messages: ['1 point: unknown_dimension'] },
      null,
    ],
    ['rejected', [], partial(1, 'no'), { accepted: false, lostPoints: 1, pendingPoints: 0 }, /no/],
    ['rejected, as text', [], partial('1', 'no'), { accepted: false, lostPoints: 1 }, /no/],
    ['some other server’s 200', [], html, { accepted: false, pendingPoints: 1 }, /not as an OTLP receiver/],
    [
      '400',
      [],
      { status: 400, body: 'bad' },
      { accepted: false, lostPoints: 1, pendingPoints: 0 },
      /400.*bad/,
    ],
    [
      '401',
      [],
      { status: 401 },
      { accepted: false, lostPoints: 0, pendingPoints: 1 },
      /^http:\/\/127\.0\.0\.1:\d+\/v1\/metrics answered 401 .*OTEL_EXPORTER_OTLP_HEADERS/,
    ],
    ['404', [], { status: 404 }, { accepted: false, lostPoints: 0, pendingPoints: 1 }, /404/],
    ['a redirect', [], { status: 302 }, { accepted: false, pendingPoints: 1 }, /302/],
    ['500, then up', [{ status: 500 }], ACCEPT, { accepted: true, acceptedPoints: 1 }, null],
    ['503, then up', [unavailable, unavailable], ACCEPT, { accepted: true, acceptedPoints: 1 }, null],
    ['503 for good', [], unavailable, { accepted: false, pendingPoints: 1 }, /v1\/metrics answered 503/],
    ['no answer', [], 'hang', { accepted: false, pendingPoints: 1 }, /timed out/],
    ['no answer, then up', ['hang'], ACCEPT, { accepted: true, acceptedPoints: 1 }, null],
    ['a cut connection', [], 'cut', { accepted: false, pendingPoints: 1 }, /hang up|ECONNRESET/],
    ['a cut connection, then up', ['cut'], ACCEPT, { accepted: true, acceptedPoints: 1 }, null],
  ])('%s', async (_, answers, always, expected, error) => {
    server.answers = [...answers];
    server.always = always;
    const made = meter();
    made.record(usage());
    const result = await made.flush();
    expect(result).toMatchObject(expected);
    if (error === null) expect(result.error).toBeNull();
    else expect(result.error?.message).toMatch(error);
  });

  test('nothing recorded is accepted, without a request', async () => {
    expect(await meter().flush()).toMatchObject({ accepted: true, acceptedPoints: 0, error: null });
    expect(server.requests).toHaveLength(0);
  });

  test('server down, then up on the same port: kept, and delivered as the same points', async () => {
    const made = meter();
    await server.close();
    made.record(usage({ value: 3 }));
    expect(await made.flush()).toMatchObject({ accepted: false, acceptedPoints: 0, pendingPoints: 1 });
    expect(usageLines(log.warn)[0]).toMatch(/not delivered yet/);
    server = await startCaptureServer(server.port);
    made.record(usage({ value: 4 }));
    expect(await made.flush()).toMatchObject({ accepted: true, acceptedPoints: 2, pendingPoints: 0 });
    expect(totals(server.accepted())).toEqual({ 'acme tokens': '7' });
  });

  test('the first try that fails is told while the exporter still repeats it, and so is the end of it', async () => {
    // Shorter than the exporter's repetitions: it has not said anything when flush ends.
    const made = meter({ requestTimeoutMillis: 30_000, flushTimeoutMillis: 2000 });
    await server.close();
    made.record(usage());
    const cause = `${server.url}/v1/metrics refused the connection: nothing listens there (ECONNREFUSED)`;
    const { accepted, error } = await made.flush();
    expect({ accepted, cause: error?.message }).toEqual({ accepted: false, cause });
    const told = `usage: not delivered yet, 1 data point(s) are kept and sent again: ${cause}`;
    expect(usageLines(log.warn)).toEqual([told]);
    server = await startCaptureServer(server.port);
    await server.received(1);
    expect(await made.flush()).toMatchObject({ accepted: true, acceptedPoints: 1 });
    expect(usageLines(log.warn)).toEqual([told, 'usage: the receiver is back']);
  });

  test('an address in the environment that is none: nothing is sent elsewhere, and all is kept', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', server.url.replace('http://', ''));
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', server.url);
    const made = meter({ endpoint: undefined });
    expect(usageLines(log.error)).toEqual([
      expect.stringMatching(/NOTHING IS SENT.* OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="127.*expected an http/),
    ]);
    for (let i = 0; i < 2; i++) {
      made.record(usage());
      const result = await made.flush();
      expect(result).toMatchObject({ accepted: false, acceptedPoints: 0, pendingPoints: i + 1 });
      expect(result.error?.message).toContain(
        `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="127.0.0.1:${server.port}": expected an http or https URL, like ${server.url}`,
      );
    }
    await made.shutdown();
    expect(usageLines(log.error)[1]).toMatch(/LOST 2 data point.*OTEL_EXPORTER_OTLP_METRICS_ENDPOINT/);
    expect(server.requests).toHaveLength(0);
  });

  test('dropped records are told once, and do not make a later flush false', async () => {
    const made = meter();
    made.record(usage({ value: -1 }));
    made.record(usage({ value: -2 }));
    made.record(usage({ customer: '' }));
    made.record(usage());
    expect(await made.flush()).toMatchObject({
      accepted: false,
      acceptedPoints: 1,
      droppedRecords: { negative_value: 2, invalid_customer: 1 },
    });
    made.record(usage());
    expect(await made.flush()).toMatchObject({ accepted: true, droppedRecords: {} });
  });

  test('a record made while the flush runs is not part of it', async () => {
    const made = meter();
    made.record(usage());
    const flushing = made.flush();
    made.record(usage({ value: 5 }));
    expect(await flushing).toMatchObject({ accepted: true, acceptedPoints: 1, pendingPoints: 1 });
    expect(totals(server.accepted())).toEqual({ 'acme tokens': '1' });
    await made.flush();
    expect(totals(server.accepted())).toEqual({ 'acme tokens': '6' });
  });

  test('after shutdown records are dropped, and the result stays', async () => {
    const made = meter();
    made.record(usage());
    const result = await made.shutdown();
    expect(result).toMatchObject({ accepted: true, acceptedPoints: 1 });
    made.record(usage());
    expect(usageLines(log.warn)[0]).toMatch(/meter_shut_down/);
    expect(await made.flush()).toBe(result);
    expect(await made.shutdown()).toBe(result);
  });

  test('a shutdown that nobody answers says what is lost', async () => {
    server.always = 'hang';
    const made = meter();
    made.record(usage());
    expect(await made.shutdown()).toMatchObject({ accepted: false, pendingPoints: 1 });
    expect(usageLines(log.error)[0]).toMatch(/LOST 1 data point/);
  });
});

describe('what was not accepted is resent', () => {
  test('identical in every byte, and in order', async () => {
    const made = meter({ exportIntervalMillis: 20 });
    server.answers = ['hang', 'cut', { status: 503 }, { status: 500 }];
    made.record(usage({ value: 1 }));
    await server.received(2);
    made.record(usage({ value: 2 }));
    await server.received(5);
    await made.flush();
    const bodies = server.requests.map(({ body }) => body);
    expect(new Set(bodies.slice(0, 5)).size).toBe(1);
    expect(totals(server.accepted())).toEqual({ 'acme tokens': '3' });
    const [first, second] = server.accepted();
    expect([first.value, second.value]).toEqual(['1', '2']);
    expect(second.start).toBeGreaterThanOrEqual(first.time);
  });

  test('accepted, but the answer was lost: the resent points are the same points', async () => {
    server.answers = ['cut'];
    const made = meter();
    for (let i = 0; i < 10; i++) made.record(usage({ customer: `c${i}`, value: i + 0.5 }));
    await made.flush();
    const [first, second] = server.requests.map(({ body }) => pointsOf(body).map(pointKey));
    expect(first).toHaveLength(10);
    expect(second).toEqual(first);
  });

  test('a bad point among good ones is found, and only it is lost', async () => {
    server.always = (points) =>
      points.some(({ attributes }) => attributes['usage.customer.id'] === 'c300')
        ? { status: 400, body: 'c300 is bad' }
        : ACCEPT;
    const made = meter();
    for (let i = 0; i < 1000; i++) made.record(usage({ customer: `c${i}` }));
    expect(await made.flush()).toMatchObject({ accepted: false, acceptedPoints: 999, lostPoints: 1 });
    expect(Object.keys(totals(server.accepted()))).toHaveLength(999);
    expect(usageLines(log.error)).toEqual([expect.stringMatching(/LOST 1 data point.*400.*c300 is bad/)]);
  });

  test('a request that is too large is cut until it fits', async () => {
    server.always = (points) => (points.length > 100 ? { status: 413 } : ACCEPT);
    const made = meter();
    for (let i = 0; i < 1000; i++) made.record(usage({ customer: `c${i}` }));
    expect(await made.flush()).toMatchObject({ accepted: true, acceptedPoints: 1000 });
    expect(Object.keys(totals(server.accepted()))).toHaveLength(1000);
  });

  test('a server that refuses everything is not asked a thousand times', async () => {
    server.always = { status: 400 };
    const made = meter();
    for (let i = 0; i < 1000; i++) made.record(usage({ customer: `c${i}` }));
    expect(await made.flush()).toMatchObject({ accepted: false, acceptedPoints: 0, lostPoints: 1000 });
    expect(server.requests.length).toBeLessThan(100);
  });

  test('partial success: each different message is logged once', async () => {
    const says = (errorMessage: string): Answer => ({
      status: 200,
      body: JSON.stringify({ partialSuccess: { errorMessage } }),
    });
    server.answers = [says('a'), says('a'), says('b'), says('a')];
    const made = meter();
    for (let i = 0; i < 4; i++) {
      made.record(usage());
      await made.flush();
    }
    expect(log.warn.mock.calls.map(([line]) => line)).toEqual([
      'usage: the receiver says: a',
      'usage: the receiver says: b',
    ]);
  });
});

describe('many customers, little memory', () => {
  test('100 000 customers in one interval: all arrive, none merged', async () => {
    const made = meter({ flushTimeoutMillis: 60_000, requestTimeoutMillis: 30_000 });
    for (let i = 0; i < 100_000; i++) made.record(usage({ customer: `customer-${i}`, value: i + 1 }));
    expect(await made.flush()).toMatchObject({ accepted: true, acceptedPoints: 100_000 });
    const points = server.accepted();
    expect(points.some(({ attributes }) => 'otel.metric.overflow' in attributes)).toBe(false);
    const sums = totals(points);
    expect(Object.keys(sums)).toHaveLength(100_000);
    for (let i = 0; i < 100_000; i += 997) expect(sums[`customer-${i} tokens`]).toBe(String(i + 1));
    expect(Math.max(...server.requests.map(({ body }) => body.length))).toBeLessThan(16e6);
  });

  test('at the limit of series usage is sent early, before the interval is over', async () => {
    const made = meter({ maxSeries: 10 });
    for (let i = 0; i < 25; i++) made.record(usage({ customer: `c${i}` }));
    await server.received(2);
    expect(server.accepted()).toHaveLength(20);
    await made.flush();
    expect(Object.keys(totals(server.accepted()))).toHaveLength(25);
  });

  test('during an outage known series go on counting; what finds no room is dropped loudly and told', async () => {
    server.always = 'hang';
    const made = meter({ maxSeries: 10, maxPendingPoints: 20, requestTimeoutMillis: 200 });
    for (let i = 0; i < 100; i++) made.record(usage({ customer: `c${i}` }));
    for (let i = 20; i < 30; i++) made.record(usage({ customer: `c${i}` }));
    expect(usageLines(log.error)).toEqual([expect.stringMatching(/dropped 1 record\(s\), buffer_full/)]);
    server.always = ACCEPT;
    expect(await made.flush()).toMatchObject({ accepted: false, droppedRecords: { buffer_full: 70 } });
    const sums = totals(server.accepted());
    expect(Object.keys(sums)).toHaveLength(30);
    expect(sums['c0 tokens']).toBe('1');
    expect(sums['c25 tokens']).toBe('2');
    made.record(usage({ customer: 'c99' }));
    expect(await made.flush()).toMatchObject({ accepted: true });
  });

  test('a long outage with few series costs no memory: they are summed, not queued', async () => {
    server.always = 'hang';
    const made = meter({ exportIntervalMillis: 1, maxPendingPoints: 20, requestTimeoutMillis: 100 });
    for (let i = 0; i < 200; i++) {
      made.record(usage());
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    server.always = ACCEPT;
    expect(await made.flush()).toMatchObject({ accepted: true, droppedRecords: {} });
    expect(totals(server.accepted())).toEqual({ 'acme tokens': '200' });
    expect(new Set(server.accepted().map(pointKey)).size).toBeLessThanOrEqual(12);
  });

  test('the same fault is warned about once, not with every record', () => {
    const made = meter();
    for (let i = 0; i < 1000; i++) made.record(usage({ value: -1 }));
    expect(usageLines(log.warn)).toEqual([
      'usage: dropped 1 record(s), negative_value: dimension "tokens", value -1 (number)',
    ]);
  });

  test('what the last warning did not count is counted at the end', async () => {
    const made = meter();
    for (let i = 0; i < 1000; i++) made.record(usage({ value: -1 }));
    await made.shutdown();
    expect(usageLines(log.warn)[1]).toBe('usage: dropped 999 more record(s), negative_value');
  });

  test('record never throws, whatever it is given', () => {
    const made = meter();
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('hostile');
        },
      },
    );
    for (const record of [undefined, null, 1, 'x', [], hostile, { metadata: hostile }, Object.create(null)]) {
      expect(() => made.record(record as never)).not.toThrow();
    }
  });
});

describe('on the wire', () => {
  test('resource, scope, headers and path', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20key,x-tenant=t');
    vi.stubEnv('OTEL_SERVICE_NAME', 'shop');
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment.name=test');
    const made = meter({ headers: { 'x-more': '1' }, resource: { team: 'core' } });
    made.record(usage());
    await made.flush();
    const [{ url, headers, body }] = server.requests;
    expect(url).toBe('/v1/metrics');
    expect(headers).toMatchObject({
      authorization: 'Bearer key',
      'x-tenant': 't',
      'x-more': '1',
      'content-type': 'application/json',
    });
    const [{ resource, scopeMetrics }] = JSON.parse(body).resourceMetrics;
    const attributes = Object.fromEntries(
      resource.attributes.map((attribute: { key: string; value: object }) => [
        attribute.key,
        Object.values(attribute.value)[0],
      ]),
    );
    expect(attributes).toEqual({
      'service.name': 'shop',
      'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.version': expect.any(String),
      'deployment.environment.name': 'test',
      team: 'core',
    });
    expect(scopeMetrics[0].scope.name).toBe('otel-usage-meter');
  });

  test('the environment may give the instance id', async () => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'service.instance.id=pod-7');
    const made = meter();
    made.record(usage());
    await made.flush();
    expect(server.requests[0].body).toContain('"service.instance.id","value":{"stringValue":"pod-7"}');
  });

  test('gzip where the environment asks for it', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip');
    const made = meter();
    made.record(usage());
    expect((await made.flush()).accepted).toBe(true);
    expect(server.requests[0].headers['content-encoding']).toBe('gzip');
  });

  test('two meters of one process never write the same point', async () => {
    const both = [meter(), meter()];
    for (let i = 0; i < 20; i++) {
      for (const made of both) made.record(usage({ value: 5 }));
      await Promise.all(both.map((made) => made.flush()));
    }
    expect(totals(server.accepted())).toEqual({ 'acme tokens': '200' });
  });

  test('OTEL_SDK_DISABLED: nothing is sent, and flush does not pretend', async () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'true');
    const made = meter();
    expect(await made.flush()).toMatchObject({ accepted: true });
    made.record(usage());
    expect(await made.flush()).toMatchObject({ accepted: false, droppedRecords: { sdk_disabled: 1 } });
    expect(server.requests).toHaveLength(0);
  });
});
