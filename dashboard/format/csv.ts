/** CSV (RFC 4180) that spreadsheets open without running anything of it. (Pure.) */

/** What a spreadsheet would take for a formula, were it a text's begin. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/**
 * A line. Numbers stand exactly as they are. A text that a spreadsheet would take for a formula begins with an
 * apostrophe, which says "text" there.
 */
export function csvLine(cells: readonly (string | number | null | undefined)[]): string {
  return `${cells.map(cell).join(',')}\r\n`;
}

function cell(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A name for a file, whatever ids are in it. */
export function fileName(parts: readonly string[], ending: string): string {
  const safe = parts.map((part) => part.replaceAll(/[^\w.-]+/g, '_').slice(0, 60));
  return `${safe.join('-')}.${ending}`;
}
