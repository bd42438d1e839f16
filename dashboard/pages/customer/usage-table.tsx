/** The same usage as a table, a page at a time; a row leads to its explanation. */
import { type ReactNode, useMemo } from 'react';
import { useAnswer } from '../../api/query.ts';
import { counted } from '../../format/count.ts';
import { unitText } from '../../format/unit.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import styles from './page.module.css';
import type { Cell } from './usage-monitoring.tsx';
import { type UsageQuestion, usageQuery } from './usage-search.ts';
import { groupLabel, type UsageRow } from './usage-series.ts';
import type { Dimension } from './usage-totals.tsx';
import { windowText } from './window-text.ts';

const PAGE_SIZE = 15;

export interface UsageTableProps {
  question: UsageQuestion;
  dimension: Dimension;
  /** Cursors of the pages up to this one. */
  page: readonly string[];
  onPage: (page: string[] | undefined) => void;
  onExplain: (cell: Cell) => void;
}

export function UsageTable({ question, dimension, page, onPage, onExplain }: UsageTableProps): ReactNode {
  const { groupKey, window, timeZone } = question;
  const cursor = page.at(-1);
  const usage = useAnswer(
    'GET /api/v1/usage',
    {
      query: {
        ...usageQuery(question),
        fill: false,
        limit: PAGE_SIZE,
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  const columns = useMemo(
    () => usageColumns(groupKey, dimension, (row) => windowText(row, window, timeZone), onExplain),
    [groupKey, dimension, window, timeZone, onExplain],
  );
  return (
    <Table
      label="Usage by window"
      columns={columns}
      rows={usage.data?.rows}
      rowKey={(row) => `${row.windowStart} ${groupText(row, groupKey)}`}
      onOpen={(row) => onExplain(cellOf(row, groupKey))}
      error={usage.error}
      onRetry={() => void usage.refetch()}
      isStale={usage.isPlaceholderData}
      empty={<EmptyState title="No windows with usage" />}
      footer={
        <Pager
          hasPrevious={page.length > 0}
          nextCursor={usage.data?.nextCursor}
          onPrevious={() => onPage(page.length === 1 ? undefined : page.slice(0, -1))}
          onNext={(next) => onPage([...page, next])}
        >
          {usage.data &&
            `${counted(usage.data.rows.length, groupKey === null ? 'window' : 'row')} with usage`}
        </Pager>
      }
    />
  );
}

function usageColumns(
  groupKey: string | null,
  dimension: Dimension,
  windowOf: (row: UsageRow) => string,
  onExplain: (cell: Cell) => void,
): Column<UsageRow>[] {
  const unit = unitText(dimension.unit);
  return [
    // They come group by group.
    ...(groupKey === null
      ? []
      : [
          {
            id: 'group',
            header: groupKey.slice(0, 40),
            cell: (row: UsageRow) => (
              <span className={styles.clamped}>{groupLabel(row.metadata?.[groupKey] ?? null, groupKey)}</span>
            ),
          },
        ]),
    {
      id: 'window',
      header: 'Window',
      cell: (row) => (
        <button
          type="button"
          className={`${styles.link} ${styles.nowrap}`}
          title={`${row.windowStart} to ${row.windowEnd}`}
          onClick={() => onExplain(cellOf(row, groupKey))}
        >
          {windowOf(row)}
        </button>
      ),
    },
    {
      id: 'quantity',
      header: unit === '' ? 'Quantity' : `Quantity, ${unit}`,
      align: 'end',
      cell: ({ quantity }) => <ExactNumber value={quantity} />,
    },
    // Without an increment it is the quantity.
    ...(dimension.usageIncrement === null
      ? []
      : [
          {
            id: 'billable',
            header: 'Billable',
            align: 'end' as const,
            wideOnly: true,
            cell: ({ billableQuantity }: UsageRow) => <ExactNumber value={billableQuantity} />,
          },
        ]),
    ...(dimension.unitPrice === null
      ? []
      : [
          {
            id: 'amount',
            header: 'Amount',
            align: 'end' as const,
            wideOnly: true,
            cell: ({ amount }: UsageRow) => amount !== undefined && <ExactNumber value={amount} />,
          },
        ]),
    {
      id: 'records',
      header: 'Records',
      align: 'end',
      cell: ({ records }) => <ExactNumber value={`${records}`} />,
    },
  ];
}

function cellOf(row: UsageRow, groupKey: string | null): Cell {
  const { windowStart } = row;
  return groupKey === null ? { windowStart } : { windowStart, group: row.metadata?.[groupKey] ?? null };
}

/** Tells null and the empty text apart. */
function groupText(row: UsageRow, groupKey: string | null): string {
  return groupKey === null ? '' : JSON.stringify(row.metadata?.[groupKey] ?? null);
}
