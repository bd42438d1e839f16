/** The API under /api/v1: questions over the query functions of storage/query, and what people change. */
import { Router } from 'express';
import { parseUsageQuery } from '../../storage/query/index.ts';
import { type ApiAccess, route } from './api-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { customerRoutes } from './customer-routes.ts';
import { dimensionRoutes } from './dimension-routes.ts';
import { explainRoutes } from './explain-routes.ts';
import { meterRoutes } from './meter-routes.ts';
import { overviewRoutes } from './overview-routes.ts';
import { periodRoutes } from './period-routes.ts';
import { quarantineRoutes } from './quarantine-routes.ts';
import { question } from './questions.ts';
import { recordRoutes } from './record-routes.ts';
import { statementRoutes } from './statement-routes.ts';
import { statusRoute } from './status-route.ts';
import { Turns } from './turns.ts';
import { usageWriter } from './usage-writes.ts';

export type { ApiAccess } from './api-routes.ts';

export function apiRoutes(access: ApiAccess): Router {
  const router = Router({ caseSensitive: true });
  // What people declare or correct is checked against what is known, and then changed.
  const writes = new Turns();
  route(router, access, '/usage', {
    GET: question((params) => ({ type: 'usage', query: parseUsageQuery(params) })),
    POST: usageWriter(),
  });
  customerRoutes(router, access, writes);
  dimensionRoutes(router, access, writes);
  meterRoutes(router, access, writes);
  explainRoutes(router, access);
  recordRoutes(router, access, writes);
  quarantineRoutes(router, access);
  periodRoutes(router, access, writes);
  statementRoutes(router, access, writes);
  auditRoutes(router, access);
  statusRoute(router, access);
  overviewRoutes(router, access);
  return router;
}
