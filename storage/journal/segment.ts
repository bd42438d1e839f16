/** Segment files: their names, how one begins to exist, and what is known of one in memory. */
import { randomInt } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  FORMAT_VERSION,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './frame.ts';
import { corrupt, JournalError } from './journal-error.ts';

const SUFFIX = '.journal';
const NAME = /^(\d{16})\.journal$/;
/** A segment before its header is on disk. Never holds a frame. */
const UNFINISHED = /^\d{16}\.journal\.tmp$/;
/** A position of the index for every so many bytes. */
const INDEX_STEP_BYTES = 256 * 1024;

/** What the journal knows of a segment. All of it is durable: a group counts once it is fsynced. */
export interface Segment {
  readonly file: string;
  readonly salt: number;
  readonly firstSequence: number;
  /** `firstSequence - 1` while it holds no frame. */
  lastSequence: number;
  newestReceivedAtUnixNano: bigint;
  /** The end of its last group; the next one begins here. */
  bytes: number;
  /** Sequences and offsets of some groups, ascending: where to start reading, how many bytes follow. */
  readonly index: { sequences: number[]; offsets: number[] };
}

/** The name of the segment whose first frame has this sequence. Names sort as sequences do. */
export function segmentName(firstSequence: number): string {
  return `${String(firstSequence).padStart(16, '0')}${SUFFIX}`;
}

/** What lies in a journal's directory, names only. */
export async function listSegments(
  directory: string,
): Promise<{ segments: { file: string; firstSequence: number }[]; unfinished: string[]; foreign: string[] }> {
  const segments: { file: string; firstSequence: number }[] = [];
  const unfinished: string[] = [];
  const foreign: string[] = [];
  for (const name of (await readdir(directory)).sort()) {
    const match = NAME.exec(name);
    if (match !== null) segments.push({ file: join(directory, name), firstSequence: Number(match[1]) });
    else if (UNFINISHED.test(name)) unfinished.push(join(directory, name));
    else foreign.push(name);
  }
  return { segments, unfinished, foreign };
}

/**
 * Creates a segment that holds nothing but its header, and what `fill` writes behind it. A crash leaves either no
 * segment (or the one that had the name) or all of it: the name appears after the bytes are on disk. When this
 * resolves, the name is on disk too.
 */
export async function createSegment(
  directory: string,
  firstSequence: number,
  newestReceivedAtBefore: bigint,
  fill?: (handle: FileHandle, salt: number) => Promise<void>,
): Promise<{ segment: Segment; handle: FileHandle }> {
  const file = join(directory, segmentName(firstSequence));
  const salt = randomInt(2 ** 32);
  const handle = await open(`${file}.tmp`, 'w+');
  try {
    await handle.write(
      encodeSegmentHeader({ salt, firstSequence, newestReceivedAtBefore }),
      0,
      SEGMENT_HEADER_BYTES,
      0,
    );
    await fill?.(handle, salt);
    await handle.sync();
    await rename(`${file}.tmp`, file);
    await syncDirectory(directory);
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(`${file}.tmp`, { force: true }).catch(() => {});
    throw error;
  }
  return { segment: emptySegment(file, { salt, firstSequence }), handle };
}

export function emptySegment(file: string, header: Pick<SegmentHeader, 'salt' | 'firstSequence'>): Segment {
  return {
    file,
    salt: header.salt,
    firstSequence: header.firstSequence,
    lastSequence: header.firstSequence - 1,
    newestReceivedAtUnixNano: 0n,
    bytes: SEGMENT_HEADER_BYTES,
    index: { sequences: [], offsets: [] },
  };
}

/**
 * Reads and checks a segment's header.
 * @throws JournalError "CORRUPT" where it is none or contradicts the file's name; "UNSUPPORTED_VERSION"
 */
export async function readSegmentHeader(
  handle: FileHandle,
  file: string,
  firstSequence: number,
): Promise<SegmentHeader> {
  const block = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const { bytesRead } = await handle.read(block, 0, SEGMENT_HEADER_BYTES, 0);
  const header = decodeSegmentHeader(block.subarray(0, bytesRead));
  if (header === null) throw corrupt(file, 0, 'the segment header is broken');
  if (header.version !== FORMAT_VERSION) {
    throw new JournalError(
      'UNSUPPORTED_VERSION',
      `journal segment ${file} has format version ${header.version}; this release reads version ${FORMAT_VERSION}. ` +
        'Start the release that wrote it, or a newer one.',
      { file, offset: 8 },
    );
  }
  if (header.firstSequence !== firstSequence) {
    throw corrupt(
      file,
      16,
      `its name says that it begins with sequence ${firstSequence}, its header ${header.firstSequence}`,
    );
  }
  return header;
}

/** Notes a group that begins at `offset`. */
export function indexGroup(segment: Segment, sequence: number, offset: number): void {
  const { sequences, offsets } = segment.index;
  if (offsets.length > 0 && offset - offsets[offsets.length - 1] < INDEX_STEP_BYTES) return;
  sequences.push(sequence);
  offsets.push(offset);
}

/** The offset of a group that begins at or before `sequence`, at most a step and a group before it. */
export function offsetAtOrBefore(segment: Segment, sequence: number): number {
  const { sequences, offsets } = segment.index;
  let low = 0;
  let high = sequences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sequences[middle] <= sequence) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? SEGMENT_HEADER_BYTES : offsets[low - 1];
}

/** Makes names that were created, renamed or removed in the directory survive a loss of power. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory, and keeps names durable by itself.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
