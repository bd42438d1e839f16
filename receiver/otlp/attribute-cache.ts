/** Attributes by their bytes: log records and spans repeat most of what they say. */
import type { Attribute } from './metric-columns.ts';
import type { WireReader } from './wire-reader.ts';

const SLOTS = 1 << 13;
/** Bytes kept per slot. A longer attribute is not remembered. */
const LONGEST = 64;

/**
 * A direct-mapped cache of at most 8,192 attributes of at most 64 bytes. What comes once, like an id, would only push
 * out what comes again: an attribute is taken in when its slot has seen no other since it last came.
 */
export class AttributeCache {
  readonly #bytes = new Uint8Array(SLOTS * LONGEST);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #attributes: (Attribute | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #lengths = new Uint8Array(SLOTS);
  /** Of the attributes that are held, and of those that came last and are not. */
  readonly #hashes = new Int32Array(SLOTS);
  readonly #candidates = new Int32Array(SLOTS);

  /** The attribute whose message has the bytes from `start` to `end`, if it is remembered. */
  get({ view, bytes }: WireReader, start: number, end: number): Attribute | undefined {
    const length = end - start;
    if (length > LONGEST) return undefined;
    const hash = hashOf(view, bytes, start, end);
    const slot = slotOf(hash);
    if (this.#hashes[slot] !== hash || this.#lengths[slot] !== length) return undefined;
    const own = this.#view;
    let mine = slot * LONGEST;
    let at = start;
    for (; at + 4 <= end; at += 4, mine += 4) {
      if (view.getInt32(at, true) !== own.getInt32(mine, true)) return undefined;
    }
    for (; at < end; at++, mine++) if (bytes[at] !== this.#bytes[mine]) return undefined;
    return this.#attributes[slot];
  }

  /** Remembers what {@link get} did not know, if it came before. */
  add({ view, bytes }: WireReader, start: number, end: number, attribute: Attribute): void {
    const length = end - start;
    if (length > LONGEST) return;
    const hash = hashOf(view, bytes, start, end);
    const slot = slotOf(hash);
    if (this.#candidates[slot] !== hash) {
      this.#candidates[slot] = hash;
      return;
    }
    this.#attributes[slot] = attribute;
    this.#hashes[slot] = hash;
    this.#lengths[slot] = length;
    this.#bytes.set(bytes.subarray(start, end), slot * LONGEST);
  }
}

function hashOf(view: DataView, bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  return hash | 0;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}
