/**
 * A typed client of a receiver's API: every operation of its OpenAPI description by its name. The types are those of
 * the schemas by which the receiver reads and describes, and nothing else of it comes along.
 */
import type { z } from 'zod';
import type { Problem } from '../receiver/http/openapi/common.ts';
import type { Operations } from '../receiver/http/openapi/operations.ts';

export type { Problem } from '../receiver/http/openapi/common.ts';

/** `GET /api/v1/usage` and the like. Signals go by an OpenTelemetry SDK. */
export type OperationName = Exclude<keyof Operations, `POST /v1/${string}`>;

export interface ClientOptions {
  /** The receiver's, as http://127.0.0.1:4318. */
  url: string;
  /** One of the receiver's keys, where it has some. */
  apiKey?: string;
  /** In the place of the global fetch. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

type PathNames<Name> = Name extends `${string}{${infer One}}${infer Rest}` ? One | PathNames<Rest> : never;

/** Of a parameter that may come several times, one will do. `metadata` names keys, without the prefix `metadata.`. */
type Loose<Query> = {
  [Key in keyof Query]: Query[Key] extends readonly (infer One)[] | undefined ? Query[Key] | One : Query[Key];
};

type PathOption<Name> = [PathNames<Name>] extends [never]
  ? { path?: never }
  : { path: Record<PathNames<Name>, string> };

/** An object of which no field is required may be left out. */
type QueryOption<Operation> = Operation extends { query: infer Query extends z.ZodType }
  ? Record<never, never> extends z.input<Query>
    ? { query?: Loose<z.input<Query>> }
    : { query: Loose<z.input<Query>> }
  : { query?: never };

type BodyOption<Operation> = Operation extends { body: { 'application/json': infer Body extends z.ZodType } }
  ? { body: z.input<Body> }
  : { body?: never };

type HeadersOption<Operation> = Operation extends { headers: infer Headers extends z.ZodType }
  ? { headers?: z.input<Headers> }
  : { headers?: never };

/** What an operation takes. */
export type RequestOptions<Name extends OperationName> = PathOption<Name> &
  QueryOption<Operations[Name]> &
  BodyOption<Operations[Name]> &
  HeadersOption<Operations[Name]> & { signal?: AbortSignal };

type AnswerBody<Answer> = Answer extends { body: infer Body extends z.ZodType } ? z.output<Body> : undefined;

type Answers<Operation> = Operation extends { answers: infer All }
  ? { [Status in keyof All & (200 | 201 | 204)]: AnswerBody<All[Status]> }[keyof All & (200 | 201 | 204)]
  : never;

/** What an operation answers, as JSON. */
export type AnswerOf<Name extends OperationName> = Answers<Operations[Name]>;

/** Operations whose answers come in pages. */
export type ListName = {
  [Name in OperationName]: AnswerOf<Name> extends { rows: unknown[]; nextCursor: string | null }
    ? Name
    : never;
}[OperationName];

/** One row of a list. */
export type RowOf<Name extends ListName> = AnswerOf<Name> extends { rows: (infer Row)[] } ? Row : never;

/** Nothing to give: then the options may be left out. */
type Arguments<Options> = Record<never, never> extends Options ? [options?: Options] : [options: Options];

/** A request that was not answered as hoped for. */
export class UsageMeterError extends Error {
  /** The problem's; `UNREACHABLE` where there was no answer, `NOT_JSON` where it was none of the receiver's. */
  readonly code: string;
  /** The same request may succeed later. Records that have an `id` can be sent again without counting twice. */
  readonly retryable: boolean;
  /** Of HTTP; null where there was no answer. */
  readonly status: number | null;
  /** When to come again, where the receiver says so. */
  readonly retryAfterSeconds: number | null;
  /** What the receiver said; null where it said nothing. */
  readonly problem: Problem | null;

  constructor(
    message: string,
    fields: Pick<UsageMeterError, 'code' | 'retryable'> &
      Partial<Pick<UsageMeterError, 'status' | 'retryAfterSeconds' | 'problem' | 'cause'>>,
  ) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'UsageMeterError';
    this.code = fields.code;
    this.retryable = fields.retryable;
    this.status = fields.status ?? null;
    this.retryAfterSeconds = fields.retryAfterSeconds ?? null;
    this.problem = fields.problem ?? null;
  }
}

/** Operations as they are sent, whatever their names. */
interface SentOptions {
  path?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string | undefined>>;
  body?: unknown;
  signal?: AbortSignal;
}

export class UsageMeterClient {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: NonNullable<ClientOptions['fetch']>;

  constructor({ url, apiKey, fetch: ownFetch }: ClientOptions) {
    this.#url = url.replace(/\/+$/, '');
    this.#headers = apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
    this.#fetch = ownFetch ?? ((address, init) => fetch(address, init));
  }

  /**
   * Asks, and reads the answer as JSON.
   * @throws UsageMeterError for a problem, no answer, or one that is no JSON; what `signal` was aborted with
   */
  async request<Name extends OperationName>(
    name: Name,
    ...[options]: Arguments<RequestOptions<Name>>
  ): Promise<AnswerOf<Name>> {
    const response = await this.#send(name, options);
    if (response.status === 204) return undefined as AnswerOf<Name>;
    return (await jsonOf(response)) as AnswerOf<Name>;
  }

  /**
   * Asks, and hands the answer on as it comes: a statement as CSV, rows of SQL as Parquet.
   * @throws UsageMeterError for a problem, or no answer
   */
  async respond<Name extends OperationName>(
    name: Name,
    ...[options]: Arguments<RequestOptions<Name>>
  ): Promise<Response> {
    return await this.#send(name, options);
  }

  /**
   * The rows of all pages of a list, from the page on that `cursor` says.
   * @throws UsageMeterError as {@link request}
   */
  async *rows<Name extends ListName>(
    name: Name,
    ...[options]: Arguments<RequestOptions<Name>>
  ): AsyncGenerator<RowOf<Name>> {
    const asked: SentOptions = options ?? {};
    let { query } = asked;
    for (;;) {
      const response = await this.#send(name, { ...asked, ...(query === undefined ? {} : { query }) });
      const { rows, nextCursor } = (await jsonOf(response)) as {
        rows: RowOf<Name>[];
        nextCursor: string | null;
      };
      yield* rows;
      if (nextCursor === null) return;
      query = { ...query, cursor: nextCursor };
    }
  }

  async #send(name: OperationName, options: SentOptions = {}): Promise<Response> {
    const { path = {}, query = {}, headers = {}, body, signal } = options;
    const [method, template] = name.split(' ');
    const filled = template.replaceAll(/\{(\w+)\}/g, (_, each) => encodeURIComponent(path[each]));
    const parameters = searchOf(query);
    const address = `${this.#url}${filled}${parameters === '' ? '' : `?${parameters}`}`;
    const given = Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined);
    let response: Response;
    try {
      response = await this.#fetch(address, {
        method,
        headers: {
          ...this.#headers,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...Object.fromEntries(given),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const message = `${name}: there is no answer from ${this.#url}`;
      throw new UsageMeterError(message, { code: 'UNREACHABLE', retryable: true, cause: error });
    }
    if (response.ok) return response;
    throw await refusalOf(name, response);
  }
}

function searchOf(query: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  const add = (name: string, value: unknown): void => {
    if (value === undefined) return;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  };
  for (const [name, value] of Object.entries(query)) {
    if (name !== 'metadata') add(name, value);
    else for (const [key, values] of Object.entries(value ?? {})) add(`metadata.${key}`, values);
  }
  return parameters.toString();
}

/** @throws UsageMeterError */
async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    const type = response.headers.get('content-type');
    throw new UsageMeterError(`the answer of ${response.url} is not JSON (Content-Type ${type})`, {
      code: 'NOT_JSON',
      retryable: false,
      status: response.status,
      cause: error,
    });
  }
}

async function refusalOf(name: string, response: Response): Promise<UsageMeterError> {
  const { status } = response;
  const text = await response.text().catch(() => '');
  const problem = problemIn(text);
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new UsageMeterError(`${name}: ${problem?.detail ?? `status ${status}`}`, {
    code: problem?.code ?? `HTTP_${status}`,
    retryable: status === 429 || status >= 502,
    status,
    retryAfterSeconds: Number.isFinite(after) ? after : null,
    problem,
  });
}

/** null where somebody else has answered, as a proxy does. */
function problemIn(text: string): Problem | null {
  try {
    const value = JSON.parse(text) as Problem | null;
    return typeof value?.code === 'string' ? value : null;
  } catch {
    return null;
  }
}
