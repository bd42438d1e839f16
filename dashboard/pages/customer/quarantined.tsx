/** What names this customer and could not be counted, by reason, with the quantity at stake. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAnswer } from '../../api/query.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tag } from '../../kit/tag.tsx';
import styles from './page.module.css';

const SHOWN = 5;

export function Quarantined({ customerId }: { customerId: string }): ReactNode {
  const quarantine = useAnswer('GET /api/v1/quarantine', { query: { customerId, limit: SHOWN } });
  const { data, error } = quarantine;
  return (
    <Section title="In quarantine">
      {error !== null ? (
        <ErrorState error={error} onRetry={() => void quarantine.refetch()} />
      ) : data === undefined ? (
        <Skeleton lines={2} />
      ) : data.rows.length === 0 ? (
        <p className={styles.quiet}>Everything that names this customer was counted.</p>
      ) : (
        <>
          <ul className={styles.items}>
            {data.rows.map((row) => (
              <li key={`${row.reason} ${row.meterId} ${row.dimensionId}`}>
                <span className={styles.itemHead}>
                  <Tag look="warn">
                    <ReasonTitle code={row.reason} />
                  </Tag>
                  <span className={styles.atStake}>
                    {row.quantity === null ? '' : <ExactNumber value={row.quantity} />}
                  </span>
                </span>
                <span className={styles.itemNote}>
                  <span>
                    {row.signals} {row.signals === 1 ? 'signal' : 'signals'} ·
                  </span>
                  <span className={styles.clamped}>{row.dimensionId ?? 'no dimension'}</span>
                </span>
              </li>
            ))}
          </ul>
          <Link to="/quality" search={{ customerId }}>
            {data.nextCursor === null ? 'Look into it in Data quality' : 'There is more in Data quality'}
          </Link>
        </>
      )}
    </Section>
  );
}
