/** A ledger of given rows in a DuckDB of its own, for tests of questions. */
import {
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBTimestampNanosecondsValue,
} from '@duckdb/node-api';
import { scaledFromText } from '../../../storage/decimal.ts';
import { ROLE_DELTA, TABLES } from '../../../storage/duckdb/schema.ts';
import { viewStatements } from '../../../storage/duckdb/views.ts';

export interface StoredRecord {
  customerId: string;
  dimensionId: string;
  /** RFC 3339 in UTC, at most nine fraction digits; or Unix nanoseconds. */
  time: string | bigint;
  quantity: string;
  metadata?: Record<string, string>;
  /** 0 record, 1 increment, 2 correction. */
  kind?: number;
  startTime?: string;
}

export interface StoredDimension {
  unit?: string;
  aggregation?: string;
  usageIncrement?: string;
  rounding?: string;
  unitPrice?: string;
}

export interface StoredSignal {
  code: number;
  customerId: string | null;
  dimensionId: string | null;
  meterId?: string;
  quantity: string | null;
  firstSeen: string;
  lastSeen?: string;
}

/** Unix nanoseconds of an RFC 3339 text in UTC, without the code under test. */
export function unixNano(text: string): bigint {
  const match = /^(.*?)(?:\.(\d+))?Z$/.exec(text)!;
  return BigInt(Date.parse(`${match[1]}Z`)) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}

export class StoredUsage {
  readonly connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;
  readonly #customers = new Map<string, number>();
  readonly #dimensions = new Map<string, number>();
  readonly #series = new Map<string, number>();

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.connection = connection;
  }

  static async create(): Promise<StoredUsage> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '2',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    for (const statement of [...TABLES, ...viewStatements()]) await connection.run(statement);
    await connection.run(
      `INSERT INTO stored.contexts VALUES
         (0, 0, '{}', '', '', 'usage', '1', 'sum', 'delta', true, true, false)`,
    );
    return new StoredUsage(instance, connection);
  }

  close(): void {
    this.connection.closeSync();
    this.#instance.closeSync();
  }

  async dimension(dimensionId: string, dimension: StoredDimension): Promise<number> {
    const key = this.#dimensions.size + 1;
    this.#dimensions.set(dimensionId, key);
    await this.connection.run(
      `INSERT INTO stored.dimensions BY NAME SELECT $1::INTEGER AS dimension, $2::VARCHAR AS id,
         'none' AS interval, false AS credits_allowed, true AS discovered, 1 AS sequence, $3::VARCHAR AS unit, $4::VARCHAR AS aggregation,
         $5::VARCHAR::DECIMAL(38,12) AS usage_increment, $6::VARCHAR AS rounding,
         $7::VARCHAR::DECIMAL(38,12) AS unit_price`,
      [
        key,
        dimensionId,
        dimension.unit ?? '1',
        dimension.aggregation ?? 'sum',
        dimension.usageIncrement ?? null,
        dimension.rounding ?? null,
        dimension.unitPrice ?? null,
      ],
    );
    return key;
  }

  async add(records: StoredRecord[]): Promise<void> {
    const keys: number[] = [];
    for (const { customerId, dimensionId, metadata = {} } of records) {
      keys.push(await this.#seriesKey(customerId, dimensionId, metadata, 'builtin'));
    }
    const appender = await this.connection.createAppender('usage', 'stored');
    records.forEach(({ customerId, dimensionId, time, quantity, startTime, kind = 0 }, i) => {
      const start = startTime === undefined ? 0n : unixNano(startTime);
      appender.appendInteger(keys[i]);
      appender.appendInteger(this.#customers.get(customerId)!);
      appender.appendInteger(this.#dimensions.get(dimensionId)!);
      appender.appendTimestampNanoseconds(new DuckDBTimestampNanosecondsValue(start));
      appender.appendTimestampNanoseconds(
        new DuckDBTimestampNanosecondsValue(typeof time === 'bigint' ? time : unixNano(time)),
      );
      appender.appendDecimal(new DuckDBDecimalValue(scaledFromText(quantity)!, 38, 12));
      appender.appendUTinyInt(kind);
      appender.appendBigInt(1n);
      appender.appendNull();
      appender.appendNull();
      appender.endRow();
    });
    appender.closeSync();
  }

  async quarantine(signals: StoredSignal[]): Promise<void> {
    for (const {
      code,
      customerId,
      dimensionId,
      meterId = 'builtin',
      quantity,
      firstSeen,
      lastSeen,
    } of signals) {
      const series = await this.#seriesKey(customerId, dimensionId, {}, meterId);
      await this.connection.run(
        `INSERT INTO stored.quarantine SELECT $1::INTEGER, 0, 0, 0, 0, 0, $3::VARCHAR::DECIMAL(38,12), '',
           $2::UTINYINT, $4::VARCHAR, $5::VARCHAR, make_timestamp_ns($6::BIGINT), make_timestamp_ns($7::BIGINT), 1, 0, NULL,
           'open', NULL, NULL`,
        [
          series,
          code,
          quantity,
          customerId,
          dimensionId,
          unixNano(firstSeen),
          unixNano(lastSeen ?? firstSeen),
        ],
      );
    }
  }

  async #seriesKey(
    customerId: string | null,
    dimensionId: string | null,
    metadata: Record<string, string>,
    meterId: string,
  ): Promise<number> {
    const name = JSON.stringify([customerId, dimensionId, metadata, meterId]);
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    if (customerId !== null && !this.#customers.has(customerId)) {
      this.#customers.set(customerId, this.#customers.size + 1);
      await this.connection.run(
        `INSERT INTO stored.customers BY NAME SELECT $1::INTEGER AS customer, $2::VARCHAR AS id,
           [] AS aliases, '{}' AS metadata, true AS discovered, 1 AS sequence`,
        [this.#customers.size, customerId],
      );
    }
    if (dimensionId !== null && !this.#dimensions.has(dimensionId)) await this.dimension(dimensionId, {});
    const key = this.#series.size + 1;
    this.#series.set(name, key);
    await this.connection.run(
      `INSERT INTO stored.series (series, hash, context, customer, dimension, role, meter_id, metadata)
         SELECT $1::INTEGER, $1::UHUGEINT, 0, $2::INTEGER, $3::INTEGER, ${ROLE_DELTA}, $4::VARCHAR, $5::VARCHAR`,
      [
        key,
        customerId === null ? null : this.#customers.get(customerId)!,
        dimensionId === null ? null : this.#dimensions.get(dimensionId)!,
        meterId,
        JSON.stringify(metadata),
      ],
    );
    return key;
  }
}
