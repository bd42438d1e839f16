/** The OTLP/HTTP exporter of OpenTelemetry, and what the receiver really answered to it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { OTLPMetricExporterBase } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPExporterError } from '@opentelemetry/otlp-exporter-base';
import {
  convertLegacyHttpOptions,
  createOtlpHttpExportDelegate,
} from '@opentelemetry/otlp-exporter-base/node-http';
import {
  type IExportMetricsServiceResponse,
  type ISerializer,
  JsonMetricsSerializer,
  MetricsExporterMetricsHelper,
} from '@opentelemetry/otlp-transformer';
import type { Resource } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { answerTrouble, connectionTrouble, shownUrl } from './endpoint-trouble.ts';
import type { UsageBatch } from './usage-aggregation.ts';
import { VERSION } from './version.ts';

export type ExportOutcome =
  /** On the receiver's disk. `rejected` points and `message` come from a partial success. */
  | { status: 'accepted'; rejected: number; message: string }
  /** These bytes will never be taken as they are: bad, or too large. */
  | { status: 'refused'; error: Error }
  /** Not taken now. `persistent` where waiting alone will not help: a wrong address or key. */
  | { status: 'failed'; persistent: boolean; error: Error };

/** Where requests go, for the sender of last resort at the process's exit. */
export interface Target {
  url: string;
  headers: Record<string, string>;
  gzip: boolean;
  tls: { ca: Buffer | undefined; cert: Buffer | undefined; key: Buffer | undefined };
}

export interface UsageExporter {
  /** Where it sends, for messages. */
  readonly address: string;
  /**
   * One attempt, with the exporter's own retries inside its timeout. Never rejects; one at a time.
   * @param retrying is told why a try failed that another follows
   */
  export(batch: UsageBatch, retrying: (error: Error) => void): Promise<ExportOutcome>;
  /** The request body of a batch, the same at every call. */
  serialize(batch: UsageBatch): Uint8Array;
  /** @throws Error where a TLS file cannot be read, or nobody knows where to send */
  target(): Target;
  shutdown(): Promise<void>;
}

const USER_AGENT = `otel-usage-meter/${VERSION}`;

export interface ExporterOptions {
  /** Full address of the metrics route; undefined leaves it to OTEL_EXPORTER_OTLP_*. */
  url?: string | undefined;
  /** All of them, those of the environment too. */
  headers: Record<string, string>;
  timeoutMillis?: number | undefined;
}

/** @param options what goes before the standard OTEL_EXPORTER_OTLP_* variables */
export function createUsageExporter(resource: Resource, options: ExporterOptions): UsageExporter {
  const answer = new AnswerReader();
  const standard = convertLegacyHttpOptions(
    {
      ...(options.url === undefined ? {} : { url: options.url }),
      headers: options.headers,
      ...(options.timeoutMillis === undefined ? {} : { timeoutMillis: options.timeoutMillis }),
      userAgent: USER_AGENT,
    },
    'METRICS',
    'v1/metrics',
    { 'Content-Type': 'application/json' },
  );
  const address = shownUrl(standard.url);
  const tries = new TryWatcher(address);
  const http = {
    ...standard,
    agentFactory: async (protocol: string) => tries.watch(await standard.agentFactory(protocol)),
  };
  const exporter = new OTLPMetricExporterBase(
    createOtlpHttpExportDelegate(
      http,
      answer,
      'otlp_http_metric_exporter',
      MetricsExporterMetricsHelper,
      undefined,
    ),
  );
  const request = (batch: UsageBatch): ResourceMetrics => ({ resource, scopeMetrics: batch.scopeMetrics });

  return {
    address,
    target: () => ({
      url: http.url,
      headers: { ...options.headers, 'Content-Type': 'application/json', 'User-Agent': USER_AGENT },
      gzip: http.compression === 'gzip',
      tls: {
        ca: tlsFile('CERTIFICATE'),
        cert: tlsFile('CLIENT_CERTIFICATE'),
        key: tlsFile('CLIENT_KEY'),
      },
    }),
    serialize: (batch) => answer.serializeRequest(request(batch)),
    export(batch, retrying) {
      answer.clear();
      tries.begin(retrying);
      return new Promise((resolve) => {
        try {
          exporter.export(request(batch), ({ error }) => {
            resolve(error === undefined ? answer.outcome(address) : failure(address, error, tries.trouble));
          });
        } catch (error) {
          resolve({ status: 'refused', error: error as Error });
        }
      });
    },
    async shutdown() {
      await exporter.shutdown();
      tries.end();
    },
  };
}

/** Where nobody knows where to send: nothing is sent, and all of it is kept as while a receiver is away. */
export function createRefusingExporter(fault: string): UsageExporter {
  const error = new Error(`nothing is sent: ${fault}`);
  const refuse = () => {
    throw error;
  };
  return {
    address: 'nowhere',
    target: refuse,
    serialize: refuse,
    export: () => Promise.resolve({ status: 'failed', persistent: true, error }),
    shutdown: () => Promise.resolve(),
  };
}

/**
 * Sees why single tries fail while the exporter repeats them, which it does for seconds and tells nobody: by Node's
 * channels, of which only requests of the exporter's own agent count.
 * https://nodejs.org/api/diagnostics_channel.html#http
 */
class TryWatcher {
  readonly #address: string;
  #agent: unknown = null;
  #retrying: (error: Error) => void = () => {};
  /** Why the latest try of this attempt failed. */
  trouble: Error | null = null;

  constructor(address: string) {
    this.#address = address;
  }

  begin(retrying: (error: Error) => void): void {
    this.trouble = null;
    this.#retrying = retrying;
  }

  watch<Agent>(agent: Agent): Agent {
    this.#agent = agent;
    subscribe('http.client.request.error', this.#onError);
    subscribe('http.client.response.finish', this.#onResponse);
    return agent;
  }

  end(): void {
    unsubscribe('http.client.request.error', this.#onError);
    unsubscribe('http.client.response.finish', this.#onResponse);
  }

  readonly #onError = (event: unknown): void => {
    const { request, error } = event as { request: ClientRequest & { agent?: unknown }; error: Error };
    if (request.agent !== this.#agent) return;
    const code = codeOf(error);
    // A request that the exporter gave up after its timeout ends so, too, and the exporter says that better.
    if (code === 'ECONNRESET' || typeof code !== 'string') return;
    this.#failed(new Error(connectionTrouble(this.#address, code, error.message), { cause: error }));
  };

  readonly #onResponse = (event: unknown): void => {
    const { request, response } = event as {
      request: ClientRequest & { agent?: unknown };
      response: IncomingMessage;
    };
    const status = response.statusCode;
    if (request.agent !== this.#agent || status === undefined || !RETRIED_STATUSES.has(status)) return;
    this.#failed(new Error(answerTrouble(this.#address, status, response.statusMessage)));
  };

  #failed(error: Error): void {
    this.trouble = error;
    this.#retrying(error);
  }
}

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Reads the body of a 2xx, which the exporter itself only logs, each time it comes. Anything can answer 200 to
 * anything; only an OTLP answer says that usage was accepted.
 */
class AnswerReader implements ISerializer<ResourceMetrics, IExportMetricsServiceResponse> {
  #response: IExportMetricsServiceResponse = {};
  #notOtlp: string | null = null;

  clear(): void {
    this.#response = {};
    this.#notOtlp = null;
  }

  serializeRequest(request: ResourceMetrics): Uint8Array {
    const bytes = JsonMetricsSerializer.serializeRequest(request);
    if (bytes === undefined) throw new Error('the serializer gave no bytes');
    return bytes;
  }

  deserializeResponse(bytes: Uint8Array): IExportMetricsServiceResponse {
    const text = new TextDecoder().decode(bytes);
    try {
      // Some backends answer nothing at all, which is an empty response too.
      const response: unknown = text.trim() === '' ? {} : JSON.parse(text);
      if (typeof response !== 'object' || response === null) throw new TypeError('not an object');
      this.#response = response as IExportMetricsServiceResponse;
    } catch {
      this.#notOtlp = text.slice(0, 80);
    }
    // Empty, so that the exporter does not log it once more.
    return {};
  }

  /** What a 2xx means. */
  outcome(address: string): ExportOutcome {
    if (this.#notOtlp !== null) {
      const what = `${address} answered 200, but not as an OTLP receiver does: ${JSON.stringify(this.#notOtlp)}`;
      return { status: 'failed', persistent: true, error: new Error(what) };
    }
    const partial = this.#response.partialSuccess;
    // An int64 in JSON is a string or a number.
    const rejected = Number(partial?.rejectedDataPoints ?? 0);
    return {
      status: 'accepted',
      rejected: Number.isFinite(rejected) ? rejected : 0,
      message: typeof partial?.errorMessage === 'string' ? partial.errorMessage : '',
    };
  }
}

/**
 * What a status means for usage. 400 and 413 are about these bytes. Everything else is about the way to the
 * receiver, and somebody can repair it while the usage waits; stock clients drop it on 401, 404 or 500.
 */
function failure(address: string, cause: Error, trouble: Error | null): ExportOutcome {
  const code = codeOf(cause);
  if (typeof code === 'number') {
    const body = 'data' in cause && typeof cause.data === 'string' ? cause.data.slice(0, 200) : '';
    const error = new Error(answerTrouble(address, code, `${cause.message} ${body}`.trim()), { cause });
    if (code === 400 || code === 413) return { status: 'refused', error };
    return { status: 'failed', persistent: code < 500, error };
  }
  // The last status that it tried again after is all that the exporter does not say.
  if (cause instanceof OTLPExporterError && trouble !== null) {
    return { status: 'failed', persistent: false, error: trouble };
  }
  const error = new Error(connectionTrouble(address, code, cause.message), { cause });
  return { status: 'failed', persistent: false, error };
}

/** The status of an answer, or what Node calls the error. */
function codeOf(error: Error): number | string | undefined {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'number' || typeof code === 'string' ? code : undefined;
}

/** https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options */
function tlsFile(name: string): Buffer | undefined {
  const path =
    process.env[`OTEL_EXPORTER_OTLP_METRICS_${name}`]?.trim() ||
    process.env[`OTEL_EXPORTER_OTLP_${name}`]?.trim();
  return path ? readFileSync(path) : undefined;
}
