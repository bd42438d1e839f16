/**
 * What goes wrong in the receiver itself: whoever asked is told that it did, with an id; the log has under the id what it
 * was, whole. Texts of DuckDB and of the system name files, statements and other people's usage.
 */
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { type Problem, ProblemError } from './problem.ts';

export type FaultLog = (message: string, fields: Record<string, unknown>) => void;

/** Deep enough for the causes of an error. */
const DEPTH = 5;

/** A 500: what was asked is right, and would go wrong again. */
export function internalProblem(error: unknown, log: FaultLog): Problem {
  const id = logFault('a request failed by the receiver’s own fault', error, log);
  return withId(500, 'INTERNAL', 'this is an error of the receiver, not of the request', id);
}

/** A 503: trouble that passes by itself, such as a full disk. */
export function troubleProblem(error: unknown, log: FaultLog): Problem {
  const id = logFault('a request could not be answered for now', error, log);
  return withId(503, 'UNAVAILABLE', 'the receiver has trouble that may pass: try again', id);
}

/** @returns the id by which the log has it */
export function logFault(message: string, error: unknown, log: FaultLog): string {
  const id = randomUUID();
  log(message, { id, error: inspect(error, { depth: DEPTH }) });
  return id;
}

function withId(status: number, code: string, detail: string, id: string): Problem {
  const { problem } = new ProblemError(status, code, `${detail}; its log has the reason under ${id}`);
  return { ...problem, instance: `urn:uuid:${id}` };
}
