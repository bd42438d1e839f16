/** The two ways of putting load on the receiver: as fast as it answers, and at a constant rate. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpConnection } from './http-connection.ts';
import type { PreparedRequest } from './workload.ts';

export interface PhaseOutcome {
  requests: number;
  points: number;
  seconds: number;
  /** Milliseconds from the (intended) send time to the acknowledgement, ascending. */
  latencies: Float64Array;
}

/** Every connection sends its next request when the one before was acknowledged, for so long or until all are sent. */
export async function closedLoop(
  connections: HttpConnection[],
  requests: PreparedRequest[],
  maxSeconds = Number.POSITIVE_INFINITY,
): Promise<PhaseOutcome & { unsent: PreparedRequest[] }> {
  const queues = connections.map((_, index) => requests.filter(({ connection }) => connection === index));
  const latencies = new Float64Array(requests.length);
  let sent = 0;
  let points = 0;
  const startedAt = performance.now();
  const deadline = startedAt + maxSeconds * 1000;
  const unsent = await Promise.all(
    connections.map(async (connection, index) => {
      const queue = queues[index];
      let at = 0;
      for (; at < queue.length && performance.now() < deadline; at++) {
        const sentAt = performance.now();
        await connection.send(queue[at].bytes);
        latencies[sent++] = performance.now() - sentAt;
        points += queue[at].points;
      }
      return queue.slice(at);
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    requests: sent,
    points,
    seconds,
    latencies: latencies.slice(0, sent).sort(),
    unsent: unsent.flat(),
  };
}

/**
 * Requests leave at a constant rate, whatever the receiver does; latency counts from the moment at which a request
 * should have left, so a stall shows in every request that it delayed.
 */
export async function openLoop(
  connections: HttpConnection[],
  requests: PreparedRequest[],
  pointsPerSecond: number,
  onAcknowledged: (points: number) => void = () => {},
): Promise<PhaseOutcome> {
  const totalPoints = requests.reduce((sum, { points }) => sum + points, 0);
  const intervalMs = (totalPoints / requests.length / pointsPerSecond) * 1000;
  const latencies = new Float64Array(requests.length);
  // A connection carries one request at a time; what is due meanwhile waits here.
  const tails: Promise<void>[] = connections.map(() => Promise.resolve());
  let acknowledged = 0;
  const startedAt = performance.now();
  for (let next = 0; next < requests.length; ) {
    const due = Math.min(requests.length, Math.floor((performance.now() - startedAt) / intervalMs) + 1);
    for (; next < due; next++) {
      const { connection, bytes, points } = requests[next];
      const intendedAt = startedAt + next * intervalMs;
      tails[connection] = tails[connection]
        .then(() => connections[connection].send(bytes))
        .then(() => {
          latencies[acknowledged++] = performance.now() - intendedAt;
          onAcknowledged(points);
        });
      tails[connection].catch(() => {});
    }
    await sleep(1);
  }
  await Promise.all(tails);
  const seconds = (performance.now() - startedAt) / 1000;
  return { requests: requests.length, points: totalPoints, seconds, latencies: latencies.sort() };
}

/** @param sorted ascending */
export function percentile(sorted: Float64Array, fraction: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(fraction * sorted.length) - 1)];
}
