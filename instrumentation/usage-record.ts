/** What an application records, and the checks that it must pass before it becomes a series. Pure. */
import type { AmountFault } from './amount.ts';
import {
  ATTR_OTEL_METRIC_OVERFLOW,
  ATTR_USAGE_CUSTOMER_ID,
  ATTR_USAGE_DIMENSION_ID,
  USAGE_METRIC_PREFIX,
} from './semconv.ts';

/** One act of usage, as an application records it. */
export interface Usage {
  /** Who is billed: your own id of the customer. */
  customer: string;
  /** What is billed, like `api.requests` or `tokens`. */
  dimension: string;
  /**
   * How much, in the dimension's unit: a number or bigint up to 2^53 − 1, or a decimal as text where a double would
   * not say it exactly. Kept to twelve places. Negative only for a dimension with `creditsAllowed`.
   */
  value: number | bigint | string;
  /** What the usage can be filtered and grouped by. Copied at once. A key whose value is undefined or null is left out. */
  metadata?: Record<string, string | number | boolean | null | undefined> | undefined;
}

/** Why a record was dropped: it is no usage, or there was no room for it. */
export type DropReason =
  | AmountFault
  | 'invalid_record'
  | 'invalid_customer'
  | 'invalid_dimension'
  | 'negative_value'
  | 'invalid_metadata'
  | 'reserved_metadata_key'
  | 'record_too_long'
  /** The receiver has been away for so long, or customers are so many, that the limits of memory are reached. */
  | 'buffer_full'
  | 'meter_shut_down'
  /** OTEL_SDK_DISABLED is true. */
  | 'sdk_disabled';

/** The attributes of a data point. */
export type UsageAttributes = Record<string, string | number | boolean>;

/**
 * Room for all texts of one record together, in UTF-16 units: no single point may make a request that the receiver's
 * size limit refuses.
 */
export const MAX_RECORD_LENGTH = 64 * 1024;

/**
 * The identity of a record's series within the meter, whatever the order of its metadata's keys. Texts are checked
 * when a series is new ({@link attributesOf}).
 * @returns null where customer, dimension or a value of the metadata is none
 */
export function seriesKey(usage: Usage): string | null {
  const { customer, dimension, metadata } = usage;
  if (typeof customer !== 'string' || typeof dimension !== 'string') return null;
  // Lengths before texts: no text can be taken for a boundary.
  let key = `${dimension.length}:${dimension}${customer.length}:${customer}`;
  if (metadata === undefined || metadata === null) return key;
  if (typeof metadata !== 'object') return null;
  const names = Object.keys(metadata);
  if (names.length > 1) sortNames(names);
  for (const name of names) {
    const given = metadata[name];
    if (given === undefined || given === null) continue;
    // As it will be sent: two series that looked alike on the wire would count as one.
    const value = attributeValue(given);
    if (typeof value === 'string') key += `${name.length}:${name}s${value.length}:${value}`;
    else if (typeof value === 'number') key += `${name.length}:${name}n${value};`;
    else if (typeof value === 'boolean') key += `${name.length}:${name}${value ? 't' : 'f'}`;
    else return null;
  }
  return key;
}

/**
 * The attributes of a new series, a copy that the caller cannot change any more.
 * @param key what {@link seriesKey} gave
 */
export function attributesOf(usage: Usage, key: string | null): UsageAttributes | DropReason {
  const { customer, dimension, metadata } = usage;
  if (!isIdentifier(customer)) return 'invalid_customer';
  if (!isIdentifier(dimension)) return 'invalid_dimension';
  if (key === null) return 'invalid_metadata';
  if (key.length > MAX_RECORD_LENGTH) return 'record_too_long';
  const attributes: UsageAttributes = {
    [ATTR_USAGE_CUSTOMER_ID]: customer,
    [ATTR_USAGE_DIMENSION_ID]: dimension,
  };
  for (const name of Object.keys(metadata ?? {})) {
    const value = metadata?.[name];
    if (value === undefined || value === null) continue;
    if (name.startsWith(USAGE_METRIC_PREFIX) || name === ATTR_OTEL_METRIC_OVERFLOW) {
      return 'reserved_metadata_key';
    }
    // An assignment to __proto__ would set the prototype and lose the value.
    if (name === '' || name === '__proto__' || !name.isWellFormed()) return 'invalid_metadata';
    const copy = attributeValue(value);
    if (copy === null) return 'invalid_metadata';
    attributes[name] = copy;
  }
  return attributes;
}

/** One bad text would make the receiver refuse its whole request, so none may leave the process. */
function isIdentifier(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.isWellFormed();
}

/** A value of the metadata as it is sent; null if it is none. */
function attributeValue(value: unknown): string | number | boolean | null {
  // A text cut in the middle of an emoji is still worth its usage: the broken half becomes U+FFFD.
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'number' || !Number.isFinite(value)) return null;
  // Beyond 2^53 an integer has no exact form in OTLP's JSON; metadata is text in the end.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? String(value) : value;
}

function sortNames(names: string[]): void {
  // Metadata is nearly always written in the same few orders, often already sorted.
  for (let i = 1; i < names.length; i++) {
    if (names[i - 1] > names[i]) {
      names.sort();
      return;
    }
  }
}
