/** Meters: the rules that turn signals into usage, with what each counted and could not count. */
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { grouped } from '../../format/decimal.ts';
import { ageText } from '../../format/time.ts';
import { Button } from '../../kit/button.tsx';
import { ButtonLink } from '../../kit/button-link.tsx';
import { PageFrame, Toolbar } from '../../kit/page-frame.tsx';
import { useReasonTitle } from '../../kit/reason.tsx';
import { SearchBox } from '../../kit/search-box.tsx';
import { Sparkline } from '../../kit/sparkline.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { MeterTags } from './meter-tags.tsx';
import styles from './page.module.css';
import { type MetersSearch, metersRoute } from './route.ts';

type MeterRow = RowOf<'GET /api/v1/meters'>;

const PAGE_SIZE = 50;
const ACTIVITY_DAYS = 30;

const COLUMNS: readonly Column<MeterRow>[] = [
  {
    id: 'id',
    header: 'Meter',
    cell: (meter) => (
      <span className={styles.meter}>
        <Link to="/meters/$meterId" params={{ meterId: meter.id }} className={styles.id}>
          {meter.id}
        </Link>
        <MeterTags meter={meter} />
        {typeof meter.name === 'string' && <span className={styles.name}>{meter.name}</span>}
      </span>
    ),
  },
  {
    id: 'signals',
    header: 'Signals',
    wideOnly: true,
    cell: ({ signals }) => (Array.isArray(signals) ? signals.join(', ') : ''),
  },
  {
    id: 'dimension',
    header: 'Dimension',
    wideOnly: true,
    cell: ({ dimension }) =>
      typeof dimension === 'string' ? (
        <span className={styles.id}>{dimension}</span>
      ) : (
        <span className={styles.none}>as the signal says</span>
      ),
  },
  {
    id: 'version',
    header: 'Version',
    align: 'end',
    wideOnly: true,
    cell: ({ version }) => (version === 0 ? '' : version),
  },
  {
    id: 'activity',
    header: `${ACTIVITY_DAYS} days`,
    wideOnly: true,
    cell: ({ activity = [] }) => {
      const sum = activity.reduce((total, day) => total + day, 0);
      return <Sparkline values={activity} label={`${sum} records in ${ACTIVITY_DAYS} days`} />;
    },
  },
  {
    id: 'records',
    header: 'Counted',
    align: 'end',
    cell: ({ records = 0 }) => grouped(`${records}`),
  },
  {
    id: 'quarantined',
    header: 'Quarantined',
    align: 'end',
    cell: (meter) => <Quarantined meter={meter} />,
  },
  {
    id: 'lastSeen',
    header: 'Last seen',
    wideOnly: true,
    cell: ({ lastSeen }) =>
      lastSeen === null || lastSeen === undefined ? (
        <span className={styles.none}>not in {ACTIVITY_DAYS} days</span>
      ) : (
        <time dateTime={lastSeen} title={lastSeen} className={styles.seen}>
          {ageText(lastSeen, Date.now())}
        </time>
      ),
  },
];

export function Page(): ReactNode {
  const { search, page = [] } = metersRoute.useSearch();
  const [timeZone] = useTimeZone();
  const navigate = useNavigate({ from: '/meters' });
  const cursor = page.at(-1);
  const meters = useAnswer(
    'GET /api/v1/meters',
    {
      query: {
        limit: PAGE_SIZE,
        activity: ACTIVITY_DAYS,
        timeZone,
        ...(search === undefined ? {} : { q: search }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  /** Another question begins at its first page. */
  const ask = (next: string): void =>
    void navigate({ search: (next === '' ? {} : { search: next }) satisfies MetersSearch, replace: true });
  return (
    <PageFrame
      title="Meters"
      actions={
        <ButtonLink to="/meters/-/new" look="primary" icon="plus">
          New meter
        </ButtonLink>
      }
    >
      <Toolbar>
        <SearchBox label="Id or name begins with" search={search ?? ''} onSearch={ask} />
      </Toolbar>
      <Table
        label="Meters"
        columns={COLUMNS}
        rows={meters.data?.rows}
        rowKey={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/meters/$meterId', params: { meterId: id } })}
        error={meters.error}
        onRetry={() => void meters.refetch()}
        isStale={meters.isPlaceholderData}
        empty={
          <EmptyState title="No meter fits" action={<Button onClick={() => ask('')}>Show all</Button>}>
            Neither an id nor a name begins with what you search for.
          </EmptyState>
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={meters.data?.nextCursor}
            onPrevious={() => void navigate({ search: (before) => ({ ...before, page: page.slice(0, -1) }) })}
            onNext={(next) => void navigate({ search: (before) => ({ ...before, page: [...page, next] }) })}
          >
            {meters.data && `${meters.data.rows.length} shown`}
          </Pager>
        }
      />
    </PageFrame>
  );
}

function Quarantined({ meter: { id, quarantined = [] } }: { meter: MeterRow }): ReactNode {
  const titleOf = useReasonTitle();
  const signals = quarantined.reduce((total, each) => total + each.signals, 0);
  if (signals === 0) return <span className={styles.none}>0</span>;
  return (
    <Link
      to="/quality"
      search={{ meterId: id }}
      className={styles.uncounted}
      title={quarantined.map((each) => `${titleOf(each.reason)}: ${each.signals}`).join('\n')}
    >
      {grouped(`${signals}`)}
    </Link>
  );
}
