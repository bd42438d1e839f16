/** What speaks against closing now: usage that waits to be repaired, or may still be on its way. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAnswer } from '../../../api/query.ts';
import { unitText } from '../../../format/unit.ts';
import { ExactNumber } from '../../../kit/exact-number.tsx';
import styles from './page.module.css';

const SHOWN = 4;
const DAY_MS = 24 * 3600_000;
/** Reasons for which a signal's own time is not to be relied on: it may be of any period. */
const TIME_FAULTS = ['time_zero', 'start_after_time', 'time_in_future'];

export interface WarningsProps {
  customerId: string | undefined;
  /** The period as instants, half-open; in each of the customers' time zones, at least one. */
  periods: readonly { from: string; to: string }[];
}

export function Warnings({ customerId, periods }: WarningsProps): ReactNode {
  // Instants in UTC sort as texts.
  const time = {
    timeFrom: periods.map(({ from }) => from).sort()[0],
    timeTo: periods.map(({ to }) => to).sort()[periods.length - 1],
  };
  const quarantine = useAnswer('GET /api/v1/quarantine/totals', {
    query: { ...time, ...(customerId === undefined ? {} : { customerId, missing: 'customerId' }) },
  });
  const { rows = [] } = quarantine.data ?? {};
  const signals = rows.reduce((sum, row) => sum + row.signals, 0);
  const atStake = rows.flatMap((row) => row.atStake).filter(({ quantity }) => quantity !== null);
  const timeless = rows.reduce((sum, row) => sum + (TIME_FAULTS.includes(row.reason) ? row.signals : 0), 0);
  const isFresh = Date.parse(time.timeTo) > Date.now() - DAY_MS;
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
          {timeless > 0 && <p>{timeless} of them without a usable time.</p>}
          <Link
            to="/quality"
            search={{ ...time, ...(customerId === undefined ? {} : { customerId, missing: ['customerId'] }) }}
          >
            Repair them first
          </Link>
        </div>
      )}
      {isFresh && (
        <div className={styles.warning}>
          The period ended less than a day ago: exporters that were offline may still send usage of it.
        </div>
      )}
    </>
  );
}
