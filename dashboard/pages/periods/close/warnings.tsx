/** What speaks against closing now: usage that waits to be repaired, or may still be on its way. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAnswer } from '../../../api/query.ts';
import { dateIn } from '../../../format/time.ts';
import { unitText } from '../../../format/unit.ts';
import { ExactNumber } from '../../../kit/exact-number.tsx';
import styles from './page.module.css';

const SHOWN = 4;

export interface WarningsProps {
  customerId: string | undefined;
  /** End of the period, not in it. */
  to: string;
  zone: string;
}

export function Warnings({ customerId, to, zone }: WarningsProps): ReactNode {
  const quarantine = useAnswer('GET /api/v1/quarantine/totals', {
    query: customerId === undefined ? {} : { customerId, missing: 'customerId' },
  });
  const { rows = [], completeUntil } = quarantine.data ?? {};
  const signals = rows.reduce((sum, row) => sum + row.signals, 0);
  const atStake = rows.flatMap((row) => row.atStake).filter(({ quantity }) => quantity !== null);
  const isFresh = to.slice(0, 10) >= dateIn(zone, Date.now() - 24 * 3600_000);
  const isIncomplete = completeUntil !== undefined && Date.parse(completeUntil) < Date.parse(to);
  return (
    <>
      {signals > 0 && (
        <div className={styles.warning}>
          <p>
            <strong>
              {signals} {signals === 1 ? 'signal is' : 'signals are'} in quarantine
            </strong>
            {customerId === undefined ? '' : ', of this customer or of nobody'}, and will not be stated:
          </p>
          <ul className={styles.stakes}>
            {atStake.slice(0, SHOWN).map(({ dimensionId, unit, quantity }, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: several reasons may have the same
              <li key={index}>
                <ExactNumber value={quantity ?? '0'} unit={unitText(unit)} />{' '}
                <span className={styles.id}>{dimensionId ?? 'no dimension'}</span>
              </li>
            ))}
            {atStake.length > SHOWN && <li>and {atStake.length - SHOWN} more</li>}
          </ul>
          <Link
            to="/quality"
            search={customerId === undefined ? {} : { customerId, missing: ['customerId'] }}
          >
            Repair them first
          </Link>
        </div>
      )}
      {isIncomplete && (
        <div className={styles.warning}>
          What was received is not in the ledger yet up to the end of the period. Wait a moment.
        </div>
      )}
      {isFresh && !isIncomplete && (
        <div className={styles.warning}>
          The period ended less than a day ago: exporters that were offline may still send usage of it. What
          comes later becomes an adjustment.
        </div>
      )}
    </>
  );
}
