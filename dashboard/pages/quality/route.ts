import { createRoute } from '@tanstack/react-router';
import { lazyPage } from '../../app/lazy-page.ts';
import { rootRoute } from '../../app/root.tsx';
import { oneOf, text, texts } from '../../app/search.ts';

export const QUALITY_VIEWS = ['open', 'corrected', 'dismissed'] as const;
export type QualityView = (typeof QUALITY_VIEWS)[number];

export interface QualitySearch {
  view?: Exclude<QualityView, 'open'>;
  reason?: string;
  meterId?: string;
  dimensionId?: string;
  customerId?: string;
  /** Signals that name none of these; in the place of an id. */
  missing?: string[];
  /** `key=value` pairs that the signals have. */
  metadata?: string[];
  /** Instants: signals whose own time is within, and those whose time is at fault. */
  timeFrom?: string;
  timeTo?: string;
  /** Id of the signal that is looked at. */
  signal?: string;
  /** Cursors of the pages up to this one; none of them is the first page's. */
  page?: string[];
}

export const qualityRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/quality',
  validateSearch: (search: Record<string, unknown>): QualitySearch => {
    const one = (name: string) => {
      const value = text(search, name);
      return value === undefined ? {} : { [name]: value };
    };
    const many = (name: string, values: string[]) => (values.length === 0 ? {} : { [name]: values });
    const view = oneOf(search, 'view', ['corrected', 'dismissed']);
    return {
      ...(view === undefined ? {} : { view }),
      ...one('reason'),
      ...one('meterId'),
      ...one('dimensionId'),
      ...one('customerId'),
      ...many(
        'missing',
        texts(search, 'missing').filter((name) => name === 'customerId' || name === 'dimensionId'),
      ),
      ...many(
        'metadata',
        texts(search, 'metadata').filter((pair) => pair.indexOf('=') > 0),
      ),
      ...one('timeFrom'),
      ...one('timeTo'),
      ...one('signal'),
      ...many('page', texts(search, 'page')),
    };
  },
  component: lazyPage(() => import('./page.tsx')),
});
