/** Usage of one dimension: over time as a picture and as a table, what it comes to, and a way down to the records. */
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { useWayBack } from '../../app/opened.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { Button } from '../../kit/button.tsx';
import { DateRange } from '../../kit/date-range.tsx';
import { Section, Toolbar } from '../../kit/page-frame.tsx';
import { Select } from '../../kit/select.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../kit/states.tsx';
import { DimensionChoice } from './dimension-choice.tsx';
import { GroupChoice, MetadataFilters } from './metadata-choices.tsx';
import styles from './page.module.css';
import type { SearchChange } from './page.tsx';
import { RecordUsageDialog } from './record-usage/record-usage-dialog.tsx';
import type { CustomerSearch } from './route.ts';
import { UsageChart } from './usage-chart.tsx';
import { UsageDownload } from './usage-download.tsx';
import { shortestWindow, type UsageWindow, usageQuestion, WINDOWS } from './usage-search.ts';
import { UsageTable } from './usage-table.tsx';
import { UsageTotals } from './usage-totals.tsx';

const WINDOW_LABELS: Readonly<Record<UsageWindow, string>> = {
  hour: 'By hour',
  day: 'By day',
  week: 'By week',
  month: 'By month',
  period: 'By billing period',
  total: 'In total',
};
const ANCHORS = Array.from({ length: 31 }, (_, day) => ({
  value: `${day + 1}`,
  label: `from day ${day + 1}`,
}));

export interface UsagePartProps {
  customerId: string;
  search: CustomerSearch;
  onSearch: (change: SearchChange, replace?: boolean) => void;
}

/** Which row is explained. */
export interface Cell {
  windowStart: string;
  /** Where grouped: the row's value, null where its records have none. */
  group?: string | null;
}

/** Another dimension has other metadata, and begins at the first page of its table. */
export function toDimension(dimension: string): SearchChange {
  return { dimension, page: undefined, groupBy: undefined, filter: undefined };
}

/** The dimension that is shown: the one used last, until another is chosen. */
export function useDimensionId(customerId: string, search: CustomerSearch) {
  const used = useAnswer('GET /api/v1/dimensions', { query: { customerId, sort: 'lastSeen', limit: 1 } });
  return { used, dimensionId: search.dimension ?? used.data?.rows[0]?.id };
}

export function UsageMonitoring({ customerId, search, onSearch }: UsagePartProps): ReactNode {
  const [timeZone] = useTimeZone();
  const navigate = useNavigate();
  const goBack = useWayBack();
  // The time of the first look: a range that follows the clock would ask again with every click.
  const [nowMs] = useState(() => Date.now());
  const { used, dimensionId } = useDimensionId(customerId, search);
  const dimension = useAnswer(
    'GET /api/v1/dimensions/{id}',
    { path: { id: dimensionId ?? '' } },
    { enabled: dimensionId !== undefined },
  );
  const shortest = shortestWindow(dimension.data?.interval ?? 'none');
  const question =
    dimensionId === undefined || dimension.data === undefined
      ? null
      : usageQuestion(search, { customerId, dimensionId, timeZone }, nowMs, shortest);
  /** Another question begins at the first page of its table. */
  const ask = (change: SearchChange): void => onSearch({ page: undefined, ...change });
  const explain = (cell: Cell | null): void => {
    if (question === null) return;
    const { window, groupKey } = question;
    const isGrouped = groupKey !== null && cell?.group !== undefined;
    void navigate({
      to: '/customers/$customerId/explain',
      params: { customerId },
      search: {
        zone: timeZone,
        dimension: question.dimensionId,
        from: question.from,
        to: question.to,
        window: cell === null ? 'total' : window,
        ...(window === 'period' && cell !== null ? { anchor: `${question.anchor}` } : {}),
        ...(search.filter === undefined ? {} : { filter: search.filter }),
        ...(cell === null ? {} : { at: cell.windowStart }),
        ...(isGrouped ? { groupBy: groupKey } : {}),
        ...(isGrouped && (cell.group === null ? { missing: '1' as const } : { group: cell.group ?? '' })),
      },
    });
  };
  return (
    <Section
      title="Usage Monitoring"
      actions={
        <>
          <DimensionChoice
            customerId={customerId}
            value={dimensionId ?? null}
            onValue={(dimension) => onSearch(toDimension(dimension))}
          />
          <Button look="primary" icon="plus" onClick={() => onSearch({ record: '1' }, false)}>
            Record Usage
          </Button>
        </>
      }
    >
      {used.error !== null && dimensionId === undefined ? (
        <ErrorState error={used.error} onRetry={() => void used.refetch()} />
      ) : dimension.error !== null ? (
        <ErrorState error={dimension.error} onRetry={() => void dimension.refetch()} />
      ) : used.data !== undefined && dimensionId === undefined ? (
        <EmptyState title="No usage yet">
          It appears here with the first signal that names this customer, or when you record usage by hand.
        </EmptyState>
      ) : question === null || dimension.data === undefined ? (
        <div className={styles.loading}>
          <Skeleton lines={6} />
        </div>
      ) : (
        <>
          <Toolbar>
            <DateRange value={search} onValue={({ range, from, to }) => ask({ range, from, to })} />
            <Select
              label="Window"
              value={question.window}
              options={WINDOWS.slice(WINDOWS.indexOf(shortest)).map((value) => ({
                value,
                label: WINDOW_LABELS[value],
              }))}
              onValue={(window) => ask({ window, anchor: undefined })}
            />
            {question.window === 'period' && (
              <Select
                label="Anchor"
                value={`${question.anchor}`}
                options={ANCHORS}
                onValue={(anchor) => ask({ anchor })}
              />
            )}
            <GroupChoice question={question} onGroup={(groupBy) => ask({ groupBy })} />
            <MetadataFilters
              question={question}
              filters={search.filter ?? []}
              onFilters={(filter) => ask({ filter: filter.length === 0 ? undefined : filter })}
            />
            <UsageDownload question={question} />
          </Toolbar>
          <UsageTotals question={question} dimension={dimension.data} onExplain={() => explain(null)} />
          <UsageChart question={question} dimension={dimension.data} onExplain={explain} />
          <UsageTable
            question={question}
            dimension={dimension.data}
            page={search.page ?? []}
            onPage={(page) => onSearch({ page }, false)}
            onExplain={explain}
          />
        </>
      )}
      {used.data !== undefined && (
        <RecordUsageDialog
          customerId={customerId}
          dimensionId={dimensionId}
          open={search.record === '1'}
          onClose={() => goBack() || onSearch({ record: undefined })}
        />
      )}
    </Section>
  );
}
