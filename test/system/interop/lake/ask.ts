/**
 * Asks a lake with our own binding: a catalogue's path as argument, then a query per line of standard input, as a JSON
 * string. Each opens the lake and closes it, and is answered with a line of JSON. The same as ask.py.
 */
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Answer } from './lake-clients.ts';

const [path] = process.argv.slice(2);

async function answer(query: string): Promise<Answer> {
  const startedAt = performance.now();
  try {
    const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY', threads: '1' });
    const connection = await instance.connect();
    const openMs = performance.now() - startedAt;
    const reader = await connection.runAndReadAll(query);
    const rows = reader.getRows() as string[][];
    connection.closeSync();
    instance.closeSync();
    return { rows, openMs, ms: performance.now() - startedAt };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line) as string)));
}
