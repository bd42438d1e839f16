import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf, text, texts } from '../../app/search.ts';

export const CUSTOMER_SORTS = ['id', 'name', 'lastSeen'] as const;

export interface CustomersSearch {
  /** What id, name, e-mail address or an alias has in it. */
  search?: string;
  sort?: (typeof CUSTOMER_SORTS)[number];
  order?: 'asc' | 'desc';
  /** Cursors of the pages up to this one; none of them is the first page's. */
  page?: string[];
}

export const customersRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/customers',
  validateSearch: (search: Record<string, unknown>): CustomersSearch => {
    const page = texts(search, 'page');
    const sort = oneOf(search, 'sort', CUSTOMER_SORTS);
    const order = oneOf(search, 'order', ['asc', 'desc']);
    const searched = text(search, 'search');
    return {
      ...(searched === undefined ? {} : { search: searched }),
      ...(sort === undefined ? {} : { sort }),
      ...(order === undefined ? {} : { order }),
      ...(page.length === 0 ? {} : { page }),
    };
  },
  component: lazyPage(() => import('./page.tsx')),
});
