/** What became of a record that was submitted: as the receiver has it now. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { AnswerOf } from '../../../api/client.ts';
import { ExactNumber } from '../../../kit/exact-number.tsx';
import { Icon } from '../../../kit/icon.tsx';
import { Time } from '../../../kit/time.tsx';
import styles from './stored-record.module.css';

export type WrittenRecord = Extract<
  AnswerOf<'POST /api/v1/usage'>,
  { records: unknown[] }
>['records'][number];

export function StoredRecord({ record }: { record: WrittenRecord }): ReactNode {
  const { recordId, customerId, dimensionId, recordValue, unit, timestamp, startTime, metadata, status } =
    record;
  const pairs = Object.entries(metadata);
  return (
    <div className={styles.stored}>
      <p role="status" className={status === 'stored' ? styles.done : styles.known}>
        <Icon name="check" />
        <span>
          <strong>{status}</strong>{' '}
          {status === 'stored'
            ? 'The record is on disk, and counts.'
            : 'The same record was there already: it counts once.'}
        </span>
      </p>
      <dl className={styles.facts}>
        <dt>Record ID</dt>
        <dd>
          <Link to="/records/$recordId" params={{ recordId }} title="Down to the signal as received">
            <code>{recordId}</code>
          </Link>
        </dd>
        <dt>Customer</dt>
        <dd className={styles.text}>{customerId}</dd>
        <dt>Dimension</dt>
        <dd className={styles.text}>{dimensionId}</dd>
        <dt>Value</dt>
        <dd>
          <ExactNumber value={recordValue} unit={unit} />
        </dd>
        <dt>Timestamp</dt>
        <dd>
          <Time at={timestamp} detail="second" />
        </dd>
        {startTime !== undefined && (
          <>
            <dt>Start time</dt>
            <dd>
              <Time at={startTime} detail="second" />
            </dd>
          </>
        )}
        {pairs.length > 0 && (
          <>
            <dt>Metadata</dt>
            <dd>
              <ul className={styles.pairs}>
                {pairs.map(([key, value]) => (
                  <li key={key}>
                    <span className={`${styles.text} ${styles.key}`}>{key}</span>
                    <span className={styles.text}>{value}</span>
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}
