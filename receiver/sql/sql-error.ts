/** Why a query of an analyst has no answer. */

export type SqlErrorCode =
  /** It is no SQL, or names what is not there. `line` and `column` say where. */
  | 'INVALID_SQL'
  /** It is not one SELECT over the lake's views. */
  | 'STATEMENT_REFUSED'
  /** It went wrong while it ran: a cast, a division, … */
  | 'QUERY_FAILED'
  | 'TIME_LIMIT'
  | 'MEMORY_LIMIT'
  | 'ROW_LIMIT'
  /** All processes are taken, and others wait already. */
  | 'BUSY'
  /** Nothing was published yet. */
  | 'NO_LAKE'
  /** Its process ended by itself, which no query should be able to bring about. */
  | 'PROCESS_DIED'
  | 'STOPPED';

const RETRYABLE: ReadonlySet<SqlErrorCode> = new Set(['BUSY', 'NO_LAKE', 'STOPPED']);

export class SqlError extends Error {
  readonly code: SqlErrorCode;
  /** The same query may succeed later. */
  readonly retryable: boolean;
  /** Where in the query, from 1. */
  readonly position: SqlPosition | null;

  constructor(code: SqlErrorCode, message: string, position: SqlPosition | null = null) {
    super(message);
    this.name = 'SqlError';
    this.code = code;
    this.retryable = RETRYABLE.has(code);
    this.position = position;
  }
}

export interface SqlPosition {
  line: number;
  column: number;
}

/** @param offset in bytes of UTF-8, as DuckDB counts */
export function positionOf(sql: string, offset: number): SqlPosition {
  const before = Buffer.from(sql).subarray(0, offset).toString().split('\n');
  return { line: before.length, column: before[before.length - 1].length + 1 };
}

/**
 * DuckDB's message without the line that it quotes, and the place that the quote's caret shows; null where it shows
 * none, or has cut the line.
 */
export function readDuckDbMessage(text: string): { message: string; position: SqlPosition | null } {
  const quote = /\n\n?LINE (\d+): (.*)\n( *)\^/.exec(text);
  if (quote === null) return { message: text.trim(), position: null };
  const [, line, source, indent] = quote;
  const column = indent.length - `LINE ${line}: `.length + 1;
  const isCut = source.startsWith('...') || column < 1;
  return {
    message: text.slice(0, quote.index).trim(),
    position: isCut ? null : { line: Number(line), column },
  };
}
