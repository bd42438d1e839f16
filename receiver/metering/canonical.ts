/**
 * The canonical bytes of attributes: equal for equal meaning, whatever the order of keys, and different for values
 * of different types. They are what series identities are hashed from, so the form must never change; a new one
 * would be a new version of every identity.
 *
 * | value  | bytes |
 * |--------|-------|
 * | empty  | 0 |
 * | string | 1, length u32, UTF-8 |
 * | bool   | 2, 0 or 1 |
 * | int    | 3, int64 |
 * | double | 4, IEEE 754 bits (every NaN is one) |
 * | bytes  | 5, length u32, bytes |
 * | array  | 6, count u32, values |
 * | map    | 7, count u32, then per entry in the order of the key's bytes: length u32, key, value |
 *
 * Numbers are big-endian. A list of attributes is a map. Equal keys stay, ordered by their values' bytes.
 */
import type { AnyValue, Attribute } from '../otlp/metric-columns.ts';

export class CanonicalWriter {
  #bytes: Buffer = Buffer.allocUnsafe(1024);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** What was written since {@link clear}; valid until the next write. */
  view(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  text(value: string): void {
    this.#reserve(4 + value.length * 3);
    const written = this.#bytes.write(value, this.#length + 4, 'utf8');
    this.#bytes.writeUInt32BE(written, this.#length);
    this.#length += 4 + written;
  }

  raw(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    this.#bytes.writeUInt32BE(value.length, this.#length);
    this.#bytes.set(value, this.#length + 4);
    this.#length += 4 + value.length;
  }

  map(entries: readonly Attribute[]): void {
    this.byte(7);
    this.#reserve(4);
    this.#bytes.writeUInt32BE(entries.length, this.#length);
    this.#length += 4;
    const inOrder = entries.length < 2 ? entries : [...entries].sort(byKeyThenValue);
    for (const entry of inOrder) {
      this.text(entry.key);
      this.value(entry.value);
    }
  }

  value(value: AnyValue): void {
    switch (value.type) {
      case 'empty':
        this.byte(0);
        return;
      case 'string':
        this.byte(1);
        this.text(value.value);
        return;
      case 'bool':
        this.byte(2);
        this.byte(value.value ? 1 : 0);
        return;
      case 'int':
        this.byte(3);
        this.#reserve(8);
        this.#length = this.#bytes.writeBigInt64BE(value.value, this.#length);
        return;
      case 'double':
        this.byte(4);
        this.#reserve(8);
        this.#length = this.#bytes.writeDoubleBE(
          Number.isNaN(value.value) ? Number.NaN : value.value,
          this.#length,
        );
        return;
      case 'bytes':
        this.byte(5);
        this.raw(value.value);
        return;
      case 'array':
        this.byte(6);
        this.#reserve(4);
        this.#length = this.#bytes.writeUInt32BE(value.value.length, this.#length);
        for (const item of value.value) this.value(item);
        return;
      case 'map':
        this.map(value.value);
        return;
    }
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function byKeyThenValue(a: Attribute, b: Attribute): number {
  if (a.key !== b.key) return compareUtf8(a.key, b.key);
  return Buffer.compare(valueBytes(a.value), valueBytes(b.value));
}

/** The order of two strings' UTF-8 bytes, which differs from JavaScript's own where surrogates are involved. */
function compareUtf8(a: string, b: string): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xSurrogate = x >= 0xd800 && x <= 0xdfff;
    const ySurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xSurrogate !== ySurrogate) return xSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

function valueBytes(value: AnyValue): Uint8Array {
  const writer = new CanonicalWriter();
  writer.value(value);
  return writer.view();
}
