/**
 * Writes FlatBuffers, as far as the metadata of Arrow needs them: tables of scalars, texts, tables and vectors.
 *
 * What refers stands before what it refers to. Every field has eight bytes, so that all are aligned; a schema is written
 * once for an answer, and a batch has four fields. https://flatbuffers.dev/internals/
 */

/** A field of a table; null is left out, which reads as its default. */
export type FlatField =
  | { byte: number }
  | { short: number }
  | { int: number }
  | { long: number }
  /** Writes what the field refers to, and says where it stands. */
  | { offset: (writer: FlatWriter) => number }
  | null;

const SLOT = 8;

export class FlatWriter {
  #bytes = Buffer.alloc(1024);
  #length = 0;

  /** A whole buffer with its root table, padded to eight bytes. */
  static encode(root: readonly FlatField[]): Buffer {
    const writer = new FlatWriter();
    const at = writer.#reserve(SLOT);
    writer.#refer(at, writer.table(root));
    writer.#align(SLOT);
    return writer.#bytes.subarray(0, writer.#length);
  }

  /** @returns where it stands */
  table(fields: readonly FlatField[]): number {
    this.#align(SLOT);
    const sizes = 4 + 2 * fields.length;
    const vtable = this.#reserve(Math.ceil(sizes / SLOT) * SLOT);
    const table = this.#reserve(SLOT * (fields.length + 1));
    this.#bytes.writeUInt16LE(sizes, vtable);
    this.#bytes.writeUInt16LE(SLOT * (fields.length + 1), vtable + 2);
    this.#bytes.writeInt32LE(table - vtable, table);
    for (const [index, field] of fields.entries()) {
      if (field === null) continue;
      const slot = SLOT * (index + 1);
      this.#bytes.writeUInt16LE(slot, vtable + 4 + 2 * index);
      const at = table + slot;
      if ('byte' in field) this.#bytes.writeUInt8(field.byte, at);
      else if ('short' in field) this.#bytes.writeInt16LE(field.short, at);
      else if ('int' in field) this.#bytes.writeInt32LE(field.int, at);
      else if ('long' in field) this.#bytes.writeBigInt64LE(BigInt(field.long), at);
      else this.#refer(at, field.offset(this));
    }
    return table;
  }

  text(text: string): number {
    this.#align(4);
    const bytes = Buffer.from(text);
    const at = this.#reserve(4 + bytes.length + 1);
    this.#bytes.writeUInt32LE(bytes.length, at);
    bytes.copy(this.#bytes, at + 4);
    return at;
  }

  tables(tables: readonly (readonly FlatField[])[]): number {
    this.#align(4);
    const at = this.#reserve(4 + 4 * tables.length);
    this.#bytes.writeUInt32LE(tables.length, at);
    for (const [index, fields] of tables.entries()) this.#refer(at + 4 + 4 * index, this.table(fields));
    return at;
  }

  /** A vector of structs of 64-bit integers. */
  longs(structs: readonly (readonly number[])[]): number {
    this.#align(SLOT);
    // The first struct is aligned, and the count stands right before it.
    this.#reserve(4);
    const at = this.#reserve(4);
    this.#bytes.writeUInt32LE(structs.length, at);
    for (const value of structs.flat()) {
      const place = this.#reserve(8);
      this.#bytes.writeBigInt64LE(BigInt(value), place);
    }
    return at;
  }

  #refer(from: number, to: number): void {
    this.#bytes.writeUInt32LE(to - from, from);
  }

  #align(bytes: number): void {
    this.#reserve((bytes - (this.#length % bytes)) % bytes);
  }

  /** Room of so many zeros. */
  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return at;
  }
}
