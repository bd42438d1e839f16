/**
 * Which series are certainly not in the dictionary. New series come all the time, and asking the database about each
 * would mean a scan of the whole dictionary with every load; this answers for nearly all of them from memory.
 *
 * A table of 32-bit fingerprints of the 128-bit series hashes, 8 to 16 bytes per series. It never says "new" of a
 * known series. Beyond its limit it says "maybe known" of everything, and the database is asked.
 */
const INITIAL_CAPACITY = 1 << 14;
/** Series beyond which the filter gives up: 32 M of them take 256 MiB. */
const LIMIT = 1 << 25;

export class SeriesFilter {
  #mask = INITIAL_CAPACITY - 1;
  /** Per place: a fingerprint, 0 = free, and the word that its place comes from, to grow by. */
  #fingerprints = new Uint32Array(INITIAL_CAPACITY);
  #places = new Uint32Array(INITIAL_CAPACITY);
  #size = 0;
  readonly #limit: number;

  constructor(limit = LIMIT) {
    this.#limit = limit;
  }

  /** @param words the hash as four words, anywhere in `words` */
  maybeKnown(words: Uint32Array, at: number): boolean {
    if (this.#size > this.#limit) return true;
    const fingerprint = fingerprintOf(words[at + 1]);
    for (let place = words[at] & this.#mask; ; place = (place + 1) & this.#mask) {
      const found = this.#fingerprints[place];
      if (found === 0) return false;
      if (found === fingerprint && this.#places[place] === words[at]) return true;
    }
  }

  add(words: Uint32Array, at: number): void {
    if (this.#size > this.#limit) return;
    if (this.#size * 2 > this.#mask) this.#grow();
    this.#put(words[at], fingerprintOf(words[at + 1]));
    this.#size += 1;
    if (this.#size > this.#limit) {
      this.#fingerprints = new Uint32Array(0);
      this.#places = new Uint32Array(0);
    }
  }

  #put(word: number, fingerprint: number): void {
    let place = word & this.#mask;
    while (this.#fingerprints[place] !== 0) place = (place + 1) & this.#mask;
    this.#fingerprints[place] = fingerprint;
    this.#places[place] = word;
  }

  #grow(): void {
    const [fingerprints, places] = [this.#fingerprints, this.#places];
    const capacity = (this.#mask + 1) * 2;
    this.#mask = capacity - 1;
    this.#fingerprints = new Uint32Array(capacity);
    this.#places = new Uint32Array(capacity);
    for (let i = 0; i < fingerprints.length; i++) {
      if (fingerprints[i] !== 0) this.#put(places[i], fingerprints[i]);
    }
  }
}

function fingerprintOf(word: number): number {
  return word === 0 ? 1 : word;
}
