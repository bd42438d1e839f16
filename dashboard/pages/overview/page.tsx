/** How it goes, at a glance: what arrives, who uses most, what was not counted, and whether anything is wrong. */
import { Link, Navigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { AnswerOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { ButtonLink } from '../../kit/button-link.tsx';
import { PageFrame, Section } from '../../kit/page-frame.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tag } from '../../kit/tag.tsx';
import { isFirstRunSkipped } from '../first-run/skipped.ts';
import { Health, healthFaults } from './health.tsx';
import { NotCounted } from './not-counted.tsx';
import styles from './page.module.css';
import { Rate } from './rate.tsx';
import { TopCustomers } from './top-customers.tsx';

export type Overview = AnswerOf<'GET /api/v1/overview'>;

const REFRESH_MS = 5_000;
const TOP = 8;

export function Page(): ReactNode {
  const [timeZone] = useTimeZone();
  const overview = useAnswer(
    'GET /api/v1/overview',
    { query: { timeZone, top: TOP } },
    { everyMs: REFRESH_MS, keepPrevious: true },
  );
  const { data, error } = overview;
  const attempts = useAnswer('GET /api/v1/first-run', {}, { everyMs: REFRESH_MS });
  // What was acknowledged a moment ago may not be counted yet: whether there is nothing at all is asked for certain.
  const isEmpty = data?.counts.records === 0 && !isFirstRunSkipped();
  const firstRun = useAnswer(
    'GET /api/v1/first-run',
    { query: { freshness: 'complete' } },
    { enabled: isEmpty },
  );
  if (isEmpty && firstRun.data?.hasRecords === false) return <Navigate to="/first-run" replace />;
  return (
    <PageFrame
      title="Overview"
      description={`Apps and Collectors send usage to ${location.origin}.`}
      tags={
        data &&
        !attempts.isPending && (
          <HealthTag faults={healthFaults(data, attempts.data).length} isAnswering={error === null} />
        )
      }
      actions={
        <ButtonLink to="/first-run" icon="plus" look="primary">
          Connect an app
        </ButtonLink>
      }
    >
      {data === undefined ? (
        error ? (
          <ErrorState error={error} onRetry={() => void overview.refetch()} />
        ) : (
          <Skeleton lines={8} />
        )
      ) : (
        <>
          {error && (
            <p className={styles.lost} role="status">
              The receiver does not answer at the moment: this is how it was. It is asked again every few
              seconds.
            </p>
          )}
          <Figures overview={data} />
          <Section title="Arriving, last ten minutes">
            <Rate ingest={data.ingest} />
          </Section>
          <div className={styles.columns}>
            <Section
              title="Top customers, last 24 hours"
              actions={<Link to="/customers">All customers</Link>}
            >
              <TopCustomers customers={data.topCustomers} />
            </Section>
            <Section title="Not counted" actions={<Link to="/quality">Data quality</Link>}>
              <NotCounted totals={data.quarantine} />
            </Section>
          </div>
          <Section title="Health">
            <Health overview={data} firstRun={attempts.data} />
          </Section>
        </>
      )}
    </PageFrame>
  );
}

function HealthTag({ faults, isAnswering }: { faults: number; isAnswering: boolean }): ReactNode {
  if (!isAnswering) return <Tag look="bad">no answer</Tag>;
  if (faults > 0) return <Tag look="bad">{faults === 1 ? '1 problem' : `${faults} problems`}</Tag>;
  return <Tag look="good">all is well</Tag>;
}

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

function Figures({ overview }: { overview: Overview }): ReactNode {
  const { ingest, recordsToday, freshness, quarantine, counts } = overview;
  const uncounted = quarantine.reduce((sum, { signals }) => sum + signals, 0);
  return (
    <dl className={styles.figures}>
      <Figure name="Arriving" value={count(ingest.perSecond)} note="a second, last minute" />
      <Figure name="Records today" value={count(recordsToday)} note={`${count(counts.records)} in all`} />
      <Figure
        name="Fresh"
        value={freshness.behindSeconds < 1 ? 'now' : `${COUNT.format(freshness.behindSeconds)} s`}
        note={freshness.behindSeconds < 1 ? 'all of it can be asked for' : 'behind what has arrived'}
      />
      <Figure
        name="Not counted"
        value={count(uncounted)}
        note={uncounted === 1 ? 'signal in quarantine' : 'signals in quarantine'}
        isWarning={uncounted > 0}
      />
    </dl>
  );
}

function Figure({
  name,
  value,
  note,
  isWarning = false,
}: {
  name: string;
  value: string;
  note: string;
  isWarning?: boolean;
}): ReactNode {
  return (
    <div className={styles.figure}>
      <dt>{name}</dt>
      <dd className={isWarning ? styles.warning : ''}>{value}</dd>
      <dd className={styles.note}>{note}</dd>
    </div>
  );
}

/** Grouped as quantities are. */
function count(value: number): string {
  return COUNT.format(value).replaceAll(',', '\u202f');
}
