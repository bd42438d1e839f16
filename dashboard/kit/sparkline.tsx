/** A small line of how something went, oldest first. */
import type { ReactNode } from 'react';
import styles from './sparkline.module.css';

const WIDTH = 120;
const HEIGHT = 24;

/** @param props.label what it shows, in words */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }): ReactNode {
  const top = Math.max(...values, 1);
  const step = WIDTH / Math.max(values.length, 1);
  const bars = values
    .map((value, index) => {
      if (value <= 0) return '';
      const height = Math.max(1.5, (value / top) * HEIGHT);
      return `M${(index * step).toFixed(2)} ${HEIGHT}v${(-height).toFixed(2)}h${(step * 0.75).toFixed(2)}V${HEIGHT}z`;
    })
    .join('');
  return (
    <svg
      className={styles.sparkline}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      <path d={`M0 ${HEIGHT - 0.25}H${WIDTH}`} className={styles.base} />
      <path d={bars} className={styles.bars} />
    </svg>
  );
}
