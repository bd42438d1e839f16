/** A ledger's database in memory, with loaders that come and go on it. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { clusterUsage } from '../../../storage/duckdb/clustering.ts';
import { openDatabase } from '../../../storage/duckdb/database.ts';
import type { RegistrySnapshot } from '../../../storage/duckdb/ledger-protocol.ts';
import { Loader, ROW_GROUP } from '../../../storage/duckdb/loader.ts';
import { readRegistry } from '../../../storage/duckdb/registry-snapshot.ts';
import type { LedgerBatch } from '../../../storage/ledger-batch.ts';
import { EPOCH } from './batches.ts';

export class MemoryLedger {
  readonly #instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  #loader: Loader;

  readonly #rowGroup: number;

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    loader: Loader,
    rowGroup: number,
  ) {
    this.#instance = instance;
    this.connection = connection;
    this.#loader = loader;
    this.#rowGroup = rowGroup;
  }

  static async open(rowGroup = ROW_GROUP): Promise<MemoryLedger> {
    const { instance, connection } = await openDatabase({
      path: ':memory:',
      memoryLimit: '256MB',
      threads: 1,
      checkpointThreshold: '16MB',
    });
    return new MemoryLedger(instance, connection, await Loader.open(connection, rowGroup), rowGroup);
  }

  get position(): number {
    return this.#loader.position;
  }

  /** Another one, beside the loader's; to be closed by whoever asked for it. */
  connect(): Promise<DuckDBConnection> {
    return this.#instance.connect();
  }

  /** Takes and commits. */
  async load(...batches: LedgerBatch[]): Promise<void> {
    await this.#take(batches);
    await this.#loader.commit('everything');
  }

  /** Takes, and commits what fills row groups. */
  async loadWhole(...batches: LedgerBatch[]): Promise<void> {
    await this.#take(batches);
    await this.#loader.commit('whole row groups');
  }

  /** Batches with changes are taken alone, as the ledger thread does. */
  async #take(batches: LedgerBatch[]): Promise<void> {
    let run: LedgerBatch[] = [];
    for (const batch of batches) {
      if (batch.changes.length === 0 && !(batch.reset && run.length > 0)) {
        run.push(batch);
        continue;
      }
      if (run.length > 0) await this.#loader.take(run);
      run = batch.changes.length === 0 ? [batch] : [];
      if (batch.changes.length > 0) await this.#loader.take([batch]);
    }
    if (run.length > 0) await this.#loader.take(run);
  }

  async commit(): Promise<void> {
    await this.#loader.commit('everything');
  }

  /** Puts stored usage into the order of questions, on a connection of its own, as the ledger thread does. */
  async cluster(mostRows: number): Promise<number> {
    const connection = await this.connect();
    try {
      return await clusterUsage(connection, mostRows);
    } finally {
      connection.closeSync();
    }
  }

  /** As after a crash: a loader that knows only what is committed. The next batch must reset. */
  async restart(): Promise<void> {
    await this.#loader.close();
    this.#loader = await Loader.open(this.connection, this.#rowGroup);
  }

  /** The registry as of the position. */
  registry(): Promise<RegistrySnapshot> {
    return readRegistry(this.connection);
  }

  /** The customers and dimensions of the registry. */
  async known(): Promise<{ customers: string[]; dimensions: string[] }> {
    const { customers, dimensions } = await this.registry();
    return { customers, dimensions: dimensions.map(({ id }) => id) };
  }

  async rows(sql: string): Promise<string[][]> {
    const reader = await this.connection.runAndReadAll(sql);
    return reader.getRowsJson().map((row) => row.map((value) => String(value)));
  }

  /**
   * What is counted: customer, start, time (seconds after the tests' epoch; 0 = unknown), quantity and kind.
   */
  async usage(): Promise<string[]> {
    const rows = await this.rows(`SELECT customer_id, ${seconds('start_time')}, ${seconds('timestamp')},
        ${plain('record_value')}, kind
      FROM usage_records ORDER BY customer_id, start_time NULLS FIRST, timestamp, kind DESC, record_value, journal_sequence`);
    return rows.map((row) => row.join(' '));
  }

  /** The exact total per customer, zero left out. */
  async totals(): Promise<Record<string, string>> {
    const rows = await this.rows(
      `SELECT customer_id, ${plain('sum(quantity)')} FROM usage_daily GROUP BY customer_id
        HAVING sum(quantity) <> 0 ORDER BY 1`,
    );
    return Object.fromEntries(rows.map(([customer, quantity]) => [customer, quantity]));
  }

  /** Reason, customer, start, time and value of what is in quarantine. */
  async quarantined(): Promise<string[]> {
    const rows = await this.rows(`SELECT reason, coalesce(customer_id, '-'), ${seconds('start_time')},
      ${seconds('timestamp')}, value FROM quarantined ORDER BY ALL`);
    return rows.map((row) => row.join(' '));
  }

  async close(): Promise<void> {
    await this.#loader.close();
    this.connection.closeSync();
    this.#instance.closeSync();
  }
}

function seconds(column: string): string {
  return `coalesce((epoch_ns(${column}) - ${EPOCH}) // 1000000000, 0)`;
}

/** A decimal without the zeros that its type adds. */
function plain(decimal: string): string {
  return `regexp_replace((${decimal})::VARCHAR, '[.]?0+$', '')`;
}
