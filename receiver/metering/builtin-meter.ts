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
  ATTR_USAGE_RECORD_ID,
  ATTR_USAGE_VALUE,
  UNIT_ONE,
  USAGE_METRIC_PREFIX,
} from '../../instrumentation/semconv.ts';
import type { EventSignal } from '../otlp/event-signals.ts';
import type { AnyValue, Attribute } from '../otlp/metric-columns.ts';
import { attributeValue, idTextOf, sortedText, valueText } from './attribute-values.ts';
import type { EventClaim, Meter, SeriesClaim, SeriesView } from './claims.ts';

export const BUILTIN_METER_ID = 'builtin';

const POINT_FIELDS: readonly string[] = [ATTR_USAGE_CUSTOMER_ID, ATTR_USAGE_DIMENSION_ID];
// A log's uid is as unique as its event id, and differs where a file is read twice: it describes no usage.
const EVENT_FIELDS: readonly string[] = [
  ...POINT_FIELDS,
  ATTR_USAGE_VALUE,
  ATTR_USAGE_EVENT_ID,
  ATTR_USAGE_RECORD_ID,
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
    const recordId = idAt(attributes, ATTR_USAGE_RECORD_ID);
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
      ...(recordId === null ? {} : { recordId }),
      eventId: idAt(attributes, ATTR_USAGE_EVENT_ID) ?? idAt(attributes, ATTR_LOG_RECORD_UID),
    };
  }
}

/** The dimension that an attribute or a name states: `{id: null}` where the name is `usage.` and nothing more. */
function dimensionOf(attributes: readonly Attribute[], name: string): { id: string | null } | null {
  const byAttribute = idAt(attributes, ATTR_USAGE_DIMENSION_ID);
  if (byAttribute !== null) return { id: byAttribute };
  return name.startsWith(USAGE_METRIC_PREFIX) ? { id: name.slice(USAGE_METRIC_PREFIX.length) || null } : null;
}

function customerOf(
  attributes: readonly Attribute[],
  resourceAttributes: readonly Attribute[],
): string | null {
  return idAt(attributes, ATTR_USAGE_CUSTOMER_ID) ?? idAt(resourceAttributes, ATTR_USAGE_CUSTOMER_ID);
}

/** Every attribute but those that the meter reads, values as text, sorted by key. */
function metadataOf(attributes: readonly Attribute[], without: readonly string[]): Record<string, string> {
  const entries: [string, string][] = [];
  for (const { key, value } of attributes) {
    if (!without.includes(key)) entries.push([key, valueText(value)]);
  }
  return sortedText(entries);
}

function idAt(attributes: readonly Attribute[], key: string): string | null {
  return idTextOf(attributeValue(attributes, key));
}
