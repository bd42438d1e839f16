/** Sends while the process exits: nothing asynchronous runs on this thread any more, so another one does it. */
import { Worker } from 'node:worker_threads';
import type { Target } from './usage-exporter.ts';

/**
 * Runs in the worker, as text: it must work from any bundle. Requests go one after another; 503 and 429 are tried
 * again, anything else but a 2xx ends it. `shared` has whether it is done, how many requests were accepted, and how long
 * the reason is why the next one was not; `reason` has its text: a status, or what Node calls the error.
 */
const WORKER = `
const { workerData: { target, bodies, shared, reason } } = require('node:worker_threads');
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
      shared[2] = new TextEncoder().encodeInto(String(res.statusCode), reason).written;
      await new Promise((again) => setTimeout(again, 1000 * (Number(res.headers['retry-after']) || 1)));
      res = await post(body);
    }
    if (res.statusCode >= 300) throw new Error(String(res.statusCode));
    shared[2] = 0;
    Atomics.add(shared, 1, 1);
  }
})().catch((error) => {
  shared[2] = new TextEncoder().encodeInto(error.code ?? error.message, reason).written;
}).then(() => { Atomics.store(shared, 0, 1); Atomics.notify(shared, 0); });
`;

export interface BlockingResult {
  accepted: number;
  reason: string;
}

/**
 * Blocks this thread until all bodies were accepted, one was not, or the time is over.
 * @returns how many bodies were accepted, counted from the first, and why the next one was not: a status, Node's code of
 * an error or its message, '' where there was no answer in time
 */
export function sendBlocking(target: Target, bodies: Uint8Array[], timeoutMillis: number): BlockingResult {
  const shared = new Int32Array(new SharedArrayBuffer(12));
  const reason = new Uint8Array(new SharedArrayBuffer(256));
  new Worker(WORKER, {
    eval: true,
    workerData: { target, bodies, shared, reason },
    // Neither the application's preloads nor its OpenTelemetry set-up are wanted in there.
    execArgv: [],
    env: {},
  });
  Atomics.wait(shared, 0, 0, timeoutMillis);
  return {
    accepted: Atomics.load(shared, 1),
    // A copy: what is shared cannot be decoded in every version of Node.
    reason: new TextDecoder().decode(reason.slice(0, Atomics.load(shared, 2))),
  };
}
