/**
 * The meter that needs no configuration: our own attributes and the `usage.` names.
 *
 * It claims a point that carries `usage.dimension.id`, or whose metric's name begins with `usage.`; the rest of the
 * name is the dimension then. An overflow point, whose attributes the SDK has stripped, is still claimed by its name.
 */
import {
  ATTR_USAGE_CUSTOMER_ID,
  ATTR_USAGE_DIMENSION_ID,
  USAGE_METRIC_PREFIX,
} from '../../instrumentation/semconv.ts';
import type { AnyValue, Attribute } from '../otlp/metric-columns.ts';

export const BUILTIN_METER_ID = 'builtin';

/** A longer id of a customer or dimension is none that anybody chose, and it would be kept with every series. */
export const MAX_ID_LENGTH = 1024;

/** What the meter reads off a series. */
export interface Claim {
  /** null: none on the point nor on its resource. */
  customerId: string | null;
  /** null: the metric is called `usage.` and nothing more. */
  dimensionId: string | null;
  /** An id was longer than {@link MAX_ID_LENGTH}; it is shortened here. */
  isTooLong: boolean;
  /** Every other attribute of the point, values as text. */
  metadata: Record<string, string>;
}

/** @returns null where the point is not the meter's business */
export function claim(
  metricName: string,
  attributes: readonly Attribute[],
  resourceAttributes: readonly Attribute[],
): Claim | null {
  const byAttribute = idText(attributes, ATTR_USAGE_DIMENSION_ID);
  const byName = metricName.startsWith(USAGE_METRIC_PREFIX);
  if (byAttribute === null && !byName) return null;
  const dimensionId = byAttribute ?? (metricName.slice(USAGE_METRIC_PREFIX.length) || null);
  const customerId =
    idText(attributes, ATTR_USAGE_CUSTOMER_ID) ?? idText(resourceAttributes, ATTR_USAGE_CUSTOMER_ID);
  const metadata: Record<string, string> = {};
  for (const { key, value } of [...attributes].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))) {
    if (key === ATTR_USAGE_CUSTOMER_ID || key === ATTR_USAGE_DIMENSION_ID) continue;
    // A plain assignment to "__proto__" would set the prototype and lose the pair.
    Object.defineProperty(metadata, key, {
      value: valueText(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return {
    customerId: customerId?.slice(0, MAX_ID_LENGTH) ?? null,
    dimensionId: dimensionId?.slice(0, MAX_ID_LENGTH) ?? null,
    isTooLong: Math.max(customerId?.length ?? 0, dimensionId?.length ?? 0) > MAX_ID_LENGTH,
    metadata,
  };
}

/** Strings, integers and booleans are ids; the empty string and every other type are none. */
function idText(attributes: readonly Attribute[], key: string): string | null {
  for (const attribute of attributes) {
    if (attribute.key !== key) continue;
    const { value } = attribute;
    if (value.type === 'string') return value.value === '' ? null : value.value;
    if (value.type === 'int' || value.type === 'bool') return String(value.value);
    return null;
  }
  return null;
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
