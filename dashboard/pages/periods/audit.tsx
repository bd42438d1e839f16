/** Every change of state: what, of what, when, by whom and why. */
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import type { RequestOptions, RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { monthStart } from '../../format/time.ts';
import { Button } from '../../kit/button.tsx';
import { CodeBlock } from '../../kit/code-block.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { Facts } from '../../kit/facts.tsx';
import { Toolbar } from '../../kit/page-frame.tsx';
import { Select } from '../../kit/select.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Time } from '../../kit/time.tsx';
import { MonthFilter, TypedFilter } from './filters.tsx';
import styles from './page.module.css';
import type { ViewProps } from './page.tsx';
import { periodText } from './period.ts';

type Entry = RowOf<'GET /api/v1/audit'>;
type Kind = Entry['kind'];

const PAGE_SIZE = 25;
const SHOWN_CHARACTERS = 50_000;

const KINDS: Readonly<Record<Kind, string>> = {
  period_closed: 'Period closed',
  statement_reopened: 'Statement re-opened',
  quarantine_corrected: 'Quarantine corrected',
  quarantine_rejudged: 'Quarantine replayed',
  quarantine_dismissed: 'Quarantine dismissed',
  record_corrected: 'Record voided or amended',
  customer_put: 'Customer declared',
  customer_deleted: 'Customer deleted',
  dimension_put: 'Dimension declared',
  dimension_deleted: 'Dimension deleted',
  meter_put: 'Meter declared',
  meter_deleted: 'Meter deleted',
  settings_put: 'Settings changed',
};

/** What a change says of itself, as far as it is shown. */
interface Change {
  signals?: unknown[] | null;
  correction?: Record<string, string> | null;
  replacement?: { recordValue?: string } | null;
  customer?: { name?: string | null };
  dimension?: { unit?: string; aggregation?: string; unitPrice?: string | null };
  version?: number;
  customerId?: string;
  from?: string;
  to?: string;
  timeZone?: string;
}

export function Audit({ search, onAsk, onPage, onShow }: ViewProps): ReactNode {
  const { kind, actor, subject, month, change, page = [] } = search;
  const [timeZone] = useTimeZone();
  const cursor = page.at(-1);
  const known = kind !== undefined && kind in KINDS ? (kind as Kind) : undefined;
  const query: NonNullable<RequestOptions<'GET /api/v1/audit'>['query']> = {
    limit: PAGE_SIZE,
    ...(known === undefined ? {} : { kind: known }),
    ...(actor === undefined ? {} : { actor }),
    ...(subject === undefined ? {} : { subject }),
    ...(month === undefined ? {} : { from: `${month}-01`, to: monthStart(`${month}-01`, 1), timeZone }),
    ...(cursor === undefined ? {} : { cursor }),
  };
  const audit = useAnswer('GET /api/v1/audit', { query }, { keepPrevious: true });
  const rows = audit.data?.rows;
  const shown = rows?.find((entry) => nameOf(entry) === change);
  const columns = useMemo(() => columnsOf((entry) => onShow({ change: nameOf(entry) })), [onShow]);
  return (
    <div className={styles.view}>
      <Toolbar>
        <Select
          label="Kind"
          value={known ?? 'all'}
          onValue={(next) => onAsk({ kind: next === 'all' ? undefined : next })}
          options={[
            { value: 'all', label: 'All changes' },
            ...Object.entries(KINDS).map(([value, label]) => ({ value: value as Kind, label })),
          ]}
        />
        <TypedFilter
          label="Id of what was changed"
          value={subject}
          onValue={(id) => onAsk({ subject: id })}
        />
        <TypedFilter label="Who, like local" value={actor} onValue={(who) => onAsk({ actor: who })} />
        <MonthFilter value={month} onValue={(next) => onAsk({ month: next })} />
      </Toolbar>
      <Table
        label="Audit log"
        columns={columns}
        rows={rows}
        rowKey={nameOf}
        onOpen={(entry) => onShow({ change: nameOf(entry) })}
        error={audit.error}
        onRetry={() => void audit.refetch()}
        isStale={audit.isPlaceholderData}
        empty={
          <EmptyState
            title="No such change"
            action={
              <Button
                onClick={() =>
                  onAsk({ kind: undefined, actor: undefined, subject: undefined, month: undefined })
                }
              >
                Show all
              </Button>
            }
          >
            Everything that people declare, close, correct or dismiss is written down here, and nobody can
            change it.
          </EmptyState>
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={audit.data?.nextCursor}
            onPrevious={() => onPage(page.slice(0, -1))}
            onNext={(next) => onPage([...page, next])}
          >
            {rows && `${rows.length} shown`}
          </Pager>
        }
      />
      {shown && <ChangeDialog entry={shown} onClose={() => onShow({ change: undefined })} />}
    </div>
  );
}

function nameOf({ sequence, ordinal }: Entry): string {
  return `${sequence}.${ordinal}`;
}

function columnsOf(onOpen: (entry: Entry) => void): Column<Entry>[] {
  return [
    {
      id: 'time',
      header: 'When',
      cell: (entry) => (
        <button type="button" className={styles.open} onClick={() => onOpen(entry)}>
          <Time at={entry.time} detail="second" />
        </button>
      ),
    },
    {
      id: 'what',
      header: 'What',
      cell: (entry) => (
        <>
          {KINDS[entry.kind]}
          <span className={styles.said}>{said(entry)}</span>
        </>
      ),
    },
    {
      id: 'subject',
      header: 'Of',
      wideOnly: true,
      cell: ({ subject }) => <span className={styles.id}>{subject ?? ''}</span>,
    },
    { id: 'actor', header: 'Who', cell: ({ actor }) => actor ?? 'not recorded' },
    {
      id: 'note',
      header: 'Note',
      wideOnly: true,
      cell: ({ note }) => <span className={styles.clamped}>{note ?? ''}</span>,
    },
  ];
}

/** The change in a few words. */
function said(entry: Entry): string {
  const change = entry.change as Change;
  const signals = change.signals?.length;
  const many = signals === undefined ? '' : signals === 1 ? '1 signal' : `${signals} signals`;
  switch (entry.kind) {
    case 'period_closed':
      return change.from === undefined || change.to === undefined
        ? ''
        : `${change.customerId}, ${periodText({ from: change.from, to: change.to }, change.timeZone ?? 'UTC')}`;
    case 'quarantine_corrected':
      return [many, ...Object.entries(change.correction ?? {}).map((pair) => pair.join(' '))].join(', ');
    case 'quarantine_rejudged':
    case 'quarantine_dismissed':
      return many;
    case 'record_corrected':
      return change.replacement ? `amended to ${change.replacement.recordValue}` : 'voided';
    case 'customer_put':
      return change.customer?.name ?? '';
    case 'dimension_put': {
      const { unit, aggregation, unitPrice } = change.dimension ?? {};
      return [aggregation, unit === '1' ? '' : unit, unitPrice ? `at ${unitPrice}` : '']
        .filter(Boolean)
        .join(', ');
    }
    case 'meter_put':
      return change.version === undefined ? '' : `version ${change.version}`;
    default:
      return '';
  }
}

function ChangeDialog({ entry, onClose }: { entry: Entry; onClose: () => void }): ReactNode {
  return (
    <Dialog open wide onClose={onClose} title={KINDS[entry.kind]} description={said(entry).slice(0, 300)}>
      <Facts
        facts={[
          ['When', <Time key="time" at={entry.time} detail="second" />],
          ['Who', entry.actor ?? 'not recorded'],
          [
            'Of',
            (entry.kind === 'statement_reopened' || entry.kind === 'period_closed') &&
            entry.subject !== null ? (
              <Link key="of" to="/periods/statements/$statementId" params={{ statementId: entry.subject }}>
                {entry.subject}
              </Link>
            ) : (
              entry.subject
            ),
          ],
          ['Note', entry.note],
          ['Journal frame', `${entry.sequence}, change ${entry.ordinal}`],
        ]}
      />
      <CodeBlock label="The change" code={JSON.stringify(entry.change, null, 2).slice(0, SHOWN_CHARACTERS)} />
    </Dialog>
  );
}
