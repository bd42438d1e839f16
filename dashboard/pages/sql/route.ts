import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';

export const sqlRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sql',
  component: lazyPage(() => import('./page.tsx')),
});
