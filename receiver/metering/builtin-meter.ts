/**
 * The meter that needs no configuration: our own attributes and the `usage.` names.
 *
 * It claims a signal that carries `usage.dimension.id`, and a metric or log event whose name begins with `usage.`; the
 * rest of the name is the dimension then. An overflow point, whose attributes the SDK has stripped, is still claimed by
 * its metric's name.
 */
import {
  ATTR_LOG_RECORD_UID,
  ATTR_USAGE_CUSTOMER_ID,
  ATTR_USAGE_DIMENSION_ID,
  ATTR_USAGE_EVENT_ID,
  ATTR_USAGE_VALUE,
  UNIT_ONE,
  USAGE_METRIC_PREFIX,
} from '../../instrumentation/semconv.ts';
import type { EventSignal } from '../otlp/event-signals.ts';
import type { AnyValue, Attribute } from '../otlp/metric-columns.ts';
import type { EventClaim, Meter, SeriesClaim, SeriesView } from './claims.ts';

export const BUILTIN_METER_ID = 'builtin';

const POINT_FIELDS: readonly string[] = [ATTR_USAGE_CUSTOMER_ID, ATTR_USAGE_DIMENSION_ID];
// A log's uid is as unique as its event id, and differs where a file is read twice: it describes no usage.
const EVENT_FIELDS: readonly string[] = [
  ...POINT_FIELDS,
  ATTR_USAGE_VALUE,
  ATTR_USAGE_EVENT_ID,
  ATTR_LOG_RECORD_UID,
];
const ONE: AnyValue = { type: 'int', value: 1n };

export class BuiltinMeter implements Meter {
  readonly id = BUILTIN_METER_ID;
  readonly version = 0;
  readonly sinceUnixNano = null;
  readonly replaces: readonly string[] = [];

  claimSeries(series: SeriesView): SeriesClaim | null {
    const { attributes } = series;
    const dimension = dimensionOf(attributes, series.metricName);
    if (dimension === null) return null;
    return {
      customerId: customerOf(attributes, series.group.resourceAttributes),
      resourceCustomerId: null,
      dimensionId: dimension.id,
      metadata: metadataOf(attributes, POINT_FIELDS),
      allowsDuplicateAttributes: false,
      value: 'point',
      unit: series.unit,
      assumedTemporality: null,
      ignoresStart: false,
      fallsBackToReceived: false,
      takesOverflow: false,
    };
  }

  claimEvent(signal: EventSignal): EventClaim | null {
    const { attributes } = signal;
    const dimension = dimensionOf(attributes, signal.type === 'log' ? signal.eventName : '');
    if (dimension === null) return null;
    const value = attributeValue(attributes, ATTR_USAGE_VALUE) ?? ONE;
    return {
      customerId: customerOf(attributes, signal.group.resourceAttributes),
      dimensionId: dimension.id,
      metadata: metadataOf(attributes, EVENT_FIELDS),
      allowsDuplicateAttributes: false,
      value: value.type === 'empty' ? null : value,
      unit: UNIT_ONE,
      timeUnixNano:
        signal.type === 'log' ? signal.timeUnixNano || signal.observedTimeUnixNano : signal.endTimeUnixNano,
      startUnixNano: signal.type === 'log' ? 0n : signal.startTimeUnixNano,
      eventId: idText(attributes, ATTR_USAGE_EVENT_ID) ?? idText(attributes, ATTR_LOG_RECORD_UID),
    };
  }
}

/** The dimension that an attribute or a name states: `{id: null}` where the name is `usage.` and nothing more. */
function dimensionOf(attributes: readonly Attribute[], name: string): { id: string | null } | null {
  const byAttribute = idText(attributes, ATTR_USAGE_DIMENSION_ID);
  if (byAttribute !== null) return { id: byAttribute };
  return name.startsWith(USAGE_METRIC_PREFIX) ? { id: name.slice(USAGE_METRIC_PREFIX.length) || null } : null;
}

function customerOf(
  attributes: readonly Attribute[],
  resourceAttributes: readonly Attribute[],
): string | null {
  return idText(attributes, ATTR_USAGE_CUSTOMER_ID) ?? idText(resourceAttributes, ATTR_USAGE_CUSTOMER_ID);
}

/** Every attribute but those that the meter reads, values as text, sorted by key. */
function metadataOf(attributes: readonly Attribute[], without: readonly string[]): Record<string, string> {
  const entries: [string, string][] = [];
  for (const { key, value } of attributes) {
    if (!without.includes(key)) entries.push([key, valueText(value)]);
  }
  return sortedText(entries);
}

/**
 * Pairs of key and text as one object, sorted by key; of equal keys the last one stays. A key "__proto__" is a pair
 * like any other.
 */
export function sortedText(entries: [string, string][]): Record<string, string> {
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** The value of the first attribute with the key. */
export function attributeValue(attributes: readonly Attribute[], key: string): AnyValue | undefined {
  for (let i = 0; i < attributes.length; i++) {
    if (attributes[i].key === key) return attributes[i].value;
  }
  return undefined;
}

/** Strings, integers and booleans are ids; the empty string and every other type are none. */
function idText(attributes: readonly Attribute[], key: string): string | null {
  const value = attributeValue(attributes, key);
  switch (value?.type) {
    case 'string':
      return value.value || null;
    case 'int':
    case 'bool':
      return String(value.value);
    default:
      return null;
  }
}

/** An attribute's value as metadata text: lists and maps as JSON, bytes as base64, no value as the empty string. */
export function valueText(value: AnyValue): string {
  switch (value.type) {
    case 'empty':
      return '';
    case 'string':
      return value.value;
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    case 'array':
    case 'map':
      return JSON.stringify(plain(value));
    default:
      return String(value.value);
  }
}

/** The attributes as one JSON object, for people who look at a resource. */
export function attributesJson(attributes: readonly Attribute[]): string {
  return JSON.stringify(plain({ type: 'map', value: [...attributes] }));
}

function plain(value: AnyValue): unknown {
  switch (value.type) {
    case 'empty':
      return null;
    case 'bytes':
      return Buffer.from(value.value).toString('base64');
    case 'int':
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : String(value.value);
    case 'double':
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case 'array':
      return value.value.map(plain);
    case 'map':
      return Object.fromEntries(value.value.map((entry) => [entry.key, plain(entry.value)]));
    default:
      return value.value;
  }
}
