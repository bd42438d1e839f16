/** A ledger of given rows in a DuckDB of its own, for tests of questions. */
import {
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBTimestampNanosecondsValue,
} from '@duckdb/node-api';
import { scaledFromText } from '../../../storage/decimal.ts';
import { macroStatements } from '../../../storage/duckdb/macros.ts';
import { ROLE_DELTA, TABLES } from '../../../storage/duckdb/schema.ts';
import { RECORD_ID, viewStatements } from '../../../storage/duckdb/views.ts';

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
  /** Default builtin. */
  meterId?: string;
  meterVersion?: number;
  /** 32 hex digits, of an event. */
  eventKey?: string;
  /** The journal frame that brought it. Default 1. */
  sequence?: number;
  /** The journal frame that voided it. Default none. */
  voidedBy?: number;
}

export interface StoredCustomer {
  name?: string;
  email?: string;
  timeZone?: string;
  aliases?: string[];
  metadata?: Record<string, string>;
  managedBy?: 'api' | 'file';
  deleted?: boolean;
}

export interface StoredRule {
  version: number;
  rule: Record<string, unknown>;
  managedBy?: 'api' | 'file';
  deletedSequence?: number;
}

export interface StoredDimension {
  unit?: string;
  aggregation?: string;
  usageIncrement?: string;
  rounding?: string;
  unitPrice?: string;
  name?: string;
  uniqueKey?: string;
  levelTtl?: number;
  interval?: string;
  creditsAllowed?: boolean;
  managedBy?: 'api' | 'file';
  deleted?: boolean;
}

export interface StoredSignal {
  code: number;
  customerId: string | null;
  dimensionId: string | null;
  meterId?: string;
  quantity: string | null;
  firstSeen: string;
  lastSeen?: string;
  value?: string;
  /** Unix nanoseconds. Default 0: none. */
  time?: bigint;
  start?: bigint;
  metadata?: Record<string, string>;
  sequence?: number;
  ordinal?: number;
  resolution?: 'open' | 'corrected' | 'dismissed';
  note?: string;
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
    for (const statement of [...TABLES, ...viewStatements(), ...macroStatements()]) {
      await connection.run(statement);
    }
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
         $8::VARCHAR AS interval, $9::BOOLEAN AS credits_allowed, $10::VARCHAR IS NULL AS discovered, 1 AS sequence,
         $3::VARCHAR AS unit, $4::VARCHAR AS aggregation,
         $5::VARCHAR::DECIMAL(38,12) AS usage_increment, $6::VARCHAR AS rounding,
         $7::VARCHAR::DECIMAL(38,12) AS unit_price, $10::VARCHAR AS managed_by, $11::BOOLEAN AS deleted,
         false AS used, $12::VARCHAR AS name, $13::VARCHAR AS unique_key, $14::BIGINT AS level_ttl`,
      [
        key,
        dimensionId,
        dimension.unit ?? '1',
        dimension.aggregation ?? 'sum',
        dimension.usageIncrement ?? null,
        dimension.rounding ?? null,
        dimension.unitPrice ?? null,
        dimension.interval ?? 'none',
        dimension.creditsAllowed ?? false,
        dimension.managedBy ?? null,
        dimension.deleted ?? false,
        dimension.name ?? null,
        dimension.uniqueKey ?? null,
        dimension.levelTtl === undefined ? null : BigInt(dimension.levelTtl),
      ],
    );
    return key;
  }

  async customer(customerId: string, customer: StoredCustomer = {}): Promise<void> {
    this.#customers.set(customerId, this.#customers.size + 1);
    await this.connection.run(
      `INSERT INTO stored.customers BY NAME SELECT $1::INTEGER AS customer, $2::VARCHAR AS id, $3::VARCHAR AS name,
         $4::VARCHAR AS email, $5::VARCHAR AS time_zone, $6::JSON::VARCHAR[] AS aliases, $7::VARCHAR AS metadata,
         $8::VARCHAR IS NULL AS discovered, $8::VARCHAR AS managed_by, $9::BOOLEAN AS deleted, false AS used,
         1 AS sequence`,
      [
        this.#customers.size,
        customerId,
        customer.name ?? null,
        customer.email ?? null,
        customer.timeZone ?? null,
        JSON.stringify(customer.aliases ?? []),
        JSON.stringify(customer.metadata ?? {}),
        customer.managedBy ?? null,
        customer.deleted ?? false,
      ],
    );
  }

  /** A version came with the frame 100 × its number, at 2026-03-01 and so many hours; it holds for totals from then. */
  async meter(meterId: string, versions: StoredRule[]): Promise<void> {
    for (const { version, rule, managedBy = 'api', deletedSequence = null } of versions) {
      const receivedAt = unixNano('2026-03-01T00:00:00Z') + BigInt(version) * 3_600_000_000_000n;
      await this.connection.run(
        `INSERT INTO stored.meters SELECT $1::VARCHAR, $2::INTEGER, $3::VARCHAR, make_timestamp_ns($4::BIGINT),
           $5::VARCHAR, $6::BIGINT, make_timestamp_ns($4::BIGINT), $7::BIGINT`,
        [meterId, version, JSON.stringify(rule), receivedAt, managedBy, version * 100, deletedSequence],
      );
    }
  }

  /** The ledger is loaded up to this frame; each frame came at one of these times (Unix nanoseconds). */
  async arrivals(position: number, frames: [sequence: number, receivedAt: bigint][]): Promise<void> {
    await this.connection.run(`UPDATE stored.position SET sequence = ${position}`);
    for (const [sequence, receivedAt] of frames) {
      await this.connection.run(
        `INSERT INTO stored.arrivals VALUES (${sequence}, make_timestamp_ns(${receivedAt}))`,
      );
    }
  }

  /** Hash of the series of a record that was added. */
  seriesHash({
    customerId,
    dimensionId,
    metadata = {},
    meterId = 'builtin',
    meterVersion = 0,
  }: StoredRecord): number {
    return this.#series.get(JSON.stringify([customerId, dimensionId, metadata, meterId, meterVersion]))!;
  }

  async add(records: StoredRecord[]): Promise<void> {
    const keys: number[] = [];
    for (const { customerId, dimensionId, metadata = {}, meterId = 'builtin', meterVersion } of records) {
      keys.push(await this.#seriesKey(customerId, dimensionId, metadata, meterId, meterVersion));
    }
    const appender = await this.connection.createAppender('usage', 'stored');
    records.forEach(
      ({ customerId, dimensionId, time, quantity, startTime, kind = 0, eventKey, ...rest }, i) => {
        const { sequence = 1, voidedBy } = rest;
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
        appender.appendBigInt(BigInt(sequence));
        if (eventKey === undefined) appender.appendNull();
        else appender.appendUHugeInt(BigInt(`0x${eventKey}`));
        if (voidedBy === undefined) appender.appendNull();
        else appender.appendBigInt(BigInt(voidedBy));
        appender.endRow();
      },
    );
    appender.closeSync();
  }

  /** Frame 900 voids a record. */
  async void(recordId: string, reason: string, replaced = false): Promise<void> {
    await this.connection.run(
      `UPDATE stored.usage SET voided_by = 900 WHERE rowid = (
         SELECT u.rowid FROM stored.usage u JOIN stored.series s USING (series) WHERE ${RECORD_ID} = $1)`,
      [recordId],
    );
    await this.connection.run(
      'INSERT INTO stored.voids SELECT 900, $1::VARCHAR, $2::VARCHAR, $3::BOOLEAN, make_timestamp_ns($4::BIGINT)',
      [recordId, reason, replaced, unixNano('2026-03-31T00:00:00Z')],
    );
  }

  async quarantine(signals: StoredSignal[]): Promise<void> {
    for (const signal of signals) {
      const { code, customerId, dimensionId, meterId = 'builtin', firstSeen, resolution = 'open' } = signal;
      const series = await this.#seriesKey(customerId, dimensionId, signal.metadata ?? {}, meterId);
      await this.connection.run(
        `INSERT INTO stored.quarantine SELECT $1::INTEGER, $8::VARCHAR::UBIGINT, $9::VARCHAR::UBIGINT, 0, 0, 0,
           $3::VARCHAR::DECIMAL(38,12), $10::VARCHAR, $2::UTINYINT, $4::VARCHAR, $5::VARCHAR,
           make_timestamp_ns($6::BIGINT), make_timestamp_ns($7::BIGINT), $11::BIGINT, $12::INTEGER, NULL,
           $13::VARCHAR, CASE WHEN $13::VARCHAR <> 'open' THEN 900 END, $14::VARCHAR`,
        [
          series,
          code,
          signal.quantity,
          customerId,
          dimensionId,
          unixNano(firstSeen),
          unixNano(signal.lastSeen ?? firstSeen),
          String(signal.start ?? 0n),
          String(signal.time ?? 0n),
          signal.value ?? signal.quantity ?? 'no value',
          signal.sequence ?? 1,
          signal.ordinal ?? 0,
          resolution,
          signal.note ?? null,
        ],
      );
    }
  }

  async #seriesKey(
    customerId: string | null,
    dimensionId: string | null,
    metadata: Record<string, string>,
    meterId: string,
    meterVersion = 0,
  ): Promise<number> {
    const name = JSON.stringify([customerId, dimensionId, metadata, meterId, meterVersion]);
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    if (customerId !== null && !this.#customers.has(customerId)) {
      await this.customer(customerId);
    }
    if (dimensionId !== null && !this.#dimensions.has(dimensionId)) await this.dimension(dimensionId, {});
    const key = this.#series.size + 1;
    this.#series.set(name, key);
    await this.connection.run(
      `INSERT INTO stored.series (series, hash, context, customer, dimension, role, meter_id, meter_version, metadata)
         SELECT $1::INTEGER, $1::UHUGEINT, 0, $2::INTEGER, $3::INTEGER, ${ROLE_DELTA}, $4::VARCHAR, $6::INTEGER, $5::VARCHAR`,
      [
        key,
        customerId === null ? null : this.#customers.get(customerId)!,
        dimensionId === null ? null : this.#dimensions.get(dimensionId)!,
        meterId,
        JSON.stringify(metadata),
        meterVersion,
      ],
    );
    return key;
  }
}
