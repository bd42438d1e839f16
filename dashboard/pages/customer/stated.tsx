/** The customer's latest statements, and the adjustments that the next one will take up. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAnswer } from '../../api/query.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tag } from '../../kit/tag.tsx';
import { periodText } from '../periods/period.ts';
import styles from './page.module.css';

const SHOWN = 4;

export function Stated({ customerId }: { customerId: string }): ReactNode {
  const statements = useAnswer('GET /api/v1/statements', { query: { customerId, limit: SHOWN } });
  const adjustments = useAnswer('GET /api/v1/adjustments', { query: { customerId, limit: SHOWN } });
  const error = statements.error ?? adjustments.error;
  /** An adjustment is of a period in its statement's zone. */
  const zoneOf = (statementId: string): string =>
    statements.data?.rows.find(({ id }) => id === statementId)?.timeZone ?? 'UTC';
  const again = (): void => {
    void statements.refetch();
    void adjustments.refetch();
  };
  return (
    <Section title="Statements and adjustments">
      {error !== null ? (
        <ErrorState error={error} onRetry={again} />
      ) : statements.data === undefined || adjustments.data === undefined ? (
        <Skeleton lines={2} />
      ) : (
        <>
          {statements.data.rows.length === 0 && <p className={styles.quiet}>No period is closed yet.</p>}
          <ul className={styles.items}>
            {statements.data.rows.map((each) => (
              <li key={each.id}>
                <span className={styles.itemHead}>
                  <Link to="/periods/statements/$statementId" params={{ statementId: each.id }}>
                    {periodText(each, each.timeZone)}
                  </Link>
                  {each.amount !== null && (
                    <span className={styles.atStake}>
                      <ExactNumber value={each.amount} />
                    </span>
                  )}
                </span>
                {each.reopened !== null && <Tag look="warn">re-opened</Tag>}
              </li>
            ))}
            {adjustments.data.rows.map((each) => (
              <li key={`${each.statementId} ${each.dimensionId} ${each.from}`}>
                <span className={styles.itemHead}>
                  <span className={styles.clamped}>{each.dimensionId}</span>
                  <span className={styles.atStake}>
                    <ExactNumber value={each.quantity} />
                  </span>
                </span>
                <span className={styles.quiet}>
                  <Tag look="accent">adjustment</Tag> {periodText(each, zoneOf(each.statementId))}
                </span>
              </li>
            ))}
          </ul>
          <Link to="/periods" search={{ customerId }}>
            All in Periods
          </Link>
        </>
      )}
    </Section>
  );
}
