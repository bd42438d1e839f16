/** A reader of the lake for bench/lake.ts: opens the catalogue, asks, closes; a line of JSON for each round. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';

const [path] = process.argv.slice(2);
let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();
while (!isOver) {
  const at = Date.now();
  const startedAt = performance.now();
  let count = 0;
  let error: string | undefined;
  try {
    const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY', threads: '1' });
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(`SELECT (SELECT count(*) FROM usage_records),
      (SELECT sum(record_value) FROM usage_records WHERE customer_id = 'customer-0017')`);
    count = Number(reader.getRows()[0][0]);
    connection.closeSync();
    instance.closeSync();
  } catch (cause) {
    error = (cause as Error).message;
  }
  console.log(JSON.stringify({ at, ms: performance.now() - startedAt, count, error }));
  await sleep(200);
}
