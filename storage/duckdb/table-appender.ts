/**
 * Rows into a DuckDB table by column: typed arrays are copied into DuckDB's own vectors, 2,048 rows at a time, so
 * that a row costs no JavaScript object and no call.
 */
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

/** Bytes per value of a fixed-width column, or text. */
export type ColumnWidth = 1 | 4 | 8 | 16 | 'text';

/** Rows that are staged before they go to DuckDB: four of its vectors. */
const CAPACITY = 8192;

export class TableAppender {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #vectors: duckdb.Vector[];
  readonly #widths: readonly ColumnWidth[];
  readonly #words: Uint32Array[];
  readonly #bytes: Uint8Array[];
  readonly #texts: (string | null)[][];
  /** Per column: 1 where the staged row is NULL, for columns that ever had one. */
  readonly #nulls: (Uint8Array | null)[];

  /** Staged rows. The writer fills all columns at this place and increments it, after {@link reserve}. */
  length = 0;

  private constructor(appender: DuckDBAppender, widths: readonly ColumnWidth[]) {
    this.#appender = appender;
    this.#widths = widths;
    this.#chunk = DuckDBDataChunk.create(widths.map((_, column) => appender.columnType(column)));
    this.#vectors = widths.map((_, column) => duckdb.data_chunk_get_vector(this.#chunk.chunk, column));
    const buffers = widths.map((width) => new ArrayBuffer(width === 'text' ? 0 : width * CAPACITY));
    this.#bytes = buffers.map((buffer) => new Uint8Array(buffer));
    this.#words = buffers.map((buffer) => new Uint32Array(buffer, 0, buffer.byteLength >> 2));
    this.#texts = widths.map(() => []);
    this.#nulls = widths.map(() => null);
  }

  /** @param widths one entry per column of the table, in its order */
  static async create(
    connection: DuckDBConnection,
    [catalog, schema, table]: readonly [string | null, string, string],
    widths: readonly ColumnWidth[],
  ): Promise<TableAppender> {
    return new TableAppender(await connection.createAppender(table, schema, catalog), widths);
  }

  /** The staged values of a column as 32-bit words, width / 4 per row. */
  words(column: number): Uint32Array {
    return this.#words[column];
  }

  /** The staged values of a one-byte column. */
  bytes(column: number): Uint8Array {
    return this.#bytes[column];
  }

  setText(column: number, value: string | null): void {
    this.#texts[column][this.length] = value;
  }

  setNull(column: number): void {
    const nulls = this.#nulls[column] ?? new Uint8Array(CAPACITY);
    this.#nulls[column] = nulls;
    nulls[this.length] = 1;
  }

  /** Makes room for one row at {@link length}. */
  reserve(): void {
    if (this.length === CAPACITY) this.#append();
  }

  /** Hands everything to the connection's transaction: its queries see the rows from then on. */
  flush(): void {
    this.#append();
    this.#appender.flushSync();
  }

  close(): void {
    this.#append();
    this.#appender.closeSync();
  }

  #append(): void {
    const vectorSize = duckdb.vector_size();
    for (let from = 0; from < this.length; from += vectorSize) {
      const rows = Math.min(vectorSize, this.length - from);
      this.#chunk.reset();
      for (let column = 0; column < this.#widths.length; column++) this.#fill(column, from, rows);
      duckdb.data_chunk_set_size(this.#chunk.chunk, rows);
      this.#appender.appendDataChunk(this.#chunk);
    }
    this.length = 0;
    for (const nulls of this.#nulls) nulls?.fill(0);
    for (const texts of this.#texts) texts.length = 0;
  }

  #fill(column: number, from: number, rows: number): void {
    const vector = this.#vectors[column];
    const width = this.#widths[column];
    const nulls = this.#nulls[column];
    let hasNull = false;
    if (width === 'text') {
      const texts = this.#texts[column];
      for (let row = 0; row < rows; row++) {
        const text = texts[from + row];
        if (text === null) hasNull = true;
        else duckdb.vector_assign_string_element(vector, row, text);
      }
    } else {
      const { buffer } = this.#bytes[column];
      duckdb.copy_data_to_vector(vector, 0, buffer as ArrayBuffer, from * width, rows * width);
      hasNull = nulls?.subarray(from, from + rows).includes(1) ?? false;
    }
    if (!hasNull) return;
    // A vector's validity is a bit per row, 1 = valid.
    const validity = new Uint8Array(vectorBytes(duckdb.vector_size())).fill(0xff);
    for (let row = 0; row < rows; row++) {
      const isNull = width === 'text' ? this.#texts[column][from + row] === null : nulls![from + row] === 1;
      if (isNull) validity[row >> 3] &= ~(1 << (row & 7));
    }
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer as ArrayBuffer, 0, validity.length);
  }
}

function vectorBytes(rows: number): number {
  return rows >> 3;
}
