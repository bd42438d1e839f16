/** Names and what they are: the details of one thing. */
import type { ReactNode } from 'react';
import styles from './facts.module.css';

/** Texts with more letters scroll in themselves. */
const LONG = 240;

/** @param props.facts what is empty is shown as a dash */
export function Facts({
  facts,
}: {
  facts: readonly (readonly [name: string, value: ReactNode])[];
}): ReactNode {
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two may have the same name
        <div key={`${index} ${name}`} className={styles.fact}>
          <dt>{name}</dt>
          {typeof value === 'string' && value.length > LONG ? (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
            <dd className={styles.long} tabIndex={0}>
              {value}
            </dd>
          ) : (
            <dd>{value || <span className={styles.none}>–</span>}</dd>
          )}
        </div>
      ))}
    </dl>
  );
}
