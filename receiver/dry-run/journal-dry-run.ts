/**
 * A dry run over a running receiver's journal, in a thread of its own: neither the receiver's event loop nor its
 * journal waits for it.
 */
import { Worker } from 'node:worker_threads';
import type { RegistrySnapshot } from '../../storage/ledger.ts';
import type { MeterRule } from '../metering/rules/index.ts';
import type { JournalFramesOptions } from './journal-frames.ts';
import type { DryRunReport } from './report.ts';
import { scratchDirectory } from './scratch-directory.ts';

export interface JournalDryRun {
  rule: MeterRule;
  registry: RegistrySnapshot;
  /** What is looked at. Running totals that began before its beginning count from their first reading on. */
  journal: JournalFramesOptions;
  /** As those of DryRunOptions. */
  maxSignals?: number;
  timeLimitMs?: number;
  maxCustomers?: number;
}

/** `workerData` of the thread. */
export interface DryRunThreadData extends JournalDryRun {
  scratchParent: string;
}

export type FromDryRunThread =
  | { type: 'report'; report: DryRunReport }
  | { type: 'failed'; message: string; retryable: boolean };

/** Sent once: nobody wants the report any more. */
export type ToDryRunThread = 'stop';

/** The thread could not make a report. */
export class DryRunError extends Error {
  readonly code = 'DRY_RUN_FAILED';
  readonly retryable: boolean;
  constructor(message: string, retryable: boolean) {
    super(message);
    this.name = 'DryRunError';
    this.retryable = retryable;
  }
}

/** How long the thread may take to close what it has open. */
const STOP_LIMIT_MS = 5_000;
/** The receiver's own heap must not pay for what a dry run remembers. */
const HEAP_LIMIT_MB = 1024;

/**
 * @param signal ends it; nothing is left behind then either
 * @throws what `signal` was aborted with; DryRunError
 */
export async function journalDryRun(run: JournalDryRun, signal: AbortSignal): Promise<DryRunReport> {
  signal.throwIfAborted();
  // Made here and not in the thread, so that it goes away with a thread that dies, too.
  await using scratch = await scratchDirectory();
  const workerData: DryRunThreadData = { ...run, scratchParent: scratch.path };
  // Sources run as they are, or compiled beside each other: the thread's file ends as this one does.
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const worker = new Worker(new URL(`./dry-run-worker.${ending}`, import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_LIMIT_MB },
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const stop = () => worker.postMessage('stop' satisfies ToDryRunThread);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = await answerOf(worker);
    signal.throwIfAborted();
    if (answer.type === 'report') return answer.report;
    throw new DryRunError(answer.message, answer.retryable);
  } finally {
    signal.removeEventListener('abort', stop);
    const timer = setTimeout(() => void worker.terminate(), STOP_LIMIT_MS);
    await exited;
    clearTimeout(timer);
  }
}

function answerOf(worker: Worker): Promise<FromDryRunThread> {
  return new Promise((resolve) => {
    worker.once('message', (message: FromDryRunThread) => resolve(message));
    const died = (message: string) => resolve({ type: 'failed', message, retryable: true });
    worker.once('error', (error) => died(`the dry run's thread died: ${error.message}`));
    worker.once('exit', () => died("the dry run's thread ended"));
  });
}
