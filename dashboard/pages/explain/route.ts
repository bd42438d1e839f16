import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf, text, texts } from '../../app/search.ts';
import { readUsageSearch, type UsageSearch } from '../customer/usage-search.ts';
import { SIGNAL_VIEWS, type SignalView } from '../record/route.ts';

/** One cell of an answer about usage. Whoever links here says `zone` too, so that it is the same for everybody. */
export interface ExplainSearch extends UsageSearch {
  /** Begin of the cell's window, as the row says it; left out where the range is one window. */
  at?: string;
  /** What the row has for the key of `groupBy`. */
  group?: string;
  /** Its records have no such key. */
  missing?: '1';
  /** Cursors of the pages of records up to this one. */
  page?: string[];
  /** The record that is looked into. */
  open?: string;
  /** How its signals are shown. */
  show?: SignalView;
}

export const explainRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/customers/$customerId/explain',
  validateSearch: (search: Record<string, unknown>): ExplainSearch => {
    const at = text(search, 'at');
    const group = typeof search.group === 'string' ? search.group : undefined;
    const page = texts(search, 'page');
    const open = text(search, 'open');
    const show = oneOf(search, 'show', SIGNAL_VIEWS);
    return {
      ...readUsageSearch(search),
      ...(at === undefined ? {} : { at }),
      ...(group === undefined ? {} : { group }),
      ...(text(search, 'missing') === '1' ? { missing: '1' } : {}),
      ...(page.length === 0 ? {} : { page }),
      ...(open === undefined ? {} : { open }),
      ...(show === undefined ? {} : { show }),
    };
  },
  component: lazyPage(() => import('./page.tsx')),
});
