import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';

export const qualityRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/quality',
  component: lazyPage(() => import('./page.tsx')),
});
