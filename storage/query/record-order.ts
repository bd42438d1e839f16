/**
 * The order of stored records: by time, then as they came. It is that of their contents, because rows are moved
 * (clustering.ts) and their numbers change. (Pure.)
 */
import type { DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import { type CursorPosition, isDecimal, isInstant } from './cursor.ts';
import { behind, instant } from './statement.ts';

/**
 * The last record of a page as texts of what it is ordered by, and how many rows of just these contents came up to it:
 * corrections of one increment can be alike.
 */
export type RecordPosition = string[];

/** How each column of a table of stored.usage is ordered by, how it is told, and how it is written. */
const ORDER: { column: string; told?: string; literal: (text: string) => string }[] = [
  { column: 'time', told: 'epoch_ns(time)', literal: (text) => instant(BigInt(text)) },
  { column: 'sequence', literal: (text) => text },
  { column: 'series', literal: (text) => text },
  { column: 'start_time', told: 'epoch_ns(start_time)', literal: (text) => instant(BigInt(text)) },
  // Increments of one time, which are told apart by greater numbers, before corrections.
  { column: 'kind % 4', literal: (text) => text },
  { column: 'kind', literal: (text) => text },
  { column: 'quantity', literal: (text) => `'${text}'::DECIMAL(38, 12)` },
  { column: 'coalesce(event, 0)', literal: (text) => `${text}::UHUGEINT` },
];

/** Oldest or newest first. */
export type RecordDirection = 'asc' | 'desc';

/** What ORDER BY takes. */
export function recordOrder(direction: RecordDirection): string {
  return ORDER.map(({ column }) => `${column} ${direction}`).join(', ');
}

export const RECORD_ORDER = recordOrder('asc');

/** Columns of a row that {@link nextPosition} takes, named order0, order1, … */
export const ORDER_COLUMNS = ORDER.map(({ column, told }, i) => `${told ?? column} AS order${i}`).join(', ');
const ORDER_NAMES = ORDER.map((_, i) => `order${i}`);

/** The same columns of the rows `alias`; with a direction, as ORDER BY takes them. */
export function orderColumnsOf(alias: string, direction?: RecordDirection): string {
  return ORDER_NAMES.map((name) => `${alias}.${name}${direction === undefined ? '' : ` ${direction}`}`).join(
    ', ',
  );
}

/** How many columns those are. */
export const ORDER_WIDTH = ORDER.length;

/** The condition and the OFFSET under which a page begins behind a position; null is before everything. */
export function pageBegin(
  after: RecordPosition | null,
  direction: RecordDirection = 'asc',
): { condition: string; offset: number } {
  if (after === null) return { condition: 'true', offset: 0 };
  const places = ORDER.map(({ column, literal }, i) => ({ name: column, value: literal(after[i]) }));
  const alike = places.map(({ name, value }) => `${name} = ${value}`).join(' AND ');
  // The first is implied by the second, and lets DuckDB leave out blocks.
  const than = direction === 'asc' ? '>' : '<';
  const condition = `${places[0].name} ${than}= ${places[0].value} AND (${behind(places, than)} OR (${alike}))`;
  return { condition, offset: Number(after[ORDER_WIDTH]) };
}

/**
 * The position of the last row of a page.
 * @param rows the values of {@link ORDER_COLUMNS} of each row of the page
 * @param after where the page began
 */
export function nextPosition(rows: readonly DuckDBValue[][], after: RecordPosition | null): RecordPosition {
  const texts = (row: DuckDBValue[]) =>
    row.map((value) =>
      typeof value === 'object' ? textFromScaled((value as DuckDBDecimalValue).value) : String(value),
    );
  const last = texts(rows[rows.length - 1]);
  const isAlike = (other: readonly string[]) => last.every((text, i) => text === other[i]);
  let alike = 0;
  while (alike < rows.length && isAlike(texts(rows[rows.length - 1 - alike]))) alike += 1;
  if (alike === rows.length && after !== null && isAlike(after)) alike += Number(after[ORDER_WIDTH]);
  return [...last, String(alike)];
}

/** Whether a cursor's texts can be a position: what no column can hold would be an error of the statement. */
export function isRecordPosition(position: CursorPosition): position is RecordPosition {
  return (
    position.length === ORDER_WIDTH + 1 &&
    position.every((text, i) => {
      if (typeof text !== 'string') return false;
      if (i === ORDER_WIDTH) return COUNT.test(text);
      if (i === QUANTITY) return isDecimal(text);
      if (ORDER[i].column.endsWith('time')) return isInstant(text);
      if (!INTEGER.test(text)) return false;
      const value = BigInt(text);
      return i === EVENT ? value >= 0n && value < 2n ** 128n : value >= -(2n ** 63n) && value < 2n ** 63n;
    })
  );
}

const QUANTITY = ORDER.findIndex(({ column }) => column === 'quantity');
const EVENT = ORDER.findIndex(({ column }) => column === 'coalesce(event, 0)');
const INTEGER = /^-?\d{1,39}$/;
const COUNT = /^\d{1,12}$/;
