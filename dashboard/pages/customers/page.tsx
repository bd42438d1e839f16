/** Customers: who is billed, found by search, sorted, with how their usage went and when it was last seen. */
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { counted } from '../../format/count.ts';
import { grouped } from '../../format/decimal.ts';
import { ageText } from '../../format/time.ts';
import { Button } from '../../kit/button.tsx';
import { ButtonLink } from '../../kit/button-link.tsx';
import { ACTIVITY_DAYS, List, type ListSearch, listQuery } from '../../kit/list.tsx';
import { PageFrame } from '../../kit/page-frame.tsx';
import { Sparkline } from '../../kit/sparkline.tsx';
import { EmptyState } from '../../kit/states.tsx';
import type { Column } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import { NewCustomer } from './new-customer.tsx';
import styles from './page.module.css';
import { customersRoute } from './route.ts';

type CustomerRow = RowOf<'GET /api/v1/customers'>;

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
          <Sparkline values={activity} label={`${counted(sum, 'record')} in ${ACTIVITY_DAYS} days`} />
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
  const asked = customersRoute.useSearch();
  const [timeZone] = useTimeZone();
  const navigate = useNavigate({ from: '/customers' });
  const [isCreating, setCreating] = useState(false);
  const customers = useAnswer(
    'GET /api/v1/customers',
    { query: listQuery(asked, timeZone) },
    { keepPrevious: true },
  );
  return (
    <PageFrame
      title="Customers"
      actions={
        <Button look="primary" icon="plus" onClick={() => setCreating(true)}>
          New customer
        </Button>
      }
    >
      <List
        label="Customers"
        searchLabel="Search customers"
        asked={asked}
        onAsk={(change, replace) =>
          void navigate({ search: (before) => ({ ...before, ...change }) as ListSearch, replace })
        }
        columns={COLUMNS}
        found={customers}
        onOpen={({ id }) => void navigate({ to: '/customers/$customerId', params: { customerId: id } })}
        empty={
          <EmptyState
            title="No customers yet"
            action={<ButtonLink to="/first-run">Connect an app</ButtonLink>}
          >
            They appear with their first usage, or you declare them here.
          </EmptyState>
        }
        unfit={{
          title: 'No customer fits',
          text: 'Neither id, name, e-mail address nor alias has what you search for in it.',
        }}
      />
      <NewCustomer open={isCreating} onClose={() => setCreating(false)} />
    </PageFrame>
  );
}
