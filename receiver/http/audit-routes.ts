/** /api/v1/audit: who changed what, append-only, from the journal's change frames. */
import type { Router } from 'express';
import { parseAuditQuery } from '../../storage/query/index.ts';
import { type ApiAccess, route } from './api-routes.ts';
import { question } from './questions.ts';

export function auditRoutes(router: Router, access: ApiAccess): void {
  route(router, access, '/audit', {
    GET: question((params) => ({ type: 'audit', query: parseAuditQuery(params) })),
  });
}
