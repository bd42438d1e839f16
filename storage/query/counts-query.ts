/** How much the ledger holds, for health checks and people who look. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { KIND_CORRECTION, RESOLUTION_OPEN } from '../duckdb/schema.ts';
import { LATEST_VERSIONS } from './meters-query.ts';

export interface LedgerCounts {
  /** Declared or discovered, and not deleted. */
  customers: number;
  dimensions: number;
  series: number;
  /** Meters that people made, and not deleted. */
  meters: number;
  /** Usage records that count, without corrections of running totals. */
  records: number;
  /** Those of them that came as log records, spans or by hand. */
  events: number;
  /** Signals in quarantine that nobody settled yet. */
  quarantined: number;
}

export async function queryCounts(connection: DuckDBConnection): Promise<LedgerCounts> {
  const reader = await connection.runAndReadAll(`
    SELECT
      (SELECT count(*) FROM stored.customers WHERE NOT deleted),
      (SELECT count(*) FROM stored.dimensions WHERE NOT deleted),
      (SELECT count(*) FROM stored.series),
      (SELECT count(*) FROM ${LATEST_VERSIONS} WHERE deleted_sequence IS NULL),
      records, events,
      (SELECT count(*) FROM stored.quarantine WHERE resolution = '${RESOLUTION_OPEN}')
    FROM (
      SELECT count(*) FILTER (kind <> ${KIND_CORRECTION}) AS records, count(event) AS events
      FROM stored.usage WHERE voided_by IS NULL)`);
  const [customers, dimensions, series, meters, records, events, quarantined] = reader
    .getRows()[0]
    .map(Number);
  return { customers, dimensions, series, meters, records, events, quarantined };
}
