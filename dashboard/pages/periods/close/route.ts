import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../../app/lazy-page.ts';
import { rootRoute } from '../../../app/root.tsx';
import { text } from '../../../app/search.ts';
import { boundFault } from '../../../format/time.ts';
import { isAnchor, isMonth } from '../period.ts';

export interface CloseSearch {
  /** Absent: all of them. */
  customerId?: string;
  /** 2026-03; the period begins in it. Default: the latest that is over. */
  month?: string;
  /** Day of the month on which periods begin. Default: the first. */
  anchor?: string;
  /** Another range than a month's; half-open. */
  from?: string;
  to?: string;
  /** Of the statements; default: each customer's own. */
  timeZone?: string;
}

export const closeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/periods/close',
  validateSearch: (search: Record<string, unknown>): CloseSearch => {
    const fitting = (name: keyof CloseSearch, fits: (value: string) => boolean) => {
      const value = text(search, name);
      return value !== undefined && fits(value) ? { [name]: value } : {};
    };
    return {
      ...fitting('customerId', () => true),
      ...fitting('month', isMonth),
      ...fitting('anchor', isAnchor),
      ...fitting('from', (value) => boundFault(value) === null),
      ...fitting('to', (value) => boundFault(value) === null),
      ...fitting('timeZone', () => true),
    };
  },
  component: lazyPage(() => import('./page.tsx')),
});
