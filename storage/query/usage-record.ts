/** A usage record as questions tell it, from rows of stored.usage. */
import type { DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import { KIND_CORRECTION, KIND_RECORD } from '../duckdb/schema.ts';
import { RECORD_ID } from '../duckdb/views.ts';
import { textFromInstant } from './instant.ts';

/** One stored usage record; the sum over a range's records is its usage. */
export interface UsageRecord {
  /** Derived from the identity of the point, as in the view usage_records. */
  recordId: string;
  customerId: string;
  dimensionId: string;
  /** Exact decimal in the dimension's unit. */
  recordValue: string;
  unit: string;
  /** RFC 3339 in UTC, to the nanosecond. */
  timestamp: string;
  /** Begin of the record's period, where it is known. */
  startTime?: string;
  metadata: Record<string, string>;
  /** `builtin`, a configured meter, or `api` for records by hand. */
  meterId: string;
  /**
   * Version of the meter's rule; 0 for meters that have none. Of an event, the version that counted it; of a metric
   * series, the one by which it was first known.
   */
  meterVersion: number;
  /**
   * `record`: a delta or an event as it came. `increment`: the growth of a running total. `correction`: of an
   * increment, by a reading that came late; not counted among `records`.
   */
  kind: 'record' | 'increment' | 'correction';
}

/** Columns that {@link toUsageRecord} takes, of the rows `u` that {@link withNames} has joined. */
export const RECORD_COLUMNS = `${RECORD_ID} AS record_id, c.id AS customer_id, d.id AS dimension_id, u.quantity, d.unit,
  epoch_ns(u.time) AS time_nano, epoch_ns(u.start_time) AS start_nano, s.metadata, s.meter_id, s.meter_version, u.kind`;

/** How many columns those are. */
export const RECORD_WIDTH = 11;
/** Which of them is the record's time, Unix nanoseconds. */
export const RECORD_TIME = 5;

/** Joins rows of stored.usage with what they refer to: u the usage, s its series, c its customer, d its dimension. */
export function withNames(rows: string): string {
  return `${rows} u
    JOIN stored.series s USING (series)
    JOIN stored.customers c ON c.customer = u.customer
    JOIN stored.dimensions d ON d.dimension = u.dimension`;
}

export function toUsageRecord(row: DuckDBValue[]): UsageRecord {
  const [recordId, customerId, dimensionId, quantity, unit, time, start, metadata, meterId, version, kind] =
    row;
  return {
    recordId: recordId as string,
    customerId: customerId as string,
    dimensionId: dimensionId as string,
    recordValue: textFromScaled((quantity as DuckDBDecimalValue).value),
    unit: unit as string,
    timestamp: textFromInstant(time as bigint),
    ...(start === 0n ? {} : { startTime: textFromInstant(start as bigint) }),
    metadata: JSON.parse(metadata as string),
    meterId: meterId as string,
    meterVersion: Number(version),
    kind: kind === KIND_RECORD ? 'record' : kind === KIND_CORRECTION ? 'correction' : 'increment',
  };
}
