/** Dimensions: what is billed, found by search, sorted, with how it is counted and when it was last seen. */
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { counted } from '../../format/count.ts';
import { grouped } from '../../format/decimal.ts';
import { ageText } from '../../format/time.ts';
import { ButtonLink } from '../../kit/button-link.tsx';
import { ACTIVITY_DAYS, List, type ListSearch, listQuery } from '../../kit/list.tsx';
import { PageFrame } from '../../kit/page-frame.tsx';
import { Sparkline } from '../../kit/sparkline.tsx';
import { EmptyState } from '../../kit/states.tsx';
import type { Column } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import styles from './page.module.css';
import { dimensionsRoute } from './route.ts';
import { aggregationText } from './words.ts';

type DimensionRow = RowOf<'GET /api/v1/dimensions'>;

const COLUMNS: readonly Column<DimensionRow>[] = [
  {
    id: 'id',
    header: 'Dimension',
    sortable: true,
    cell: ({ id, discovered, managedBy }) => (
      <span className={styles.dimension}>
        <Link
          to="/dimensions/$dimensionId"
          params={{ dimensionId: id }}
          className={styles.id}
          title={id.slice(0, 200)}
        >
          {id}
        </Link>
        {discovered && <Tag title="Nobody declared it: usage that came created it">discovered</Tag>}
        {managedBy === 'file' && <Tag title="Declared in usage-meter.yaml">file</Tag>}
      </span>
    ),
  },
  {
    id: 'name',
    header: 'Name',
    sortable: true,
    wideOnly: true,
    cell: ({ name }) => <span className={styles.name}>{name}</span>,
  },
  {
    id: 'unit',
    header: 'Unit',
    wideOnly: true,
    cell: ({ unit }) => (
      <span className={styles.unit} title={unit}>
        {unit}
      </span>
    ),
  },
  {
    id: 'aggregation',
    header: 'Aggregation',
    wideOnly: true,
    cell: ({ aggregation, interval }) => aggregationText(aggregation, interval),
  },
  {
    id: 'price',
    header: 'Unit price',
    align: 'end',
    wideOnly: true,
    cell: ({ unitPrice }) => (unitPrice === null ? '' : grouped(unitPrice)),
  },
  {
    id: 'activity',
    header: `Records, ${ACTIVITY_DAYS} days`,
    wideOnly: true,
    cell: ({ activity = [] }) => {
      const sum = activity.reduce((total, day) => total + day, 0);
      return <Sparkline values={activity} label={`${counted(sum, 'record')} in ${ACTIVITY_DAYS} days`} />;
    },
  },
  {
    id: 'records',
    header: 'Records',
    align: 'end',
    wideOnly: true,
    cell: ({ records }) => grouped(`${records}`),
  },
  {
    id: 'lastSeen',
    header: 'Last seen',
    sortable: true,
    cell: ({ lastSeen }) =>
      lastSeen === null ? (
        <span className={styles.none}>never</span>
      ) : (
        <time dateTime={lastSeen} title={lastSeen} className={styles.seen}>
          {ageText(lastSeen, Date.now())}
        </time>
      ),
  },
];

export function Page(): ReactNode {
  const asked = dimensionsRoute.useSearch();
  const [timeZone] = useTimeZone();
  const navigate = useNavigate({ from: '/dimensions' });
  const dimensions = useAnswer(
    'GET /api/v1/dimensions',
    { query: listQuery(asked, timeZone) },
    { keepPrevious: true },
  );
  return (
    <PageFrame
      title="Dimensions"
      actions={
        <ButtonLink to="/dimensions/-/new" look="primary" icon="plus">
          New dimension
        </ButtonLink>
      }
    >
      <List
        label="Dimensions"
        searchLabel="Search dimensions"
        asked={asked}
        onAsk={(change, replace) =>
          void navigate({ search: (before) => ({ ...before, ...change }) as ListSearch, replace })
        }
        columns={COLUMNS}
        found={dimensions}
        total={dimensions.data?.total}
        onOpen={({ id }) => void navigate({ to: '/dimensions/$dimensionId', params: { dimensionId: id } })}
        empty={
          <EmptyState title="No dimensions yet">
            They appear with their first usage, or you declare them here with a unit and a price.
          </EmptyState>
        }
        unfit={{
          title: 'No dimension fits',
          text: 'Neither id nor name has what you search for in it.',
        }}
      />
    </PageFrame>
  );
}
