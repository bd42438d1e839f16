/** The report of a test: what would be counted and quarantined, beside what the version that holds does. */
import type { ReactNode } from 'react';
import { counted } from '../../format/count.ts';
import { grouped, toPixelValue } from '../../format/decimal.ts';
import { CodeBlock } from '../../kit/code-block.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Notice } from '../../kit/notice.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { type Column, Table } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import styles from './rule-test.module.css';
import type { Report } from './rule-test.tsx';

type Difference = Report['totals'][number];

/** Of a list, so many are shown: those that differ most. */
const MOST_ROWS = 25;

export function TestReport({ report }: { report: Report }): ReactNode {
  const { signals, requests, matched, matchedInForce, inForceVersion, duplicates } = report;
  const count = (value: number): string => grouped(`${value}`);
  return (
    <>
      <p role="status">
        <strong>{count(matched)}</strong> of {counted(signals, 'signal')} matched
        {inForceVersion !== null && ` (${count(matchedInForce)} by version ${inForceVersion})`}, in{' '}
        {counted(requests, 'request')}
        {report.receivedFrom !== null && report.receivedUntil !== null && (
          <>
            {' '}
            from <Time at={report.receivedFrom} /> to <Time at={report.receivedUntil} />
          </>
        )}
        .{duplicates > 0 && ` ${count(duplicates)} came again and count once.`}
      </p>
      {report.stoppedBy !== null && (
        <Notice look="warn">There was more than could be looked at: shorten the time.</Notice>
      )}
      {matched === 0 && (
        <Notice look="warn">
          Nothing would be counted. Only requests in which some meter matched are kept: signals that nobody
          took yet are not among them. <code>usage-meter meters test --files</code> tests captured ones.
        </Notice>
      )}
      <Totals totals={report.totals} hasOther={inForceVersion !== null} />
      {report.customers.length > 0 && (
        <>
          <h3>Per customer and dimension</h3>
          <Table
            label="Per customer and dimension"
            columns={inForceVersion === null ? COLUMNS.filter(({ id }) => !COMPARED.has(id)) : COLUMNS}
            rows={report.customers.slice(0, MOST_ROWS)}
            rowKey={({ customerId, dimensionId }) => JSON.stringify([customerId, dimensionId])}
          />
          {(report.hasMoreCustomers || report.customers.length > MOST_ROWS) && (
            <p className={styles.hint}>The {MOST_ROWS} greatest differences; the sums above are of all.</p>
          )}
        </>
      )}
      <Quarantined report={report} />
      <Consequences report={report} />
      <Samples report={report} />
    </>
  );
}

/** A bar for what the rule makes, and one for what holds. */
function Totals({ totals, hasOther }: { totals: readonly Difference[]; hasOther: boolean }): ReactNode {
  if (totals.length === 0) return null;
  return (
    <ul className={styles.totals} aria-label="By dimension">
      {totals.map(({ dimensionId, unit, quantity, inForceQuantity, records, inForceRecords, difference }) => {
        const [now, before] = [toPixelValue(quantity ?? '0'), toPixelValue(inForceQuantity ?? '0')].map(
          Math.abs,
        );
        const top = Math.max(now, before) || 1;
        return (
          <li key={dimensionId}>
            <div className={styles.total}>
              <bdi className={styles.dimension}>{dimensionId}</bdi>
              <span className={styles.quantity}>
                {quantity === null ? (
                  counted(records, 'record')
                ) : (
                  <ExactNumber value={quantity} unit={unit} />
                )}
              </span>
            </div>
            <i className={styles.bar} style={{ width: `${(now / top) * 100}%` }} />
            {hasOther && (
              <>
                <i className={styles.before} style={{ width: `${(before / top) * 100}%` }} />
                <p className={styles.hint}>
                  holds now:{' '}
                  {inForceQuantity === null ? (
                    counted(inForceRecords, 'record')
                  ) : (
                    <ExactNumber value={inForceQuantity} unit={unit} />
                  )}
                  {difference !== null && difference !== '0' && (
                    <>
                      , difference <Signed value={difference} />
                    </>
                  )}
                  {difference === '0' && ', no difference'}
                </p>
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Signed({ value }: { value: string }): ReactNode {
  return (
    <strong>
      {value !== '0' && !value.startsWith('-') && '+'}
      <ExactNumber value={value} />
    </strong>
  );
}

const COMPARED = new Set(['inForce', 'difference']);
const COLUMNS: readonly Column<Difference>[] = [
  {
    id: 'customer',
    header: 'Customer',
    cell: ({ customerId }) => <bdi className={styles.text}>{customerId}</bdi>,
  },
  {
    id: 'dimension',
    header: 'Dimension',
    cell: ({ dimensionId }) => <bdi className={styles.text}>{dimensionId}</bdi>,
  },
  {
    id: 'quantity',
    header: 'This rule',
    align: 'end',
    cell: ({ quantity, records }) =>
      quantity === null ? counted(records, 'record') : <ExactNumber value={quantity} />,
  },
  {
    id: 'inForce',
    header: 'Holds now',
    align: 'end',
    wideOnly: true,
    cell: ({ inForceQuantity, inForceRecords }) =>
      inForceQuantity === null ? counted(inForceRecords, 'record') : <ExactNumber value={inForceQuantity} />,
  },
  {
    id: 'difference',
    header: 'Difference',
    align: 'end',
    cell: ({ difference }) => (difference === null ? '–' : <Signed value={difference} />),
  },
];

function Quarantined({ report }: { report: Report }): ReactNode {
  const reasons = report.quarantined;
  if (reasons.every(({ signals, signalsInForce }) => signals + signalsInForce === 0)) return null;
  return (
    <>
      <h3>Would be quarantined</h3>
      <ul className={styles.reasons}>
        {reasons.map(({ reason, signals, signalsInForce, dimensions, samples }) => (
          <li key={reason}>
            <Tag look="warn">
              <ReasonTitle code={reason} />
            </Tag>{' '}
            <strong>{counted(signals, 'signal')}</strong>
            {report.inForceVersion !== null && `, ${grouped(`${signalsInForce}`)} by the version that holds`}
            {dimensions.map(({ dimensionId, quantity }) =>
              quantity === null ? null : (
                <span key={dimensionId}>
                  , <ExactNumber value={quantity} /> of{' '}
                  <bdi className={styles.text}>{dimensionId ?? 'no dimension'}</bdi>
                </span>
              ),
            )}
            {samples.length > 0 && (
              <details>
                <summary>A signal as it came</summary>
                <CodeBlock
                  label={`Signal: ${reason}`}
                  code={JSON.stringify(samples[0].signal ?? samples[0], null, 2)}
                />
              </details>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Consequences({ report }: { report: Report }): ReactNode {
  const { discovered, replaced } = report;
  const { customers, customerCount, dimensions } = discovered;
  return (
    <>
      {replaced.map(({ meterId, dimensionId, difference, unit }) => (
        <Notice key={`${meterId} ${dimensionId}`} look="warn">
          <span>
            Meter <strong>{meterId}</strong> would count{' '}
            {difference === null ? 'other records' : <ExactNumber value={difference} unit={unit} />} of{' '}
            {dimensionId}.
          </span>
        </Notice>
      ))}
      {customerCount + dimensions.length > 0 && (
        <Notice>
          {customerCount > 0 && (
            <span>
              Not declared, and discovered with the first usage: {counted(customerCount, 'customer')} (
              <bdi>{customers.slice(0, 5).join(', ').slice(0, 200)}</bdi>
              {customerCount > 5 && ' …'}).
            </span>
          )}
          {dimensions.length > 0 && (
            <span>
              Dimensions that nobody declared:{' '}
              <bdi>
                {dimensions
                  .map(({ id }) => id)
                  .join(', ')
                  .slice(0, 200)}
              </bdi>
              .
            </span>
          )}
        </Notice>
      )}
    </>
  );
}

function Samples({ report: { records } }: { report: Report }): ReactNode {
  if (records.length === 0) return null;
  return (
    <details>
      <summary>First usage records</summary>
      <Table
        label="First usage records"
        columns={SAMPLE_COLUMNS}
        rows={records.slice(0, 10)}
        rowKey={({ recordId }) => recordId}
      />
    </details>
  );
}

const SAMPLE_COLUMNS: readonly Column<Report['records'][number]>[] = [
  { id: 'time', header: 'Time', cell: ({ timestamp }) => <Time at={timestamp} detail="second" /> },
  {
    id: 'customer',
    header: 'Customer',
    cell: ({ customerId }) => <bdi className={styles.text}>{customerId}</bdi>,
  },
  {
    id: 'value',
    header: 'Value',
    align: 'end',
    cell: ({ recordValue, unit }) => <ExactNumber value={recordValue} unit={unit} />,
  },
  {
    id: 'metadata',
    header: 'Metadata',
    wideOnly: true,
    cell: ({ metadata }) => (
      <bdi className={styles.text}>
        {Object.entries(metadata)
          .map(([key, value]) => `${key}=${value}`)
          .join(', ')
          .slice(0, 300)}
      </bdi>
    ),
  },
];
