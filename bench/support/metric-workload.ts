/**
 * Deltas of 2,000 customers in three dimensions. Each app has its own series; times move with every body, and one point
 * in a hundred begins a new series.
 */
import {
  DELTA,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  stream,
} from '../../test/support/otlp-points.ts';
import { ProtobufWriter, requestOf } from '../../test/support/otlp-writer.ts';
import { Random } from '../../test/support/random.ts';
import {
  CUSTOMERS,
  customerId,
  FIRST_TIME_UNIX_NANO,
  type NaiveRow,
  REGIONS,
  resourceOf,
  STEP_NANO,
  Workload,
} from './workload.ts';

const DIMENSIONS = ['api.requests', 'tokens', 'storage'];
const UNITS = ['1', '{token}', 'By'];
const NEW_SERIES = 0.01;
const WARM_UP_POINTS = 5000;

interface Series {
  metric: number;
  customer: number;
  attributes: OtlpAttributes;
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

function attributesOf(customer: number, region: string): OtlpAttributes {
  return [
    ['usage.customer.id', customerId(customer)],
    ['region', region],
  ];
}

export class MetricWorkload extends Workload<OtlpPoint> {
  readonly noun = 'point';
  readonly path = '/v1/metrics';
  readonly dimensions = DIMENSIONS;
  readonly preparedPerSecond: number;
  readonly totals = new Float64Array(CUSTOMERS * DIMENSIONS.length);
  readonly #apps: App[];
  readonly #writer = new ProtobufWriter();

  constructor(pointsPerBody: number, connections: number, host: string) {
    super(pointsPerBody, connections, host);
    this.preparedPerSecond = pointsPerBody >= 1000 ? 600_000 : pointsPerBody >= 100 ? 400_000 : 60_000;
    this.#apps = Array.from({ length: connections }, (_, index) => new App(index, connections));
  }

  protected *warmUpBodies(): Iterable<{ connection: number; signals: OtlpPoint[] }> {
    for (const [connection, app] of this.#apps.entries()) {
      for (let left = app.series.length; left > 0; left -= WARM_UP_POINTS) {
        yield { connection, signals: this.#nextPoints(app, Math.min(left, WARM_UP_POINTS), 0) };
      }
      this.series += app.series.length;
    }
  }

  protected next(connection: number, count: number): OtlpPoint[] {
    return this.#nextPoints(this.#apps[connection], count, NEW_SERIES);
  }

  protected encode(points: OtlpPoint[]): Uint8Array {
    return this.#writer.encode(requestOf(points));
  }

  naiveRow({ stream, attributes, startUnixNano, timeUnixNano, value }: OtlpPoint): NaiveRow {
    const series = JSON.stringify([stream.resource, stream.name, stream.unit, attributes]);
    return {
      key: `${series} ${startUnixNano} ${timeUnixNano} ${value}`,
      customerId: String(attributes[0][1]),
      dimensionId: stream.name.slice('usage.'.length),
      startUnixNano,
      timeUnixNano,
      scaledQuantity: BigInt(String(value)) * 10n ** 12n,
      metadata: JSON.stringify(Object.fromEntries(attributes.slice(1))),
    };
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
    return byMetric.flat();
  }
}
