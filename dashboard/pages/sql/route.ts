import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf, text } from '../../app/search.ts';

export const CHARTS = ['bars', 'line'] as const;

export interface SqlSearch {
  query?: string;
  /** The query was run: an address that has it shows the result. */
  run?: '1';
  /** Of the result, from 1; the first is left out. */
  page?: string;
  chart?: (typeof CHARTS)[number];
  /** Places of columns, from 0: what the chart goes along, and what it shows. */
  x?: string;
  y?: string;
}

const PLACE = /^\d{1,4}$/;

export const sqlRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sql',
  validateSearch: (search: Record<string, unknown>): SqlSearch => {
    const query = text(search, 'query');
    const chart = oneOf(search, 'chart', CHARTS);
    const place = (name: 'page' | 'x' | 'y') => {
      const value = text(search, name);
      return value !== undefined && PLACE.test(value) ? { [name]: value } : {};
    };
    return {
      ...(query === undefined ? {} : { query }),
      ...(text(search, 'run') === '1' ? { run: '1' } : {}),
      ...place('page'),
      ...(chart === undefined ? {} : { chart }),
      ...place('x'),
      ...place('y'),
    };
  },
  component: lazyPage(() => import('./page.tsx')),
});
