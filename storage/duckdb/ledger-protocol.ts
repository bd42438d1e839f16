/** What the main thread and the ledger thread say to each other. */
import type { Settings } from '../changes.ts';
import type { LakeOrder } from '../lake/lake-export.ts';
import type { LedgerBatch } from '../ledger-batch.ts';
import type { QueryErrorCode, QueryRequest } from '../query/index.ts';
import type { DatabaseOptions } from './database.ts';
import type { LedgerErrorCode } from './ledger-error.ts';

/** `workerData` of the ledger thread. */
export interface LedgerThreadOptions extends DatabaseOptions {
  /** How long a row waits for company before it is committed, milliseconds. */
  commitIntervalMs: number;
  /** Rows that are committed without waiting. */
  commitRows: number;
  /** Rows that are put into the order of questions at once. */
  clusterRows: number;
}

export type ToLedgerThread =
  | { type: 'append'; batch: LedgerBatch }
  /** Somebody waits for what was appended so far. */
  | { type: 'urge' }
  | { type: 'registry'; id: number }
  | { type: 'query'; id: number; request: QueryRequest }
  | { type: 'checkpoint'; id: number }
  | { type: 'lake'; id: number; order: LakeOrder }
  | { type: 'close' };

export type FromLedgerThread =
  | { type: 'opened'; position: number }
  | { type: 'loaded'; position: number; rows: number }
  | { type: 'answer'; id: number; answer: unknown }
  /** `fault`: the caller's mistake that only the ledger could see. */
  | {
      type: 'refusal';
      id: number;
      message: string;
      fault: { code: QueryErrorCode; parameter: string } | null;
    }
  /** So many stored rows were put into the order of questions. */
  | { type: 'clustered'; rows: number; milliseconds: number }
  /** Something failed that costs no more than time. */
  | { type: 'trouble'; message: string }
  /** The end. */
  | { type: 'closed'; problem: string | null }
  /** Nothing will be loaded any more. */
  | { type: 'failed'; code: LedgerErrorCode; message: string };

/** What is known at the ledger's position; what was deleted and not discovered again is not. */
export interface RegistrySnapshot {
  customers: string[];
  /** Other ids that mean a customer. */
  aliases: [alias: string, customerId: string][];
  dimensions: RegistryDimension[];
  /** The units of deleted dimensions that have usage; absent: there are none. */
  keptUnits?: [dimensionId: string, unit: string][];
  instruments: { hash: string; temporality: 1 | 2 }[];
  /** The latest version of each meter, deleted ones too: a version is never given twice. */
  meters: RegistryMeter[];
  settings: Settings;
}

export interface RegistryDimension {
  id: string;
  /** UCUM. */
  unit: string;
  aggregation: string;
  creditsAllowed: boolean;
  /** Created because usage came for it. */
  discovered: boolean;
}

export interface RegistryMeter {
  id: string;
  version: number;
  /** JSON. */
  rule: string;
  /** See SlotDefinition.sinceUnixNano. */
  sinceUnixNano: bigint;
  deleted: boolean;
}
