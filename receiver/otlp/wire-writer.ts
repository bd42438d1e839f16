/** Writes small protobuf messages: attribute blocks and responses. */

/** Fields in the order of the calls; `begin` and `end` bracket a message within the message. */
export class WireWriter {
  private buffer = new Uint8Array(256);
  private length = 0;
  /** Where the content of each open message starts. */
  private readonly open: number[] = [];

  /** What was written so far; the bytes are the caller's. */
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
    this.open.push(this.length);
  }

  end(): void {
    const start = this.open.pop();
    if (start === undefined) throw new Error('end() without begin()');
    const size = this.length - start;
    let lengthBytes = 1;
    for (let rest = size >>> 7; rest > 0; rest >>>= 7) lengthBytes++;
    this.reserve(lengthBytes);
    this.buffer.copyWithin(start + lengthBytes, start, this.length);
    this.length = start;
    this.small(size);
    this.length = start + lengthBytes + size;
  }

  /** A varint field; negative values are written as int64 is, in ten bytes. */
  varint(field: number, value: bigint): void {
    this.small(field * 8);
    this.reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
  }

  double(field: number, value: number): void {
    this.small(field * 8 + 1);
    this.reserve(8);
    new DataView(this.buffer.buffer).setFloat64(this.length, value, true);
    this.length += 8;
  }

  text(field: number, value: string): void {
    this.raw(field, utf8.encode(value));
  }

  raw(field: number, value: Uint8Array): void {
    this.small(field * 8 + 2);
    this.small(value.length);
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  /** A varint below 2^31: a tag or a length. */
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
  }
}

const utf8 = new TextEncoder();
