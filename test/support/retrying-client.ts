/** An OTLP client that does not give up: it sends a body until it is acknowledged, as exporters are told to. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Acknowledgement {
  /** How often the body was sent; the last time it was answered. */
  attempts: number;
  status: number;
  body: Buffer;
}

export interface RetryingClientOptions {
  /** Asked before each attempt, so a receiver may come back on another port. */
  url: () => string;
  path?: string;
  headers?: Record<string, string>;
  /** Gives up, loudly, when a body was not acknowledged for so long. */
  timeoutMs?: number;
}

const METRICS = '/v1/metrics';

/** What a single attempt came to: an answer, or the error that broke it. */
type Attempt = { status: number; body: Buffer; retryAfterSeconds: number | null } | { error: Error };

export class RetryingClient {
  readonly #options: RetryingClientOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  /** Attempts that were refused with 503, and that broke without an answer. */
  refused = 0;
  broken = 0;
  acknowledged = 0;

  constructor(options: RetryingClientOptions) {
    this.#options = options;
  }

  /**
   * @param accepted the answers that end it
   * @throws Error on another answer that no retry can change, and when the time is up
   */
  async send(
    body: Uint8Array,
    headers: Record<string, string> = {},
    accepted: readonly number[] = [200],
  ): Promise<Acknowledgement> {
    const { timeoutMs = 120_000, path = METRICS } = this.#options;
    const deadline = Date.now() + timeoutMs;
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.#attempt(body, headers);
      let pauseMs: number;
      if ('error' in attempt) {
        this.broken++;
        pauseMs = 50;
      } else if (accepted.includes(attempt.status)) {
        this.acknowledged++;
        return { attempts, status: attempt.status, body: attempt.body };
      } else if ([429, 502, 503, 504].includes(attempt.status)) {
        this.refused++;
        pauseMs = 1000 * (attempt.retryAfterSeconds ?? 0.05);
      } else {
        throw new Error(
          `${path} was answered with ${attempt.status}: ${attempt.body.toString().slice(0, 500)}`,
        );
      }
      if (Date.now() + pauseMs > deadline) {
        const last = 'error' in attempt ? attempt.error.message : `status ${attempt.status}`;
        throw new Error(
          `${path}: not acknowledged after ${timeoutMs} ms and ${attempts} attempts; last: ${last}`,
        );
      }
      await sleep(pauseMs);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #attempt(body: Uint8Array, headers: Record<string, string>): Promise<Attempt> {
    const { url, path = METRICS } = this.#options;
    return new Promise((resolve) => {
      const outgoing = request(
        new URL(path, url()),
        {
          method: 'POST',
          agent: this.#agent,
          timeout: 60_000,
          headers: {
            'content-type': 'application/x-protobuf',
            'content-length': String(body.length),
            ...this.#options.headers,
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const retryAfter = response.headers['retry-after'];
            resolve({
              status: response.statusCode ?? 0,
              body: Buffer.concat(chunks),
              retryAfterSeconds: retryAfter === undefined ? null : Number(retryAfter),
            });
          });
          // A killed receiver may cut its answer: whether it had said 200 is then not known.
          response.on('error', (error) => resolve({ error }));
        },
      );
      outgoing.on('error', (error) => resolve({ error }));
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 60 s')));
      outgoing.end(body);
    });
  }
}
