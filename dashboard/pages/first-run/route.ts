import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf } from '../../app/search.ts';

export const WAYS = ['typescript', 'curl', 'environment', 'collector'] as const;
export type Way = (typeof WAYS)[number];

export interface FirstRunSearch {
  /** How usage is sent: the snippet that is shown. */
  way?: Way;
}

/** Connects an app, the first one or another. Without usage, the overview leads here. */
export const firstRunRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/first-run',
  validateSearch: (search: Record<string, unknown>): FirstRunSearch => {
    const way = oneOf(search, 'way', WAYS);
    return way === undefined ? {} : { way };
  },
  component: lazyPage(() => import('./page.tsx')),
});
