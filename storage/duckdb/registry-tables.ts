/**
 * Customers, dimensions, instruments, meters and settings, as the ledger keeps them: the integer keys of the first two,
 * and what people and usage change about them.
 */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { LedgerChange, Settings } from '../changes.ts';
import type { RegistryEvent } from '../ledger-batch.ts';
import type { CustomerDeclaration, DimensionDeclaration, ManagedBy } from '../resources.ts';
import { NO_KEY } from './slot-table.ts';

const ROWS_PER_INSERT = 1000;

/** The integer keys of customers or dimensions. */
class Keys {
  readonly #keys = new Map<string, number>();
  readonly #ids: string[] = [];
  /** They keep their keys. */
  readonly #deleted = new Set<string>();

  key(id: string | null): number {
    return id === null ? NO_KEY : (this.#keys.get(id) ?? NO_KEY);
  }

  id(key: number): string {
    return this.#ids[key];
  }

  isDeleted(id: string): boolean {
    return this.#deleted.has(id);
  }

  add(id: string, key = Math.max(1, this.#ids.length)): number {
    this.#keys.set(id, key);
    this.#ids[key] = id;
    return key;
  }

  markDeleted(id: string, deleted: boolean): void {
    if (deleted) this.#deleted.add(id);
    else this.#deleted.delete(id);
  }

  /** The id has no key of its own any more; rows that still say its key mean the other id. */
  merge(id: string, into: string): void {
    this.#ids[this.key(id)] = into;
    this.#keys.delete(id);
    this.#deleted.delete(id);
  }
}

export class RegistryTables {
  readonly #connection: DuckDBConnection;
  readonly #customers = new Keys();
  readonly #dimensions = new Keys();
  /** Declared by frames behind the position, which come again after a crash. */
  readonly #instrumentsAhead = new Set<string>();

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  static async open(connection: DuckDBConnection): Promise<RegistryTables> {
    const tables = new RegistryTables(connection);
    await tables.#read();
    return tables;
  }

  /** The key of a customer; {@link NO_KEY} if nobody of this id ever was. */
  customerKey(id: string | null): number {
    return this.#customers.key(id);
  }

  customerId(key: number): string {
    return this.#customers.id(key);
  }

  dimensionKey(id: string | null): number {
    return this.#dimensions.key(id);
  }

  dimensionId(key: number): string {
    return this.#dimensions.id(key);
  }

  /** Applies what the interpretation of frames found out. */
  async apply(events: readonly RegistryEvent[]): Promise<void> {
    const customers: DuckDBValue[][] = [];
    const dimensions: DuckDBValue[][] = [];
    const instruments: DuckDBValue[][] = [];
    for (const event of events) {
      const sequence = BigInt(event.sequence);
      if (event.type === 'customer_discovered') {
        const { customerId } = event;
        if (this.#customers.key(customerId) === NO_KEY)
          customers.push([this.#customers.add(customerId), customerId, sequence]);
        else if (this.#customers.isDeleted(customerId)) await this.#reviveCustomer(customerId, sequence);
      } else if (event.type === 'dimension_discovered') {
        const { dimensionId, unit } = event;
        if (this.#dimensions.key(dimensionId) === NO_KEY)
          dimensions.push([this.#dimensions.add(dimensionId), dimensionId, unit, sequence]);
        else if (this.#dimensions.isDeleted(dimensionId))
          await this.#reviveDimension(dimensionId, unit, sequence);
      } else if (!this.#instrumentsAhead.has(event.instrumentHash)) {
        instruments.push([String(BigInt(`0x${event.instrumentHash}`)), event.temporality, sequence]);
      }
    }
    await this.#insert(
      `stored.customers SELECT $1, $2, NULL, NULL, NULL, [], '{}', true, NULL, false, false, $3`,
      customers,
    );
    await this.#insert(
      `stored.dimensions SELECT $1, $2, NULL, $3, 'sum', NULL, NULL, 'none', NULL, NULL, NULL, false, true, NULL,
        false, false, $4`,
      dimensions,
    );
    await this.#insert('stored.instruments SELECT $1::UHUGEINT, $2, $3', instruments);
  }

  /**
   * Declares a customer. Discovered customers whose ids are its aliases become this one, with all that is stored of
   * them.
   * @returns the keys that mean this customer now, and its own
   */
  async putCustomer(
    customer: CustomerDeclaration,
    managedBy: ManagedBy,
    sequence: bigint,
  ): Promise<{ merged: number[]; key: number }> {
    const { id, name, email, timeZone, aliases, metadata } = customer;
    let key = this.#customers.key(id);
    if (key === NO_KEY) {
      key = this.#customers.add(id);
      await this.#run(
        `INSERT INTO stored.customers BY NAME SELECT $1::INTEGER AS customer, $2::VARCHAR AS id, []::VARCHAR[] AS aliases,
          '{}' AS metadata, false AS discovered, true AS deleted, $3::BIGINT AS sequence`,
        [key, id, sequence],
      );
    }
    await this.#run(
      `UPDATE stored.customers SET name = $2::VARCHAR, email = $3::VARCHAR, time_zone = $4::VARCHAR,
        aliases = from_json($5, '["VARCHAR"]'), metadata = $6, discovered = false, managed_by = $7,
        sequence = CASE WHEN deleted THEN $8::BIGINT ELSE sequence END, deleted = false
      WHERE customer = $1`,
      [key, name, email, timeZone, JSON.stringify(aliases), JSON.stringify(metadata), managedBy, sequence],
    );
    this.#customers.markDeleted(id, false);
    const merged: number[] = [];
    for (const alias of aliases) {
      const other = this.#customers.key(alias);
      if (other === NO_KEY) continue;
      await this.#mergeCustomer(other, key);
      await this.#run('UPDATE stored.quarantine SET customer_id = $2 WHERE customer_id = $1', [alias, id]);
      this.#customers.merge(alias, id);
      merged.push(other);
    }
    return { merged, key };
  }

  /** Nobody knows the customer any more; what is stored of it stays. */
  async deleteCustomer(id: string): Promise<void> {
    const key = this.#customers.key(id);
    if (key === NO_KEY) return;
    await this.#run(
      `UPDATE stored.customers SET name = NULL, email = NULL, time_zone = NULL, aliases = [], metadata = '{}',
        discovered = true, managed_by = NULL, deleted = true,
        used = EXISTS (FROM stored.usage u WHERE u.customer = $1)
      WHERE customer = $1`,
      [key],
    );
    this.#customers.markDeleted(id, true);
  }

  async putDimension(dimension: DimensionDeclaration, managedBy: ManagedBy, sequence: bigint): Promise<void> {
    const { id } = dimension;
    let key = this.#dimensions.key(id);
    if (key === NO_KEY) {
      key = this.#dimensions.add(id);
      await this.#run(
        `INSERT INTO stored.dimensions BY NAME SELECT $1::INTEGER AS dimension, $2::VARCHAR AS id, '' AS unit,
          '' AS aggregation, '' AS "interval", false AS credits_allowed, false AS discovered, true AS deleted,
          $3::BIGINT AS sequence`,
        [key, id, sequence],
      );
    }
    await this.#run(
      `UPDATE stored.dimensions SET name = $2::VARCHAR, unit = $3::VARCHAR, aggregation = $4::VARCHAR,
        unique_key = $5::VARCHAR, level_ttl = $6::BIGINT, "interval" = $7::VARCHAR,
        usage_increment = $8::VARCHAR::DECIMAL(38, 12), unit_price = $9::VARCHAR::DECIMAL(38, 12),
        rounding = $10::VARCHAR, credits_allowed = $11::BOOLEAN, discovered = false, managed_by = $12::VARCHAR,
        sequence = CASE WHEN deleted THEN $13::BIGINT ELSE sequence END, deleted = false
      WHERE dimension = $1`,
      [
        key,
        dimension.name,
        dimension.unit,
        dimension.aggregation,
        dimension.uniqueKey,
        dimension.levelTtl,
        dimension.interval,
        dimension.usageIncrement,
        dimension.unitPrice,
        dimension.rounding,
        dimension.creditsAllowed,
        managedBy,
        sequence,
      ],
    );
    this.#dimensions.markDeleted(id, false);
  }

  /** Nobody knows the dimension any more; what is stored of it stays, in its unit. */
  async deleteDimension(id: string): Promise<void> {
    const key = this.#dimensions.key(id);
    if (key === NO_KEY) return;
    await this.#run(
      `UPDATE stored.dimensions SET name = NULL, aggregation = 'sum', unique_key = NULL, level_ttl = NULL,
        "interval" = 'none', usage_increment = NULL, unit_price = NULL, rounding = NULL, credits_allowed = false,
        discovered = true, managed_by = NULL, deleted = true,
        used = EXISTS (FROM stored.usage u WHERE u.dimension = $1)
      WHERE dimension = $1`,
      [key],
    );
    this.#dimensions.markDeleted(id, true);
  }

  async putMeter(
    { id, version, rule, sinceUnixNano, managedBy }: Extract<LedgerChange, { type: 'meter_put' }>,
    sequence: bigint,
    receivedAtUnixNano: bigint,
  ): Promise<void> {
    await this.#run(
      `INSERT INTO stored.meters VALUES ($1, $2, $3, make_timestamp_ns($4::BIGINT), $5, $6::BIGINT,
        make_timestamp_ns($7::BIGINT), NULL)`,
      [id, version, rule, sinceUnixNano, managedBy, sequence, receivedAtUnixNano],
    );
  }

  async deleteMeter(id: string, sequence: bigint): Promise<void> {
    await this.#run(
      `UPDATE stored.meters SET deleted_sequence = $2::BIGINT
      WHERE meter_id = $1 AND deleted_sequence IS NULL
        AND version = (SELECT max(version) FROM stored.meters WHERE meter_id = $1)`,
      [id, sequence],
    );
  }

  /** The frame that declared each meter first. */
  async metersBegan(): Promise<Map<string, number>> {
    const reader = await this.#connection.runAndReadAll(
      'SELECT meter_id, min(sequence) FROM stored.meters GROUP BY meter_id',
    );
    return new Map(reader.getRows().map(([id, sequence]) => [String(id), Number(sequence)] as const));
  }

  async putSettings(
    { discovery, maxFutureSeconds }: Settings,
    sequence: bigint,
    receivedAtUnixNano: bigint,
  ): Promise<void> {
    await this.#run(
      'INSERT INTO stored.settings VALUES ($1, $2, $3::BIGINT, make_timestamp_ns($4::BIGINT))',
      [discovery, maxFutureSeconds, sequence, receivedAtUnixNano],
    );
  }

  async #mergeCustomer(from: number, into: number): Promise<void> {
    await this.#run('UPDATE stored.usage SET customer = $2 WHERE customer = $1', [from, into]);
    await this.#run('UPDATE stored.usage_totals SET customer = $2 WHERE customer = $1', [from, into]);
    await this.#run('UPDATE stored.series SET customer = $2 WHERE customer = $1', [from, into]);
    await this.#run('DELETE FROM stored.customers WHERE customer = $1', [from]);
  }

  async #reviveCustomer(id: string, sequence: bigint): Promise<void> {
    await this.#run(
      'UPDATE stored.customers SET deleted = false, sequence = $2::BIGINT WHERE customer = $1',
      [this.#customers.key(id), sequence],
    );
    this.#customers.markDeleted(id, false);
  }

  async #reviveDimension(id: string, unit: string, sequence: bigint): Promise<void> {
    await this.#run(
      'UPDATE stored.dimensions SET deleted = false, unit = $2, sequence = $3::BIGINT WHERE dimension = $1',
      [this.#dimensions.key(id), unit, sequence],
    );
    this.#dimensions.markDeleted(id, false);
  }

  /**
   * Inserts many rows with few statements: each INSERT takes a block of memory per column until the commit.
   * @param target table and SELECT list, in which $1, $2, … are a row's values
   */
  async #insert(target: string, rows: readonly DuckDBValue[][]): Promise<void> {
    for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
      const some = rows.slice(from, from + ROWS_PER_INSERT);
      const width = some[0].length;
      const tuples = some.map((_, row) => `(${some[0].map((_, i) => `$${row * width + i + 1}`).join(', ')})`);
      const names = some[0].map((_, i) => `v${i + 1}`).join(', ');
      await this.#run(
        `INSERT INTO ${target.replaceAll('$', 'v')} FROM (VALUES ${tuples.join(', ')}) rows(${names})`,
        some.flat(),
      );
    }
  }

  async #run(sql: string, values: DuckDBValue[]): Promise<void> {
    await this.#connection.run(sql, values);
  }

  async #read(): Promise<void> {
    const rows = async (sql: string) => (await this.#connection.runAndReadAll(sql)).getRows();
    for (const [key, id, deleted] of await rows('SELECT customer, id, deleted FROM stored.customers')) {
      this.#customers.add(String(id), Number(key));
      this.#customers.markDeleted(String(id), deleted === true);
    }
    for (const [key, id, deleted] of await rows('SELECT dimension, id, deleted FROM stored.dimensions')) {
      this.#dimensions.add(String(id), Number(key));
      this.#dimensions.markDeleted(String(id), deleted === true);
    }
    for (const [hash] of await rows(`SELECT lower(lpad(hex(hash), 32, '0')) FROM stored.instruments
      WHERE sequence > (SELECT sequence FROM stored.position)`)) {
      this.#instrumentsAhead.add(String(hash));
    }
  }
}
