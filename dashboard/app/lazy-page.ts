/** Pages are loaded when somebody goes there. */
import { lazyRouteComponent } from '@tanstack/react-router';
import type { ReactNode } from 'react';

/** @param load `() => import('./page.tsx')`, which exports `function Page(): ReactNode` */
export function lazyPage(load: () => Promise<{ Page: () => ReactNode }>): () => ReactNode {
  return lazyRouteComponent(load, 'Page') as () => ReactNode;
}
