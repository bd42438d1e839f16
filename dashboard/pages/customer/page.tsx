/** A customer: their usage above all, who they are, what was stated, and what could not be counted for them. */
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { OPENED } from '../../app/opened.ts';
import { Button } from '../../kit/button.tsx';
import { PageFrame } from '../../kit/page-frame.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tag } from '../../kit/tag.tsx';
import { DeleteCustomer } from './delete-customer.tsx';
import { Details } from './details.tsx';
import { EditCustomer } from './edit-customer.tsx';
import styles from './page.module.css';
import { Quarantined } from './quarantined.tsx';
import { RecentRecords } from './recent-records.tsx';
import { type CustomerSearch, customerRoute } from './route.ts';
import { Stated } from './stated.tsx';
import { UsageByDimension } from './usage-by-dimension.tsx';
import { UsageMonitoring } from './usage-monitoring.tsx';

/** What of the address changes; undefined takes it out. */
export type SearchChange = { [Name in keyof CustomerSearch]?: CustomerSearch[Name] | undefined };

export function Page(): ReactNode {
  const { customerId } = customerRoute.useParams();
  const search = customerRoute.useSearch();
  const navigate = useNavigate({ from: '/customers/$customerId' });
  const customer = useAnswer('GET /api/v1/customers/{id}', { path: { id: customerId } });
  const [opened, setOpened] = useState<'edit' | 'delete' | null>(null);
  const close = (): void => setOpened(null);
  const show = (change: SearchChange, replace = true): void =>
    void navigate({
      search: (before) => ({ ...before, ...change }) as CustomerSearch,
      replace,
      ...(change.record === undefined ? {} : { state: OPENED }),
    });
  const { data } = customer;
  const isOfFile = data?.managedBy === 'file';
  return (
    <PageFrame
      title={customerId}
      back={{ to: '/customers', label: 'Customers' }}
      description={data?.name}
      tags={
        <>
          {data?.discovered && (
            <Tag title="Nobody declared it: usage that came created it. Editing declares it">discovered</Tag>
          )}
          {isOfFile && (
            <Tag title="Declared in usage-meter.yaml: it is changed there">managed by the file</Tag>
          )}
        </>
      }
      actions={
        data !== undefined &&
        !isOfFile && (
          <>
            <Button onClick={() => setOpened('edit')}>Edit</Button>
            <Button look="danger" onClick={() => setOpened('delete')}>
              Delete
            </Button>
          </>
        )
      }
    >
      {customer.error !== null && data === undefined ? (
        <ErrorState error={customer.error} onRetry={() => void customer.refetch()} />
      ) : data === undefined ? (
        <Skeleton lines={8} />
      ) : (
        <div className={styles.columns}>
          <UsageByDimension customerId={customerId} search={search} onSearch={show} />
          <div className={styles.main}>
            <UsageMonitoring customerId={customerId} search={search} onSearch={show} />
            <RecentRecords customerId={customerId} search={search} onSearch={show} />
          </div>
          <div className={styles.side}>
            <Details customer={data} />
            <Quarantined customerId={customerId} />
            <Stated customerId={customerId} />
          </div>
        </div>
      )}
      {data !== undefined && (
        <>
          {opened === 'edit' && <EditCustomer customer={data} onClose={close} />}
          {opened === 'delete' && <DeleteCustomer customerId={customerId} onClose={close} />}
        </>
      )}
    </PageFrame>
  );
}
