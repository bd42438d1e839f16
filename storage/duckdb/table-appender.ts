/**
 * Rows into a DuckDB table by column: typed arrays are copied into DuckDB's own vectors, 2,048 rows at a time, so
 * that a row costs no JavaScript object and no call.
 */
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

/**
 * Bytes per value of a fixed-width column; text; `rare 16`: 16 bytes, NULL unless {@link TableAppender.setPresent} says
 * otherwise; `null`: always NULL.
 */
export type ColumnWidth = 1 | 4 | 8 | 16 | 'text' | 'rare 16' | 'null';

/** Rows that are staged before they go to DuckDB, unless said otherwise: four of its vectors. */
const DEFAULT_CAPACITY = 8192;

export class TableAppender {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #vectors: duckdb.Vector[];
  /** Bytes per value; 0 for text and for what is always NULL. */
  readonly #widths: readonly number[];
  readonly #kinds: readonly ('fixed' | 'text' | 'rare' | 'null')[];
  readonly #words: Uint32Array[];
  readonly #bytes: Uint8Array[];
  readonly #texts: (string | null)[][];
  /** Per column: 1 where the staged row is NULL, for columns that ever had one. */
  readonly #nulls: (Uint8Array | null)[];

  readonly #capacity: number;
  #appended = 0;

  /** Staged rows. The writer fills all columns at this place and increments it, after {@link reserve}. */
  length = 0;

  private constructor(appender: DuckDBAppender, widths: readonly ColumnWidth[], capacity: number) {
    this.#capacity = capacity;
    this.#appender = appender;
    this.#widths = widths.map((width) => (width === 'rare 16' ? 16 : typeof width === 'number' ? width : 0));
    this.#kinds = widths.map((width) => {
      if (width === 'rare 16') return 'rare';
      return typeof width === 'number' ? 'fixed' : width;
    });
    this.#chunk = DuckDBDataChunk.create(widths.map((_, column) => appender.columnType(column)));
    this.#vectors = widths.map((_, column) => duckdb.data_chunk_get_vector(this.#chunk.chunk, column));
    const buffers = this.#widths.map((width) => new ArrayBuffer(width * capacity));
    this.#bytes = buffers.map((buffer) => new Uint8Array(buffer));
    this.#words = buffers.map((buffer) => new Uint32Array(buffer, 0, buffer.byteLength >> 2));
    this.#texts = widths.map(() => []);
    this.#nulls = this.#kinds.map((kind) => (kind === 'rare' ? new Uint8Array(capacity).fill(1) : null));
  }

  /** @param widths one entry per column of the table, in its order */
  static async create(
    connection: DuckDBConnection,
    [catalog, schema, table]: readonly [string | null, string, string],
    widths: readonly ColumnWidth[],
    capacity = DEFAULT_CAPACITY,
  ): Promise<TableAppender> {
    return new TableAppender(await connection.createAppender(table, schema, catalog), widths, capacity);
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
    const nulls = this.#nulls[column] ?? new Uint8Array(this.#capacity);
    this.#nulls[column] = nulls;
    nulls[this.length] = 1;
  }

  /** The value of a rare column is set. */
  setPresent(column: number): void {
    this.#nulls[column]![this.length] = 0;
  }

  /** Whether a staged row has a value in a rare column. */
  isPresent(column: number, row: number): boolean {
    return this.#nulls[column]![row] === 0;
  }

  /** Rows handed to DuckDB, ever. */
  get appended(): number {
    return this.#appended;
  }

  /** Makes room for one row at {@link length}. */
  reserve(): void {
    if (this.length === this.#capacity) this.append(this.length);
  }

  /** Hands everything to the connection's transaction: its queries see the rows from then on. */
  flush(): void {
    this.append(this.length);
    this.flushAppended();
  }

  /** The same without the rows that are staged. */
  flushAppended(): void {
    this.#appender.flushSync();
  }

  /** Hands over everything, and ends. */
  close(): void {
    this.append(this.length);
    this.#appender.closeSync();
  }

  /** Forgets what was not flushed, and ends. */
  discard(): void {
    this.length = 0;
    this.#appender.clear();
    this.#appender.closeSync();
  }

  /** Hands over the first so many rows; the others stay staged, from the beginning on. */
  append(count: number): void {
    const vectorSize = duckdb.vector_size();
    for (let from = 0; from < count; from += vectorSize) {
      const rows = Math.min(vectorSize, count - from);
      this.#chunk.reset();
      for (let column = 0; column < this.#widths.length; column++) this.#fill(column, from, rows);
      duckdb.data_chunk_set_size(this.#chunk.chunk, rows);
      this.#appender.appendDataChunk(this.#chunk);
    }
    for (const [column, kind] of this.#kinds.entries()) {
      const width = this.#widths[column];
      if (kind === 'text') this.#texts[column].splice(0, count);
      else if (kind !== 'null') this.#bytes[column].copyWithin(0, count * width, this.length * width);
      const nulls = this.#nulls[column];
      nulls
        ?.copyWithin(0, count, this.length)
        .fill(kind === 'rare' ? 1 : 0, this.length - count, this.length);
    }
    this.#appended += count;
    this.length -= count;
  }

  #fill(column: number, from: number, rows: number): void {
    const vector = this.#vectors[column];
    const kind = this.#kinds[column];
    const nulls = this.#nulls[column]?.subarray(from, from + rows);
    if (kind === 'null' || (kind === 'rare' && !nulls!.includes(0))) {
      setValidity(vector, NEVER_VALID);
      return;
    }
    let hasNull = nulls?.includes(1) ?? false;
    if (kind === 'text') {
      const texts = this.#texts[column];
      for (let row = 0; row < rows; row++) {
        const text = texts[from + row];
        if (text === null) hasNull = true;
        else duckdb.vector_assign_string_element(vector, row, text);
      }
    } else {
      const width = this.#widths[column];
      const { buffer } = this.#bytes[column];
      duckdb.copy_data_to_vector(vector, 0, buffer as ArrayBuffer, from * width, rows * width);
    }
    if (!hasNull) return;
    const validity = new Uint8Array(NEVER_VALID.length).fill(0xff);
    for (let row = 0; row < rows; row++) {
      const isNull = kind === 'text' ? this.#texts[column][from + row] === null : nulls![row] === 1;
      if (isNull) validity[row >> 3] &= ~(1 << (row & 7));
    }
    setValidity(vector, validity);
  }
}

/** A vector's validity is a bit per row, 1 = valid. */
const NEVER_VALID = new Uint8Array(duckdb.vector_size() >> 3);

function setValidity(vector: duckdb.Vector, validity: Uint8Array): void {
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer as ArrayBuffer, 0, validity.length);
}
