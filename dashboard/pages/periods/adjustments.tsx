/** What came late for closed periods, and waits for the customer's next close. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { unitText } from '../../format/unit.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Toolbar } from '../../kit/page-frame.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { CustomerFilter } from './filters.tsx';
import styles from './page.module.css';
import type { ViewProps } from './page.tsx';
import { periodText } from './period.ts';
import { Reasons } from './reasons.tsx';

type Adjustment = RowOf<'GET /api/v1/adjustments'>;

const PAGE_SIZE = 50;

const COLUMNS: readonly Column<Adjustment>[] = [
  {
    id: 'customer',
    header: 'Customer',
    cell: ({ customerId }) => (
      <Link to="/customers/$customerId" params={{ customerId }} className={styles.id}>
        {customerId}
      </Link>
    ),
  },
  {
    id: 'period',
    header: 'Of the period',
    cell: (row) => (
      <Link
        to="/periods/statements/$statementId"
        params={{ statementId: row.statementId }}
        className={styles.period}
      >
        {periodText(row, row.timeZone)}
      </Link>
    ),
  },
  {
    id: 'dimension',
    header: 'Dimension',
    cell: ({ dimensionId }) => <span className={styles.id}>{dimensionId}</span>,
  },
  {
    id: 'quantity',
    header: 'Quantity',
    align: 'end',
    cell: ({ quantity, unit }) => <ExactNumber value={quantity} unit={unitText(unit)} />,
  },
  {
    id: 'billable',
    header: 'Billable',
    align: 'end',
    wideOnly: true,
    cell: ({ billableQuantity }) => <ExactNumber value={billableQuantity} />,
  },
  {
    id: 'amount',
    header: 'Amount',
    align: 'end',
    cell: ({ amount }) =>
      amount === null ? <span className={styles.quiet}>no price</span> : <ExactNumber value={amount} />,
  },
  { id: 'reasons', header: 'Why', cell: ({ reasons }) => <Reasons reasons={reasons} /> },
];

export function Adjustments({ search, onAsk, onPage }: ViewProps): ReactNode {
  const { customerId, page = [] } = search;
  const cursor = page.at(-1);
  const adjustments = useAnswer(
    'GET /api/v1/adjustments',
    {
      query: {
        limit: PAGE_SIZE,
        ...(customerId === undefined ? {} : { customerId }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  return (
    <div className={styles.view}>
      <Toolbar>
        <CustomerFilter value={customerId} onValue={(id) => onAsk({ customerId: id })} />
      </Toolbar>
      <Table
        label="Pending adjustments"
        columns={COLUMNS}
        rows={adjustments.data?.rows}
        rowKey={(row) => JSON.stringify([row.customerId, row.statementId, row.dimensionId])}
        error={adjustments.error}
        onRetry={() => void adjustments.refetch()}
        isStale={adjustments.isPlaceholderData}
        empty={
          <EmptyState title="Nothing is pending">
            All closed periods are as they were stated. Usage that comes late for one, and records that are
            voided or amended, appear here.
          </EmptyState>
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={adjustments.data?.nextCursor}
            onPrevious={() => onPage(page.slice(0, -1))}
            onNext={(next) => onPage([...page, next])}
          >
            {adjustments.data && `${adjustments.data.rows.length} shown`}
          </Pager>
        }
      />
    </div>
  );
}
