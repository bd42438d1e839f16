/** Data quality: what meters claimed and could not count, why, how much is at stake, and its repair in place. */
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { OPENED, useWayBack } from '../../app/opened.ts';
import { Button } from '../../kit/button.tsx';
import { Menu } from '../../kit/menu.tsx';
import { PageFrame, Section } from '../../kit/page-frame.tsx';
import { useReasonText, useReasonTitle } from '../../kit/reason.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../kit/states.tsx';
import { Tabs } from '../../kit/tabs.tsx';
import { AtStake } from './at-stake.tsx';
import { Filters } from './filters.tsx';
import { FIX_LABELS, FixDialog } from './fix-dialog.tsx';
import styles from './page.module.css';
import { type Fix, fixesOf } from './reasons.ts';
import type { Signal } from './repair.ts';
import { type QualitySearch, type QualityView, qualityRoute } from './route.ts';
import { filterOf, reasonOf, selectionOf } from './selection.ts';
import { SignalDialog } from './signal-dialog.tsx';
import { Signals } from './signals.tsx';

interface Fixing {
  fix: Fix;
  picked: readonly Signal[] | null;
  sample: Signal | undefined;
}

export function Page(): ReactNode {
  const search = qualityRoute.useSearch();
  const navigate = useNavigate({ from: '/quality' });
  const [fixing, setFixing] = useState<Fixing | null>(null);
  const view: QualityView = search.view ?? 'open';
  const resolved = useAnswer('GET /api/v1/quarantine/resolved', { query: filterOf(search) });
  /** Another question begins at its first page. */
  const ask = (change: Partial<Record<keyof QualitySearch, unknown>>): void =>
    void navigate({
      search: ({ page: _page, ...before }) => ({ ...before, ...change }) as QualitySearch,
      replace: true,
    });
  const show = (change: Partial<Record<keyof QualitySearch, unknown>>): void =>
    void navigate({
      search: (before) => ({ ...before, ...change }) as QualitySearch,
      ...(change.signal === undefined ? {} : { state: OPENED }),
    });
  const goBack = useWayBack();
  const closeSignal = (): void => {
    if (!goBack()) ask({ signal: undefined, page: search.page });
  };
  const counted = (name: string, count: number | undefined): string =>
    count === undefined ? name : `${name} (${count})`;
  const signals = (
    <Signals
      search={search}
      onPage={(page) => show({ page: page.length === 0 ? undefined : page })}
      onOpen={(signal) => show({ signal })}
      onFix={(fix, picked) => setFixing({ fix, picked, sample: picked[0] })}
      onAll={() => ask(NO_FILTER)}
    />
  );
  return (
    <PageFrame
      title="Data quality"
      description="What meters claimed as usage and could not count. Nothing of it is lost: say what was missing, and it counts."
    >
      <Tabs<QualityView>
        value={view}
        onValue={(next) => ask({ view: next === 'open' ? undefined : next })}
        tabs={[
          {
            value: 'open',
            label: counted('To repair', resolved.data?.open),
            content: (
              <Open
                search={search}
                onAsk={ask}
                onFix={(fix, sample) => setFixing({ fix, picked: null, sample })}
                signals={signals}
              />
            ),
          },
          {
            value: 'corrected',
            label: counted('Corrected', resolved.data?.corrected),
            content: <Settled search={search} onAsk={ask} signals={signals} />,
          },
          {
            value: 'dismissed',
            label: counted('Dismissed', resolved.data?.dismissed),
            content: <Settled search={search} onAsk={ask} signals={signals} />,
          },
        ]}
      />
      {search.signal !== undefined && (
        <SignalDialog
          id={search.signal}
          view={view}
          search={search}
          onClose={closeSignal}
          onFix={(fix, signal) => {
            closeSignal();
            setFixing({ fix, picked: [signal], sample: signal });
          }}
          onPicked={(picked) => {
            closeSignal();
            const [first] = fixesOf(commonReason(picked));
            setFixing({ fix: first, picked, sample: picked[0] });
          }}
          onMetadata={(pair) => ask({ signal: undefined, metadata: [...(search.metadata ?? []), pair] })}
        />
      )}
      {fixing && (
        <FixDialog
          {...fixing}
          reason={fixing.picked === null ? reasonOf(search) : commonReason(fixing.picked)}
          selection={selectionOf(search)}
          onClose={() => setFixing(null)}
        />
      )}
    </PageFrame>
  );
}

/** Without any filter, and without a reason. */
const NO_FILTER = {
  reason: undefined,
  meterId: undefined,
  dimensionId: undefined,
  customerId: undefined,
  missing: undefined,
  metadata: undefined,
  timeFrom: undefined,
  timeTo: undefined,
};

interface ViewProps {
  search: QualitySearch;
  onAsk: (change: Partial<Record<keyof QualitySearch, unknown>>) => void;
  signals: ReactNode;
}

function Open({
  search,
  onAsk,
  onFix,
  signals,
}: ViewProps & { onFix: (fix: Fix, sample: Signal | undefined) => void }): ReactNode {
  const titleOf = useReasonTitle();
  const reason = reasonOf(search);
  const { reason: _reason, ...others } = filterOf(search);
  // Of all reasons, whichever is chosen.
  const totals = useAnswer('GET /api/v1/quarantine/totals', { query: others }, { keepPrevious: true });
  const samples = useAnswer(
    'GET /api/v1/quarantine/signals',
    { query: { ...filterOf(search), limit: 1 } },
    { enabled: reason !== undefined },
  );
  const isFiltered = Object.keys(filterOf(search)).length > 0;
  const atStake = totals.data?.rows;
  if (atStake?.length === 0 && !isFiltered)
    return (
      <EmptyState title="Everything was counted">
        A signal that a meter claims and cannot count appears here, with its reason and what to do.
      </EmptyState>
    );
  const [first, ...more] = fixesOf(reason);
  return (
    <div className={styles.view}>
      <Filters search={search} onAsk={onAsk} />
      <Section title="At stake, by reason">
        {totals.error !== null ? (
          <ErrorState error={totals.error} onRetry={() => void totals.refetch()} />
        ) : atStake === undefined ? (
          <Skeleton lines={11} />
        ) : atStake.length === 0 ? (
          <p className={styles.quiet}>Nothing that fits these filters waits to be repaired.</p>
        ) : (
          <AtStake totals={atStake} chosen={reason} onChoose={(next) => onAsk({ reason: next })} />
        )}
      </Section>
      {reason !== undefined && samples.error === null && (
        <Section
          title={titleOf(reason)}
          actions={
            <>
              <Button
                look="primary"
                // A repair is filled in with what one of the signals says.
                busy={samples.isPending}
                onClick={() => onFix(first, samples.data?.rows[0])}
              >
                {FIX_LABELS[first]}
              </Button>
              <Menu
                label="Other repairs"
                trigger={
                  <Button icon="down" disabled={samples.isPending}>
                    Other repairs
                  </Button>
                }
                items={more.map((fix) => ({
                  label: FIX_LABELS[fix],
                  onSelect: () => onFix(fix, samples.data?.rows[0]),
                }))}
              />
            </>
          }
        >
          <Explained reason={reason} />
        </Section>
      )}
      {signals}
    </div>
  );
}

function Explained({ reason }: { reason: string }): ReactNode {
  const text = useReasonText()(reason);
  if (text === undefined) return <code className={styles.code}>{reason}</code>;
  const { meaning, writer, listed } = text;
  return (
    <div className={styles.explained}>
      <p>
        {meaning}. <code className={styles.code}>{reason}</code>
      </p>
      <dl>
        <div>
          <dt>Repairs what is listed</dt>
          <dd>{listed}.</dd>
        </div>
        {writer !== '' && (
          <div>
            <dt>Helps what comes from now on</dt>
            <dd>{writer}.</dd>
          </div>
        )}
      </dl>
    </div>
  );
}

function Settled({ search, onAsk, signals }: ViewProps): ReactNode {
  return (
    <div className={styles.view}>
      <Filters search={search} onAsk={onAsk} />
      {signals}
    </div>
  );
}

function commonReason(picked: readonly Signal[]): Signal['reason'] | undefined {
  const reasons = new Set(picked.map(({ reason }) => reason));
  return reasons.size === 1 ? [...reasons][0] : undefined;
}
