/** An exact decimal, grouped to be read. What is copied, and its title, are the exact text. */
import type { ClipboardEvent, ReactNode } from 'react';
import { grouped } from '../format/decimal.ts';
import styles from './exact-number.module.css';

export function ExactNumber({ value, unit }: { value: string; unit?: string }): ReactNode {
  const onCopy = (event: ClipboardEvent): void => {
    const selection = getSelection();
    if (selection === null || !event.currentTarget.contains(selection.anchorNode)) return;
    event.preventDefault();
    event.clipboardData.setData('text/plain', value);
  };
  return (
    <span className={styles.number} title={value} onCopy={onCopy}>
      {grouped(value)}
      {unit !== undefined && unit !== '1' && unit !== '' && <span className={styles.unit}> {unit}</span>}
    </span>
  );
}
