import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../../app/lazy-page.ts';
import { rootRoute } from '../../../app/root.tsx';

export const statementRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/periods/statements/$statementId',
  component: lazyPage(() => import('./page.tsx')),
});
