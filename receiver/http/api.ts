/** The read API under /api/v1, over the query functions of storage/query. */
import { type Request, type Response, Router } from 'express';
import { LedgerError } from '../../storage/ledger.ts';
import type { QueryRequest } from '../../storage/query/index.ts';
import { parseQuarantineQuery } from '../../storage/query/quarantine-query.ts';
import { QueryError } from '../../storage/query/query-error.ts';
import { parseRecordsQuery } from '../../storage/query/records-query.ts';
import { parseUsageQuery } from '../../storage/query/usage-query.ts';
import { type Ingest, IngestError } from '../ingest.ts';
import { type Problem, sendProblem } from './problem.ts';

/** How long a question waits for the ledger to catch up with what was acknowledged before it. */
const FRESHNESS_LIMIT_MS = 10_000;

export interface ApiAccess {
  /** The ingest of this moment, or null while there is none. */
  ingest(): Promise<Ingest | null>;
}

export function apiRoutes(access: ApiAccess): Router {
  const router = Router();
  const routes = {
    '/usage': (params: Params): QueryRequest => ({ type: 'usage', query: parseUsageQuery(params) }),
    '/records': (params: Params): QueryRequest => ({ type: 'records', query: parseRecordsQuery(params) }),
    '/quarantine': (params: Params): QueryRequest => ({
      type: 'quarantine',
      query: parseQuarantineQuery(params),
    }),
  };
  for (const [path, parse] of Object.entries(routes)) {
    router.get(path, (request, response) => answer(access, parse, request, response));
    router.all(path, (request, response) => {
      response.setHeader('Allow', 'GET');
      sendProblem(response, {
        status: 405,
        code: 'METHOD_NOT_ALLOWED',
        title: 'Method not allowed',
        detail: `${request.method} is not allowed here: GET`,
      });
    });
  }
  return router;
}

type Params = [string, string][];

async function answer(
  access: ApiAccess,
  parse: (params: Params) => QueryRequest,
  request: Request,
  response: Response,
): Promise<void> {
  try {
    const { params, fresh } = takeFreshness(request);
    const query = parse(params);
    const ingest = await access.ingest();
    if (ingest === null) {
      sendProblem(response, unavailable('the receiver is starting, stopping or recovering; ask again'));
      return;
    }
    const completeUntil = fresh ? await withinLimit(ingest.caughtUp()) : ingest.completeUntil();
    const result = await ingest.ledger.query(query);
    response.setHeader('Cache-Control', 'no-store');
    response.json({ ...result, completeUntil: rfc3339(completeUntil) });
  } catch (error) {
    sendProblem(response, toProblem(error));
  }
}

/** `freshness` says how long to wait, not what to ask: it is taken out before the question is read. */
function takeFreshness(request: Request): { params: Params; fresh: boolean } {
  const params: Params = [];
  let fresh = true;
  for (const [name, value] of new URLSearchParams(request.originalUrl.split('?', 2)[1] ?? '')) {
    if (name !== 'freshness') {
      params.push([name, value]);
    } else if (value === 'available' || value === 'complete') {
      fresh = value === 'complete';
    } else {
      throw new QueryError(
        'INVALID_PARAMETER',
        'freshness',
        `freshness must be complete or available (got "${value}")`,
      );
    }
  }
  return { params, fresh };
}

class NotCaughtUp extends Error {}

async function withinLimit<T>(wait: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(
        new NotCaughtUp('the ledger is more than 10 s behind; ask again, or with freshness=available'),
      ),
    FRESHNESS_LIMIT_MS,
  );
  try {
    return await Promise.race([wait, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function toProblem(error: unknown): Problem {
  if (error instanceof QueryError) {
    return {
      status: 400,
      code: error.code,
      title: 'Bad request',
      detail: error.message,
      ...(error.parameter === undefined ? {} : { parameter: error.parameter }),
    };
  }
  if (error instanceof NotCaughtUp) return unavailable(error.message);
  if (error instanceof LedgerError && (error.retryable || error.code === 'CLOSED'))
    return unavailable(error.message);
  if (error instanceof IngestError) return unavailable(error.message);
  return { status: 500, code: 'INTERNAL', title: 'Internal error', detail: String(error) };
}

function unavailable(detail: string): Problem {
  return { status: 503, code: 'UNAVAILABLE', title: 'Not available right now', detail };
}

/** Unix nanoseconds, whole milliseconds, in UTC. */
function rfc3339(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000n)).toISOString();
}
