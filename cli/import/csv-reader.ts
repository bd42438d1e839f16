/**
 * CSV as RFC 4180 has it, from blocks of text to rows that know their line. (Pure.)
 *
 * Not by a library: a quote that is never closed must cost one row, not the rest of the file, and a row's line number is
 * part of its identity, so it may not depend on how somebody's parser cuts, skips or recovers
 * (docs/decisions/0007-import-csv.md).
 */
import { ImportError } from './import-error.ts';
import type { RowFault, SourceRow } from './source-row.ts';
import { MAX_ROW_BYTES, TOO_LONG } from './text-blocks.ts';

const QUOTE = '"';

export class CsvReader {
  /** The names of the first row; null until it was read. */
  header: string[] | null = null;
  readonly #delimiter: string;
  #text = '';
  /** The line that `#text` begins on. */
  #line = 1;

  /** @param delimiter one character */
  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  /**
   * The rows that are complete with this block.
   * @param block whole lines, as textBlocks gives them
   * @throws ImportError "UNREADABLE" where the header cannot be read
   */
  push(block: string): SourceRow[] {
    this.#text = this.#text === '' ? block : this.#text + block;
    return this.#take(false);
  }

  /**
   * What is left when the file has ended.
   * @throws ImportError "UNREADABLE", as push does, where the header cannot be read
   */
  end(): SourceRow[] {
    return this.#take(true);
  }

  #take(isEnd: boolean): SourceRow[] {
    const text = this.#text;
    const rows: SourceRow[] = [];
    let at = 0;
    let nextQuote = -1;
    while (at < text.length) {
      const lineFeed = text.indexOf('\n', at);
      const lineEnd = lineFeed < 0 ? text.length : lineFeed;
      if (nextQuote < at) nextQuote = indexOrEnd(text, QUOTE, at);
      let record: CsvRecord;
      if (nextQuote >= lineEnd) {
        const line = withoutCarriageReturn(text.slice(at, lineEnd));
        record = { fields: line.split(this.#delimiter), next: lineEnd + 1, lines: 1 };
      } else {
        record = readQuoted(text, at, this.#delimiter);
      }
      if (record.isOpen) {
        // The quote may be closed in the next block, if the row is not too long already.
        if (!isEnd && text.length - at <= MAX_ROW_BYTES) break;
        record = {
          ...record,
          fault: { column: record.fields.length - 1, problem: 'has a quote that is never closed' },
        };
      }
      const row = this.#rowOf(record, text, at, lineEnd);
      if (row !== null) rows.push(row);
      // What is broken and goes over several lines is left after its first one: a stray quote must not take the rows
      // behind it with it.
      const isBroken = row?.fault !== undefined && record.lines > 1;
      at = isBroken || record.isOpen ? lineEnd + 1 : record.next;
      this.#line += isBroken || record.isOpen ? 1 : record.lines;
    }
    this.#text = text.slice(Math.min(at, text.length));
    return rows;
  }

  /** null for an empty line, and for the header. */
  #rowOf(record: CsvRecord, text: string, at: number, lineEnd: number): SourceRow | null {
    const { fields } = record;
    if (fields.length === 1 && fields[0] === '' && record.lines === 1 && record.fault === undefined)
      return null;
    const firstLine = () => withoutCarriageReturn(text.slice(at, Math.min(lineEnd, at + 1000)));
    const isTooLong =
      text[lineEnd - 1] === TOO_LONG || (record.lines > 1 && text.slice(at, record.next).includes(TOO_LONG));
    if (this.header === null) {
      if (isTooLong) throw new ImportError('UNREADABLE', `has a header of more than ${MAX_ROW_BYTES} bytes`);
      if (record.fault !== undefined)
        throw new ImportError('UNREADABLE', `has a header that ${record.fault.problem}`);
      this.header = fields;
      return null;
    }
    if (isTooLong) {
      return this.#faulty({
        column: '',
        value: firstLine(),
        problem: `the row is longer than ${MAX_ROW_BYTES} bytes`,
      });
    }
    if (record.fault !== undefined) {
      const column = this.header[record.fault.column] ?? '';
      return this.#faulty({ column, value: firstLine(), problem: record.fault.problem });
    }
    if (fields.length !== this.header.length) {
      const missing = this.header[fields.length];
      return this.#faulty({
        column: missing ?? '',
        value: firstLine(),
        problem: `the row has ${fields.length} columns, the header ${this.header.length}`,
      });
    }
    return { row: this.#line, cells: fields.map(valueOrNull) };
  }

  #faulty(fault: RowFault): SourceRow {
    return { row: this.#line, cells: null, fault };
  }
}

interface CsvRecord {
  fields: string[];
  /** Where the next record begins. */
  next: number;
  lines: number;
  /** The last field has a quote that the text does not close. */
  isOpen?: boolean;
  /** @property column its place among the columns */
  fault?: { column: number; problem: string };
}

/** A record with a quote in its first line. */
function readQuoted(text: string, start: number, delimiter: string): CsvRecord {
  const fields: string[] = [];
  let lines = 1;
  let at = start;
  for (;;) {
    if (text[at] !== QUOTE) {
      // A quote inside an unquoted field stands for itself: 5" pipe.
      const lineEnd = indexOrEnd(text, '\n', at);
      const end = text.slice(at, lineEnd).indexOf(delimiter);
      if (end < 0) {
        fields.push(withoutCarriageReturn(text.slice(at, lineEnd)));
        return { fields, next: lineEnd + 1, lines };
      }
      fields.push(text.slice(at, at + end));
      at += end + 1;
      continue;
    }
    const field = quotedField(text, at);
    fields.push(field.value);
    if (field.end < 0) return { fields, next: text.length, lines, isOpen: true };
    lines += field.lineFeeds;
    at = field.end;
    if (text[at] === '\r' && (text[at + 1] === '\n' || at + 1 === text.length)) at += 1;
    if (at >= text.length || text[at] === '\n') return { fields, next: at + 1, lines };
    if (text[at] !== delimiter) {
      const fault = {
        column: fields.length - 1,
        problem: `has ${JSON.stringify(text[at])} after its closing quote (a quote inside quotes is doubled)`,
      };
      return { fields, next: at, lines: lines + 1, fault };
    }
    at += 1;
  }
}

/** @returns end = the place behind the closing quote, -1 where there is none */
function quotedField(text: string, start: number): { value: string; end: number; lineFeeds: number } {
  let value = '';
  let from = start + 1;
  for (;;) {
    const quote = text.indexOf(QUOTE, from);
    if (quote < 0) return { value, end: -1, lineFeeds: 0 };
    value += text.slice(from, quote);
    if (text[quote + 1] !== QUOTE) {
      return { value, end: quote + 1, lineFeeds: lineFeedsIn(value) };
    }
    value += QUOTE;
    from = quote + 2;
  }
}

function lineFeedsIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}

function indexOrEnd(text: string, sought: string, from: number): number {
  const at = text.indexOf(sought, from);
  return at < 0 ? text.length : at;
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

/** CSV cannot tell an empty text from none. */
function valueOrNull(field: string): string | null {
  return field === '' ? null : field;
}
