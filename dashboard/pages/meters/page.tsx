/** Meters: the rules that turn signals into usage, with what each counted and could not count. */
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { counted } from '../../format/count.ts';
import { grouped } from '../../format/decimal.ts';
import { ageText } from '../../format/time.ts';
import { ButtonLink } from '../../kit/button-link.tsx';
import { ACTIVITY_DAYS, List, type ListSearch, pageQuery } from '../../kit/list.tsx';
import { PageFrame } from '../../kit/page-frame.tsx';
import { useReasonTitle } from '../../kit/reason.tsx';
import { Sparkline } from '../../kit/sparkline.tsx';
import type { Column } from '../../kit/table.tsx';
import { MeterTags } from './meter-tags.tsx';
import styles from './page.module.css';
import { metersRoute } from './route.ts';

type MeterRow = RowOf<'GET /api/v1/meters'>;

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
      return <Sparkline values={activity} label={`${counted(sum, 'record')} in ${ACTIVITY_DAYS} days`} />;
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
  const asked = metersRoute.useSearch();
  const [timeZone] = useTimeZone();
  const navigate = useNavigate({ from: '/meters' });
  const { search } = asked;
  const meters = useAnswer(
    'GET /api/v1/meters',
    { query: { ...pageQuery(asked, timeZone), ...(search === undefined ? {} : { q: search }) } },
    { keepPrevious: true },
  );
  return (
    <PageFrame
      title="Meters"
      actions={
        <ButtonLink to="/meters/-/new" look="primary" icon="plus">
          New meter
        </ButtonLink>
      }
    >
      <List
        label="Meters"
        searchLabel="Id or name begins with"
        asked={asked}
        onAsk={(change, replace) =>
          void navigate({ search: (before) => ({ ...before, ...change }) as ListSearch, replace })
        }
        columns={COLUMNS}
        found={meters}
        onOpen={({ id }) => void navigate({ to: '/meters/$meterId', params: { meterId: id } })}
        // The built-in one is always there.
        empty={null}
        unfit={{
          title: 'No meter fits',
          text: 'Neither an id nor a name begins with what you search for.',
        }}
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
