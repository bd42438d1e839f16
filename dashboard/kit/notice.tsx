/** A few words that one should read before going on. */
import type { ReactNode } from 'react';
import styles from './notice.module.css';

/** @param props.look `warn` for what has consequences */
export function Notice({
  look = 'plain',
  children,
}: {
  look?: 'plain' | 'warn';
  children: ReactNode;
}): ReactNode {
  return <div className={`${styles.notice} ${styles[look]}`}>{children}</div>;
}
