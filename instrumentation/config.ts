/** Settings of a usage meter: options in code, then OTEL_USAGE_* and the standard OTEL_* variables, then defaults. */
import type { Attributes } from '@opentelemetry/api';
import * as z from 'zod';
import { log } from './log.ts';
import type { DimensionOptions } from './usage-aggregation.ts';

/** Options of `createUsageMeter`. All are optional; what is missing comes from the environment. */
export interface UsageMeterOptions {
  /** Base address of the receiver; `/v1/metrics` is added. Before it: nothing. After it: OTEL_USAGE_ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT, http://localhost:4318. */
  endpoint?: string | undefined;
  /** Sent with every request, beside those of OTEL_EXPORTER_OTLP_HEADERS, _METRICS_HEADERS and OTEL_USAGE_HEADERS. */
  headers?: Record<string, string> | undefined;
  /** What the application says about its dimensions: unit, whether credits are allowed. */
  dimensions?: Record<string, DimensionOptions> | undefined;
  /** Attributes of the resource, before those of the environment. */
  resource?: Attributes | undefined;
  /** How often usage is sent. Usage that is not sent is only in memory. Default 10 000, OTEL_METRIC_EXPORT_INTERVAL. */
  exportIntervalMillis?: number | undefined;
  /** How long one request may take, its retries included. Default 10 000, OTEL_EXPORTER_OTLP_TIMEOUT. */
  requestTimeoutMillis?: number | undefined;
  /** How long `flush` tries. Default 30 000, OTEL_METRIC_EXPORT_TIMEOUT. */
  flushTimeoutMillis?: number | undefined;
  /** How long the end of the process may be delayed for usage. Default 5 000, OTEL_USAGE_SHUTDOWN_TIMEOUT. */
  shutdownTimeoutMillis?: number | undefined;
  /** Series summed in memory; when there are as many, they are sent at once. Default 50 000, OTEL_USAGE_MAX_SERIES. */
  maxSeries?: number | undefined;
  /** Data points kept while the receiver is away. Default 200 000, OTEL_USAGE_MAX_PENDING_POINTS. */
  maxPendingPoints?: number | undefined;
  /** Data points of one request. Default 5 000. */
  pointsPerRequest?: number | undefined;
  /** Send what is left when the process ends (beforeExit, exit, SIGTERM, SIGINT). Default true. */
  handleProcessEnd?: boolean | undefined;
}

/** Variables by name, as `process.env` has them; not its own type, which an application without Node's types lacks. */
type Environment = Readonly<Record<string, string | undefined>>;

export interface UsageMeterConfig {
  disabled: boolean;
  /** Full address of the metrics route; undefined leaves it to the exporter, which reads OTEL_EXPORTER_OTLP_*. */
  url: string | undefined;
  /** Why no address can be taken from the environment: then nothing may be sent, to nobody. Null where one can. */
  endpointFault: string | null;
  /** Those of the environment and of the options together. */
  headers: Record<string, string>;
  dimensions: Record<string, DimensionOptions>;
  resource: Attributes;
  exportIntervalMillis: number;
  requestTimeoutMillis: number | undefined;
  flushTimeoutMillis: number;
  shutdownTimeoutMillis: number;
  maxSeries: number;
  maxPendingPoints: number;
  pointsPerRequest: number;
  handleProcessEnd: boolean;
}

// setTimeout takes no more.
const millis = z.number().int().min(1).max(2_147_483_647);
const count = z.number().int().min(1);
const endpoint = z.url({ protocol: /^https?$/, error: 'expected an http or https URL' });
const attributeValue = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.string()),
  z.array(z.number()),
  z.array(z.boolean()),
]);
const optionsSchema: z.ZodType<UsageMeterOptions> = z.strictObject({
  endpoint: endpoint.optional(),
  headers: z.record(z.string(), z.string()).optional(),
  dimensions: z
    .record(
      z.string().min(1),
      z.strictObject({
        // UCUM's case sensitive codes are printable ASCII without spaces.
        unit: z
          .string()
          .regex(/^[!-~]{1,63}$/, 'expected a UCUM code')
          .optional(),
        creditsAllowed: z.boolean().optional(),
      }),
    )
    .optional(),
  resource: z.record(z.string(), attributeValue).optional(),
  exportIntervalMillis: millis.optional(),
  requestTimeoutMillis: millis.optional(),
  flushTimeoutMillis: millis.optional(),
  shutdownTimeoutMillis: millis.optional(),
  maxSeries: count.optional(),
  maxPendingPoints: count.optional(),
  pointsPerRequest: count.optional(),
  handleProcessEnd: z.boolean().optional(),
});

/**
 * @throws TypeError where an option is wrong, saying which. A wrong variable only warns: the default holds, but for addresses:
 * usage must not go to another receiver than was meant, so a wrong one is `endpointFault`.
 */
export function usageMeterConfig(options: UsageMeterOptions, env: Environment): UsageMeterConfig {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) throw new TypeError(`usage meter options: ${z.prettifyError(parsed.error)}`);
  const given = parsed.data;
  const address = given.endpoint === undefined ? endpointFromEnv(env) : { url: metricsUrl(given.endpoint) };
  return {
    disabled: env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true',
    url: address.url,
    endpointFault: address.fault ?? null,
    headers: {
      ...headersFromEnv(env, 'OTEL_EXPORTER_OTLP_HEADERS'),
      ...headersFromEnv(env, 'OTEL_EXPORTER_OTLP_METRICS_HEADERS'),
      ...headersFromEnv(env, 'OTEL_USAGE_HEADERS'),
      ...given.headers,
    },
    dimensions: given.dimensions ?? {},
    resource: given.resource ?? {},
    exportIntervalMillis:
      given.exportIntervalMillis ?? fromEnv(env, 'OTEL_METRIC_EXPORT_INTERVAL', numeric(millis)) ?? 10_000,
    requestTimeoutMillis: given.requestTimeoutMillis,
    flushTimeoutMillis:
      given.flushTimeoutMillis ?? fromEnv(env, 'OTEL_METRIC_EXPORT_TIMEOUT', numeric(millis)) ?? 30_000,
    shutdownTimeoutMillis:
      given.shutdownTimeoutMillis ?? fromEnv(env, 'OTEL_USAGE_SHUTDOWN_TIMEOUT', numeric(millis)) ?? 5_000,
    maxSeries: given.maxSeries ?? fromEnv(env, 'OTEL_USAGE_MAX_SERIES', numeric(count)) ?? 50_000,
    maxPendingPoints:
      given.maxPendingPoints ?? fromEnv(env, 'OTEL_USAGE_MAX_PENDING_POINTS', numeric(count)) ?? 200_000,
    pointsPerRequest: given.pointsPerRequest ?? 5_000,
    handleProcessEnd: given.handleProcessEnd ?? true,
  };
}

function numeric(schema: z.ZodType<number, number>) {
  return z.string().transform(Number).pipe(schema);
}

/** The first of these that is set decides, right or wrong. */
const ENDPOINT_VARIABLES = [
  'OTEL_USAGE_ENDPOINT',
  'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
];

function endpointFromEnv(env: Environment): { url?: string; fault?: string } {
  const name = ENDPOINT_VARIABLES.find((variable) => (env[variable]?.trim() ?? '') !== '');
  if (name === undefined) return {};
  const text = env[name]!.trim();
  if (!endpoint.safeParse(text).success) {
    const meant = `http://${text}`;
    const example = URL.canParse(meant) && !text.includes('://') ? meant : 'http://127.0.0.1:4318';
    return {
      fault: `${name}=${JSON.stringify(text)}: expected an http or https URL, like ${example}`,
    };
  }
  // The standard variables are the exporter's: it knows which of them is a base and which a whole address.
  return name === 'OTEL_USAGE_ENDPOINT' ? { url: metricsUrl(text) } : {};
}

/** A variable that is empty or blank counts as unset. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
function fromEnv<T>(env: Environment, name: string, schema: z.ZodType<T>): T | undefined {
  const text = env[name]?.trim();
  if (text === undefined || text === '') return undefined;
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  log.warn(`usage: ${name}=${JSON.stringify(text)} is ignored: ${z.prettifyError(parsed.error)}`);
  return undefined;
}

/** `key=value,key2=value2`, percent-encoded. https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables */
function headersFromEnv(env: Environment, name: string): Record<string, string> {
  const headers: Record<string, string> = {};
  const text = env[name]?.trim();
  if (text === undefined || text === '') return headers;
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const border = pair.indexOf('=');
    try {
      if (border < 1) throw new Error('expected key=value');
      headers[pair.slice(0, border).trim()] = decodeURIComponent(pair.slice(border + 1).trim());
    } catch {
      // Not the pair itself: it may be a key.
      log.warn(`usage: one pair of ${name} is ignored: expected key=value, percent-encoded`);
    }
  }
  return headers;
}

function metricsUrl(base: string): string {
  const url = new URL(base);
  if (!/\/v1\/metrics\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/metrics`;
  return url.href;
}
