/**
 * How many usage records each customer has in each dimension, and when the newest was: kept for the rows of older
 * frames, so that a list of customers reads some hundred thousand rows and not all usage.
 *
 * It is made of stored usage alone, never of what comes, and whoever reads it adds what came later: storage/query/used-keys.ts. A customer and dimension may have several rows.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { KIND_CORRECTION } from './schema.ts';

/** Condition on rows of stored.usage: they are usage records that count. */
export const IS_RECORD = `voided_by IS NULL AND kind <> ${KIND_CORRECTION}`;

/** So many rows more than the merged ones are not worth merging. */
const FEW_ROWS = 100_000;

/**
 * Takes the frames up to this one into the totals, in the transaction of the connection.
 * @param through at most the position of the ledger: of later frames, records may still be staged
 */
export async function foldUsage(connection: DuckDBConnection, through: number): Promise<void> {
  const numbers = async (sql: string) =>
    (await connection.runAndReadAll(sql)).getRows().map((row) => row.map(Number));
  const [[before, asOf, mergedRows]] = await numbers('FROM stored.usage_totals_state');
  // As in clustering.ts: without a row of its own that is deleted, a commit of whole row groups shows them too early.
  await connection.run('INSERT INTO stored.usage_totals VALUES (-1, -1, 0, make_timestamp_ns(0))');
  await connection.run('DELETE FROM stored.usage_totals WHERE customer = -1');
  // Whoever voided one of the rows, the others of its customer and dimension are counted anew.
  const voided = `SELECT customer, dimension FROM stored.usage WHERE voided_by > ${asOf} AND sequence <= ${before}`;
  const totals = (condition: string) => `SELECT customer, dimension, count(*), max(time) FROM stored.usage
    WHERE ${IS_RECORD} AND ${condition} GROUP BY customer, dimension`;
  const [[voids]] = await numbers(`SELECT count(*) FROM (${voided} LIMIT 1)`);
  if (voids > 0) {
    const isVoided = `(customer, dimension) IN (${voided})`;
    await connection.run(`DELETE FROM stored.usage_totals WHERE ${isVoided}`);
    await connection.run(
      `INSERT INTO stored.usage_totals ${totals(`sequence <= ${before} AND ${isVoided}`)}`,
    );
  }
  await connection.run(
    `INSERT INTO stored.usage_totals ${totals(`sequence > ${before} AND sequence <= ${through}`)}`,
  );

  const [[rows]] = await numbers('SELECT count(*) FROM stored.usage_totals');
  const isLong = rows > 2 * mergedRows + FEW_ROWS;
  if (isLong) {
    await connection.run(`CREATE OR REPLACE TEMP TABLE merged_totals AS
      SELECT customer, dimension, sum(records)::BIGINT AS records, max(newest) AS newest
      FROM stored.usage_totals GROUP BY customer, dimension`);
    await connection.run('DELETE FROM stored.usage_totals');
    await connection.run('INSERT INTO stored.usage_totals FROM temp.merged_totals');
    await connection.run('DROP TABLE temp.merged_totals');
  }
  await connection.run(`UPDATE stored.usage_totals_state SET through_sequence = ${Math.max(before, through)},
    as_of_sequence = (SELECT sequence FROM stored.position)
    ${isLong ? ', merged_rows = (SELECT count(*) FROM stored.usage_totals)' : ''}`);
}
