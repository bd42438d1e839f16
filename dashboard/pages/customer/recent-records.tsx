/** The customer's newest usage records, of all dimensions; each leads down to its signal. */
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RowOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Time } from '../../kit/time.tsx';
import { meterName } from '../record/words.ts';
import { MetadataText } from './metadata-text.tsx';
import styles from './page.module.css';
import type { UsagePartProps } from './usage-monitoring.tsx';

type UsageRecord = RowOf<'GET /api/v1/records'>;

const PAGE_SIZE = 10;
/** All times that the receiver takes. */
const ALWAYS = { from: '1970-01-01', to: '2262-01-01' };

const COLUMNS: readonly Column<UsageRecord>[] = [
  {
    id: 'timestamp',
    header: 'Timestamp',
    cell: ({ recordId, timestamp }) => (
      <Link to="/records/$recordId" params={{ recordId }} className={styles.nowrap}>
        <Time at={timestamp} detail="second" />
      </Link>
    ),
  },
  {
    id: 'dimension',
    header: 'Dimension',
    cell: ({ dimensionId }) => <span className={styles.named}>{dimensionId}</span>,
  },
  {
    id: 'value',
    header: 'Value',
    align: 'end',
    cell: ({ recordValue, unit }) => (
      <span className={styles.nowrap}>
        <ExactNumber value={recordValue} unit={unit} />
      </span>
    ),
  },
  {
    id: 'metadata',
    header: 'Metadata',
    wideOnly: true,
    cell: ({ metadata }) => <MetadataText metadata={metadata} />,
  },
  {
    id: 'meter',
    header: 'Meter',
    wideOnly: true,
    cell: ({ meterId, meterVersion }) => (
      <span className={styles.named}>{meterName(meterId, meterVersion)}</span>
    ),
  },
];

export function RecentRecords({ customerId, search, onSearch }: UsagePartProps): ReactNode {
  const navigate = useNavigate();
  const page = search.recent ?? [];
  const cursor = page.at(-1);
  const records = useAnswer(
    'GET /api/v1/records',
    {
      query: {
        customerId,
        ...ALWAYS,
        order: 'desc',
        limit: PAGE_SIZE,
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { keepPrevious: true },
  );
  return (
    <Section title="Recent usage records">
      <Table
        label="Recent usage records"
        columns={COLUMNS}
        rows={records.data?.rows}
        rowKey={({ recordId }) => recordId}
        onOpen={({ recordId }) => void navigate({ to: '/records/$recordId', params: { recordId } })}
        error={records.error}
        onRetry={() => void records.refetch()}
        isStale={records.isPlaceholderData}
        empty={<EmptyState title="No usage records yet" />}
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={records.data?.nextCursor}
            onPrevious={() => onSearch({ recent: page.length === 1 ? undefined : page.slice(0, -1) }, false)}
            onNext={(next) => onSearch({ recent: [...page, next] }, false)}
          >
            Newest first
          </Pager>
        }
      />
    </Section>
  );
}
