/**
 * The source of truth: everything that changed state, in the order in which it was taken, on disk before it is
 * acknowledged.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import {
  BLOCK_BYTES,
  encodeEmptyGroup,
  FRAME_HEADER_BYTES,
  GROUP_HEADER_BYTES,
  GroupEncoder,
  groupBytes,
  type JournalFrame,
  type NewFrame,
  PAYLOAD_LIMIT_BYTES,
  SEGMENT_HEADER_BYTES,
} from './frame.ts';
import { corrupt, JournalError } from './journal-error.ts';
import { type Recovered, type RecoveryOptions, type RecoveryReport, recover } from './recovery.ts';
import { createSegment, indexGroup, offsetAtOrBefore, type Segment, syncDirectory } from './segment.ts';
import { SegmentReader } from './segment-reader.ts';
import { writeAll } from './write-all.ts';

export type { JournalFrame, NewFrame } from './frame.ts';
export { JournalError, type JournalErrorCode } from './journal-error.ts';
export type { RecoveryReport, SequenceRange } from './recovery.ts';

export interface JournalOptions extends RecoveryOptions {
  /** When a segment has no room for the next group, another begins. Default 64 MiB. A larger group still fits. */
  segmentBytes?: number;
  /** A commit takes at most this much at once, or one frame. Default 8 MiB. */
  groupBytes?: number;
}

/** Frames that one commit writes. `lastSequence` is `firstSequence + frames.length - 1`. */
interface Group {
  firstSequence: number;
  frames: NewFrame[];
  /** Frame headers and payloads. */
  bodyBytes: number;
  /** The promise that all who wait for one of its frames share; made when the first asks. */
  settled: PromiseWithResolvers<void> | null;
}

/**
 * An append-only journal. One at a time per directory: hold a lock (storage/directory-lock.ts) while it is open.
 *
 * ```ts
 * const sequence = journal.append({ receivedAtUnixNano, kind, encoding, payload });
 * await journal.durable(sequence); // now a 2xx is true
 * ```
 *
 * After a failed write the journal takes nothing more. Close it and open it again: that cuts what was half-written.
 * Frames that were waiting then may be there or not; what is there has to be read with {@link frames}.
 */
export class Journal {
  readonly #directory: string;
  readonly #segmentBytes: number;
  readonly #groupBytes: number;
  readonly #encoder = new GroupEncoder();
  readonly #listeners: ((sequence: number) => void)[] = [];
  /** Oldest first, the last one is written to. Never empty. */
  readonly #segments: Segment[];
  #handle: FileHandle;
  /** What waits, oldest first; the last one takes new frames. */
  readonly #groups: Group[] = [];
  #lastSequence: number;
  #durableSequence: number;
  #sealed: boolean;
  /** What the groups that wait will take. */
  #queuedBytes = 0;
  /** The group that is on its way to the disk, and takes no more frames. */
  #writing: Group | null = null;
  #committing: Promise<void> | null = null;
  #failure: JournalError | null = null;
  #closing: Promise<void> | null = null;

  /** What {@link open} found. */
  readonly recovery: RecoveryReport;

  private constructor(directory: string, options: JournalOptions, recovered: Recovered) {
    this.#directory = directory;
    this.#segmentBytes = options.segmentBytes ?? 64 * 1024 * 1024;
    this.#groupBytes = Math.min(
      options.groupBytes ?? 8 * 1024 * 1024,
      this.#segmentBytes - SEGMENT_HEADER_BYTES - BLOCK_BYTES,
    );
    this.#segments = recovered.segments;
    this.#handle = recovered.handle;
    this.#sealed = recovered.sealed;
    this.#lastSequence = this.#durableSequence = this.#active.lastSequence;
    this.recovery = recovered.report;
  }

  /**
   * Opens the journal of a directory, which is created if it is not there. A torn write at the end is cut off
   * (see {@link RecoveryReport.cut}); everything that was found is durable when this resolves.
   * @throws JournalError "CORRUPT" where frames that were durable are broken or gone, "UNSUPPORTED_VERSION",
   *   "READ_FAILED", "WRITE_FAILED"
   */
  static async open(directory: string, options: JournalOptions = {}): Promise<Journal> {
    try {
      return new Journal(directory, options, await recover(directory, options));
    } catch (error) {
      if (error instanceof JournalError) throw error;
      throw new JournalError('READ_FAILED', `journal ${directory} cannot be opened: ${error}`, {
        cause: error,
      });
    }
  }

  /** The oldest sequence that {@link frames} can still give: 1 until segments are released. */
  get firstSequence(): number {
    return this.#segments[0].firstSequence;
  }

  /** Of the last appended frame, durable or not; 0 in an empty journal. */
  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** All frames up to this one are fsynced. */
  get durableSequence(): number {
    return this.#durableSequence;
  }

  /** Bytes of all segments, without what still waits to be written. */
  get bytesOnDisk(): number {
    return this.#segments.reduce((bytes, segment) => bytes + segment.bytes, 0);
  }

  /** Why the journal takes nothing more; null while it does. */
  get failure(): JournalError | null {
    return this.#failure;
  }

  /**
   * Bytes that stand, or wait to be written, behind a sequence: what a reader that has come this far has before it.
   * Too much by 256 KiB and a group at most, never too little. Costs no I/O.
   */
  bytesAfter(sequence: number): number {
    let bytes = this.#queuedBytes;
    for (let place = this.#segments.length - 1; place >= 0; place--) {
      const segment = this.#segments[place];
      if (segment.lastSequence <= sequence) break;
      const from =
        segment.firstSequence > sequence ? SEGMENT_HEADER_BYTES : offsetAtOrBefore(segment, sequence + 1);
      bytes += segment.bytes - from;
    }
    return bytes;
  }

  /**
   * Queues a frame and gives it the next sequence. Frames of one turn of the event loop are written together.
   * Neither the frame nor its payload is copied: do not change them until they are durable.
   * @throws JournalError "WRITE_FAILED" (retryable, after opening again) or "CLOSED"
   */
  append(frame: NewFrame): number {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) throw new JournalError('CLOSED', `journal ${this.#directory} is closed`);
    const payloadBytes = frame.payload.byteLength;
    if (payloadBytes > PAYLOAD_LIMIT_BYTES) {
      throw new RangeError(
        `a journal frame must hold at most ${PAYLOAD_LIMIT_BYTES} bytes (got ${payloadBytes})`,
      );
    }
    const sequence = ++this.#lastSequence;
    const frameBytes = FRAME_HEADER_BYTES + payloadBytes;
    const newest = this.#groups.at(-1);
    if (
      newest === undefined ||
      newest === this.#writing ||
      GROUP_HEADER_BYTES + newest.bodyBytes + frameBytes > this.#groupBytes
    ) {
      this.#groups.push({ firstSequence: sequence, frames: [frame], bodyBytes: frameBytes, settled: null });
    } else {
      newest.frames.push(frame);
      newest.bodyBytes += frameBytes;
    }
    this.#queuedBytes += frameBytes;
    if (this.#committing === null) this.#committing = this.#commitGroups();
    return sequence;
  }

  /**
   * Resolves once the frame is fsynced. All who wait for frames of one group share one promise.
   * @throws JournalError "WRITE_FAILED" (retryable): the frame may be on disk or not; it was not acknowledged
   */
  durable(sequence: number): Promise<void> {
    if (sequence <= this.#durableSequence) return RESOLVED;
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (sequence > this.#lastSequence) {
      throw new RangeError(`sequence ${sequence} was not appended: the last is ${this.#lastSequence}`);
    }
    let place = this.#groups.length - 1;
    while (this.#groups[place].firstSequence > sequence) place--;
    const group = this.#groups[place];
    group.settled ??= Promise.withResolvers<void>();
    return group.settled.promise;
  }

  /**
   * Calls `listener` once for every group that became durable, with its last sequence, before the promises of
   * {@link durable} for that group resolve. What it throws is reported as uncaught, not taken for a failed write.
   */
  onDurable(listener: (sequence: number) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * The durable frames from a sequence on, in order, checked as at opening; ends when it has caught up with
   * {@link durableSequence}. Sequences that a repair gave up are passed over. Memory: 1 MiB, or the largest frame.
   * @throws JournalError "RELEASED" if `fromSequence` is older than {@link firstSequence}; "CORRUPT"; "READ_FAILED"
   */
  async *frames(fromSequence: number): AsyncGenerator<JournalFrame, void, void> {
    let next = Math.max(1, fromSequence);
    while (next <= this.#durableSequence) {
      const segment = this.#segmentOf(next);
      const handle = await open(segment.file, 'r').catch((error: unknown) => {
        throw new JournalError('READ_FAILED', `journal segment ${segment.file} cannot be opened: ${error}`, {
          file: segment.file,
          cause: error,
        });
      });
      try {
        let offset = offsetAtOrBefore(segment, next);
        // Each round reads what was durable when it began: a reader must not look at bytes that are being written.
        for (let end = 0; end < segment.bytes; ) {
          end = segment.bytes;
          const reader = new SegmentReader(handle, segment.salt, end);
          for (
            let step = await reader.group(offset);
            step.type !== 'end';
            step = await reader.group(offset)
          ) {
            if (step.type === 'broken') throw corrupt(segment.file, step.offset, step.reason);
            offset = step.endOffset;
            const { firstSequence, frames, skipped } = step.header;
            if (firstSequence + frames + skipped <= next) continue;
            if (firstSequence > next) throw corrupt(segment.file, step.offset, `sequence ${next} is missing`);
            const cursor = reader.cursor(step);
            for (let read = 0; read < frames; read++) {
              const frame = cursor.next() ?? (await cursor.load());
              if ('reason' in frame) throw corrupt(segment.file, frame.offset, frame.reason);
              if (frame.sequence < next) continue;
              next = frame.sequence + 1;
              yield frame;
            }
            next = firstSequence + frames + skipped;
          }
        }
        if (next <= segment.lastSequence) {
          throw corrupt(segment.file, segment.bytes, `sequence ${next} is missing`);
        }
      } catch (error) {
        if (error instanceof JournalError) throw error;
        throw new JournalError('READ_FAILED', `journal segment ${segment.file} cannot be read: ${error}`, {
          file: segment.file,
          cause: error,
        });
      } finally {
        await handle.close();
      }
    }
  }

  /**
   * Deletes the oldest segments: whole ones whose frames are all loaded and all older than the retention, never the
   * one that is written to, and never one that follows a segment that stays.
   * @param options.loadedSequence all frames up to this one are safe elsewhere
   * @returns how many were deleted
   */
  async release(options: { loadedSequence: number; olderThanUnixNano: bigint }): Promise<number> {
    let released = 0;
    while (this.#segments.length > 1) {
      const oldest = this.#segments[0];
      if (oldest.lastSequence > options.loadedSequence) break;
      if (oldest.newestReceivedAtUnixNano >= options.olderThanUnixNano) break;
      await rm(oldest.file, { force: true });
      this.#segments.shift();
      released++;
    }
    if (released > 0) await syncDirectory(this.#directory);
    return released;
  }

  /** Writes what is queued, then closes. A failed journal closes too; its waiting promises were rejected. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#committing !== null) await this.#committing;
    if (this.#failure === null && !this.#sealed) {
      // The seal shows the next opening that the last group was whole. It protects frames that are durable already,
      // so a disk too full for it is no failure.
      try {
        const seal = encodeEmptyGroup(this.#durableSequence + 1, 0, this.#active.salt);
        await writeAll(this.#handle, [seal], this.#active.bytes);
        await this.#handle.datasync();
      } catch {}
    }
    await this.#handle.close();
  }

  get #active(): Segment {
    return this.#segments[this.#segments.length - 1];
  }

  #segmentOf(sequence: number): Segment {
    let place = this.#segments.length - 1;
    while (place >= 0 && this.#segments[place].firstSequence > sequence) place--;
    if (place >= 0) return this.#segments[place];
    throw new JournalError(
      'RELEASED',
      `journal ${this.#directory} begins with sequence ${this.firstSequence}; ${sequence} was released`,
    );
  }

  async #commitGroups(): Promise<void> {
    // Everything that this turn of the event loop appends goes into the first group.
    await new Promise(setImmediate);
    while (this.#groups.length > 0) {
      const group = this.#groups[0];
      this.#writing = group;
      try {
        await this.#commit(group);
      } catch (error) {
        this.#fail(error);
        break;
      }
      this.#groups.shift();
      this.#writing = null;
      this.#queuedBytes -= group.bodyBytes;
      this.#durableSequence = this.#active.lastSequence;
      for (const listener of this.#listeners) {
        try {
          listener(this.#durableSequence);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
      group.settled?.resolve();
    }
    this.#committing = null;
  }

  async #commit(group: Group): Promise<void> {
    const bytes = groupBytes(group.bodyBytes);
    if (
      this.#active.bytes + bytes > this.#segmentBytes &&
      this.#active.lastSequence >= this.#active.firstSequence
    ) {
      await this.#rotate();
    }
    const segment = this.#active;
    const offset = segment.bytes;
    await writeAll(
      this.#handle,
      this.#encoder.encode(group.frames, group.firstSequence, segment.salt),
      offset,
    );
    await this.#handle.datasync();

    indexGroup(segment, group.firstSequence, offset);
    segment.bytes = offset + bytes;
    segment.lastSequence = group.firstSequence + group.frames.length - 1;
    for (const frame of group.frames) {
      if (frame.receivedAtUnixNano > segment.newestReceivedAtUnixNano) {
        segment.newestReceivedAtUnixNano = frame.receivedAtUnixNano;
      }
    }
    this.#sealed = false;
  }

  /** Everything in the segment that ends here is fsynced: {@link recover} relies on it. */
  async #rotate(): Promise<void> {
    const full = this.#active;
    const { segment, handle } = await createSegment(
      this.#directory,
      full.lastSequence + 1,
      full.newestReceivedAtUnixNano,
    );
    const fullHandle = this.#handle;
    this.#segments.push(segment);
    this.#handle = handle;
    await fullHandle.close();
  }

  /** After a failed fsync the kernel may have dropped the pages, and a second one would lie: nothing is tried again. */
  #fail(cause: unknown): void {
    const failure = new JournalError(
      'WRITE_FAILED',
      `journal ${this.#directory} cannot be written: ${cause}. Nothing is taken until it is opened again`,
      { file: this.#active.file, offset: this.#active.bytes, cause },
    );
    this.#failure = failure;
    for (const group of this.#groups.splice(0)) group.settled?.reject(failure);
    this.#queuedBytes = 0;
  }
}

const RESOLVED = Promise.resolve();
