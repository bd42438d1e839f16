/** Rows of the server: it sorts and pages, the table shows one page and is moved in by arrow keys. */
import { type ColumnDef, tableFeatures, useTable } from '@tanstack/react-table';
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useMemo, useRef } from 'react';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { EmptyState, ErrorState } from './states.tsx';
import styles from './table.module.css';

export interface Column<Row> {
  id: string;
  header: ReactNode;
  cell: (row: Row) => ReactNode;
  /** `end` for numbers. */
  align?: 'end';
  /** Its header sorts by it; `sort.id` is then the column's id. */
  sortable?: boolean;
  /** Left out on narrow screens. */
  wideOnly?: boolean;
}

export interface Sort {
  id: string;
  desc: boolean;
}

export interface TableProps<Row> {
  /** What the table holds, said to those who do not see it. */
  label: string;
  columns: readonly Column<Row>[];
  /** undefined while it is loading. */
  rows: readonly Row[] | undefined;
  rowKey: (row: Row) => string;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  /** Enter, or a click, on a row. Also put a link into a cell: not everybody finds a row that can be pressed. */
  onOpen?: (row: Row) => void;
  error?: Error | null;
  onRetry?: () => void;
  /** The rows are those of the question before. */
  isStale?: boolean;
  empty?: ReactNode;
  /** See `Pager`. */
  footer?: ReactNode;
}

/** The server sorts, so the table's own sorting, 1 kB, is left out. */
const features = tableFeatures({});
const NO_ROWS: never[] = [];
const LOADING_ROWS = 8;

export function Table<Row>(props: TableProps<Row>): ReactNode {
  const { label, columns, rows, rowKey, sort, onSort, onOpen, error, onRetry, isStale, empty, footer } =
    props;
  const definitions = useMemo(
    () => columns.map(({ id }): ColumnDef<typeof features, Row & object> => ({ id, accessorFn: () => null })),
    [columns],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: (rows ?? NO_ROWS) as (Row & object)[],
    getRowId: (row) => rowKey(row),
  });
  const body = useRef<HTMLTableSectionElement>(null);
  useLayoutEffect(() => {
    // The row that one was in may be gone: Tab comes to the first one then.
    const all = [...(body.current?.rows ?? [])];
    if (all.length > 0 && all.every(({ tabIndex }) => tabIndex < 0)) all[0].tabIndex = 0;
  });
  if (error && rows === undefined)
    return <ErrorState error={error} {...(onRetry === undefined ? {} : { onRetry })} />;
  const shown = table.getRowModel().rows;
  return (
    <div className={styles.frame}>
      <section className={styles.scroll} aria-label={label} tabIndex={shown.length === 0 ? 0 : undefined}>
        <table
          className={styles.table}
          aria-label={label}
          aria-busy={rows === undefined || isStale || undefined}
          data-stale={isStale || undefined}
        >
          <thead>
            <tr>
              {table.getFlatHeaders().map((header, index) => {
                const column = columns[index];
                const isSorted = column.sortable && sort?.id === column.id;
                const direction = isSorted ? (sort.desc ? 'descending' : 'ascending') : undefined;
                return (
                  <th key={header.id} scope="col" className={classOf(column)} aria-sort={direction}>
                    {column.sortable && onSort ? (
                      <button
                        type="button"
                        className={styles.sort}
                        onClick={() => onSort({ id: column.id, desc: direction === 'ascending' })}
                      >
                        {column.header}
                        <span className={styles.direction} data-direction={direction}>
                          <Icon name="down" />
                        </span>
                      </button>
                    ) : (
                      column.header
                    )}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody ref={body} onKeyDown={(event) => moveByKey(event, body.current)}>
            {rows === undefined
              ? Array.from({ length: LOADING_ROWS }, (_, row) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
                  <tr key={row} className={styles.loading}>
                    {columns.map((column) => (
                      <td key={column.id} className={classOf(column)}>
                        <span />
                      </td>
                    ))}
                  </tr>
                ))
              : shown.map((row, index) => (
                  <tr
                    key={row.id}
                    tabIndex={index === 0 ? 0 : -1}
                    data-opens={onOpen !== undefined || undefined}
                    onClick={(event) => {
                      if (onOpen === undefined || isOwnClick(event.target)) return;
                      if (getSelection()?.isCollapsed === false) return;
                      onOpen(row.original);
                    }}
                    onKeyDown={(event) => actByKey(event, () => onOpen?.(row.original))}
                  >
                    {columns.map((column) => (
                      <td key={column.id} className={classOf(column)} tabIndex={-1}>
                        {column.cell(row.original)}
                      </td>
                    ))}
                  </tr>
                ))}
          </tbody>
        </table>
      </section>
      {rows?.length === 0 && (empty ?? <EmptyState title="Nothing here" />)}
      {footer}
    </div>
  );
}

function classOf<Row>({ align, wideOnly }: Column<Row>): string {
  return `${align === 'end' ? styles.end : ''} ${wideOnly ? styles.wideOnly : ''}`;
}

/** A link or button in a row does what it says, and does not open the row. */
function isOwnClick(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a, button, input, select, label') !== null;
}

/** What has no use for arrow keys itself. */
const OWN_CONTROLS = 'a, button, [type="checkbox"]';

/** Enter on a row opens it, and on a cell does what is in it; Space picks the row where rows are picked. */
function actByKey(event: KeyboardEvent<HTMLTableRowElement>, open: () => void): void {
  const { target, currentTarget: row } = event;
  const cell = target instanceof HTMLTableCellElement ? target : null;
  if (target !== row && cell === null) return;
  const within = cell?.querySelector<HTMLElement>(OWN_CONTROLS) ?? null;
  const pick = row.querySelector<HTMLElement>('[type="checkbox"]');
  if (event.key === 'Enter') within === null ? open() : within.click();
  else if (event.key === ' ' && pick !== null) pick.click();
  else return;
  // The key is not for what gets the focus now.
  event.preventDefault();
}

/** Up and down between rows, right into a row's cells and left out of them, Home and End. */
function moveByKey(event: KeyboardEvent, body: HTMLTableSectionElement | null): void {
  const place = (event.target as HTMLElement).closest<HTMLElement>('td, tr');
  // Inputs and the like have arrows of their own.
  if (
    body === null ||
    place === null ||
    (event.target !== place && !(event.target as HTMLElement).matches(OWN_CONTROLS))
  )
    return;
  const row = place.closest('tr') as HTMLTableRowElement;
  const rows = [...body.rows];
  const cell = place instanceof HTMLTableCellElement ? place.cellIndex : -1;
  const at = rows.indexOf(row);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  let next: HTMLElement | undefined;
  if (to !== undefined) next = cell < 0 ? rows[to] : rows[to]?.cells[cell];
  else {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    let beside = cell + step;
    // Left out on narrow screens.
    while (row.cells[beside]?.offsetWidth === 0) beside += step;
    next = beside < 0 ? row : row.cells[beside];
  }
  if (next === undefined) return;
  event.preventDefault();
  // Tab comes back to the row that one was in.
  for (const each of rows) each.tabIndex = each === next.closest('tr') ? 0 : -1;
  next.focus();
}

export interface PagerProps {
  /** Cursors of the pages before this one, the first page's being none; kept in the address. */
  hasPrevious: boolean;
  nextCursor: string | null | undefined;
  onPrevious: () => void;
  onNext: (cursor: string) => void;
  /** What is shown: "50 customers". */
  children?: ReactNode;
}

export function Pager({ hasPrevious, nextCursor, onPrevious, onNext, children }: PagerProps): ReactNode {
  const hasNext = nextCursor !== null && nextCursor !== undefined;
  return (
    <div className={styles.pager}>
      <span className={styles.count}>{children}</span>
      {(hasPrevious || hasNext) && (
        <>
          <Button icon="left" disabled={!hasPrevious} onClick={onPrevious}>
            Back
          </Button>
          <Button disabled={!hasNext} onClick={() => hasNext && onNext(nextCursor)}>
            Next
          </Button>
        </>
      )}
    </div>
  );
}
