/** The route that all pages are in. */
import { createRootRoute, retainSearchParams } from '@tanstack/react-router';
import { PageError } from './page-error.tsx';
import { PageNotFound } from './page-not-found.tsx';
import { text } from './search.ts';
import { Shell } from './shell.tsx';

export interface RootSearch {
  /** The time zone that all times are shown in. */
  zone?: string;
  /** The language of the code that the form to record usage shows. */
  snippet?: string;
}

export const rootRoute = createRootRoute({
  validateSearch: (search: Record<string, unknown>): RootSearch => {
    const zone = text(search, 'zone');
    const snippet = text(search, 'snippet');
    return {
      ...(zone === undefined ? {} : { zone }),
      ...(snippet === undefined ? {} : { snippet }),
    };
  },
  search: { middlewares: [retainSearchParams(['zone'])] },
  component: Shell,
  errorComponent: PageError,
  notFoundComponent: PageNotFound,
});
