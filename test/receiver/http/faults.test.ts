/** What is told of the receiver's own faults, and what the log has of them: real errors of a real ledger. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { Router } from 'express';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FRAME_METRICS } from '../../../receiver/frames.ts';
import { type ApiAccess, route } from '../../../receiver/http/api-routes.ts';
import { handleOtlp, type OtlpRoute } from '../../../receiver/http/otlp.ts';
import { routingErrors } from '../../../receiver/http/routing-errors.ts';
import { WarningThrottle } from '../../../receiver/http/warning-throttle.ts';
import { Ingest } from '../../../receiver/ingest.ts';
import { IngestCounters } from '../../../receiver/ingest-counters.ts';
import { RefusedRequests } from '../../../receiver/refused-requests.ts';
import { LedgerError } from '../../../storage/ledger.ts';

const SECRET = 'IO Error: Could not write file "/srv/usage/ledger.duckdb"';

let dataDir: string;
let ingest: Ingest;
let server: Server;
let url: string;
interface Line {
  message: string;
  id: string;
  error: string;
  request?: string;
}
const lines: Line[] = [];
const log = (message: string, fields: Record<string, unknown>) =>
  void lines.push({ message, ...(fields as Omit<Line, 'message'>) });

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'usage-meter-faults-'));
  ingest = await Ingest.open({ dataDir });
  const access: ApiAccess = {
    ingest: async () => ingest,
    admit: async () => true,
    memory: { bytes: 0, limitBytes: 1 << 20 },
    state: () => ({ state: 'ready', diskIsFull: false }),
    counters: new IngestCounters(),
    refused: new RefusedRequests(),
    apiKeyRequired: false,
    freeDiskBytes: () => null,
    lake: () => null,
    actorOf: () => 'local',
    log,
  };
  const api = Router();
  // A question that no parser lets through, and DuckDB cannot answer.
  const query = {
    kinds: null,
    subjects: null,
    actors: null,
    from: null,
    to: null,
    after: null,
    limit: Number.NaN,
  };
  route(api, access, '/unanswerable', {
    GET: async () => ({ status: 200, body: await ingest.ledger.query({ type: 'audit', query }) }),
  });
  route(api, access, '/outage', {
    GET: async () => {
      throw new LedgerError('LOAD_FAILED', SECRET, new Error('ENOSPC'));
    },
  });
  const otlp = (more: Partial<OtlpRoute>): OtlpRoute => ({
    admit: async () => true,
    take: async () => {
      throw new Error(SECRET);
    },
    memory: access.memory,
    warnings: new WarningThrottle(),
    log,
    ...more,
  });
  const app = express();
  app.use('/api/v1', api);
  app.all('/v1/metrics', (request, response) => handleOtlp(FRAME_METRICS, request, response, otlp({})));
  app.all('/v1/logs', (request, response) => {
    const admit = () => Promise.reject(new Error(SECRET));
    return handleOtlp(FRAME_METRICS, request, response, otlp({ admit }));
  });
  app.get('/begun', (_request, response) => {
    response.write('half');
    throw new Error(SECRET);
  });
  app.get('/page/:name', (_request, response) => void response.end());
  app.get('/v1/:name', (_request, response) => void response.end());
  app.use(routingErrors(log));
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await ingest.close();
  rmSync(dataDir, { recursive: true });
});
beforeEach(() => void lines.splice(0));

test('a 500 says whose fault it is, and the id by which the log has what DuckDB said', async () => {
  const response = await fetch(`${url}/api/v1/unanswerable`);
  expect(response.status).toBe(500);
  const [line] = lines;
  expect(await response.json()).toEqual({
    type: 'about:blank',
    status: 500,
    code: 'INTERNAL',
    title: 'Internal error',
    detail: `this is an error of the receiver, not of the request; its log has the reason under ${line.id}`,
    instance: `urn:uuid:${line.id}`,
  });
  expect(line.error).toMatch(/LedgerError: .*Error: /);
  expect(line.error).toContain('QUERY_FAILED');
  expect(line.request).toBe('GET /api/v1/unanswerable');
});

test('so does a 503 of trouble that may pass, with the cause in the log', async () => {
  const response = await fetch(`${url}/api/v1/outage`);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  const text = await response.text();
  expect(text).not.toContain('/srv');
  expect(text).toContain(lines[0].id);
  expect(lines[0].error).toContain(SECRET);
  expect(lines[0].error).toContain('ENOSPC');
});

test.each(['/v1/metrics', '/v1/logs'])('OTLP at %s is to come again, and is told nothing', async (path) => {
  const response = await fetch(url + path, {
    method: 'POST',
    body: '{}',
    headers: { 'Content-Type': 'application/json' },
  });
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('2');
  expect(await response.json()).toEqual({
    code: 14,
    message: 'the receiver cannot take usage right now; send it again',
  });
  expect(lines).toHaveLength(1);
  expect(lines[0].error).toContain(SECRET);
});

test('an answer that has begun breaks off', async () => {
  await expect(fetch(`${url}/begun`).then((response) => response.text())).rejects.toThrow();
  expect(lines[0]).toMatchObject({ message: 'an answer broke off', error: expect.stringContaining(SECRET) });
});

test.each([
  // path              answered as                 body
  ['/page/%ff', 'application/problem+json', { code: 'INVALID_PATH' }],
  ['/v1/%ff', 'application/json', { code: 3, message: 'the path is not percent-encoded UTF-8' }],
])('%s is no path: 400 in %s, and no fault', async (path, type, body) => {
  const response = await fetch(url + path);
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toBe(type);
  expect(await response.json()).toMatchObject(body);
  expect(lines).toEqual([]);
});
