/** All pages. */
import { createRouter } from '@tanstack/react-router';
import { rootRoute } from './app/root.tsx';
import { parseSearch, stringifySearch } from './app/search.ts';
import { customerRoute } from './pages/customer/route.ts';
import { customersRoute } from './pages/customers/route.ts';
import { dimensionRoute, dimensionsRoute, newDimensionRoute } from './pages/dimensions/route.ts';
import { explainRoute } from './pages/explain/route.ts';
import { firstRunRoute } from './pages/first-run/route.ts';
import { liveRoute } from './pages/live/route.ts';
import { meterRoute, metersRoute, newMeterRoute } from './pages/meters/route.ts';
import { overviewRoute } from './pages/overview/route.ts';
import { closeRoute } from './pages/periods/close/route.ts';
import { periodsRoute } from './pages/periods/route.ts';
import { statementRoute } from './pages/periods/statement/route.ts';
import { qualityRoute } from './pages/quality/route.ts';
import { recordRoute } from './pages/record/route.ts';
import { sqlRoute } from './pages/sql/route.ts';

const routeTree = rootRoute.addChildren([
  overviewRoute,
  firstRunRoute,
  customersRoute,
  customerRoute,
  explainRoute,
  recordRoute,
  dimensionsRoute,
  dimensionRoute,
  newDimensionRoute,
  metersRoute,
  meterRoute,
  newMeterRoute,
  qualityRoute,
  liveRoute,
  periodsRoute,
  closeRoute,
  statementRoute,
  sqlRoute,
]);

export function createAppRouter() {
  return createRouter({
    routeTree,
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
