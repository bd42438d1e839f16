/** Interned attribute blocks in a few large buffers: a million distinct ones cost no JavaScript object each. */
import { randomFillSync } from 'node:crypto';
import { checkBlock, decodeBlock } from './attribute-blocks.ts';
import { type Attribute, type AttributeInterner, DecodeError } from './metric-columns.ts';
import { NESTING_LIMIT, WireReader } from './wire-reader.ts';

/** When {@link ByteInterner.trim} forgets everything. */
export interface InternerLimits {
  /** Bytes of distinct blocks, rounded up to words. */
  bytes: number;
  /** Distinct blocks. */
  entries: number;
}

const DEFAULT_LIMITS: InternerLimits = { bytes: 256 * 1024 * 1024, entries: 2_000_000 };

/** The level of a data point's KeyValue: request, ResourceMetrics, ScopeMetrics, Metric, Sum, point, KeyValue. */
const POINT_ATTRIBUTE_DEPTH = 6;

const FIRST_ENTRIES = 1024;
const FIRST_BYTES = 64 * 1024;

// Four random keys per 32-bit word. A longer block is hashed in pieces of this many words.
const PIECE_WORDS = 256;
const KEYS_PER_WORD = 4;

export class ByteInterner implements AttributeInterner {
  epoch = 0;
  /** Distinct blocks, the empty one included. */
  size = 1;

  private readonly limits: InternerLimits;
  private readonly keys = randomFillSync(new Int32Array(PIECE_WORDS * KEYS_PER_WORD));
  private readonly lengthKey = this.keys[0] ^ this.keys[7];
  private readonly reader = new WireReader();
  private readonly arenaReader = new WireReader();

  /** Block after block, each from a word boundary on. */
  private arena = new Uint8Array(FIRST_BYTES);
  private arenaView = new DataView(this.arena.buffer);
  private arenaLength = 0;

  // By id. Places are in words, so that 32 bits are enough.
  private place = new Uint32Array(FIRST_ENTRIES);
  private bytes = new Uint32Array(FIRST_ENTRIES);
  private hashes = new Int32Array(FIRST_ENTRIES);
  private levels = new Uint8Array(FIRST_ENTRIES);

  /** Open addressing with linear probing, at most half full; 0 = free, else an id. */
  private table = new Int32Array(FIRST_ENTRIES * 2);

  private view = this.reader.view;
  private viewed = this.reader.bytes;

  constructor(limits: Partial<InternerLimits> = {}) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /**
   * The id of the block `bytes[start, end)`.
   * @param depth the level of the block's KeyValues in their request, which counts towards the nesting limit
   * @throws DecodeError if the block is new and malformed, or nests too deep at this level
   */
  intern(bytes: Uint8Array, start: number, end: number, depth: number = POINT_ATTRIBUTE_DEPTH): number {
    if (start === end) return 0;
    if (bytes !== this.viewed) this.look(bytes);
    const view = this.view;
    const length = end - start;
    const hash = length <= PIECE_WORDS * 4 ? this.hashPiece(start, end) : this.hashLong(start, end);

    const table = this.table;
    const mask = table.length - 1;
    let slot = hash & mask;
    for (let id = table[slot]; id !== 0; id = table[slot]) {
      if (this.hashes[id] === hash && this.bytes[id] === length) {
        const arenaView = this.arenaView;
        let kept = this.place[id] * 4;
        let at = start;
        const lastWord = end - 4;
        while (at <= lastWord && view.getInt32(at, true) === arenaView.getInt32(kept, true)) {
          at += 4;
          kept += 4;
        }
        if (at > lastWord) {
          while (at < end && bytes[at] === this.arena[kept]) {
            at++;
            kept++;
          }
          if (at === end) {
            if (depth + this.levels[id] > NESTING_LIMIT) tooDeep();
            return id;
          }
        }
      }
      slot = (slot + 1) & mask;
    }
    return this.add(bytes, start, end, depth, hash, slot);
  }

  /** Bytes of memory that the buffers take, used or not. */
  get allocated(): number {
    const { arena, place, bytes, hashes, levels, table } = this;
    return [arena, place, bytes, hashes, levels, table].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  attributes(id: number): Attribute[] {
    if (id === 0) return [];
    this.arenaReader.open(this.arena);
    const start = this.place[id] * 4;
    return decodeBlock(this.arenaReader, start, start + this.bytes[id]);
  }

  /** The bytes of a block; a view that the next {@link trim} invalidates. */
  block(id: number): Uint8Array {
    const start = this.place[id] * 4;
    return this.arena.subarray(start, start + this.bytes[id]);
  }

  /** Forgets all blocks when there are more than the limits allow, and lets go of the last request's body. */
  trim(): void {
    this.look(NOTHING);
    if (this.arenaLength <= this.limits.bytes && this.size <= this.limits.entries) return;
    // Buffers stay, as what was needed once will be needed again; one huge request must not hold memory forever.
    if (this.arena.length > 2 * this.limits.bytes) this.arena = new Uint8Array(FIRST_BYTES);
    this.arenaView = new DataView(this.arena.buffer);
    this.arenaLength = 0;
    this.table.fill(0);
    this.size = 1;
    this.epoch++;
  }

  private look(bytes: Uint8Array): void {
    this.reader.open(bytes);
    this.viewed = bytes;
    this.view = this.reader.view;
  }

  /**
   * Multilinear hashing with secret random keys: whoever does not know them cannot make two blocks collide more
   * often than chance (Lemire and Kaser, "Strongly universal string hashing is fast", 2014: the upper 17 bits of a
   * 32-bit sum over 16-bit words are strongly universal; two such sums make the hash).
   */
  private hashPiece(start: number, end: number): number {
    const view = this.view;
    const keys = this.keys;
    let first = Math.imul(this.lengthKey, end - start);
    let second = first ^ keys[3];
    let key = 0;
    let at = start;
    for (const lastWord = end - 4; at <= lastWord; at += 4) {
      const word = view.getInt32(at, true);
      const lower = word & 0xffff;
      const upper = word >>> 16;
      first = (first + Math.imul(keys[key] + lower, keys[key + 1] + upper)) | 0;
      second = (second + Math.imul(keys[key + 2] + lower, keys[key + 3] + upper)) | 0;
      key += 4;
    }
    if (at < end) {
      const bytes = this.viewed;
      let word = bytes[at];
      if (at + 1 < end) word |= bytes[at + 1] << 8;
      if (at + 2 < end) word |= bytes[at + 2] << 16;
      const lower = word & 0xffff;
      const upper = word >>> 16;
      first = (first + Math.imul(keys[key] + lower, keys[key + 1] + upper)) | 0;
      second = (second + Math.imul(keys[key + 2] + lower, keys[key + 3] + upper)) | 0;
    }
    return (first >>> 16) | (second & 0xffff0000);
  }

  private hashLong(start: number, end: number): number {
    let hash = 0;
    for (let at = start; at < end; at += PIECE_WORDS * 4) {
      const piece = this.hashPiece(at, Math.min(end, at + PIECE_WORDS * 4));
      hash = Math.imul(hash ^ (hash >>> 15), this.keys[1] | 1) ^ piece;
    }
    return hash;
  }

  private add(
    bytes: Uint8Array,
    start: number,
    end: number,
    depth: number,
    hash: number,
    slot: number,
  ): number {
    const levels = checkBlock(this.reader, start, end, depth);
    const length = end - start;
    const id = this.size;
    if (id === this.place.length) this.growEntries();
    const kept = this.arenaLength;
    const keptEnd = kept + ((length + 3) & ~3);
    if (keptEnd > this.arena.length) this.growArena(keptEnd);
    this.arena.set(bytes.subarray(start, end), kept);
    this.arenaLength = keptEnd;
    this.place[id] = kept / 4;
    this.bytes[id] = length;
    this.hashes[id] = hash;
    this.levels[id] = levels;
    this.size = id + 1;
    this.table[slot] = id;
    if (this.size * 2 > this.table.length) this.growTable();
    return id;
  }

  private growArena(needed: number): void {
    const larger = new Uint8Array(Math.max(this.arena.length * 2, needed));
    larger.set(this.arena.subarray(0, this.arenaLength));
    this.arena = larger;
    this.arenaView = new DataView(larger.buffer);
  }

  private growEntries(): void {
    const capacity = this.place.length * 2;
    const grown = <T extends Int32Array | Uint32Array | Uint8Array>(column: T, larger: T): T => {
      larger.set(column);
      return larger;
    };
    this.place = grown(this.place, new Uint32Array(capacity));
    this.bytes = grown(this.bytes, new Uint32Array(capacity));
    this.hashes = grown(this.hashes, new Int32Array(capacity));
    this.levels = grown(this.levels, new Uint8Array(capacity));
  }

  private growTable(): void {
    const table = new Int32Array(this.table.length * 2);
    const mask = table.length - 1;
    for (let id = 1; id < this.size; id++) {
      let slot = this.hashes[id] & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = id;
    }
    this.table = table;
  }
}

const NOTHING = new Uint8Array(0);

function tooDeep(): never {
  throw new DecodeError(`protobuf: more than ${NESTING_LIMIT} levels of nesting in attributes`);
}
