/**
 * Stored usage in the order of questions. Rows come in the order of time, so those of one customer lie in every row
 * group and each question about them reads all. Some seconds or hours later they are moved: a million at a time, in
 * the order of dimension, customer and time, to the end of the same table. DuckDB's zone maps then leave out the row
 * groups of other dimensions, and within a row group other customers cost next to nothing. Rows stay near those of
 * their time, so ranges of time still leave out the others.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { foldUsage } from './usage-totals.ts';

/**
 * Rows that are moved at once: eight row groups, in one to two seconds. With twice as many no question is faster, and sorting
 * them takes twice the memory, 300 MB.
 */
export const CLUSTER_ROWS = 2 ** 20;

/** Rows that came since the last ones that were moved. */
export async function unclusteredRows(connection: DuckDBConnection): Promise<number> {
  const reader = await connection.runAndReadAll(
    `SELECT count(*) FROM stored.usage WHERE sequence > ${await clusteredThrough(connection)}`,
  );
  return Number(reader.getRows()[0][0]);
}

/**
 * Moves the oldest rows that were not moved yet, in a transaction of its own. Rows are inserted and read meanwhile as
 * ever. None must be updated: DuckDB sees no conflict between the deletion of a row and an update of it that is not
 * committed yet, and the update would be lost.
 * @param mostRows of whole journal frames, unless one of them has more
 * @returns how many were moved; 0: there are no others
 */
export async function clusterUsage(connection: DuckDBConnection, mostRows = CLUSTER_ROWS): Promise<number> {
  await connection.run('BEGIN');
  try {
    const rows = await moveOldest(connection, mostRows);
    await connection.run('COMMIT');
    return rows;
  } catch (error) {
    await connection.run('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function moveOldest(connection: DuckDBConnection, mostRows: number): Promise<number> {
  const after = await clusteredThrough(connection);
  // Of frames beyond the position, records may still be staged.
  const frames = await connection.runAndReadAll(
    `SELECT sequence, sum(frame_rows) OVER (ORDER BY sequence) AS rows_so_far
    FROM (
      SELECT sequence, count(*) AS frame_rows FROM stored.usage
      WHERE sequence > ${after} AND sequence <= (SELECT sequence FROM stored.position)
      GROUP BY sequence)
    QUALIFY rows_so_far <= ${mostRows} OR row_number() OVER (ORDER BY sequence) = 1
    ORDER BY sequence DESC LIMIT 1`,
  );
  const [found] = frames.getRows();
  if (found === undefined) return 0;
  const [through, rows] = found;
  const ofFrames = `sequence > ${after} AND sequence <= ${through}`;
  // What the transaction itself inserts has greater numbers than everything that is stored.
  const reader = await connection.runAndReadAll('SELECT max(rowid) FROM stored.usage');
  const [lastRow] = reader.getRows()[0];
  // A commit that brings whole row groups shows them, for some milliseconds, to snapshots from before it (DuckDB 1.5.5):
  // usage would be counted twice. One that has deleted a row of its own appends row by row, which nobody sees.
  await connection.run(`INSERT INTO stored.usage SELECT * FROM stored.usage WHERE ${ofFrames} LIMIT 1`);
  await connection.run(`DELETE FROM stored.usage WHERE ${ofFrames} AND rowid > ${lastRow}`);
  await connection.run(`INSERT INTO stored.usage
    SELECT * FROM stored.usage WHERE ${ofFrames} ORDER BY dimension, customer, time, series`);
  await connection.run(`DELETE FROM stored.usage WHERE ${ofFrames} AND rowid <= ${lastRow}`);
  await connection.run(`UPDATE stored.clustering SET through_sequence = ${through}`);
  await foldUsage(connection, Number(through));
  return Number(rows);
}

async function clusteredThrough(connection: DuckDBConnection): Promise<number> {
  const reader = await connection.runAndReadAll('SELECT through_sequence FROM stored.clustering');
  return Number(reader.getRows()[0][0]);
}
