/** The page's few icons, drawn with the text's colour. They decorate: what they stand beside says it in words. */
import type { ReactNode } from 'react';
import styles from './icon.module.css';

const PATHS = {
  overview: 'M2.5 8.5 8 3l5.5 5.5M4 7.5V13h8V7.5',
  customers: 'M8 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M3 13.5c.6-2.4 2.6-3.5 5-3.5s4.400 1.100 5 3.500',
  dimensions: 'M3 13.500V9M6.500 13.500V4M10 13.500V7M13.500 13.500V2.500',
  meters: 'M2.500 11.500a5.500 5.500 0 1 1 11 0M8 11.500l2.500-4M2.500 13.500h11',
  quality: 'M8 2.500 14 13.500H2zM8 6.500v3M8 11.500v.100',
  live: 'M1.500 8.500H5l2-5.500 3 10 2-4.500h2.500',
  periods: 'M2.500 4h11v9.500h-11zM2.500 7h11M5.500 2.500V5M10.500 2.500V5',
  sql: 'M3 4c0-2 10-2 10 0v8c0 2-10 2-10 0zM3 4c0 2 10 2 10 0M3 8c0 2 10 2 10 0',
  search: 'M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9M10.500 10.500 14 14',
  menu: 'M2.500 4.500h11M2.500 8h11M2.500 11.500h11',
  close: 'm3.500 3.500 9 9M12.500 3.500l-9 9',
  down: 'm4 6 4 4 4-4',
  left: 'm10 4-4 4 4 4',
  right: 'm6 4 4 4-4 4',
  check: 'm3 8.500 3.500 3.500L13 4.500',
  plus: 'M8 3v10M3 8h10',
  copy: 'M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M8 4.500V8l2.500 1.500',
  help: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12M6.300 6.500c0-2.200 3.400-2.200 3.400 0C9.700 8 8 7.800 8 9.200M8 11.300v.100',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): ReactNode {
  return (
    <svg className={styles.icon} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
