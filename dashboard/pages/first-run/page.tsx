/** Connects an app: code to send usage with, and what comes of it while it is tried. */
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useRef, useState } from 'react';
import { type LiveRecord, useLive } from '../../api/live.ts';
import { useAnswer } from '../../api/query.ts';
import { ageText } from '../../format/time.ts';
import { Button } from '../../kit/button.tsx';
import { ButtonLink } from '../../kit/button-link.tsx';
import { CodeBlock } from '../../kit/code-block.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Icon } from '../../kit/icon.tsx';
import { PageFrame, Section } from '../../kit/page-frame.tsx';
import { useReasonTitle } from '../../kit/reason.tsx';
import { ErrorState } from '../../kit/states.tsx';
import { Tabs } from '../../kit/tabs.tsx';
import { Time } from '../../kit/time.tsx';
import styles from './page.module.css';
import { firstRunRoute, WAYS, type Way } from './route.ts';
import { skipFirstRun } from './skipped.ts';
import { snippets } from './snippets.ts';
import { type FirstRun, RECENT_MS, type WrongTurn, wrongTurns } from './wrong-turns.ts';

const ASK_MS = 2_000;
/** Nor does what others get wrong push the code away. */
const MOST_TURNS = 3;
/** Of all times that a record can have, for the first one there is. */
const EVER = { from: '1970-01-01', to: '2262-01-01', limit: 1 };

export function Page(): ReactNode {
  const { way = 'typescript' } = firstRunRoute.useSearch();
  const navigate = useNavigate({ from: '/first-run' });
  const [arrived, setArrived] = useState<LiveRecord | null>(null);
  const firstRun = useAnswer('GET /api/v1/first-run', {}, { everyMs: ASK_MS });
  const { data, error } = firstRun;
  /** Whether there was usage before the page was opened. */
  const before = useRef<boolean>(undefined);
  before.current ??= data?.hasRecords;
  useLive({}, (event) => {
    if (event.type === 'records') setArrived((first) => first ?? event.rows[0] ?? null);
    void firstRun.refetch();
  });
  // What came before this page listened, and after it was opened.
  const missed = useAnswer(
    'GET /api/v1/records',
    { query: EVER },
    { enabled: before.current === false && data?.hasRecords === true && arrived === null },
  );
  const record = arrived ?? (before.current === false ? (missed.data?.rows[0] ?? null) : null);
  const isFirst = before.current === false;
  const titleOf = useReasonTitle();
  const origin = location.origin;
  const ways = snippets(origin, data?.apiKeyRequired ?? false);
  return (
    <PageFrame
      title={isFirst ? 'Record the first usage' : 'Connect an app'}
      description="Send usage to this address in the way that fits. This page sees it arrive, and says what to change where it does not."
      actions={
        record === null && (
          <Button
            onClick={() => {
              skipFirstRun();
              void navigate({ to: '/' });
            }}
          >
            Skip
          </Button>
        )
      }
    >
      <Section title="What arrives">
        <div aria-live="polite">
          {record !== null ? (
            <Arrived record={record} isFirst={isFirst} />
          ) : error && data === undefined ? (
            <ErrorState error={error} onRetry={() => void firstRun.refetch()} />
          ) : (
            <Waiting isFirst={isFirst} isLost={error !== null} origin={origin} />
          )}
        </div>
        {record === null && data && (
          <Turns
            turns={wrongTurns(data, origin, isFirst ? 0 : Date.now() - RECENT_MS, titleOf)}
            most={isFirst ? Number.POSITIVE_INFINITY : MOST_TURNS}
            isQuiet={isQuiet(data)}
          />
        )}
      </Section>
      {/* Before it is known whether a key is needed, the code would be another. */}
      {data !== undefined && (
        <Section title="Send usage">
          <Tabs
            value={way}
            onValue={(next) => void navigate({ search: (old) => ({ ...old, way: next }), replace: true })}
            tabs={WAYS.map((each: Way) => ({
              value: each,
              label: ways[each].label,
              content: (
                <div className={styles.way}>
                  <p className={styles.note}>{ways[each].note}</p>
                  <CodeBlock code={ways[each].code} label={ways[each].label} />
                </div>
              ),
            }))}
          />
          {data.apiKeyRequired && (
            <p className={styles.note}>
              Put one of the receiver’s keys (USAGE_METER_API_KEYS) in the place of YOUR_API_KEY.
            </p>
          )}
        </Section>
      )}
    </PageFrame>
  );
}

/** Nobody has knocked at all. */
function isQuiet({ refused, quarantine, received }: FirstRun): boolean {
  const requests = received.metrics.requests + received.logs.requests + received.spans.requests;
  return refused.length === 0 && quarantine.length === 0 && requests === 0;
}

function Waiting({
  isFirst,
  isLost,
  origin,
}: {
  isFirst: boolean;
  isLost: boolean;
  origin: string;
}): ReactNode {
  return (
    <div className={styles.waiting} data-lost={isLost || undefined}>
      <span className={styles.dot} />
      <p>
        <strong>
          {isLost
            ? 'The receiver does not answer.'
            : isFirst
              ? 'Waiting for the first record.'
              : 'Waiting for the next record.'}
        </strong>{' '}
        <span className={styles.note}>
          {isLost
            ? 'It is asked again every two seconds.'
            : `The receiver listens at ${origin}${isFirst ? '.' : '; usage has arrived before.'}`}
        </span>
      </p>
    </div>
  );
}

function Arrived({ record, isFirst }: { record: LiveRecord; isFirst: boolean }): ReactNode {
  const { customerId, dimensionId, recordValue, unit, timestamp, recordId } = record;
  return (
    <div className={styles.arrived}>
      <span className={styles.check}>
        <Icon name="check" />
      </span>
      <div className={styles.record}>
        <p className={styles.title}>{isFirst ? 'The first record is here' : 'A record is here'}</p>
        <dl className={styles.fields}>
          <dt>Customer</dt>
          <dd>
            <Link to="/customers/$customerId" params={{ customerId }} className={styles.id}>
              {customerId}
            </Link>
          </dd>
          <dt>Dimension</dt>
          <dd className={styles.id}>{dimensionId}</dd>
          <dt>Record value</dt>
          <dd>
            <ExactNumber value={recordValue} unit={unit} />
          </dd>
          <dt>Timestamp</dt>
          <dd>
            <Time at={timestamp} detail="second" />
          </dd>
        </dl>
        <div className={styles.next}>
          <ButtonLink to="/" look="primary">
            Go to the overview
          </ButtonLink>
          <Link to="/records/$recordId" params={{ recordId }}>
            How it was received
          </Link>
        </div>
      </div>
    </div>
  );
}

function Turns({
  turns,
  most,
  isQuiet,
}: {
  turns: readonly WrongTurn[];
  most: number;
  isQuiet: boolean;
}): ReactNode {
  if (turns.length === 0)
    return (
      isQuiet && (
        <p className={styles.note}>
          Nothing has reached this address so far, right or wrong. An app in a container or on another machine
          needs an address of this one instead of 127.0.0.1; exporters must speak http/protobuf or http/json,
          and send every minute unless told otherwise.
        </p>
      )
    );
  return (
    <ul className={styles.turns} aria-label="What to change">
      {turns.slice(0, most).map(({ key, title, advice, seen, times, more }) => (
        <li key={key} className={styles.turn}>
          <span className={styles.mark}>
            <Icon name="quality" />
          </span>
          <div className={styles.said}>
            <p className={styles.title}>{title}</p>
            <p>
              {advice.split('`').map((part, index) =>
                // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text
                index % 2 === 1 ? <code key={index}>{part}</code> : part,
              )}
            </p>
            <p className={styles.note}>
              {times > 1 && `${times} times, last `}
              {seen !== null && ageText(seen, Date.now())}
              {more && (
                <>
                  {seen !== null && ' · '}
                  {more === 'meters' ? (
                    <Link to="/meters">Meters</Link>
                  ) : (
                    <Link to="/quality" search={more}>
                      Data quality
                    </Link>
                  )}
                </>
              )}
            </p>
          </div>
        </li>
      ))}
      {turns.length > most && (
        <li className={styles.note}>
          and {turns.length - most} more in the last hour: see <Link to="/quality">Data quality</Link>
        </li>
      )}
    </ul>
  );
}
