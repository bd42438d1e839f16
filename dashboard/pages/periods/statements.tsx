/** Statements, found and sorted by the server. */
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { monthStart } from '../../format/time.ts';
import { Button } from '../../kit/button.tsx';
import { ButtonLink } from '../../kit/button-link.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Toolbar } from '../../kit/page-frame.tsx';
import { Select } from '../../kit/select.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import { CustomerFilter, MonthFilter } from './filters.tsx';
import styles from './page.module.css';
import type { ViewProps } from './page.tsx';
import { periodText } from './period.ts';

type StatementRow = RowOf<'GET /api/v1/statements'>;

const PAGE_SIZE = 50;

const COLUMNS: readonly Column<StatementRow>[] = [
  {
    id: 'customerId',
    header: 'Customer',
    sortable: true,
    cell: ({ id, customerId }) => (
      <Link to="/periods/statements/$statementId" params={{ statementId: id }} className={styles.id}>
        {customerId}
      </Link>
    ),
  },
  {
    id: 'from',
    header: 'Period',
    sortable: true,
    cell: (row) => <span className={styles.period}>{periodText(row, row.timeZone)}</span>,
  },
  { id: 'timeZone', header: 'Time zone', wideOnly: true, cell: ({ timeZone }) => timeZone },
  {
    id: 'amount',
    header: 'Amount',
    align: 'end',
    sortable: true,
    cell: ({ amount }) =>
      amount === null ? <span className={styles.quiet}>no price</span> : <ExactNumber value={amount} />,
  },
  {
    id: 'closedAt',
    header: 'Closed',
    sortable: true,
    wideOnly: true,
    cell: ({ closedAt }) => <Time at={closedAt} />,
  },
  {
    id: 'state',
    header: 'State',
    cell: ({ reopened }) =>
      reopened === null ? (
        <Tag look="good">valid</Tag>
      ) : (
        <Tag look="warn" title={reopened.note.slice(0, 500)}>
          re-opened
        </Tag>
      ),
  },
];

export function Statements({ search, onAsk, onPage }: ViewProps): ReactNode {
  const { customerId, state, month, sort = 'closedAt', order, page = [] } = search;
  const [timeZone] = useTimeZone();
  const navigate = useNavigate();
  const cursor = page.at(-1);
  const desc = (order ?? (sort === 'customerId' ? 'asc' : 'desc')) === 'desc';
  const statements = useAnswer(
    'GET /api/v1/statements',
    {
      query: {
        limit: PAGE_SIZE,
        sort,
        order: desc ? 'desc' : 'asc',
        ...(customerId === undefined ? {} : { customerId }),
        ...(state === undefined ? {} : { state }),
        ...(month === undefined ? {} : { from: `${month}-01`, to: monthStart(`${month}-01`, 1), timeZone }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  const isFiltered = customerId !== undefined || state !== undefined || month !== undefined;
  return (
    <div className={styles.view}>
      <Toolbar>
        <CustomerFilter value={customerId} onValue={(id) => onAsk({ customerId: id })} />
        <Select
          label="State"
          value={state ?? 'all'}
          onValue={(next) => onAsk({ state: next === 'all' ? undefined : next })}
          options={[
            { value: 'all', label: 'Valid and re-opened' },
            { value: 'valid', label: 'Valid' },
            { value: 'reopened', label: 'Re-opened' },
          ]}
        />
        <MonthFilter value={month} onValue={(next) => onAsk({ month: next })} />
      </Toolbar>
      <Table
        label="Statements"
        columns={COLUMNS}
        rows={statements.data?.rows}
        rowKey={({ id }) => id}
        sort={{ id: sort, desc }}
        onSort={(next) => onAsk({ sort: next.id, order: next.desc ? 'desc' : 'asc' })}
        onOpen={({ id }) =>
          void navigate({ to: '/periods/statements/$statementId', params: { statementId: id } })
        }
        error={statements.error}
        onRetry={() => void statements.refetch()}
        isStale={statements.isPlaceholderData}
        empty={
          isFiltered ? (
            <EmptyState
              title="No statement fits"
              action={
                <Button onClick={() => onAsk({ customerId: undefined, state: undefined, month: undefined })}>
                  Show all
                </Button>
              }
            />
          ) : (
            <EmptyState
              title="No period is closed yet"
              action={
                <ButtonLink to="/periods/close" look="primary">
                  Close a period
                </ButtonLink>
              }
            >
              Closing a month freezes what each customer used in it, as a statement to bill by.
            </EmptyState>
          )
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={statements.data?.nextCursor}
            onPrevious={() => onPage(page.slice(0, -1))}
            onNext={(next) => onPage([...page, next])}
          >
            {statements.data && `${statements.data.rows.length} shown`}
          </Pager>
        }
      />
    </div>
  );
}
