/** Usage as tables for people. (Pure.) */
import { localTime, wholeSeconds } from '../local-time.ts';
import { sparkline } from '../sparkline.ts';
import { decimal, number, printable, textTable } from '../text-table.ts';
import type { UsageRow } from './usage-row.ts';

export interface UsageTextContext {
  from: string;
  to: string;
  timeZone: string;
  window: string;
  completeUntil: string | undefined;
  /** Columns of a line. */
  width: number;
  strong(text: string): string;
  faint(text: string): string;
}

/** Bars of a sparkline at most. */
const MOST_BARS = 60;

export function usageText(rows: readonly UsageRow[], context: UsageTextContext): string {
  const heading = headingLines(context).map((line) => context.faint(line));
  if (rows.length === 0) return [...heading, '', 'Nothing was used.'].join('\n');
  const table = context.window === 'total' ? totals(rows, context) : windows(rows, context);
  return [...heading, '', ...table].join('\n');
}

/** On one line where there is room for it. */
function headingLines({ from, to, timeZone, completeUntil, width }: UsageTextContext): string[] {
  const range = `Usage from ${from} to ${to} (${timeZone})`;
  if (completeUntil === undefined) return [range];
  const until = `complete until ${wholeSeconds(completeUntil)}`;
  const both = `${range}, ${until}`;
  return both.length <= width ? [both] : [range, until];
}

/** One row for each group. */
function totals(rows: readonly UsageRow[], { width, strong }: UsageTextContext): string[] {
  const names = groupNames(rows);
  const [head, ...lines] = textTable(
    [...names.map(({ title }) => title), 'unit', ...numberTitles(rows)],
    rows.map((row) => [...names.map(({ of }) => of(row)), printable(row.unit), ...numberCells(rows, row)]),
    width,
  );
  return [strong(head), ...lines];
}

/** A line with bars for each group, and its windows below. */
function windows(rows: readonly UsageRow[], context: UsageTextContext): string[] {
  const { width, strong, timeZone } = context;
  const names = groupNames(rows);
  // One table for all, so that the columns of all groups stand below each other.
  const [head, ...lines] = textTable(
    ['window', ...numberTitles(rows)],
    rows.map((row) => [localTime(row.windowStart, timeZone), ...numberCells(rows, row)]),
    width - 2,
  );
  const text: string[] = [];
  for (let first = 0; first < rows.length; ) {
    const group = groupOf(rows[first]);
    let end = first;
    while (end < rows.length && groupOf(rows[end]) === group) end += 1;
    const own = rows.slice(first, end);
    const name = names.map(({ of }) => of(own[0])).filter((part) => part !== '');
    const bars = sparkline(
      own.map(({ quantity }) => quantity),
      Math.min(MOST_BARS, width - 2),
    );
    if (text.length > 0) text.push('');
    text.push(strong(`${name.length === 0 ? 'all' : name.join('  ')}  [${printable(own[0].unit)}]`));
    text.push(`  ${bars}`, `  ${head}`, ...lines.slice(first, end).map((line) => `  ${line}`));
    first = end;
  }
  return text;
}

interface GroupName {
  title: string;
  of(row: UsageRow): string;
}

/** What rows are told apart by. */
function groupNames([row]: readonly UsageRow[]): GroupName[] {
  return [
    ...(row.customerId === undefined
      ? []
      : [{ title: 'customer', of: (one: UsageRow) => printable(one.customerId!) }]),
    ...(row.dimensionId === undefined
      ? []
      : [{ title: 'dimension', of: (one: UsageRow) => printable(one.dimensionId!) }]),
    ...Object.keys(row.metadata ?? {}).map((key) => ({
      title: printable(key),
      of: (one: UsageRow) => printable(one.metadata?.[key] ?? '–'),
    })),
  ];
}

function groupOf({ customerId, dimensionId, metadata }: UsageRow): string {
  return JSON.stringify([customerId, dimensionId, metadata]);
}

function numberTitles(rows: readonly UsageRow[]): string[] {
  return ['quantity', 'billable', ...(isPriced(rows) ? ['amount'] : []), 'records'];
}

function numberCells(rows: readonly UsageRow[], row: UsageRow): string[] {
  const amount = row.amount === undefined ? '' : decimal(row.amount);
  return [
    decimal(row.quantity),
    decimal(row.billableQuantity),
    ...(isPriced(rows) ? [amount] : []),
    number(row.records),
  ];
}

function isPriced(rows: readonly UsageRow[]): boolean {
  return rows.some(({ amount }) => amount !== undefined);
}
