/**
 * Parts of SQL that the questions share. Text of callers reaches DuckDB only as bound values; what is written into
 * a statement is our own: names, integer keys and instants, which as constants let DuckDB skip blocks by their
 * zone maps.
 */
import {
  type DuckDBConnection,
  type DuckDBDecimalValue,
  type DuckDBValue,
  listValue,
} from '@duckdb/node-api';
import { FRACTION_DIGITS } from '../decimal.ts';
import type { UsageFilter } from './parameters.ts';

/** The values that a statement binds. */
export class BoundValues {
  readonly values: DuckDBValue[] = [];

  text(value: string): string {
    this.values.push(value);
    return `$${this.values.length}::VARCHAR`;
  }

  texts(values: string[]): string {
    // An empty list binds to no type.
    if (values.length === 0) return '[]::VARCHAR[]';
    this.values.push(listValue(values));
    return `$${this.values.length}::VARCHAR[]`;
  }

  bigints(values: bigint[]): string {
    if (values.length === 0) return '[]::BIGINT[]';
    this.values.push(listValue(values));
    return `$${this.values.length}::BIGINT[]`;
  }
}

/** An instant as a constant. */
export function instant(unixNano: bigint): string {
  return `make_timestamp_ns(${unixNano})`;
}

/** The value of a metadata key in a series, NULL where it has none. Every character of the key is taken literally. */
export function metadataValue(key: string, bound: BoundValues): string {
  // A JSON pointer: its only special characters are ~ and /.
  const pointer = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return `json_extract_string(metadata, ${bound.text(pointer)})`;
}

/** The ledger's integer keys of a filter's ids; null = no filter. An id without a key is unknown. */
export interface FilterKeys {
  customers: number[] | null;
  dimensions: number[] | null;
}

/** Looks ids up in the dictionaries. */
export async function filterKeys(connection: DuckDBConnection, filter: UsageFilter): Promise<FilterKeys> {
  const keys = async (table: string, key: string, ids: string[] | null) => {
    if (ids === null) return null;
    const bound = new BoundValues();
    const reader = await connection.runAndReadAll(
      `SELECT ${key} FROM ${table} WHERE id IN (SELECT unnest(${bound.texts(ids)})) ORDER BY ${key}`,
      bound.values,
    );
    return reader.getRows().map(([found]) => Number(found));
  };
  return {
    customers: await keys('stored.customers', 'customer', filter.customerIds),
    dimensions: await keys('stored.dimensions', 'dimension', filter.dimensionIds),
  };
}

/**
 * Columns that sum DECIMAL(38,12) quantities: `whole` is a whole number, and the sum is whole + rest.
 * DuckDB sums decimals as 128-bit integers of 10^-12, and refuses beyond 1.7 × 10^26.
 */
export interface SumColumns {
  whole: string;
  rest: string;
}

const PLAIN_SUM: SumColumns = { whole: '0::HUGEINT', rest: 'sum(quantity)' };

/** For any magnitude. Taking a decimal apart is slow, so only those that are large are. */
const SPLIT_SUM: SumColumns = {
  whole: `sum(CASE WHEN abs(quantity) >= 1000000000000 THEN trunc(quantity)::HUGEINT ELSE 0 END)`,
  rest: `sum(CASE WHEN abs(quantity) >= 1000000000000 THEN quantity - trunc(quantity) ELSE quantity END)`,
};

/** Runs a statement that sums; again with sums that cannot overflow where the plain ones did. */
export async function runSum(
  connection: DuckDBConnection,
  statement: (sum: SumColumns, bound: BoundValues) => string,
): Promise<DuckDBValue[][]> {
  const run = async (sum: SumColumns) => {
    const bound = new BoundValues();
    const sql = statement(sum, bound);
    return (await connection.runAndReadAll(sql, bound.values)).getRows();
  };
  try {
    return await run(PLAIN_SUM);
  } catch (error) {
    if (!(error as Error).message.includes('Overflow in HUGEINT addition')) throw error;
    return await run(SPLIT_SUM);
  }
}

/** The sum of {@link SumColumns}, scaled by 10^12. */
export function scaledSum(whole: DuckDBValue, rest: DuckDBValue): bigint {
  return (whole as bigint) * 10n ** BigInt(FRACTION_DIGITS) + (rest as DuckDBDecimalValue).value;
}

/** Whether no stored row can match, because every id asked for is unknown. */
export function matchesNothing(keys: FilterKeys): boolean {
  return keys.customers?.length === 0 || keys.dimensions?.length === 0;
}

/** Conditions on the columns `customer` and `dimension`. */
export function keyConditions(keys: FilterKeys): string[] {
  const conditions: string[] = [];
  if (keys.customers !== null) conditions.push(`customer IN (${keys.customers.join(', ')})`);
  if (keys.dimensions !== null) conditions.push(`dimension IN (${keys.dimensions.join(', ')})`);
  return conditions;
}

/**
 * Conditions on stored.series: what its usage can be of, and its metadata (OR within a key, AND across keys).
 * Never empty.
 */
export function seriesConditions(keys: FilterKeys, filter: UsageFilter, bound: BoundValues): string {
  return [
    // A series that came with no known customer or dimension has usage rows that name them.
    ...keyConditions({ customers: keys.customers, dimensions: null }).map(
      (each) => `(customer IS NULL OR ${each})`,
    ),
    ...keyConditions({ customers: null, dimensions: keys.dimensions }).map(
      (each) => `(dimension IS NULL OR ${each})`,
    ),
    ...filter.metadata.map(
      ({ key, values }) => `${metadataValue(key, bound)} IN (SELECT unnest(${bound.texts(values)}))`,
    ),
    'true',
  ].join(' AND ');
}

/**
 * "Behind this row" for rows ordered by these columns, as (a > x OR (a = x AND (b > y OR …))).
 * Columns and values are never NULL.
 */
export function behind(columns: { name: string; value: string }[]): string {
  if (columns.length === 0) return 'false';
  const [{ name, value }, ...rest] = columns;
  if (rest.length === 0) return `${name} > ${value}`;
  return `(${name} > ${value} OR (${name} = ${value} AND ${behind(rest)}))`;
}
