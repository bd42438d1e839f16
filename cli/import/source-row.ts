/** A row as the readers of the file formats give it, before it is mapped. */

/**
 * A value as it stands in the file. Numbers are text, exactly as written. null: none. An object comes only from NDJSON
 * and from Parquet's maps and structs.
 */
export type Cell = string | boolean | null | undefined | object;

/** Columns of a table in their order, or the object of an NDJSON line. */
export type Cells = readonly Cell[] | Readonly<Record<string, Cell>>;

/** What is wrong with a row, in the words of the rejects file. */
export interface RowFault {
  /** As the file names it; empty where the fault is the whole row's. */
  column: string;
  /** As it stands in the file. */
  value: string;
  problem: string;
}

export interface SourceRow {
  /** What finds the row in the file: the line that it begins on (from 1), in Parquet its number (from 1). */
  row: number;
  /** null where it could not be read. */
  cells: Cells | null;
  fault?: RowFault;
}
