/** A ledger's database in memory, with loaders that come and go on it. */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { openDatabase } from '../../../storage/duckdb/database.ts';
import { Loader } from '../../../storage/duckdb/loader.ts';
import type { LedgerBatch } from '../../../storage/ledger-batch.ts';
import { EPOCH } from './batches.ts';

export class MemoryLedger {
  readonly #instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  #loader: Loader;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, loader: Loader) {
    this.#instance = instance;
    this.connection = connection;
    this.#loader = loader;
  }

  static async open(): Promise<MemoryLedger> {
    const { instance, connection } = await openDatabase({
      path: ':memory:',
      memoryLimit: '256MB',
      threads: 1,
      checkpointThreshold: '16MB',
    });
    return new MemoryLedger(instance, connection, await Loader.open(connection));
  }

  get position(): number {
    return this.#loader.position;
  }

  async load(...batches: LedgerBatch[]): Promise<void> {
    await this.#loader.load(batches);
  }

  /** As after the end of a process: a loader that knows only what is stored. The next batch must reset. */
  async restart(): Promise<void> {
    this.#loader.close();
    this.#loader = await Loader.open(this.connection);
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

  close(): void {
    this.#loader.close();
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
