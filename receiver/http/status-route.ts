/** GET /api/v1/status: what the receiver is doing, how far it is, and what came in. */
import type { Router } from 'express';
import { type ApiAccess, type ApiHandler, route } from './api-routes.ts';
import { waited } from './questions.ts';

export function statusRoute(router: Router, access: ApiAccess): void {
  const status: ApiHandler = async (request) => {
    const { ingest } = request;
    await waited({ ...request, params: [['freshness', 'available'], ...request.params] });
    const { metrics, logs, spans } = access.counters;
    return {
      status: 200,
      body: {
        ...access.state(),
        journal: {
          lastSequence: ingest.journal.lastSequence,
          durableSequence: ingest.journal.durableSequence,
        },
        ledger: {
          sequence: ingest.ledger.position,
          unloadedRows: ingest.unloadedRows,
          completeUntil: new Date(Number(ingest.completeUntil() / 1_000_000n)).toISOString(),
        },
        counts: await ingest.ledger.query({ type: 'counts' }),
        received: { metrics, logs, spans },
        settings: ingest.registry.settings,
      },
    };
  };
  route(router, access, '/status', { GET: status });
}
