/**
 * OTLP over HTTP: method, type, encoding, room, body, take, answer; straight down.
 * https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type BodyCompression,
  type BodyEncoding,
  type BodyFormat,
  FRAME_LOGS,
  FRAME_METRICS,
  FRAME_TRACES,
  type OtlpFrame,
} from '../frames.ts';
import { BODY_LIMIT_BYTES, InflateError } from '../inflate.ts';
import type { MeteringOutcome } from '../metering/metering.ts';
import { DecodeError, TooManySignalsError } from '../otlp/metric-columns.ts';
import { exportResponse, statusBody } from '../otlp/responses.ts';
import { BodyError, type BodyMemory, discardBody, readBody } from './body.ts';
import { type FaultLog, logFault } from './faults.ts';
import type { WarningThrottle } from './warning-throttle.ts';

/** Says nothing of why: the log does. */
export const CANNOT_TAKE = 'the receiver cannot take usage right now; send it again';

/** google.rpc.Code, what each HTTP status means to an OTLP client. */
const RPC_CODES: Record<number, number> = {
  400: 3,
  401: 16,
  403: 7,
  405: 12,
  413: 8,
  415: 3,
  503: 14,
  500: 13,
};

/** What is taken where. */
export const OTLP_PATHS: Readonly<Record<string, OtlpFrame>> = {
  '/v1/metrics': FRAME_METRICS,
  '/v1/logs': FRAME_LOGS,
  '/v1/traces': FRAME_TRACES,
};

/** Whether errors there are OTLP's, also where nothing is: SDKs ask for paths of their own. */
export function isOtlpPath(path: string): boolean {
  return path.startsWith('/v1/');
}

export interface OtlpRoute {
  /** Resolves when a request may be taken, or false when the client should come again. Before the body is read. */
  admit(): Promise<boolean>;
  take(kind: OtlpFrame, raw: Uint8Array, encoding: BodyEncoding): Promise<MeteringOutcome>;
  /** Bytes of bodies that are being read or taken. */
  memory: BodyMemory;
  warnings: WarningThrottle;
  log: FaultLog;
}

/** POST to one of {@link OTLP_PATHS}. */
export async function handleOtlp(
  kind: OtlpFrame,
  request: IncomingMessage,
  response: ServerResponse,
  route: OtlpRoute,
): Promise<void> {
  const format = bodyFormat(request.headers['content-type']);
  if (request.method !== 'POST') {
    response.setHeader('Allow', 'POST');
    return refuse(
      request,
      response,
      format,
      405,
      `${request.method} is not allowed here: POST an OTLP request`,
    );
  }
  if (format === null) {
    return refuse(
      request,
      response,
      format,
      415,
      `Content-Type must be application/x-protobuf or application/json (got "${request.headers['content-type'] ?? ''}")`,
    );
  }
  const compression = bodyCompression(request.headers['content-encoding']);
  if (compression === null) {
    return refuse(
      request,
      response,
      format,
      415,
      `Content-Encoding must be gzip, deflate or identity (got "${request.headers['content-encoding']}")`,
    );
  }
  if (!(await route.admit())) {
    return refuse(request, response, format, 503, CANNOT_TAKE);
  }

  let outcome: MeteringOutcome;
  try {
    const raw = await readBody(request, BODY_LIMIT_BYTES, route.memory);
    try {
      outcome = await route.take(kind, raw, { format, compression });
    } finally {
      route.memory.bytes -= raw.length;
    }
  } catch (error) {
    if (error instanceof BodyError) {
      if (error.code === 'BUSY') return refuse(request, response, format, 503, error.message);
      if (error.code === 'ABORTED') {
        response.destroy();
        return;
      }
      return refuse(request, response, format, 413, error.message);
    }
    if (error instanceof InflateError) {
      return refuse(request, response, format, error.code === 'TOO_LARGE' ? 413 : 400, error.message);
    }
    if (error instanceof TooManySignalsError) return refuse(request, response, format, 413, error.message);
    if (error instanceof DecodeError) return refuse(request, response, format, 400, error.message);
    // Whatever else happened, the request may well pass later, and clients drop what is answered with 500.
    logFault('a request could not be taken', error, route.log);
    return refuse(request, response, format, 503, CANNOT_TAKE);
  }
  const message = route.warnings.message(outcome);
  send(response, format, 200, exportResponse(format, message));
}

/** An error answer in the request's own encoding; JSON where that is none of ours. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  format: BodyFormat | null,
  status: number,
  message: string,
): void {
  discardBody(request, BODY_LIMIT_BYTES);
  if (status === 503) response.setHeader('Retry-After', '2');
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  send(response, format ?? 'json', status, statusBody(format ?? 'json', RPC_CODES[status] ?? 13, message));
}

/** null: neither of OTLP's two. */
export function bodyFormat(contentType: string | undefined): BodyFormat | null {
  const type = (contentType ?? '').split(';', 1)[0].trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : null;
}

/** null: none that is taken. */
export function bodyCompression(contentEncoding: string | undefined): BodyCompression | null {
  const encoding = (contentEncoding ?? '').trim().toLowerCase();
  if (encoding === '' || encoding === 'identity') return 'identity';
  if (encoding === 'gzip' || encoding === 'x-gzip') return 'gzip';
  return encoding === 'deflate' ? 'deflate' : null;
}

function send(response: ServerResponse, format: BodyFormat, status: number, body: Uint8Array): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = status;
  response.setHeader('Content-Type', format === 'json' ? 'application/json' : 'application/x-protobuf');
  response.setHeader('Content-Length', body.length);
  response.end(body);
}
