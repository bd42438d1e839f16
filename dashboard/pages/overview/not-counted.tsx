/** What is in quarantine: why, and how much is at stake. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ageText } from '../../format/time.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Quantities, type QuarantineTotal } from '../../kit/quantities.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Table } from '../../kit/table.tsx';
import styles from './not-counted.module.css';

const COLUMNS: readonly Column<QuarantineTotal>[] = [
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
    cell: ({ atStake }) => <Quantities atStake={atStake} />,
  },
];

export function NotCounted({ totals }: { totals: readonly QuarantineTotal[] }): ReactNode {
  if (totals.length === 0)
    return <EmptyState title="Everything counts">Nothing that is usage is in quarantine.</EmptyState>;
  return (
    <Table label="Not counted, by reason" columns={COLUMNS} rows={totals} rowKey={({ reason }) => reason} />
  );
}
