/** GET /api/v1/live: server-sent events of what comes in. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Request, Router } from 'express';
import { QueryParameters } from '../../storage/query/parameters.ts';
import { type ApiAccess, toProblem, unavailable } from './api-routes.ts';
import { discardBody } from './body.ts';
import { LISTENERS_LIMIT, LiveFeed } from './live-feed.ts';
import { ProblemError, sendProblem } from './problem.ts';

/** @param stopping ends all that listen */
export function liveRoutes(access: ApiAccess, stopping: AbortSignal): Router {
  const router = Router({ caseSensitive: true });
  const feed = new LiveFeed(() => access.ingest(), stopping);
  router.all('/live', async (request: Request, response: ServerResponse) => {
    try {
      await listen(access, feed, request, response);
    } catch (error) {
      discardBody(request, 0);
      sendProblem(response, toProblem(error, access.log));
    }
  });
  return router;
}

async function listen(
  access: ApiAccess,
  feed: LiveFeed,
  request: IncomingMessage & { originalUrl: string },
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET') {
    response.setHeader('Allow', 'GET');
    throw new ProblemError(405, 'METHOD_NOT_ALLOWED', `${request.method} is not allowed here: GET`);
  }
  const at = request.originalUrl.indexOf('?');
  const params = at === -1 ? [] : [...new URLSearchParams(request.originalUrl.slice(at + 1))];
  const { customerIds, dimensionIds } = new QueryParameters(params, ['customerId', 'dimensionId']).filter();
  const ingest = await access.ingest();
  if (ingest === null) throw unavailable('the receiver is starting, stopping or recovering; ask again');
  // The stop may have begun while the ingest was waited for.
  if (feed.isStopped) throw unavailable('the receiver is stopping');
  if (feed.isFull) throw unavailable(`${LISTENERS_LIMIT} listen already, and no more can`);
  if (response.destroyed) return;
  feed.add(response, { customerIds, dimensionIds }, ingest.ledger.position);
}
