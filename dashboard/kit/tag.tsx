/** A word about something: discovered, managed by the file, a flag. */
import type { ReactNode } from 'react';
import styles from './tag.module.css';

export function Tag({
  look = 'plain',
  title,
  children,
}: {
  look?: 'plain' | 'accent' | 'good' | 'warn' | 'bad';
  title?: string;
  children: ReactNode;
}): ReactNode {
  return (
    <span className={`${styles.tag} ${styles[look]}`} title={title}>
      {children}
    </span>
  );
}
