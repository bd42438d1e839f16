/** Sends while the process exits: nothing asynchronous runs on this thread any more, so another one does it. */
import { Worker } from 'node:worker_threads';
import type { Target } from './usage-exporter.ts';

/**
 * Runs in the worker, as text: it must work from any bundle. Requests go one after another; 503 and 429 are tried
 * again, anything else but a 2xx ends it. `progress` counts accepted requests, `done` is set at the end.
 */
const WORKER = `
const { workerData: { target, bodies, shared } } = require('node:worker_threads');
const { gzipSync } = require('node:zlib');
const { request } = require(target.url.startsWith('https:') ? 'node:https' : 'node:http');
const post = (body) => new Promise((resolve, reject) => {
  const headers = { ...target.headers, 'content-length': body.length };
  if (target.gzip) headers['content-encoding'] = 'gzip';
  const req = request(target.url, { method: 'POST', headers, ...target.tls }, (res) => {
    res.resume();
    res.on('error', reject);
    res.on('end', () => resolve(res));
  });
  req.on('error', reject);
  req.end(body);
});
(async () => {
  for (const bytes of bodies) {
    const body = target.gzip ? gzipSync(bytes) : Buffer.from(bytes);
    let res = await post(body);
    while (res.statusCode === 503 || res.statusCode === 429) {
      await new Promise((again) => setTimeout(again, 1000 * (Number(res.headers['retry-after']) || 1)));
      res = await post(body);
    }
    if (res.statusCode >= 300) throw new Error(String(res.statusCode));
    Atomics.add(shared, 1, 1);
  }
})().catch(() => {}).then(() => { Atomics.store(shared, 0, 1); Atomics.notify(shared, 0); });
`;

/**
 * Blocks this thread until all bodies were accepted, one was not, or the time is over.
 * @returns how many bodies were accepted, counted from the first
 */
export function sendBlocking(target: Target, bodies: Uint8Array[], timeoutMillis: number): number {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  new Worker(WORKER, {
    eval: true,
    workerData: { target, bodies, shared },
    // Neither the application's preloads nor its OpenTelemetry set-up are wanted in there.
    execArgv: [],
    env: {},
  });
  Atomics.wait(shared, 0, 0, timeoutMillis);
  return Atomics.load(shared, 1);
}
