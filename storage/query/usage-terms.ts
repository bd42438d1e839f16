/** How the dimensions of a question are aggregated and billed, as they are declared today. */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import type { Aggregation } from '../resources.ts';
import type { Rounding } from './billable.ts';
import { type FilterKeys, keyConditions } from './statement.ts';

export type Interval = 'none' | 'hour' | 'day' | 'month';

export interface DimensionTerms {
  /** The ledger's integer key. */
  dimension: number;
  id: string;
  /** UCUM. */
  unit: string;
  aggregation: Aggregation;
  /** Metadata key of aggregation unique. */
  uniqueKey: string | null;
  /** Seconds. */
  levelTtl: bigint | null;
  interval: Interval;
  /** Scaled by 10^12, as unitPrice. */
  usageIncrement: bigint | null;
  rounding: Rounding | null;
  unitPrice: bigint | null;
}

/** The terms of the dimensions that a question can be about; deleted ones have theirs too, as their usage has. */
export async function dimensionTerms(
  connection: DuckDBConnection,
  keys: FilterKeys,
): Promise<DimensionTerms[]> {
  const conditions = ['true', ...keyConditions({ customers: null, dimensions: keys.dimensions })];
  const reader = await connection.runAndReadAll(
    `SELECT dimension, id, unit, aggregation, unique_key, level_ttl, "interval", usage_increment, rounding, unit_price
    FROM stored.dimensions WHERE ${conditions.join(' AND ')} ORDER BY dimension`,
  );
  return reader
    .getRows()
    .map(([dimension, id, unit, aggregation, uniqueKey, levelTtl, interval, ...billing]) => {
      const [usageIncrement, rounding, unitPrice] = billing;
      return {
        dimension: Number(dimension),
        id: id as string,
        unit: unit as string,
        aggregation: aggregation as Aggregation,
        uniqueKey: uniqueKey as string | null,
        levelTtl: levelTtl as bigint | null,
        interval: interval as Interval,
        usageIncrement: scaled(usageIncrement),
        rounding: rounding as Rounding | null,
        unitPrice: scaled(unitPrice),
      };
    });
}

function scaled(decimal: DuckDBValue): bigint | null {
  return decimal === null ? null : (decimal as DuckDBDecimalValue).value;
}

/** Aggregations whose records are levels that hold until the next. */
export function isOfLevels({ aggregation }: Pick<DimensionTerms, 'aggregation'>): boolean {
  return aggregation === 'time_weighted' || aggregation === 'time_integral';
}

/** Aggregations that have a value, zero, where there is no record. */
export function isZeroWithoutRecords({ aggregation }: Pick<DimensionTerms, 'aggregation'>): boolean {
  return aggregation === 'sum' || aggregation === 'count' || aggregation === 'unique';
}

/**
 * Whether aggregating within intervals first makes a difference: parts of a sum, of a count and of an integral add up
 * to the whole however they are cut.
 */
export function dependsOnInterval({ aggregation, interval }: DimensionTerms): boolean {
  return interval !== 'none' && !['sum', 'count', 'time_integral'].includes(aggregation);
}
