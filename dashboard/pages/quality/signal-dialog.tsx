/** One signal: what is wrong with it, what it said, and the signal as it was received. */
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useAnswer } from '../../api/query.ts';
import { grouped } from '../../format/decimal.ts';
import { Button } from '../../kit/button.tsx';
import { CodeBlock } from '../../kit/code-block.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Facts } from '../../kit/facts.tsx';
import { useReasonText, useReasonTitle } from '../../kit/reason.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Time } from '../../kit/time.tsx';
import { FIX_LABELS } from './fix-dialog.tsx';
import styles from './page.module.css';
import { type Fix, fixesOf } from './reasons.ts';
import type { Signal } from './repair.ts';
import { type ResourceSearch, resourceOf, signalsOfResource } from './resource.ts';
import type { QualitySearch, QualityView } from './route.ts';

/** Of an attribute; the whole of it is in the signal as it came. */
const SHOWN = 400;

export interface SignalDialogProps {
  id: string;
  view: QualityView;
  search: QualitySearch;
  onClose: () => void;
  onFix: (fix: Fix, signal: Signal) => void;
  /** Show all that have this attribute, as `key=value`. */
  onMetadata: (pair: string) => void;
  /** Repair these together: they come of one resource. */
  onPicked: (signals: Signal[]) => void;
}

export function SignalDialog({ id, view, onClose, onFix, ...shown }: SignalDialogProps): ReactNode {
  const found = useSignal(id, view, true);
  // A link to it may be older than what became of it.
  const isGone = found.data?.rows.length === 0;
  const corrected = useSignal(id, 'corrected', isGone);
  const dismissed = useSignal(id, 'dismissed', isGone);
  const asked = [found, corrected, dismissed];
  const failed = asked.find(({ error }) => error !== null);
  const [signal] = asked.flatMap(({ data }) => data?.rows ?? []);
  const titleOf = useReasonTitle();
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={signal === undefined ? 'Signal' : titleOf(signal.reason)}
      actions={
        signal?.resolution === 'open' &&
        fixesOf(signal.reason)
          .toReversed()
          .map((fix, index, all) => (
            <Button
              key={fix}
              look={index === all.length - 1 ? 'primary' : 'plain'}
              onClick={() => onFix(fix, signal)}
            >
              {FIX_LABELS[fix]}
            </Button>
          ))
      }
    >
      {failed?.error ? (
        <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />
      ) : asked.some(({ isLoading }) => isLoading) ? (
        <Skeleton lines={6} />
      ) : signal === undefined ? (
        <p>It is not in quarantine any more: it was counted.</p>
      ) : (
        <Shown signal={signal} {...shown} />
      )}
    </Dialog>
  );
}

function useSignal(id: string, resolution: QualityView, enabled: boolean) {
  return useAnswer('GET /api/v1/quarantine/signals', { query: { signal: id, resolution } }, { enabled });
}

function Shown({
  signal,
  search,
  onMetadata,
  onPicked,
}: { signal: Signal } & Pick<SignalDialogProps, 'search' | 'onMetadata' | 'onPicked'>): ReactNode {
  const [progress, setProgress] = useState<ResourceSearch>();
  const stopping = useRef<AbortController>(undefined);
  useEffect(() => () => stopping.current?.abort(), []);
  const picking = useMutation({
    mutationFn: (attribute: readonly [string, string]) => {
      stopping.current = new AbortController();
      setProgress(undefined);
      return signalsOfResource(search, attribute, stopping.current.signal, setProgress);
    },
  });
  const { quantity, value, unit, timestamp, startTime, resolvedAt, actor, note } = signal;
  const resource = resourceOf(signal.signal);
  const text = useReasonText()(signal.reason);
  return (
    <>
      {resolvedAt !== null && (
        <p className={styles.settled}>
          {signal.resolution === 'corrected' ? 'Counted with a correction' : 'Dismissed'}{' '}
          <Time at={resolvedAt} /> by {actor ?? 'somebody'}
          {note === null ? '.' : `: ${note}`}
        </p>
      )}
      {text && <p>{text.meaning}.</p>}
      <Facts
        facts={[
          ['Customer', signal.customerId],
          ['Dimension', signal.dimensionId],
          [
            'Value',
            quantity === null ? (
              value.slice(0, 1000)
            ) : (
              <ExactNumber key="value" value={quantity} unit={unit} />
            ),
          ],
          ['Time', timestamp !== null && <Time key="time" at={timestamp} detail="second" />],
          ['Start time', startTime !== null && <Time key="start" at={startTime} detail="second" />],
          ['Signal', `${signal.kind}${signal.metricName === '' ? '' : ` ${signal.metricName}`}`],
          ['Meter', signal.meterId],
          ['Came', <Time key="first" at={signal.firstSeen} detail="second" />],
          ...(signal.lastSeen === signal.firstSeen
            ? []
            : [['Came again', <Time key="last" at={signal.lastSeen} detail="second" />] as const]),
        ]}
      />
      {Object.keys(signal.metadata).length > 0 && (
        <section aria-label="Attributes" className={styles.attributes}>
          <h3>Attributes</h3>
          {Object.entries(signal.metadata).map(([key, each]) => (
            <div key={key} className={styles.attribute}>
              <span>
                {key}: {each.slice(0, SHOWN)}
                {each.length > SHOWN && ' …'}
              </span>
              {key.length + each.length < 1000 && (
                <Button look="quiet" onClick={() => onMetadata(`${key}=${each}`)}>
                  All with it
                </Button>
              )}
            </div>
          ))}
        </section>
      )}
      {resource.length > 0 && (
        <section aria-label="Resource" className={styles.attributes}>
          <h3>Resource</h3>
          {resource.map(([key, each]) => (
            <div key={key} className={styles.attribute}>
              <span>
                {key}: {each.slice(0, SHOWN)}
                {each.length > SHOWN && ' …'}
              </span>
              {signal.resolution === 'open' && (
                <Button
                  look="quiet"
                  busy={picking.isPending}
                  onClick={() => picking.mutate([key, each], { onSuccess: onPicked })}
                >
                  Repair all of it
                </Button>
              )}
            </div>
          ))}
          {picking.isPending && progress && (
            <div className={styles.attribute}>
              <span>
                {grouped(`${progress.searched}`)} of {grouped(`${progress.total}`)} signals looked through:{' '}
                {grouped(`${progress.found.length}`)} found
              </span>
              <Button disabled={progress.found.length === 0} onClick={() => stopping.current?.abort()}>
                Stop, and repair these
              </Button>
            </div>
          )}
          {picking.error && <ErrorState error={picking.error} />}
        </section>
      )}
      <section aria-label="As it came" className={styles.attributes}>
        <h3>As it came</h3>
        {signal.signal === null ? (
          <p className={styles.quiet}>The journal has it no more. It can be corrected or dismissed.</p>
        ) : (
          <CodeBlock
            label="Signal as received"
            code={JSON.stringify(signal.signal, null, 2).slice(0, 100_000)}
          />
        )}
      </section>
    </>
  );
}
