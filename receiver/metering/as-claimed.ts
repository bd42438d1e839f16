/**
 * A quarantined signal as its meter reads it, each field for itself: what a person's correction stands on. Pure.
 */
import type { SignalCorrection } from '../../storage/changes.ts';
import { scaledFromText, textFromScaled } from '../../storage/decimal.ts';
import type { EventSignal } from '../otlp/event-signals.ts';
import {
  type AttributeInterner,
  type MetricColumns,
  VALUE_TYPE_COUNT_AND_SUM,
  VALUE_TYPE_COUNT_ONLY,
  VALUE_TYPE_DOUBLE,
  VALUE_TYPE_INT64,
} from '../otlp/metric-columns.ts';
import type { EventClaim, Meter, SeriesClaim } from './claims.ts';
import type { Registry } from './registry.ts';
import { seriesRole } from './series-metering.ts';
import { conversion, convertScaled } from './units.ts';

/** What could be read of a signal; null where there is nothing, or nothing of use. */
export interface ReadSignal {
  customerId: string | null;
  dimensionId: string | null;
  /** In {@link unit}; null for a running total too. */
  scaled: bigint | null;
  /** null: the dimension's own. */
  unit: string | null;
  timeUnixNano: bigint;
  startUnixNano: bigint;
  metadata: Record<string, string>;
}

const UNREAD: ReadSignal = {
  customerId: null,
  dimensionId: null,
  scaled: null,
  unit: '',
  timeUnixNano: 0n,
  startUnixNano: 0n,
  metadata: {},
};

const UNCLAIMED: Pick<SeriesClaim, 'value' | 'assumedTemporality'> = {
  value: 'point',
  assumedTemporality: null,
};

/** @param meter null where it is no more: then only what every point has is read */
export function readPoint(
  columns: MetricColumns,
  point: number,
  interner: AttributeInterner,
  meter: Meter | null,
): ReadSignal {
  const header = columns.metrics[columns.metric[point]];
  const claim =
    meter?.claimSeries({
      group: {
        resourceAttributes: interner.attributes(header.resourceAttributes),
        scopeName: header.scopeName,
        scopeVersion: header.scopeVersion,
        scopeAttributes: interner.attributes(header.scopeAttributes),
      },
      metricName: header.name,
      unit: header.unit,
      kind: header.kind,
      temporality: header.temporality,
      monotonic: header.monotonic,
      attributes: interner.attributes(columns.attributes[point]),
    }) ?? null;
  return {
    customerId: claim?.customerId ?? null,
    dimensionId: claim?.dimensionId ?? null,
    metadata: claim?.metadata ?? {},
    unit: claim?.unit ?? header.unit,
    // A running total is no usage: what it counts is what it grew by, which one reading does not say.
    scaled:
      seriesRole(header, claim ?? UNCLAIMED) === 'cumulative'
        ? null
        : pointValue(columns, point, claim?.value ?? 'point'),
    timeUnixNano: read64(columns.timeUnixNano, point),
    startUnixNano: claim?.ignoresStart ? 0n : read64(columns.startUnixNano, point),
  };
}

/** @param meter null where it is no more: nothing is read then */
export function readEvent(signal: EventSignal, meter: Meter | null, arrivedAtUnixNano: bigint): ReadSignal {
  const claim = meter?.claimEvent(signal, arrivedAtUnixNano) ?? null;
  if (claim === null) return UNREAD;
  const { customerId, dimensionId, metadata, unit, timeUnixNano, startUnixNano, recordId } = claim;
  return {
    customerId,
    dimensionId,
    metadata,
    unit: recordId === undefined ? unit : null,
    timeUnixNano,
    startUnixNano,
    scaled: eventValue(claim.value),
  };
}

/** What a signal counts as once a person has said what it should have been. */
export interface CorrectedSignal {
  customerId: string;
  dimensionId: string;
  recordValue: string;
  timeUnixNano: string;
  startUnixNano: string;
  metadata: Record<string, string>;
}

/** @returns the name of the field that is still missing, in the words of {@link SignalCorrection} */
export function corrected(
  signal: ReadSignal,
  correction: SignalCorrection,
  registry: Registry,
): CorrectedSignal | keyof SignalCorrection {
  const customerId = correction.customerId ?? signal.customerId;
  if (customerId === null) return 'customerId';
  const dimensionId = correction.dimensionId ?? signal.dimensionId;
  if (dimensionId === null) return 'dimensionId';
  const recordValue = correction.recordValue ?? valueIn(registry.unitOf(dimensionId), signal);
  if (recordValue === null) return 'recordValue';
  const timeUnixNano = correction.timeUnixNano ?? String(signal.timeUnixNano);
  if (timeUnixNano === '0') return 'timeUnixNano';
  const startUnixNano = correction.startUnixNano ?? String(signal.startUnixNano);
  return { customerId, dimensionId, recordValue, timeUnixNano, startUnixNano, metadata: signal.metadata };
}

/** @param unit the dimension's; undefined where it is not known yet, and takes the signal's */
function valueIn(unit: string | undefined, { scaled, unit: from }: ReadSignal): string | null {
  if (scaled === null) return null;
  const factor = from === null || unit === undefined ? 'same' : conversion(from, unit);
  if (factor === null) return null;
  return textFromScaled(factor === 'same' ? scaled : convertScaled(scaled, factor));
}

function pointValue(columns: MetricColumns, point: number, value: SeriesClaim['value']): bigint | null {
  if (typeof value === 'object') return scaledFromText(value.constant);
  const type = columns.valueType[point];
  if (type === VALUE_TYPE_COUNT_AND_SUM || type === VALUE_TYPE_COUNT_ONLY) {
    if (value === 'count') return read64(columns.count, point) * 1_000_000_000_000n;
    if (value === 'point' || type === VALUE_TYPE_COUNT_ONLY) return null;
  }
  if (type === VALUE_TYPE_INT64) return BigInt.asIntN(64, read64(columns.value, point)) * 1_000_000_000_000n;
  if (type !== VALUE_TYPE_DOUBLE && type !== VALUE_TYPE_COUNT_AND_SUM) return null;
  const double = new Float64Array(columns.value.slice(point * 2, point * 2 + 2).buffer)[0];
  return Number.isFinite(double) ? scaledFromText(String(double)) : null;
}

function eventValue(value: EventClaim['value']): bigint | null {
  if (value === null) return null;
  if (value.type === 'int') return value.value * 1_000_000_000_000n;
  if (value.type === 'double')
    return Number.isFinite(value.value) ? scaledFromText(String(value.value)) : null;
  if (value.type === 'string' || value.type === 'decimal')
    return value.value.length > 400 ? null : scaledFromText(value.value);
  return null;
}

function read64(words: Uint32Array, row: number): bigint {
  return BigInt(words[row * 2]) | (BigInt(words[row * 2 + 1]) << 32n);
}
