/** A page's list of something with an id: searched, sorted and paged by the server; what of it is shown is in the address. */
import type { ReactNode } from 'react';
import { oneOf, text, texts } from '../app/search.ts';
import { Button } from './button.tsx';
import { Toolbar } from './page-frame.tsx';
import { SearchBox } from './search-box.tsx';
import { EmptyState } from './states.tsx';
import { type Column, Pager, type Sort, Table } from './table.tsx';

const SORTS = ['id', 'name', 'lastSeen'] as const;
const PAGE_SIZE = 50;
export const ACTIVITY_DAYS = 30;

export interface ListSearch {
  /** What id, name or the like has in it. */
  search?: string;
  sort?: (typeof SORTS)[number];
  order?: 'asc' | 'desc';
  /** Cursors of the pages up to this one; none of them is the first page's. */
  page?: string[];
}

/** Of a page's `validateSearch`. */
export function readList(search: Record<string, unknown>): ListSearch {
  const page = texts(search, 'page');
  const sort = oneOf(search, 'sort', SORTS);
  const order = oneOf(search, 'order', ['asc', 'desc']);
  const searched = text(search, 'search');
  return {
    ...(searched === undefined ? {} : { search: searched }),
    ...(sort === undefined ? {} : { sort }),
    ...(order === undefined ? {} : { order }),
    ...(page.length === 0 ? {} : { page }),
  };
}

/** Parameters of any list. */
export function pageQuery({ page }: ListSearch, timeZone: string) {
  const cursor = page?.at(-1);
  return {
    limit: PAGE_SIZE,
    activity: ACTIVITY_DAYS,
    timeZone,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Parameters of a list that is searched and sorted, too. */
export function listQuery(asked: ListSearch, timeZone: string) {
  const { id, desc } = sortOf(asked);
  return {
    ...pageQuery(asked, timeZone),
    sort: id,
    order: desc ? ('desc' as const) : ('asc' as const),
    ...(asked.search === undefined ? {} : { search: asked.search }),
  };
}

/** Whoever was seen last stands first. */
function sortOf({ sort = 'id', order }: ListSearch) {
  return { id: sort, desc: (order ?? (sort === 'lastSeen' ? 'desc' : 'asc')) === 'desc' };
}

/** What of the address changes; undefined takes it out. */
export type ListChange = { [Name in keyof ListSearch]?: ListSearch[Name] | undefined };

export interface ListProps<Row> {
  label: string;
  searchLabel: string;
  asked: ListSearch;
  /** @param isReplaced the address before is none to go back to */
  onAsk: (change: ListChange, isReplaced: boolean) => void;
  columns: readonly Column<Row>[];
  /** As `useAnswer` has it. */
  found: {
    data: { rows: readonly Row[]; nextCursor: string | null } | undefined;
    error: Error | null;
    isPlaceholderData: boolean;
    refetch: () => unknown;
  };
  onOpen: (row: Row) => void;
  /** Where there is none at all. */
  empty: ReactNode;
  /** Where none fits what is searched: its title, and where was looked. */
  unfit: { title: string; text: string };
  /** "12 of 70 shown", where it is known. */
  total?: number | undefined;
}

export function List<Row extends { id: string }>({
  label,
  searchLabel,
  asked,
  onAsk,
  columns,
  found: { data, error, isPlaceholderData, refetch },
  onOpen,
  empty,
  unfit,
  total,
}: ListProps<Row>): ReactNode {
  const { search, page = [] } = asked;
  /** Another question begins at its first page. */
  const ask = (change: ListChange): void => onAsk({ page: undefined, ...change }, true);
  return (
    <>
      <Toolbar>
        <SearchBox
          label={searchLabel}
          search={search ?? ''}
          onSearch={(next) => ask({ search: next || undefined })}
        />
      </Toolbar>
      <Table
        label={label}
        columns={columns}
        rows={data?.rows}
        rowKey={({ id }) => id}
        sort={sortOf(asked)}
        onSort={({ id, desc }: Sort) => ask({ sort: id as ListSearch['sort'], order: desc ? 'desc' : 'asc' })}
        onOpen={onOpen}
        error={error}
        onRetry={() => void refetch()}
        isStale={isPlaceholderData}
        empty={
          search === undefined ? (
            empty
          ) : (
            <EmptyState
              title={unfit.title}
              action={<Button onClick={() => ask({ search: undefined })}>Show all</Button>}
            >
              {unfit.text}
            </EmptyState>
          )
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={data?.nextCursor}
            onPrevious={() => onAsk({ page: page.slice(0, -1) }, false)}
            onNext={(next) => onAsk({ page: [...page, next] }, false)}
          >
            {data && `${data.rows.length}${total === undefined ? '' : ` of ${total}`} shown`}
          </Pager>
        }
      />
    </>
  );
}
