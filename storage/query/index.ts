/** The questions that the ledger answers, and the one place that runs them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { type LedgerCounts, queryCounts } from './counts-query.ts';
import { type QuarantineAnswer, type QuarantineQuery, queryQuarantine } from './quarantine-query.ts';
import { queryRecords, type RecordsAnswer, type RecordsQuery } from './records-query.ts';
import { queryUsage, type UsageAnswer, type UsageQuery } from './usage-query.ts';

/**
 * Plain data, for the way to the ledger thread. Up to when an answer is complete is known to whoever asked and
 * waited: they put `completeUntil` beside it.
 */
export type QueryRequest =
  | { type: 'usage'; query: UsageQuery }
  | { type: 'records'; query: RecordsQuery }
  | { type: 'quarantine'; query: QuarantineQuery }
  | { type: 'counts' };

interface Answers {
  usage: UsageAnswer;
  records: RecordsAnswer;
  quarantine: QuarantineAnswer;
  counts: LedgerCounts;
}

/** What a request is answered with. */
export type QueryAnswer<Request extends QueryRequest> = Answers[Request['type']];

/**
 * Answers a request from one snapshot of the ledger. Several may run on one connection at a time.
 * @throws Error of DuckDB: a request that was parsed has nothing left to refuse
 */
export async function runQuery<Request extends QueryRequest>(
  connection: DuckDBConnection,
  request: Request,
): Promise<QueryAnswer<Request>> {
  const answer = async (one: QueryRequest): Promise<Answers[QueryRequest['type']]> => {
    switch (one.type) {
      case 'usage':
        return await queryUsage(connection, one.query);
      case 'records':
        return await queryRecords(connection, one.query);
      case 'quarantine':
        return await queryQuarantine(connection, one.query);
      case 'counts':
        return await queryCounts(connection);
    }
  };
  return (await answer(request)) as QueryAnswer<Request>;
}

export type { LedgerCounts } from './counts-query.ts';
export {
  parseQuarantineQuery,
  type QuarantineAnswer,
  type QuarantineQuery,
  type QuarantineRow,
} from './quarantine-query.ts';
export { QueryError, type QueryErrorCode } from './query-error.ts';
export {
  parseRecordsQuery,
  type RecordsAnswer,
  type RecordsQuery,
  type UsageRecord,
} from './records-query.ts';
export { parseUsageQuery, type UsageAnswer, type UsageQuery, type UsageRow } from './usage-query.ts';
