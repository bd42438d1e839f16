/** One size of body against a receiver of its own: warm up, full speed, a constant rate, then every total compared. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readUsage } from '../../test/support/receiver-api.ts';
import { ledgerPath, type ReceiverProcess, startReceiver } from '../../test/support/receiver-process.ts';
import { readProfiles, type ThreadProfile } from './cpu-profile.ts';
import { HttpConnection } from './http-connection.ts';
import { LogWorkload } from './log-workload.ts';
import { MetricWorkload } from './metric-workload.ts';
import type { NaiveFigures } from './naive-ingest.ts';
import { closedLoop, openLoop, type PhaseOutcome, percentile } from './phases.ts';
import { bytesOnDisk, cpuByThread, cpuMicroseconds, memory } from './process-usage.ts';
import { CUSTOMERS, connectionsFor, customerId, RANGE, type Workload } from './workload.ts';

export interface LoadOptions {
  peakSeconds: number;
  /** 0: no phase at a constant rate. */
  steadySeconds: number;
  /** Points per second of the constant rate. */
  rate: number;
  profile: boolean;
  /** Requests of the naive way; 0: without the comparison. */
  naiveRequests: number;
}

export interface PhaseFigures {
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

/** In all names, a log record counts as a point. */
export interface LoadFigures {
  /** What a point is. */
  signal: string;
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
  /** Live metric streams; of log records, combinations of customer, dimension and metadata. */
  series: number;
  refused: number;
  ledgerBytesPerRecord: number;
  journalBytesPerRecord: number;
  exact: true;
  naive: NaiveFigures | null;
}

export type SignalKind = 'metrics' | 'logs';

/** @throws Error if a total is not what was sent */
export async function measureLoad(
  signal: SignalKind,
  pointsPerBody: number,
  options: LoadOptions,
): Promise<{ figures: LoadFigures; profiles: ThreadProfile[] }> {
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
    const workload = workloadOf(signal, pointsPerBody, host);
    for (const meter of workload.meters) await declareMeter(receiver, meter);
    const connections = Array.from(
      { length: workload.connections },
      () => new HttpConnection(hostname, Number(port)),
    );
    await Promise.all(connections.map((connection) => connection.open()));

    say(`${pointsPerBody} ${workload.noun}s per body: preparing`);
    await closedLoop(connections, await workload.warmUp());
    const peakRequests = await workload.prepare(workload.preparedPerSecond * options.peakSeconds);
    await waitUntilQueryable(receiver);
    say(`full speed for ${options.peakSeconds} s`);
    let unsent = peakRequests;
    const peak = await phase(receiver, null, async () => {
      const outcome = await closedLoop(connections, peakRequests, options.peakSeconds);
      unsent = outcome.unsent;
      return outcome;
    });

    let steady: PhaseFigures | null = null;
    if (options.steadySeconds > 0) {
      // Open-loop load beyond what the receiver can take would only measure the length of the queue.
      const feasible = Math.min(options.rate, Math.floor((peak.pointsPerSecond * 0.6) / 1000) * 1000);
      const wanted = Math.ceil((feasible * options.steadySeconds) / pointsPerBody);
      say(`preparing for ${options.steadySeconds} s at ${feasible} ${workload.noun}s per second`);
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
    const figures: LoadFigures = {
      signal: workload.noun,
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
      naive: options.naiveRequests === 0 ? null : naive(signal, pointsPerBody, options.naiveRequests),
    };
    return { figures, profiles: options.profile ? readProfiles(profiles) : [] };
  } catch (error) {
    console.error(receiver.output().split('\n').slice(-40).join('\n'));
    throw error;
  } finally {
    await receiver.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

function workloadOf(signal: SignalKind, pointsPerBody: number, host: string): MetricWorkload | LogWorkload {
  const connections = connectionsFor(pointsPerBody);
  return signal === 'logs'
    ? new LogWorkload(pointsPerBody, connections, host)
    : new MetricWorkload(pointsPerBody, connections, host);
}

async function declareMeter(receiver: ReceiverProcess, meter: object): Promise<void> {
  const response = await fetch(`${receiver.url}/api/v1/meters`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(meter),
  });
  if (response.status !== 201)
    throw new Error(`POST /api/v1/meters: ${response.status} ${await response.text()}`);
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
async function checkTotals(
  receiver: ReceiverProcess,
  { dimensions, totals }: Pick<Workload<unknown>, 'dimensions' | 'totals'>,
): Promise<void> {
  await waitUntilQueryable(receiver);
  const rows = await readUsage(receiver.url, RANGE);
  const counted = new Map(rows.map((row) => [`${row.customerId} / ${row.dimensionId}`, row.quantity]));
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    for (const [nth, dimension] of dimensions.entries()) {
      const key = `${customerId(customer)} / ${dimension}`;
      const sent = String(totals[customer * dimensions.length + nth]);
      if ((counted.get(key) ?? '0') !== sent)
        throw new Error(`${key}: sent ${sent}, counted ${counted.get(key)}`);
    }
  }
}

function naive(signal: SignalKind, pointsPerBody: number, requests: number): NaiveFigures {
  say('the naive way');
  const script = fileURLToPath(new URL('./naive-ingest.ts', import.meta.url));
  const args = [script, signal, String(pointsPerBody), String(requests)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as NaiveFigures;
}

/** Progress goes to stderr, figures to stdout. */
function say(text: string): void {
  console.error(`  ${text}`);
}
