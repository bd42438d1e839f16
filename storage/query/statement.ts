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

  bigints(values: readonly bigint[]): string {
    if (values.length === 0) return '[]::BIGINT[]';
    this.values.push(listValue([...values]));
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
      `SELECT ${key} FROM ${table} WHERE id IN (${idsOf(ids, bound)}) ORDER BY ${key}`,
      bound.values,
    );
    return reader.getRows().map(([found]) => Number(found));
  };
  return {
    customers: await keys('stored.customers', 'customer', filter.customerIds),
    dimensions: await keys('stored.dimensions', 'dimension', filter.dimensionIds),
  };
}

/** For IN: a few are compared one by one, which is planned and run faster than a join. */
function idsOf(ids: string[], bound: BoundValues): string {
  return ids.length <= FEW_IDS && ids.length > 0
    ? ids.map((id) => bound.text(id)).join(', ')
    : `SELECT unnest(${bound.texts(ids)})`;
}

const FEW_IDS = 20;

/**
 * Columns of an exact sum of DECIMAL(38,12) quantities: high × 10^13 + whole + rest; the first two are whole numbers.
 * DuckDB sums decimals as 128-bit integers of 10^-12, and refuses beyond 1.7 × 10^26.
 */
export interface SumColumns {
  high: string;
  whole: string;
  rest: string;
}

/** How a statement sums. */
export interface Sums {
  /** Of a column of quantities. */
  of(quantity: string): SumColumns;
  /** Of a column of quantities, each times nanoseconds that do not overlap: together at most 2^63. */
  ofProducts(quantity: string, nanoseconds: string): SumColumns;
  /** As one decimal, where the sum itself is no greater than a quantity can be. */
  within(quantity: string): string;
}

const NOTHING = '0::HUGEINT';

const PLAIN_SUMS: Sums = {
  of: (quantity) => ({ high: NOTHING, whole: NOTHING, rest: `sum(${quantity})` }),
  ofProducts: (quantity, nanoseconds) => ({
    high: NOTHING,
    whole: NOTHING,
    rest: `sum(${quantity} * ${nanoseconds})`,
  }),
  within: (quantity) => `sum(${quantity})`,
};

/** For any magnitude. Taking a decimal apart is slow, so where it can be, only those that are large are. */
const SPLIT_SUMS: Sums = {
  of: (quantity) => ({
    high: NOTHING,
    whole: `sum(CASE WHEN abs(${quantity}) >= 1000000000000 THEN trunc(${quantity})::HUGEINT ELSE 0 END)`,
    rest: `sum(CASE WHEN abs(${quantity}) >= 1000000000000 THEN ${quantity} - trunc(${quantity}) ELSE ${quantity} END)`,
  }),
  // Each part is below 10^13, its products together below 10^32.
  ofProducts: (quantity, nanoseconds) => ({
    high: `sum((trunc(${quantity})::HUGEINT // 10000000000000) * ${nanoseconds})`,
    whole: `sum((trunc(${quantity})::HUGEINT % 10000000000000) * ${nanoseconds})`,
    rest: `sum((${quantity} - trunc(${quantity})) * ${nanoseconds})`,
  }),
  within: (quantity) =>
    `(sum(trunc(${quantity})::HUGEINT)::DECIMAL(38, 12) + sum(${quantity} - trunc(${quantity})))::DECIMAL(38, 12)`,
};

/** Connections whose question is asked again, because its plain sums overflowed. */
const overflowed = new WeakSet<DuckDBConnection>();

/**
 * Asks a question that begins a transaction, and once more with sums that cannot overflow where the plain ones did: an
 * error ends the transaction in which it occurs, so {@link runSum} cannot go on in it.
 */
export async function askedAgainOnOverflow<T>(
  connection: DuckDBConnection,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isOverflow(error)) throw error;
    overflowed.add(connection);
    try {
      return await ask();
    } finally {
      overflowed.delete(connection);
    }
  }
}

/**
 * Runs a statement that sums; again with sums that cannot overflow where the plain ones did.
 * @throws Error of the overflow in a transaction: see {@link askedAgainOnOverflow}
 */
export async function runSum(
  connection: DuckDBConnection,
  statement: (sums: Sums, bound: BoundValues) => string,
): Promise<DuckDBValue[][]> {
  const run = async (sums: Sums) => {
    const bound = new BoundValues();
    const sql = statement(sums, bound);
    return (await connection.runAndReadAll(sql, bound.values)).getRows();
  };
  if (overflowed.has(connection)) return await run(SPLIT_SUMS);
  try {
    return await run(PLAIN_SUMS);
  } catch (error) {
    if (!isOverflow(error)) throw error;
    try {
      return await run(SPLIT_SUMS);
    } catch (second) {
      throw /transaction is aborted/.test((second as Error).message) ? error : second;
    }
  }
}

function isOverflow(error: unknown): boolean {
  return /Overflow in (HUGEINT addition|multiplication of DECIMAL)/.test((error as Error).message);
}

/** The sum of {@link SumColumns}, scaled by 10^12; without high of a sum that is none of products. */
export function scaledSum(whole: DuckDBValue, rest: DuckDBValue, high: DuckDBValue = 0n): bigint {
  const integer = (high as bigint) * 10n ** 13n + (whole as bigint);
  return integer * 10n ** BigInt(FRACTION_DIGITS) + (rest as DuckDBDecimalValue).value;
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
export function behind(columns: { name: string; value: string }[], than: '>' | '<' = '>'): string {
  if (columns.length === 0) return 'false';
  const [{ name, value }, ...rest] = columns;
  if (rest.length === 0) return `${name} ${than} ${value}`;
  return `(${name} ${than} ${value} OR (${name} = ${value} AND ${behind(rest, than)}))`;
}
