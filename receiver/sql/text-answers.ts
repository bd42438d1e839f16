/** Rows as JSON or CSV. Decimals and integers beyond 32 bits are texts in JSON: no digit is lost in a double. */
import type { DuckDBResult, Json } from '@duckdb/node-api';
import type { OutputStream } from './output-stream.ts';
import { SqlError } from './sql-error.ts';

/** `{"columns":[{"name","type"}],"asOf","rows":[[…],…],"rowCount"}`: rows are arrays, since names may repeat. */
export async function jsonAnswer(
  result: DuckDBResult,
  output: OutputStream,
  { maxRows, asOf }: { maxRows: number; asOf: string },
): Promise<void> {
  const columns = result.columnNames().map((name, i) => ({ name, type: result.columnType(i).toString() }));
  await output.write(`{"columns":${JSON.stringify(columns)},"asOf":${JSON.stringify(asOf)},"rows":[`);
  let rowCount = 0;
  for await (const rows of result.yieldRowsJson()) {
    let text = '';
    for (const row of rows) {
      text += `${rowCount === 0 ? '\n' : ',\n'}${JSON.stringify(row)}`;
      rowCount = counted(rowCount, maxRows);
    }
    await output.write(text);
  }
  await output.write(`\n],"rowCount":${rowCount}}\n`);
}

/** RFC 4180 with a header. NULL is nothing, the empty text is `""`; lists and structs are JSON. */
export async function csvAnswer(result: DuckDBResult, output: OutputStream, maxRows: number): Promise<void> {
  await output.write(`${result.columnNames().map(csvText).join(',')}\r\n`);
  let rowCount = 0;
  for await (const rows of result.yieldRowsJson()) {
    let text = '';
    for (const row of rows) {
      text += `${row.map(csvValue).join(',')}\r\n`;
      rowCount = counted(rowCount, maxRows);
    }
    await output.write(text);
  }
}

/** One row more. @throws SqlError where that is one too many */
export function counted(rowCount: number, maxRows: number): number {
  if (rowCount >= maxRows) throw new SqlError('ROW_LIMIT', `the answer has more than ${maxRows} rows`);
  return rowCount + 1;
}

function csvValue(value: Json): string {
  if (value === null) return '';
  return csvText(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

function csvText(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
