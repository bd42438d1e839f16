import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';

export const liveRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/live',
  component: lazyPage(() => import('./page.tsx')),
});
