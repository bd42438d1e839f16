import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf, text, texts } from '../../app/search.ts';
import { isMonth } from './period.ts';

export const PERIOD_VIEWS = ['statements', 'adjustments', 'audit'] as const;
export type PeriodView = (typeof PERIOD_VIEWS)[number];
export const STATEMENT_SORTS = ['customerId', 'from', 'closedAt', 'amount'] as const;

export interface PeriodsSearch {
  view?: Exclude<PeriodView, 'statements'>;
  customerId?: string;
  state?: 'valid' | 'reopened';
  /** 2026-03: periods that have a part in it, or changes that were made in it. */
  month?: string;
  sort?: (typeof STATEMENT_SORTS)[number];
  order?: 'asc' | 'desc';
  kind?: string;
  actor?: string;
  subject?: string;
  /** `SEQUENCE.ORDINAL` of the change that is looked at. */
  change?: string;
  /** Cursors of the pages up to this one; none of them is the first page's. */
  page?: string[];
}

export const periodsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/periods',
  validateSearch: (search: Record<string, unknown>): PeriodsSearch => {
    const page = texts(search, 'page');
    const month = text(search, 'month');
    const read: Record<keyof PeriodsSearch, string | string[] | undefined> = {
      view: oneOf(search, 'view', ['adjustments', 'audit']),
      customerId: text(search, 'customerId'),
      state: oneOf(search, 'state', ['valid', 'reopened']),
      month: month !== undefined && isMonth(month) ? month : undefined,
      sort: oneOf(search, 'sort', STATEMENT_SORTS),
      order: oneOf(search, 'order', ['asc', 'desc']),
      kind: text(search, 'kind'),
      actor: text(search, 'actor'),
      subject: text(search, 'subject'),
      change: text(search, 'change'),
      page: page.length === 0 ? undefined : page,
    };
    return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined));
  },
  component: lazyPage(() => import('./page.tsx')),
});
