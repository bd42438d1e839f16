/** What the range comes to, as it would be billed: each number leads to its explanation. */
import type { ReactNode } from 'react';
import type { AnswerOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { unitText } from '../../format/unit.ts';
import { Button } from '../../kit/button.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { ErrorState } from '../../kit/states.tsx';
import styles from './page.module.css';
import { type UsageQuestion, usageQuery } from './usage-search.ts';

export type Dimension = AnswerOf<'GET /api/v1/dimensions/{id}'>;

const ROUNDING_WORDS = { floor: 'down to', ceiling: 'up to', round: 'to the nearest' } as const;

export function UsageTotals({
  question,
  dimension,
  onExplain,
}: {
  question: UsageQuestion;
  dimension: Dimension;
  onExplain: () => void;
}): ReactNode {
  const total = useAnswer(
    'GET /api/v1/usage',
    { query: usageQuery({ ...question, window: 'total', groupKey: null }) },
    { keepPrevious: true },
  );
  if (total.error !== null) return <ErrorState error={total.error} onRetry={() => void total.refetch()} />;
  const row = total.data?.rows[0];
  const { usageIncrement, rounding, unitPrice } = dimension;
  const unit = unitText(dimension.unit);
  const named = (label: string): string => (unit === '' ? label : `${label}, ${unit}`);
  const shown = (value: string | undefined): ReactNode =>
    total.data === undefined ? (
      <span className={styles.waiting} />
    ) : value === undefined ? (
      '–'
    ) : (
      <ExactNumber value={value} />
    );
  return (
    <div className={styles.totals}>
      <dl data-stale={total.isPlaceholderData || undefined}>
        <Total label={named('Quantity')} note={AGGREGATION_WORDS[dimension.aggregation]}>
          {shown(row?.quantity)}
        </Total>
        <Total
          label={named('Billable quantity')}
          note={
            usageIncrement === null
              ? 'no usage increment'
              : `rounded ${ROUNDING_WORDS[rounding ?? 'round']} ${usageIncrement}`
          }
        >
          {shown(row?.billableQuantity)}
        </Total>
        <Total label="Amount" note={unitPrice === null ? 'no unit price' : `at ${unitPrice} each`}>
          {unitPrice === null ? '–' : shown(row?.amount)}
        </Total>
        <Total label="Usage records" note="in this range">
          {shown(row === undefined ? undefined : String(row.records))}
        </Total>
      </dl>
      <Button onClick={onExplain} disabled={row === undefined}>
        Explain
      </Button>
    </div>
  );
}

function Total({ label, note, children }: { label: string; note: string; children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd className={styles.figure}>{children}</dd>
      <dd className={styles.note}>{note}</dd>
    </div>
  );
}

const AGGREGATION_WORDS: Readonly<Record<Dimension['aggregation'], string>> = {
  sum: 'sum of the values',
  count: 'number of records',
  max: 'greatest value',
  min: 'least value',
  last: 'last value',
  average: 'average of the values',
  unique: 'number of different values',
  time_weighted: 'mean level over time',
  time_integral: 'level × hours',
};
