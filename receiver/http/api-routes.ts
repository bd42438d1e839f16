/**
 * What all routes of the API share: method, body, Ingest, answer; and every error as a problem.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Request, Response, Router } from 'express';
import { JournalError } from '../../storage/journal/journal.ts';
import type { LakeState } from '../../storage/lake/publisher.ts';
import { LedgerError } from '../../storage/ledger.ts';
import { QueryError } from '../../storage/query/query-error.ts';
import { asActor } from '../actor.ts';
import type { BodyCompression } from '../frames.ts';
import { BODY_LIMIT_BYTES, InflateError, inflate } from '../inflate.ts';
import { type Ingest, IngestError } from '../ingest.ts';
import type { IngestCounters } from '../ingest-counters.ts';
import { ChangeError } from '../metering/registry.ts';
import type { RefusedRequests } from '../refused-requests.ts';
import { BodyError, type BodyMemory, discardBody, readBody } from './body.ts';
import { type FaultLog, internalProblem, troubleProblem } from './faults.ts';
import { bodyCompression } from './otlp.ts';
import { type Problem, ProblemError, sendProblem } from './problem.ts';

/** How long a question waits for the ledger to catch up with what was acknowledged before it. */
const FRESHNESS_LIMIT_MS = 10_000;

/** The running receiver, as the API sees it. */
export interface ApiAccess {
  /** The ingest of this moment, or null while there is none. */
  ingest(): Promise<Ingest | null>;
  /** Resolves when something may be written, or false when the client should come again. Before the body is read. */
  admit(): Promise<boolean>;
  /** Bytes of bodies that are being read or taken. */
  memory: BodyMemory;
  /** What the receiver is doing. */
  state(): { state: string; diskIsFull: boolean };
  counters: IngestCounters;
  /** Requests that were to bring usage and were refused. */
  refused: RefusedRequests;
  apiKeyRequired: boolean;
  /** Of the data directory's disk; null while it is not known. */
  freeDiskBytes(): number | null;
  /** null while there is no lake. */
  lake(): LakeState | null;
  /** Who asks, for the audit log, by the header of that name. */
  actorOf(authorization: string | undefined): string;
  log: FaultLog;
}

export interface ApiRequest {
  /** Names in the path, decoded. */
  path: Readonly<Record<string, string>>;
  /** The query string, in order. */
  params: [string, string][];
  headers: IncomingHttpHeaders;
  /** Inflated; empty for requests without one. */
  body: Buffer;
  ingest: Ingest;
}

export interface ApiAnswer {
  status: number;
  /** Becomes JSON; nothing is sent where it is undefined. */
  body?: unknown;
  /** Is sent as it is, in the place of a body; the headers say what it is. */
  text?: string;
  headers?: Record<string, string>;
}

export type ApiHandler = (request: ApiRequest) => Promise<ApiAnswer>;
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Answers the methods given, and 405 for the others. */
export function route(
  router: Router,
  access: ApiAccess,
  path: string,
  handlers: Partial<Record<Method, ApiHandler>>,
): void {
  router.all(path, async (request: Request, response: Response) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const handler = handlers[method as Method];
    if (handler !== undefined) return await answer(access, handler, request, response);
    const allowed = Object.keys(handlers).join(', ');
    response.setHeader('Allow', allowed);
    discardBody(request, BODY_LIMIT_BYTES);
    const detail = `${request.method} is not allowed here: ${allowed}`;
    sendProblem(response, new ProblemError(405, 'METHOD_NOT_ALLOWED', detail).problem);
  });
}

async function answer(
  access: ApiAccess,
  handler: ApiHandler,
  request: Request,
  response: Response,
): Promise<void> {
  const { memory } = access;
  let held = 0;
  try {
    const isWrite = request.method === 'POST' || request.method === 'PUT' || request.method === 'DELETE';
    if (isWrite && !(await access.admit()))
      throw unavailable('the receiver cannot take anything right now; send it again');
    const ingest = await access.ingest();
    if (ingest === null) throw unavailable('the receiver is starting, stopping or recovering; ask again');
    let body: Buffer = EMPTY;
    if (isWrite) {
      const compression = compressionOf(request);
      const raw = await readBody(request, BODY_LIMIT_BYTES, memory);
      held = raw.length;
      body = asBuffer(inflate(raw, compression));
    }
    const {
      status,
      body: said,
      text,
      headers,
    } = await asActor(access.actorOf(request.headers.authorization), () =>
      handler({
        path: request.params as Record<string, string>,
        params: queryOf(request),
        headers: request.headers,
        body,
        ingest,
      }),
    );
    response.setHeader('Cache-Control', 'no-store');
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
    response.status(status);
    if (text !== undefined) response.end(text);
    else if (said === undefined) response.end();
    else response.json(said);
  } catch (error) {
    if (error instanceof BodyError && error.code === 'ABORTED') {
      response.destroy();
      return;
    }
    // Without its query, which may name people.
    const asked = `${request.method} ${request.baseUrl}${request.path}`;
    const log: FaultLog = (message, fields) => access.log(message, { request: asked, ...fields });
    if (error instanceof ProblemError && error.retryable)
      log('a request of the API was sent away', { error: error.message });
    discardBody(request, BODY_LIMIT_BYTES);
    sendProblem(response, toProblem(error, log));
  } finally {
    memory.bytes -= held;
  }
}

/** A JSON body. @throws ProblemError 415 for another type, 400 for what is no JSON */
export function jsonBody({ headers, body }: ApiRequest): unknown {
  const type = mediaType(headers['content-type']);
  if (type !== 'application/json')
    throw new ProblemError(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Type must be application/json (got "${headers['content-type'] ?? ''}")`,
    );
  return parseJson(utf8Body(body));
}

/** Without parameters, in lower case. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0].trim().toLowerCase();
}

/** @throws ProblemError 400 */
export function utf8Body(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new ProblemError(400, 'INVALID_JSON', 'the body is not UTF-8');
  }
}

/** @throws ProblemError 400 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ProblemError(400, 'INVALID_JSON', `the body is not JSON: ${(error as Error).message}`);
  }
  if (!isWellFormed(value)) throw new ProblemError(400, 'INVALID_JSON', LONE_SURROGATE);
  return value;
}

const LONE_SURROGATE =
  'the body has half of a surrogate pair in a text, which is no character and cannot be kept';

/** Whether every text in a parsed body can be written as UTF-8: JSON can spell what UTF-8 cannot. */
function isWellFormed(value: unknown): boolean {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string') {
      if (!next.isWellFormed()) return false;
    } else if (typeof next === 'object' && next !== null) {
      for (const [name, inner] of Object.entries(next)) {
        if (!name.isWellFormed()) return false;
        open.push(inner);
      }
    }
  }
  return true;
}

/**
 * Waits until everything acknowledged before can be asked for, but not for ever.
 * @throws ProblemError 503
 */
export async function caughtUp(ingest: Ingest): Promise<bigint> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(unavailable(NOT_CAUGHT_UP)), FRESHNESS_LIMIT_MS);
  try {
    return await Promise.race([ingest.caughtUp(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const NOT_CAUGHT_UP =
  'the ledger is more than 10 s behind; come again, or ask a question with freshness=available';

/** @param log is told of what is no fault of the request */
export function toProblem(error: unknown, log: FaultLog): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof QueryError)
    return { ...new ProblemError(400, error.code, error.message).problem, parameter: error.parameter };
  if (error instanceof ChangeError) return new ProblemError(409, error.code, error.message).problem;
  if (error instanceof BodyError)
    return error.code === 'BUSY'
      ? unavailable(error.message).problem
      : new ProblemError(413, 'TOO_LARGE', error.message).problem;
  if (error instanceof InflateError)
    return error.code === 'TOO_LARGE'
      ? new ProblemError(413, 'TOO_LARGE', error.message).problem
      : new ProblemError(400, 'INVALID_BODY', error.message).problem;
  // A stop has begun while the request was under way: the next receiver takes it.
  const isOfStorage = error instanceof LedgerError || error instanceof JournalError;
  if (isOfStorage && error.code === 'CLOSED') return unavailable('the receiver is stopping').problem;
  // What passes by itself, such as a disk that was full, is to be tried again.
  if (error instanceof IngestError || isRetryable(error)) return troubleProblem(error, log);
  return internalProblem(error, log);
}

export function unavailable(detail: string): ProblemError {
  return new ProblemError(503, 'UNAVAILABLE', detail);
}

function isRetryable(error: unknown): boolean {
  return (error as { retryable?: unknown } | null)?.retryable === true;
}

function queryOf(request: Request): [string, string][] {
  const at = request.originalUrl.indexOf('?');
  return at === -1 ? [] : [...new URLSearchParams(request.originalUrl.slice(at + 1))];
}

/** @throws ProblemError 415 */
function compressionOf(request: IncomingMessage): BodyCompression {
  const came = request.headers['content-encoding'];
  const compression = bodyCompression(came);
  if (compression !== null) return compression;
  const detail = `Content-Encoding must be gzip, deflate or identity (got "${came}")`;
  throw new ProblemError(415, 'UNSUPPORTED_ENCODING', detail);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const EMPTY = Buffer.alloc(0);
const utf8 = new TextDecoder('utf-8', { fatal: true });
