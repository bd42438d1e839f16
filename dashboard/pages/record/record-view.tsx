/** All that is known of a usage record: what it says, what is odd about it, its series, its meter, its signals. */
import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode } from 'react';
import type { AnswerOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { CodeBlock } from '../../kit/code-block.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Facts } from '../../kit/facts.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tag } from '../../kit/tag.tsx';
import { Time } from '../../kit/time.tsx';
import { ReceivedSignal } from './received-signal.tsx';
import styles from './record-view.module.css';
import type { SignalView } from './route.ts';
import { FLAG_WORDS, flagLook, KIND_WORDS, meterName } from './words.ts';

export type RecordSignals = AnswerOf<'GET /api/v1/records/{recordId}/signal'>;
type RecordOrigin = RecordSignals['record'];

export interface RecordViewProps {
  recordId: string;
  show: SignalView;
  onShow: (show: SignalView) => void;
}

export function useRecordOrigin(recordId: string) {
  return useAnswer('GET /api/v1/records/{recordId}/signal', { path: { recordId } });
}

export function RecordView({ recordId, show, onShow }: RecordViewProps): ReactNode {
  const { data, error, refetch } = useRecordOrigin(recordId);
  if (error !== null && data === undefined) {
    // The record counts all the same: what is left of it is told.
    if (error.status === 410)
      return <WithoutSignal recordId={recordId} detail={error.problem?.detail ?? ''} />;
    return <ErrorState error={error} onRetry={() => void refetch()} />;
  }
  if (data === undefined) return <Skeleton lines={8} />;
  const { record, series, meters } = data;
  return (
    <div className={styles.view}>
      <section className={styles.part} aria-label="The record">
        <p className={styles.value}>
          <ExactNumber value={record.recordValue} unit={record.unit} />
        </p>
        {record.voided !== null && (
          <p className={styles.voided}>
            <Tag look="bad">voided</Tag> <Time at={record.voided.at} />: {record.voided.reason}
            {record.voided.replaced && '. Another record stands in its place.'}
          </p>
        )}
        <Facts facts={recordFacts(record)} />
        {record.flags.length > 0 && (
          <>
            <h3>Remarks</h3>
            <ul className={styles.flags}>
              {record.flags.map((flag) => (
                <li key={flag}>
                  <Tag look={flagLook(flag)}>{flag.replaceAll('_', ' ')}</Tag> {FLAG_WORDS[flag]}
                </li>
              ))}
            </ul>
          </>
        )}
        {Object.keys(record.metadata).length > 0 && (
          <>
            <h3>Metadata</h3>
            <Facts facts={Object.entries(record.metadata)} />
          </>
        )}
      </section>
      {record.reading !== undefined && (
        <section className={styles.part} aria-label="Running total">
          <h3>Running total</h3>
          <Facts
            facts={[
              ['Reading', <Reading key="reading" {...record.reading} unit={record.unit} />],
              [
                'Counts from',
                record.reading.previous === null ? (
                  'zero: it is the first'
                ) : (
                  <Reading key="previous" {...record.reading.previous} unit={record.unit} />
                ),
              ],
              ...(record.lateReadings ?? []).map(
                (late, index) =>
                  [`Came late, ${index + 1}`, <Reading key="late" {...late} unit={record.unit} />] as const,
              ),
            ]}
          />
        </section>
      )}
      <section className={styles.part} aria-label="The signal as received">
        <h3>The signal as received</h3>
        <ReceivedSignal signal={data.signal} name="signal" show={show} onShow={onShow} />
      </section>
      {data.previous && (
        <section className={styles.part} aria-label="The reading before">
          <h3>The reading before, which it counts from</h3>
          <ReceivedSignal signal={data.previous} name="previous" show={show} onShow={onShow} />
        </section>
      )}
      {data.late?.map((late, index) => (
        <section
          key={`${late.sequence} ${'ordinal' in late ? late.ordinal : ''}`}
          className={styles.part}
          aria-label={`Late reading ${index + 1}`}
        >
          <h3>Late reading {index + 1}</h3>
          <ReceivedSignal signal={late} name={`late-${index + 1}`} show={show} onShow={onShow} />
        </section>
      ))}
      <section className={styles.part} aria-label="Series">
        <h3>Series</h3>
        <Facts facts={seriesFacts(series)} />
        {Object.keys(series.resource).length > 0 && (
          <>
            <h3>Resource</h3>
            <Facts
              facts={Object.entries(series.resource).map(([key, value]) => [
                key,
                typeof value === 'string' ? value : JSON.stringify(value),
              ])}
            />
          </>
        )}
      </section>
      {meters.map((meter) => (
        <section key={`${meter.id} ${meter.version}`} className={styles.part} aria-label="Meter">
          <h3>
            Rule of meter {meter.id.slice(0, 80)}, version {meter.version}
          </h3>
          <p className={styles.quiet}>
            In force since <Time at={meter.since} detail="second" />
          </p>
          <CodeBlock label="Rule" code={JSON.stringify(meter.rule, null, 2)} />
        </section>
      ))}
    </div>
  );
}

function recordFacts(record: RecordOrigin): [string, ReactNode][] {
  const { customerId, dimensionId, startTime, meterId, meterVersion, corrects, replaces } = record;
  return [
    [
      'Customer',
      <Link
        key="customer"
        to="/customers/$customerId"
        params={{ customerId }}
        search={{ dimension: dimensionId }}
      >
        {customerId}
      </Link>,
    ],
    ['Dimension', dimensionId],
    ['Timestamp', <Time key="time" at={record.timestamp} detail="second" />],
    ...(startTime === undefined
      ? []
      : [['Start', <Time key="start" at={startTime} detail="second" />] as [string, ReactNode]]),
    ['Kind', KIND_WORDS[record.kind]],
    ['Meter', meterName(meterId, meterVersion)],
    [
      'Received',
      record.receivedAt !== null && <Time key="received" at={record.receivedAt} detail="second" />,
    ],
    ['Journal frame', `${record.sequence}`],
    ...(record.eventKey === null ? [] : [['Event key', record.eventKey] as [string, ReactNode]]),
    ...(replaces === null
      ? []
      : [
          [
            'In place of',
            <Link key="replaces" to="/records/$recordId" params={{ recordId: replaces }}>
              {replaces}
            </Link>,
          ] as [string, ReactNode],
        ]),
    ...(corrects === null
      ? []
      : [
          [
            'Out of quarantine',
            <Fragment key="corrects">
              <ReasonTitle code={corrects.reason} />
              {corrects.note !== null && `: ${corrects.note}`}
            </Fragment>,
          ] as [string, ReactNode],
        ]),
  ];
}

function seriesFacts(series: RecordSignals['series']): [string, ReactNode][] {
  return [
    ['Kind', series.kind],
    ...(series.metricName === '' ? [] : [['Metric', series.metricName] as [string, ReactNode]]),
    ['Unit', series.unit],
    ...(series.kind === 'record' || series.role === 'event'
      ? []
      : [
          ['Temporality', `${series.temporality}${series.monotonic ? ', monotonic' : ''}`] as [
            string,
            ReactNode,
          ],
        ]),
    ...(series.scopeName === ''
      ? []
      : [['Scope', `${series.scopeName} ${series.scopeVersion}`.trim()] as [string, ReactNode]]),
    ['Identity', <code key="hash">{series.seriesHash}</code>],
  ];
}

function Reading({ value, timestamp, unit }: { value: string; timestamp: string; unit: string }): ReactNode {
  return (
    <>
      <ExactNumber value={value} unit={unit} /> at <Time at={timestamp} detail="second" />
    </>
  );
}

/** The journal has released the signal. */
function WithoutSignal({ recordId, detail }: { recordId: string; detail: string }): ReactNode {
  const record = useAnswer('GET /api/v1/records/{recordId}', { path: { recordId } });
  const { data, error } = record;
  if (error !== null) return <ErrorState error={error} onRetry={() => void record.refetch()} />;
  if (data === undefined) return <Skeleton lines={6} />;
  return (
    <div className={styles.view}>
      <section className={styles.part} aria-label="The record">
        <p className={styles.value}>
          <ExactNumber value={data.recordValue} unit={data.unit} />
        </p>
        <Facts
          facts={[
            [
              'Customer',
              <Link key="customer" to="/customers/$customerId" params={{ customerId: data.customerId }}>
                {data.customerId}
              </Link>,
            ],
            ['Dimension', data.dimensionId],
            ['Timestamp', <Time key="time" at={data.timestamp} detail="second" />],
            ['Meter', meterName(data.meterId, data.meterVersion)],
            ...Object.entries(data.metadata),
          ]}
        />
      </section>
      <section className={styles.part} aria-label="The signal as received">
        <h3>The signal is gone</h3>
        <p className={styles.quiet}>{detail} The record counts all the same.</p>
      </section>
    </div>
  );
}
