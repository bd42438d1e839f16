import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { text } from '../../app/search.ts';

export interface LiveSearch {
  /** Only of this one. */
  customerId?: string;
  /** Only of this one. */
  dimensionId?: string;
  /** What a row has to have in it, in any case. */
  text?: string;
}

export const liveRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/live',
  validateSearch: (search: Record<string, unknown>): LiveSearch => {
    const customerId = text(search, 'customerId');
    const dimensionId = text(search, 'dimensionId');
    const words = text(search, 'text');
    return {
      ...(customerId === undefined ? {} : { customerId }),
      ...(dimensionId === undefined ? {} : { dimensionId }),
      ...(words === undefined ? {} : { text: words }),
    };
  },
  component: lazyPage(() => import('./page.tsx')),
});
