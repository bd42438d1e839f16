import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACCEPT, type CaptureServer, startCaptureServer, totals } from './capture-server.ts';

let server: CaptureServer;
const children: ChildProcess[] = [];
beforeEach(async () => {
  server = await startCaptureServer();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await server.close();
});

interface App {
  child: ChildProcess;
  /** Resolves with the first line on stdout. */
  ready: Promise<string>;
  ended: Promise<{ code: number | null; signal: string | null; output: string; errors: string }>;
}

function start(file: string, args: string[], env: Record<string, string> = {}): App {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`apps/${file}`, import.meta.url)), ...args], {
    env: {
      PATH: process.env.PATH,
      OTEL_EXPORTER_OTLP_ENDPOINT: server.url,
      OTEL_METRIC_EXPORT_INTERVAL: '1000000',
      OTEL_USAGE_SHUTDOWN_TIMEOUT: '5000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  let errors = '';
  child.stderr!.on('data', (chunk) => {
    errors += chunk;
  });
  const ready = new Promise<string>((resolve) => {
    child.stdout!.on('data', (chunk) => {
      output += chunk;
      if (output.includes('\n')) resolve(output.split('\n')[0]);
    });
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, output, errors }));
  return { child, ready, ended };
}

describe('nothing is lost when the process', () => {
  // While the event loop still runs, the exporter sends; after process.exit(), the sender of last resort.
  const exporter = /^otel-usage-meter\/\S+ OTel-OTLP-Exporter-JavaScript/;
  const lastResort = /^otel-usage-meter\/\S+$/;
  test.each<[string, string, number, RegExp, Record<string, string>]>([
    // how    app   code  sent by   what arrived
    ['has nothing left to do', 'finishes', 0, exporter, { 'before tokens': '10' }],
    [
      'finds more to do at the end',
      'finishes-twice',
      0,
      exporter,
      { 'before tokens': '10', 'late tokens': '1' },
    ],
    ['calls process.exit() at once', 'exits', 3, lastResort, { 'before tokens': '10' }],
    ['calls process.exit() later', 'exits-later', 3, lastResort, { 'before tokens': '10' }],
    ['does not catch an error', 'throws', 1, lastResort, { 'before tokens': '10' }],
    ['does not handle a rejection', 'rejects', 1, lastResort, { 'before tokens': '10' }],
    ['shuts the meter down itself', 'shuts-down', 0, exporter, { 'before tokens': '10' }],
  ])('%s', async (_, how, code, agent, arrived) => {
    const end = await start('record.ts', [how]).ended;
    expect(end).toMatchObject({ code, signal: null });
    for (const { headers } of server.requests) expect(headers['user-agent']).toMatch(agent);
    expect(totals(server.accepted())).toEqual(arrived);
  });

  test.each<[string, string, NodeJS.Signals]>([
    ['SIGTERM', 'serves', 'SIGTERM'],
    ['SIGINT', 'serves', 'SIGINT'],
    ['SIGTERM, with the package signal-exit,', 'serves-with-signal-exit', 'SIGTERM'],
  ])('gets %s and has no handler: it dies of that signal, after sending', async (_, how, signal) => {
    const app = start('record.ts', [how]);
    await app.ready;
    app.child.kill(signal);
    expect(await app.ended).toMatchObject({ code: null, signal });
    expect(totals(server.accepted())).toEqual({ 'before tokens': '10' });
  });

  test('is killed by SIGTERM while it records and a flush is running', async () => {
    const app = start('record.ts', ['serves-and-records']);
    await app.ready;
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ signal: 'SIGTERM' });
    // What was recorded during the flush came with a second request, from the sender of last resort.
    const sums = totals(server.accepted());
    expect(sums['before tokens']).toBe('10');
    expect(Number(sums['during tokens'])).toBeGreaterThan(0);
    expect((await app.ended).errors).not.toMatch(/LOST/);
  });

  test.each<[string, string, number]>([
    ['on', 'handles', 7],
    ['once', 'handles-once', 0],
  ])('has its own handler by %s: the application decides when and how', async (_, how, code) => {
    const app = start('record.ts', [how]);
    await app.ready;
    app.child.kill('SIGTERM');
    expect(await app.ended).toMatchObject({ code, signal: null });
    expect(totals(server.accepted())).toEqual({ 'before tokens': '10', 'handler tokens': '1' });
  });

  test('ignores SIGTERM: it goes on, and usage is sent', async () => {
    const app = start('record.ts', ['ignores']);
    await app.ready;
    app.child.kill('SIGTERM');
    await server.received(1);
    expect(app.child.exitCode).toBeNull();
    app.child.kill('SIGKILL');
    expect((await app.ended).output).toMatch(/ignored/);
    expect(totals(server.accepted())).toEqual({ 'before tokens': '10' });
  });
});

test('the sender of last resort knows headers, compression and path, and runs none of the app’s preloads', async () => {
  const end = await start('record.ts', ['exits'], {
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20key',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    NODE_OPTIONS: `--require ${fileURLToPath(new URL('apps/preload.cjs', import.meta.url))}`,
  }).ended;
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatchObject({
    url: '/v1/metrics',
    headers: {
      authorization: 'Bearer key',
      'content-encoding': 'gzip',
      'content-type': 'application/json',
    },
  });
  expect(end.output).toBe('preload\n');
  expect(totals(server.accepted())).toEqual({ 'before tokens': '10' });
});

describe('a receiver that is away delays the end, and no more', () => {
  const quick = { OTEL_USAGE_SHUTDOWN_TIMEOUT: '300', OTEL_EXPORTER_OTLP_TIMEOUT: '500' };

  test.each<[string, string, number | null]>([
    ['at the end of work', 'finishes', 0],
    ['at process.exit()', 'exits-later', 3],
    ['at an uncaught error', 'throws', 1],
  ])('%s: it ends as it would, and says what is lost', async (_, how, code) => {
    server.always = 'hang';
    const end = await start('record.ts', [how], quick).ended;
    expect(end).toMatchObject({ code, signal: null });
    expect(end.errors).toMatch(/LOST 1 data point/);
  });

  test('without a diag logger, a loss is said on stderr', async () => {
    server.always = 'hang';
    const end = await start('record.ts', ['finishes'], { ...quick, NO_DIAG_LOGGER: '1' }).ended;
    expect(end.errors).toMatch(/LOST 1 data point/);
  });

  test('SIGTERM: it dies of it, and says what is lost', async () => {
    server.always = 'hang';
    const app = start('record.ts', ['serves'], quick);
    await app.ready;
    app.child.kill('SIGTERM');
    const end = await app.ended;
    expect(end).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(end.errors).toMatch(/LOST 1 data point/);
  });

  test('a second SIGINT does not wait', async () => {
    server.always = 'hang';
    const app = start('record.ts', ['serves'], { OTEL_USAGE_SHUTDOWN_TIMEOUT: '600000' });
    await app.ready;
    app.child.kill('SIGINT');
    await server.received(1);
    app.child.kill('SIGINT');
    const end = await app.ended;
    expect(end).toMatchObject({ signal: 'SIGINT' });
    expect(end.errors).toMatch(/LOST 1 data point/);
  });

  test('503 at process.exit() is tried again', async () => {
    server.answers = [{ status: 503, headers: { 'retry-after': '1' } }, ACCEPT];
    const end = await start('record.ts', ['exits-later']).ended;
    expect(end).toMatchObject({ code: 3 });
    expect(totals(server.accepted())).toEqual({ 'before tokens': '10' });
    expect(end.errors).not.toMatch(/LOST/);
  });
});

describe('without a diag logger, stderr says what goes wrong', () => {
  const drops = [
    /^usage: dropped 1 record\(s\), invalid_customer: dimension "tokens", value 1/,
    /^usage: dropped 1 record\(s\), invalid_value: dimension "tokens", value NaN/,
  ];
  const refused = /http:\/\/127\.0\.0\.1:\d+\/v1\/metrics refused the connection.*\(ECONNREFUSED\)$/;
  const waits = new RegExp(`^usage: not delivered yet, 1 data .*${refused.source}`);
  const lost = new RegExp(`^usage: LOST 1 data point\\(s\\) with the end of this process: ${refused.source}`);
  const rest = [
    /^usage: dropped 2 more record\(s\), invalid_customer$/,
    /^usage: dropped 2 more record\(s\), invalid_value$/,
  ];
  test.each<[string, string, string, RegExp[]]>([
    //  OTEL_LOG_LEVEL  app, receiver  lines
    ['', 'drops', 'away', [...drops, waits, lost, ...rest]],
    ['info', 'drops', 'there', [...drops, ...rest]],
    ['error', 'drops', 'away', [lost]],
    ['none', 'drops', 'away', []],
    ['warn', 'finishes', 'there', []],
  ])('OTEL_LOG_LEVEL=%s, an app that %s, a receiver that is %s', async (level, how, receiver, lines) => {
    if (receiver === 'away') await server.close();
    const end = await start('record.ts', [how], {
      NO_DIAG_LOGGER: '1',
      OTEL_LOG_LEVEL: level,
      ...(receiver === 'away'
        ? { OTEL_USAGE_SHUTDOWN_TIMEOUT: '3000', OTEL_EXPORTER_OTLP_TIMEOUT: '3000' }
        : {}),
    }).ended;
    expect(end.code).toBe(0);
    expect(end.errors.split('\n').slice(0, -1)).toEqual(lines.map((line) => expect.stringMatching(line)));
  });

  test('at process.exit(), the cause comes from the sender of last resort', async () => {
    await server.close();
    const refusal = await start('record.ts', ['exits'], { NO_DIAG_LOGGER: '1' }).ended;
    expect(refusal.errors).toMatch(/LOST 1 data point\(s\) at the process's exit: http.*ECONNREFUSED/);
    server = await startCaptureServer(server.port);
    server.always = { status: 401 };
    const unknown = await start('record.ts', ['exits'], { NO_DIAG_LOGGER: '1' }).ended;
    expect(unknown.errors).toMatch(
      /LOST 1 data point\(s\) at the process's exit: http.* answered 401 \(it wants/,
    );
  });
});

test('what SIGKILL loses is what was recorded since the last export, at most one interval', async () => {
  const app = start('record.ts', ['serves-and-records'], { OTEL_METRIC_EXPORT_INTERVAL: '20' });
  await app.ready;
  await server.received(3);
  app.child.kill('SIGKILL');
  expect(await app.ended).toMatchObject({ signal: 'SIGKILL' });
  expect(totals(server.accepted())['before tokens']).toBe('10');
});

test('a CommonJS application requires it', async () => {
  const end = await start('record.cjs', []).ended;
  expect(end.errors).toBe('');
  expect(JSON.parse(end.output)).toMatchObject({ accepted: true });
  expect(totals(server.accepted())).toEqual({ 'cjs tokens': '2' });
});

test('beside an SDK 2.x in one process: both send theirs, and the global provider is the application’s', async () => {
  await using own = await startCaptureServer();
  const end = await start('beside-sdk-2.ts', [], { APP_METRICS: own.url }).ended;
  expect(end.errors).toBe('');
  expect(JSON.parse(end.output)).toEqual({
    accepted: true,
    // To the logger that the application set with its own version of the API.
    warnings: [expect.stringMatching(/negative_value/)],
  });
  expect(totals(server.accepted())).toEqual({ 'acme tokens': '3' });
  expect(own.accepted().map(({ name, value }) => [name, value])).toEqual([['app.requests', '6']]);
});
