/** Reads attributes and their values from protobuf, and checks every byte on the way. */

import { AttributeCache } from './attribute-cache.ts';
import { MAX_EVENT_PARTS } from './event-signals.ts';
import { type AnyValue, type Attribute, TooManySignalsError } from './metric-columns.ts';
import { StringInterner } from './string-interner.ts';
import { ANY_VALUE, KEY_VALUE, NESTING_LIMIT, NO_CONTENT, type WireReader } from './wire-reader.ts';

/** No value was set. One object for all of them, which nobody may change. */
export const EMPTY: AnyValue = Object.freeze({ type: 'empty' });

const keys = new StringInterner();
const attributes = new AttributeCache();

/**
 * As {@link readKeyValue}, for attributes that come with record after record: one with the bytes of an earlier one may
 * be the same object, which nobody may change.
 * @param depth far from the limit of nesting, so that what was once read at one level may stand at another
 * @throws DecodeError, TooManySignalsError
 */
export function readAttribute(reader: WireReader, end: number, depth: number): Attribute {
  const start = reader.at;
  const known = attributes.get(reader, start, end);
  if (known !== undefined) {
    countObjects(reader, 1);
    reader.at = end;
    return known;
  }
  const left = reader.objectsLeft;
  const attribute = readKeyValue(reader, end, depth);
  // Lists and maps are objects of many, and some may be changed.
  if (left - reader.objectsLeft === 1 && isScalar(attribute.value))
    attributes.add(reader, start, end, attribute);
  return attribute;
}

function isScalar({ type }: AnyValue): boolean {
  return type === 'string' || type === 'int' || type === 'double' || type === 'bool' || type === 'empty';
}

/**
 * Reads a KeyValue, from here to `end`.
 * @param depth its level in the request
 * @throws DecodeError, TooManySignalsError
 */
export function readKeyValue(reader: WireReader, end: number, depth: number): Attribute {
  if (depth > NESTING_LIMIT) tooDeep(reader);
  countObjects(reader, 1);
  let key = '';
  let value = EMPTY;
  while (reader.at < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) {
      const keyEnd = reader.size(end) + reader.at;
      key = keys.read(reader.bytes, reader.at, keyEnd);
      reader.at = keyEnd;
    } else if (tag === 0x12) {
      // A value that comes twice is one message in two parts.
      value = readAnyValue(reader, reader.size(end) + reader.at, depth + 1, value);
    } else reader.skipField(KEY_VALUE, tag, end, depth);
  }
  return { key, value };
}

/**
 * Reads an AnyValue, from here to `end`. Of several members of the oneof, the last holds; arrays and maps that follow
 * their like are continued.
 * @param depth its level in the request
 * @param earlier the message's earlier part, else {@link EMPTY}; it must not be used any more
 * @throws DecodeError, TooManySignalsError
 */
export function readAnyValue(reader: WireReader, end: number, depth: number, earlier: AnyValue): AnyValue {
  if (depth > NESTING_LIMIT) tooDeep(reader);
  let value = earlier;
  while (reader.at < end) {
    const tag = reader.tag(end);
    switch (tag) {
      case 0x0a:
        value = { type: 'string', value: reader.string(end) };
        break;
      case 0x10:
        reader.varint(end);
        value = { type: 'bool', value: (reader.low | reader.high) !== 0 };
        break;
      case 0x18:
        reader.varint(end);
        value = { type: 'int', value: int64(reader.low, reader.high) };
        break;
      case 0x21: {
        const at = reader.at;
        reader.skip(8, end);
        value = { type: 'double', value: reader.view.getFloat64(at, true) };
        break;
      }
      case 0x2a: {
        const items: AnyValue[] = value.type === 'array' ? value.value : [];
        const listEnd = reader.size(end) + reader.at;
        if (depth + 1 > NESTING_LIMIT) tooDeep(reader);
        while (reader.at < listEnd) {
          const itemTag = reader.tag(listEnd);
          if (itemTag === 0x0a) {
            countObjects(reader, 1);
            items.push(readAnyValue(reader, reader.size(listEnd) + reader.at, depth + 2, EMPTY));
          } else reader.skipField(NO_CONTENT, itemTag, listEnd, depth + 1);
        }
        value = { type: 'array', value: items };
        break;
      }
      case 0x32: {
        const entries: Attribute[] = value.type === 'map' ? value.value : [];
        const listEnd = reader.size(end) + reader.at;
        if (depth + 1 > NESTING_LIMIT) tooDeep(reader);
        while (reader.at < listEnd) {
          const entryTag = reader.tag(listEnd);
          if (entryTag === 0x0a)
            entries.push(readKeyValue(reader, reader.size(listEnd) + reader.at, depth + 2));
          else reader.skipField(NO_CONTENT, entryTag, listEnd, depth + 1);
        }
        value = { type: 'map', value: entries };
        break;
      }
      case 0x3a: {
        const bytesEnd = reader.size(end) + reader.at;
        value = { type: 'bytes', value: new Uint8Array(reader.bytes.subarray(reader.at, bytesEnd)) };
        reader.at = bytesEnd;
        break;
      }
      case 0x40:
        // string_value_strindex points into a table that only profiles have: it is a member of the oneof,
        // but means nothing here.
        reader.varint(end);
        value = EMPTY;
        break;
      default:
        reader.skipField(ANY_VALUE, tag, end, depth);
    }
  }
  return value;
}

/** Takes objects from what the request may still make. @throws TooManySignalsError */
export function countObjects(reader: WireReader, count: number): void {
  reader.objectsLeft -= count;
  if (reader.objectsLeft < 0) {
    throw new TooManySignalsError(MAX_EVENT_PARTS, 'attributes, values, span events and links');
  }
}

export function tooDeep(reader: WireReader): never {
  return reader.fail(`more than ${NESTING_LIMIT} levels of nesting`);
}

function int64(low: number, high: number): bigint {
  // Most are small: one bigint instead of three.
  return high === 0 ? BigInt(low >>> 0) : (BigInt(high) << 32n) | BigInt(low >>> 0);
}
