/** The route that all pages are in. */
import { createRootRoute, retainSearchParams } from '@tanstack/react-router';
import { PageError } from './page-error.tsx';
import { PageNotFound } from './page-not-found.tsx';
import { text } from './search.ts';
import { Shell } from './shell.tsx';

export interface RootSearch {
  /** The time zone that all times are shown in. */
  zone?: string;
}

export const rootRoute = createRootRoute({
  validateSearch: (search: Record<string, unknown>): RootSearch => {
    const zone = text(search, 'zone');
    return zone === undefined ? {} : { zone };
  },
  search: { middlewares: [retainSearchParams(['zone'])] },
  component: Shell,
  errorComponent: PageError,
  notFoundComponent: PageNotFound,
});
