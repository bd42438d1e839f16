/** What each dimension of the customer comes to in the range, where there is more than the one that is shown. */
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { counted } from '../../format/count.ts';
import { rangeOf } from '../../format/range.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { ErrorState } from '../../kit/states.tsx';
import styles from './page.module.css';
import { toDimension, type UsagePartProps, useDimensionId } from './usage-monitoring.tsx';

const SHOWN = 50;

export function UsageByDimension({ customerId, search, onSearch }: UsagePartProps): ReactNode {
  const [timeZone] = useTimeZone();
  const [nowMs] = useState(() => Date.now());
  const { dimensionId } = useDimensionId(customerId, search);
  const usage = useAnswer(
    'GET /api/v1/usage',
    { query: { customerId, ...rangeOf(search, timeZone, nowMs), timeZone, limit: SHOWN } },
    { keepPrevious: true },
  );
  const { data, error } = usage;
  const isMore = dimensionId !== undefined && data?.rows.some((row) => row.dimensionId !== dimensionId);
  if (error === null && !isMore) return null;
  return (
    <Section title="Usage by dimension">
      {error !== null ? (
        <ErrorState error={error} onRetry={() => void usage.refetch()} />
      ) : (
        <ul
          className={`${styles.items} ${styles.dimensions}`}
          data-stale={usage.isPlaceholderData || undefined}
        >
          {data?.rows.map(({ dimensionId: id = '', unit, quantity, billableQuantity, amount, records }) => (
            <li key={id}>
              <span className={styles.itemHead}>
                <button
                  type="button"
                  className={`${styles.link} ${styles.clamped}`}
                  aria-current={id === dimensionId || undefined}
                  onClick={() => onSearch(toDimension(id))}
                >
                  {id}
                </button>
                <span className={styles.atStake}>
                  <ExactNumber value={quantity} unit={unit} />
                </span>
              </span>
              <span className={styles.note}>
                {billableQuantity !== quantity && (
                  <>
                    billable <ExactNumber value={billableQuantity} /> ·{' '}
                  </>
                )}
                {amount !== undefined && (
                  <>
                    amount <ExactNumber value={amount} /> ·{' '}
                  </>
                )}
                {counted(records, 'record')}
              </span>
            </li>
          ))}
        </ul>
      )}
      {data?.nextCursor && <p className={styles.quiet}>The first {SHOWN} dimensions.</p>}
    </Section>
  );
}
