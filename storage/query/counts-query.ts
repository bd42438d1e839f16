/** How much the ledger holds, for health checks and people who look. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { KIND_CORRECTION } from '../duckdb/schema.ts';

export interface LedgerCounts {
  /** Declared or discovered. */
  customers: number;
  dimensions: number;
  series: number;
  /** Stored usage records, without corrections of running totals. */
  records: number;
  /** Signals in quarantine. */
  quarantined: number;
}

export async function queryCounts(connection: DuckDBConnection): Promise<LedgerCounts> {
  const reader = await connection.runAndReadAll(`
    SELECT
      (SELECT count(*) FROM stored.customers),
      (SELECT count(*) FROM stored.dimensions),
      (SELECT count(*) FROM stored.series),
      (SELECT count(*) FROM stored.usage WHERE kind <> ${KIND_CORRECTION}),
      (SELECT count(*) FROM stored.quarantine)`);
  const [customers, dimensions, series, records, quarantined] = reader.getRows()[0].map(Number);
  return { customers, dimensions, series, records, quarantined };
}
