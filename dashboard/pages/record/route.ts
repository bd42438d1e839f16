import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';

/** A usage record down to its signal: `<Link to="/records/$recordId" params={{ recordId }}>`. */
export const recordRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/records/$recordId',
  component: lazyPage(() => import('./page.tsx')),
});
