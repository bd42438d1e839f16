/** Dimensions as they are known: GET /api/v1/dimensions, and one by its id. */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { z } from 'zod';
import { textFromScaled } from '../decimal.ts';
import type { Dimension, ManagedBy } from '../resources.ts';
import { QueryParameters } from './parameters.ts';
import { BoundValues, filterKeys } from './statement.ts';
import {
  type ListedTable,
  queryUsedList,
  USED_LIST_PARAMETERS,
  type UsedList,
  type UsedListQuery,
  usedListParameters,
  withUsedCursor,
} from './used-resources.ts';

/** A question that {@link parseDimensionsQuery} found well-formed. */
export interface DimensionsQuery extends UsedListQuery {
  /** Only dimensions in which this customer has usage, and that usage; null = all. */
  customerId: string | null;
}

export type DimensionsAnswer = UsedList<Dimension>;

/**
 * Reads the parameters of GET /api/v1/dimensions, all of them optional: `q` is what id or name begins with, `search`
 * what one of them has in it, in any case; with `customerId` the list has what that customer used.
 * @throws QueryError naming the parameter at fault
 */
export function parseDimensionsQuery(
  params: Iterable<[string, string]>,
  nowUnixNano: bigint,
): DimensionsQuery {
  const parameters = new QueryParameters(params, ['customerId', ...USED_LIST_PARAMETERS]);
  const id = z.string().min(1, { error: 'customerId must not be empty' });
  return withUsedCursor(parameters, {
    ...usedListParameters(parameters, nowUnixNano),
    customerId: parameters.one('customerId', id) ?? null,
  });
}

/** Deleted dimensions are not listed, even where usage of theirs is stored. */
export async function queryDimensions(
  connection: DuckDBConnection,
  query: DimensionsQuery,
): Promise<DimensionsAnswer> {
  const { customerId } = query;
  if (customerId === null) return await queryUsedList(connection, query, DIMENSIONS);
  const filter = { customerIds: [customerId], dimensionIds: null, metadata: [] };
  const { customers } = await filterKeys(connection, filter);
  if (customers!.length === 0) return { rows: [], total: 0, nextCursor: null };
  return await queryUsedList(connection, query, DIMENSIONS, customers![0]);
}

/** The dimension of this id; null where nobody knows it, or it was deleted. */
export async function queryDimension(connection: DuckDBConnection, id: string): Promise<Dimension | null> {
  const bound = new BoundValues();
  const reader = await connection.runAndReadAll(
    `SELECT ${DIMENSIONS.columns} FROM stored.dimensions WHERE NOT deleted AND id = ${bound.text(id)}`,
    bound.values,
  );
  return reader.getRows().map(toDimension)[0] ?? null;
}

const DIMENSIONS: ListedTable<Dimension> = {
  table: 'stored.dimensions',
  key: 'dimension',
  columns: `id, name, unit, aggregation, unique_key, level_ttl, "interval", usage_increment, unit_price, rounding,
    credits_allowed, discovered, managed_by`,
  searched: (isFound) => [isFound('id'), isFound('name')],
  toRow: toDimension,
};

function toDimension(row: DuckDBValue[]): Dimension {
  const [id, name, unit, aggregation, uniqueKey, levelTtl, interval, usageIncrement, unitPrice, ...flags] =
    row;
  const [rounding, creditsAllowed, discovered, managedBy] = flags;
  return {
    id: id as string,
    name: name as string | null,
    unit: unit as string,
    aggregation: aggregation as Dimension['aggregation'],
    uniqueKey: uniqueKey as string | null,
    levelTtl: levelTtl === null ? null : Number(levelTtl),
    interval: interval as Dimension['interval'],
    usageIncrement: decimalText(usageIncrement),
    unitPrice: decimalText(unitPrice),
    rounding: rounding as Dimension['rounding'],
    creditsAllowed: creditsAllowed as boolean,
    discovered: discovered as boolean,
    managedBy: managedBy as ManagedBy | null,
  };
}

function decimalText(decimal: DuckDBValue): string | null {
  return decimal === null ? null : textFromScaled((decimal as DuckDBDecimalValue).value);
}
