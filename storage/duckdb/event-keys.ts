/** Fills the filter of event keys with those that are stored. */
import type { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { EventFilter } from './event-filter.ts';

const KEY_BYTES = 16;

/** A filter with all keys that were ever stored, counted or not. */
export async function storedEvents(connection: DuckDBConnection): Promise<EventFilter> {
  const reader = await connection.runAndReadAll(
    'SELECT (SELECT count(event) FROM stored.usage) + (SELECT count(event) FROM stored.quarantine)',
  );
  const filter = new EventFilter(Number(reader.getRows()[0][0]));
  for (const table of ['usage', 'quarantine']) {
    const result = await connection.stream(`SELECT event FROM stored.${table} WHERE event IS NOT NULL`);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      // The keys as they lie in DuckDB's vector, without a bigint each.
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, 0);
      const bytes = duckdb.vector_get_data(vector, chunk.rowCount * KEY_BYTES);
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, chunk.rowCount * 4);
      for (let row = 0; row < chunk.rowCount; row++) filter.add(words, row * 4);
    }
  }
  return filter;
}
