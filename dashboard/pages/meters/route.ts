import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf, text } from '../../app/search.ts';
import { readList } from '../../kit/list.tsx';

export const metersRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/meters',
  validateSearch: readList,
  component: lazyPage(() => import('./page.tsx')),
});

/** The form and the text are two views of one rule. */
export const RULE_VIEWS = ['form', 'text'] as const;
export type RuleView = (typeof RULE_VIEWS)[number];

export interface MeterSearch {
  /** The rule is being changed. */
  edit?: '1';
  view?: RuleView;
  /** Which version is compared with the one before it; the latest one if none is named. */
  version?: string;
}

export const meterRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/meters/$meterId',
  validateSearch: (search: Record<string, unknown>): MeterSearch => {
    const view = oneOf(search, 'view', RULE_VIEWS);
    const version = text(search, 'version');
    return {
      ...(text(search, 'edit') === '1' ? { edit: '1' } : {}),
      ...(view === undefined ? {} : { view }),
      ...(version === undefined ? {} : { version }),
    };
  },
  component: lazyPage(() => import('./meter-page.tsx')),
});

/** No id is in its way: it has two steps. */
export const newMeterRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/meters/-/new',
  validateSearch: (search: Record<string, unknown>): Pick<MeterSearch, 'view'> => {
    const view = oneOf(search, 'view', RULE_VIEWS);
    return view === undefined ? {} : { view };
  },
  component: lazyPage(() => import('./new-meter-page.tsx')),
});
