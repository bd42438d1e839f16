/** Customers as they are known: GET /api/v1/customers, and one by its id. */
import type { DuckDBConnection, DuckDBListValue, DuckDBValue } from '@duckdb/node-api';
import type { Customer, ManagedBy } from '../resources.ts';
import { BoundValues } from './statement.ts';
import {
  type ListedTable,
  parseUsedList,
  queryUsedList,
  type UsedList,
  type UsedListQuery,
} from './used-resources.ts';

/** A question that {@link parseCustomersQuery} found well-formed. */
export type CustomersQuery = UsedListQuery;

export type CustomersAnswer = UsedList<Customer>;

/**
 * Reads the parameters of GET /api/v1/customers, all of them optional: `q` is what id, name, e-mail address or an
 * alias begins with, `search` what one of them has in it, in any case.
 * @throws QueryError naming the parameter at fault
 */
export const parseCustomersQuery: (
  params: Iterable<[string, string]>,
  nowUnixNano: bigint,
) => CustomersQuery = parseUsedList;

/** Deleted customers are not listed, even where usage of theirs is stored. */
export async function queryCustomers(
  connection: DuckDBConnection,
  query: CustomersQuery,
): Promise<CustomersAnswer> {
  return await queryUsedList(connection, query, CUSTOMERS);
}

/** The customer of this id (an alias is none); null where nobody knows it, or it was deleted. */
export async function queryCustomer(connection: DuckDBConnection, id: string): Promise<Customer | null> {
  const bound = new BoundValues();
  const reader = await connection.runAndReadAll(
    `SELECT ${CUSTOMERS.columns} FROM stored.customers WHERE NOT deleted AND id = ${bound.text(id)}`,
    bound.values,
  );
  return reader.getRows().map(toCustomer)[0] ?? null;
}

const CUSTOMERS: ListedTable<Customer> = {
  table: 'stored.customers',
  key: 'customer',
  columns: 'id, name, email, time_zone, aliases, metadata, discovered, managed_by',
  searched: (isFound) => [
    isFound('id'),
    isFound('name'),
    isFound('email'),
    `len(list_filter(aliases, lambda alias: ${isFound('alias')})) > 0`,
  ],
  toRow: toCustomer,
};

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
