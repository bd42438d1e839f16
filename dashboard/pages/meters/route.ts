import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';

export const metersRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/meters',
  component: lazyPage(() => import('./page.tsx')),
});
