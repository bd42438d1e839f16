/**
 * `npm run bench`: the running receiver under load over HTTP, from this process, beside the naive way.
 *
 *   --sizes 5,250,5000   points per body
 *   --rate 100000        points per second of the steady phase
 *   --peak 10            seconds at full speed; --steady 60: seconds at the constant rate
 *   --quick              3 s and 5 s
 *   --no-naive           without the comparison
 *   --profile            full speed only, and the receiver's functions by their own time
 *   --json FILE          the same figures as JSON
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readUsage } from '../test/support/receiver-api.ts';
import { ledgerPath, type ReceiverProcess, startReceiver } from '../test/support/receiver-process.ts';
import { readProfiles } from './support/cpu-profile.ts';
import { HttpConnection } from './support/http-connection.ts';
import type { NaiveFigures } from './support/naive-ingest.ts';
import { closedLoop, openLoop, type PhaseOutcome, percentile } from './support/phases.ts';
import { bytesOnDisk, cpuByThread, cpuMicroseconds, memory } from './support/process-usage.ts';
import { CUSTOMERS, customerId, DIMENSIONS, RANGE, Workload } from './support/workload.ts';

interface PhaseFigures {
  requests: number;
  points: number;
  seconds: number;
  pointsPerSecond: number;
  /** The rate that was asked for; null at full speed. */
  targetPointsPerSecond: number | null;
  /** Of all threads, from the first byte until the points are queryable. */
  cpuMicrosecondsPerPoint: number;
  acknowledgementP50Ms: number;
  acknowledgementP99Ms: number;
  acknowledgementMaxMs: number;
  /** How long a question took that asked for everything acknowledged before it: the worst of the phase. */
  queryableMs: number;
  /** CPU of this process per point, which shares the machine. */
  driverMicrosecondsPerPoint: number;
}

interface SizeFigures {
  pointsPerBody: number;
  connections: number;
  bodyBytesPerPoint: number;
  plainBytesPerPoint: number;
  peak: PhaseFigures;
  steady: PhaseFigures | null;
  threads: Record<string, number>;
  peakResidentBytes: number;
  residentBytes: number;
  records: number;
  series: number;
  refused: number;
  ledgerBytesPerRecord: number;
  journalBytesPerRecord: number;
  exact: true;
  naive: NaiveFigures | null;
}

/** Small bodies need more connections to keep the receiver busy, as many small apps do. */
const CONNECTIONS = (pointsPerBody: number) => (pointsPerBody >= 1000 ? 8 : pointsPerBody >= 100 ? 16 : 64);
/** More than the receiver is expected to take, per second: what is prepared for the peak. */
const PREPARED_PER_SECOND = (pointsPerBody: number) =>
  pointsPerBody >= 1000 ? 600_000 : pointsPerBody >= 100 ? 400_000 : 60_000;
/** Requests of the naive way: enough to measure, few enough to wait for. */
const NAIVE_REQUESTS = (pointsPerBody: number) =>
  pointsPerBody >= 1000 ? 40 : pointsPerBody >= 100 ? 200 : 1000;

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '5,250,5000' },
    rate: { type: 'string', default: '100000' },
    peak: { type: 'string' },
    steady: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-naive': { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
if (process.platform !== 'linux') {
  console.error('The benchmark reads CPU time and memory of the receiver from /proc, which only Linux has.');
  process.exit(1);
}
const peakSeconds = Number(options.peak ?? (options.quick ? 3 : 10));
const steadySeconds = options.profile ? 0 : Number(options.steady ?? (options.quick ? 5 : 60));
const rate = Number(options.rate);

const sizes: SizeFigures[] = [];
for (const size of options.sizes.split(',').map(Number)) {
  if (!(size >= 1 && Number.isInteger(size)))
    throw new Error(`--sizes must be whole numbers (got ${options.sizes})`);
  const figures = await measure(size);
  sizes.push(figures);
  print(figures);
}
if (options.json !== undefined) {
  const [cpu] = cpus();
  const machine = { cpus: cpus().length, model: cpu?.model ?? '', node: process.version };
  writeFileSync(options.json, `${JSON.stringify({ machine, peakSeconds, steadySeconds, sizes }, null, 2)}\n`);
}

async function measure(pointsPerBody: number): Promise<SizeFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-bench-'));
  const dataDir = join(folder, 'data');
  const profiles = join(folder, 'profiles');
  mkdirSync(profiles);
  const receiver = await startReceiver({
    dataDir,
    nodeArgs: options.profile ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [],
  });
  try {
    const { hostname, port, host } = new URL(receiver.url);
    const workload = new Workload(pointsPerBody, CONNECTIONS(pointsPerBody), host);
    const connections = Array.from(
      { length: workload.connections },
      () => new HttpConnection(hostname, Number(port)),
    );
    await Promise.all(connections.map((connection) => connection.open()));

    say(`${pointsPerBody} points per body: preparing`);
    await closedLoop(connections, await workload.warmUp());
    const peakRequests = await workload.prepare(PREPARED_PER_SECOND(pointsPerBody) * peakSeconds);
    await waitUntilQueryable(receiver);
    say(`full speed for ${peakSeconds} s`);
    let unsent = peakRequests;
    const peak = await phase(receiver, null, async () => {
      const outcome = await closedLoop(connections, peakRequests, peakSeconds);
      unsent = outcome.unsent;
      return outcome;
    });

    let steady: PhaseFigures | null = null;
    if (steadySeconds > 0) {
      // Open-loop load beyond what the receiver can take would only measure the length of the queue.
      const feasible = Math.min(rate, Math.floor((peak.pointsPerSecond * 0.6) / 1000) * 1000);
      const wanted = Math.ceil((feasible * steadySeconds) / pointsPerBody);
      say(`preparing for ${steadySeconds} s at ${feasible} points per second`);
      const more = await workload.prepare(Math.max(0, wanted - unsent.length) * pointsPerBody);
      const requests = [...unsent, ...more];
      const rest = requests.splice(wanted);
      // Preparing may take longer than the receiver keeps an idle connection.
      for (const connection of connections) connection.close();
      await Promise.all(connections.map((connection) => connection.open()));
      say('constant rate');
      const asked = askMeanwhile(receiver);
      steady = await phase(receiver, feasible, () => openLoop(connections, requests, feasible));
      steady.queryableMs = Math.max(steady.queryableMs, await asked.stop());
      unsent = rest;
    }
    await closedLoop(connections, unsent);

    const threads = Object.fromEntries(cpuByThread(receiver.pid));
    const { residentBytes, peakResidentBytes } = memory(receiver.pid);
    await checkTotals(receiver, workload);
    for (const connection of connections) connection.close();
    await receiver.stop();
    if (options.profile) printProfiles(profiles);
    return {
      pointsPerBody,
      connections: workload.connections,
      bodyBytesPerPoint: workload.bodyBytes / workload.points,
      plainBytesPerPoint: workload.plainBytes / workload.points,
      peak,
      steady,
      threads,
      peakResidentBytes,
      residentBytes,
      records: workload.points,
      series: workload.series,
      refused: connections.reduce((sum, connection) => sum + connection.refused, 0),
      ledgerBytesPerRecord: bytesOnDisk(ledgerPath(dataDir)) / workload.points,
      journalBytesPerRecord: bytesOnDisk(join(dataDir, 'journal')) / workload.points,
      exact: true,
      naive: options['no-naive'] || options.profile ? null : naive(pointsPerBody),
    };
  } catch (error) {
    console.error(receiver.output().split('\n').slice(-40).join('\n'));
    throw error;
  } finally {
    await receiver.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function phase(
  receiver: ReceiverProcess,
  targetPointsPerSecond: number | null,
  run: () => Promise<PhaseOutcome>,
): Promise<PhaseFigures> {
  const driverBefore = process.cpuUsage();
  const before = cpuMicroseconds(receiver.pid);
  const outcome = await run();
  const driver = process.cpuUsage(driverBefore);
  const queryableMs = await waitUntilQueryable(receiver);
  const spent = cpuMicroseconds(receiver.pid) - before;
  return {
    requests: outcome.requests,
    points: outcome.points,
    seconds: outcome.seconds,
    pointsPerSecond: outcome.points / outcome.seconds,
    targetPointsPerSecond,
    cpuMicrosecondsPerPoint: spent / outcome.points,
    acknowledgementP50Ms: percentile(outcome.latencies, 0.5),
    acknowledgementP99Ms: percentile(outcome.latencies, 0.99),
    acknowledgementMaxMs: percentile(outcome.latencies, 1),
    queryableMs,
    driverMicrosecondsPerPoint: (driver.user + driver.system) / outcome.points,
  };
}

/** Asks for one customer's usage, which is answered when all that was acknowledged is in it. */
async function waitUntilQueryable(receiver: ReceiverProcess): Promise<number> {
  const askedAt = performance.now();
  for (;;) {
    try {
      await readUsage(receiver.url, { ...RANGE, customerId: customerId(0) });
      return performance.now() - askedAt;
    } catch (error) {
      // Too far behind for one question's patience: 503, ask again.
      if (!String(error).includes(': 503')) throw error;
    }
  }
}

/** A question every two seconds while the load goes on. */
function askMeanwhile(receiver: ReceiverProcess): { stop(): Promise<number> } {
  let isOver = false;
  let worst = 0;
  const asking = (async () => {
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      worst = Math.max(worst, await waitUntilQueryable(receiver));
    }
  })();
  asking.catch(() => {});
  return {
    async stop() {
      isOver = true;
      await asking;
      return worst;
    },
  };
}

/** @throws Error unless every customer's total in every dimension is what was sent */
async function checkTotals(receiver: ReceiverProcess, workload: Workload): Promise<void> {
  await waitUntilQueryable(receiver);
  const rows = await readUsage(receiver.url, RANGE);
  const counted = new Map(rows.map((row) => [`${row.customerId} / ${row.dimensionId}`, row.quantity]));
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    for (const [metric, dimension] of DIMENSIONS.entries()) {
      const key = `${customerId(customer)} / ${dimension}`;
      const sent = String(workload.totals[customer * DIMENSIONS.length + metric]);
      if ((counted.get(key) ?? '0') !== sent)
        throw new Error(`${key}: sent ${sent}, counted ${counted.get(key)}`);
    }
  }
}

function naive(pointsPerBody: number): NaiveFigures {
  say('the naive way');
  const script = fileURLToPath(new URL('./support/naive-ingest.ts', import.meta.url));
  const requests = Math.ceil(NAIVE_REQUESTS(pointsPerBody) / (options.quick ? 4 : 1));
  const args = [script, String(pointsPerBody), String(requests)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as NaiveFigures;
}

/** Progress goes to stderr, figures to stdout. */
function say(text: string): void {
  console.error(`  ${text}`);
}

function print(figures: SizeFigures): void {
  const { peak, steady, naive: compared } = figures;
  const line = (name: string, ...columns: (string | number)[]) =>
    console.log(`  ${name.padEnd(30)}${columns.map((column) => String(column).padStart(14)).join('')}`);
  const phases = steady === null ? [peak] : [peak, steady];
  const each = (value: (phase: PhaseFigures) => string) => phases.map(value);
  console.log(`\n${figures.pointsPerBody} points per body, gzip, ${figures.connections} connections`);
  line(
    '',
    'full speed',
    ...(steady === null ? [] : [`${steady.targetPointsPerSecond}/s`]),
    ...(compared ? ['naive'] : []),
  );
  line(
    'CPU per point (µs)',
    ...each((p) => p.cpuMicrosecondsPerPoint.toFixed(2)),
    ...(compared ? [compared.cpuMicrosecondsPerPoint.toFixed(2)] : []),
  );
  line(
    'points per second',
    ...each((p) => p.pointsPerSecond.toFixed(0)),
    ...(compared ? [compared.pointsPerSecond.toFixed(0)] : []),
  );
  line(
    'acknowledged, p50 (ms)',
    ...each((p) => p.acknowledgementP50Ms.toFixed(1)),
    ...(compared ? [compared.acknowledgementP50Ms.toFixed(1)] : []),
  );
  line(
    'acknowledged, p99 (ms)',
    ...each((p) => p.acknowledgementP99Ms.toFixed(1)),
    ...(compared ? [compared.acknowledgementP99Ms.toFixed(1)] : []),
  );
  line('acknowledged, slowest (ms)', ...each((p) => p.acknowledgementMaxMs.toFixed(1)));
  line('queryable after (ms), at worst', ...each((p) => p.queryableMs.toFixed(0)));
  line("the driver's CPU per point", ...each((p) => p.driverMicrosecondsPerPoint.toFixed(2)));
  const mebibytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
  line(
    'resident memory, now and peak',
    mebibytes(figures.residentBytes),
    mebibytes(figures.peakResidentBytes),
  );
  line('ledger bytes per record', figures.ledgerBytesPerRecord.toFixed(1));
  line('journal bytes per record', figures.journalBytesPerRecord.toFixed(1));
  line('records and series', figures.records, figures.series);
  const busiest = Object.entries(figures.threads).sort(([, a], [, b]) => b - a);
  line(
    'CPU by thread (s)',
    ...busiest.slice(0, 4).map(([name, spent]) => `${name} ${(spent / 1e6).toFixed(1)}`),
  );
  if (figures.refused > 0) line('refused with 503', figures.refused);
  console.log('  every total is exact');
}

function printProfiles(folder: string): void {
  for (const { file, busyMilliseconds, functions } of readProfiles(folder)) {
    console.log(`\n${file}: busy for ${busyMilliseconds.toFixed(0)} ms`);
    for (const { name, place, milliseconds, share } of functions.slice(0, 30)) {
      console.log(
        `  ${(share * 100).toFixed(1).padStart(5)} % ${milliseconds.toFixed(0).padStart(7)} ms  ${name}  ${place}`,
      );
    }
  }
}
