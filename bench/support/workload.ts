/**
 * What the benchmark sends: apps that each export deltas of 2,000 customers, as gzipped OTLP protobuf, ready as HTTP
 * requests before anything is measured.
 *
 * Each connection is one app (a service instance) with its own series, so bodies of one series arrive in order, as
 * they do from a real exporter. Times move with every body; one point in a hundred begins a new series.
 */
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import {
  DELTA,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  stream,
} from '../../test/support/otlp-points.ts';
import { ProtobufWriter, requestOf } from '../../test/support/otlp-writer.ts';
import { Random } from '../../test/support/random.ts';

const gzipAsync = promisify(gzip);

export const CUSTOMERS = 2000;
export const DIMENSIONS = ['api.requests', 'tokens', 'storage'];
const UNITS = ['1', '{token}', 'By'];
const REGIONS = [
  'eu-west',
  'us-east',
  'us-west',
  'ap-south',
  'sa-east',
  'af-south',
  'me-central',
  'eu-north',
];
const NEW_SERIES = 0.01;
/** All times lie in the 24 hours from here. */
export const FIRST_TIME_UNIX_NANO = 1_763_596_800_000_000_000n;
export const RANGE = { from: '2025-11-20T00:00:00Z', to: '2025-11-21T00:00:00Z' };
const STEP_NANO = 10_000_000n;

interface Series {
  metric: number;
  customer: number;
  attributes: OtlpAttributes;
}

/** An HTTP request as bytes, complete with headers. */
export interface PreparedRequest {
  /** Requests of a connection go out in this order. */
  order: number;
  connection: number;
  bytes: Buffer;
  points: number;
}

/** The series and the clock of one app. */
class App {
  readonly streams: OtlpStream[];
  readonly series: Series[];
  readonly random: Random;
  timeUnixNano = FIRST_TIME_UNIX_NANO;
  at = 0;
  sessions = 0;

  constructor(index: number, apps: number) {
    this.random = new Random(1000 + index);
    this.streams = DIMENSIONS.map((dimension, metric) =>
      stream({
        resource: resourceOf(index),
        scopeAttributes: [],
        name: `usage.${dimension}`,
        unit: UNITS[metric],
        temporality: DELTA,
      }),
    );
    for (const own of this.streams) own.resource = this.streams[0].resource;
    const all: Series[] = [];
    // With many small apps each sees its share of the customers, so that the live series stay as many.
    const perApp = Math.max(1, Math.round((CUSTOMERS * REGIONS.length) / apps));
    for (let nth = 0; nth < perApp; nth++) {
      const place = index * perApp + nth;
      const customer = place % CUSTOMERS;
      const region = REGIONS[Math.floor(place / CUSTOMERS) % REGIONS.length];
      for (let metric = 0; metric < DIMENSIONS.length; metric++) {
        all.push({ metric, customer, attributes: attributesOf(customer, region) });
      }
    }
    this.series = this.random.shuffled(all);
  }
}

function resourceOf(index: number): OtlpAttributes {
  return [
    ['service.name', 'shop'],
    ['service.instance.id', `5c0d9f0e-8f7b-4f6a-9d6e-${String(index).padStart(12, '0')}`],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.name', 'opentelemetry'],
    ['telemetry.sdk.version', '3.1.0'],
  ];
}

function attributesOf(customer: number, region: string): OtlpAttributes {
  return [
    ['usage.customer.id', customerId(customer)],
    ['region', region],
  ];
}

export function customerId(customer: number): string {
  return `customer-${String(customer).padStart(4, '0')}`;
}

export class Workload {
  readonly connections: number;
  readonly pointsPerBody: number;
  readonly #host: string;
  readonly #apps: App[];
  readonly #writer = new ProtobufWriter();
  /** What every prepared request together adds up to: [customer × dimensions + dimension]. */
  readonly totals = new Float64Array(CUSTOMERS * DIMENSIONS.length);
  #requests = 0;
  points = 0;
  series = 0;
  bodyBytes = 0;
  plainBytes = 0;

  constructor(pointsPerBody: number, connections: number, host: string) {
    this.pointsPerBody = pointsPerBody;
    this.connections = connections;
    this.#host = host;
    this.#apps = Array.from({ length: connections }, (_, index) => new App(index, connections));
  }

  /** One point of each series that exists from the start, in large bodies. */
  async warmUp(): Promise<PreparedRequest[]> {
    const requests: PreparedRequest[] = [];
    for (const [connection, app] of this.#apps.entries()) {
      for (let left = app.series.length; left > 0; left -= 5000) {
        requests.push(await this.#prepare(connection, this.#nextPoints(app, Math.min(left, 5000), 0)));
      }
      this.series += app.series.length;
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
      const next = this.#nextPoints(this.#apps[connection], this.pointsPerBody, NEW_SERIES);
      const done = this.#prepare(connection, next).then((request) => {
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
  nextBody(): OtlpPoint[] {
    return this.#nextPoints(this.#apps[0], this.pointsPerBody, NEW_SERIES);
  }

  #nextPoints(app: App, count: number, newSeries: number): OtlpPoint[] {
    const startUnixNano = app.timeUnixNano;
    app.timeUnixNano += STEP_NANO;
    const byMetric: OtlpPoint[][] = DIMENSIONS.map(() => []);
    for (let nth = 0; nth < count; nth++) {
      const { metric, customer, attributes } = app.series[app.at];
      app.at = (app.at + 1) % app.series.length;
      const isNew = newSeries > 0 && app.random.chance(newSeries);
      if (isNew) this.series++;
      const value = app.random.integer(1, 1000);
      this.totals[customer * DIMENSIONS.length + metric] += value;
      byMetric[metric].push({
        stream: app.streams[metric],
        attributes: isNew ? [...attributes, ['session', `session-${app.sessions++}`]] : attributes,
        startUnixNano,
        timeUnixNano: app.timeUnixNano,
        value: BigInt(value),
        flags: 0,
      });
    }
    this.points += count;
    return byMetric.flat();
  }

  async #prepare(connection: number, points: OtlpPoint[]): Promise<PreparedRequest> {
    const order = this.#requests++;
    const plain = this.#writer.encode(requestOf(points));
    // In the thread pool it costs more than it saves where a body is small.
    const body = plain.length < 8192 ? gzipSync(plain) : await gzipAsync(plain);
    this.plainBytes += plain.length;
    this.bodyBytes += body.length;
    const head = Buffer.from(
      `POST /v1/metrics HTTP/1.1\r\nHost: ${this.#host}\r\nContent-Type: application/x-protobuf\r\n` +
        `Content-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    return { order, connection, bytes: Buffer.concat([head, body]), points: points.length };
  }
}
