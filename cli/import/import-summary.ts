/** What an import did, in words for people. (Pure.) */
import type { FileOutcome } from './import-file.ts';
import { type Reject, shortened } from './rejects-file.ts';
import type { UsageSum } from './usage-sums.ts';

export interface ImportSummary {
  dryRun: boolean;
  files: FileOutcome[];
  /** null where nothing was rejected. */
  rejectsFile: string | null;
  /** Why the import ended before its end; null where it did not. */
  error: string | null;
  /** Of a dry run: the pairs with the most records. */
  sums?: UsageSum[];
  /** Of a dry run: all of them. */
  pairs?: number;
  seconds: number;
}

export function summaryText(summary: ImportSummary, examples: readonly Reject[]): string {
  const { dryRun, files, rejectsFile, seconds } = summary;
  const columns: [string, (file: FileOutcome) => number][] = dryRun
    ? [
        ['rows', (file) => file.rows],
        ['good', (file) => file.rows - file.rejected],
        ['rejected', (file) => file.rejected],
      ]
    : [
        ['rows', (file) => file.rows],
        ['stored', (file) => file.stored],
        ['duplicates', (file) => file.duplicates],
        ['acknowledged earlier', (file) => file.acknowledgedEarlier],
        ['rejected', (file) => file.rejected],
      ];
  const rows = files.map((file) => [file.path, ...columns.map(([, count]) => number(count(file)))]);
  if (files.length > 1)
    rows.push([
      'all files',
      ...columns.map(([, count]) => number(files.reduce((sum, file) => sum + count(file), 0))),
    ]);
  const lines = table(['file', ...columns.map(([name]) => name)], rows);
  for (const { error } of files) if (error !== null) lines.push(error);
  if (summary.sums !== undefined) {
    const { sums, pairs = 0 } = summary;
    lines.push(
      '',
      `Usage of ${number(pairs)} pairs of customer and dimension, those with the most records first:`,
    );
    lines.push(
      ...table(
        ['customer', 'dimension', 'quantity', 'records'],
        sums.map((sum) => [
          printable(sum.customerId),
          printable(sum.dimensionId),
          sum.quantity,
          number(sum.records),
        ]),
      ),
    );
  }
  if (rejectsFile !== null) {
    lines.push('', `Rejected rows are listed in ${rejectsFile}; the first of them:`);
    for (const { file, row, column, value, problem } of examples) {
      const what = column === '' ? problem : `${column} ${problem}`;
      lines.push(`  ${file}:${row}: ${what} (got ${JSON.stringify(printable(value).slice(0, 60))})`);
    }
  }
  lines.push('', dryRun ? `Dry run: nothing was sent. ${seconds.toFixed(1)} s.` : `${seconds.toFixed(1)} s.`);
  return lines.join('\n');
}

/** What a file says must not move the terminal's cursor. */
function printable(text: string): string {
  return shortened(text).replace(/\p{Cc}/gu, '\ufffd');
}

function number(value: number): string {
  return value.toLocaleString('en');
}

/** The first column to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly string[][]): string[] {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column].length)));
  const isNumber = head.map((_, column) => rows.every((row) => /^[-\d.,]+$/.test(row[column])));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) =>
        column > 0 && isNumber[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  );
}
