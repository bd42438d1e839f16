import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf } from '../../app/search.ts';

/** As OTLP in JSON, as the text that was received, as its bytes. */
export const SIGNAL_VIEWS = ['decoded', 'text', 'bytes'] as const;
export type SignalView = (typeof SIGNAL_VIEWS)[number];

/** A usage record down to its signal: `<Link to="/records/$recordId" params={{ recordId }}>`. */
export const recordRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/records/$recordId',
  validateSearch: (search: Record<string, unknown>): { show?: SignalView } => {
    const show = oneOf(search, 'show', SIGNAL_VIEWS);
    return show === undefined ? {} : { show };
  },
  component: lazyPage(() => import('./page.tsx')),
});
