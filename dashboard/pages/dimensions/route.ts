import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf, text, texts } from '../../app/search.ts';

export const DIMENSION_SORTS = ['id', 'name', 'lastSeen'] as const;

export interface DimensionsSearch {
  /** What id or name has in it. */
  search?: string;
  sort?: (typeof DIMENSION_SORTS)[number];
  order?: 'asc' | 'desc';
  /** Cursors of the pages up to this one; none of them is the first page's. */
  page?: string[];
}

export const dimensionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/dimensions',
  validateSearch: (search: Record<string, unknown>): DimensionsSearch => {
    const page = texts(search, 'page');
    const sort = oneOf(search, 'sort', DIMENSION_SORTS);
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

export const dimensionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/dimensions/$dimensionId',
  component: lazyPage(() => import('./dimension-page.tsx')),
});

/** No id is in its way: it has two steps, and a dimension may be called anything. */
export const newDimensionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/dimensions/-/new',
  component: lazyPage(() => import('./new-dimension-page.tsx')),
});
