/** Usage over time as bars; a bar leads to its explanation. */
import { type ReactNode, useMemo } from 'react';
import { useAnswer } from '../../api/query.ts';
import type { TimeDetail } from '../../format/time.ts';
import { windowStarts } from '../../format/windows.ts';
import { Chart } from '../../kit/chart.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../kit/states.tsx';
import styles from './page.module.css';
import type { Cell } from './usage-monitoring.tsx';
import { type UsageQuestion, type UsageWindow, usageQuery } from './usage-search.ts';
import { type UsageSeries, usagePicture } from './usage-series.ts';
import type { Dimension } from './usage-totals.tsx';

/** Of one answer. */
const MAX_ROWS = 10_000;
const DETAILS: Readonly<Record<UsageWindow, TimeDetail>> = {
  hour: 'hour',
  day: 'day',
  week: 'day',
  month: 'month',
  period: 'day',
  total: 'day',
};
/** Those of which groups add up to the whole. */
const ADDS = new Set(['sum', 'count']);

export function UsageChart({
  question,
  dimension,
  onExplain,
}: {
  question: UsageQuestion;
  dimension: Dimension;
  onExplain: (cell: Cell) => void;
}): ReactNode {
  const { window, timeZone, anchor, groupKey, from, to } = question;
  const starts = useMemo(
    () => windowStarts({ from, to }, window, timeZone, anchor),
    [from, to, window, timeZone, anchor],
  );
  const usage = useAnswer(
    'GET /api/v1/usage',
    { query: { ...usageQuery(question), fill: false, limit: MAX_ROWS } },
    { enabled: starts !== null, keepPrevious: true },
  );
  const picture = useMemo(
    () => usagePicture(usage.data?.rows ?? [], starts ?? [], groupKey, dimension.name ?? dimension.id),
    [usage.data, starts, groupKey, dimension],
  );
  if (starts === null)
    return (
      <EmptyState title="Too many windows for a picture">
        Choose longer windows, or a shorter range. The table has them all.
      </EmptyState>
    );
  if (usage.error !== null) return <ErrorState error={usage.error} onRetry={() => void usage.refetch()} />;
  if (usage.data === undefined)
    return (
      <div className={styles.picture}>
        <Skeleton lines={6} />
      </div>
    );
  if (usage.data.rows.length === 0)
    return (
      <EmptyState title="No usage in this range">
        Choose another range above, or another dimension. Times are those of {timeZone}.
      </EmptyState>
    );
  const { windows, series } = picture;
  const isGrouped = groupKey !== null;
  return (
    <div className={styles.picture} data-stale={usage.isPlaceholderData || undefined}>
      <Chart
        label={`Quantity ${WINDOW_WORDS[window]}`}
        windows={windows}
        detail={DETAILS[window]}
        series={series}
        unit={dimension.unit}
        isTotalShown={!isGrouped || ADDS.has(dimension.aggregation)}
        onOpen={(at, place) => {
          const opened: UsageSeries | undefined = place === null ? undefined : series[place];
          onExplain({
            windowStart: windows[at],
            ...(isGrouped && opened?.group !== undefined ? { group: opened.group } : {}),
          });
        }}
      />
      {isGrouped && !ADDS.has(dimension.aggregation) && (
        <p className={styles.quiet}>Groups of this dimension do not add up: each is aggregated by itself.</p>
      )}
      {usage.data.nextCursor !== null && (
        <p className={styles.quiet} role="status">
          There are more groups and windows than a picture holds: some are left out. The table and the
          download have them all.
        </p>
      )}
    </div>
  );
}

const WINDOW_WORDS: Readonly<Record<UsageWindow, string>> = {
  hour: 'by hour',
  day: 'by day',
  week: 'by week',
  month: 'by month',
  period: 'by billing period',
  total: 'in total',
};
