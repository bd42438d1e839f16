/** Rows of an answer, a page of them at a time; a cell is copied as it came. */
import { type ClipboardEvent, type FocusEvent, type ReactNode, useMemo, useState } from 'react';
import { Button } from '../../kit/button.tsx';
import { copyText } from '../../kit/code-block.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Table } from '../../kit/table.tsx';
import { toast } from '../../kit/toast.tsx';
import styles from './result.module.css';
import { isNumeric, MOST_ROWS, readableText, type SqlResult, type SqlValue, valueText } from './run-sql.ts';

export const PAGE_ROWS = 100;
/** Of a value in its cell, where ids have room; all of it is copied. */
const MOST_LETTERS = 1_100;

interface Row {
  number: number;
  values: SqlValue[];
}

export function Result({
  result,
  page,
  onPage,
}: {
  result: SqlResult;
  /** From 1. */
  page: number;
  onPage: (page: number) => void;
}): ReactNode {
  /** The cell that was in focus last. */
  const [cell, setCell] = useState<{ column: string; value: SqlValue } | null>(null);
  const columns = useMemo(() => columnsOf(result), [result]);
  const pages = Math.max(1, Math.ceil(result.rows.length / PAGE_ROWS));
  const shown = Math.min(page, pages);
  const first = (shown - 1) * PAGE_ROWS;
  const rows = useMemo(
    () =>
      result.rows.slice(first, first + PAGE_ROWS).map((values, index) => ({ number: first + index, values })),
    [result, first],
  );
  const onFocus = ({ target }: FocusEvent): void => {
    if (!(target instanceof HTMLTableCellElement) || target.tagName !== 'TD') return;
    const row = (target.parentElement as HTMLTableRowElement).sectionRowIndex;
    const value = rows[row]?.values[target.cellIndex];
    if (value !== undefined) setCell({ column: result.columns[target.cellIndex].name, value });
  };
  const onCopy = (event: ClipboardEvent): void => {
    if (getSelection()?.isCollapsed === false || cell === null) return;
    if (!(document.activeElement instanceof HTMLTableCellElement)) return;
    event.preventDefault();
    event.clipboardData.setData('text/plain', valueText(cell.value));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what happens in its cells
    <div onFocus={onFocus} onCopy={onCopy}>
      <Table<Row>
        label="Result"
        columns={columns}
        rows={rows}
        rowKey={({ number }) => String(number)}
        empty={
          <EmptyState title="No rows">
            The query is right, and nothing fits it. The views are some seconds behind what arrives.
          </EmptyState>
        }
        footer={
          result.rows.length > 0 && (
            <div className={styles.footer}>
              <span className={styles.count}>
                {count(result.rows.length)}
                {result.isCut
                  ? ` rows, the first of more: a download has all, the page holds ${count(MOST_ROWS)}`
                  : result.rows.length === 1
                    ? ' row'
                    : ' rows'}
                {pages > 1 &&
                  `; ${count(first + 1)} to ${count(Math.min(first + PAGE_ROWS, result.rows.length))} shown`}
              </span>
              <Button
                icon="copy"
                disabled={cell === null}
                onClick={() => {
                  if (cell === null) return;
                  void copyText(valueText(cell.value)).then(() =>
                    toast('Copied', valueText(cell.value).slice(0, 200)),
                  );
                }}
              >
                Copy cell
              </Button>
              {pages > 1 && (
                <>
                  <Button icon="left" disabled={shown === 1} onClick={() => onPage(shown - 1)}>
                    Back
                  </Button>
                  <Button disabled={shown === pages} onClick={() => onPage(shown + 1)}>
                    Next
                  </Button>
                </>
              )}
            </div>
          )
        }
      />
    </div>
  );
}

function columnsOf({ columns }: SqlResult): Column<Row>[] {
  return columns.map(({ name, type }, index) => ({
    id: `${index}`,
    header: (
      <span className={styles.head}>
        <span className={styles.name} title={name.slice(0, 200)}>
          {name}
        </span>
        <span className={styles.type}>{type.slice(0, 40)}</span>
      </span>
    ),
    ...(isNumeric(type) ? { align: 'end' as const } : {}),
    cell: ({ values }) => {
      const value = values[index];
      if (value === null) return <span className={styles.null}>NULL</span>;
      const text = readableText(value, type);
      return (
        <span className={styles.value} title={text.slice(0, MOST_LETTERS)}>
          {text.slice(0, MOST_LETTERS)}
        </span>
      );
    },
  }));
}

function count(value: number): string {
  return value.toLocaleString('en').replaceAll(',', '\u202f');
}
