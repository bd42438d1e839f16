/**
 * The requests of a journal that somebody else writes to, from an instant on: files are only read, and only up to what
 * was durable when reading began, so that the writer neither waits nor notices.
 */
import { open } from 'node:fs/promises';
import { type JournalFrame, SEGMENT_HEADER_BYTES } from '../../storage/journal/frame.ts';
import { corrupt, JournalError } from '../../storage/journal/journal-error.ts';
import { listSegments, readSegmentHeader } from '../../storage/journal/segment.ts';
import { SegmentReader } from '../../storage/journal/segment-reader.ts';
import { encodingOf, FRAME_LOGS, FRAME_METRICS, FRAME_TRACES, type OtlpFrame } from '../frames.ts';
import type { DryRunFrame } from './dry-run.ts';

export interface JournalFramesOptions {
  /** Of the journal. */
  directory: string;
  /** Requests that came before are left out, Unix nanoseconds. */
  fromUnixNano: bigint;
  /** The last one that is looked at: it must be durable already. */
  throughSequence: number;
}

interface SegmentFile {
  file: string;
  firstSequence: number;
}

const OTLP_KINDS: ReadonlySet<number> = new Set([FRAME_METRICS, FRAME_LOGS, FRAME_TRACES]);

/**
 * OTLP requests in the order of the journal; records by hand and changes are passed over. Segments that are released
 * meanwhile are passed over too.
 * @throws JournalError "CORRUPT", "READ_FAILED", "UNSUPPORTED_VERSION"
 */
export async function* journalFrames(options: JournalFramesOptions): AsyncGenerator<DryRunFrame> {
  for (const segment of await segmentsFrom(options)) {
    try {
      yield* segmentFrames(segment, options);
    } catch (error) {
      if (isNotThere(error)) continue;
      if (error instanceof JournalError) throw error;
      throw readFailed(segment.file, error);
    }
  }
}

/** Those that can hold what is asked for, oldest first. A header says how far the segments before it go. */
async function segmentsFrom({
  directory,
  fromUnixNano,
  throughSequence,
}: JournalFramesOptions): Promise<SegmentFile[]> {
  const { segments } = await listSegments(directory);
  const present = segments.filter(({ firstSequence }) => firstSequence <= throughSequence);
  for (let place = present.length - 1; place > 0; place--) {
    const newestBefore = await newestReceivedAtBefore(present[place]);
    if (newestBefore !== null && newestBefore < fromUnixNano) return present.slice(place);
  }
  return present;
}

/** null where the segment is not there any more. */
async function newestReceivedAtBefore({ file, firstSequence }: SegmentFile): Promise<bigint | null> {
  try {
    const handle = await open(file, 'r');
    try {
      return (await readSegmentHeader(handle, file, firstSequence)).newestReceivedAtBefore;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isNotThere(error)) return null;
    if (error instanceof JournalError) throw error;
    throw readFailed(file, error);
  }
}

async function* segmentFrames(
  { file, firstSequence }: SegmentFile,
  { fromUnixNano, throughSequence }: JournalFramesOptions,
): AsyncGenerator<DryRunFrame> {
  const handle = await open(file, 'r');
  try {
    const { salt } = await readSegmentHeader(handle, file, firstSequence);
    const reader = new SegmentReader(handle, salt, (await handle.stat()).size);
    let offset = SEGMENT_HEADER_BYTES;
    let next = firstSequence;
    // What stands behind the last durable frame may be half written, and is not looked at.
    while (next <= throughSequence) {
      const step = await reader.group(offset);
      if (step.type === 'end') return;
      if (step.type === 'broken') throw corrupt(file, step.offset, step.reason);
      const { frames, skipped } = step.header;
      const cursor = reader.cursor(step);
      for (let read = 0; read < frames; read++) {
        const frame = cursor.next() ?? (await cursor.load());
        if ('reason' in frame) throw corrupt(file, frame.offset, frame.reason);
        if (frame.sequence > throughSequence) return;
        // Clocks can be set back, so that what follows an early frame is looked at too.
        if (frame.receivedAtUnixNano >= fromUnixNano && OTLP_KINDS.has(frame.kind))
          yield toDryRunFrame(frame);
      }
      next = step.header.firstSequence + frames + skipped;
      offset = step.endOffset;
    }
  } finally {
    await handle.close();
  }
}

function toDryRunFrame({ sequence, kind, encoding, payload, receivedAtUnixNano }: JournalFrame): DryRunFrame {
  return {
    kind: kind as OtlpFrame,
    encoding: encodingOf(encoding),
    payload,
    receivedAtUnixNano,
    origin: `journal frame ${sequence}`,
  };
}

/** The retention's end came for it. */
function isNotThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function readFailed(file: string, cause: unknown): JournalError {
  return new JournalError('READ_FAILED', `journal segment ${file} cannot be read: ${cause}`, { file, cause });
}
