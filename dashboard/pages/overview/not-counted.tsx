/** What is in quarantine: why, and how much is at stake. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ageText } from '../../format/time.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Table } from '../../kit/table.tsx';
import styles from './not-counted.module.css';
import type { Overview } from './page.tsx';

type Total = Overview['quarantine'][number];

/** Dimensions that are named of each reason. */
const NAMED = 3;

const COLUMNS: readonly Column<Total>[] = [
  {
    id: 'reason',
    header: 'Reason',
    cell: ({ reason, lastSeen }) => (
      <>
        <Link to="/quality" search={{ reason }} className={styles.reason}>
          <ReasonTitle code={reason} />
        </Link>
        <div className={styles.seen}>{ageText(lastSeen, Date.now())}</div>
      </>
    ),
  },
  {
    id: 'signals',
    header: 'Signals',
    align: 'end',
    cell: ({ signals }) => <ExactNumber value={String(signals)} />,
  },
  {
    id: 'stake',
    header: 'At stake',
    align: 'end',
    cell: ({ dimensions }) => (
      <ul className={styles.stakes}>
        {dimensions.slice(0, NAMED).map(({ dimensionId, quantity }) => (
          <li key={dimensionId ?? ''}>
            {quantity === null ? (
              <span className={styles.none}>no quantity</span>
            ) : (
              <ExactNumber value={quantity} />
            )}
            <span className={styles.dimension}>{dimensionId ?? 'no dimension'}</span>
          </li>
        ))}
        {dimensions.length > NAMED && <li className={styles.none}>and {dimensions.length - NAMED} more</li>}
      </ul>
    ),
  },
];

export function NotCounted({ totals }: { totals: Overview['quarantine'] }): ReactNode {
  if (totals.length === 0)
    return <EmptyState title="Everything counts">Nothing that is usage is in quarantine.</EmptyState>;
  return (
    <Table label="Not counted, by reason" columns={COLUMNS} rows={totals} rowKey={({ reason }) => reason} />
  );
}
