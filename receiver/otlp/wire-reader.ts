/**
 * Reads the protobuf wire format: checks every byte, also those of fields that nobody wants.
 *
 * Strictness is that of the C++ and upb runtimes: tags are at most five bytes long and fit in 32 bits, lengths are
 * below 2^31, varints at most ten bytes long, a message ends exactly where its length says, strings are UTF-8. A
 * known field with another wire type than its own is an unknown field.
 * https://protobuf.dev/programming-guides/encoding/
 */
import { DecodeError } from './metric-columns.ts';

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_GROUP = 3;
export const WIRE_END_GROUP = 4;
export const WIRE_FIXED32 = 5;

/** Messages within messages, the request itself being level 0. What protobuf's C++ and Java runtimes allow. */
export const NESTING_LIMIT = 100;

// What a field's length-delimited content must be; other wire types carry nothing to look into.
const OPAQUE = 0;
const STRING = 1;
const PACKED_VARINT = 2;
const PACKED_FIXED64 = 3;
/** From here on: a message of the type `code - MESSAGE`. */
const MESSAGE = 4;

/** The number of a message type, for {@link WireReader.skipField}. */
export type MessageType = number;

export const KEY_VALUE = 0;
export const ANY_VALUE = 1;
const ARRAY_VALUE = 2;
const KEY_VALUE_LIST = 3;
const EXEMPLAR = 4;
const BUCKETS = 5;
const QUANTILE = 6;
const ENTITY_REF = 7;
export const RESOURCE = 8;
export const SCOPE = 9;
export const NUMBER_POINT = 10;
export const HISTOGRAM_POINT = 11;
export const EXPONENTIAL_HISTOGRAM_POINT = 12;
export const SUMMARY_POINT = 13;
export const METRIC = 14;
/** ScopeMetrics, ScopeLogs, ScopeSpans: their fields have the same numbers. */
export const SCOPE_GROUP = 15;
/** ResourceMetrics, ResourceLogs, ResourceSpans. */
export const RESOURCE_GROUP = 16;
/** A message whose fields hold nothing that needs a look: what a group holds, and what is read elsewhere. */
export const NO_CONTENT = 17;

const FIELDS_PER_TYPE = 16;
/** By message type and field number (all OTLP fields that matter are below 16): what the field holds. */
const CONTENT = contentTable({
  [KEY_VALUE]: { 1: STRING, 2: MESSAGE + ANY_VALUE },
  [ANY_VALUE]: { 1: STRING, 5: MESSAGE + ARRAY_VALUE, 6: MESSAGE + KEY_VALUE_LIST },
  [ARRAY_VALUE]: { 1: MESSAGE + ANY_VALUE },
  [KEY_VALUE_LIST]: { 1: MESSAGE + KEY_VALUE },
  [EXEMPLAR]: { 7: MESSAGE + KEY_VALUE },
  [BUCKETS]: { 2: PACKED_VARINT },
  [QUANTILE]: {},
  [ENTITY_REF]: { 1: STRING, 2: STRING, 3: STRING, 4: STRING },
  [RESOURCE]: { 1: MESSAGE + KEY_VALUE, 3: MESSAGE + ENTITY_REF },
  [SCOPE]: { 1: STRING, 2: STRING, 3: MESSAGE + KEY_VALUE },
  [NUMBER_POINT]: { 5: MESSAGE + EXEMPLAR, 7: MESSAGE + KEY_VALUE },
  [HISTOGRAM_POINT]: {
    6: PACKED_FIXED64,
    7: PACKED_FIXED64,
    8: MESSAGE + EXEMPLAR,
    9: MESSAGE + KEY_VALUE,
  },
  [EXPONENTIAL_HISTOGRAM_POINT]: {
    1: MESSAGE + KEY_VALUE,
    8: MESSAGE + BUCKETS,
    9: MESSAGE + BUCKETS,
    11: MESSAGE + EXEMPLAR,
  },
  [SUMMARY_POINT]: { 6: MESSAGE + QUANTILE, 7: MESSAGE + KEY_VALUE },
  [METRIC]: { 1: STRING, 2: STRING, 3: STRING, 12: MESSAGE + KEY_VALUE },
  [SCOPE_GROUP]: { 3: STRING },
  [RESOURCE_GROUP]: { 3: STRING },
  [NO_CONTENT]: {},
});

/** A position in some bytes. All reads take the end of the message that they stand in, and never pass it. */
export class WireReader {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  /** The last {@link varint} as two int32 words. */
  low = 0;
  high = 0;
  /** The deepest level that {@link skipField} and {@link message} have entered since this was last set. */
  deepest = 0;
  /** How many more objects may be made of these bytes; at first more than any body within the limits can hold. */
  objectsLeft = 2 ** 30 - 1;
  /** The same bytes, for their way of making short strings: four times as fast as a TextDecoder. */
  private buffer: Buffer = Buffer.alloc(0);

  open(bytes: Uint8Array): void {
    if (bytes === this.bytes) return;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(what: string): never {
    throw new DecodeError(`protobuf: ${what} at byte ${this.at}`);
  }

  /** A field's tag: number × 8 + wire type. */
  tag(end: number): number {
    let value = this.at < end ? this.bytes[this.at] : this.fail('a tag is cut off');
    if (value < 0x80) {
      this.at++;
    } else {
      value = this.varint32(end, 0x0f, 'a tag of more than 32 bits');
    }
    if (value < 8) this.fail('field number 0');
    return value;
  }

  /** The length of a length-delimited field, which fits into what is left. */
  size(end: number): number {
    let value = this.at < end ? this.bytes[this.at] : this.fail('a length is cut off');
    if (value < 0x80) {
      this.at++;
    } else {
      value = this.varint32(end, 0x07, 'a length of more than 31 bits');
    }
    if (value > end - this.at) this.fail(`a length of ${value} runs past the end of its message`);
    return value;
  }

  /** Up to ten bytes of varint into {@link low} and {@link high}; bits beyond the 64th are dropped. */
  varint(end: number): void {
    const bytes = this.bytes;
    let at = this.at;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) this.fail('a varint is cut off');
      const byte = bytes[at++];
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.at = at;
        this.low = low;
        this.high = high;
        return;
      }
    }
    this.fail('a varint of more than ten bytes');
  }

  /** Moves over `length` bytes of a fixed-size field. */
  skip(length: number, end: number): void {
    if (length > end - this.at) this.fail('a fixed-size field is cut off');
    this.at += length;
  }

  /**
   * Checks the field whose tag was just read, and moves behind it.
   * @param depth the level of the message `type` that it stands in
   */
  skipField(type: MessageType, tag: number, end: number, depth: number): void {
    switch (tag & 7) {
      case WIRE_VARINT:
        this.varint(end);
        return;
      case WIRE_FIXED64:
        this.skip(8, end);
        return;
      case WIRE_FIXED32:
        this.skip(4, end);
        return;
      case WIRE_BYTES: {
        const contentEnd = this.size(end) + this.at;
        const field = tag >>> 3;
        this.content(
          field < FIELDS_PER_TYPE ? CONTENT[type * FIELDS_PER_TYPE + field] : OPAQUE,
          contentEnd,
          depth,
        );
        this.at = contentEnd;
        return;
      }
      case WIRE_GROUP:
        this.group(tag >>> 3, end, depth + 1);
        return;
      case WIRE_END_GROUP:
        this.fail('the end of a group that did not begin');
        break;
      default:
        this.fail(`wire type ${tag & 7}`);
    }
  }

  /** Checks a whole message, from here to `end`. */
  message(type: MessageType, end: number, depth: number): void {
    if (depth > NESTING_LIMIT) this.fail(`more than ${NESTING_LIMIT} levels of nesting`);
    if (depth > this.deepest) this.deepest = depth;
    while (this.at < end) this.skipField(type, this.tag(end), end, depth);
  }

  /** Checks a string, from here to `end`. */
  text(end: number): void {
    if (!isUtf8(this.bytes, this.at, end)) this.fail('a string that is not UTF-8');
    this.at = end;
  }

  /** Reads a string field whose tag was just read. U+FEFF at its start is text, not a byte-order mark. */
  string(end: number): string {
    const textEnd = this.size(end) + this.at;
    const start = this.at;
    if (this.isAscii(start, textEnd)) {
      this.at = textEnd;
      // The same text as in UTF-8, in half the time.
      return this.buffer.toString('latin1', start, textEnd);
    }
    this.text(textEnd);
    return this.buffer.toString('utf8', start, textEnd);
  }

  /** The bytes from `start` to `end` as hex digits. */
  hex(start: number, end: number): string {
    return this.buffer.toString('hex', start, end);
  }

  private isAscii(start: number, end: number): boolean {
    const { bytes, view } = this;
    let at = start;
    for (; at + 4 <= end; at += 4) if ((view.getInt32(at, true) & 0x80808080) !== 0) return false;
    for (; at < end; at++) if (bytes[at] >= 0x80) return false;
    return true;
  }

  private content(content: number, end: number, depth: number): void {
    switch (content) {
      case OPAQUE:
        return;
      case STRING:
        this.text(end);
        return;
      case PACKED_VARINT:
        while (this.at < end) this.varint(end);
        return;
      case PACKED_FIXED64:
        if ((end - this.at) % 8 !== 0) this.fail('packed 8-byte values of a length that 8 does not divide');
        return;
      default:
        this.message(content - MESSAGE, end, depth + 1);
    }
  }

  private group(field: number, end: number, depth: number): void {
    for (;;) {
      const tag = this.tag(end);
      if ((tag & 7) === WIRE_END_GROUP) {
        if (tag >>> 3 !== field) this.fail(`the end of group ${tag >>> 3} within group ${field}`);
        return;
      }
      if (depth > NESTING_LIMIT) this.fail(`more than ${NESTING_LIMIT} levels of nesting`);
      if (depth > this.deepest) this.deepest = depth;
      // Groups are unknown fields, and so is all that they hold.
      this.skipField(NO_CONTENT, tag, end, depth);
    }
  }

  /** A varint of two to five bytes whose fifth is at most `lastByte`. */
  private varint32(end: number, lastByte: number, tooLong: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at >= end) this.fail('a varint is cut off');
      const byte = this.bytes[this.at++];
      if (shift === 28 && byte > lastByte) this.fail(tooLong);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value >>> 0;
  }
}

/** Well-formed UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF (Unicode 15, table 3-7). */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const lead = bytes[at++];
    if (lead < 0x80) continue;
    let more: number;
    let lowest = 0x80;
    let highest = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) more = 1;
    else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead === 0xe0) lowest = 0xa0;
      else if (lead === 0xed) highest = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead === 0xf0) lowest = 0x90;
      else if (lead === 0xf4) highest = 0x8f;
    } else return false;
    if (more > end - at) return false;
    if (bytes[at] < lowest || bytes[at] > highest) return false;
    for (let i = 1; i < more; i++) if ((bytes[at + i] & 0xc0) !== 0x80) return false;
    at += more;
  }
  return true;
}

function contentTable(types: Record<MessageType, Record<number, number>>): Uint8Array {
  const table = new Uint8Array(Object.keys(types).length * FIELDS_PER_TYPE);
  for (const [type, fields] of Object.entries(types))
    for (const [field, content] of Object.entries(fields))
      table[Number(type) * FIELDS_PER_TYPE + Number(field)] = content;
  return table;
}
