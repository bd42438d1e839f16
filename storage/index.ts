/** Journal and ledger, for tools that read or rebuild what a receiver stored. */
export * from './journal/journal.ts';
export * from './ledger.ts';
export type { LedgerBatch } from './ledger-batch.ts';
export { QUARANTINE_CODES, type QuarantineCode } from './quarantine-codes.ts';
