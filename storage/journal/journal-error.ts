/** The errors of the journal. */

export type JournalErrorCode =
  /** Frames that were on disk cannot be read back: the message names file, offset and the repair command. */
  | 'CORRUPT'
  /** The files were written by a newer release. */
  | 'UNSUPPORTED_VERSION'
  /** A write or fsync failed (full disk, I/O error): nothing more is taken until the journal is opened again. */
  | 'WRITE_FAILED'
  /** The directory or a segment could not be read. */
  | 'READ_FAILED'
  /** The frames asked for were deleted by {@link Journal.release}. */
  | 'RELEASED'
  /** The journal was closed. */
  | 'CLOSED';

/** Trouble of the disk or of the files. `cause` keeps the system's own error where there is one. */
export class JournalError extends Error {
  readonly code: JournalErrorCode;
  /** True where the same call can succeed later, without anybody repairing files. */
  readonly retryable: boolean;
  /** Path of the segment that is meant, if one is. */
  readonly file: string | null;
  /** Bytes from the start of {@link file}. */
  readonly offset: number | null;

  constructor(
    code: JournalErrorCode,
    message: string,
    details: { file?: string; offset?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'JournalError';
    this.code = code;
    this.retryable = code === 'WRITE_FAILED' || code === 'READ_FAILED';
    this.file = details.file ?? null;
    this.offset = details.offset ?? null;
  }
}

/** The refusal to go on over frames that were on disk and are not any more. */
export function corrupt(file: string, offset: number, reason: string): JournalError {
  return new JournalError(
    'CORRUPT',
    `journal segment ${file} is corrupt at byte ${offset}: ${reason}. Nothing was changed. ` +
      'To set the segment aside and keep every frame whose checksum holds, run: usage-meter journal repair',
    { file, offset },
  );
}
