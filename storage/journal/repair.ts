/**
 * What `usage-meter journal repair` does: gives up what cannot be read, keeps everything that can, and writes down
 * in the journal itself which sequences are lost.
 */
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, open, readFile } from 'node:fs/promises';
import {
  BLOCK_BYTES,
  decodeFrame,
  decodeGroupHeader,
  decodeSegmentHeader,
  encodeEmptyGroup,
  FORMAT_VERSION,
  FRAME_HEADER_BYTES,
  framePayloadBytes,
  frameSequence,
  GROUP_HEADER_BYTES,
  GroupEncoder,
  groupSalt,
  type JournalFrame,
  SEGMENT_HEADER_BYTES,
} from './frame.ts';
import { JournalError } from './journal-error.ts';
import { type SegmentScan, type SequenceRange, scanSegment } from './recovery.ts';
import { createSegment, emptySegment, listSegments, readSegmentHeader } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';
import { writeAll } from './write-all.ts';

const GROUP_BODY_BYTES = 8 * 1024 * 1024;
const SKIPPED_LIMIT = 2 ** 32 - 1;

export interface RepairReport {
  /** Segments that were broken. Each was written anew from its frames; the bytes as they were are in `movedTo`. */
  rewritten: { file: string; movedTo: string; offset: number; reason: string; salvagedFrames: number }[];
  /**
   * Sequences that are lost, or may never have been acknowledged if they stand at the journal's end. They stay
   * in the journal as gaps: opening reports them, reading passes over them.
   */
  missing: SequenceRange[];
}

/**
 * Makes a journal that was refused as CORRUPT open again. Hold the directory's lock. A journal that opens is left
 * as it is, torn end included, so running this twice changes nothing the second time. Needs the memory and the free
 * disk of one segment.
 * @param options.knownSequence as for {@link Journal.open}: a journal that ends before it gets a gap up to it
 * @throws JournalError "UNSUPPORTED_VERSION"
 */
export async function repairJournal(
  directory: string,
  options: { knownSequence?: number } = {},
): Promise<RepairReport> {
  const knownSequence = options.knownSequence ?? 0;
  const report: RepairReport = { rewritten: [], missing: [] };
  const { segments: found } = await listSegments(directory);
  let expected = found[0]?.firstSequence ?? 1;
  let newestReceivedAt = 0n;

  for (const [place, { file, firstSequence }] of found.entries()) {
    if (firstSequence > expected) await addGapSegment(firstSequence - 1);
    const next = found[place + 1];
    const wanted = next === undefined ? knownSequence : next.firstSequence - 1;
    const state = await inspect(file, firstSequence, next === undefined, knownSequence);
    if ('scan' in state) {
      const { segment, missing } = state.scan;
      report.missing.push(...missing);
      expected = segment.lastSequence + 1;
      newestReceivedAt = segment.newestReceivedAtUnixNano;
      continue;
    }

    const bytes = await readFile(file);
    const salvaged = salvage(bytes, firstSequence, next === undefined ? null : wanted);
    const lastSequence = Math.max(wanted, salvaged.lastSequence);
    let movedTo = '';
    const { handle } = await createSegment(
      directory,
      firstSequence,
      newestReceivedAt,
      async (target, salt) => {
        report.missing.push(
          ...(await writeSalvaged(target, salt, salvaged.frames, firstSequence, lastSequence)),
        );
        movedTo = await keepAside(file);
      },
    );
    await handle.close();
    for (const frame of salvaged.frames) {
      if (frame.receivedAtUnixNano > newestReceivedAt) newestReceivedAt = frame.receivedAtUnixNano;
    }
    report.rewritten.push({ file, movedTo, ...state.broken, salvagedFrames: salvaged.frames.length });
    expected = lastSequence + 1;
  }
  if (expected <= knownSequence) await addGapSegment(knownSequence);
  return report;

  async function addGapSegment(lastSequence: number): Promise<void> {
    const { handle } = await createSegment(directory, expected, newestReceivedAt, async (target, salt) => {
      report.missing.push(...(await writeSalvaged(target, salt, [], expected, lastSequence)));
    });
    await handle.close();
    expected = lastSequence + 1;
  }
}

/** Whether a segment can stay as it is. */
async function inspect(
  file: string,
  firstSequence: number,
  isLast: boolean,
  knownSequence: number,
): Promise<{ scan: SegmentScan } | { broken: { offset: number; reason: string } }> {
  const handle = await open(file, 'r');
  try {
    const header = await readSegmentHeader(handle, file, firstSequence);
    const fileBytes = (await handle.stat()).size;
    const scan = await scanSegment(handle, emptySegment(file, header), fileBytes);
    if (scan.broken === null) return { scan };
    const { offset, reason } = scan.broken;
    if (!isLast) return { broken: { offset, reason } };
    const { bytes, lastSequence } = scan.segment;
    const later = await new SegmentReader(handle, header.salt, fileBytes).laterGroup(bytes, lastSequence + 1);
    // A torn end is for the next opening to cut, unless more than it leaves is known to have been there.
    if (later === null && lastSequence >= knownSequence) return { scan };
    return { broken: { offset, reason } };
  } catch (error) {
    if (error instanceof JournalError && error.code === 'CORRUPT') {
      return { broken: { offset: error.offset ?? 0, reason: 'the segment header is broken' } };
    }
    throw error;
  } finally {
    await handle.close();
  }
}

/**
 * Every frame of a segment whose checksum holds, by looking at every byte: neither the segment's header nor any
 * group header has to be whole. Payload bytes cannot pass for a frame: they do not know the salt.
 * @param lastSequence the last sequence of this segment, or null where none follows
 * @returns `lastSequence`: the highest sequence that any frame or any group header speaks of
 */
export function salvage(
  bytes: Buffer,
  firstSequence: number,
  lastSequence: number | null,
): { frames: JournalFrame[]; lastSequence: number } {
  const salt = findSalt(bytes);
  const frames: JournalFrame[] = [];
  let highest = firstSequence - 1;
  if (salt === null) return { frames, lastSequence: highest };

  for (
    let offset = SEGMENT_HEADER_BYTES;
    offset + GROUP_HEADER_BYTES <= bytes.length;
    offset += BLOCK_BYTES
  ) {
    const header = decodeGroupHeader(bytes, offset, salt);
    if (header === null) continue;
    const last = header.firstSequence + header.frames + header.skipped - 1;
    if (last > highest && (lastSequence === null || last <= lastSequence)) highest = last;
  }
  // Groups whose headers are lost cannot hold more frames than there is room for.
  const limit = lastSequence ?? highest + Math.floor(bytes.length / FRAME_HEADER_BYTES);
  let next = firstSequence;
  for (let offset = SEGMENT_HEADER_BYTES; offset + FRAME_HEADER_BYTES <= bytes.length; ) {
    const sequence = frameSequence(bytes, offset);
    const end = offset + FRAME_HEADER_BYTES + framePayloadBytes(bytes, offset);
    const plausible = sequence !== null && sequence >= next && sequence <= limit && end <= bytes.length;
    const frame = plausible ? decodeFrame(bytes, offset, salt) : null;
    if (frame === null) {
      offset++;
      continue;
    }
    frames.push(frame);
    next = frame.sequence + 1;
    offset = end;
  }
  return { frames, lastSequence: Math.max(highest, next - 1) };
}

/** The segment header's salt, else the one that most group headers name. */
function findSalt(bytes: Buffer): number | null {
  const header = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES));
  if (header !== null && header.version === FORMAT_VERSION) return header.salt;
  const votes = new Map<number, number>();
  for (
    let offset = SEGMENT_HEADER_BYTES;
    offset + GROUP_HEADER_BYTES <= bytes.length;
    offset += BLOCK_BYTES
  ) {
    const salt = groupSalt(bytes, offset);
    if (salt !== null) votes.set(salt, (votes.get(salt) ?? 0) + 1);
  }
  let best: number | null = null;
  for (const [salt, count] of votes) if (best === null || count > votes.get(best)!) best = salt;
  return best;
}

/** Writes frames as groups, and gaps between, up to `lastSequence`. @returns the gaps */
async function writeSalvaged(
  handle: FileHandle,
  salt: number,
  frames: readonly JournalFrame[],
  firstSequence: number,
  lastSequence: number,
): Promise<SequenceRange[]> {
  const encoder = new GroupEncoder();
  const gaps: SequenceRange[] = [];
  let position = SEGMENT_HEADER_BYTES;
  let next = firstSequence;
  const write = async (buffers: Buffer[]) => {
    await writeAll(handle, buffers, position);
    position += buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  };
  const skipTo = async (sequence: number) => {
    if (sequence > next) gaps.push({ first: next, last: sequence - 1 });
    while (next < sequence) {
      const skipped = Math.min(SKIPPED_LIMIT, sequence - next);
      await write([encodeEmptyGroup(next, skipped, salt)]);
      next += skipped;
    }
  };
  for (let start = 0; start < frames.length; ) {
    let end = start;
    for (let bytes = 0; end < frames.length; end++) {
      if (end > start && frames[end].sequence !== frames[end - 1].sequence + 1) break;
      bytes += FRAME_HEADER_BYTES + frames[end].payload.byteLength;
      if (end > start && bytes > GROUP_BODY_BYTES) break;
    }
    await skipTo(frames[start].sequence);
    await write(encoder.encode(frames.slice(start, end), next, salt));
    next += end - start;
    start = end;
  }
  await skipTo(lastSequence + 1);
  return gaps;
}

/** Gives the bytes a second name, so that at no moment the segment is without one. @returns that name */
async function keepAside(file: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const movedTo = attempt === 1 ? `${file}.corrupt` : `${file}.corrupt-${attempt}`;
    try {
      await link(file, movedTo).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') throw error;
        // A file system without hard links.
        return copyFile(file, movedTo, constants.COPYFILE_EXCL);
      });
      return movedTo;
    } catch (error) {
      // The name is an earlier repair's, perhaps one that a crash cut short.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
