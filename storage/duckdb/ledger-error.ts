/** The errors of the ledger. */

export type LedgerErrorCode =
  /** The database could not be opened or read: disk, permissions, a lock. */
  | 'OPEN_FAILED'
  /** The file was written by another release, or is no ledger. Rebuild it from the journal. */
  | 'UNSUPPORTED_VERSION'
  /** A load or commit failed (full disk, I/O error): nothing more is taken until the ledger is opened again. */
  | 'LOAD_FAILED'
  /** The ledger thread ended on its own. */
  | 'THREAD_DIED'
  /** A question could not be answered. */
  | 'QUERY_FAILED'
  /** The ledger was closed. */
  | 'CLOSED';

const RETRYABLE: ReadonlySet<LedgerErrorCode> = new Set(['OPEN_FAILED', 'LOAD_FAILED', 'THREAD_DIED']);

/** Trouble of the ledger's thread, database or disk. `cause` keeps the original error. */
export class LedgerError extends Error {
  readonly code: LedgerErrorCode;
  /** True where the same call can succeed later, once the ledger was opened again. */
  readonly retryable: boolean;

  constructor(code: LedgerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'LedgerError';
    this.code = code;
    this.retryable = RETRYABLE.has(code);
  }
}
