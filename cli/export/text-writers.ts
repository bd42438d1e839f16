/** Rows as the lines of CSV (RFC 4180) and NDJSON. (Pure.) */
import type { Column } from './columns.ts';

/** With a head, lines ending in CRLF. A map is a JSON object; null is empty, and an empty text is quoted. */
export async function* csvLines<Row>(
  columns: readonly Column<Row>[],
  pages: AsyncIterable<Row[]>,
): AsyncGenerator<string> {
  yield `${columns.map(({ name }) => csvCell(name)).join(',')}\r\n`;
  for await (const rows of pages) {
    yield rows.map((row) => `${columns.map(({ value }) => csvCell(value(row))).join(',')}\r\n`).join('');
  }
}

function csvCell(value: string | number | Record<string, string> | null): string {
  if (value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Each row as the API has it. */
export async function* ndjsonLines<Row>(pages: AsyncIterable<Row[]>): AsyncGenerator<string> {
  for await (const rows of pages) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
