/** Whether a customer or dimension has usage: what somebody who deletes it should know. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { filterKeys, keyConditions, matchesNothing } from './statement.ts';

/** Exactly one of the two. An id that nobody knows has no usage. */
export type UsagePresenceQuery = { customerId: string } | { dimensionId: string };

export interface UsagePresenceAnswer {
  hasUsage: boolean;
}

/** Answers from one snapshot of the ledger. Voided usage is none; what is in quarantine is none either. */
export async function queryUsagePresence(
  connection: DuckDBConnection,
  query: UsagePresenceQuery,
): Promise<UsagePresenceAnswer> {
  const keys = await filterKeys(connection, {
    customerIds: 'customerId' in query ? [query.customerId] : null,
    dimensionIds: 'dimensionId' in query ? [query.dimensionId] : null,
    metadata: [],
  });
  if (matchesNothing(keys)) return { hasUsage: false };
  const reader = await connection.runAndReadAll(
    `SELECT 1 FROM stored.usage WHERE ${['voided_by IS NULL', ...keyConditions(keys)].join(' AND ')} LIMIT 1`,
  );
  return { hasUsage: reader.currentRowCount > 0 };
}
