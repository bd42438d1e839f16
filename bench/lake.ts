/**
 * What the lake is worth while usage comes: `npm run bench:lake -- [--rate 50000] [--seconds 30] [--json FILE]`.
 *
 * A receiver takes data points at a constant rate; readers in other processes open the catalogue, ask, and close, over
 * and over. How old is what they see, what do they wait, and does any question fail?
 *   --readers 1       processes with our own binding
 *   --python PATH     also a Python that has the package duckdb
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startReceiver } from '../test/support/receiver-process.ts';
import { HttpConnection } from './support/http-connection.ts';
import { MetricWorkload } from './support/metric-workload.ts';
import { closedLoop, percentile } from './support/phases.ts';
import { cpuByThread } from './support/process-usage.ts';
import { connectionsFor, type PreparedRequest } from './support/workload.ts';

const { values: options } = parseArgs({
  options: {
    rate: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '30' },
    readers: { type: 'string', default: '1' },
    python: { type: 'string' },
    json: { type: 'string' },
  },
});
const RATE = Number(options.rate);
const SECONDS = Number(options.seconds);
const POINTS_PER_BODY = 5_000;

/** What a reader says of one round. */
interface Round {
  /** When it asked, milliseconds since 1970, and how long opening and asking took. */
  at: number;
  ms: number;
  count: number;
  error?: string;
}

interface ReaderFigures {
  reader: string;
  rounds: number;
  errors: number;
  medianMs: number;
  worstMs: number;
  /** Seconds since the first acknowledged point that it could not see. */
  medianAgeSeconds: number;
  worstAgeSeconds: number;
}

const folder = mkdtempSync(join(tmpdir(), 'lake-bench-'));
const dataDir = join(folder, 'data');
const receiver = await startReceiver({ dataDir });
const children: ChildProcess[] = [];
try {
  const { hostname, port, host } = new URL(receiver.url);
  const workload = new MetricWorkload(POINTS_PER_BODY, connectionsFor(POINTS_PER_BODY), host);
  const connections = Array.from(
    { length: workload.connections },
    () => new HttpConnection(hostname, Number(port)),
  );
  await Promise.all(connections.map((connection) => connection.open()));
  const warmUp = await workload.warmUp();
  await closedLoop(connections, warmUp);
  let acknowledged = warmUp.reduce((sum, { points }) => sum + points, 0);
  /** How many points were acknowledged by when. */
  const history: { at: number; points: number }[] = [{ at: Date.now(), points: acknowledged }];
  console.error(`preparing ${SECONDS} s at ${RATE} points per second`);
  const requests = await workload.prepare(RATE * SECONDS);
  for (const connection of connections) connection.close();
  await Promise.all(connections.map((connection) => connection.open()));

  const catalogue = join(dataDir, 'lake', 'usage.duckdb');
  while (!existsSync(catalogue)) await sleep(50);
  const readers = new Map<string, Round[]>();
  const program = fileURLToPath(new URL('./support/lake-reader.ts', import.meta.url));
  for (let reader = 1; reader <= Number(options.readers); reader++)
    listen(
      `binding ${reader}`,
      spawn(process.execPath, [program, catalogue], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
  if (options.python !== undefined) {
    const script = fileURLToPath(new URL('./support/lake_reader.py', import.meta.url));
    listen('python', spawn(options.python, [script, catalogue], { stdio: ['pipe', 'pipe', 'inherit'] }));
  }
  function listen(name: string, child: ChildProcess): void {
    const rounds: Round[] = [];
    readers.set(name, rounds);
    children.push(child);
    createInterface({ input: child.stdout! }).on('line', (line) => rounds.push(JSON.parse(line) as Round));
  }

  const startedAt = performance.now();
  const latencies = await sendAtRate(connections, requests, (points) => {
    acknowledged += points;
    history.push({ at: Date.now(), points: acknowledged });
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const threads = Object.fromEntries(cpuByThread(receiver.pid));
  const ended = children.map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.stdin!.end();
  await Promise.all(ended);

  const figures = [...readers].map(([reader, rounds]) => figuresOf(reader, rounds, history, Date.now()));
  console.log(
    `${acknowledged} points, ${Math.round((requests.length * POINTS_PER_BODY) / seconds)} per second; ` +
      `acknowledged in p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms`,
  );
  for (const one of figures) {
    console.log(
      `${one.reader}: ${one.rounds} questions, ${one.errors} errors; ${one.medianMs.toFixed(0)} ms (worst ${one.worstMs.toFixed(0)}); ` +
        `data ${one.medianAgeSeconds.toFixed(1)} s old (worst ${one.worstAgeSeconds.toFixed(1)})`,
    );
  }
  console.log(`CPU seconds of the receiver by thread: ${JSON.stringify(threads)}`);
  if (options.json !== undefined) {
    const all = {
      rate: RATE,
      seconds,
      points: acknowledged,
      p99Ms: percentile(latencies, 0.99),
      readers: figures,
      threads,
    };
    writeFileSync(options.json, `${JSON.stringify(all, null, 2)}\n`);
  }
  for (const connection of connections) connection.close();
  await receiver.stop();
} finally {
  for (const child of children) child.kill('SIGKILL');
  await receiver.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** @returns milliseconds from when each request should have left to its acknowledgement, ascending */
async function sendAtRate(
  connections: HttpConnection[],
  requests: PreparedRequest[],
  onAcknowledged: (points: number) => void,
): Promise<Float64Array> {
  const intervalMs = (POINTS_PER_BODY / RATE) * 1000;
  const latencies = new Float64Array(requests.length);
  let done = 0;
  const tails: Promise<void>[] = connections.map(() => Promise.resolve());
  const startedAt = performance.now();
  for (const [next, { connection, bytes, points }] of requests.entries()) {
    const dueAt = startedAt + next * intervalMs;
    await sleep(Math.max(0, dueAt - performance.now()));
    tails[connection] = tails[connection]
      .then(() => connections[connection].send(bytes))
      .then(() => {
        latencies[done++] = performance.now() - dueAt;
        onAcknowledged(points);
      });
    tails[connection].catch(() => {});
  }
  await Promise.all(tails);
  return latencies.sort();
}

function figuresOf(
  reader: string,
  all: Round[],
  history: { at: number; points: number }[],
  now: number,
): ReaderFigures {
  const rounds = all.filter(({ error }) => error === undefined);
  for (const { error } of all) if (error !== undefined) console.error(`${reader}: ${error}`);
  const waits = Float64Array.from(rounds, ({ ms }) => ms).sort();
  const ages = Float64Array.from(rounds, ({ at, count }) => {
    const unseen = history.find(({ points }) => points > count)?.at ?? now;
    return Math.max(0, at - unseen) / 1000;
  }).sort();
  return {
    reader,
    rounds: rounds.length,
    errors: all.length - rounds.length,
    medianMs: percentile(waits, 0.5),
    worstMs: percentile(waits, 1),
    medianAgeSeconds: percentile(ages, 0.5),
    worstAgeSeconds: percentile(ages, 1),
  };
}
