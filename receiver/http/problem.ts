/** API errors as RFC 9457 problem details. */
import type { ServerResponse } from 'node:http';

/** What is wrong with one field of a body. */
export interface FieldError {
  /** `aliases[0]`, `[3].recordValue`; empty for the body as a whole. */
  path: string;
  message: string;
  /** The quarantine code that the same fault of a signal has, where there is one. */
  reason?: string;
}

export interface Problem {
  status: number;
  /** Stable, for programs. */
  code: string;
  title: string;
  detail: string;
  /** Of a fault of the receiver: the id by which its log has it, as a URN. */
  instance?: string;
  /** The parameter or field at fault. */
  parameter?: string;
  /** Each field at fault. */
  errors?: FieldError[];
}

/** The same for every problem of a status, as RFC 9457 wants it. */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'No valid API key',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Not possible',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available right now',
};

/** A request that is answered with a problem. */
export class ProblemError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly problem: Problem;
  constructor(status: number, code: string, detail: string, errors?: FieldError[]) {
    super(detail);
    this.name = 'ProblemError';
    this.code = code;
    this.retryable = status === 503;
    this.problem = {
      status,
      code,
      title: TITLES[status] ?? 'Error',
      detail,
      ...(errors === undefined ? {} : { errors }),
    };
  }
}

/** A body with bad fields. The detail names the first. */
export function invalidFields(errors: FieldError[]): ProblemError {
  const [first] = errors;
  const where = first.path === '' ? '' : `${first.path}: `;
  const others = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
  return new ProblemError(400, 'INVALID_BODY', `${where}${first.message}${others}`, errors);
}

export function sendProblem(response: ServerResponse, problem: Problem): void {
  if (response.headersSent) return;
  response.statusCode = problem.status;
  response.setHeader('Content-Type', 'application/problem+json');
  if (problem.status === 503) response.setHeader('Retry-After', '2');
  response.end(JSON.stringify({ type: 'about:blank', ...problem }));
}
