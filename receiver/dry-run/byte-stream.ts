/** Bytes that come in pieces, read as lines or by length, in memory bounded by the longest of them. */

export class ByteStream {
  readonly #pieces: AsyncIterator<Buffer>;
  /** What came and was not read. */
  #waiting: Buffer[] = [];
  #length = 0;
  #ended = false;

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next bytes, fewer where there are fewer, without reading them. */
  async peek(length: number): Promise<Buffer> {
    while (this.#length < length && (await this.#fill())) {}
    return this.#joined().subarray(0, length);
  }

  /** The next bytes; null where there are not so many. */
  async take(length: number): Promise<Buffer | null> {
    const bytes = await this.peek(length);
    if (bytes.length < length) return null;
    this.#drop(length);
    return bytes;
  }

  /** Passes over bytes. @returns false where there are fewer */
  async skip(length: number): Promise<boolean> {
    for (let left = length; left > 0; ) {
      if (this.#length === 0 && !(await this.#fill())) return false;
      const step = Math.min(left, this.#length);
      this.#drop(step);
      left -= step;
    }
    return true;
  }

  /**
   * The next line without its end; null behind the last.
   * @returns 'too long' for one of more bytes than the limit, which is passed over
   */
  async line(limit: number): Promise<Buffer | 'too long' | null> {
    if (this.#length === 0 && !(await this.#fill())) return null;
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const piece = this.#joined();
      const end = piece.indexOf(LINE_FEED);
      const part = end === -1 ? piece : piece.subarray(0, end);
      this.#drop(end === -1 ? piece.length : end + 1);
      length += part.length;
      if (length <= limit) parts.push(part);
      else parts.length = 0;
      if (end !== -1 || !(await this.#fill())) break;
    }
    if (length > limit) return 'too long';
    return parts.length === 1 ? parts[0] : Buffer.concat(parts, length);
  }

  async #fill(): Promise<boolean> {
    while (!this.#ended) {
      const { value, done } = await this.#pieces.next();
      if (done) {
        this.#ended = true;
      } else if (value.length > 0) {
        this.#waiting.push(value);
        this.#length += value.length;
        return true;
      }
    }
    return false;
  }

  #joined(): Buffer {
    if (this.#waiting.length !== 1) this.#waiting = [Buffer.concat(this.#waiting, this.#length)];
    return this.#waiting[0];
  }

  #drop(length: number): void {
    const rest = this.#joined().subarray(length);
    this.#waiting = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }
}

const LINE_FEED = 0x0a;
