/** Names and what they are: the details of one thing. */
import type { ReactNode } from 'react';
import styles from './facts.module.css';

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
          <dd>{value || <span className={styles.none}>–</span>}</dd>
        </div>
      ))}
    </dl>
  );
}
