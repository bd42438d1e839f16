/**
 * When stored usage is put into the order of questions (clustering.ts): beside the loads, when there is enough of it, and
 * not while the machine is busy with taking usage.
 */
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { CpuShare, isBusy } from '../cpu-share.ts';
import { freeDiskBytes } from '../journal/free-disk.ts';
import { clusterUsage } from './clustering.ts';

/** How often it looks whether there is something to do. */
const LOOK_MS = 1_000;
/** For so many times the duration of one move there is none after it, while usage comes. */
const PAUSES = 4;
/** Without usage for so long, fewer rows are moved, too. */
const QUIET_MS = 20_000;
/** Of the rows that are moved at once: fewer are read as fast as they lie. */
const FEWEST_SHARE = 0.25;
/** Of the disk, below which nothing is moved: the rows take their room twice until the next checkpoint. */
const LEAST_FREE_BYTES = 2 ** 30;
/** After one that failed. */
const FAILED_PAUSE_MS = 60_000;

export interface ClustererOptions {
  /** The ledger's file. */
  path: string;
  /** Rows that are moved at once; only tests have other than CLUSTER_ROWS. */
  clusterRows: number;
  connect: () => Promise<DuckDBConnection>;
  /** Whether a load is under way. */
  isLoading: () => boolean;
  /** Processors that this process has used since this was asked last. Default: as the system says. */
  cpuShare?: () => number;
  onMoved: (rows: number, milliseconds: number) => void;
  onFailed: (error: Error) => void;
}

export class Clusterer {
  readonly #options: ClustererOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #cpuShare: () => number;
  #rows: number;
  #loadedAt = Date.now();
  #notBefore = 0;
  #move: Promise<void> | null = null;
  #connection: DuckDBConnection | null = null;
  #isStopped = false;

  /** @param rows that are stored and were not moved */
  constructor(rows: number, options: ClustererOptions) {
    this.#options = options;
    const cpu = new CpuShare();
    this.#cpuShare = options.cpuShare ?? (() => cpu.since());
    this.#rows = rows;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  noteLoaded(rows: number): void {
    this.#rows += rows;
    if (rows > 0) this.#loadedAt = Date.now();
  }

  /** Resolves when no rows are being moved. None are until a load ends that is under way. */
  async settled(): Promise<void> {
    await this.#move;
  }

  /** Ends. What is being moved stays where it was. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#connection?.interrupt();
    await this.#move;
  }

  #look(): void {
    const now = Date.now();
    const { clusterRows, isLoading } = this.#options;
    const processors = this.#cpuShare();
    if (this.#move !== null || isBusy(processors) || isLoading()) return;
    const isQuiet = now - this.#loadedAt > QUIET_MS;
    if (now < this.#notBefore && !isQuiet) return;
    if (this.#rows < (isQuiet ? FEWEST_SHARE * clusterRows : clusterRows)) return;
    this.#move = this.#run(now).finally(() => {
      this.#move = null;
    });
  }

  async #run(started: number): Promise<void> {
    const { path, clusterRows, connect, onMoved, onFailed } = this.#options;
    try {
      const free = await freeDiskBytes(dirname(path));
      if (free < LEAST_FREE_BYTES)
        throw new Error(`too little free disk (${Math.round(free / 1e6)} MB) to put usage into order`);
      this.#connection = await connect();
      const moved = await clusterUsage(this.#connection, clusterRows);
      this.#rows = moved === 0 ? 0 : this.#rows - moved;
      const milliseconds = Date.now() - started;
      this.#notBefore = Date.now() + PAUSES * milliseconds;
      onMoved(moved, milliseconds);
    } catch (error) {
      this.#notBefore = Date.now() + FAILED_PAUSE_MS;
      this.#loadedAt = Date.now();
      if (!this.#isStopped) onFailed(error as Error);
    } finally {
      this.#connection?.closeSync();
      this.#connection = null;
    }
  }
}
