import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';

export const periodsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/periods',
  component: lazyPage(() => import('./page.tsx')),
});
