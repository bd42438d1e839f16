/** Signals in quarantine, a page at a time: to look at one, or to repair those that are picked. */
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { Button } from '../../kit/button.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Menu } from '../../kit/menu.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import { FIX_LABELS } from './fix-dialog.tsx';
import styles from './page.module.css';
import { type Fix, fixesOf } from './reasons.ts';
import type { Signal } from './repair.ts';
import type { QualitySearch } from './route.ts';
import { filterOf, reasonOf } from './selection.ts';

const PAGE_SIZE = 25;

export interface SignalsProps {
  search: QualitySearch;
  onPage: (page: string[]) => void;
  onOpen: (id: string) => void;
  onFix: (fix: Fix, picked: readonly Signal[]) => void;
  onAll: () => void;
}

export function Signals({ search, onPage, onOpen, onFix, onAll }: SignalsProps): ReactNode {
  const { view, page = [] } = search;
  const cursor = page.at(-1);
  const signals = useAnswer(
    'GET /api/v1/quarantine/signals',
    {
      query: {
        ...filterOf(search),
        limit: PAGE_SIZE,
        ...(view === undefined ? {} : { resolution: view }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  const [checked, setChecked] = useState<ReadonlySet<string>>(new Set());
  const rows = signals.data?.rows;
  // What is no longer shown is not repaired unseen.
  useEffect(() => {
    if (rows === undefined) return;
    setChecked((before) => new Set(rows.map(({ id }) => id).filter((id) => before.has(id))));
  }, [rows]);
  const columns = useMemo(
    () => columnsOf(view, reasonOf(search) === undefined, checked, setChecked, onOpen),
    [view, search, checked, onOpen],
  );
  const picked = rows?.filter(({ id }) => checked.has(id)) ?? [];
  const reasons = new Set(picked.map(({ reason }) => reason));
  const [first, ...more] = fixesOf(reasons.size === 1 ? [...reasons][0] : undefined);
  return (
    <>
      {view === undefined && rows !== undefined && rows.length > 0 && (
        <div className={styles.bar}>
          <Button
            onClick={() => setChecked(new Set(picked.length === rows.length ? [] : rows.map(({ id }) => id)))}
          >
            {picked.length === rows.length
              ? 'Pick none'
              : rows.length === 1
                ? 'Pick the one shown'
                : `Pick all ${rows.length} of this page`}
          </Button>
          {picked.length > 0 && (
            <>
              <span role="status">{picked.length} picked:</span>
              <Button onClick={() => onFix(first, picked)}>{FIX_LABELS[first]}</Button>
              <Menu
                label="Repairs of what is picked"
                trigger={<Button icon="down">More</Button>}
                items={more.map((fix) => ({ label: FIX_LABELS[fix], onSelect: () => onFix(fix, picked) }))}
              />
            </>
          )}
        </div>
      )}
      <Table
        label="Signals"
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        onOpen={({ id }) => onOpen(id)}
        error={signals.error}
        onRetry={() => void signals.refetch()}
        isStale={signals.isPlaceholderData}
        empty={
          <EmptyState
            title={view === undefined ? 'Nothing to repair here' : `Nothing was ${view}`}
            action={<Button onClick={onAll}>Show all</Button>}
          >
            {view === undefined
              ? 'No signal in quarantine fits these filters.'
              : view === 'corrected'
                ? 'Signals that somebody counted with a correction are listed here, with who did it and why.'
                : 'Signals that somebody decided not to count are listed here, with who did it and why.'}
          </EmptyState>
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={signals.data?.nextCursor}
            onPrevious={() => onPage(page.slice(0, -1))}
            onNext={(next) => onPage([...page, next])}
          >
            {rows && `${rows.length} shown`}
          </Pager>
        }
      />
    </>
  );
}

function columnsOf(
  view: QualitySearch['view'],
  hasReasons: boolean,
  checked: ReadonlySet<string>,
  onChecked: (checked: ReadonlySet<string>) => void,
  onOpen: (id: string) => void,
): Column<Signal>[] {
  const pick: Column<Signal> = {
    id: 'pick',
    header: 'Pick',
    cell: ({ id, value }) => (
      <input
        type="checkbox"
        className={styles.check}
        aria-label={`Pick the signal of ${value.slice(0, 40)}`}
        checked={checked.has(id)}
        onChange={(event) => {
          const next = new Set(checked);
          if (event.target.checked) next.add(id);
          else next.delete(id);
          onChecked(next);
        }}
      />
    ),
  };
  const settled: Column<Signal>[] = [
    {
      id: 'resolvedAt',
      header: view === 'corrected' ? 'Corrected' : 'Dismissed',
      cell: ({ resolvedAt }) => resolvedAt !== null && <Time at={resolvedAt} />,
    },
    { id: 'actor', header: 'Who', wideOnly: true, cell: ({ actor }) => actor ?? 'not recorded' },
    { id: 'note', header: 'Note', cell: ({ note }) => <span className={styles.pairs}>{note ?? ''}</span> },
  ];
  return [
    ...(view === undefined ? [pick] : []),
    {
      id: 'timestamp',
      header: 'Time',
      cell: ({ id, timestamp, firstSeen }) => (
        <button type="button" className={styles.open} onClick={() => onOpen(id)}>
          {timestamp === null ? (
            <>
              none, came <Time at={firstSeen} />
            </>
          ) : (
            <Time at={timestamp} detail="second" />
          )}
        </button>
      ),
    },
    ...(hasReasons
      ? [
          {
            id: 'reason',
            header: 'Reason',
            cell: ({ reason }: Signal) => (
              <Tag look="warn">
                <ReasonTitle code={reason} />
              </Tag>
            ),
          },
        ]
      : []),
    {
      id: 'value',
      header: 'Value',
      align: 'end',
      cell: ({ quantity, value, unit }) =>
        quantity === null ? (
          <span className={styles.id}>{value}</span>
        ) : (
          <ExactNumber value={quantity} unit={unit} />
        ),
    },
    {
      id: 'dimension',
      header: 'Dimension',
      cell: ({ dimensionId }) =>
        dimensionId === null ? <None /> : <span className={styles.id}>{dimensionId}</span>,
    },
    {
      id: 'customer',
      header: 'Customer',
      cell: ({ customerId }) =>
        customerId === null ? <None /> : <span className={styles.id}>{customerId}</span>,
    },
    {
      id: 'metadata',
      header: 'Attributes',
      wideOnly: true,
      cell: ({ metadata }) => (
        <span className={styles.pairs}>
          {Object.entries(metadata)
            .map(([key, value]) => `${key}: ${value}`)
            .join(', ')
            .slice(0, 300)}
        </span>
      ),
    },
    ...(view === undefined ? [] : settled),
  ];
}

function None(): ReactNode {
  return <span className={styles.none}>none</span>;
}
