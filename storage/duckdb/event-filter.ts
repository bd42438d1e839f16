/**
 * Which events are certainly new. An event may come again after any time, so what it is compared with is all events
 * ever; asking the database would mean a scan of all keys with every load. This answers from memory for all but a few
 * of a million new ones, and never says "new" of a known one.
 *
 * Blocked Bloom filters: a key sets nine bits within one block of 64 bytes, so that a look costs one line of the
 * processor's cache. Full at 4 bytes per key; then one more of the size of all before is added. Beyond the limit the
 * last one takes more than it should, and "maybe" is said more often.
 */

/** 32-bit words of a block. */
const BLOCK_WORDS = 16;
const KEYS_PER_BLOCK = 16;
const INITIAL_BLOCKS = 1 << 16;
/** 256 MiB: 64 M events before answers get worse. */
const LIMIT_BLOCKS = 1 << 22;

interface Generation {
  words: Uint32Array;
  /** Number of blocks − 1; a power of two − 1. */
  mask: number;
  keys: number;
}

export class EventFilter {
  readonly #generations: Generation[] = [];
  readonly #initialBlocks: number;
  readonly #limitBlocks: number;
  #blocks = 0;

  /** @param expectedKeys room for so many is made at once: one look is cheaper than one per filter */
  constructor(expectedKeys = 0, initialBlocks = INITIAL_BLOCKS, limitBlocks = LIMIT_BLOCKS) {
    this.#limitBlocks = limitBlocks;
    const blocks = 2 ** Math.ceil(Math.log2(Math.max(1, expectedKeys) / KEYS_PER_BLOCK));
    this.#initialBlocks = Math.min(limitBlocks, Math.max(initialBlocks, blocks));
  }

  /** Bytes that the filter takes. */
  get bytes(): number {
    return this.#blocks * BLOCK_WORDS * 4;
  }

  /**
   * Adds a key.
   * @param words the key as four words, which are evenly distributed, anywhere in `words`
   * @returns false if it is certain that it was never added before
   */
  add(words: Uint32Array, at: number): boolean {
    if (this.has(words, at)) return true;
    let last = this.#generations.at(-1);
    if (last === undefined || last.keys >= (last.mask + 1) * KEYS_PER_BLOCK) last = this.#grown(last);
    set(last, words, at);
    last.keys += 1;
    return false;
  }

  /** @returns false if it is certain that the key was never added */
  has(words: Uint32Array, at: number): boolean {
    for (const generation of this.#generations) if (has(generation, words, at)) return true;
    return false;
  }

  #grown(last: Generation | undefined): Generation {
    const blocks = Math.max(this.#initialBlocks, this.#blocks);
    if (last !== undefined && this.#blocks + blocks > this.#limitBlocks) return last;
    const generation = { words: new Uint32Array(blocks * BLOCK_WORDS), mask: blocks - 1, keys: 0 };
    this.#blocks += blocks;
    this.#generations.push(generation);
    return generation;
  }
}

// The first word chooses the block, the others three bits each.
function has({ words, mask }: Generation, key: Uint32Array, at: number): boolean {
  const block = (key[at] & mask) * BLOCK_WORDS;
  for (let word = 1; word < 4; word++) {
    const bits = key[at + word];
    if (((words[block + (bits & 15)] >>> ((bits >>> 4) & 31)) & 1) === 0) return false;
    if (((words[block + ((bits >>> 9) & 15)] >>> ((bits >>> 13) & 31)) & 1) === 0) return false;
    if (((words[block + ((bits >>> 18) & 15)] >>> ((bits >>> 22) & 31)) & 1) === 0) return false;
  }
  return true;
}

function set({ words, mask }: Generation, key: Uint32Array, at: number): void {
  const block = (key[at] & mask) * BLOCK_WORDS;
  for (let word = 1; word < 4; word++) {
    const bits = key[at + word];
    words[block + (bits & 15)] |= 1 << ((bits >>> 4) & 31);
    words[block + ((bits >>> 9) & 15)] |= 1 << ((bits >>> 13) & 31);
    words[block + ((bits >>> 18) & 15)] |= 1 << ((bits >>> 22) & 31);
  }
}
