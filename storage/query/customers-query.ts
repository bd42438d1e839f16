/** Customers as they are known: GET /api/v1/customers, and one by its id. */
import type { DuckDBConnection, DuckDBListValue, DuckDBValue } from '@duckdb/node-api';
import type { Customer, ManagedBy } from '../resources.ts';
import {
  type DiscoverableListQuery,
  listConditions,
  listPage,
  parseDiscoverableList,
  type ResourceList,
} from './resource-list.ts';
import { BoundValues } from './statement.ts';

/** A question that {@link parseCustomersQuery} found well-formed. */
export type CustomersQuery = DiscoverableListQuery;

export type CustomersAnswer = ResourceList<Customer>;

/**
 * Reads the parameters of GET /api/v1/customers, all of them optional: `q` is what id, name, e-mail address or an
 * alias begins with, in any case.
 * @throws QueryError naming the parameter at fault
 */
export const parseCustomersQuery: (params: Iterable<[string, string]>) => CustomersQuery =
  parseDiscoverableList;

/** Answers from one snapshot of the ledger. Deleted customers are none, even where usage of theirs is stored. */
export async function queryCustomers(
  connection: DuckDBConnection,
  query: CustomersQuery,
): Promise<CustomersAnswer> {
  const bound = new BoundValues();
  const searched = (isFound: (text: string) => string) => [
    isFound('id'),
    isFound('name'),
    isFound('email'),
    `len(list_filter(aliases, lambda alias: ${isFound('alias')})) > 0`,
  ];
  const conditions = listConditions(query, 'id', searched, bound);
  if (query.discovered !== null) conditions.push(`discovered = ${query.discovered}`);
  return listPage(query, await customersWhere(connection, conditions, query.limit + 1, bound));
}

/** The customer of this id (an alias is none); null where nobody knows it, or it was deleted. */
export async function queryCustomer(connection: DuckDBConnection, id: string): Promise<Customer | null> {
  const bound = new BoundValues();
  const [customer] = await customersWhere(connection, [`id = ${bound.text(id)}`], 1, bound);
  return customer ?? null;
}

async function customersWhere(
  connection: DuckDBConnection,
  conditions: string[],
  limit: number,
  bound: BoundValues,
): Promise<Customer[]> {
  const reader = await connection.runAndReadAll(
    `SELECT id, name, email, time_zone, aliases, metadata, discovered, managed_by
      FROM stored.customers WHERE ${['NOT deleted', ...conditions].join(' AND ')}
      ORDER BY id LIMIT ${limit}`,
    bound.values,
  );
  return reader.getRows().map(toCustomer);
}

function toCustomer(row: DuckDBValue[]): Customer {
  const [id, name, email, timeZone, aliases, metadata, discovered, managedBy] = row;
  return {
    id: id as string,
    name: name as string | null,
    email: email as string | null,
    timeZone: timeZone as string | null,
    aliases: (aliases as DuckDBListValue).items as string[],
    metadata: JSON.parse(metadata as string),
    discovered: discovered as boolean,
    managedBy: managedBy as ManagedBy | null,
  };
}
