/**
 * What opening a journal finds on disk, and how a torn write is told from corruption.
 *
 * A group is written only after the group before it is fsynced, and a segment is created only after the last group
 * of the one before it is. So at most one group, the very last of the last segment, can be half-written; any of its
 * sectors may then be missing or hold anything, in any order. Hence:
 *
 * - A broken group with a group behind it, or in a segment with a segment behind it, was durable: corruption, and
 *   nothing is touched. "Behind it" needs no more than a group header that holds, at any later block.
 * - Any other broken group is a torn write, and is cut. Its frames were never acknowledged.
 *
 * What this cannot see: bytes that decay in the very last group, after it was acknowledged and before anything was
 * written behind it. They look like a torn write and are cut, and reported as such. A clean close writes a seal
 * behind the last group, so the case needs a kill as well; and whoever knows how far the journal went (the ledger's
 * position) passes `knownSequence`, and then gets a refusal instead.
 */
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { SEGMENT_HEADER_BYTES } from './frame.ts';
import { corrupt, JournalError } from './journal-error.ts';
import {
  createSegment,
  emptySegment,
  indexGroup,
  listSegments,
  readSegmentHeader,
  type Segment,
  syncDirectory,
} from './segment.ts';
import { type Broken, SegmentReader } from './segment-reader.ts';
import { writeAll } from './write-all.ts';

export interface SequenceRange {
  first: number;
  /** Inclusive. */
  last: number;
}

export interface RecoveryReport {
  frames: number;
  segments: number;
  /** 0 in an empty journal. */
  lastSequence: number;
  /** The torn write that was cut off, if there was one: its file, where it began, how long the file was from there. */
  cut: { file: string; offset: number; bytes: number; reason: string } | null;
  /** Sequences that a repair has given up. */
  missing: SequenceRange[];
  /** Names in the directory that are none of the journal's; left alone. */
  foreign: string[];
}

export interface RecoveryOptions {
  /** The highest sequence that somebody has already loaded. A journal that ends before it has lost frames: CORRUPT. */
  knownSequence?: number;
  /**
   * Segments that end before this sequence are not read, only their headers: opening stays quick with a long
   * retention. {@link Journal.frames} checks them when it reads them. Default: everything is read.
   */
  verifyFromSequence?: number;
}

export interface Recovered {
  segments: Segment[];
  /** The last segment, open for writing at its `bytes`. */
  handle: FileHandle;
  /** Nothing was written since the last seal (or at all): closing needs no other. */
  sealed: boolean;
  report: RecoveryReport;
}

/** What reading a segment to its end finds. `segment` covers the groups before `broken`. */
export interface SegmentScan {
  segment: Segment;
  missing: SequenceRange[];
  frames: number;
  /** Of the last whole group; null where there is none. */
  lastGroupOffset: number | null;
  sealed: boolean;
  broken: Broken | null;
}

/** Opens the segments of a directory, creating the first where there is none. */
export async function recover(directory: string, options: RecoveryOptions = {}): Promise<Recovered> {
  const knownSequence = options.knownSequence ?? 0;
  const verifyFromSequence = options.verifyFromSequence ?? 0;
  await mkdir(directory, { recursive: true });
  const { segments: found, unfinished, foreign } = await listSegments(directory);
  for (const file of unfinished) await rm(file, { force: true });

  const report: RecoveryReport = { frames: 0, segments: 0, lastSequence: 0, cut: null, missing: [], foreign };
  const segments: Segment[] = [];
  for (const [place, { file, firstSequence }] of found.entries()) {
    const previous = segments.at(-1);
    if (previous !== undefined && firstSequence !== previous.lastSequence + 1) {
      throw corrupt(
        file,
        0,
        `sequence ${previous.lastSequence + 1} must come first, ${firstSequence} does: ` +
          'a segment is missing, or the one before lost its end',
      );
    }
    const next = found[place + 1];
    if (next === undefined) return await openLast(file, firstSequence);

    const handle = await open(file, 'r');
    try {
      const header = await readSegmentHeader(handle, file, firstSequence);
      const fileBytes = (await handle.stat()).size;
      if (next.firstSequence <= verifyFromSequence) {
        const segment = emptySegment(file, header);
        segment.bytes = fileBytes;
        segment.lastSequence = next.firstSequence - 1;
        segment.newestReceivedAtUnixNano = await newestReceivedAtBefore(next);
        segments.push(segment);
        report.frames += segment.lastSequence - segment.firstSequence + 1;
        continue;
      }
      const scan = await scanSegment(handle, emptySegment(file, header), fileBytes);
      if (scan.broken !== null) throw corrupt(file, scan.broken.offset, scan.broken.reason);
      segments.push(scan.segment);
      report.frames += scan.frames;
      report.missing.push(...scan.missing);
    } finally {
      await handle.close();
    }
  }

  if (knownSequence > 0) {
    throw corrupt(directory, 0, `the journal is empty, but sequence ${knownSequence} of it is known`);
  }
  const { segment, handle } = await createSegment(directory, 1, 0n);
  report.segments = 1;
  return { segments: [segment], handle, sealed: true, report };

  async function openLast(file: string, firstSequence: number): Promise<Recovered> {
    const handle = await open(file, 'r+');
    try {
      const header = await readSegmentHeader(handle, file, firstSequence);
      const fileBytes = (await handle.stat()).size;
      const scan = await scanSegment(handle, emptySegment(file, header), fileBytes);
      const { segment, broken } = scan;
      if (broken !== null) {
        const reader = new SegmentReader(handle, header.salt, fileBytes);
        const later = await reader.laterGroup(segment.bytes, segment.lastSequence + 1);
        if (later !== null) {
          throw corrupt(
            file,
            broken.offset,
            `${broken.reason}; the group at byte ${later} was written later`,
          );
        }
      }
      if (segment.lastSequence < knownSequence) {
        throw corrupt(
          file,
          broken?.offset ?? segment.bytes,
          `the journal ends with sequence ${segment.lastSequence}, but ${knownSequence} of it is known`,
        );
      }
      if (fileBytes > segment.bytes) {
        report.cut = {
          file,
          offset: segment.bytes,
          bytes: fileBytes - segment.bytes,
          reason: broken?.reason ?? 'nothing but zeros was written',
        };
        await handle.truncate(segment.bytes);
      }
      await settle(handle, scan);
      // The name of a segment may be younger than the last fsync of its directory.
      await syncDirectory(directory);
      segments.push(segment);
      report.frames += scan.frames;
      report.missing.push(...scan.missing);
      report.segments = segments.length;
      report.lastSequence = segment.lastSequence;
      return { segments, handle, sealed: scan.sealed || segment.bytes === SEGMENT_HEADER_BYTES, report };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
}

/** Reads a whole segment. Never throws for what the bytes are. */
export async function scanSegment(
  handle: FileHandle,
  segment: Segment,
  fileBytes: number,
): Promise<SegmentScan> {
  const reader = new SegmentReader(handle, segment.salt, fileBytes);
  const scan: SegmentScan = {
    segment,
    missing: [],
    frames: 0,
    lastGroupOffset: null,
    sealed: false,
    broken: null,
  };
  let newest = 0n;
  for (;;) {
    const step = await reader.group(segment.bytes);
    if (step.type === 'end') return scan;
    if (step.type === 'broken') {
      scan.broken = step;
      return scan;
    }
    const { header, offset, endOffset } = step;
    const expected = segment.lastSequence + 1;
    if (header.firstSequence !== expected) {
      scan.broken = { offset, reason: `sequence ${expected} must stand here, not ${header.firstSequence}` };
      return scan;
    }
    const broken = await reader.frames(step, (frame) => {
      if (frame.receivedAtUnixNano > newest) newest = frame.receivedAtUnixNano;
    });
    if (broken !== null) {
      scan.broken = broken;
      return scan;
    }
    indexGroup(segment, header.firstSequence, offset);
    segment.bytes = endOffset;
    segment.lastSequence += header.frames + header.skipped;
    segment.newestReceivedAtUnixNano = newest;
    if (header.skipped > 0) scan.missing.push({ first: header.firstSequence, last: segment.lastSequence });
    scan.frames += header.frames;
    scan.lastGroupOffset = offset;
    scan.sealed = header.frames === 0 && header.skipped === 0;
  }
}

/**
 * Makes what was found in the last segment durable. After a kill its end may only be in the kernel's memory; after
 * an fsync that failed the kernel even takes it for written, so the last group (no other can be concerned) is
 * written once more, with the bytes that it has.
 */
async function settle(handle: FileHandle, scan: SegmentScan): Promise<void> {
  try {
    const chunk = Buffer.allocUnsafeSlow(1024 * 1024);
    const end = scan.segment.bytes;
    for (let offset = scan.lastGroupOffset ?? end; offset < end; ) {
      const { bytesRead } = await handle.read(chunk, 0, Math.min(chunk.length, end - offset), offset);
      if (bytesRead === 0) throw new Error(`${scan.segment.file} became shorter while it was opened`);
      await writeAll(handle, [chunk.subarray(0, bytesRead)], offset);
      offset += bytesRead;
    }
    await handle.sync();
  } catch (error) {
    throw new JournalError(
      'WRITE_FAILED',
      `journal segment ${scan.segment.file} cannot be written: ${error}`,
      {
        file: scan.segment.file,
        cause: error,
      },
    );
  }
}

async function newestReceivedAtBefore(next: { file: string; firstSequence: number }): Promise<bigint> {
  const handle = await open(next.file, 'r');
  try {
    return (await readSegmentHeader(handle, next.file, next.firstSequence)).newestReceivedAtBefore;
  } finally {
    await handle.close();
  }
}
