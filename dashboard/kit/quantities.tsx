/** What is at stake in quarantine, by dimension and unit: these do not add up, so they stand beside each other. */
import type { ReactNode } from 'react';
import type { AnswerOf } from '../api/client.ts';
import { ExactNumber } from './exact-number.tsx';
import styles from './quantities.module.css';

export type QuarantineTotal = AnswerOf<'GET /api/v1/quarantine/totals'>['rows'][number];

const SHOWN = 3;

export function Quantities({ atStake }: { atStake: QuarantineTotal['atStake'] }): ReactNode {
  const more = atStake.length - SHOWN;
  return (
    <span className={styles.quantities}>
      {atStake.slice(0, SHOWN).map(({ dimensionId, unit, quantity }) => (
        <span key={`${dimensionId} ${unit}`} className={styles.quantity}>
          {quantity === null ? (
            <span className={styles.word}>no quantity</span>
          ) : (
            <ExactNumber value={quantity} unit={unit} />
          )}
          <span className={styles.name}>{dimensionId ?? 'no dimension'}</span>
        </span>
      ))}
      {more > 0 && <span className={styles.word}>and {more} more</span>}
    </span>
  );
}
