/**
 * A reader in a process of its own, as an analyst's tool is: opens the catalogue, asks, closes, over and over, and
 * says what it found, a line of JSON for each round. One session stays open from its first round on.
 * Arguments: the catalogue. Ends with its stdin.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

const [path] = process.argv.slice(2);

const QUESTION = `SELECT (SELECT count(*)::INTEGER FROM usage_records), (SELECT coalesce(sum(record_value), 0)::INTEGER FROM usage_records),
  (SELECT coalesce(sum(records), 0)::INTEGER FROM usage_daily), (SELECT coalesce(sum(quantity), 0)::INTEGER FROM usage_hourly),
  (SELECT count(DISTINCT record_id)::INTEGER FROM usage_records), (SELECT count(*)::INTEGER FROM customers)`;

async function open(): Promise<{ connection: DuckDBConnection; close(): void }> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY', threads: '1' });
  const connection = await instance.connect();
  return {
    connection,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function ask(connection: DuckDBConnection): Promise<unknown[]> {
  return (await connection.runAndReadAll(QUESTION)).getRows()[0];
}

let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();
const kept = await open();
const [first] = await ask(kept.connection);
while (!isOver) {
  const session = await open();
  const found = await ask(session.connection);
  session.close();
  const [ofKept] = await ask(kept.connection);
  console.log(JSON.stringify({ found, keptIsUnchanged: ofKept === first }));
}
kept.close();
