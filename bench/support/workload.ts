/**
 * What the benchmark sends: apps that each report the usage of 2,000 customers, as gzipped OTLP protobuf, ready as HTTP
 * requests before anything is measured.
 *
 * Each connection is one app (a service instance), so what it sends arrives in order, as it does from a real exporter.
 */
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import type { OtlpAttributes } from '../../test/support/otlp-points.ts';

const gzipAsync = promisify(gzip);

export const CUSTOMERS = 2000;
export const REGIONS = [
  'eu-west',
  'us-east',
  'us-west',
  'ap-south',
  'sa-east',
  'af-south',
  'me-central',
  'eu-north',
];
/** All times lie in the 24 hours from here. */
export const FIRST_TIME_UNIX_NANO = 1_763_596_800_000_000_000n;
export const RANGE = { from: '2025-11-20T00:00:00Z', to: '2025-11-21T00:00:00Z' };
/** How much later each body is than the one before it from the same app. */
export const STEP_NANO = 10_000_000n;

/** Small bodies need more connections to keep the receiver busy, as many small apps do. */
export const connectionsFor = (pointsPerBody: number) =>
  pointsPerBody >= 1000 ? 8 : pointsPerBody >= 100 ? 16 : 64;

/** An HTTP request as bytes, complete with headers. */
export interface PreparedRequest {
  /** Requests of a connection go out in this order. */
  order: number;
  connection: number;
  bytes: Buffer;
  points: number;
}

/** One row as the naive way stores it. */
export interface NaiveRow {
  key: string;
  customerId: string;
  dimensionId: string;
  startUnixNano: bigint;
  timeUnixNano: bigint;
  /** × 10^12 */
  scaledQuantity: bigint;
  metadata: string;
}

/** Signals of one kind; "point" stands for a data point or a log record. */
export abstract class Workload<Signal> {
  /** What a point is called where people read it. */
  abstract readonly noun: string;
  abstract readonly path: string;
  abstract readonly dimensions: readonly string[];
  /** Rules that the receiver needs to count the signals. */
  readonly meters: readonly object[] = [];
  /** More than the receiver is expected to take, per second: what is prepared for full speed. */
  abstract readonly preparedPerSecond: number;
  readonly connections: number;
  readonly pointsPerBody: number;
  readonly #host: string;
  #requests = 0;
  points = 0;
  series = 0;
  bodyBytes = 0;
  plainBytes = 0;

  constructor(pointsPerBody: number, connections: number, host: string) {
    this.pointsPerBody = pointsPerBody;
    this.connections = connections;
    this.#host = host;
  }

  /** What every prepared request together adds up to: [customer × dimensions + dimension]. */
  abstract readonly totals: Float64Array;

  /** A body of signals for each connection's every series, so that the receiver knows them. */
  protected abstract warmUpBodies(): Iterable<{ connection: number; signals: Signal[] }>;
  /** The next signals of an app; counts them in {@link totals}. */
  protected abstract next(connection: number, count: number): Signal[];
  protected abstract encode(signals: Signal[], connection: number): Uint8Array;
  /** @throws Error where a signal is none that the naive way knows */
  abstract naiveRow(signal: Signal): NaiveRow;

  /** One point of each series that exists from the start, in large bodies. */
  async warmUp(): Promise<PreparedRequest[]> {
    const requests: PreparedRequest[] = [];
    for (const { connection, signals } of this.warmUpBodies()) {
      this.points += signals.length;
      requests.push(await this.#prepare(connection, signals));
    }
    return requests;
  }

  /** Requests of together at least so many points, the connections in turn. */
  async prepare(points: number): Promise<PreparedRequest[]> {
    const count = Math.ceil(points / this.pointsPerBody);
    const requests: PreparedRequest[] = new Array(count);
    const waiting = new Set<Promise<void>>();
    for (let index = 0; index < count; index++) {
      const connection = index % this.connections;
      const done = this.#prepare(connection, this.nextBody(connection)).then((request) => {
        requests[index] = request;
        waiting.delete(done);
      });
      waiting.add(done);
      if (waiting.size >= 8) await Promise.race(waiting);
    }
    await Promise.all(waiting);
    return requests;
  }

  /** The same points as {@link prepare} would send next, undecoded: for the naive way. */
  nextBody(connection = 0): Signal[] {
    this.points += this.pointsPerBody;
    return this.next(connection, this.pointsPerBody);
  }

  async #prepare(connection: number, signals: Signal[]): Promise<PreparedRequest> {
    const order = this.#requests++;
    const plain = this.encode(signals, connection);
    // In the thread pool it costs more than it saves where a body is small.
    const body = plain.length < 8192 ? gzipSync(plain) : await gzipAsync(plain);
    this.plainBytes += plain.length;
    this.bodyBytes += body.length;
    const head = Buffer.from(
      `POST ${this.path} HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/x-protobuf\r\n` +
        `Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    return { order, connection, bytes: Buffer.concat([head, body]), points: signals.length };
  }
}

export function resourceOf(app: number): OtlpAttributes {
  return [
    ['service.name', 'shop'],
    ['service.instance.id', `5c0d9f0e-8f7b-4f6a-9d6e-${String(app).padStart(12, '0')}`],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.version', '3.1.0'],
  ];
}

export function customerId(customer: number): string {
  return `customer-${String(customer).padStart(4, '0')}`;
}
