/** An exact decimal, grouped to be read. What is copied, and its title, are the exact text. */
import type { ClipboardEvent, ReactNode } from 'react';
import { grouped } from '../format/decimal.ts';
import { unitText } from '../format/unit.ts';
import styles from './exact-number.module.css';

/** Digits that stay in one line. */
const SHORT = 12;

export function ExactNumber({ value, unit = '' }: { value: string; unit?: string }): ReactNode {
  const shownUnit = unitText(unit);
  const onCopy = (event: ClipboardEvent): void => {
    const selection = getSelection();
    if (selection === null || !event.currentTarget.contains(selection.anchorNode)) return;
    event.preventDefault();
    event.clipboardData.setData('text/plain', value);
  };
  return (
    <span
      className={`${styles.number} ${value.length <= SHORT ? styles.short : ''}`}
      title={value}
      onCopy={onCopy}
    >
      {grouped(value)}
      {shownUnit !== '' && <span className={styles.unit}> {shownUnit}</span>}
    </span>
  );
}
