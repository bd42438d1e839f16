/** Flags that do not go together, or say nothing of use. The command ends with exit code 2. */
export class UsageError extends Error {
  readonly code = 'USAGE';
  readonly retryable = false;
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
