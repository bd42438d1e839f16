/** Who used most, as bars that can be followed. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { counted } from '../../format/count.ts';
import { EmptyState } from '../../kit/states.tsx';
import type { Overview } from './page.tsx';
import styles from './top-customers.module.css';

export function TopCustomers({ customers }: { customers: Overview['topCustomers'] }): ReactNode {
  if (customers.length === 0)
    return <EmptyState title="Nobody, so far">Usage of the last 24 hours stands here.</EmptyState>;
  const most = Math.max(...customers.map(({ records }) => records));
  return (
    <ol className={styles.list}>
      {customers.map(({ customerId, name, records }) => (
        <li key={customerId} className={styles.customer}>
          <span className={styles.names}>
            <Link to="/customers/$customerId" params={{ customerId }} className={styles.id}>
              {customerId}
            </Link>
            {name !== null && <span className={styles.name}>{name}</span>}
          </span>
          <span className={styles.records}>{counted(records, 'record')}</span>
          <span className={styles.bar} style={{ width: `${(records / most) * 100}%` }} />
        </li>
      ))}
    </ol>
  );
}
