/** Reads a segment front to back: groups and frames, checked, in memory bounded by a window and the largest frame. */
import type { FileHandle } from 'node:fs/promises';
import {
  BLOCK_BYTES,
  decodeFrame,
  decodeGroupHeader,
  FRAME_HEADER_BYTES,
  framePayloadBytes,
  GROUP_HEADER_BYTES,
  type GroupHeader,
  groupBytes,
  isZero,
  type JournalFrame,
} from './frame.ts';

const WINDOW_BYTES = 1024 * 1024;

/** Bytes of a file by offset, read ahead. Views stay valid: no window is ever written again. */
export class FileWindow {
  readonly #handle: FileHandle;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** The bytes [offset, offset + length), or null where they are not in memory: call {@link load} then. */
  peek(offset: number, length: number): Buffer | null {
    const from = offset - this.#start;
    if (from < 0 || from + length > this.#bytes.length) return null;
    return this.#bytes.subarray(from, from + length);
  }

  /** The bytes [offset, offset + length), fewer where the file ends before. */
  async load(offset: number, length: number): Promise<Buffer> {
    const known = this.peek(offset, length);
    if (known !== null) return known;
    const window = Buffer.allocUnsafeSlow(Math.max(WINDOW_BYTES, length));
    let filled = 0;
    while (filled < window.length) {
      const { bytesRead } = await this.#handle.read(window, filled, window.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#bytes = window.subarray(0, filled);
    this.#start = offset;
    return this.#bytes.subarray(0, Math.min(length, filled));
  }
}

/** Bytes that are no group, or no frame, where one must be. */
export interface Broken {
  offset: number;
  reason: string;
}

export interface FoundGroup {
  header: GroupHeader;
  offset: number;
  endOffset: number;
}

export type Step = ({ type: 'group' } & FoundGroup) | { type: 'end' } | ({ type: 'broken' } & Broken);

/** Walks the groups of one segment. */
export class SegmentReader {
  readonly #window: FileWindow;
  readonly #salt: number;
  readonly #fileBytes: number;

  /** @param fileBytes where reading ends: the size of the file, or the end of what is durable */
  constructor(handle: FileHandle, salt: number, fileBytes: number) {
    this.#window = new FileWindow(handle);
    this.#salt = salt;
    this.#fileBytes = fileBytes;
  }

  /** The group that begins at `offset`. The frames are not looked at. */
  async group(offset: number): Promise<Step> {
    if (offset >= this.#fileBytes) return { type: 'end' };
    const block = await this.#window.load(offset, Math.min(BLOCK_BYTES, this.#fileBytes - offset));
    const header = block.length < GROUP_HEADER_BYTES ? null : decodeGroupHeader(block, 0, this.#salt);
    if (header === null) {
      if (isZero(block) && (await this.#isZeroFrom(offset))) return { type: 'end' };
      return { type: 'broken', offset, reason: 'no group begins here, and what follows is not empty' };
    }
    const endOffset = offset + groupBytes(header.bodyBytes);
    if (endOffset > this.#fileBytes)
      return { type: 'broken', offset, reason: 'the file ends within this group' };
    return { type: 'group', header, offset, endOffset };
  }

  /** The frames of a group, one by one. Payloads are views of up to 1 MiB: copy what is kept for long. */
  cursor(group: FoundGroup): FrameCursor {
    return new FrameCursor(this.#window, this.#salt, group);
  }

  /**
   * Hands every frame of a group to `visit`, in order, until one is broken.
   * @returns null if the whole group holds, to the last zero behind it
   */
  async frames(group: FoundGroup, visit: (frame: JournalFrame) => void): Promise<Broken | null> {
    const cursor = this.cursor(group);
    for (let read = 0; read < group.header.frames; read++) {
      const frame = cursor.next() ?? (await cursor.load());
      if ('reason' in frame) return frame;
      visit(frame);
    }
    const { offset, bodyEnd } = cursor;
    if (offset !== bodyEnd) return { offset, reason: 'the group is longer than its frames' };
    const padding = await this.#window.load(bodyEnd, group.endOffset - bodyEnd);
    return isZero(padding) ? null : { offset: bodyEnd, reason: 'the zeros behind the group are none' };
  }

  /**
   * Where a group stands that shows that the broken one at `offset`, which must begin with `sequence`, was durable:
   * one behind it, or one in its place that never belonged there. null where nothing shows it.
   */
  async laterGroup(offset: number, sequence: number): Promise<number | null> {
    for (let at = offset; at + GROUP_HEADER_BYTES <= this.#fileBytes; at += BLOCK_BYTES) {
      const block =
        this.#window.peek(at, GROUP_HEADER_BYTES) ?? (await this.#window.load(at, GROUP_HEADER_BYTES));
      if (block.length < GROUP_HEADER_BYTES) return null;
      const header = decodeGroupHeader(block, 0, this.#salt);
      if (header === null) continue;
      if (at === offset ? header.firstSequence !== sequence : header.firstSequence >= sequence) return at;
    }
    return null;
  }

  async #isZeroFrom(offset: number): Promise<boolean> {
    for (let at = offset; at < this.#fileBytes; at += WINDOW_BYTES) {
      const bytes = await this.#window.load(at, Math.min(WINDOW_BYTES, this.#fileBytes - at));
      if (!isZero(bytes)) return false;
    }
    return true;
  }
}

/** The frames of one group, in order. Ask for no more than its header says. */
export class FrameCursor {
  readonly #window: FileWindow;
  readonly #salt: number;
  #sequence: number;
  /** Where the next frame begins. */
  offset: number;
  /** Where the last one must end. */
  readonly bodyEnd: number;

  constructor(window: FileWindow, salt: number, group: FoundGroup) {
    this.#window = window;
    this.#salt = salt;
    this.#sequence = group.header.firstSequence;
    this.offset = group.offset + GROUP_HEADER_BYTES;
    this.bodyEnd = this.offset + group.header.bodyBytes;
  }

  /** The next frame, or null where its bytes are not in memory: {@link load} then gives it. */
  next(): JournalFrame | Broken | null {
    const { offset } = this;
    if (offset + FRAME_HEADER_BYTES > this.bodyEnd)
      return { offset, reason: 'the group is shorter than its frames' };
    const header = this.#window.peek(offset, FRAME_HEADER_BYTES);
    if (header === null) return null;
    const frameBytes = FRAME_HEADER_BYTES + framePayloadBytes(header, 0);
    if (offset + frameBytes > this.bodyEnd) return { offset, reason: 'a frame is longer than its group' };
    const bytes = this.#window.peek(offset, frameBytes);
    if (bytes === null) return null;
    const frame = decodeFrame(bytes, 0, this.#salt);
    if (frame === null) return { offset, reason: 'the checksum of a frame does not hold' };
    if (frame.sequence !== this.#sequence) {
      return { offset, reason: `sequence ${this.#sequence} must stand here, not ${frame.sequence}` };
    }
    this.#sequence++;
    this.offset += frameBytes;
    return frame;
  }

  async load(): Promise<JournalFrame | Broken> {
    const { offset } = this;
    const header = await this.#window.load(offset, FRAME_HEADER_BYTES);
    if (header.length === FRAME_HEADER_BYTES) {
      const frameBytes = FRAME_HEADER_BYTES + framePayloadBytes(header, 0);
      if (offset + frameBytes <= this.bodyEnd) await this.#window.load(offset, frameBytes);
    }
    return this.next() ?? { offset, reason: 'the file ends within a frame' };
  }
}
