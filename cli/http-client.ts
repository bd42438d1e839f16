/** A client of a running receiver: its address, its key, and patience while it is away for a moment. */
import { setTimeout as sleep } from 'node:timers/promises';

export const DEFAULT_URL = 'http://127.0.0.1:4318';

/** Longer than any answer takes that is worth waiting for; what was sent may be on disk all the same. */
const ANSWER_TIMEOUT_MS = 120_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

/** Statuses of a receiver, or of a proxy before it, that may be well again in a moment. */
const PASSING = new Set([429, 502, 503, 504]);

export interface ReceiverClientOptions {
  /** Address of the receiver, with a path before /api where a proxy adds one. */
  url: string;
  /** Sent as `Authorization: Bearer`. */
  apiKey: string | undefined;
  /** For how long a request is tried again while the receiver does not answer, in milliseconds. */
  patienceMs: number;
  /** Told before each pause: why, and how long it lasts. */
  onRetry?: (reason: string, pauseMs: number) => void;
}

export interface ReceiverRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root of the receiver, with the query: `/api/v1/usage?window=day`. */
  path: string;
  /** JSON text. */
  body?: string;
  headers?: Record<string, string>;
  /**
   * Whether the same request twice is as good as once. One that is not is tried again only where the receiver said
   * that it did not take it.
   */
  isRepeatable: boolean;
  /** How long an answer may take, at most five minutes; the default is two. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface ReceiverAnswer {
  status: number;
  /** Parsed where it is JSON, else its text. */
  body: unknown;
}

/** The receiver cannot be asked. */
export class ReceiverError extends Error {
  readonly code: 'INVALID_URL' | 'UNREACHABLE' | 'UNAVAILABLE' | 'UNAUTHORIZED';
  /** Asking again later may succeed. */
  readonly retryable: boolean;
  constructor(code: ReceiverError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ReceiverError';
    this.code = code;
    this.retryable = code === 'UNREACHABLE' || code === 'UNAVAILABLE';
  }
}

export class ReceiverClient {
  readonly url: string;
  readonly #options: ReceiverClientOptions;

  /** @throws ReceiverError "INVALID_URL" */
  constructor(options: ReceiverClientOptions) {
    if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol)) {
      throw new ReceiverError(
        'INVALID_URL',
        `the receiver's address must be a URL like ${DEFAULT_URL} (got "${options.url}")`,
      );
    }
    this.url = options.url.replace(/\/+$/, '');
    this.#options = options;
  }

  /**
   * Asks, and asks again while the receiver is away: when it says 503 after the pause that it names, else after
   * pauses that grow.
   * @returns any answer that another try would not change, also errors such as 400
   * @throws ReceiverError "UNREACHABLE" or "UNAVAILABLE" when patience ends, "UNAUTHORIZED"
   */
  async request(request: ReceiverRequest): Promise<ReceiverAnswer> {
    const giveUpAt = Date.now() + this.#options.patienceMs;
    for (let attempt = 0; ; attempt++) {
      const { answer, failure, pauseMs } = await this.#attempt(request);
      if (answer !== undefined) return answer;
      const pause = Math.max(pauseMs, Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS));
      const mayRepeat = request.isRepeatable || failure.code === 'UNAVAILABLE';
      if (!mayRepeat || Date.now() + pause > giveUpAt) throw failure;
      this.#options.onRetry?.(failure.message, pause);
      await sleep(pause, undefined, request.signal === undefined ? {} : { signal: request.signal });
    }
  }

  async #attempt(
    request: ReceiverRequest,
  ): Promise<
    | { answer: ReceiverAnswer; failure?: undefined; pauseMs?: undefined }
    | { answer?: undefined; failure: ReceiverError; pauseMs: number }
  > {
    const { apiKey } = this.#options;
    const timeout = AbortSignal.timeout(request.timeoutMs ?? ANSWER_TIMEOUT_MS);
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.url + request.path, {
        method: request.method,
        headers: {
          Accept: 'application/json',
          ...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
          ...request.headers,
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]),
        // A redirect would turn a POST into a GET.
        redirect: 'error',
      });
      text = await response.text();
    } catch (error) {
      if (request.signal?.aborted) throw error;
      const message = `the receiver at ${this.url} does not answer: ${reasonOf(error)}`;
      return { failure: new ReceiverError('UNREACHABLE', message, error), pauseMs: 0 };
    }
    if (PASSING.has(response.status)) {
      const message = `the receiver at ${this.url} says ${response.status}${detailOf(parsed(text))}`;
      return {
        failure: new ReceiverError('UNAVAILABLE', message),
        pauseMs: retryAfterMs(response.headers.get('Retry-After')),
      };
    }
    if (response.status === 401 || response.status === 403) {
      throw new ReceiverError(
        'UNAUTHORIZED',
        `the receiver at ${this.url} refuses the API key (${response.status}): set USAGE_METER_API_KEY`,
      );
    }
    return { answer: { status: response.status, body: parsed(text) } };
  }
}

/** What a problem (RFC 9457) says, to follow a status: `: the disk is full`. Empty where it says nothing. */
export function detailOf(body: unknown): string {
  if (typeof body === 'string') return body === '' ? '' : `: ${body.slice(0, 200)}`;
  if (typeof body !== 'object' || body === null) return '';
  const { detail, title } = body as { detail?: unknown; title?: unknown };
  const said = detail ?? title;
  return typeof said === 'string' ? `: ${said}` : '';
}

/** Seconds or a date, as RFC 9110 has it; 0 where it is neither. */
function retryAfterMs(header: string | null): number {
  if (header === null) return 0;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** fetch says only "fetch failed"; the system's own words are in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message || String((cause as { code?: string }).code) : error.message;
}
