/** Writes small protobuf messages: attribute blocks and responses. */

/** Fields in the order of the calls; `begin` and `end` bracket a message within the message. */
export class WireWriter {
  /** What was written is at [0, length). */
  buffer = new Uint8Array(256);
  length = 0;
  /** Where the content of each open message starts; one byte before it is kept for its length. */
  private readonly open: number[] = [];
  private view = new DataView(this.buffer.buffer);

  /** A copy of what was written so far. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  /** Forgets what was written, to be used again. */
  clear(): void {
    this.length = 0;
    this.open.length = 0;
  }

  begin(field: number): void {
    this.small(field * 8 + 2);
    this.reserve(1);
    this.open.push(++this.length);
  }

  end(): void {
    const start = this.open.pop();
    if (start === undefined) throw new Error('end() without begin()');
    this.closeLength(start);
  }

  /** A varint field; negative values are written as int64 is, in ten bytes. */
  varint(field: number, value: number | bigint): void {
    this.small(field * 8);
    if (value >= 0 && value < 2 ** 31) {
      this.small(Number(value));
      return;
    }
    this.reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.small(field * 8 + 1);
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A string field; it must be well-formed (no lone surrogates), what is not becomes U+FFFD. */
  text(field: number, value: string): void {
    this.small(field * 8 + 2);
    const length = value.length;
    this.reserve(1 + 3 * length);
    const start = ++this.length;
    const buffer = this.buffer;
    let i = 0;
    // Calling into the platform costs more than a short ASCII string does.
    if (length <= 64) {
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 0x7f) break;
        buffer[start + i] = unit;
      }
    }
    this.length = i === length ? start + i : start + utf8.encodeInto(value, buffer.subarray(start)).written;
    this.closeLength(start);
  }

  raw(field: number, value: Uint8Array): void {
    this.small(field * 8 + 2);
    this.small(value.length);
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** Writes the length of the content [start, length) in front of it. */
  private closeLength(start: number): void {
    const size = this.length - start;
    if (size < 0x80) {
      this.buffer[start - 1] = size;
      return;
    }
    let more = 1;
    for (let rest = size >>> 14; rest > 0; rest >>>= 7) more++;
    this.reserve(more);
    this.buffer.copyWithin(start + more, start, this.length);
    this.length = start - 1;
    this.small(size);
    this.length += size;
  }

  /** A varint below 2^31. */
  private small(value: number): void {
    this.reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.length++] = rest;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + more));
    larger.set(this.buffer);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}

const utf8 = new TextEncoder();
