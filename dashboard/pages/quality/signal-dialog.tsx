/** One signal: what is wrong with it, what it said, and the signal as it was received. */
import type { ReactNode } from 'react';
import { useAnswer } from '../../api/query.ts';
import { unitText } from '../../format/unit.ts';
import { Button } from '../../kit/button.tsx';
import { CodeBlock } from '../../kit/code-block.tsx';
import { Dialog } from '../../kit/dialog.tsx';
import { ExactNumber } from '../../kit/exact-number.tsx';
import { Facts } from '../../kit/facts.tsx';
import { ErrorState, Skeleton } from '../../kit/states.tsx';
import { Time } from '../../kit/time.tsx';
import { FIX_LABELS } from './fix-dialog.tsx';
import styles from './page.module.css';
import { type Fix, fixesOf, REASONS } from './reasons.ts';
import type { Signal } from './repair.ts';
import type { QualityView } from './route.ts';

export interface SignalDialogProps {
  id: string;
  view: QualityView;
  onClose: () => void;
  onFix: (fix: Fix, signal: Signal) => void;
  /** Show all that have this attribute, as `key=value`. */
  onMetadata: (pair: string) => void;
}

export function SignalDialog({ id, view, onClose, onFix, onMetadata }: SignalDialogProps): ReactNode {
  const found = useAnswer('GET /api/v1/quarantine/signals', { query: { signal: id, resolution: view } });
  const signal = found.data?.rows[0];
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title={signal === undefined ? 'Signal' : REASONS[signal.reason].title}
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
      {found.error !== null ? (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      ) : found.data === undefined ? (
        <Skeleton lines={6} />
      ) : signal === undefined ? (
        <p>It is not here any more: it was counted or settled meanwhile.</p>
      ) : (
        <Shown signal={signal} onMetadata={onMetadata} />
      )}
    </Dialog>
  );
}

function Shown({ signal, onMetadata }: { signal: Signal; onMetadata: (pair: string) => void }): ReactNode {
  const { quantity, value, unit, timestamp, startTime, resolvedAt, actor, note } = signal;
  const resource = attributesOf(signal.signal, 'resource');
  return (
    <>
      {resolvedAt !== null && (
        <p className={styles.settled}>
          {signal.resolution === 'corrected' ? 'Counted with a correction' : 'Dismissed'}{' '}
          <Time at={resolvedAt} /> by {actor ?? 'somebody'}
          {note === null ? '.' : `: ${note}`}
        </p>
      )}
      <p>{REASONS[signal.reason].meaning}.</p>
      <Facts
        facts={[
          ['Customer', signal.customerId],
          ['Dimension', signal.dimensionId],
          [
            'Value',
            quantity === null ? (
              value.slice(0, 1000)
            ) : (
              <ExactNumber key="value" value={quantity} unit={unitText(unit)} />
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
                {key}: {each}
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
                {key}: {each}
              </span>
            </div>
          ))}
        </section>
      )}
      <section aria-label="As it came">
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

/** Attributes of the first object of that name in an OTLP request. */
function attributesOf(signal: object | null, name: string): [key: string, value: string][] {
  const batch = signal === null ? undefined : (Object.values(signal)[0] as unknown[] | undefined)?.[0];
  const owner = (batch as Record<string, { attributes?: unknown }> | undefined)?.[name];
  if (!Array.isArray(owner?.attributes)) return [];
  return (owner.attributes as { key?: string; value?: Record<string, unknown> }[]).map(
    ({ key = '', value = {} }) => {
      const [first] = Object.values(value);
      return [key, typeof first === 'object' ? JSON.stringify(first) : String(first ?? '')];
    },
  );
}
