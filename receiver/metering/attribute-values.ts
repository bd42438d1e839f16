/** What all meters make of attributes: ids, metadata, text for people. (Pure.) */
import type { AnyValue, Attribute } from '../otlp/metric-columns.ts';

/** A value as it came, or a JSON number that no double keeps, as its own text. */
export type Found = AnyValue | { type: 'decimal'; value: string };

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

/** The text of an id: strings that are not empty, integers and booleans; null for everything else. */
export function idTextOf(value: Found | undefined): string | null {
  switch (value?.type) {
    case 'string':
      return value.value || null;
    case 'int':
    case 'bool':
      return String(value.value);
    case 'decimal':
      // A whole JSON number beyond a double, such as a snowflake id.
      return /^-?\d+$/.test(value.value) ? value.value : null;
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
