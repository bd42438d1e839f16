/** The OTLP/HTTP exporter of OpenTelemetry, and what the receiver really answered to it. */
import { readFileSync } from 'node:fs';
import { OTLPMetricExporterBase } from '@opentelemetry/exporter-metrics-otlp-http';
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
  /** One attempt, with the exporter's own retries inside its timeout. Never rejects; one at a time. */
  export(batch: UsageBatch): Promise<ExportOutcome>;
  /** The request body of a batch, the same at every call. */
  serialize(batch: UsageBatch): Uint8Array;
  /** @throws Error where a TLS file cannot be read */
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
  const http = convertLegacyHttpOptions(
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
    export(batch) {
      answer.clear();
      return new Promise((resolve) => {
        try {
          exporter.export(request(batch), ({ error }) => resolve(answer.outcome(error)));
        } catch (error) {
          resolve({ status: 'refused', error: error as Error });
        }
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

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

  outcome(error: Error | undefined): ExportOutcome {
    if (error !== undefined) return failure(error);
    if (this.#notOtlp !== null) {
      const what = `answered 200, but not as an OTLP receiver does: ${JSON.stringify(this.#notOtlp)}`;
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
function failure(error: Error): ExportOutcome {
  const status: unknown = 'code' in error ? error.code : undefined;
  if (status === 400 || status === 413) return { status: 'refused', error: withStatus(error, status) };
  if (typeof status !== 'number') return { status: 'failed', persistent: false, error };
  return { status: 'failed', persistent: status < 500, error: withStatus(error, status) };
}

function withStatus(error: Error, status: number): Error {
  const body = 'data' in error && typeof error.data === 'string' ? error.data.slice(0, 200) : '';
  return new Error(`the receiver answered ${status} ${error.message} ${body}`.trim(), { cause: error });
}

/** https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options */
function tlsFile(name: string): Buffer | undefined {
  const path =
    process.env[`OTEL_EXPORTER_OTLP_METRICS_${name}`]?.trim() ||
    process.env[`OTEL_EXPORTER_OTLP_${name}`]?.trim();
  return path ? readFileSync(path) : undefined;
}
