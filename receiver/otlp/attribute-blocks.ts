/** Attribute blocks: runs of protobuf KeyValue fields, as {@link AttributeInterner} describes them. */
import type { AnyValue, Attribute } from './metric-columns.ts';
import { KEY_VALUE, NO_CONTENT, WIRE_BYTES, type WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

// Any field number would do: ids of blocks are a cache, and the tag means nothing in a block.
const BLOCK_FIELD = 1;

/**
 * The block of these attributes.
 *
 * Strings must be well-formed (no lone surrogates): what is not becomes U+FFFD.
 */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const writer = new WireWriter();
  for (const attribute of attributes) writeKeyValue(writer, BLOCK_FIELD, attribute);
  return writer.bytes();
}

/**
 * Checks every byte of a block that stands at level `depth - 1` of its request.
 * @returns how many levels the block's messages go beyond that of its KeyValues
 * @throws DecodeError
 */
export function checkBlock(reader: WireReader, start: number, end: number, depth: number): number {
  reader.at = start;
  reader.deepest = depth;
  while (reader.at < end) {
    const tag = reader.bytes[reader.at++];
    if ((tag & 7) !== WIRE_BYTES || tag >= 0x80) reader.fail('an attribute block with another field in it');
    const messageEnd = reader.size(end) + reader.at;
    reader.message(KEY_VALUE, messageEnd, depth);
  }
  return reader.deepest - depth;
}

/** Decodes a block that {@link checkBlock} found good. */
export function decodeBlock(reader: WireReader, start: number, end: number): Attribute[] {
  const attributes: Attribute[] = [];
  reader.at = start;
  while (reader.at < end) {
    reader.tag(end);
    attributes.push(readKeyValue(reader, reader.size(end) + reader.at));
  }
  return attributes;
}

function readKeyValue(reader: WireReader, end: number): Attribute {
  const attribute: Attribute = { key: '', value: { type: 'empty' } };
  while (reader.at < end) {
    const tag = reader.tag(end);
    if (tag === 0x0a) attribute.key = readText(reader, end);
    // A value that comes twice is one message in two parts.
    else if (tag === 0x12)
      attribute.value = readAnyValue(reader, reader.size(end) + reader.at, attribute.value);
    else reader.skipField(NO_CONTENT, tag, end, 0);
  }
  return attribute;
}

/** Of several members of the oneof, the last holds; arrays and maps that follow their like are continued. */
function readAnyValue(reader: WireReader, end: number, earlier: AnyValue): AnyValue {
  let value = earlier;
  while (reader.at < end) {
    const tag = reader.tag(end);
    switch (tag) {
      case 0x0a:
        value = { type: 'string', value: readText(reader, end) };
        break;
      case 0x10:
        reader.varint(end);
        value = { type: 'bool', value: (reader.low | reader.high) !== 0 };
        break;
      case 0x18:
        reader.varint(end);
        value = { type: 'int', value: (BigInt(reader.high) << 32n) | BigInt(reader.low >>> 0) };
        break;
      case 0x21:
        value = { type: 'double', value: reader.view.getFloat64(reader.at, true) };
        reader.at += 8;
        break;
      case 0x2a: {
        const items: AnyValue[] = value.type === 'array' ? value.value : [];
        const listEnd = reader.size(end) + reader.at;
        while (reader.at < listEnd) {
          const itemTag = reader.tag(listEnd);
          if (itemTag === 0x0a)
            items.push(readAnyValue(reader, reader.size(listEnd) + reader.at, { type: 'empty' }));
          else reader.skipField(NO_CONTENT, itemTag, listEnd, 0);
        }
        value = { type: 'array', value: items };
        break;
      }
      case 0x32: {
        const entries: Attribute[] = value.type === 'map' ? value.value : [];
        const listEnd = reader.size(end) + reader.at;
        while (reader.at < listEnd) {
          const entryTag = reader.tag(listEnd);
          if (entryTag === 0x0a) entries.push(readKeyValue(reader, reader.size(listEnd) + reader.at));
          else reader.skipField(NO_CONTENT, entryTag, listEnd, 0);
        }
        value = { type: 'map', value: entries };
        break;
      }
      case 0x3a: {
        const bytesEnd = reader.size(end) + reader.at;
        value = { type: 'bytes', value: reader.bytes.slice(reader.at, bytesEnd) };
        reader.at = bytesEnd;
        break;
      }
      case 0x40:
        // string_value_strindex points into a table that only profiles have: it is a member of the oneof,
        // but means nothing here.
        reader.varint(end);
        value = { type: 'empty' };
        break;
      default:
        reader.skipField(NO_CONTENT, tag, end, 0);
    }
  }
  return value;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function readText(reader: WireReader, end: number): string {
  const textEnd = reader.size(end) + reader.at;
  const text = utf8.decode(reader.bytes.subarray(reader.at, textEnd));
  reader.at = textEnd;
  return text;
}

function writeKeyValue(writer: WireWriter, field: number, attribute: Attribute): void {
  writer.begin(field);
  if (attribute.key !== '') writer.text(1, attribute.key);
  writeAnyValue(writer, 2, attribute.value);
  writer.end();
}

function writeAnyValue(writer: WireWriter, field: number, any: AnyValue): void {
  writer.begin(field);
  switch (any.type) {
    case 'empty':
      break;
    case 'string':
      writer.text(1, any.value);
      break;
    case 'bool':
      writer.varint(2, any.value ? 1n : 0n);
      break;
    case 'int':
      writer.varint(3, any.value);
      break;
    case 'double':
      writer.double(4, any.value);
      break;
    case 'array':
      writer.begin(5);
      for (const item of any.value) writeAnyValue(writer, 1, item);
      writer.end();
      break;
    case 'map':
      writer.begin(6);
      for (const entry of any.value) writeKeyValue(writer, 1, entry);
      writer.end();
      break;
    case 'bytes':
      writer.raw(7, any.value);
      break;
  }
  writer.end();
}
