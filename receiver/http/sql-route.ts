/** POST /api/v1/sql: one SELECT over the lake, its rows as they come. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Router } from 'express';
import { z } from 'zod';
import { SqlError } from '../sql/sql-error.ts';
import type { SqlPool } from '../sql/sql-pool.ts';
import { CONTENT_TYPES, SQL_FORMATS } from '../sql/sql-protocol.ts';
import { MAX_STATEMENT_LENGTH } from '../sql/statement-check.ts';
import { mediaType, parseJson, utf8Body } from './api-routes.ts';
import { BodyError, type BodyMemory, discardBody, readBody } from './body.ts';
import { type FaultLog, internalProblem } from './faults.ts';
import { parseBody } from './field-errors.ts';
import { type Problem, ProblemError, sendProblem } from './problem.ts';

const BODY_LIMIT_BYTES = 8 * MAX_STATEMENT_LENGTH;

/** The body of POST /api/v1/sql. */
export const SqlQuestion = z.strictObject({
  query: z.string().max(MAX_STATEMENT_LENGTH),
  format: z.enum(SQL_FORMATS).default('json'),
  limits: z
    .strictObject({
      seconds: z.number().positive().max(300).default(60),
      rows: z.int().min(1).max(100_000_000).default(1_000_000),
    })
    .prefault({}),
});

export interface SqlRouteOptions {
  pool: SqlPool;
  memory: BodyMemory;
  log: FaultLog;
}

export function sqlRoutes({ pool, memory, log }: SqlRouteOptions): Router {
  const router = Router({ caseSensitive: true });
  router.all('/sql', async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') {
      response.setHeader('Allow', 'POST');
      discardBody(request, BODY_LIMIT_BYTES);
      const detail = `${request.method} is not allowed here: POST`;
      return sendProblem(response, new ProblemError(405, 'METHOD_NOT_ALLOWED', detail).problem);
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const { query, format, limits } = parseBody(SqlQuestion, await jsonOf(request, memory));
      const answer = await pool.run({
        sql: query,
        format,
        maxRows: limits.rows,
        maxMilliseconds: limits.seconds * 1000,
        signal: gone.signal,
      });
      response.setHeader('Content-Type', CONTENT_TYPES[format]);
      response.setHeader('Cache-Control', 'no-store');
      response.setHeader('Usage-As-Of', answer.asOf);
      // An answer that breaks off closes the connection, so that nobody takes it for a whole one.
      await pipeline(answer.bytes, response).catch(() => {});
    } catch (error) {
      if (gone.signal.aborted || (error instanceof BodyError && error.code === 'ABORTED')) {
        response.destroy();
        return;
      }
      discardBody(request, BODY_LIMIT_BYTES);
      sendProblem(response, toProblem(error, log));
    }
  });
  return router;
}

async function jsonOf(request: IncomingMessage, memory: BodyMemory): Promise<unknown> {
  const came = request.headers['content-type'];
  if (mediaType(came) !== 'application/json') {
    const detail = `Content-Type must be application/json (got "${came ?? ''}")`;
    throw new ProblemError(415, 'UNSUPPORTED_MEDIA_TYPE', detail);
  }
  const raw = await readBody(request, BODY_LIMIT_BYTES, memory);
  memory.bytes -= raw.length;
  return parseJson(utf8Body(raw));
}

function toProblem(error: unknown, log: FaultLog): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof BodyError) {
    const status = error.code === 'BUSY' ? 503 : 413;
    return new ProblemError(status, error.code, error.message).problem;
  }
  if (!(error instanceof SqlError)) return internalProblem(error, log);
  const { code, message, position, retryable } = error;
  const status = retryable ? 503 : code === 'PROCESS_DIED' ? 500 : 400;
  const { problem } = new ProblemError(status, code, message);
  return position === null ? problem : Object.assign(problem, position);
}
