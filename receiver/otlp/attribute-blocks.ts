/** Attribute blocks: runs of protobuf KeyValue fields, as {@link AttributeInterner} describes them. */
import { readKeyValue } from './key-values.ts';
import type { AnyValue, Attribute } from './metric-columns.ts';
import { KEY_VALUE, WIRE_BYTES, type WireReader } from './wire-reader.ts';
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
  writeAttributes(writer, attributes);
  return writer.bytes();
}

/** Writes the block that {@link encodeAttributes} gives. */
export function writeAttributes(writer: WireWriter, attributes: readonly Attribute[]): void {
  for (const attribute of attributes) writeKeyValue(writer, BLOCK_FIELD, attribute);
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
  // How deep the block stands in its request was checked for each place where it does.
  const depth = 0;
  reader.at = start;
  while (reader.at < end) {
    reader.tag(end);
    attributes.push(readKeyValue(reader, reader.size(end) + reader.at, depth));
  }
  return attributes;
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
