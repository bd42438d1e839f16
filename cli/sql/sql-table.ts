/** The first rows of an answer as a table. The rows of a JSON answer stand on lines of their own, so they are read so. */
import { counted, printable, textTable } from '../text-table.ts';
import type { SqlSource } from './sql-source.ts';

/** So much more is asked for than shown: the answer is left when the table is full. */
const ASKED_ROWS = 100_000_000;

export interface SqlTable {
  lines: string[];
  /** What is to be said beside the table. */
  note: string | null;
}

/** @throws what the source throws */
export async function tableOf(
  source: SqlSource,
  query: string,
  { rows: most, seconds }: { rows: number; seconds: number },
  width: number,
  signal?: AbortSignal,
): Promise<SqlTable> {
  const enough = new AbortController();
  const signals = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const { asOf, bytes } = await source.ask({
    query,
    format: 'json',
    rows: ASKED_ROWS,
    seconds,
    signal: signals,
  });
  let names: string[] = [];
  const rows: string[][] = [];
  let isCut = false;
  let isWhole = false;
  for await (const line of linesOf(bytes)) {
    if (line.startsWith('{"columns"')) {
      names = (JSON.parse(`${line}]}`) as { columns: { name: string }[] }).columns.map(({ name }) => name);
    } else if (line.startsWith('],"rowCount"')) {
      isWhole = true;
    } else if (rows.length === most) {
      isCut = true;
      break;
    } else if (line !== '') {
      rows.push((JSON.parse(line.replace(/,$/, '')) as unknown[]).map(cellText));
    }
  }
  if (isCut) enough.abort();
  else if (!isWhole) throw new Error('the answer broke off');
  const note = isCut ? `the first ${counted(most, 'row')}; --rows shows more, --format csv all` : null;
  return { lines: tableLines(names, rows, width, asOf, isCut), note };
}

/** Without their ends. What is left over at the end of the loop is thrown away, and the bytes with it. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  yield rest;
}

function tableLines(
  names: string[],
  rows: string[][],
  width: number,
  asOf: string,
  isCut: boolean,
): string[] {
  const shown = names.map(printable);
  return [
    ...textTable(shown, rows, width),
    `(${isCut ? 'more than ' : ''}${counted(rows.length, 'row')}, as of ${asOf})`,
  ];
}

function cellText(value: unknown): string {
  if (value === null) return '–';
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value));
}
