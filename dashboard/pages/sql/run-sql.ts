/** Asks one query and reads its rows as they come, but no more than the page holds. */
import { receiver } from '../../api/client.ts';

/** More are for a download. */
export const MOST_ROWS = 10_000;

export type SqlValue = string | number | boolean | null | object;

export interface SqlResult {
  query: string;
  columns: { name: string; type: string }[];
  rows: SqlValue[][];
  /** There are more rows, which were not read. */
  isCut: boolean;
  /** When the lake that was asked was published, RFC 3339. */
  asOf: string;
  milliseconds: number;
}

/**
 * @throws UsageMeterError for what the receiver refuses; Error where an answer breaks off; what `signal` was aborted with
 */
export async function runSql(query: string, signal: AbortSignal): Promise<SqlResult> {
  const begin = performance.now();
  // Whoever has enough rows goes away, and that ends the query.
  const enough = new AbortController();
  const response = await receiver().respond('POST /api/v1/sql', {
    body: { query, limits: { rows: 100_000_000 } },
    signal: AbortSignal.any([signal, enough.signal]),
  });
  let head: Pick<SqlResult, 'columns' | 'asOf'> | undefined;
  const rows: SqlValue[][] = [];
  for await (const line of linesOf(response, signal)) {
    if (head === undefined) head = JSON.parse(`${line}]}`);
    // The end of the rows, with their number.
    else if (line.startsWith(']'))
      return { query, ...head, rows, isCut: false, milliseconds: performance.now() - begin };
    else if (rows.length === MOST_ROWS) {
      enough.abort();
      return { query, ...head, rows, isCut: true, milliseconds: performance.now() - begin };
    } else rows.push(JSON.parse(line.replace(/,$/, '')));
  }
  throw brokenOff();
}

function brokenOff(): Error {
  return new Error(
    `The answer broke off while its rows were read: the query was ended after it had begun, mostly because it took too long or too much memory.`,
  );
}

/** Each row is a line of its own: the format says so. */
async function* linesOf(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      signal.throwIfAborted();
      throw brokenOff();
    });
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*|FLOAT|DOUBLE)$/;

/** Whether a column's values are numbers, by its type. */
export function isNumeric(type: string): boolean {
  return NUMBER.test(type);
}

/** A value as it came, to read and to copy. */
export function valueText(value: SqlValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** 12.500000000000 is 12.5: zeros that say nothing are left out where it is read, not where it is copied. */
export function readableText(value: SqlValue, type: string): string {
  const text = valueText(value);
  return type.startsWith('DECIMAL') && text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
