/** Metadata of a record in a line of a table: what is long is cut, and whole where the record is opened. */
import type { ReactNode } from 'react';
import styles from './page.module.css';

const SHOWN = 4;
const SHOWN_TEXT = 120;

export function MetadataText({ metadata }: { metadata: Readonly<Record<string, string>> }): ReactNode {
  const pairs = Object.entries(metadata);
  return (
    <span className={styles.clamped}>
      {pairs.slice(0, SHOWN).map(([key, value]) => (
        <span key={key} className={styles.pair}>
          <span className={styles.quiet}>{key.slice(0, SHOWN_TEXT)}</span> {value.slice(0, SHOWN_TEXT)}
        </span>
      ))}
      {pairs.length > SHOWN && <span className={styles.quiet}>and {pairs.length - SHOWN} more</span>}
    </span>
  );
}
