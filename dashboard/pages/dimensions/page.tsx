/** Dimensions: what is billed, found by search, sorted, with how it is counted and when it was last seen. */
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
import { SearchBox } from '../../kit/search-box.tsx';
import { Sparkline } from '../../kit/sparkline.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import styles from './page.module.css';
import { type DimensionsSearch, dimensionsRoute } from './route.ts';
import { aggregationText } from './words.ts';

type DimensionRow = RowOf<'GET /api/v1/dimensions'>;

const PAGE_SIZE = 50;
const ACTIVITY_DAYS = 30;

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
      return <Sparkline values={activity} label={`${sum} records in ${ACTIVITY_DAYS} days`} />;
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
  const { search, sort = 'id', order, page = [] } = dimensionsRoute.useSearch();
  const [timeZone] = useTimeZone();
  const navigate = useNavigate({ from: '/dimensions' });
  const cursor = page.at(-1);
  const desc = (order ?? (sort === 'lastSeen' ? 'desc' : 'asc')) === 'desc';
  const dimensions = useAnswer(
    'GET /api/v1/dimensions',
    {
      query: {
        limit: PAGE_SIZE,
        activity: ACTIVITY_DAYS,
        timeZone,
        sort,
        order: desc ? 'desc' : 'asc',
        ...(search === undefined ? {} : { search }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  /** Another question begins at its first page. */
  const ask = (change: { [Key in keyof DimensionsSearch]: DimensionsSearch[Key] | undefined }): void =>
    void navigate({
      search: ({ page: _page, ...before }) => ({ ...before, ...change }) as DimensionsSearch,
      replace: true,
    });
  return (
    <PageFrame
      title="Dimensions"
      actions={
        <ButtonLink to="/dimensions/-/new" look="primary" icon="plus">
          New dimension
        </ButtonLink>
      }
    >
      <Toolbar>
        <SearchBox
          label="Search dimensions"
          search={search ?? ''}
          onSearch={(next) => ask({ search: next || undefined })}
        />
      </Toolbar>
      <Table
        label="Dimensions"
        columns={COLUMNS}
        rows={dimensions.data?.rows}
        rowKey={({ id }) => id}
        sort={{ id: sort, desc }}
        onSort={(next) =>
          ask({ sort: next.id as DimensionsSearch['sort'], order: next.desc ? 'desc' : 'asc' })
        }
        onOpen={({ id }) => void navigate({ to: '/dimensions/$dimensionId', params: { dimensionId: id } })}
        error={dimensions.error}
        onRetry={() => void dimensions.refetch()}
        isStale={dimensions.isPlaceholderData}
        empty={
          search === undefined ? (
            <EmptyState title="No dimensions yet">
              They appear with their first usage, or you declare them here with a unit and a price.
            </EmptyState>
          ) : (
            <EmptyState
              title="No dimension fits"
              action={<Button onClick={() => ask({ search: undefined })}>Show all</Button>}
            >
              Neither id nor name has what you search for in it.
            </EmptyState>
          )
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={dimensions.data?.nextCursor}
            onPrevious={() => void navigate({ search: (before) => ({ ...before, page: page.slice(0, -1) }) })}
            onNext={(next) => void navigate({ search: (before) => ({ ...before, page: [...page, next] }) })}
          >
            {dimensions.data && `${dimensions.data.rows.length} of ${dimensions.data.total} shown`}
          </Pager>
        }
      />
    </PageFrame>
  );
}
