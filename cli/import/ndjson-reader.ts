/** NDJSON, from blocks of text to rows that know their line; numbers stay the text that they are. (Pure.) */
import { parseExactJson } from './exact-json.ts';
import type { Cells, SourceRow } from './source-row.ts';
import { MAX_ROW_BYTES, TOO_LONG } from './text-blocks.ts';

export class NdjsonReader {
  #line = 0;

  /**
   * The rows of a block. Empty lines are none.
   * @param block whole lines, as textBlocks gives them
   */
  push(block: string): SourceRow[] {
    const rows: SourceRow[] = [];
    const lines = block.split('\n');
    // Behind the last line feed there is no line.
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) {
      this.#line += 1;
      if (line.trim() !== '') rows.push(rowOf(this.#line, line));
    }
    return rows;
  }
}

function rowOf(row: number, line: string): SourceRow {
  if (line.includes(TOO_LONG)) {
    return faulty(row, line, `the row is longer than ${MAX_ROW_BYTES} bytes`);
  }
  let value: unknown;
  try {
    value = parseExactJson(line);
  } catch (error) {
    // V8 repeats the whole text, which the rejects file has already.
    const [message] = (error as Error).message.split(/, "|, \.\.\."/, 1);
    return faulty(row, line, `the row is no JSON: ${message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return faulty(row, line, 'the row is no JSON object');
  }
  return { row, cells: value as Cells };
}

function faulty(row: number, line: string, problem: string): SourceRow {
  return { row, cells: null, fault: { column: '', value: line.slice(0, 1000), problem } };
}
