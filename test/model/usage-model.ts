/**
 * What a set of OTLP data points means as usage: the rules of docs/semantics.md, as plainly as they can be written,
 * over plain objects and BigInt. It is the oracle of the system tests, so it shares no code with the product.
 *
 * Usage and the `baseline` quarantine depend on the set of points only. What the registry decides (which dimension
 * and which instrument were seen first) depends on the order of arrival, which is the order of the array.
 */
import {
  CUMULATIVE,
  DELTA,
  NO_RECORDED_VALUE,
  type OtlpAttributes,
  type OtlpPoint,
  type OtlpStream,
  type OtlpValue,
} from '../support/otlp-points.ts';

const SCALE = 10n ** 12n;
const LIMIT = 10n ** 26n * SCALE;
const FUTURE_TOLERANCE_NANO = 600n * 1_000_000_000n;

/** Quantity is value × 10^12. */
export interface ModelUsage {
  customerId: string;
  dimensionId: string;
  timeUnixNano: bigint;
  quantity: bigint;
}

export interface ModelQuarantined {
  code: string;
  customerId: string | null;
  dimensionId: string | null;
  /** value × 10^12; null where the point has no finite number in range. */
  quantity: bigint | null;
}

export interface ModelResult {
  /** One entry per counted point, in no particular order; also those that add zero. */
  usage: ModelUsage[];
  quarantined: ModelQuarantined[];
  /** Distinct points that the built-in meter does not claim. */
  ignored: number;
  /** Points that carry NO_RECORDED_VALUE. */
  markers: number;
}

/** A point that passed every check at its arrival. */
interface Accepted {
  point: OtlpPoint;
  series: string;
  customerId: string;
  dimensionId: string;
  quantity: bigint;
}

/** @param nowUnixNano the receiver's clock: what lies more than 10 minutes beyond it is in the future */
export function usageOf(points: readonly OtlpPoint[], nowUnixNano: bigint): ModelResult {
  const result: ModelResult = { usage: [], quarantined: [], ignored: 0, markers: 0 };
  const seen = new Set<string>();
  const accepted: Accepted[] = [];
  const unitOfDimension = new Map<string, string>();
  const temporalityOfInstrument = new Map<string, number>();
  const startIsKnownOfSeries = new Map<string, boolean>();

  for (const point of points) {
    if (point.flags & NO_RECORDED_VALUE) {
      result.markers++;
      continue;
    }
    const series = seriesIdentity(point);
    const key = `${series} ${point.startUnixNano} ${point.timeUnixNano} ${valueIdentity(point.value)}`;
    if (seen.has(key)) continue;
    seen.add(key);

    if (!isClaimed(point)) {
      result.ignored++;
      continue;
    }
    const dimensionId = dimensionOf(point);
    const customerId = customerOf(point);
    const quantity = scaledQuantity(point.value);
    const quarantine = (code: string) =>
      result.quarantined.push({ code, customerId, dimensionId, quantity: quantity ?? null });

    const own = faultOfPoint(point, customerId, quantity, nowUnixNano);
    if (own !== null) {
      quarantine(own);
      continue;
    }

    const { stream } = point;
    if (stream.kind === 'sum') {
      const instrument = instrumentIdentity(stream);
      const declared = temporalityOfInstrument.get(instrument) ?? stream.temporality;
      temporalityOfInstrument.set(instrument, declared);
      if (declared !== stream.temporality) {
        quarantine('other_temporality');
        continue;
      }
    }
    const isCumulativeCounter =
      stream.kind === 'sum' && stream.monotonic && stream.temporality === CUMULATIVE;
    if (isCumulativeCounter) {
      const startIsKnown = point.startUnixNano !== 0n;
      const first = startIsKnownOfSeries.get(series) ?? startIsKnown;
      startIsKnownOfSeries.set(series, first);
      if (first !== startIsKnown) {
        quarantine('mixed_start');
        continue;
      }
    }

    const discovers = stream.kind === 'sum' && stream.monotonic;
    const unit = stream.unit === '' ? '1' : stream.unit;
    if (dimensionId === null || !unitOfDimension.has(dimensionId)) {
      if (dimensionId === null || !discovers) {
        quarantine('unknown_dimension');
        continue;
      }
      unitOfDimension.set(dimensionId, unit);
    }
    if (unitOfDimension.get(dimensionId) !== unit) {
      quarantine('wrong_unit');
      continue;
    }
    // A discovered dimension aggregates by sum and allows no credits.
    if (!discovers) {
      const isSignedDelta = stream.kind === 'sum' && stream.temporality === DELTA;
      quarantine(isSignedDelta ? 'credits_not_allowed' : 'level_into_sum');
      continue;
    }
    accepted.push({ point, series, customerId: customerId!, dimensionId, quantity: quantity! });
  }

  const count = (reading: Accepted, quantity: bigint) =>
    result.usage.push({
      customerId: reading.customerId,
      dimensionId: reading.dimensionId,
      timeUnixNano: reading.point.timeUnixNano,
      quantity,
    });
  const baseline = (reading: Accepted) => {
    result.quarantined.push({
      code: 'baseline',
      customerId: reading.customerId,
      dimensionId: reading.dimensionId,
      quantity: reading.quantity,
    });
    count(reading, 0n);
  };

  const segments = new Map<string, Accepted[]>();
  for (const reading of accepted) {
    if (reading.point.stream.temporality === DELTA) {
      count(reading, reading.quantity);
      continue;
    }
    const segment = `${reading.series} ${reading.point.startUnixNano}`;
    if (!segments.has(segment)) segments.set(segment, []);
    segments.get(segment)!.push(reading);
  }
  for (const readings of segments.values()) {
    readings.sort(
      (a, b) => compare(a.point.timeUnixNano, b.point.timeUnixNano) || compare(a.quantity, b.quantity),
    );
    if (readings[0].point.startUnixNano === 0n) countUnknownStart(readings, count, baseline);
    else countKnownStart(readings, count, baseline);
  }
  return result;
}

type Count = (reading: Accepted, quantity: bigint) => void;

/** Increments over the running maximum, from zero, or from a first reading that nobody vouches for. */
function countKnownStart(readings: Accepted[], count: Count, baseline: (reading: Accepted) => void): void {
  const [first, ...later] = readings;
  const { startUnixNano, timeUnixNano, stream } = first.point;
  if (startUnixNano === timeUnixNano && !isWrittenBySdk(stream.resource)) baseline(first);
  else count(first, first.quantity);
  let highest = first.quantity;
  for (const reading of later) {
    const increment = reading.quantity > highest ? reading.quantity - highest : 0n;
    count(reading, increment);
    highest += increment;
  }
}

/** Differences between neighbours in time; after a decrease the writer began again at zero. */
function countUnknownStart(readings: Accepted[], count: Count, baseline: (reading: Accepted) => void): void {
  const [first, ...later] = readings;
  baseline(first);
  let previous = first.quantity;
  for (const reading of later) {
    const decreased = reading.quantity < previous;
    count(reading, decreased ? reading.quantity : reading.quantity - previous);
    previous = reading.quantity;
  }
}

/** The first fault, in the order of the codes, that the point has by itself, whatever came before it. */
function faultOfPoint(
  point: OtlpPoint,
  customerId: string | null,
  quantity: bigint | undefined,
  nowUnixNano: bigint,
): string | null {
  const { stream, value } = point;
  if (attribute(point.attributes, 'otel.metric.overflow') === true) return 'sdk_overflow';
  if (customerId === null) return 'missing_customer';
  if (hasDuplicateKey(point.attributes)) return 'duplicate_attribute';
  if (hasDuplicateKey(stream.resource) || hasDuplicateKey(stream.scopeAttributes))
    return 'duplicate_attribute';
  if (point.timeUnixNano === 0n) return 'time_zero';
  if (point.startUnixNano > point.timeUnixNano) return 'start_after_time';
  if (point.timeUnixNano > nowUnixNano + FUTURE_TOLERANCE_NANO) return 'time_in_future';
  if (value === null) return 'no_value';
  if (typeof value === 'number') {
    if (Number.isNaN(value)) return 'not_a_number';
    if (!Number.isFinite(value)) return 'infinite';
    if (quantity === undefined) return 'out_of_range';
  }
  const hasTemporality = stream.kind !== 'gauge' && stream.kind !== 'summary';
  if (hasTemporality && stream.temporality !== DELTA && stream.temporality !== CUMULATIVE) {
    return 'unspecified_temporality';
  }
  if (stream.kind !== 'sum' && stream.kind !== 'gauge') return 'unsupported_kind';
  if (stream.kind === 'sum' && stream.monotonic && quantity! < 0n) return 'negative_monotonic';
  return null;
}

function isClaimed(point: OtlpPoint): boolean {
  return (
    textOf(attribute(point.attributes, 'usage.dimension.id')) !== null ||
    point.stream.name.startsWith('usage.')
  );
}

/** What the built-in meter bills a claimed point to; null where the metric is called `usage.` and nothing more. */
function dimensionOf(point: OtlpPoint): string | null {
  const named = textOf(attribute(point.attributes, 'usage.dimension.id'));
  return named ?? textOf(point.stream.name.slice('usage.'.length));
}

function customerOf(point: OtlpPoint): string | null {
  return (
    textOf(attribute(point.attributes, 'usage.customer.id')) ??
    textOf(attribute(point.stream.resource, 'usage.customer.id'))
  );
}

/** An id's text; null where it is missing, empty or of a type that no id has. */
export function textOf(value: OtlpValue | undefined): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return null;
}

function isWrittenBySdk(resource: OtlpAttributes): boolean {
  const name = attribute(resource, 'telemetry.sdk.name');
  return typeof name === 'string' && name !== '';
}

/** Only an instance id tells replicas apart; without one the whole resource has to. */
export function resourceIdentity(resource: OtlpAttributes): string {
  const instance = attribute(resource, 'service.instance.id');
  if (instance === undefined || instance === null || instance === '') return canonicalAttributes(resource);
  const named = ['service.namespace', 'service.name', 'service.instance.id', 'usage.customer.id'];
  return canonicalAttributes(resource.filter(([key]) => named.includes(key)));
}

function instrumentIdentity(stream: OtlpStream): string {
  return JSON.stringify([
    resourceIdentity(stream.resource),
    stream.scopeName,
    stream.scopeVersion,
    canonicalAttributes(stream.scopeAttributes),
    stream.name,
  ]);
}

function seriesIdentity(point: OtlpPoint): string {
  const { stream } = point;
  return JSON.stringify([
    instrumentIdentity(stream),
    stream.unit,
    stream.kind,
    stream.kind === 'gauge' || stream.kind === 'summary' ? 0 : stream.temporality,
    stream.kind === 'sum' && stream.monotonic,
    canonicalAttributes(point.attributes),
  ]);
}

export function canonicalAttributes(attributes: OtlpAttributes): string {
  return JSON.stringify(attributes.map(([key, value]) => [key, canonicalValue(value)]).sort());
}

/** Values of different types have different texts. */
export function canonicalValue(value: OtlpValue): string {
  if (value === null) return 'empty';
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return `array ${JSON.stringify(value.map(canonicalValue))}`;
  if (typeof value === 'object') return `map ${canonicalAttributes(value.map)}`;
  return `${typeof value} ${value}`;
}

/** An integer and a double of the same number are the same value: a re-encoder may turn one into the other. */
function valueIdentity(value: OtlpPoint['value']): string {
  if (value === null) return 'none';
  if (typeof value === 'object') return `${value.count} ${value.sum}`;
  const scaled = scaledQuantity(value);
  return scaled === undefined ? String(value) : `${scaled}`;
}

/** value × 10^12, half-even; undefined where there is no finite number within 26 integer digits. */
export function scaledQuantity(value: OtlpPoint['value']): bigint | undefined {
  if (typeof value === 'bigint') return value * SCALE;
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  // The shortest text that reads back as this double is what a person would have meant: 0.1, not 0.1000000000000000055.
  const [mantissa, exponent = '0'] = Math.abs(value).toString().split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const power = Number(exponent) - fraction.length + 12;
  const digits = BigInt(whole + fraction);
  let scaled: bigint;
  if (power >= 0) {
    scaled = digits * 10n ** BigInt(power);
  } else {
    const unit = 10n ** BigInt(-power);
    const half = (digits % unit) * 2n;
    const below = digits / unit;
    const roundsUp = half > unit || (half === unit && below % 2n === 1n);
    scaled = roundsUp ? below + 1n : below;
  }
  if (scaled >= LIMIT) return undefined;
  return value < 0 ? -scaled : scaled;
}

/** The decimal text of a scaled quantity, without trailing zeros. */
export function decimalText(scaled: bigint): string {
  const magnitude = scaled < 0n ? -scaled : scaled;
  const digits = magnitude.toString().padStart(13, '0');
  const text = `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '');
  return scaled < 0n ? `-${text}` : text;
}

/** The value × 10^12 that a decimal text says; texts of the API only, so nothing is rounded. */
export function scaledOfText(text: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(text);
  if (match === null) throw new Error(`not a plain decimal of at most 12 places: ${text}`);
  const magnitude = BigInt(match[2] + (match[3] ?? '').padEnd(12, '0'));
  return match[1] === '-' ? -magnitude : magnitude;
}

/** The value × 10^12 that a plain decimal of any length says, half-even. */
export function scaledOfDecimal(text: string): bigint {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new Error(`not a plain decimal: ${text}`);
  const fraction = match[3] ?? '';
  const kept = BigInt(match[2] + fraction.slice(0, 12).padEnd(12, '0'));
  const cut = fraction.slice(12).padEnd(1, '0');
  const half = `5${'0'.repeat(cut.length - 1)}`;
  const roundsUp = cut > half || (cut === half && kept % 2n === 1n);
  const magnitude = roundsUp ? kept + 1n : kept;
  return match[1] === '-' ? -magnitude : magnitude;
}

export function attribute(attributes: OtlpAttributes, key: string): OtlpValue | undefined {
  return attributes.find(([name]) => name === key)?.[1];
}

export function hasDuplicateKey(attributes: OtlpAttributes): boolean {
  return new Set(attributes.map(([key]) => key)).size < attributes.length;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The sum of usage per customer and dimension, as `customer / dimension` → decimal text; zero sums are left out. */
export function totalsOf(usage: readonly ModelUsage[]): Map<string, string> {
  const sums = new Map<string, bigint>();
  for (const { customerId, dimensionId, quantity } of usage) {
    const key = `${customerId} / ${dimensionId}`;
    sums.set(key, (sums.get(key) ?? 0n) + quantity);
  }
  return new Map(
    [...sums]
      .filter(([, sum]) => sum !== 0n)
      .map(([key, sum]) => [key, decimalText(sum)] as const)
      .sort(),
  );
}
