import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { text } from '../../app/search.ts';

export const dimensionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/dimensions',
  validateSearch: (search: Record<string, unknown>): { search?: string } => {
    const searched = text(search, 'search');
    return searched === undefined ? {} : { search: searched };
  },
  component: lazyPage(() => import('./page.tsx')),
});
