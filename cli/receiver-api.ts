/** Questions and changes over the API of a running receiver: lists to their end, refusals as errors. */
import { z } from 'zod';
import { DEFAULT_URL, detailOf, ReceiverClient, type ReceiverRequest } from './http-client.ts';
import type { Shell } from './shell.ts';

/** For how long a receiver that restarts, or is busy, is waited for. */
const PATIENCE_MS = 10_000;
/** What looks at a hundred thousand customers or signals takes its time. */
export const LONG_ANSWER_MS = 290_000;
/** Rows of a page, which is the most that the API gives. */
export const PAGE_ROWS = 10_000;

/** Flags of every command that asks a receiver. */
export interface ReceiverFlags {
  url?: string;
  json?: boolean;
}

/** Parameters of a URL, in order. */
export type Params = (readonly [name: string, value: string])[];

/** A problem (RFC 9457), as far as it is told. */
const ProblemBody = z.looseObject({
  code: z.string().optional(),
  detail: z.string().optional(),
  parameter: z.string().optional(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })).optional(),
});
type ProblemBody = z.infer<typeof ProblemBody>;

/** The receiver has understood, and says no. */
export class RefusedError extends Error {
  /** The API's own, stable. */
  readonly code: string;
  readonly retryable = false;
  readonly status: number;
  readonly problem: ProblemBody;
  constructor(url: string, status: number, body: unknown) {
    const parsed = ProblemBody.safeParse(body);
    const problem = parsed.success ? parsed.data : {};
    const [, ...others] = problem.errors ?? [];
    const lines = others.map(({ path, message }) => `\n  ${path}${path === '' ? '' : ': '}${message}`);
    super(
      (problem.detail ?? `the receiver at ${url} answers with ${status}${detailOf(body)}`) + lines.join(''),
    );
    this.name = 'RefusedError';
    this.code = problem.code ?? 'REFUSED';
    this.status = status;
    this.problem = problem;
  }
}

const List = z.looseObject({
  rows: z.array(z.unknown()),
  nextCursor: z.string().nullable(),
  completeUntil: z.string().optional(),
});

const Status = z.looseObject({ ledger: z.looseObject({ sequence: z.int() }) });

/** Rows of a list, and what stands beside them. */
export interface ListAnswer<Row> {
  rows: Row[];
  /** Where the next rows begin, if they were limited and there are more. */
  nextCursor: string | null;
  /** Up to when the answer is complete. */
  completeUntil?: string | undefined;
}

export class ReceiverApi {
  readonly #client: ReceiverClient;
  readonly #signal: AbortSignal | undefined;

  /**
   * @param options.signal ends whatever is under way
   * @throws ReceiverError "INVALID_URL"
   */
  constructor(
    flags: ReceiverFlags,
    shell: Shell,
    { patienceMs = PATIENCE_MS, signal }: { patienceMs?: number; signal?: AbortSignal } = {},
  ) {
    this.#signal = signal;
    this.#client = new ReceiverClient({
      url: flags.url ?? DEFAULT_URL,
      apiKey: shell.environment.USAGE_METER_API_KEY || undefined,
      patienceMs,
      onRetry: (reason) => shell.note(`${reason}; asking again`),
    });
  }

  get url(): string {
    return this.#client.url;
  }

  /** @throws RefusedError, ReceiverError */
  async get(path: string, params: Params = []): Promise<unknown> {
    return (await this.send({ method: 'GET', path: pathOf(path, params), isRepeatable: true })).body;
  }

  /**
   * Sends a change, or what is asked in a body.
   * @param path behind /api/v1
   * @throws RefusedError, ReceiverError
   */
  async send(request: ReceiverRequest): Promise<{ status: number; body: unknown }> {
    const signal = this.#signal === undefined ? {} : { signal: this.#signal };
    const answer = await this.#client.request({ ...signal, ...request, path: `/api/v1${request.path}` });
    if (answer.status < 200 || answer.status > 299)
      throw new RefusedError(this.#client.url, answer.status, answer.body);
    return answer;
  }

  /**
   * A name for what the ledger knows now, for the parameter `asOf`: pages that are asked for later do not mix it with
   * what comes meanwhile.
   * @throws RefusedError, ReceiverError
   */
  async presentState(): Promise<string> {
    const { ledger } = Status.parse(await this.get('/status', [['freshness', 'complete']]));
    return String(ledger.sequence);
  }

  /**
   * A list, by pages, to its end or so many rows.
   * @throws RefusedError, ReceiverError, ZodError where the answer is none of this release
   */
  async list<Row>(
    path: string,
    params: Params,
    row: z.ZodType<Row>,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<ListAnswer<Row>> {
    let all: ListAnswer<Row> | null = null;
    for await (const page of this.pages(path, params, row, limit)) {
      if (all === null) {
        all = page;
        continue;
      }
      // Complete is what the first page is; the later ones know more.
      for (const one of page.rows) all.rows.push(one);
      all.nextCursor = page.nextCursor;
    }
    return all!;
  }

  /** The pages of {@link list}, one after the other: the memory of one is needed. */
  async *pages<Row>(
    path: string,
    params: Params,
    row: z.ZodType<Row>,
    limit = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<ListAnswer<Row>> {
    const rows = z.array(row);
    let left = limit;
    let cursor: string | null = null;
    do {
      const size = String(Math.min(left, PAGE_ROWS));
      const after: Params = cursor === null ? [] : [['cursor', cursor]];
      const others = params.filter(([name]) => cursor === null || name !== 'cursor');
      const answer: z.infer<typeof List> = List.parse(
        await this.get(path, [...others, ['limit', size], ...after]),
      );
      yield { ...answer, rows: rows.parse(answer.rows) };
      cursor = answer.nextCursor;
      left -= answer.rows.length;
    } while (cursor !== null && left > 0);
  }
}

/** A path with its parameters, and with ids in it that {@link segment} has made. */
export function pathOf(path: string, params: Params): string {
  if (params.length === 0) return path;
  return `${path}?${new URLSearchParams(params.map(([name, value]): [string, string] => [name, value]))}`;
}

/** An id as a part of a path. */
export function segment(id: string): string {
  return encodeURIComponent(id);
}
