import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { text, texts } from '../../app/search.ts';
import { readUsageSearch, type UsageSearch } from './usage-search.ts';

export interface CustomerSearch extends UsageSearch {
  /** Cursors of the table's pages up to this one; none of them is the first page's. */
  page?: string[];
  /** The same of the recent records. */
  recent?: string[];
  /** The form to record usage is open. */
  record?: '1';
}

export const customerRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/customers/$customerId',
  validateSearch: (search: Record<string, unknown>): CustomerSearch => {
    const page = texts(search, 'page');
    const recent = texts(search, 'recent');
    return {
      ...readUsageSearch(search),
      ...(page.length === 0 ? {} : { page }),
      ...(recent.length === 0 ? {} : { recent }),
      ...(text(search, 'record') === '1' ? { record: '1' } : {}),
    };
  },
  component: lazyPage(() => import('./page.tsx')),
});
