/**
 * The live series of this process, each with a small number (its slot), found by two integers or by identity.
 *
 * Everything is in typed arrays: a million series cost no JavaScript object. Entries are never removed one by one;
 * the table is cleared as a whole when it is full.
 */

/** Looked up and not yet known. */
export const SLOT_UNKNOWN = -1;
/** Known to be no business of any meter. */
export const SLOT_UNCLAIMED = -2;

/** Integers per entry of a {@link SlotIndex}: context, attribute block, slot, and one unused. */
const ENTRY = 4;

/** (context, attribute block) → slot. */
export class SlotIndex {
  #mask: number;
  /** Entries side by side, so that a look-up touches one cache line. A context of -1 is a free place. */
  #entries: Int32Array;
  #size = 0;

  constructor(capacity = 1 << 12) {
    this.#mask = capacity - 1;
    this.#entries = new Int32Array(capacity * ENTRY).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  get(context: number, attributes: number): number {
    const entries = this.#entries;
    const mask = this.#mask;
    for (let place = mix(context, attributes) & mask; ; place = (place + 1) & mask) {
      const at = place * ENTRY;
      const found = entries[at];
      if (found === -1) return SLOT_UNKNOWN;
      if (found === context && entries[at + 1] === attributes) return entries[at + 2];
    }
  }

  /** Adds a pair that {@link get} did not know. */
  add(context: number, attributes: number, slot: number): void {
    if (this.#size * 2 > this.#mask) this.#grow();
    this.#place(context, attributes, slot);
    this.#size += 1;
  }

  clear(): void {
    this.#entries.fill(-1);
    this.#size = 0;
  }

  #place(context: number, attributes: number, slot: number): void {
    let place = mix(context, attributes) & this.#mask;
    while (this.#entries[place * ENTRY] !== -1) place = (place + 1) & this.#mask;
    const at = place * ENTRY;
    this.#entries[at] = context;
    this.#entries[at + 1] = attributes;
    this.#entries[at + 2] = slot;
  }

  #grow(): void {
    const entries = this.#entries;
    const capacity = (this.#mask + 1) * 2;
    this.#mask = capacity - 1;
    this.#entries = new Int32Array(capacity * ENTRY).fill(-1);
    for (let at = 0; at < entries.length; at += ENTRY) {
      if (entries[at] !== -1) this.#place(entries[at], entries[at + 1], entries[at + 2]);
    }
  }
}

/** Series hash (32 hex digits) → slot, so that a series written with its attributes in another order has one slot. */
export class SeriesIndex {
  #mask: number;
  #words: Uint32Array;
  /** Slot + 1; 0 = free. */
  #slot: Int32Array;
  #size = 0;

  constructor(capacity = 1 << 12) {
    this.#mask = capacity - 1;
    this.#words = new Uint32Array(capacity * 4);
    this.#slot = new Int32Array(capacity);
  }

  get(hash: string): number {
    const slot =
      this.#slot[this.#find(hexWord(hash, 0), hexWord(hash, 1), hexWord(hash, 2), hexWord(hash, 3))];
    return slot === 0 ? SLOT_UNKNOWN : slot - 1;
  }

  add(hash: string, slot: number): void {
    if (this.#size * 2 > this.#mask) this.#grow();
    this.#place(hexWord(hash, 0), hexWord(hash, 1), hexWord(hash, 2), hexWord(hash, 3), slot + 1);
    this.#size += 1;
  }

  clear(): void {
    this.#slot.fill(0);
    this.#size = 0;
  }

  #find(a: number, b: number, c: number, d: number): number {
    for (let at = a & this.#mask; ; at = (at + 1) & this.#mask) {
      if (this.#slot[at] === 0) return at;
      const w = at * 4;
      const words = this.#words;
      if (words[w] === a && words[w + 1] === b && words[w + 2] === c && words[w + 3] === d) return at;
    }
  }

  #place(a: number, b: number, c: number, d: number, slotPlusOne: number): void {
    const at = this.#find(a, b, c, d);
    this.#words.set([a, b, c, d], at * 4);
    this.#slot[at] = slotPlusOne;
  }

  #grow(): void {
    const [words, slots] = [this.#words, this.#slot];
    const capacity = (this.#mask + 1) * 2;
    this.#mask = capacity - 1;
    this.#words = new Uint32Array(capacity * 4);
    this.#slot = new Int32Array(capacity);
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] !== 0)
        this.#place(words[i * 4], words[i * 4 + 1], words[i * 4 + 2], words[i * 4 + 3], slots[i]);
    }
  }
}

function hexWord(hash: string, index: number): number {
  return Number.parseInt(hash.slice(index * 8, index * 8 + 8), 16) >>> 0;
}

function mix(context: number, attributes: number): number {
  let h = Math.imul(context, 0x9e3779b1) ^ Math.imul(attributes, 0x85ebca6b);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}
