/**
 * The ledger thread: the sole owner of DuckDB. It loads batches in the order in which they come, one load at a time,
 * and answers questions on other connections meanwhile.
 */
import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { exportLake } from '../lake/lake-export.ts';
import type { LedgerBatch } from '../ledger-batch.ts';
import {
  type EventKeysAnswer,
  type EventKeysQuery,
  QueryError,
  type QueryRequest,
  runQuery,
} from '../query/index.ts';
import { Clusterer } from './clusterer.ts';
import { unclusteredRows } from './clustering.ts';
import { messageOf, openDatabase } from './database.ts';
import { LedgerError } from './ledger-error.ts';
import type { FromLedgerThread, LedgerThreadOptions, ToLedgerThread } from './ledger-protocol.ts';
import { Loader, ROW_GROUP } from './loader.ts';
import { readRegistry } from './registry-snapshot.ts';

/** Rows that are taken at once, up to a batch more: what does not fill a row group waits for the next ones. */
const LOAD_ROWS = ROW_GROUP;
/** Size of DuckDB's log beyond which a checkpoint waits for the questions that keep DuckDB from its own. */
const LOG_LIMIT_BYTES = 256 * 1024 * 1024;

/** Questions that take a snapshot themselves, for they make tables in it (periods/frozen-ledger.ts). */
const OWN_SNAPSHOTS: ReadonlySet<QueryRequest['type']> = new Set(['statementDrafts', 'adjustments']);

/** 32 hex digits as four words, the lowest first, as batches have them. */
function keyWords(hex: string): Uint32Array {
  return Uint32Array.from([24, 16, 8, 0], (at) => Number.parseInt(hex.slice(at, at + 8), 16));
}

class LedgerThread {
  readonly #options: LedgerThreadOptions;
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #loader: Loader;
  readonly #clusterer: Clusterer;
  #queue: LedgerBatch[] = [];
  #queuedRows = 0;
  /** Commit what is queued without waiting for more. */
  #isUrgent = false;
  #timer: NodeJS.Timeout | null = null;
  /** The loads and checkpoints so far; the next one waits for it. */
  #work: Promise<void> = Promise.resolve();
  #isLoading = false;
  #failed = false;
  /** Connections of questions that are not being asked. */
  #idleConnections: DuckDBConnection[] = [];
  #openQuestions = new Set<Promise<void>>();

  private constructor(
    options: LedgerThreadOptions,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    loader: Loader,
    unclustered: number,
  ) {
    this.#options = options;
    this.#instance = instance;
    this.#connection = connection;
    this.#loader = loader;
    this.#clusterer = new Clusterer(unclustered, {
      path: options.path,
      connect: () => instance.connect(),
      clusterRows: options.clusterRows,
      isLoading: () => this.#isLoading,
      onMoved: (rows, milliseconds) => send({ type: 'clustered', rows, milliseconds }),
      onFailed: ({ message }) =>
        send({ type: 'trouble', message: `usage stays in the order it came: ${message}` }),
    });
  }

  static async open(options: LedgerThreadOptions): Promise<LedgerThread> {
    const { instance, connection } = await openDatabase(options);
    const loader = await Loader.open(connection);
    return new LedgerThread(options, instance, connection, loader, await unclusteredRows(connection));
  }

  get position(): number {
    return this.#loader.position;
  }

  receive(message: ToLedgerThread): void {
    switch (message.type) {
      case 'append':
        this.#queue.push(message.batch);
        this.#queuedRows += message.batch.length;
        this.#schedule();
        break;
      case 'urge':
        this.#isUrgent = true;
        this.#schedule();
        break;
      case 'registry':
        this.#answer(message.id, () => this.#withConnection(readRegistry));
        break;
      case 'query':
        this.#answer(message.id, () => this.#query(message.request));
        break;
      case 'checkpoint':
        this.#answer(message.id, () => this.#serialised(() => this.#checkpoint()));
        break;
      case 'lake':
        this.#answer(message.id, () =>
          this.#withConnection((connection) => exportLake(connection, message.order)),
        );
        break;
      case 'close':
        void this.#close().then(
          () => send({ type: 'closed', problem: null }),
          (error) => send({ type: 'closed', problem: messageOf(error) }),
        );
        break;
    }
  }

  #schedule(): void {
    if (this.#isLoading || this.#failed) return;
    const isEmpty = this.#queue.length === 0;
    if (isEmpty && !this.#loader.isWaiting) {
      this.#isUrgent = false;
      return;
    }
    const waiting = this.#queuedRows + this.#loader.waitingRows;
    if (this.#isUrgent || (!isEmpty && waiting >= this.#options.commitRows)) {
      this.#isLoading = true;
      this.#serialised(() => this.#load()).catch((error) => this.#fail(error));
    } else if (this.#timer === null) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#isUrgent = true;
        this.#schedule();
      }, this.#options.commitIntervalMs);
    }
  }

  async #load(): Promise<void> {
    const before = { position: this.#loader.position, rows: this.#loader.committedRows };
    if (this.#queue.length > 0) {
      const batches = this.#dequeue();
      // Changes may void or rename stored usage: an update of a row that is being moved would be lost.
      if (batches.some(({ changes }) => changes.length > 0)) await this.#clusterer.settled();
      await this.#loader.take(batches);
    }
    // Changes are committed when they are taken.
    if (this.#loader.position > before.position) this.#noteCommit(before.rows);
    const isUrgent = this.#isUrgent && this.#queue.length === 0;
    // What comes from here on is nobody's hurry, until somebody asks again.
    if (isUrgent) this.#isUrgent = false;
    await this.#commit(isUrgent ? 'everything' : 'whole row groups');
    // DuckDB puts its own checkpoints off while questions overlap, and its log would grow for ever.
    if (this.#logBytes() > LOG_LIMIT_BYTES) await this.#checkpoint();
    this.#isLoading = false;
    this.#schedule();
  }

  async #commit(what: 'everything' | 'whole row groups'): Promise<void> {
    const before = this.#loader.committedRows;
    if (await this.#loader.commit(what)) this.#noteCommit(before);
  }

  #noteCommit(rowsBefore: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const rows = this.#loader.committedRows - rowsBefore;
    this.#clusterer.noteLoaded(rows);
    send({ type: 'loaded', position: this.#loader.position, rows });
  }

  #logBytes(): number {
    return statSync(`${this.#options.path}.wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The batches of the next load: up to one that resets, which begins a load of its own; one with changes is one. */
  #dequeue(): LedgerBatch[] {
    let count = 1;
    let rows = this.#queue[0].length;
    const joins = ({ reset, changes }: LedgerBatch) => !reset && changes.length === 0;
    while (
      count < this.#queue.length &&
      this.#queue[0].changes.length === 0 &&
      joins(this.#queue[count]) &&
      rows < LOAD_ROWS
    ) {
      rows += this.#queue[count].length;
      count += 1;
    }
    this.#queuedRows -= rows;
    return this.#queue.splice(0, count);
  }

  #query(request: QueryRequest): Promise<unknown> {
    if (request.type === 'eventKeys') return this.#queryEventKeys(request.query);
    const ask = (connection: DuckDBConnection) => runQuery(connection, request);
    return this.#withConnection((connection) =>
      OWN_SNAPSHOTS.has(request.type) ? ask(connection) : inSnapshot(connection, ask),
    );
  }

  /** New keys, which most are, are known to be so from memory: only the others are worth a scan of all events. */
  async #queryEventKeys({ eventKeys }: EventKeysQuery): Promise<EventKeysAnswer> {
    const doubtful = eventKeys.filter((key) => this.#loader.mayKnowEvent(keyWords(key)));
    if (doubtful.length === 0) return { records: eventKeys.map(() => null) };
    const query = { type: 'eventKeys' as const, query: { eventKeys: doubtful } };
    const { records } = await this.#withConnection((connection) =>
      inSnapshot(connection, () => runQuery(connection, query)),
    );
    const found = new Map(doubtful.map((key, i) => [key, records[i]]));
    return { records: eventKeys.map((key) => found.get(key) ?? null) };
  }

  /** Commits what was taken, too: DuckDB cannot checkpoint within a transaction. */
  async #checkpoint(): Promise<void> {
    if (this.#failed) throw new LedgerError('LOAD_FAILED', 'the ledger failed');
    await this.#commit('everything');
    await this.#clusterer.settled();
    // Without FORCE it is an error while a question runs; with it, it waits for the question.
    await this.#connection.run('FORCE CHECKPOINT');
  }

  async #close(): Promise<void> {
    while ((this.#queue.length > 0 || this.#loader.isWaiting) && !this.#failed) {
      this.#isUrgent = true;
      this.#schedule();
      await this.#work.catch(() => {});
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#clusterer.stop();
    await Promise.allSettled(this.#openQuestions);
    await this.#work.catch(() => {});
    try {
      if (!this.#failed) {
        await this.#checkpoint();
        await this.#loader.close();
      }
    } finally {
      for (const connection of this.#idleConnections) connection.closeSync();
      this.#connection.closeSync();
      this.#instance.closeSync();
    }
  }

  /** Runs loads and checkpoints one after the other. */
  #serialised(step: () => Promise<void>): Promise<void> {
    const done = this.#work.then(step);
    this.#work = done.catch(() => {});
    return done;
  }

  async #withConnection<T>(ask: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = this.#idleConnections.pop() ?? (await this.#instance.connect());
    try {
      return await ask(connection);
    } finally {
      this.#idleConnections.push(connection);
    }
  }

  #answer(id: number, answer: () => Promise<unknown>): void {
    const question = answer().then(...answering(id));
    this.#openQuestions.add(question);
    void question.finally(() => this.#openQuestions.delete(question));
  }

  #fail(error: unknown): void {
    this.#failed = true;
    send({ type: 'failed', code: 'LOAD_FAILED', message: `the ledger could not load: ${messageOf(error)}` });
  }
}

/** All statements of a question see the same state of the ledger, in which no row is moved. */
async function inSnapshot<T>(
  connection: DuckDBConnection,
  ask: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  await connection.run('BEGIN TRANSACTION READ ONLY');
  try {
    return await ask(connection);
  } finally {
    await connection.run('ROLLBACK');
  }
}

function send(message: FromLedgerThread): void {
  parentPort!.postMessage(message);
}

/** A QueryError's fields: only plain data crosses threads. */
function faultOf(error: unknown): Extract<FromLedgerThread, { type: 'refusal' }>['fault'] {
  return error instanceof QueryError ? { code: error.code, parameter: error.parameter } : null;
}

/** How a promise's end is told. */
function answering(id: number): [(answer: unknown) => void, (error: unknown) => void] {
  return [
    (answer) => send({ type: 'answer', id, answer }),
    (error) => send({ type: 'refusal', id, message: messageOf(error), fault: faultOf(error) }),
  ];
}

try {
  const thread = await LedgerThread.open(workerData as LedgerThreadOptions);
  parentPort!.on('message', (message: ToLedgerThread) => thread.receive(message));
  send({ type: 'opened', position: thread.position });
} catch (error) {
  const code = error instanceof LedgerError ? error.code : 'OPEN_FAILED';
  send({ type: 'failed', code, message: messageOf(error) });
}
