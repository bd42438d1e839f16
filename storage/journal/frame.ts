/**
 * The bytes of the journal, format version 1: encoding and decoding, no I/O. Integers are little-endian.
 *
 * A segment is a header block and then groups. A group is what one commit wrote with one fdatasync; it begins on a
 * block of 512 bytes, so that no disk sector holds bytes of two groups, and a torn write of one cannot touch another.
 *
 * ```
 * segment header (512 bytes)                       group header (32 bytes)
 *  0  8  magic "USGMJRNL"                           0  4  magic "GRUP"
 *  8  4  format version                             4  4  CRC32 of bytes 8..31
 * 12  4  salt, random per segment                   8  4  salt of the segment
 * 16  8  sequence of the first frame               12  4  frames
 * 24  8  newest received-at of the segment before  16  8  sequence of the first frame
 * 32  4  CRC32 of bytes 0..31                      24  4  bytes of all frames
 * 36     zeros                                     28  4  skipped sequences
 *
 * frame (28 bytes and the payload, back to back; after a group's last frame zeros to the next block)
 *  0  4  CRC32 of bytes 4 to the end of the payload, starting from the salt
 *  4  4  payload bytes
 *  8  8  sequence
 * 16  8  received-at, Unix nanoseconds
 * 24  1  kind
 * 25  1  encoding
 * 26  2  zero
 * ```
 *
 * A group of no frames is a *seal* (written by a clean close) or, with skipped sequences, a *gap* that a repair
 * left where frames were lost. Zeros, or the end of the file, where a group could begin end the segment.
 *
 * The salt keeps bytes that a client chose from ever passing for a frame or a group: payloads are stored as they came.
 */
import { crc32 } from 'node:zlib';

export const FORMAT_VERSION = 1;
/** Groups begin at multiples of this. The smallest write that disks keep whole. */
export const BLOCK_BYTES = 512;
export const SEGMENT_HEADER_BYTES = BLOCK_BYTES;
export const GROUP_HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 28;
/** Far above what the receiver takes (64 MiB); keeps every length within 32 bits. */
export const PAYLOAD_LIMIT_BYTES = 256 * 1024 * 1024;

/** Payloads up to this are copied beside their header: cheaper than one more buffer in the write. */
const COPY_LIMIT_BYTES = 16 * 1024;
const SEGMENT_MAGIC = Buffer.from('USGMJRNL', 'latin1');
const GROUP_MAGIC = 0x50555247; // "GRUP"

export interface SegmentHeader {
  version: number;
  salt: number;
  firstSequence: number;
  /** 0 where there was none. Lets a reader judge the age of the segment before without reading its frames. */
  newestReceivedAtBefore: bigint;
}

export interface GroupHeader {
  frames: number;
  firstSequence: number;
  /** Frame headers and payloads, without the group header and the zeros behind. */
  bodyBytes: number;
  /** Sequences from `firstSequence` on that were lost, in a group of no frames. */
  skipped: number;
}

/** What a caller hands in: a frame that has no sequence yet. */
export interface NewFrame {
  receivedAtUnixNano: bigint;
  /** 0–255; what the payload is. The journal gives it no meaning. */
  kind: number;
  /** 0–255; how the payload is encoded. The journal gives it no meaning. */
  encoding: number;
  payload: Uint8Array;
}

export interface JournalFrame extends NewFrame {
  sequence: number;
}

export function encodeSegmentHeader(header: Omit<SegmentHeader, 'version'>): Buffer {
  const block = Buffer.alloc(SEGMENT_HEADER_BYTES);
  SEGMENT_MAGIC.copy(block, 0);
  block.writeUInt32LE(FORMAT_VERSION, 8);
  block.writeUInt32LE(header.salt, 12);
  block.writeBigUInt64LE(BigInt(header.firstSequence), 16);
  block.writeBigUInt64LE(header.newestReceivedAtBefore, 24);
  block.writeUInt32LE(crc32(block.subarray(0, 32)), 32);
  return block;
}

/**
 * The header that `block` holds; its version may be one that this release does not know, the fields are then
 * those of version 1 and mean nothing. Magic, version and checksum keep their places in every version.
 * @returns null if it is none
 */
export function decodeSegmentHeader(block: Buffer): SegmentHeader | null {
  if (block.length < SEGMENT_HEADER_BYTES) return null;
  if (SEGMENT_MAGIC.compare(block, 0, 8) !== 0) return null;
  if (block.readUInt32LE(32) !== crc32(block.subarray(0, 32))) return null;
  const version = block.readUInt32LE(8);
  // The checksum does not cover the zeros behind; a flipped bit there harms nothing but shows a failing disk.
  if (version === FORMAT_VERSION && !isZero(block.subarray(36, SEGMENT_HEADER_BYTES))) return null;
  const firstSequence = readSequence(block, 16);
  if (firstSequence === null) return null;
  return {
    version,
    salt: block.readUInt32LE(12),
    firstSequence,
    newestReceivedAtBefore: block.readBigUInt64LE(24),
  };
}

/** The bytes that a group of this body takes in the segment. */
export function groupBytes(bodyBytes: number): number {
  return Math.ceil((GROUP_HEADER_BYTES + bodyBytes) / BLOCK_BYTES) * BLOCK_BYTES;
}

/** A group without frames: a seal, or the record that `skipped` sequences are lost. */
export function encodeEmptyGroup(firstSequence: number, skipped: number, salt: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  writeGroupHeader(block, { frames: 0, firstSequence, bodyBytes: 0, skipped }, salt);
  return block;
}

/** Turns frames into the buffers of one write. Keeps its scratch memory: encode the next group after the write. */
export class GroupEncoder {
  #scratch = Buffer.allocUnsafeSlow(64 * 1024);

  /**
   * One group, from its header to the zeros behind it. Large payloads are not copied: they stand in the answer
   * themselves, and must not change until it is written.
   */
  encode(frames: readonly NewFrame[], firstSequence: number, salt: number): Buffer[] {
    let bodyBytes = 0;
    let scratchBytes = GROUP_HEADER_BYTES + BLOCK_BYTES;
    for (const frame of frames) {
      const payloadBytes = frame.payload.byteLength;
      bodyBytes += FRAME_HEADER_BYTES + payloadBytes;
      scratchBytes += FRAME_HEADER_BYTES + (payloadBytes <= COPY_LIMIT_BYTES ? payloadBytes : 0);
    }
    const scratch = this.#reserve(scratchBytes);
    writeGroupHeader(scratch, { frames: frames.length, firstSequence, bodyBytes, skipped: 0 }, salt);

    const buffers: Buffer[] = [];
    let start = 0;
    let end = GROUP_HEADER_BYTES;
    let sequence = firstSequence;
    for (const frame of frames) {
      const payload = frame.payload;
      const copied = payload.byteLength <= COPY_LIMIT_BYTES;
      const frameStart = end;
      writeFrameHeader(scratch, frameStart, frame, sequence++);
      end += FRAME_HEADER_BYTES;
      if (copied) {
        scratch.set(payload, end);
        end += payload.byteLength;
      }
      let checksum = crc32(scratch.subarray(frameStart + 4, end), salt);
      if (!copied) checksum = crc32(payload, checksum);
      writeUint32(scratch, frameStart, checksum);
      if (!copied) {
        buffers.push(scratch.subarray(start, end), asBuffer(payload));
        start = end;
      }
    }
    const padding = groupBytes(bodyBytes) - GROUP_HEADER_BYTES - bodyBytes;
    scratch.fill(0, end, end + padding);
    end += padding;
    if (end > start) buffers.push(scratch.subarray(start, end));
    return buffers;
  }

  #reserve(bytes: number): Buffer {
    if (this.#scratch.length < bytes)
      this.#scratch = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)));
    return this.#scratch;
  }
}

/**
 * The group header at `offset`, if its checksum, its salt and its fields hold.
 * @param bytes at least 32 from `offset` on
 */
export function decodeGroupHeader(bytes: Buffer, offset: number, salt: number): GroupHeader | null {
  if (bytes.readUInt32LE(offset) !== GROUP_MAGIC) return null;
  if (bytes.readUInt32LE(offset + 8) !== salt) return null;
  if (bytes.readUInt32LE(offset + 4) !== crc32(bytes.subarray(offset + 8, offset + GROUP_HEADER_BYTES)))
    return null;
  const firstSequence = readSequence(bytes, offset + 16);
  if (firstSequence === null) return null;
  return {
    frames: bytes.readUInt32LE(offset + 12),
    firstSequence,
    bodyBytes: bytes.readUInt32LE(offset + 24),
    skipped: bytes.readUInt32LE(offset + 28),
  };
}

/** The salt that a group header names, or null where none begins. For segments whose own header is lost. */
export function groupSalt(bytes: Buffer, offset: number): number | null {
  if (bytes.readUInt32LE(offset) !== GROUP_MAGIC) return null;
  const salt = bytes.readUInt32LE(offset + 8);
  return decodeGroupHeader(bytes, offset, salt) === null ? null : salt;
}

/** Payload bytes as the frame header at `offset` gives them, unchecked. @param bytes at least 28 from there on */
export function framePayloadBytes(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 4);
}

/** The sequence as the frame header at `offset` gives it, unchecked; null where it is none. */
export function frameSequence(bytes: Buffer, offset: number): number | null {
  return readSequence(bytes, offset + 8);
}

/** The frame at `offset`, its payload a view, or null if its checksum fails. @param bytes hold the whole frame */
export function decodeFrame(bytes: Buffer, offset: number, salt: number): JournalFrame | null {
  const end = offset + FRAME_HEADER_BYTES + framePayloadBytes(bytes, offset);
  if (bytes.readUInt32LE(offset) !== crc32(bytes.subarray(offset + 4, end), salt)) return null;
  const sequence = readSequence(bytes, offset + 8);
  if (sequence === null) return null;
  return {
    sequence,
    receivedAtUnixNano: bytes.readBigUInt64LE(offset + 16),
    kind: bytes[offset + 24],
    encoding: bytes[offset + 25],
    payload: bytes.subarray(offset + FRAME_HEADER_BYTES, end),
  };
}

export function isZero(bytes: Buffer): boolean {
  // Comparing with itself, shifted by one, runs at the speed of memcmp.
  return (
    bytes.length === 0 || (bytes[0] === 0 && bytes.compare(bytes, 1, bytes.length, 0, bytes.length - 1) === 0)
  );
}

function writeGroupHeader(target: Buffer, header: GroupHeader, salt: number): void {
  writeUint32(target, 0, GROUP_MAGIC);
  writeUint32(target, 8, salt);
  writeUint32(target, 12, header.frames);
  writeSequence(target, 16, header.firstSequence);
  writeUint32(target, 24, header.bodyBytes);
  writeUint32(target, 28, header.skipped);
  writeUint32(target, 4, crc32(target.subarray(8, GROUP_HEADER_BYTES)));
}

function writeFrameHeader(target: Buffer, offset: number, frame: NewFrame, sequence: number): void {
  writeUint32(target, offset + 4, frame.payload.byteLength);
  writeSequence(target, offset + 8, sequence);
  target.writeBigUInt64LE(frame.receivedAtUnixNano, offset + 16);
  target[offset + 24] = frame.kind;
  target[offset + 25] = frame.encoding;
  target[offset + 26] = 0;
  target[offset + 27] = 0;
}

function writeSequence(target: Buffer, offset: number, sequence: number): void {
  writeUint32(target, offset, sequence % 4294967296);
  writeUint32(target, offset + 4, Math.floor(sequence / 4294967296));
}

/** null above 2^53 − 1: no journal gets that far. */
function readSequence(bytes: Buffer, offset: number): number | null {
  const sequence = bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 4294967296;
  return Number.isSafeInteger(sequence) ? sequence : null;
}

function writeUint32(target: Buffer, offset: number, value: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
