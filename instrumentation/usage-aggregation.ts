/**
 * Exact sums of usage per series since the last collection, given out as delta data points. Pure: the clock is an
 * argument.
 *
 * The SDK's own sums would not do for billing: they are doubles (0.1 + 0.2, and integers beyond 2^53), their windows
 * have milliseconds, beyond a limit they merge series and strip the customer, and since collection is asynchronous
 * nobody can collect early in a burst. So usage is summed here, and handed to the exporter as the SDK would.
 */
import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ScopeMetrics,
  type SumMetricData,
} from '@opentelemetry/sdk-metrics';
import { type Amount, amountOf, doubleOf, FRACTION_UNITS } from './amount.ts';
import { RecordIndex } from './record-index.ts';
import { ATTR_USAGE_DIMENSION_ID, UNIT_ONE, USAGE_METRIC_PREFIX, USAGE_SCOPE_NAME } from './semconv.ts';
import {
  attributesOf,
  type DropReason,
  seriesKey,
  type Usage,
  type UsageAttributes,
} from './usage-record.ts';
import { VERSION } from './version.ts';
import { instantBefore, type WindowClock } from './window-clock.ts';

/** What the application says about a dimension. */
export interface DimensionOptions {
  /** UCUM, like `By`, `s`, `GiBy.h` or `{token}`. Default `1`. */
  unit?: string | undefined;
  /** Values may be negative. The receiver must have the dimension declared with credits. Default false. */
  creditsAllowed?: boolean | undefined;
}

/** One request's worth of data points. What it holds never changes: a resend is the same points again. */
export interface UsageBatch {
  readonly scopeMetrics: ScopeMetrics[];
  readonly points: number;
}

export interface AggregationLimits {
  /** Data points of one request. */
  pointsPerBatch: number;
  /** Texts of one request, in UTF-16 units, so that its JSON stays far below the receiver's 64 MiB. */
  lengthPerBatch: number;
}

interface Series extends Amount {
  attributes: UsageAttributes;
  start: HrTime;
  /** Length of the key, which is about the length of its texts. */
  length: number;
}

interface Point {
  attributes: UsageAttributes;
  start: HrTime;
  time: HrTime;
  value: number;
  valueType: ValueType;
  length: number;
}

interface Dimension {
  name: string;
  unit: string;
  creditsAllowed: boolean;
}

/** Sums usage; {@link collect} takes everything out. Windows of consecutive collections meet without a gap. */
export class UsageAggregation {
  readonly #clock: WindowClock;
  readonly #limits: AggregationLimits;
  readonly #declared: Map<string, DimensionOptions>;
  /** By {@link seriesKey}. */
  #series = new Map<string, Series>();
  /** The same series, found faster. */
  #index = new RecordIndex<Series>();
  /** Sums that would have passed 2^53 − 1, closed before the end of their window. */
  #closed: Point[] = [];
  #windowStart: HrTime;

  constructor(
    clock: WindowClock,
    limits: AggregationLimits,
    declared: Readonly<Record<string, DimensionOptions>> = {},
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#declared = new Map(Object.entries(declared));
    this.#windowStart = clock.next();
  }

  /** Data points that a collection would give, at least (a sum may take two). */
  get size(): number {
    return this.#series.size + this.#closed.length;
  }

  /**
   * Adds usage to its series.
   * @param mayOpen asked before one more data point becomes necessary; it may collect first, and false drops the
   *   record as `buffer_full`
   * @returns null, or why the record was dropped
   */
  add(usage: Usage, mayOpen: () => boolean): DropReason | null {
    if (typeof usage !== 'object' || usage === null) return 'invalid_record';
    const amount = amountOf(usage.value);
    if (typeof amount === 'string') return amount;
    if (
      (amount.whole < 0 || amount.fraction < 0) &&
      this.#declared.get(usage.dimension)?.creditsAllowed !== true
    ) {
      return 'negative_value';
    }
    const known = this.#index.find(usage);
    if (known !== undefined && sumInto(known, amount)) return null;
    const key = seriesKey(usage);
    const same = key === null ? undefined : this.#series.get(key);
    if (same !== undefined && sumInto(same, amount)) {
      this.#index.remember(usage, same);
      return null;
    }
    const attributes = same?.attributes ?? attributesOf(usage, key);
    if (typeof attributes === 'string') return attributes;
    if (!mayOpen()) return 'buffer_full';
    // Asked again: the question may have led to a collection.
    const full = this.#series.get(key!);
    if (full === undefined) {
      const series = { ...amount, attributes, start: this.#windowStart, length: key!.length };
      this.#series.set(key!, series);
      this.#index.remember(usage, series);
    } else {
      // The next integer would not be exact any more: the window ends here, and the amount opens the next one.
      const time = this.#clock.next();
      pushPoints(this.#closed, full, time);
      Object.assign(full, amount, { start: time });
    }
    return null;
  }

  /** Everything summed since the last collection, as batches; afterwards nothing is left. */
  collect(): UsageBatch[] {
    if (this.size === 0) return [];
    const time = this.#clock.next();
    const points = this.#closed;
    for (const series of this.#series.values()) pushPoints(points, series, time);
    this.#closed = [];
    this.#series = new Map();
    this.#index = new RecordIndex();
    this.#windowStart = time;
    return this.#batches(points);
  }

  #batches(points: Point[]): UsageBatch[] {
    const batches: UsageBatch[] = [];
    let from = 0;
    let length = 0;
    for (let i = 0; i < points.length; i++) {
      const full = i - from >= this.#limits.pointsPerBatch || length > this.#limits.lengthPerBatch;
      if (full) {
        batches.push(this.#batch(points.slice(from, i)));
        from = i;
        length = 0;
      }
      length += points[i].length;
    }
    batches.push(this.#batch(points.slice(from)));
    return batches;
  }

  #batch(points: Point[]): UsageBatch {
    const metrics = new Map<string, { head: Omit<SumMetricData, 'dataPoints'>; points: Point[] }>();
    for (const point of points) {
      const dimension = this.#dimension(point.attributes);
      const name = `${point.valueType} ${dimension.name} ${dimension.unit} ${dimension.creditsAllowed}`;
      let metric = metrics.get(name);
      if (metric === undefined) {
        metric = { head: metricHead(dimension, point.valueType), points: [] };
        metrics.set(name, metric);
      }
      metric.points.push(point);
    }
    return batchOf(
      Array.from(metrics.values(), ({ head, points }) => ({ ...head, dataPoints: points.map(dataPoint) })),
    );
  }

  #dimension(attributes: UsageAttributes): Dimension {
    const id = attributes[ATTR_USAGE_DIMENSION_ID] as string;
    const declared = this.#declared.get(id);
    return {
      name: metricName(id),
      unit: declared?.unit ?? UNIT_ONE,
      creditsAllowed: declared?.creditsAllowed ?? false,
    };
  }
}

/**
 * The two halves of a batch, each with the very same data points: the receiver knows points, not requests.
 * @returns null for a single point
 */
export function halves(batch: UsageBatch): [UsageBatch, UsageBatch] | null {
  if (batch.points < 2) return null;
  const metrics = batch.scopeMetrics[0].metrics as SumMetricData[];
  let room = Math.floor(batch.points / 2);
  const first: SumMetricData[] = [];
  const second: SumMetricData[] = [];
  for (const metric of metrics) {
    const taken = Math.min(room, metric.dataPoints.length);
    room -= taken;
    if (taken > 0) first.push({ ...metric, dataPoints: metric.dataPoints.slice(0, taken) });
    if (taken < metric.dataPoints.length) {
      second.push({ ...metric, dataPoints: metric.dataPoints.slice(taken) });
    }
  }
  return [batchOf(first), batchOf(second)];
}

function batchOf(metrics: SumMetricData[]): UsageBatch {
  return {
    scopeMetrics: [{ scope: { name: USAGE_SCOPE_NAME, version: VERSION }, metrics: metrics as MetricData[] }],
    points: metrics.reduce((sum, metric) => sum + metric.dataPoints.length, 0),
  };
}

/** @returns false, and changes nothing, where the sum would pass 2^53 − 1 */
function sumInto(series: Series, amount: Amount): boolean {
  let whole = series.whole + amount.whole;
  let fraction = series.fraction + amount.fraction;
  if (fraction >= FRACTION_UNITS) {
    fraction -= FRACTION_UNITS;
    whole += 1;
  } else if (fraction <= -FRACTION_UNITS) {
    fraction += FRACTION_UNITS;
    whole -= 1;
  }
  if (!Number.isSafeInteger(whole)) return false;
  series.whole = whole;
  series.fraction = fraction;
  return true;
}

/**
 * The points that say a sum exactly: an integer; or a double, if one spells the sum; or both, an integer and the
 * fraction that is left. Those two divide the window, since equal windows of one series look like a conflict.
 */
function pushPoints(points: Point[], series: Series, time: HrTime): void {
  const { attributes, start, length } = series;
  const amount = sameSigns(series);
  const integer = (value: number, from: HrTime, to: HrTime) =>
    points.push({ attributes, start: from, time: to, value, valueType: ValueType.INT, length });
  const double = (value: number, from: HrTime, to: HrTime) =>
    points.push({ attributes, start: from, time: to, value, valueType: ValueType.DOUBLE, length });
  if (amount.fraction === 0) {
    integer(amount.whole, start, time);
    return;
  }
  const exact = doubleOf(amount);
  if (exact !== null) {
    double(exact, start, time);
    return;
  }
  const border = instantBefore(time);
  integer(amount.whole, start, border);
  // At most twelve digits: the nearest double's shortest form is this fraction.
  double(amount.fraction / FRACTION_UNITS, border, time);
}

/** Credits can leave 5 and −0.3 in the two parts: that is 4.7. */
function sameSigns({ whole, fraction }: Amount): Amount {
  if (whole > 0 && fraction < 0) return { whole: whole - 1, fraction: fraction + FRACTION_UNITS };
  if (whole < 0 && fraction > 0) return { whole: whole + 1, fraction: fraction - FRACTION_UNITS };
  return { whole, fraction };
}

function dataPoint({ attributes, start, time, value }: Point): SumMetricData['dataPoints'][number] {
  return { attributes, startTime: start, endTime: time, value };
}

function metricHead(dimension: Dimension, valueType: ValueType): Omit<SumMetricData, 'dataPoints'> {
  return {
    descriptor: { name: dimension.name, description: '', unit: dimension.unit, valueType },
    aggregationTemporality: AggregationTemporality.DELTA,
    dataPointType: DataPointType.SUM,
    isMonotonic: !dimension.creditsAllowed,
  };
}

/**
 * An instrument's name takes only these characters, 255 of them at most; the attribute carries the id as it is.
 * https://opentelemetry.io/docs/specs/otel/metrics/api/#instrument-name-syntax
 */
function metricName(dimensionId: string): string {
  return `${USAGE_METRIC_PREFIX}${dimensionId}`.replace(/[^A-Za-z0-9_.\-/]/g, '_').slice(0, 255);
}
