/** Tables that fit a terminal. (Pure.) */

const GAP = '  ';
/** Columns of text are not cut below this. */
const LEAST_WIDTH = 8;

/**
 * Lines of a table: text to the left, numbers to the right. Where it is too wide, the widest columns of text are cut;
 * numbers never are.
 */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const isNumber = head.map((_, column) => rows.every((row) => /^(?:[-+]?[\d.,]+|–)?$/.test(row[column])));
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column].length)));
  const total = () => widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1));
  for (let excess = total() - width; excess > 0; excess = total() - width) {
    const cuttable = [...widths.keys()].filter((column) => !isNumber[column] && widths[column] > LEAST_WIDTH);
    const widest = cuttable.sort((a, b) => widths[b] - widths[a])[0];
    if (widest === undefined) break;
    widths[widest] = Math.max(LEAST_WIDTH, widths[widest] - excess);
  }
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) =>
        isNumber[column] ? cell.padStart(widths[column]) : cut(cell, widths[column]).padEnd(widths[column]),
      )
      .join(GAP)
      .trimEnd(),
  );
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

/** `1 signal`, `2,000 signals`. */
export function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`;
}
