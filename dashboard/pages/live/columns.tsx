/** A row of what arrived. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import type { Column } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import type { Arrival } from './arrivals.ts';
import styles from './columns.module.css';

/** Pairs of metadata in a row; its explanation has all of them. */
const PAIRS = 2;

export const COLUMNS: readonly Column<Arrival>[] = [
  {
    id: 'arrived',
    header: 'Arrived',
    cell: (arrival) => <ArrivedAt arrival={arrival} />,
  },
  {
    id: 'customer',
    header: 'Customer',
    cell: (arrival) => {
      if (arrival.kind === 'left-out')
        return (
          <span className={styles.muted}>
            and {arrival.count.toLocaleString('en').replaceAll(',', '\u202f')} more
          </span>
        );
      const { customerId, dimensionId } = arrival.kind === 'record' ? arrival.record : arrival.signal;
      return (
        <>
          <CustomerName customerId={customerId} isLink={arrival.kind === 'record'} />
          <span className={styles.narrowDimension}>{dimensionId ?? 'no dimension'}</span>
        </>
      );
    },
  },
  {
    id: 'dimension',
    header: 'Dimension',
    wideOnly: true,
    cell: (arrival) => {
      if (arrival.kind === 'left-out') return '';
      const { dimensionId } = arrival.kind === 'record' ? arrival.record : arrival.signal;
      return dimensionId === null ? (
        <span className={styles.muted}>none</span>
      ) : (
        <span className={styles.id}>{dimensionId}</span>
      );
    },
  },
  {
    id: 'value',
    header: 'Record value',
    align: 'end',
    cell: (arrival) => {
      if (arrival.kind === 'left-out') return '';
      if (arrival.kind === 'record')
        return (
          <span className={styles.value}>
            <ExactNumber value={arrival.record.recordValue} unit={arrival.record.unit} />
          </span>
        );
      const { quantity, value, unit, reason } = arrival.signal;
      return (
        <>
          {quantity === null ? (
            <span className={styles.id}>{value}</span>
          ) : (
            <span className={styles.value}>
              <ExactNumber value={quantity} unit={unit} />
            </span>
          )}
          <span className={styles.narrowReason}>
            <Tag look="warn">
              <ReasonTitle code={reason} />
            </Tag>
          </span>
        </>
      );
    },
  },
  {
    id: 'timestamp',
    header: 'Timestamp',
    wideOnly: true,
    cell: (arrival) => {
      if (arrival.kind === 'left-out') return '';
      const { timestamp } = arrival.kind === 'record' ? arrival.record : arrival.signal;
      return timestamp === null ? (
        ''
      ) : (
        <span className={styles.value}>
          <Time at={timestamp} detail="hour" />
        </span>
      );
    },
  },
  {
    id: 'metadata',
    header: 'Metadata',
    wideOnly: true,
    cell: (arrival) =>
      arrival.kind === 'left-out' ? (
        ''
      ) : (
        <Metadata metadata={(arrival.kind === 'record' ? arrival.record : arrival.signal).metadata} />
      ),
  },
  {
    id: 'what',
    header: 'Explanation',
    wideOnly: true,
    cell: (arrival) => <Explanation arrival={arrival} />,
  },
];

/** Where there is no room for a column of its own, this leads to the explanation, too. */
function ArrivedAt({ arrival }: { arrival: Arrival }): ReactNode {
  const time = <Time at={new Date(arrival.atMs).toISOString()} detail="time" />;
  return (
    <span className={styles.time}>
      {arrival.kind === 'record' ? (
        <Link to="/records/$recordId" params={{ recordId: arrival.record.recordId }}>
          {time}
        </Link>
      ) : arrival.kind === 'quarantined' ? (
        <Link to="/quality" search={{ signal: arrival.signal.id }}>
          {time}
        </Link>
      ) : (
        time
      )}
    </span>
  );
}

function CustomerName({ customerId, isLink }: { customerId: string | null; isLink: boolean }): ReactNode {
  if (customerId === null) return <span className={styles.muted}>none</span>;
  if (!isLink) return <span className={styles.id}>{customerId}</span>;
  return (
    <Link to="/customers/$customerId" params={{ customerId }} className={styles.id}>
      {customerId}
    </Link>
  );
}

function Metadata({ metadata }: { metadata: Readonly<Record<string, string>> }): ReactNode {
  const pairs = Object.entries(metadata);
  return (
    <span className={styles.pairs}>
      {pairs.slice(0, PAIRS).map(([key, value]) => (
        <span key={key} className={styles.pair}>
          {`${key.slice(0, 100)}=${value.slice(0, 100)}`}
        </span>
      ))}
      {pairs.length > PAIRS && <span className={styles.muted}>+{pairs.length - PAIRS}</span>}
    </span>
  );
}

function Explanation({ arrival }: { arrival: Arrival }): ReactNode {
  if (arrival.kind === 'left-out') return <span className={styles.muted}>too many to show</span>;
  if (arrival.kind === 'quarantined')
    return (
      <Link to="/quality" search={{ signal: arrival.signal.id }} className={styles.tagLink}>
        <Tag look="warn" title="It is claimed as usage and cannot be counted">
          <ReasonTitle code={arrival.signal.reason} />
        </Tag>
      </Link>
    );
  const { recordId, kind } = arrival.record;
  return (
    <Link to="/records/$recordId" params={{ recordId }}>
      {kind}
    </Link>
  );
}
