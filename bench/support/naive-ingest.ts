/**
 * The naive way, for comparison: every request is one DuckDB transaction into a table with a primary key.
 *
 * It runs as a process of its own, on the same points. It is spared HTTP, gunzip and protobuf, so what it shows is
 * a lower bound. Prints its figures as one line of JSON.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBDecimalValue, DuckDBInstance } from '@duckdb/node-api';
import { LogWorkload } from './log-workload.ts';
import { MetricWorkload } from './metric-workload.ts';
import { percentile } from './phases.ts';
import type { Workload } from './workload.ts';

export interface NaiveFigures {
  requests: number;
  points: number;
  cpuMicrosecondsPerPoint: number;
  pointsPerSecond: number;
  acknowledgementP50Ms: number;
  acknowledgementP99Ms: number;
}

const [signal, pointsPerBody, requests] = process.argv.slice(2);
const figures =
  signal === 'logs'
    ? await ingest(new LogWorkload(Number(pointsPerBody), 1, ''), Number(requests))
    : await ingest(new MetricWorkload(Number(pointsPerBody), 1, ''), Number(requests));
console.log(JSON.stringify(figures));

async function ingest<Signal>(workload: Workload<Signal>, requests: number): Promise<NaiveFigures> {
  const bodies = Array.from({ length: requests }, () => workload.nextBody());
  const folder = mkdtempSync(join(tmpdir(), 'usage-meter-naive-'));
  const instance = await DuckDBInstance.create(join(folder, 'naive.duckdb'), { threads: '2' });
  const connection = await instance.connect();
  await connection.run(`
    CREATE TABLE usage (
      key VARCHAR PRIMARY KEY, customer_id VARCHAR, dimension_id VARCHAR,
      start_time BIGINT, time BIGINT, quantity DECIMAL(38, 12), metadata VARCHAR)`);
  await connection.run('CREATE TEMP TABLE arriving AS FROM usage LIMIT 0');

  const latencies = new Float64Array(requests);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  for (const [index, points] of bodies.entries()) {
    const sentAt = performance.now();
    await store(points);
    latencies[index] = performance.now() - sentAt;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = process.cpuUsage(cpuBefore);

  const stored = await connection.runAndReadAll('SELECT count(*), sum(quantity) FROM usage');
  const [count, sum] = stored.getRows()[0];
  const expected = workload.totals.reduce((total, value) => total + value, 0);
  if (Number(count) !== workload.points || Number(String(sum)) !== expected) {
    throw new Error(`the naive way stored ${count} points of ${sum}, not ${workload.points} of ${expected}`);
  }
  connection.closeSync();
  instance.closeSync();
  rmSync(folder, { recursive: true, force: true });
  return {
    requests,
    points: workload.points,
    cpuMicrosecondsPerPoint: (cpu.user + cpu.system) / workload.points,
    pointsPerSecond: workload.points / seconds,
    acknowledgementP50Ms: percentile(latencies.sort(), 0.5),
    acknowledgementP99Ms: percentile(latencies, 0.99),
  };

  async function store(points: Signal[]): Promise<void> {
    await connection.run('BEGIN');
    const appender = await connection.createAppender('arriving', null, 'temp');
    for (const point of points) {
      const row = workload.naiveRow(point);
      appender.appendVarchar(createHash('sha256').update(row.key).digest('hex'));
      appender.appendVarchar(row.customerId);
      appender.appendVarchar(row.dimensionId);
      appender.appendBigInt(row.startUnixNano);
      appender.appendBigInt(row.timeUnixNano);
      appender.appendDecimal(new DuckDBDecimalValue(row.scaledQuantity, 38, 12));
      appender.appendVarchar(row.metadata);
      appender.endRow();
    }
    appender.closeSync();
    await connection.run('INSERT INTO usage FROM arriving ON CONFLICT DO NOTHING');
    await connection.run('TRUNCATE arriving');
    await connection.run('COMMIT');
  }
}
