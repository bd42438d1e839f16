/**
 * Several DuckDBs ask the lake over and over while the receiver takes data points at a constant rate: is anybody ever
 * refused, how old is what they see, and does it end exact?
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection } from '../../../../bench/support/http-connection.ts';
import { MetricWorkload } from '../../../../bench/support/metric-workload.ts';
import { closedLoop, openLoop, type PhaseOutcome, percentile } from '../../../../bench/support/phases.ts';
import { CUSTOMERS, connectionsFor, customerId } from '../../../../bench/support/workload.ts';
import { watchIdle } from '../../../support/machine-load.ts';
import { type ReceiverProcess, startReceiver } from '../../../support/receiver-process.ts';
import {
  bindingClient,
  commandLineClient,
  holdingClient,
  type LakeClient,
  pythonClient,
} from './lake-clients.ts';

const POINTS_PER_BODY = 5_000;
/** An analyst's patience between two questions. */
const PAUSE_MS = 250;
/** Who has not seen everything by then never will. */
const PATIENCE_MS = 60_000;

/** All usage, counted in two ways that have to agree within one session, and up to where it is complete. */
const STATE = `SELECT (SELECT count(*) FROM usage_records)::VARCHAR, (SELECT sum(records) FROM usage_daily)::VARCHAR,
  (SELECT sum(quantity) FROM usage_daily)::VARCHAR, (SELECT journal_sequence FROM lake_status)::VARCHAR`;

const TOTALS = `SELECT customer_id, dimension_id, sum(quantity)::VARCHAR FROM usage_daily
  GROUP BY customer_id, dimension_id ORDER BY customer_id, dimension_id`;

export interface UnderLoadOptions {
  pointsPerSecond: number;
  seconds: number;
  /** A Python that has the package duckdb. */
  python: string;
  /** DuckDB's command line. */
  duckdb: string;
}

export interface ReaderFigures {
  reader: string;
  questions: number;
  medianMs: number;
  worstMs: number;
  /** NaN where opening cannot be told from the rest. */
  worstOpenMs: number;
  /** At the moment of the answer, since the first acknowledged point that is not in it. */
  medianAgeSeconds: number;
  worstAgeSeconds: number;
}

export interface UnderLoadFigures {
  points: number;
  pointsPerSecond: number;
  acknowledgementP50Ms: number;
  acknowledgementP99Ms: number;
  /** Share of the machine's time that nobody wanted while the load ran, others than us included. */
  idleShare: number;
  readers: ReaderFigures[];
  /** Everything that was not as it has to be, in words. */
  faults: string[];
}

/** What was acknowledged by when. */
class Acknowledged {
  points = 0;
  isComplete = false;
  readonly #history: { at: number; points: number }[] = [];

  add(points: number): void {
    this.points += points;
    this.#history.push({ at: performance.now(), points: this.points });
  }

  /** @returns seconds since the first point was acknowledged that is not among so many; 0: none is missing */
  ageSeconds(seen: number): number {
    const unseen = this.#history.find(({ points }) => points > seen);
    return unseen === undefined ? 0 : (performance.now() - unseen.at) / 1000;
  }
}

export async function lakeUnderLoad(options: UnderLoadOptions): Promise<UnderLoadFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-lake-'));
  const dataDir = join(folder, 'data');
  const catalogue = join(dataDir, 'lake', 'usage.duckdb');
  const receiver = await startReceiver({ dataDir });
  const clients: LakeClient[] = [];
  try {
    const acknowledged = new Acknowledged();
    const workload = await knownSeries(receiver, acknowledged);
    const requests = await workload.prepare(options.pointsPerSecond * options.seconds);
    while (!existsSync(catalogue)) await sleep(50);

    const fresh = [
      pythonClient(options.python, catalogue),
      commandLineClient(options.duckdb, catalogue),
      bindingClient(catalogue),
    ];
    clients.push(...fresh);
    // Else what the session holds would be an empty lake, which has no files that could be replaced.
    await untilFilled(fresh[0], acknowledged);
    const holding = holdingClient(options.python, catalogue);
    clients.push(holding);
    const reading = fresh.map((client) => readOver(client, acknowledged));
    const held = readHeld(holding, acknowledged);
    const stopWatching = watchIdle();
    const load = await send(receiver, workload, (connections) =>
      openLoop(connections, requests, options.pointsPerSecond, (points) => acknowledged.add(points)),
    );
    acknowledged.isComplete = true;
    const idleShare = stopWatching();
    const outcomes = await Promise.all(reading);
    const faults = [...outcomes.flatMap(({ faults }) => faults), ...(await held)];
    for (const client of fresh) faults.push(...(await wrongTotals(client, workload)));
    await Promise.all(clients.map((client) => client.close()));
    await receiver.stop();
    return {
      points: acknowledged.points,
      pointsPerSecond: load.points / load.seconds,
      acknowledgementP50Ms: percentile(load.latencies, 0.5),
      acknowledgementP99Ms: percentile(load.latencies, 0.99),
      idleShare,
      readers: outcomes.map(({ figures }) => figures),
      faults,
    };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await receiver.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns a workload whose every series the receiver has seen once */
async function knownSeries(receiver: ReceiverProcess, acknowledged: Acknowledged): Promise<MetricWorkload> {
  const { host } = new URL(receiver.url);
  const workload = new MetricWorkload(POINTS_PER_BODY, connectionsFor(POINTS_PER_BODY), host);
  const requests = await workload.warmUp();
  const { points } = await send(receiver, workload, (connections) => closedLoop(connections, requests));
  acknowledged.add(points);
  return workload;
}

async function send(
  receiver: ReceiverProcess,
  workload: MetricWorkload,
  run: (connections: HttpConnection[]) => Promise<PhaseOutcome>,
): Promise<PhaseOutcome> {
  const { hostname, port } = new URL(receiver.url);
  const connections = Array.from(
    { length: workload.connections },
    () => new HttpConnection(hostname, Number(port)),
  );
  await Promise.all(connections.map((connection) => connection.open()));
  const outcome = await run(connections);
  for (const connection of connections) connection.close();
  return outcome;
}

/** Asks until everything is in the lake. */
async function untilFilled(client: LakeClient, acknowledged: Acknowledged): Promise<void> {
  for (;;) {
    const answer = await client.ask(STATE);
    if ('error' in answer) throw new Error(`${client.name}: ${answer.error}`);
    if (Number(answer.rows[0][0]) >= acknowledged.points) return;
    if (acknowledged.ageSeconds(0) * 1000 > PATIENCE_MS)
      throw new Error(`the lake stays at ${answer.rows[0]}`);
    await sleep(PAUSE_MS);
  }
}

/** Asks until the load is over and all of it was seen. */
async function readOver(
  client: LakeClient,
  acknowledged: Acknowledged,
): Promise<{ figures: ReaderFigures; faults: string[] }> {
  const faults: string[] = [];
  const waits: number[] = [];
  const opens: number[] = [];
  const ages: number[] = [];
  let before: (number | bigint)[] = [0, 0n, 0];
  for (;;) {
    const isLast = acknowledged.isComplete;
    const answer = await client.ask(STATE);
    if ('error' in answer) {
      faults.push(`${client.name}: ${answer.error}`);
      // One that cannot ask at all has shown it by now.
      if (faults.length > 20) break;
    } else {
      const [records, dailyRecords, sequence] = [0, 1, 3].map((column) => Number(answer.rows[0][column]));
      const quantity = exact(answer.rows[0][2]);
      waits.push(answer.ms);
      if (answer.openMs !== null) opens.push(answer.openMs);
      const age = acknowledged.ageSeconds(records);
      ages.push(age);
      if (records !== dailyRecords) faults.push(`${client.name}: ${records} records, ${dailyRecords} by day`);
      const now = [records, quantity, sequence];
      if (now.some((value, nth) => value < before[nth]))
        faults.push(`${client.name}: ${before} became ${now}`);
      before = now;
      if (isLast && (records >= acknowledged.points || age * 1000 > PATIENCE_MS)) break;
    }
    await sleep(PAUSE_MS);
  }
  const figures = {
    reader: client.name,
    questions: waits.length,
    medianMs: percentile(Float64Array.from(waits).sort(), 0.5),
    worstMs: Math.max(...waits),
    worstOpenMs: opens.length === 0 ? Number.NaN : Math.max(...opens),
    medianAgeSeconds: percentile(Float64Array.from(ages).sort(), 0.5),
    worstAgeSeconds: Math.max(...ages),
  };
  return { figures, faults };
}

/** A session that stays open keeps what it opened, whatever is published and merged meanwhile. @returns faults */
async function readHeld(client: LakeClient, acknowledged: Acknowledged): Promise<string[]> {
  const first = await client.ask(STATE);
  for (;;) {
    const isLast = acknowledged.isComplete;
    const answer = await client.ask(STATE);
    if ('error' in answer) return [`${client.name}: ${answer.error}`];
    if ('error' in first || String(answer.rows) !== String(first.rows)) {
      return [`${client.name}: ${JSON.stringify(first)} became ${answer.rows}`];
    }
    if (isLast) return [];
    await sleep(4 * PAUSE_MS);
  }
}

/** @returns at most one fault that names the first totals that differ from what was sent */
async function wrongTotals(client: LakeClient, workload: MetricWorkload): Promise<string[]> {
  const answer = await client.ask(TOTALS);
  if ('error' in answer) return [`${client.name}: ${answer.error}`];
  const found = new Map(answer.rows.map(([customer, dimension, sum]) => [`${customer} / ${dimension}`, sum]));
  const wrong: string[] = [];
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    for (const [nth, dimension] of workload.dimensions.entries()) {
      const key = `${customerId(customer)} / ${dimension}`;
      const sent = workload.totals[customer * workload.dimensions.length + nth];
      if (exact(found.get(key) ?? '0') !== exact(String(sent)))
        wrong.push(`${key}: ${found.get(key)}, sent ${sent}`);
      found.delete(key);
    }
  }
  wrong.push(...[...found.keys()].map((key) => `${key}: nobody sent it`));
  return wrong.length === 0
    ? []
    : [`${client.name}: ${wrong.length} totals are wrong: ${wrong.slice(0, 3).join('; ')}`];
}

/** A decimal in steps of 10^-12. */
function exact(text: string | null): bigint {
  const [whole, fraction = ''] = (text ?? '0').split('.');
  return BigInt(whole + fraction.padEnd(12, '0'));
}
