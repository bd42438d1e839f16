import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { readList } from '../../kit/list.tsx';

export const dimensionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/dimensions',
  validateSearch: readList,
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
