/** A picture of quarantine: each reason with how many signals, of which dimensions, and the quantity at stake. */
import type { ReactNode } from 'react';
import { Quantities, type QuarantineTotal } from '../../kit/quantities.tsx';
import { ReasonTitle } from '../../kit/reason.tsx';
import styles from './at-stake.module.css';
import type { Reason } from './reasons.ts';

const COLOURS = 8;

export interface AtStakeProps {
  totals: readonly QuarantineTotal[];
  chosen: Reason | undefined;
  onChoose: (reason: Reason | undefined) => void;
}

export function AtStake({ totals, chosen, onChoose }: AtStakeProps): ReactNode {
  const most = Math.max(...totals.map(({ signals }) => signals), 1);
  const colours = coloursOf(totals);
  return (
    <>
      <ul className={styles.reasons}>
        {totals.map(({ reason, signals, atStake }) => (
          <li key={reason}>
            <button
              type="button"
              className={styles.reason}
              aria-pressed={reason === chosen}
              onClick={() => onChoose(reason === chosen ? undefined : reason)}
            >
              <span className={styles.title}>
                <ReasonTitle code={reason} />
              </span>
              <span className={styles.track} aria-hidden="true">
                {atStake.map((part) => (
                  <span
                    key={`${part.dimensionId} ${part.unit}`}
                    style={{
                      width: `${(part.signals / most) * 100}%`,
                      background: colour(colours.get(part.dimensionId) ?? COLOURS),
                    }}
                  />
                ))}
              </span>
              <span className={styles.signals}>
                {signals} <span className={styles.word}>{signals === 1 ? 'signal' : 'signals'}</span>
              </span>
              <span className={styles.quantities}>
                <Quantities atStake={atStake} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      <ul className={styles.legend} aria-label="Dimensions">
        <li className={styles.word}>Signals of</li>
        {[...colours].map(([dimensionId, number]) => (
          <li key={dimensionId}>
            <span className={styles.swatch} style={{ background: colour(number) }} />
            <span className={styles.name}>{dimensionId ?? 'no dimension'}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The dimensions with most signals have a colour of their own. */
function coloursOf(totals: readonly QuarantineTotal[]): Map<string | null, number> {
  const signals = new Map<string | null, number>();
  for (const { atStake } of totals)
    for (const part of atStake)
      signals.set(part.dimensionId, (signals.get(part.dimensionId) ?? 0) + part.signals);
  const ranked = [...signals].sort(([, one], [, other]) => other - one).slice(0, COLOURS - 1);
  return new Map(ranked.map(([dimensionId], index) => [dimensionId, index + 1]));
}

function colour(number: number): string {
  return `var(--series-${number})`;
}
