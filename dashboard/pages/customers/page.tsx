/** Customers: who is billed, found by search, sorted, with how their usage went and when it was last seen. */
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { grouped } from '../../format/decimal.ts';
import { ageText } from '../../format/time.ts';
import { Button } from '../../kit/button.tsx';
import { ButtonLink } from '../../kit/button-link.tsx';
import { SearchField } from '../../kit/field.tsx';
import { PageFrame, Toolbar } from '../../kit/page-frame.tsx';
import { Sparkline } from '../../kit/sparkline.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import { NewCustomer } from './new-customer.tsx';
import styles from './page.module.css';
import { type CustomersSearch, customersRoute } from './route.ts';

type CustomerRow = RowOf<'GET /api/v1/customers'>;

const PAGE_SIZE = 50;
const ACTIVITY_DAYS = 30;
const SEARCH_PAUSE_MS = 200;

const COLUMNS: readonly Column<CustomerRow>[] = [
  {
    id: 'id',
    header: 'Customer',
    sortable: true,
    cell: ({ id, discovered }) => (
      <span className={styles.customer}>
        <Link
          to="/customers/$customerId"
          params={{ customerId: id }}
          className={styles.id}
          title={id.slice(0, 200)}
        >
          {id}
        </Link>
        {discovered && <Tag title="Nobody declared it: usage that came created it">discovered</Tag>}
      </span>
    ),
  },
  {
    id: 'name',
    header: 'Name',
    sortable: true,
    wideOnly: true,
    cell: ({ name }) => <span className={styles.name}>{name}</span>,
  },
  {
    id: 'activity',
    header: `Records, ${ACTIVITY_DAYS} days`,
    wideOnly: true,
    cell: ({ activity = [] }) => {
      const sum = activity.reduce((total, day) => total + day, 0);
      return (
        <span className={styles.activity}>
          <Sparkline values={activity} label={`${sum} records in ${ACTIVITY_DAYS} days`} />
          {grouped(`${sum}`)}
        </span>
      );
    },
  },
  {
    id: 'lastSeen',
    header: 'Last seen',
    sortable: true,
    cell: ({ lastSeen }) =>
      lastSeen === null ? (
        <span className={styles.none}>never</span>
      ) : (
        <span className={styles.seen}>
          <span className={styles.age}>{ageText(lastSeen, Date.now())}</span>
          <span className={styles.at}>
            <Time at={lastSeen} />
          </span>
        </span>
      ),
  },
  {
    id: 'aliases',
    header: 'Aliases',
    align: 'end',
    wideOnly: true,
    cell: ({ aliases }) =>
      aliases.length === 0 ? '' : <span title={aliases.join('\n')}>{aliases.length}</span>,
  },
];

export function Page(): ReactNode {
  const { search, sort = 'id', order, page = [] } = customersRoute.useSearch();
  const [timeZone] = useTimeZone();
  const navigate = useNavigate({ from: '/customers' });
  const [isCreating, setCreating] = useState(false);
  const cursor = page.at(-1);
  const desc = (order ?? (sort === 'lastSeen' ? 'desc' : 'asc')) === 'desc';
  const customers = useAnswer(
    'GET /api/v1/customers',
    {
      query: {
        limit: PAGE_SIZE,
        activity: ACTIVITY_DAYS,
        timeZone,
        sort,
        order: desc ? 'desc' : 'asc',
        ...(search === undefined ? {} : { search }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  /** Another question begins at its first page. */
  const ask = (change: CustomersSearch): void =>
    void navigate({ search: ({ page: _page, ...before }) => ({ ...before, ...change }), replace: true });
  return (
    <PageFrame
      title="Customers"
      actions={
        <Button look="primary" icon="plus" onClick={() => setCreating(true)}>
          New customer
        </Button>
      }
    >
      <Toolbar>
        <CustomerSearch
          search={search ?? ''}
          onSearch={(next) => ask({ search: next || undefined } as CustomersSearch)}
        />
      </Toolbar>
      <Table
        label="Customers"
        columns={COLUMNS}
        rows={customers.data?.rows}
        rowKey={({ id }) => id}
        sort={{ id: sort, desc }}
        onSort={(next) =>
          ask({ sort: next.id as NonNullable<CustomersSearch['sort']>, order: next.desc ? 'desc' : 'asc' })
        }
        onOpen={({ id }) => void navigate({ to: '/customers/$customerId', params: { customerId: id } })}
        error={customers.error}
        onRetry={() => void customers.refetch()}
        isStale={customers.isPlaceholderData}
        empty={
          search === undefined ? (
            <EmptyState
              title="No customers yet"
              action={<ButtonLink to="/first-run">Connect an app</ButtonLink>}
            >
              They appear with their first usage, or you declare them here.
            </EmptyState>
          ) : (
            <EmptyState
              title="No customer fits"
              action={
                <Button onClick={() => ask({ search: undefined } as unknown as CustomersSearch)}>
                  Show all
                </Button>
              }
            >
              Neither id, name, e-mail address nor alias has what you search for in it.
            </EmptyState>
          )
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={customers.data?.nextCursor}
            onPrevious={() => void navigate({ search: (before) => ({ ...before, page: page.slice(0, -1) }) })}
            onNext={(next) => void navigate({ search: (before) => ({ ...before, page: [...page, next] }) })}
          >
            {customers.data && `${customers.data.rows.length} shown`}
          </Pager>
        }
      />
      <NewCustomer open={isCreating} onClose={() => setCreating(false)} />
    </PageFrame>
  );
}

/** What is typed is asked for after a short pause. */
function CustomerSearch({
  search,
  onSearch,
}: {
  search: string;
  onSearch: (search: string) => void;
}): ReactNode {
  const [typed, setTyped] = useState(search);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the pause
  useEffect(() => {
    if (typed === search) return;
    const timer = setTimeout(() => onSearch(typed), SEARCH_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => setTyped(search), [search]);
  return <SearchField label="Search customers" value={typed} onValue={setTyped} />;
}
