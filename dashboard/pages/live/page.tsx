/** Records and quarantined signals as they arrive, the newest on top; each leads to what explains it. */
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useReducer } from 'react';
import { type LiveState, useLive } from '../../api/live.ts';
import { Button } from '../../kit/button.tsx';
import { ButtonLink } from '../../kit/button-link.tsx';
import { SearchField } from '../../kit/field.tsx';
import { useHotkeys } from '../../kit/hotkeys.ts';
import { CustomerChoice, DimensionChoice } from '../../kit/id-choice.tsx';
import { PageFrame, Toolbar } from '../../kit/page-frame.tsx';
import { useReasonTitle } from '../../kit/reason.tsx';
import { EmptyState } from '../../kit/states.tsx';
import { Table } from '../../kit/table.tsx';
import { Tag } from '../../kit/tag.tsx';
import { type Arrival, changed, MOST_SHOWN, NO_ARRIVALS } from './arrivals.ts';
import { COLUMNS } from './columns.tsx';
import styles from './page.module.css';
import { type LiveSearch, liveRoute } from './route.ts';

export function Page(): ReactNode {
  const search = liveRoute.useSearch();
  const { customerId, dimensionId, text = '' } = search;
  const navigate = useNavigate({ from: '/live' });
  const [{ shown, isPaused, heldCount }, change] = useReducer(changed, NO_ARRIVALS);
  const state = useLive(
    {
      ...(customerId === undefined ? {} : { customerId }),
      ...(dimensionId === undefined ? {} : { dimensionId }),
    },
    (event) => change({ type: 'came', event, atMs: Date.now() }),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: what came for another filter is not what is asked for
  useEffect(() => change({ type: 'clear' }), [customerId, dimensionId]);
  const toggle = (): void => change(isPaused ? { type: 'show', isPaused: false } : { type: 'pause' });
  useHotkeys({ p: toggle });
  const filter = (next: LiveSearch): void =>
    void navigate({
      search: (before) =>
        Object.fromEntries(Object.entries({ ...before, ...next }).filter(([, value]) => value)) as LiveSearch,
      replace: true,
    });
  const words = text.toLowerCase();
  const titleOf = useReasonTitle();
  const rows =
    words === ''
      ? shown
      : shown.filter(
          (arrival) =>
            arrival.text.includes(words) ||
            (arrival.kind === 'quarantined' && titleOf(arrival.signal.reason).toLowerCase().includes(words)),
        );
  const isFiltered = customerId !== undefined || dimensionId !== undefined || text !== '';
  return (
    <PageFrame
      title="Live"
      tags={<StateTag state={state} isPaused={isPaused} />}
      actions={
        <>
          <Button disabled={shown.length === 0} onClick={() => change({ type: 'clear' })}>
            Clear
          </Button>
          <Button look="primary" onClick={toggle} title="P">
            {isPaused ? 'Resume' : 'Pause'}
          </Button>
        </>
      }
    >
      <Toolbar>
        <SearchField label="Text in a row" value={text} onValue={(next) => filter({ text: next })} />
        <div className={styles.filter}>
          <CustomerChoice
            label="Customer"
            placeholder="All customers"
            all="All customers"
            value={customerId ?? null}
            onValue={(next) => filter({ customerId: next })}
          />
        </div>
        <div className={styles.filter}>
          <DimensionChoice
            label="Dimension"
            placeholder="All dimensions"
            all="All dimensions"
            value={dimensionId ?? null}
            onValue={(next) => filter({ dimensionId: next })}
          />
        </div>
        {isFiltered && (
          <Button look="quiet" onClick={() => filter({ customerId: '', dimensionId: '', text: '' })}>
            All arrivals
          </Button>
        )}
      </Toolbar>
      <div role="status" className={styles.status}>
        {isPaused && (
          <p className={styles.held}>
            <span>
              Paused.{' '}
              {heldCount === 0
                ? 'Nothing came meanwhile.'
                : `${heldCount.toLocaleString('en').replaceAll(',', '\u202f')} came meanwhile.`}
            </span>
            {heldCount > 0 && (
              <Button look="quiet" onClick={() => change({ type: 'show', isPaused: true })}>
                Show {heldCount > MOST_SHOWN ? `the newest ${MOST_SHOWN}` : 'them'}
              </Button>
            )}
          </p>
        )}
        {state === 'lost' && (
          <p className={styles.lost}>
            The connection is lost; it is tried again by itself. What arrives meanwhile counts all the same,
            and is not shown here: see the customer’s page.
          </p>
        )}
      </div>
      <Table<Arrival>
        label="Arrivals, the newest first"
        columns={COLUMNS}
        rows={rows}
        rowKey={({ key }) => key}
        onOpen={(arrival) => {
          if (arrival.kind === 'record')
            void navigate({ to: '/records/$recordId', params: { recordId: arrival.record.recordId } });
          if (arrival.kind === 'quarantined')
            void navigate({ to: '/quality', search: { signal: arrival.signal.id } });
        }}
        empty={<Empty isFiltered={isFiltered} isHidden={shown.length > 0} />}
        footer={
          shown.length > 0 && (
            <p className={styles.footer}>
              {text === '' ? `${rows.length} shown` : `${rows.length} of ${shown.length} shown`}
              {shown.length === MOST_SHOWN &&
                `: the page keeps the newest ${MOST_SHOWN}, and forgets older ones`}
              {'. '}
              Gone from here is not gone: customers and SQL have all of them.
            </p>
          )
        }
      />
    </PageFrame>
  );
}

function StateTag({ state, isPaused }: { state: LiveState; isPaused: boolean }): ReactNode {
  if (state === 'lost') return <Tag look="bad">no connection</Tag>;
  if (state === 'connecting') return <Tag>connecting</Tag>;
  return isPaused ? <Tag look="warn">paused</Tag> : <Tag look="good">listening</Tag>;
}

function Empty({ isFiltered, isHidden }: { isFiltered: boolean; isHidden: boolean }): ReactNode {
  if (isHidden)
    return (
      <EmptyState title="No row has that in it">Rows that arrive from now on are looked at, too.</EmptyState>
    );
  return (
    <EmptyState
      title="Nothing has arrived since this page was opened"
      action={!isFiltered && <ButtonLink to="/first-run">Connect an app</ButtonLink>}
    >
      {isFiltered
        ? 'Usage of this filter appears here about a second after it was acknowledged.'
        : 'Usage appears here about a second after it was acknowledged.'}
    </EmptyState>
  );
}
