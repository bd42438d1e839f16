/** An OTLP/HTTP receiver that keeps what it gets and answers as a test tells it, with a plain reading of the JSON. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export type Answer =
  | { status: number; body?: string; headers?: Record<string, string> }
  /** Takes the body and never answers. */
  | 'hang'
  /** Takes the body and cuts the connection. */
  | 'cut';

export const ACCEPT: Answer = { status: 200, body: '{}' };

export interface CapturedRequest {
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  answer: Answer;
}

export interface CapturedPoint {
  name: string;
  unit: string;
  monotonic: boolean;
  temporality: number;
  attributes: Record<string, unknown>;
  start: bigint;
  time: bigint;
  /** The number as the JSON spells it: asInt or asDouble. */
  value: string;
  type: 'int' | 'double';
}

export interface CaptureServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly requests: CapturedRequest[];
  /** Answers of the next requests, first one first; then {@link ACCEPT}, or what `always` says. */
  answers: Answer[];
  /** Where it is set, every request is answered so; a function is asked with the request's points. */
  always: Answer | ((points: CapturedPoint[]) => Answer);
  /** Resolves when so many requests have come. */
  received(count: number): Promise<void>;
  /** Points of all requests that were answered with a 2xx. */
  accepted(): CapturedPoint[];
  close(): Promise<void>;
}

export async function startCaptureServer(port = 0): Promise<CaptureServer> {
  const requests: CapturedRequest[] = [];
  const waiters = new Set<() => void>();
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    let bytes = Buffer.concat(chunks);
    if (request.headers['content-encoding'] === 'gzip') bytes = gunzipSync(bytes);
    const body = bytes.toString('utf8');
    const answer =
      self.answers.shift() ?? (typeof self.always === 'function' ? self.always(pointsOf(body)) : self.always);
    requests.push({ url: request.url ?? '', headers: request.headers, body, answer });
    if (answer === 'cut') request.socket.destroy();
    else if (answer !== 'hang') {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body ?? '');
    }
    for (const waiter of waiters) waiter();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  const self: CaptureServer = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    requests,
    answers: [],
    always: ACCEPT,
    received: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (requests.length < count) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      }),
    accepted: () =>
      requests
        .filter(({ answer }) => typeof answer === 'object' && answer.status < 300)
        .flatMap(({ body }) => pointsOf(body)),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
    [Symbol.asyncDispose]: () => self.close(),
  };
  return self;
}

interface Json {
  // biome-ignore lint/suspicious/noExplicitAny: plain JSON of a captured body
  [key: string]: any;
}

/** The number data points of a request body. */
export function pointsOf(body: string): CapturedPoint[] {
  const points: CapturedPoint[] = [];
  for (const resource of (JSON.parse(body) as Json).resourceMetrics) {
    for (const scope of resource.scopeMetrics) {
      for (const metric of scope.metrics) {
        for (const point of metric.sum.dataPoints as Json[]) {
          const type = 'asInt' in point ? 'int' : 'double';
          points.push({
            name: metric.name,
            unit: metric.unit,
            monotonic: metric.sum.isMonotonic,
            temporality: metric.sum.aggregationTemporality,
            attributes: Object.fromEntries(
              point.attributes.map((attribute: Json) => [attribute.key, Object.values(attribute.value)[0]]),
            ),
            start: BigInt(point.startTimeUnixNano),
            time: BigInt(point.timeUnixNano),
            // A JSON number reads back as the double that wrote it, so its shortest form is what the body spells.
            value: String(type === 'int' ? point.asInt : point.asDouble),
            type,
          });
        }
      }
    }
  }
  return points;
}

/** What makes a point the same point. */
export function pointKey(point: CapturedPoint): string {
  const attributes = Object.entries(point.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([point.name, attributes, String(point.start), String(point.time), point.value]);
}

/** Exact totals per `customer dimension`, each point counted once however often it came. */
export function totals(points: CapturedPoint[]): Record<string, string> {
  const once = new Map(points.map((point) => [pointKey(point), point]));
  const sums = new Map<string, bigint>();
  for (const { attributes, value } of once.values()) {
    const key = `${attributes['usage.customer.id']} ${attributes['usage.dimension.id']}`;
    sums.set(key, (sums.get(key) ?? 0n) + pico(value));
  }
  return Object.fromEntries(Array.from(sums, ([key, sum]) => [key, decimal(sum)]));
}

/** A decimal text as an integer of 10^-12. */
export function pico(text: string): bigint {
  const [, sign, whole, fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text) ?? [];
  if (whole === undefined) throw new Error(`no decimal: ${text}`);
  const shift = 12 + Number(exponent) - fraction.length;
  const digits = BigInt(whole + fraction);
  if (shift < 0 && digits % 10n ** BigInt(-shift) !== 0n) throw new Error(`beyond twelve places: ${text}`);
  const magnitude = shift < 0 ? digits / 10n ** BigInt(-shift) : digits * 10n ** BigInt(shift);
  return sign === '-' ? -magnitude : magnitude;
}

/** The shortest text of an integer of 10^-12. */
export function decimal(sum: bigint): string {
  const magnitude = sum < 0n ? -sum : sum;
  const fraction = String(magnitude % 10n ** 12n)
    .padStart(12, '0')
    .replace(/0+$/, '');
  return `${sum < 0n ? '-' : ''}${magnitude / 10n ** 12n}${fraction === '' ? '' : `.${fraction}`}`;
}
