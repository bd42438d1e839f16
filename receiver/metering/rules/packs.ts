/**
 * Rules ready made for what OpenTelemetry's semantic conventions describe: one line of configuration turns a pack on.
 *
 * Sources: https://opentelemetry.io/docs/specs/semconv/gen-ai/ and https://opentelemetry.io/docs/specs/semconv/http/
 */
import { z } from 'zod';
import { DimensionDeclaration, ResourceId } from '../../../storage/resources.ts';
import { type MatchNode, MeterRule, Paths } from './meter-rule.ts';

/**
 * Where a pack looks for the customer: our own attribute, then names in common use, on the signal before its resource.
 * `enduser.id` comes last: it is a person, who may belong to the customer that another attribute names.
 */
export const DEFAULT_CUSTOMER_PATHS: readonly string[] = [
  'attributes["usage.customer.id"]',
  'attributes["customer.id"]',
  'attributes["tenant.id"]',
  'attributes["enduser.id"]',
  'resource["usage.customer.id"]',
  'resource["customer.id"]',
  'resource["tenant.id"]',
  'resource["enduser.id"]',
];

const customer = Paths.default([...DEFAULT_CUSTOMER_PATHS]).describe(
  'Where the customer is found: the first path with a value',
);
const defaultCustomer = ResourceId.nullable()
  .default(null)
  .describe('The customer of signals that name none; without it they are quarantined');
const metadata = z
  .record(z.string().min(1).max(256), Paths)
  .default({})
  .describe('What is kept besides the pack’s own metadata: names to paths');

export const GenAiPackOptions = z.strictObject({
  customer,
  defaultCustomer,
  metadata,
  /** Both count an operation twice where it is both a span and a log event. */
  signals: z
    .array(z.enum(['spans', 'logs']))
    .min(1)
    .max(2)
    .default(['spans']),
  /** Operations whose tokens are those of operations within them, each of which has a span of its own. */
  ignoredOperations: z
    .array(z.string().min(1))
    .default(['invoke_agent', 'invoke_workflow', 'create_agent', 'execute_tool']),
  /** A model server's own span of a request repeats the client's. */
  spanKinds: z
    .array(z.enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']))
    .min(1)
    .default(['unspecified', 'internal', 'client']),
});

export const HttpServerPackOptions = z.strictObject({ customer, defaultCustomer, metadata });

export const PACK_OPTIONS = { gen_ai: GenAiPackOptions, http_server: HttpServerPackOptions } as const;
export type PackName = keyof typeof PACK_OPTIONS;
export const PACK_NAMES = Object.keys(PACK_OPTIONS) as PackName[];

export interface Pack {
  dimensions: DimensionDeclaration[];
  meters: MeterRule[];
}

/**
 * The dimensions and meters of a pack.
 * @param options as people write them; see {@link PACK_OPTIONS}
 * @throws ZodError whose issues have the path of the option, or of the rule's field that it made wrong
 */
export function pack(name: PackName, options: unknown = {}): Pack {
  return name === 'gen_ai'
    ? genAiPack(GenAiPackOptions.parse(options))
    : httpServerPack(HttpServerPackOptions.parse(options));
}

/** The event that carries an inference's attributes where its span does not. */
const INFERENCE_EVENT = 'gen_ai.client.inference.operation.details';

const TOKENS = [
  {
    id: 'gen_ai.input_tokens',
    name: 'Input tokens',
    // The second name is that of the conventions before 1.27.
    keys: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
  },
  {
    id: 'gen_ai.output_tokens',
    name: 'Output tokens',
    keys: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
  },
];

function genAiPack(options: z.infer<typeof GenAiPackOptions>): Pack {
  const { signals, ignoredOperations, spanKinds } = options;
  const dimensions = TOKENS.map(({ id, name }) => DimensionDeclaration.parse({ id, name, unit: '{token}' }));
  const ofSignal: MatchNode[] = [];
  if (signals.includes('spans')) ofSignal.push({ path: 'kind', in: spanKinds });
  if (signals.includes('logs')) {
    ofSignal.push({ path: 'event_name', eq: INFERENCE_EVENT });
    // Where SDKs put an event's name before logs had a field for it.
    ofSignal.push({ path: 'attributes["event.name"]', eq: INFERENCE_EVENT });
  }
  const meters = TOKENS.map(({ id, name, keys }) => {
    const paths = keys.map((key) => `attributes["${key}"]`);
    return MeterRule.parse({
      id,
      name,
      description: 'Pack gen_ai: tokens of calls to generative models, per customer and model.',
      signals,
      match: {
        all: [{ any: ofSignal }, { any: paths.map((path) => ({ path, exists: true })) }],
        ...(ignoredOperations.length > 0 && {
          none: [{ path: 'attributes["gen_ai.operation.name"]', in: ignoredOperations }],
        }),
      },
      customer: customerSource(options),
      dimension: id,
      value: { path: paths },
      unit: '{token}',
      metadata: {
        'gen_ai.provider.name': ['attributes["gen_ai.provider.name"]', 'attributes["gen_ai.system"]'],
        'gen_ai.request.model': 'attributes["gen_ai.request.model"]',
        'gen_ai.response.model': 'attributes["gen_ai.response.model"]',
        'gen_ai.operation.name': 'attributes["gen_ai.operation.name"]',
        ...options.metadata,
      },
    });
  });
  return { dimensions, meters };
}

const HTTP_SERVER_REQUESTS = 'http.server.requests';

function httpServerPack(options: z.infer<typeof HttpServerPackOptions>): Pack {
  return {
    dimensions: [
      DimensionDeclaration.parse({ id: HTTP_SERVER_REQUESTS, name: 'HTTP requests', unit: '{request}' }),
    ],
    meters: [
      MeterRule.parse({
        id: HTTP_SERVER_REQUESTS,
        name: 'HTTP requests',
        description: 'Pack http_server: requests that a server answered, per customer and route.',
        signals: ['metrics'],
        match: { all: [{ path: 'metric.name', eq: 'http.server.request.duration' }] },
        customer: customerSource(options),
        dimension: HTTP_SERVER_REQUESTS,
        value: 'count',
        unit: '{request}',
        metadata: {
          'http.route': 'attributes["http.route"]',
          'http.request.method': 'attributes["http.request.method"]',
          'http.response.status_code': 'attributes["http.response.status_code"]',
          ...options.metadata,
        },
      }),
    ],
  };
}

function customerSource(options: {
  customer: string | string[];
  defaultCustomer: string | null;
}): MeterRule['customer'] {
  return options.defaultCustomer === null
    ? options.customer
    : { path: options.customer, default: options.defaultCustomer };
}
