/**
 * The ledger, as the rest of the product sees it: batches in, in journal order; positions, registry and answers out.
 *
 * DuckDB runs on a thread of its own, which alone opens the file. After a failure nothing more is taken: the owner
 * closes this ledger, opens a new one and hands it again whatever lies behind its position.
 */
import { Worker } from 'node:worker_threads';
import { CLUSTER_ROWS } from './duckdb/clustering.ts';
import { LedgerError } from './duckdb/ledger-error.ts';
import type {
  FromLedgerThread,
  LedgerThreadOptions,
  RegistrySnapshot,
  ToLedgerThread,
} from './duckdb/ledger-protocol.ts';
import type { LakeOrder, LakeReport } from './lake/lake-export.ts';
import { type LedgerBatch, transferList } from './ledger-batch.ts';
import type { QueryAnswer, QueryRequest } from './query/index.ts';
import { QueryError } from './query/query-error.ts';

export { LedgerError, type LedgerErrorCode } from './duckdb/ledger-error.ts';
export type { RegistryDimension, RegistrySnapshot } from './duckdb/ledger-protocol.ts';

export interface LedgerOptions {
  /** The DuckDB file; it is created where there is none. One ledger per path at a time. */
  path: string;
  /** Memory of DuckDB's buffers, as it spells it. Default 512MB. */
  memoryLimit?: string;
  /** DuckDB's threads, for loads and questions. Default 1: with 2 a load costs a quarter more CPU. */
  threads?: number;
  /** How long a row waits for company before it is committed, milliseconds. Default 250. */
  commitIntervalMs?: number;
  /** Rows that are committed at once, without waiting. Default 122,880: a row group, which bypasses DuckDB's log. */
  commitRows?: number;
  /** Size of DuckDB's log beyond which a commit also checkpoints, as DuckDB spells it. Default 64MB. */
  checkpointThreshold?: string;
  /** Rows that are put into the order of questions at once, beside the loads. Default 1,048,576. */
  clusterRows?: number;
}

interface Waiter {
  sequence: number;
  resolve: () => void;
  reject: (error: LedgerError) => void;
}

export class Ledger {
  readonly #worker: Worker;
  #position: number;
  /** Sequence of the last frame that was appended. */
  #appended: number;
  #unloadedRows = 0;
  #loadedListeners: ((position: number) => void)[] = [];
  #failedListeners: ((error: LedgerError) => void)[] = [];
  #clusteredListeners: ((rows: number, milliseconds: number) => void)[] = [];
  #troubleListeners: ((message: string) => void)[] = [];
  #waiters: Waiter[] = [];
  #questions = new Map<
    number,
    { resolve: (answer: never) => void; reject: (error: LedgerError | QueryError) => void }
  >();
  #nextQuestion = 1;
  #failure: LedgerError | null = null;
  #closing: Promise<void> | null = null;
  /** What {@link close} waits for: the thread's word that everything is closed. */
  #closed: PromiseWithResolvers<void> | null = null;

  private constructor(worker: Worker, position: number) {
    this.#worker = worker;
    this.#position = position;
    this.#appended = position;
    worker.on('message', (message: FromLedgerThread) => this.#receive(message));
    worker.on('error', (cause) => {
      this.#fail(new LedgerError('THREAD_DIED', `the ledger thread died: ${cause.message}`, cause));
    });
    worker.on('exit', () => this.#fail(new LedgerError('THREAD_DIED', 'the ledger thread ended')));
  }

  /**
   * Starts the thread, opens the file and reads the position.
   * @throws LedgerError "OPEN_FAILED" (retryable), "UNSUPPORTED_VERSION"
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const workerData: LedgerThreadOptions = {
      path: options.path,
      memoryLimit: options.memoryLimit ?? '512MB',
      threads: options.threads ?? 1,
      commitIntervalMs: options.commitIntervalMs ?? 250,
      commitRows: options.commitRows ?? 122_880,
      checkpointThreshold: options.checkpointThreshold ?? '64MB',
      clusterRows: options.clusterRows ?? CLUSTER_ROWS,
    };
    // Sources run as they are, or compiled beside each other: the thread's file ends as this one does.
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const worker = new Worker(new URL(`./duckdb/ledger-worker.${ending}`, import.meta.url), { workerData });
    try {
      return new Ledger(worker, await opened(worker));
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /** The journal sequence up to which everything is committed. */
  get position(): number {
    return this.#position;
  }

  /** Rows that were appended and are not committed. */
  get unloadedRows(): number {
    return this.#unloadedRows;
  }

  /** What is known at the position. Ask before the first {@link append}. */
  registry(): Promise<RegistrySnapshot> {
    return this.#ask((id) => ({ type: 'registry', id }));
  }

  /**
   * Hands over a batch, whose buffers are gone afterwards. Its frames must be durable in the journal, and come after
   * all that were appended before.
   */
  append(batch: LedgerBatch): void {
    if (this.#failure !== null) throw this.#failure;
    const { frames } = batch;
    for (let frame = 0; frame < frames.length; frame++) {
      if (frames.sequence[frame] <= this.#appended) {
        throw new RangeError(
          `journal frame ${frames.sequence[frame]} was handed to the ledger after frame ${this.#appended}`,
        );
      }
      this.#appended = frames.sequence[frame];
    }
    if (frames.length === 0)
      throw new RangeError('a ledger batch without a frame has no place in the journal');
    this.#unloadedRows += batch.length;
    this.#send({ type: 'append', batch }, transferList(batch));
  }

  /** Tells after each commit up to where everything is in the ledger now. */
  onLoaded(listener: (position: number) => void): void {
    this.#loadedListeners.push(listener);
  }

  /** Tells once that nothing will be loaded any more, unless the ledger was closed. */
  onFailed(listener: (error: LedgerError) => void): void {
    this.#failedListeners.push(listener);
  }

  /** Tells when stored usage was put into the order of questions: how many rows, and how long it took. */
  onClustered(listener: (rows: number, milliseconds: number) => void): void {
    this.#clusteredListeners.push(listener);
  }

  /** Tells what failed and costs no more than time: it is tried again. */
  onTrouble(listener: (message: string) => void): void {
    this.#troubleListeners.push(listener);
  }

  /**
   * Resolves when everything up to the sequence is committed; what was appended is committed early for it.
   * @throws LedgerError (retryable) when it can no longer happen
   */
  whenLoaded(sequence: number): Promise<void> {
    if (sequence <= this.#position) return Promise.resolve();
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ sequence, resolve, reject });
    this.#send({ type: 'urge' });
    return promise;
  }

  /**
   * Answers from what is committed; loads go on meanwhile.
   * @throws LedgerError; QueryError where the question does not fit what is stored
   */
  query<Request extends QueryRequest>(request: Request): Promise<QueryAnswer<Request>> {
    return this.#ask((id) => ({ type: 'query', id, request }));
  }

  /** Writes DuckDB's log into its file. @throws LedgerError */
  checkpoint(): Promise<void> {
    return this.#ask((id) => ({ type: 'checkpoint', id }));
  }

  /** Brings the lake nearer to what is committed; loads go on meanwhile. One at a time. @throws LedgerError */
  exportLake(order: LakeOrder): Promise<LakeReport> {
    return this.#ask((id) => ({ type: 'lake', id, order }));
  }

  /**
   * Loads what was appended, checkpoints and closes. After a failure it only closes.
   * @throws LedgerError if what was appended could not be loaded; it is closed all the same
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      if (this.#failure?.code !== 'THREAD_DIED') {
        const closed = Promise.withResolvers<void>();
        this.#closed = closed;
        this.#send({ type: 'close' });
        await closed.promise;
      }
    } finally {
      this.#failure ??= closedError();
      this.#rejectAll(this.#failure);
      await this.#worker.terminate();
    }
  }

  #ask<Answer>(question: (id: number) => ToLedgerThread): Promise<Answer> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    // The thread waits for the questions that came before its end. One behind it would still run when the thread is
    // taken down, which aborts the whole process.
    if (this.#closing !== null) return Promise.reject(closedError());
    const id = this.#nextQuestion++;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#questions.set(id, { resolve, reject });
    this.#send(question(id));
    return promise;
  }

  #send(message: ToLedgerThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromLedgerThread): void {
    switch (message.type) {
      case 'loaded':
        this.#loaded(message.position, message.rows);
        break;
      case 'answer':
        this.#questions.get(message.id)?.resolve(message.answer as never);
        this.#questions.delete(message.id);
        break;
      case 'refusal':
        this.#questions.get(message.id)?.reject(refusal(message));
        this.#questions.delete(message.id);
        break;
      case 'clustered':
        for (const listener of this.#clusteredListeners) listener(message.rows, message.milliseconds);
        break;
      case 'trouble':
        for (const listener of this.#troubleListeners) listener(message.message);
        break;
      case 'failed':
        this.#fail(new LedgerError(message.code, message.message));
        break;
      case 'closed':
        if (message.problem === null) this.#closed?.resolve();
        else this.#closed?.reject(new LedgerError('LOAD_FAILED', message.problem));
        break;
    }
  }

  #loaded(position: number, rows: number): void {
    this.#position = position;
    this.#unloadedRows -= rows;
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.sequence > position) return true;
      waiter.resolve();
      return false;
    });
    for (const listener of this.#loadedListeners) listener(position);
  }

  #fail(error: LedgerError): void {
    if (error.code === 'THREAD_DIED') this.#closed?.reject(error);
    // The first failure is the cause of those after it.
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#rejectAll(error);
    for (const listener of this.#failedListeners) listener(error);
  }

  #rejectAll(error: LedgerError): void {
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters = [];
    for (const { reject } of this.#questions.values()) reject(error);
    this.#questions.clear();
  }
}

function closedError(): LedgerError {
  return new LedgerError('CLOSED', 'the ledger is closed');
}

function refusal({
  message,
  fault,
}: Extract<FromLedgerThread, { type: 'refusal' }>): LedgerError | QueryError {
  if (fault !== null) return new QueryError(fault.code, fault.parameter, message);
  return new LedgerError('QUERY_FAILED', message);
}

/** The position that the thread opened the ledger at. */
function opened(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.once('message', (message: FromLedgerThread) => {
      if (message.type === 'opened') resolve(message.position);
      else if (message.type === 'failed') reject(new LedgerError(message.code, message.message));
    });
    worker.once('error', (cause) => {
      reject(new LedgerError('OPEN_FAILED', `the ledger thread could not start: ${cause.message}`, cause));
    });
  });
}
