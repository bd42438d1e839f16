/** The thread of a dry run over the journal: one run, one answer. */
import { parentPort, workerData } from 'node:worker_threads';
import { dryRun } from './dry-run.ts';
import type { DryRunThreadData, FromDryRunThread } from './journal-dry-run.ts';
import { journalFrames } from './journal-frames.ts';

const { journal, ...options } = workerData as DryRunThreadData;
const stopping = new AbortController();
parentPort!.once('message', () => stopping.abort(new Error('stopped')));
try {
  const report = await dryRun({
    ...options,
    frames: journalFrames(journal),
    sinceUnixNano: journal.fromUnixNano,
    signal: stopping.signal,
  });
  send({ type: 'report', report });
} catch (error) {
  send({
    type: 'failed',
    message: error instanceof Error ? error.message : String(error),
    retryable: (error as { retryable?: unknown } | null)?.retryable === true,
  });
}
// The port would keep the thread alive.
parentPort!.close();

function send(message: FromDryRunThread): void {
  parentPort!.postMessage(message);
}
