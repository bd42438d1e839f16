/** Who answers a query: a running receiver, or a process over a lake's files on this machine. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { SqlError } from '../../receiver/sql/sql-error.ts';
import { SqlPool } from '../../receiver/sql/sql-pool.ts';
import { DEFAULT_URL, ReceiverError } from '../http-client.ts';
import { RefusedError } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';

export interface SqlQuestion {
  query: string;
  format: 'csv' | 'json' | 'parquet' | 'arrow';
  rows: number;
  seconds: number;
  signal: AbortSignal;
}

export interface SqlSource {
  /** @throws RefusedError, ReceiverError, SqlError; the stream breaks off where the rest cannot follow */
  ask(question: SqlQuestion): Promise<{ asOf: string; bytes: Readable }>;
  close(): Promise<void>;
}

/** For how long a receiver that starts, or is busy, is asked again. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 1_000;

export class ReceiverSource implements SqlSource {
  readonly #url: string;
  readonly #apiKey: string | undefined;
  readonly #note: (text: string) => void;

  constructor(url: string = DEFAULT_URL, shell: Shell) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new ReceiverError(
        'INVALID_URL',
        `the receiver's address must be a URL like ${DEFAULT_URL} (got "${url}")`,
      );
    this.#url = url.replace(/\/+$/, '');
    this.#apiKey = shell.environment.USAGE_METER_API_KEY || undefined;
    this.#note = (text) => shell.note(text);
  }

  async ask(question: SqlQuestion): Promise<{ asOf: string; bytes: Readable }> {
    const giveUpAt = Date.now() + PATIENCE_MS;
    for (;;) {
      const response = await this.#post(question);
      if (response.status === 200 && response.body !== null) {
        return {
          asOf: response.headers.get('Usage-As-Of') ?? '',
          bytes: Readable.fromWeb(response.body as import('node:stream/web').ReadableStream),
        };
      }
      const refused = new RefusedError(this.#url, response.status, await jsonOf(response));
      if (response.status !== 503 || Date.now() > giveUpAt) throw located(refused, refused.problem);
      this.#note(`${refused.message}; asking again`);
      await sleep(PAUSE_MS, undefined, { signal: question.signal });
    }
  }

  async close(): Promise<void> {}

  async #post({ query, format, rows, seconds, signal }: SqlQuestion): Promise<Response> {
    try {
      return await fetch(`${this.#url}/api/v1/sql`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(this.#apiKey === undefined ? {} : { Authorization: `Bearer ${this.#apiKey}` }),
        },
        body: JSON.stringify({ query, format, limits: { rows, seconds } }),
        signal,
        redirect: 'error',
      });
    } catch (error) {
      if (signal.aborted) throw error;
      const { cause } = error as Error;
      throw new ReceiverError(
        'UNREACHABLE',
        `the receiver at ${this.#url} does not answer: ${cause instanceof Error ? cause.message : String(error)}`,
        error,
      );
    }
  }
}

/** The same processes as a receiver's, so that a query does and says the same. */
export class LakeSource implements SqlSource {
  readonly #pool: SqlPool;

  constructor(lakeDirectory: string) {
    this.#pool = new SqlPool({ lakeDirectory, processes: 1, maxWaiting: 100 });
  }

  async ask({
    query,
    format,
    rows,
    seconds,
    signal,
  }: SqlQuestion): Promise<{ asOf: string; bytes: Readable }> {
    try {
      return await this.#pool.run({
        sql: query,
        format,
        maxRows: rows,
        maxMilliseconds: seconds * 1000,
        signal,
      });
    } catch (error) {
      throw error instanceof SqlError ? located(error, error.position) : error;
    }
  }

  async close(): Promise<void> {
    await this.#pool.stop();
  }
}

/** Says where in the query it is. */
function located<Refusal extends Error>(error: Refusal, place: object | null): Refusal {
  const { line, column } = (place ?? {}) as { line?: unknown; column?: unknown };
  if (typeof line === 'number' && typeof column === 'number')
    error.message += ` (line ${line}, column ${column})`;
  return error;
}

async function jsonOf(response: Response): Promise<unknown> {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
