/** Why a closed period is not as it was stated. */
import type { ReactNode } from 'react';
import type { RowOf } from '../../api/client.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import styles from './page.module.css';

type ReasonCount = RowOf<'GET /api/v1/adjustments'>['reasons'][number];

const LABELS: Readonly<Record<ReasonCount['reason'], string>> = {
  late_arrival: 'usage came late',
  late_reading: 'a running total was read late',
  void: 'voided',
  amendment: 'amended',
  replay: 'replayed from quarantine',
  correction: 'corrected from quarantine',
  customer_merged: 'a customer was merged',
  statement_reopened: 'a statement was re-opened',
  already_stated: 'stated before by others',
};

export function Reasons({ reasons }: { reasons: readonly ReasonCount[] }): ReactNode {
  return (
    <ul className={styles.reasons}>
      {reasons.map(({ reason, records, quantity }) => (
        <li key={reason}>
          {LABELS[reason]}
          {records !== null && `, ${records} ${records === 1 ? 'record' : 'records'}`}
          {quantity !== null && (
            <>
              {': '}
              <ExactNumber value={quantity} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
