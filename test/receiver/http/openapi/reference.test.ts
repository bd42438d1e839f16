/** The reference page: what it loads comes from the receiver itself, and none of it needs a key. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningReceiver, runReceiver } from './running-receiver.ts';

let receiver: RunningReceiver;
beforeAll(async () => {
  receiver = await runReceiver(['a-key']);
});
afterAll(() => receiver.stop());

const get = (path: string, method = 'GET') => fetch(`${receiver.url}${path}`, { method });

test('the page loads nothing from elsewhere, and its policy would not let it', async () => {
  const response = await get('/api/docs');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = response.headers.get('content-security-policy')!;
  expect(policy).toContain(`default-src 'none'`);
  expect(policy).toContain(`script-src 'self';`);
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
  const addresses = [...(await response.text()).matchAll(/(?:src|href)="([^"]*)"/g)].map(([, each]) => each);
  expect(addresses.length).toBeGreaterThan(3);
  for (const address of addresses) {
    if (address === 'data:,') continue;
    expect(address).toMatch(/^\/api\//);
    expect((await get(address)).status, address).toBe(200);
  }
});

test.each([
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
])('%s is that of the library', async (file, type) => {
  const response = await get(`/api/docs/${file}`);
  expect(response.headers.get('content-type')).toBe(type);
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const installed = readFileSync(createRequire(import.meta.url).resolve(`swagger-ui-dist/${file}`));
  expect(sha256(await response.bytes())).toBe(sha256(installed));
});

test('the description is read from anywhere, by GET and HEAD alone', async () => {
  const response = await get('/api/v1/openapi.json');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect((await response.json()) as object).toMatchObject({ openapi: expect.stringMatching(/^3\.1\./) });
  expect((await get('/api/v1/openapi.json', 'HEAD')).status).toBe(200);
  expect((await get('/api/v1/openapi.json', 'POST')).status).toBe(401);
});

test.each([
  '/api/docs/package.json',
  '/api/docs/..%2fpackage.json',
  '/api/docs/swagger-ui-bundle.js.map',
  '/api/v1/status',
])('nothing else is open: %s', async (path) => {
  expect((await get(path)).status).toBe(401);
});
