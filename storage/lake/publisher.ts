/**
 * Keeps the lake up to date while the receiver runs: an export some seconds after usage came, with pauses in between
 * that leave the machine to ingest.
 */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CpuShare, isBusy } from '../cpu-share.ts';
import { freeDiskBytes } from '../journal/free-disk.ts';
import { MAX_PART_ROWS } from './compaction.ts';
import { deleteUnknownFiles, type LakeOrder, type LakeReport } from './lake-export.ts';

/** How often it looks whether the ledger has come on. */
const LOOK_MS = 500;
/**
 * Between exports: with it, and with the two seconds for which the ledger gathers rows, the lake is hardly ever more than
 * ten seconds behind. An export of what comes in that time, at 50,000 points a second, takes less than a second.
 */
const PAUSE_MS = 3_000;
/** While there is more than one export can take, the pause is so many times its duration: a fifth of the time. */
const CATCH_UP_PAUSES = 4;
/** While the process is busy in the pauses, analysts see usage so much later at most. */
const LONGEST_WAIT_MS = 60_000;
/** The part of the time that merging older files may take, beside what new usage needs. */
const REWRITE_SHARE = 0.1;
/** Rows that are written anew in one export, at most. */
const MOST_REWRITE_ROWS = 2 * MAX_PART_ROWS;
/** Rows that are written in a millisecond, until it is known better. */
const FIRST_ROWS_PER_MS = 300;
/** Without usage for so long, files are merged as far as they go. */
const QUIET_MS = 60_000;
/** Of the disk, below which nothing is exported: well above what the receiver needs to take usage. */
const LEAST_FREE_BYTES = 2 ** 30;
/** After an export that failed. */
const FAILED_PAUSE_MS = 10_000;

/** What the publisher needs of the ledger. */
export interface LakeSource {
  readonly position: number;
  exportLake(order: LakeOrder): Promise<LakeReport>;
}

export interface PublisherOptions {
  /** The lake's folder, absolute. */
  directory: string;
  ledger: LakeSource;
  /** How long replaced files are kept for those who have an earlier catalogue open. */
  keepReplacedMs: number;
  /** Processors that this process has used since this was asked last. Default: as the system says. */
  cpuShare?: () => number;
  onPublished?: (report: LakeReport, milliseconds: number) => void;
  onFailed: (error: Error) => void;
}

/** How far the lake is. */
export interface LakeState {
  /** When it had everything that the ledger had, the last time; null: never since the start. */
  completeAt: Date | null;
  /** Whether it still has. */
  isComplete: boolean;
}

export class LakePublisher {
  readonly #options: PublisherOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  /** When usage came into the lake last. */
  #grewAt = Date.now();
  #rowsPerMs = FIRST_ROWS_PER_MS;
  /** Milliseconds of merging that are allowed by now. */
  #rewriteMs = 0;
  #report: LakeReport | null = null;
  #completeAt: Date | null = null;
  readonly #cpuShare: () => number;
  /** When the last export ended, milliseconds of the epoch. */
  #exportedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: PublisherOptions) {
    this.#options = options;
    const cpu = new CpuShare();
    this.#cpuShare = options.cpuShare ?? (() => cpu.since());
    this.#done = this.#run();
  }

  /** Begins. One at a time for a folder; nobody else writes there. */
  static start(options: PublisherOptions): LakePublisher {
    return new LakePublisher(options);
  }

  get state(): LakeState {
    const isComplete = this.#report !== null && this.#report.position === this.#options.ledger.position;
    return { completeAt: this.#completeAt, isComplete };
  }

  /** Ends after the export that is under way. The lake stays as it is then. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  /** Ends with a last export, so that the lake of a receiver that was stopped has what its ledger has. */
  async finish(): Promise<void> {
    await this.stop();
    const { ledger, onFailed } = this.#options;
    if (ledger.position === this.#report?.position) return;
    this.#rewriteMs = 0;
    await this.#export().catch(onFailed);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { directory, onFailed } = this.#options;
    await deleteUnknownFiles(directory).catch(onFailed);
    while (!signal.aborted) {
      const started = Date.now();
      let pause = LOOK_MS;
      const processors = this.#cpuShare();
      if (this.#isDue(started) && (!isBusy(processors) || started - this.#exportedAt > LONGEST_WAIT_MS)) {
        try {
          await this.#export();
          const taken = Date.now() - started;
          pause = this.#report?.isBehind ? CATCH_UP_PAUSES * taken : PAUSE_MS;
        } catch (error) {
          // A ledger that failed or was closed is told to whoever owns it.
          if (!signal.aborted) onFailed(error as Error);
          pause = FAILED_PAUSE_MS;
        }
        // What an export itself takes is no reason for the next one to wait.
        this.#cpuShare();
        this.#exportedAt = Date.now();
      }
      await sleep(pause, undefined, { signal }).catch(() => {});
      // So much that the largest part is in reach, however slow it goes.
      const most = MOST_REWRITE_ROWS / this.#rowsPerMs;
      this.#rewriteMs = Math.min(most, this.#rewriteMs + (Date.now() - started) * REWRITE_SHARE);
    }
  }

  #isDue(now: number): boolean {
    if (this.#report === null || this.#options.ledger.position !== this.#report.position) return true;
    return this.#report.isStale || (now - this.#grewAt > QUIET_MS && !this.#report.isCompact);
  }

  async #export(): Promise<void> {
    const { ledger, directory, keepReplacedMs, onPublished } = this.#options;
    // The lake can wait; without room the receiver would have to refuse usage.
    const free = await freeDiskBytes(dirname(directory));
    if (free < LEAST_FREE_BYTES)
      throw new Error(
        `too little free disk (${Math.round(free / 1e6)} MB): the lake stays as it is until there is more`,
      );
    const started = performance.now();
    const asked = new Date();
    const { position } = ledger;
    const isQuiet = Date.now() - this.#grewAt > QUIET_MS;
    const report = await ledger.exportLake({
      directory,
      rewriteRows: Math.round(this.#rewriteMs * this.#rowsPerMs),
      isQuiet,
      anew: false,
      keepReplacedMs,
    });
    const milliseconds = performance.now() - started;
    const rows = report.newRows + report.rewrittenRows;
    // Small exports tell of files and not of rows.
    if (rows > 50_000) this.#rowsPerMs = rows / milliseconds;
    this.#rewriteMs -= report.rewrittenRows / this.#rowsPerMs;
    if (report.newRows > 0) this.#grewAt = Date.now();
    this.#report = report;
    if (report.position >= position && !report.isBehind) this.#completeAt = asked;
    if (report.published) onPublished?.(report, milliseconds);
  }
}
