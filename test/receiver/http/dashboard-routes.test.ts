/** How the page and its files are answered: to whom, with which headers, and while there is none. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DashboardFile, DashboardState } from '../../../receiver/dashboard.ts';
import { dashboardRoutes } from '../../../receiver/http/dashboard-routes.ts';

const file = (type: string, text: string, more: Partial<DashboardFile> = {}): DashboardFile => ({
  type,
  body: Buffer.from(text),
  gzip: null,
  immutable: false,
  ...more,
});
const READY: DashboardState = {
  kind: 'ready',
  files: new Map([
    ['/index.html', file('text/html; charset=utf-8', 'the page')],
    [
      '/assets/page-1.js',
      file('text/javascript; charset=utf-8', 'plain', { gzip: Buffer.from('zipped'), immutable: true }),
    ],
  ]),
};

let state: DashboardState = READY;
let server: Server;
let url: string;

beforeAll(async () => {
  const app = express();
  app.use(dashboardRoutes(() => state));
  app.use((_request, response) => void response.status(404).end('nothing'));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const get = (path: string, accept = 'text/html,*/*;q=0.8', method = 'GET') =>
  fetch(url + path, { method, headers: { Accept: accept } });

describe('with a page', () => {
  test.each([
    //  what            path                       accept         method  status
    ['the page', '/', 'text/html', 'GET', 200],
    ['a page of it', '/customers/a%2Fb', 'text/html', 'GET', 200],
    ['its head', '/customers', 'text/html', 'HEAD', 200],
    ['an asset', '/assets/page-1.js', '*/*', 'GET', 200],
    ['an asset that is gone', '/assets/page-0.js', 'text/html', 'GET', 404],
    ['a program', '/customers', '*/*', 'GET', 404],
    ['the API', '/api/v1/nothing', 'text/html', 'GET', 404],
    ['OTLP', '/v1/metrics', 'text/html', 'GET', 404],
    ['health', '/healthz', 'text/html', 'GET', 404],
    ['a form', '/customers', 'text/html', 'POST', 404],
    ['a way out of it', '/assets/..%2f..%2fpackage.json', '*/*', 'GET', 404],
  ])('%s at %s', async (_what, path, accept, method, status) => {
    state = READY;
    expect((await get(path, accept, method)).status).toBe(status);
  });

  test('the page is asked for each time, its files are kept for ever', async () => {
    state = READY;
    expect((await get('/customers')).headers.get('cache-control')).toBe('no-cache');
    const asset = await get('/assets/page-1.js', '*/*');
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(asset.headers.get('content-encoding')).toBe('gzip');
    expect(asset.headers.get('vary')).toBe('Accept-Encoding');
  });

  test('nothing runs but the page’s own files, and nobody frames it', async () => {
    state = READY;
    const { headers } = await get('/');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain(`default-src 'self'`);
    expect(policy).toContain(`frame-ancestors 'none'`);
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });
});

test('while it is being built, the page says so and comes again by itself', async () => {
  state = { kind: 'building' };
  const response = await get('/customers');
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  const text = await response.text();
  expect(text).toContain('being built, a moment');
  expect(text).toContain('<meta http-equiv="refresh" content="2">');
  expect((await get('/customers', '*/*')).status).toBe(404);
});

test('of a build that failed the page says which command shows why, and nothing of this machine', async () => {
  state = { kind: 'failed' };
  const response = await get('/');
  expect(response.status).toBe(500);
  expect(await response.text()).toContain('<code>npx node scripts/build-dashboard.ts</code>');
});
