/** Why a number is what it is: step by step, part by part, record by record, each down to its signal. */
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { AnswerOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { OPENED, useWayBack } from '../../app/opened.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Facts } from '../../kit/facts.tsx';
import { PageFrame, Section } from '../../kit/page-frame.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../kit/states.tsx';
import { Time } from '../../kit/time.tsx';
import { usageQuestion } from '../customer/usage-search.ts';
import { groupLabel } from '../customer/usage-series.ts';
import { windowText } from '../customer/window-text.ts';
import { RecordDialog } from '../record/record-dialog.tsx';
import { ExplainedRecords } from './explained-records.tsx';
import styles from './page.module.css';
import { Parts } from './parts.tsx';
import { explainQuery, PAGE_SIZE } from './question.ts';
import { type ExplainSearch, explainRoute } from './route.ts';

export type Explanation = AnswerOf<'GET /api/v1/usage/explain'>;

export function Page(): ReactNode {
  const { customerId } = explainRoute.useParams();
  const search = explainRoute.useSearch();
  const navigate = useNavigate({ from: '/customers/$customerId/explain' });
  const [timeZone] = useTimeZone();
  const [nowMs] = useState(() => Date.now());
  const { dimension: dimensionId = '', page = [], open } = search;
  const question = usageQuestion(search, { customerId, dimensionId, timeZone }, nowMs);
  const cursor = page.at(-1);
  const explanation = useAnswer(
    'GET /api/v1/usage/explain',
    {
      query: {
        ...explainQuery(search, question),
        limit: PAGE_SIZE,
        ...(cursor === undefined ? {} : { cursor }),
      },
    },
    { enabled: dimensionId !== '', keepPrevious: true },
  );
  const { data, error } = explanation;
  const goBack = useWayBack();
  const show = (
    change: { [Name in keyof ExplainSearch]?: ExplainSearch[Name] | undefined },
    entry: { replace?: true; state?: true | typeof OPENED } = {},
  ): void => void navigate({ search: (before) => ({ ...before, ...change }) as ExplainSearch, ...entry });
  const openRecord = (open: string): void => show({ open }, { state: OPENED });
  const { at: _at, group: _group, missing: _missing, page: _page, open: _open, ...view } = search;
  return (
    <PageFrame
      title={`Explain ${dimensionId}`}
      back={{
        to: '/customers/$customerId',
        params: { customerId },
        search: view,
        label: customerId.slice(0, 60),
      }}
      description="How the quantity comes about, down to the data points."
    >
      {dimensionId === '' ? (
        <EmptyState title="This address names no dimension">
          Open a bar or a row in the customer’s Usage Monitoring: its explanation has an address of its own.
        </EmptyState>
      ) : error !== null && data === undefined ? (
        <ErrorState error={error} onRetry={() => void explanation.refetch()} />
      ) : data === undefined ? (
        <Skeleton lines={8} />
      ) : (
        <>
          <Section title="What it is">
            <Facts
              facts={[
                [
                  'Customer',
                  <Link key="customer" to="/customers/$customerId" params={{ customerId }}>
                    {customerId}
                  </Link>,
                ],
                [
                  'Dimension',
                  <Link key="dimension" to="/dimensions/$dimensionId" params={{ dimensionId }}>
                    {dimensionId}
                  </Link>,
                ],
                [
                  'Window',
                  data.cell === null
                    ? 'none with usage'
                    : `${windowText(data.cell, question.window, timeZone)} (${timeZone})`,
                ],
                ...question.filters.map(({ key, value }) => [`With ${key}`, value || 'empty'] as const),
                ...(question.groupKey === null
                  ? []
                  : [
                      [
                        `Group by ${question.groupKey}`,
                        groupLabel(
                          search.missing === undefined ? (search.group ?? '') : null,
                          question.groupKey,
                        ),
                      ] as const,
                    ]),
                ['Complete until', <Time key="until" at={data.completeUntil} detail="second" />],
              ]}
            />
            {data.cell === null ? (
              <EmptyState title="Nothing was used">
                No usage record counts in this window. What could not be counted is in Data quality.
              </EmptyState>
            ) : (
              <Steps explanation={data} />
            )}
          </Section>
          {data.carriedIn !== null && <CarriedIn explanation={data} onOpen={openRecord} />}
          {data.parts.length > 1 && <Parts explanation={data} />}
          {data.cell !== null && (
            <ExplainedRecords
              explanation={data}
              page={page}
              isStale={explanation.isPlaceholderData}
              onPage={(next) => show({ page: next.length === 0 ? undefined : next })}
              onOpen={openRecord}
            />
          )}
        </>
      )}
      {open !== undefined && (
        <RecordDialog
          recordId={open}
          show={search.show ?? 'decoded'}
          onShow={(next) => show({ show: next }, { replace: true, state: true })}
          onClose={() => goBack() || show({ open: undefined, show: undefined }, { replace: true })}
        />
      )}
    </PageFrame>
  );
}

/** From the records to what is billed. */
function Steps({ explanation }: { explanation: Explanation }): ReactNode {
  const { steps, cell } = explanation;
  const unit = cell?.unit ?? '1';
  return (
    <ol className={styles.steps} aria-label="Steps">
      {steps.map(({ text, value }, index) => (
        <li key={text}>
          <span className={styles.stepText}>{text}</span>
          <span className={styles.stepValue}>
            <ExactNumber
              value={value}
              // The last of three is an amount of money, which the API gives no currency.
              {...(cell?.amount !== undefined && index === steps.length - 1 ? {} : { unit })}
            />
          </span>
        </li>
      ))}
    </ol>
  );
}

function CarriedIn({
  explanation,
  onOpen,
}: {
  explanation: Explanation;
  onOpen: (recordId: string) => void;
}): ReactNode {
  const { carriedIn, cell } = explanation;
  if (carriedIn === null) return null;
  const { level, seconds, contribution, from, to, record } = carriedIn;
  return (
    <Section title="Carried in">
      <p>
        The level that held when the window began, from a record of{' '}
        <Time at={record.timestamp} detail="second" />:{' '}
        <button type="button" className={styles.link} onClick={() => onOpen(record.recordId)}>
          <ExactNumber value={level} unit={cell?.unit ?? '1'} />
        </button>
        . It held <ExactNumber value={seconds} unit="s" />, from <Time at={from} detail="second" /> to{' '}
        <Time at={to} detail="second" />, and adds <ExactNumber value={contribution} /> (level × seconds).
      </p>
    </Section>
  );
}
