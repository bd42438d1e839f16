/** What Express finds wrong before a route is asked, and what a route did not catch. */
import type { ErrorRequestHandler } from 'express';
import { discardBody } from './body.ts';
import { type FaultLog, internalProblem, logFault } from './faults.ts';
import { bodyFormat, CANNOT_TAKE, isOtlpPath, refuse } from './otlp.ts';
import { ProblemError, sendProblem } from './problem.ts';

const INVALID_PATH = 'the path is not percent-encoded UTF-8';

export function routingErrors(log: FaultLog): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return (error, request, response, _next) => {
    const isPath = (error as { status?: unknown } | null)?.status === 400;
    if (response.headersSent) {
      logFault('an answer broke off', error, log);
      response.destroy();
    } else if (isOtlpPath(request.path)) {
      const format = bodyFormat(request.headers['content-type']);
      if (isPath) return refuse(request, response, format, 400, INVALID_PATH);
      logFault('a request could not be taken', error, log);
      // Clients drop what is answered with 500.
      refuse(request, response, format, 503, CANNOT_TAKE);
    } else {
      discardBody(request, 0);
      const problem = isPath
        ? new ProblemError(400, 'INVALID_PATH', INVALID_PATH).problem
        : internalProblem(error, log);
      sendProblem(response, problem);
    }
  };
}
