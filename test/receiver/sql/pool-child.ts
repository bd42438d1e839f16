/** The owner of a pool with a query that runs for ever: prints the pool's process ids, and is killed. Argument: the lake. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SqlPool } from '../../../receiver/sql/sql-pool.ts';

const pool = new SqlPool({ lakeDirectory: process.argv[2] });
void pool.run({
  sql: 'SELECT count(*) FROM range(1000000000000)',
  format: 'json',
  maxRows: 1,
  maxMilliseconds: 300_000,
  signal: new AbortController().signal,
});
// Until the query has begun: a process is there before it can hear.
await sleep(1_500);
console.log(JSON.stringify(pool.pids));
