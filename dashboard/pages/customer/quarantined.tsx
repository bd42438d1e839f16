/** What names this customer and could not be counted, by reason, with the quantity at stake. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAnswer } from '../../api/query.ts';
import { counted } from '../../format/count.ts';
import { Section } from '../../kit/page-frame.tsx';
import { Quantities } from '../../kit/quantities.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tag } from '../../kit/tag.tsx';
import styles from './page.module.css';

const SHOWN = 5;

export function Quarantined({ customerId }: { customerId: string }): ReactNode {
  const totals = useAnswer('GET /api/v1/quarantine/totals', { query: { customerId } });
  const rows = totals.data?.rows;
  return (
    <Section title="In quarantine">
      {totals.error !== null ? (
        <ErrorState error={totals.error} onRetry={() => void totals.refetch()} />
      ) : rows === undefined ? (
        <Skeleton lines={2} />
      ) : rows.length === 0 ? (
        <p className={styles.quiet}>Everything that names this customer was counted.</p>
      ) : (
        <>
          <ul className={styles.items}>
            {rows.slice(0, SHOWN).map(({ reason, signals, atStake }) => (
              <li key={reason}>
                <span className={styles.itemHead}>
                  <Tag look="warn">
                    <ReasonTitle code={reason} />
                  </Tag>
                  <span className={styles.quiet}>{counted(signals, 'signal')}</span>
                </span>
                <Quantities atStake={atStake} />
              </li>
            ))}
          </ul>
          <Link to="/quality" search={{ customerId }}>
            {rows.length > SHOWN ? 'There is more in Data quality' : 'Look into it in Data quality'}
          </Link>
        </>
      )}
    </Section>
  );
}
