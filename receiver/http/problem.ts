/** API errors as RFC 9457 problem details. */
import type { ServerResponse } from 'node:http';

export interface Problem {
  status: number;
  /** Stable, for programs. */
  code: string;
  title: string;
  detail: string;
  /** The parameter or field at fault. */
  parameter?: string;
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) return;
  const { parameter, ...rest } = problem;
  const body = JSON.stringify({
    type: 'about:blank',
    ...rest,
    ...(parameter === undefined ? {} : { parameter }),
  });
  response.statusCode = problem.status;
  response.setHeader('Content-Type', 'application/problem+json');
  if (problem.status === 503) response.setHeader('Retry-After', '2');
  response.end(body);
}
