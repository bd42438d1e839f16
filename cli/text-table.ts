/** Tables that fit a terminal. (Pure.) */
import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';

const GAP = '  ';
/** Columns of text are not cut below this. */
const LEAST_WIDTH = 8;
/** Where the output is no terminal. */
export const DEFAULT_WIDTH = 120;

/**
 * Lines of a table: text to the left, numbers to the right. Where it is too wide, the widest columns of text are cut
 * in their middle, because ids differ at their ends; numbers never are, nor what people copy.
 * @param whole places of columns that are not cut either
 */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  whole: readonly number[] = [],
): string[] {
  const isNumber = head.map(
    (_, column) =>
      rows.some((row) => /\d/.test(row[column])) &&
      rows.every((row) => /^(?:[-+]?[\d.,]+|–)?$/.test(row[column])),
  );
  const widths = head.map((name, column) =>
    rows.reduce((most, row) => Math.max(most, stringWidth(row[column])), name.length),
  );
  const total = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
  const cuttable = [...widths.keys()].filter((column) => !isNumber[column] && !whole.includes(column));
  // The widest lose first, so that all that are cut end at the same width.
  for (let excess = total - width; excess > 0; excess--) {
    const widest = cuttable.reduce(
      (most, column) => (widths[column] > widths[most] ? column : most),
      cuttable[0],
    );
    if (widest === undefined || widths[widest] <= LEAST_WIDTH) break;
    widths[widest] -= 1;
  }
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => {
        if (isNumber[column]) return `${blanks(widths[column] - stringWidth(cell))}${cell}`;
        const shown = cutInMiddle(cell, widths[column]);
        return `${shown}${blanks(widths[column] - stringWidth(shown))}`;
      })
      .join(GAP)
      .trimEnd(),
  );
}

function blanks(count: number): string {
  return ' '.repeat(Math.max(0, count));
}

function cutInMiddle(text: string, width: number): string {
  return stringWidth(text) <= width ? text : cliTruncate(text, width, { position: 'middle' });
}

/** A text of at most so many characters. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

/** What a signal says must neither move the terminal's cursor nor turn its text around. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, '\ufffd');
}

export function number(value: number): string {
  return value.toLocaleString('en');
}

/** An exact decimal with its thousands apart: `1234567.5` is `1,234,567.5`. */
export function decimal(text: string): string {
  const [whole, fraction] = text.split('.');
  const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `1 signal`, `2,000 signals`. */
export function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`;
}
