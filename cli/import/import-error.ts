/** What stops an import, or one of its files. Bad rows are no errors: they are listed. */
export class ImportError extends Error {
  /**
   * - NO_INPUT: a path is missing, or nothing there can be imported
   * - WRONG_USAGE: flags that are not understood or contradict each other
   * - WRONG_MAPPING: a file does not have the columns that the mapping needs
   * - UNREADABLE: a file cannot be read, or not to its end
   * - FILE_CHANGED: a file was written to while it was imported
   * - REFUSED: the receiver refuses what an import sends, for no fault of a row
   */
  readonly code: 'NO_INPUT' | 'WRONG_USAGE' | 'WRONG_MAPPING' | 'UNREADABLE' | 'FILE_CHANGED' | 'REFUSED';
  readonly retryable = false;
  constructor(code: ImportError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ImportError';
    this.code = code;
  }
}
