/** Parquet through DuckDB: each value as the text that spells it exactly, in chunks, with its row number. */
import {
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { ImportError } from './import-error.ts';
import type { Cell, SourceRow } from './source-row.ts';

/** Buffers of DuckDB's own; a row group is decoded column by column, so this is plenty. */
const MEMORY_LIMIT = '512MB';

export interface ParquetColumn {
  /** As a mapping names it: a struct's field is `account.id`. */
  name: string;
  /** Expression that gives its text. */
  sql: string;
  /** A map or struct, whose text is a JSON object. */
  isObject: boolean;
  /** A double's text is its shortest form, not what somebody wrote. */
  isDouble: boolean;
  /** What keeps it from being read: the end of a sentence "column … is …". */
  unreadable: string | null;
}

export class ParquetReader {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #path: string;
  readonly columns: readonly ParquetColumn[];
  readonly rowCount: number;

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    path: string,
    columns: readonly ParquetColumn[],
    rowCount: number,
  ) {
    this.#instance = instance;
    this.#connection = connection;
    this.#path = path;
    this.columns = columns;
    this.rowCount = rowCount;
  }

  /** @throws ImportError "UNREADABLE" where it is no Parquet file */
  static async open(path: string): Promise<ParquetReader> {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: MEMORY_LIMIT,
      threads: '2',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    try {
      const connection = await instance.connect();
      // Instants are then spelled in UTC, whatever the machine's zone.
      await connection.run("SET TimeZone = 'UTC'");
      const described = await connection.run(`FROM ${tableOf(path)} LIMIT 0`);
      const names = described.columnNames();
      const columns = described.columnTypes().flatMap((type, index) => columnsOf(names[index], type));
      const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${tableOf(path)}`);
      return new ParquetReader(instance, connection, path, columns, Number(counted.getRows()[0][0]));
    } catch (cause) {
      instance.closeSync();
      throw unreadable(cause);
    }
  }

  /**
   * The columns at the given places, in the order of the file; the others' cells are undefined.
   * @throws ImportError "UNREADABLE"
   */
  async *rows(places: readonly number[]): AsyncGenerator<SourceRow[]> {
    const columns = places.map((place) => this.columns[place]);
    const expressions = columns.map(({ sql }) => sql);
    const select = `SELECT ${[...expressions, 'file_row_number'].join(', ')} FROM ${tableOf(this.#path, true)}`;
    const { length } = this.columns;
    try {
      const result = await this.#connection.stream(select);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) return;
        const values = chunk.getColumns() as (string | null)[][];
        const numbers = chunk.getColumnValues(columns.length) as bigint[];
        yield numbers.map((number, at) => {
          const cells: Cell[] = new Array(length);
          for (const [index, { isObject }] of columns.entries())
            cells[places[index]] = cellOf(values[index][at], isObject);
          return { row: Number(number) + 1, cells };
        });
      }
    } catch (cause) {
      throw cause instanceof ImportError ? cause : unreadable(cause);
    }
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

function cellOf(text: string | null, isObject: boolean): Cell {
  if (text === null || !isObject) return text;
  return JSON.parse(text) as object;
}

function columnsOf(name: string, type: DuckDBType, expression = identifier(name)): ParquetColumn[] {
  const column = {
    name,
    sql: `CAST(${expression} AS VARCHAR)`,
    isObject: false,
    isDouble: false,
    unreadable: null,
  };
  if (type instanceof DuckDBStructType) {
    const fields = type.entryNames.flatMap((field, index) =>
      columnsOf(
        `${name}.${field}`,
        type.entryTypes[index],
        `struct_extract(${expression}, ${literal(field)})`,
      ),
    );
    const pairs = type.entryNames
      .map((field) => `${literal(field)}: CAST(struct_extract(${expression}, ${literal(field)}) AS VARCHAR)`)
      .join(', ');
    // Only the values' own text keeps decimals and big integers exact in JSON.
    const sql = `CASE WHEN ${expression} IS NOT NULL THEN CAST(to_json({${pairs}}) AS VARCHAR) END`;
    return [{ ...column, sql, isObject: true }, ...fields];
  }
  if (type instanceof DuckDBMapType) {
    const sql = `CAST(to_json(CAST(${expression} AS MAP(VARCHAR, VARCHAR))) AS VARCHAR)`;
    return [{ ...column, sql, isObject: true }];
  }
  if (type instanceof DuckDBListType) return [{ ...column, unreadable: 'a list' }];
  if (type.typeId === DuckDBTypeId.BLOB) return [{ ...column, unreadable: 'binary, not text' }];
  const isDouble = type.typeId === DuckDBTypeId.DOUBLE || type.typeId === DuckDBTypeId.FLOAT;
  return [{ ...column, isDouble }];
}

/** A file's name may hold what read_parquet takes for a pattern. */
function tableOf(path: string, withRowNumbers = false): string {
  const escaped = path.replace(/[*?[\]]/g, (character) => `[${character}]`);
  return `read_parquet(${literal(escaped)}, file_row_number = ${withRowNumbers}, hive_partitioning = false)`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function unreadable(cause: unknown): ImportError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ImportError('UNREADABLE', `cannot be read as Parquet: ${message.split('\n', 1)[0]}`, cause);
}
