/** Bytes of an answer on their way out, gathered to pieces worth a write, no faster than somebody reads them. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

const PIECE_BYTES = 64 * 1024;

export class OutputStream {
  readonly #target: Writable;
  readonly #onFirst: () => void;
  #pieces: Uint8Array[] = [];
  #waiting = 0;
  #bytes = 0;
  #isBegun = false;

  /** @param onFirst is told before the first byte goes out: until then the answer can still be an error */
  constructor(target: Writable, onFirst: () => void) {
    this.#target = target;
    this.#onFirst = onFirst;
  }

  /** Of everything that was written. */
  get bytes(): number {
    return this.#bytes;
  }

  async write(piece: Uint8Array | string): Promise<void> {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
    this.#pieces.push(bytes);
    this.#waiting += bytes.length;
    if (this.#waiting >= PIECE_BYTES) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (!this.#isBegun) this.#onFirst();
    this.#isBegun = true;
    const piece = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#waiting = 0;
    this.#bytes += piece.length;
    if (!this.#target.write(piece)) await once(this.#target, 'drain');
  }
}
