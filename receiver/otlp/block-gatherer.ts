/** Brings the attributes of a message together, to be interned as one block. */
import type { ByteInterner } from './attribute-interner.ts';
import type { WireReader } from './wire-reader.ts';

/**
 * A message's attributes: as a range of the body while they stand side by side, else as a copy,
 * each with a tag of one byte.
 */
export class BlockGatherer {
  private start = 0;
  private end = 0;
  private copied = false;
  private scratch = NOTHING;
  private scratchLength = 0;

  clear(): void {
    this.start = 0;
    this.end = 0;
    this.copied = false;
    this.scratchLength = 0;
  }

  /** Takes in the attribute whose tag, which began at `fieldStart`, was just read. */
  take(reader: WireReader, tag: number, fieldStart: number, end: number): void {
    const tagLength = reader.at - fieldStart;
    const contentEnd = reader.size(end) + reader.at;
    if (tagLength === 1) this.field(reader.bytes, fieldStart, reader.at, contentEnd);
    else this.append(tag, reader.bytes, reader.at, contentEnd);
    reader.at = contentEnd;
  }

  /** A field with a tag of one byte, at `body[start, end)`. */
  private field(body: Uint8Array, start: number, contentStart: number, end: number): void {
    if (!this.copied) {
      if (this.end === this.start) this.start = start;
      else if (this.end !== start) {
        this.append(body[start], body, contentStart, end);
        return;
      }
      this.end = end;
      return;
    }
    this.append(body[start], body, contentStart, end);
  }

  /** A field's content, which gets a tag of its own. */
  append(tag: number, body: Uint8Array, contentStart: number, end: number): void {
    if (!this.copied) this.copy(body, this.start, this.end);
    let rest = end - contentStart;
    this.reserve(rest + 6);
    this.scratch[this.scratchLength++] = tag;
    while (rest > 0x7f) {
      this.scratch[this.scratchLength++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.scratch[this.scratchLength++] = rest;
    this.scratch.set(body.subarray(contentStart, end), this.scratchLength);
    this.scratchLength += end - contentStart;
  }

  /** Whole fields, tags and all. */
  copy(body: Uint8Array, start: number, end: number): void {
    this.copied = true;
    this.reserve(end - start);
    this.scratch.set(body.subarray(start, end), this.scratchLength);
    this.scratchLength += end - start;
  }

  intern(interner: ByteInterner, body: Uint8Array, depth: number): number {
    return this.copied
      ? interner.intern(this.scratch, 0, this.scratchLength, depth)
      : interner.intern(body, this.start, this.end, depth);
  }

  private reserve(more: number): void {
    const needed = this.scratchLength + more;
    if (needed <= this.scratch.length) return;
    const larger = new Uint8Array(Math.max(256, this.scratch.length * 2, needed));
    larger.set(this.scratch.subarray(0, this.scratchLength));
    this.scratch = larger;
  }
}

const NOTHING = new Uint8Array(0);
