/** Turns the bytes of strings that come again and again (names, units) into JavaScript strings, once. */
import { randomInt } from 'node:crypto';
import { DecodeError } from './metric-columns.ts';
import { isUtf8 } from './wire-reader.ts';

const SLOTS = 2048;
/** Longer strings are decoded each time, so that the cache stays below 2048 × (256 bytes + the string). */
const LONGEST = 256;

/** A direct-mapped cache: two strings that fall into the same slot displace each other, which costs only time. */
export class StringInterner {
  private readonly keys: (Uint8Array | undefined)[] = new Array(SLOTS).fill(undefined);
  private readonly strings: string[] = new Array(SLOTS).fill('');
  private readonly seed = randomInt(0x7fffffff);

  /** @throws DecodeError where the bytes are not UTF-8 */
  read(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > LONGEST) return decode(bytes, start, end);
    let hash = this.seed ^ length;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const key = this.keys[slot];
    if (key !== undefined && key.length === length) {
      let i = 0;
      while (i < length && key[i] === bytes[start + i]) i++;
      if (i === length) return this.strings[slot];
    }
    const text = decode(bytes, start, end);
    this.keys[slot] = bytes.slice(start, end);
    this.strings[slot] = text;
    return text;
  }
}

// U+FEFF at the start of a protobuf string is text, not a byte-order mark.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function decode(bytes: Uint8Array, start: number, end: number): string {
  if (!isUtf8(bytes, start, end))
    throw new DecodeError(`protobuf: a string that is not UTF-8 at byte ${start}`);
  return utf8.decode(bytes.subarray(start, end));
}
