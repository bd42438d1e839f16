/** Dimensions as they are known: GET /api/v1/dimensions, and one by its id. */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import type { Dimension, ManagedBy } from '../resources.ts';
import {
  type DiscoverableListQuery,
  listConditions,
  listPage,
  parseDiscoverableList,
  type ResourceList,
} from './resource-list.ts';
import { BoundValues } from './statement.ts';

/** A question that {@link parseDimensionsQuery} found well-formed. */
export type DimensionsQuery = DiscoverableListQuery;

export type DimensionsAnswer = ResourceList<Dimension>;

/**
 * Reads the parameters of GET /api/v1/dimensions, all of them optional: `q` is what id or name begins with, in any
 * case.
 * @throws QueryError naming the parameter at fault
 */
export const parseDimensionsQuery: (params: Iterable<[string, string]>) => DimensionsQuery =
  parseDiscoverableList;

/** Answers from one snapshot of the ledger. Deleted dimensions are none, even where usage of theirs is stored. */
export async function queryDimensions(
  connection: DuckDBConnection,
  query: DimensionsQuery,
): Promise<DimensionsAnswer> {
  const bound = new BoundValues();
  const conditions = listConditions(query, 'id', (isFound) => [isFound('id'), isFound('name')], bound);
  if (query.discovered !== null) conditions.push(`discovered = ${query.discovered}`);
  return listPage(query, await dimensionsWhere(connection, conditions, query.limit + 1, bound));
}

/** The dimension of this id; null where nobody knows it, or it was deleted. */
export async function queryDimension(connection: DuckDBConnection, id: string): Promise<Dimension | null> {
  const bound = new BoundValues();
  const [dimension] = await dimensionsWhere(connection, [`id = ${bound.text(id)}`], 1, bound);
  return dimension ?? null;
}

async function dimensionsWhere(
  connection: DuckDBConnection,
  conditions: string[],
  limit: number,
  bound: BoundValues,
): Promise<Dimension[]> {
  const reader = await connection.runAndReadAll(
    `SELECT id, name, unit, aggregation, unique_key, level_ttl, "interval", usage_increment, unit_price, rounding,
        credits_allowed, discovered, managed_by
      FROM stored.dimensions WHERE ${['NOT deleted', ...conditions].join(' AND ')}
      ORDER BY id LIMIT ${limit}`,
    bound.values,
  );
  return reader.getRows().map(toDimension);
}

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
