/** One meter: what it counted, its rule, and the versions that it had. */
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import type { AnswerOf } from '../../api/client.ts';
import { useAnswer } from '../../api/query.ts';
import { useTimeZone } from '../../app/time-zone.ts';
import { counted } from '../../format/count.ts';
import { grouped } from '../../format/decimal.ts';
import { ageText } from '../../format/time.ts';
import { Button } from '../../kit/button.tsx';
import { Facts } from '../../kit/facts.tsx';
import { Notice } from '../../kit/notice.tsx';
import { PageFrame, Section } from '../../kit/page-frame.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import { Sparkline } from '../../kit/sparkline.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Time } from '../../kit/time.tsx';
import { toast } from '../../kit/toast.tsx';
import { DeleteMeter } from './delete-meter.tsx';
import styles from './meter-page.module.css';
import { MeterTags } from './meter-tags.tsx';
import { meterRoute } from './route.ts';
import { RuleEditor } from './rule-editor.tsx';
import { RuleSource } from './rule-source.tsx';
import { type Rule, withoutDefaults, yamlText } from './rule-text.ts';
import { Versions } from './versions.tsx';

export type Meter = AnswerOf<'GET /api/v1/meters/{id}'>;

const ACTIVITY_DAYS = 30;

export function Page(): ReactNode {
  const { meterId } = meterRoute.useParams();
  const { edit, view = 'form' } = meterRoute.useSearch();
  const [timeZone] = useTimeZone();
  const navigate = useNavigate({ from: '/meters/$meterId' });
  const [isDeleting, setDeleting] = useState(false);
  const meter = useAnswer('GET /api/v1/meters/{id}', {
    path: { id: meterId },
    query: { versions: 'all', activity: ACTIVITY_DAYS, timeZone },
  });
  const { data } = meter;
  const canChange = data?.managedBy === 'api';
  const latest = data?.versions?.[0];
  const rule = latest === undefined ? null : withoutDefaults({ ...(latest.rule as Rule), id: meterId });
  const isEditing = edit === '1' && canChange && rule !== null;
  return (
    <PageFrame
      title={meterId}
      back={{ to: '/meters', label: 'Meters' }}
      tags={data && <MeterTags meter={data} />}
      description={typeof data?.name === 'string' ? data.name : undefined}
      actions={
        canChange &&
        !isEditing && (
          <>
            {!data.deleted && <Button onClick={() => setDeleting(true)}>Delete</Button>}
            <Button
              look="primary"
              onClick={() => void navigate({ search: (before) => ({ ...before, edit: '1' }) })}
            >
              {data.deleted ? 'Declare again' : 'Edit rule'}
            </Button>
          </>
        )
      }
    >
      {data === undefined ? (
        meter.error ? (
          <ErrorState error={meter.error} onRetry={() => void meter.refetch()} />
        ) : (
          <Skeleton lines={8} />
        )
      ) : isEditing ? (
        <RuleEditor
          key={meterId}
          rule={rule}
          meterId={meterId}
          inForceVersion={data.deleted ? null : data.version}
          latestVersion={data.version}
          view={view}
          onView={(next) => void navigate({ search: (before) => ({ ...before, view: next }), replace: true })}
          onSaved={({ version }) => {
            toast(version === data.version ? 'The rule is the same' : 'Meter saved', `Version ${version}`);
            void navigate({ search: {} });
          }}
          onCancel={() => void navigate({ search: {} })}
        />
      ) : (
        <>
          <Counts meter={data} />
          {data.managedBy === 'builtin' ? (
            <Notice>
              Signals that carry usage.dimension.id, and metrics and log events whose name begins with
              “usage.”. A meter that names builtin in “replaces” is asked before it.
            </Notice>
          ) : (
            <Section title="Rule">
              {data.managedBy === 'file' && (
                <Notice>
                  It is declared in usage-meter.yaml, and changed there alone: start the receiver again after
                  it.
                </Notice>
              )}
              {rule !== null && <RuleSource text={yamlText(rule).trimEnd()} />}
            </Section>
          )}
          {data.versions !== undefined && data.versions.length > 0 && (
            <Versions meterId={meterId} versions={data.versions} />
          )}
        </>
      )}
      {isDeleting && <DeleteMeter meterId={meterId} onClose={() => setDeleting(false)} />}
    </PageFrame>
  );
}

function Counts({ meter }: { meter: Meter }): ReactNode {
  const { id, records = 0, lastSeen = null, activity = [], quarantined = [], version, createdAt } = meter;
  const most = Math.max(...quarantined.map(({ signals }) => signals), 1);
  return (
    <div className={styles.counts}>
      <Section title="Counted">
        <div className={styles.activity}>
          <Sparkline
            values={activity}
            label={`${counted(
              activity.reduce((sum, day) => sum + day, 0),
              'record',
            )} in ${ACTIVITY_DAYS} days`}
          />
        </div>
        <Facts
          facts={[
            [`Usage records, ${ACTIVITY_DAYS} days`, grouped(`${records}`)],
            [
              'Last seen',
              lastSeen === null ? (
                `not in ${ACTIVITY_DAYS} days`
              ) : (
                <>
                  {ageText(lastSeen, Date.now())}, <Time at={lastSeen} />
                </>
              ),
            ],
            ['Version', version === 0 ? null : `${version}`],
            ['Holds since', createdAt === null ? null : <Time key="since" at={createdAt} />],
          ]}
        />
      </Section>
      <Section title="Quarantined">
        {quarantined.length === 0 ? (
          <p className={styles.none}>Everything that it claimed was counted.</p>
        ) : (
          <ul className={styles.reasons}>
            {quarantined.map(({ reason, signals }) => (
              <li key={reason}>
                <Link to="/quality" search={{ meterId: id, reason }}>
                  <ReasonTitle code={reason} />
                </Link>
                <span>{grouped(`${signals}`)}</span>
                <i style={{ width: `${(signals / most) * 100}%` }} />
              </li>
            ))}
          </ul>
        )}
      </Section>
    </div>
  );
}
