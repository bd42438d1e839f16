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
import { FRACTION_DIGITS, textFromScaled } from '../decimal.ts';
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
  /**
   * Of a column of quantities, each times nanoseconds that do not overlap.
   * @param mostNanoseconds how many they are at most, all together: no more than 2^63
   */
  ofProducts(quantity: string, nanoseconds: string, mostNanoseconds: bigint): SumColumns;
  /** As one decimal, where the sum itself is no greater than a quantity can be. */
  within(quantity: string): string;
}

const NOTHING = '0::HUGEINT';
/** Less than what 128 bits with a sign hold. */
const MOST = 2n ** 126n;

/** Each part is below 10^13, its products together below 10^32. Taking a decimal apart is slow: only those that are large. */
function sumOfProducts(quantity: string, nanoseconds: string, mostNanoseconds: bigint): SumColumns {
  const isLarge = `abs(${quantity}) >= ${textFromScaled(MOST / (mostNanoseconds + 1n))}`;
  const ofLarge = (part: string, otherwise: string) =>
    `sum(CASE WHEN ${isLarge} THEN ${part} * ${nanoseconds} ELSE ${otherwise} END)`;
  return {
    high: ofLarge(`(trunc(${quantity})::HUGEINT // 10000000000000)`, '0'),
    whole: ofLarge(`(trunc(${quantity})::HUGEINT % 10000000000000)`, '0'),
    rest: ofLarge(`(${quantity} - trunc(${quantity}))`, `${quantity} * ${nanoseconds}`),
  };
}

/** For quantities that are far from what 128 bits hold. */
const PLAIN_SUMS: Sums = {
  of: (quantity) => ({ high: NOTHING, whole: NOTHING, rest: `sum(${quantity})` }),
  ofProducts: sumOfProducts,
  within: (quantity) => `sum(${quantity})`,
};

/** For any magnitude, at one and a half times the cost. */
const SPLIT_SUMS: Sums = {
  of: (quantity) => ({
    high: NOTHING,
    whole: `sum(CASE WHEN abs(${quantity}) >= 1000000000000 THEN trunc(${quantity})::HUGEINT ELSE 0 END)`,
    rest: `sum(CASE WHEN abs(${quantity}) >= 1000000000000 THEN ${quantity} - trunc(${quantity}) ELSE ${quantity} END)`,
  }),
  ofProducts: sumOfProducts,
  within: (quantity) =>
    `(sum(trunc(${quantity})::HUGEINT)::DECIMAL(38, 12) + sum(${quantity} - trunc(${quantity})))::DECIMAL(38, 12)`,
};

/** Runs a statement that sums quantities of a table. */
export async function runSum(
  connection: DuckDBConnection,
  table: 'stored.usage' | 'stored.quarantine',
  statement: (sums: Sums, bound: BoundValues) => string,
): Promise<DuckDBValue[][]> {
  const bound = new BoundValues();
  const sql = statement(await sumsOf(connection, table), bound);
  return (await connection.runAndReadAll(sql, bound.values)).getRows();
}

/**
 * How the column `quantity` of a table is to be summed. A sum that 128 bits do not hold is no error in DuckDB: it depends
 * on how the rows lie whether it becomes one or a wrong number. Where all quantities are below 10^16, so many as fit on
 * a disk have a sum that they hold.
 */
export async function sumsOf(connection: DuckDBConnection, table: string): Promise<Sums> {
  // What DuckDB keeps of each column, without reading it: [Min: -1.500000000000, Max: 999.990000000000][…]
  const [row] = (await connection.runAndReadAll(`SELECT stats(quantity) FROM ${table} LIMIT 1`)).getRows();
  return row === undefined || SMALL.test(row[0] as string) ? PLAIN_SUMS : SPLIT_SUMS;
}

const SMALL = /^\[Min: -?\d{1,16}\.\d+, Max: -?\d{1,16}\.\d+\]/;

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
