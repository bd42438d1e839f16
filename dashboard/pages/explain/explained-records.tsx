/** The records behind a quantity, and what each adds to it. */
import type { ReactNode } from 'react';
import { Chart } from '../../kit/chart.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Section } from '../../kit/page-frame.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { type Column, Pager, Table } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import { MetadataText } from '../customer/metadata-text.tsx';
import { FLAG_WORDS, flagLook, KIND_TAGS, meterName } from '../record/words.ts';
import styles from './page.module.css';
import type { Explanation } from './page.tsx';

type ExplainedRecord = Explanation['records'][number];

export interface ExplainedRecordsProps {
  explanation: Explanation;
  /** Cursors of the pages up to this one. */
  page: readonly string[];
  isStale: boolean;
  onPage: (page: string[]) => void;
  onOpen: (recordId: string) => void;
}

export function ExplainedRecords({
  explanation,
  page,
  isStale,
  onPage,
  onOpen,
}: ExplainedRecordsProps): ReactNode {
  const { records, nextCursor, dimension, cell } = explanation;
  const isLevel = dimension?.aggregation === 'time_weighted' || dimension?.aggregation === 'time_integral';
  const columns: Column<ExplainedRecord>[] = [
    {
      id: 'timestamp',
      header: 'Timestamp',
      cell: ({ recordId, timestamp }) => (
        <button type="button" className={styles.link} onClick={() => onOpen(recordId)}>
          <Time at={timestamp} detail="second" />
        </button>
      ),
    },
    {
      id: 'value',
      header: 'Value',
      align: 'end',
      wideOnly: true,
      cell: ({ recordValue }) => <ExactNumber value={recordValue} />,
    },
    {
      id: 'contribution',
      header: isLevel ? 'Level × seconds' : 'Adds',
      align: 'end',
      cell: ({ contribution }) => <ExactNumber value={contribution} />,
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
        <span className={styles.clamped}>{meterName(meterId, meterVersion)}</span>
      ),
    },
    {
      id: 'flags',
      header: 'Remarks',
      wideOnly: true,
      cell: ({ kind, flags, corrects, replaces }) => (
        <span className={styles.tags}>
          {kind !== 'record' && <Tag>{KIND_TAGS[kind]}</Tag>}
          {corrects !== null && <Tag look="accent">out of quarantine</Tag>}
          {replaces !== null && <Tag look="accent">amended</Tag>}
          {flags.map((flag) => (
            <Tag key={flag} look={flagLook(flag)} title={FLAG_WORDS[flag]}>
              {flag.replaceAll('_', ' ')}
            </Tag>
          ))}
        </span>
      ),
    },
  ];
  return (
    <Section title="Usage records">
      {records.length > 1 && (
        <Chart
          label={isLevel ? 'Level × seconds of each record' : 'What each record adds'}
          windows={records.map(({ timestamp }) => timestamp)}
          detail="second"
          height={140}
          {...(isLevel || cell === null ? {} : { unit: cell.unit })}
          series={[{ label: 'Usage record', values: records.map(({ contribution }) => contribution) }]}
          onOpen={(at) => onOpen(records[at].recordId)}
        />
      )}
      <Table
        label="Usage records"
        columns={columns}
        rows={records}
        // A level that holds over several intervals is one record in one part.
        rowKey={({ recordId, part }) => `${recordId} ${part}`}
        onOpen={({ recordId }) => onOpen(recordId)}
        isStale={isStale}
        empty={
          <EmptyState title="No record in this window">
            {explanation.carriedIn === null ? '' : 'All of it is the level that was carried in.'}
          </EmptyState>
        }
        footer={
          <Pager
            hasPrevious={page.length > 0}
            nextCursor={nextCursor}
            onPrevious={() => onPage(page.slice(0, -1))}
            onNext={(next) => onPage([...page, next])}
          >
            {records.length} shown of {cell?.records ?? records.length}
          </Pager>
        }
      />
    </Section>
  );
}
