/** The OpenAPI 3.1 document of the API, made of the schemas by which its routes read. */

import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { VERSION } from '../../../instrumentation/version.ts';
import { Problem } from './common.ts';
import { type Answer, OPERATIONS, type Operation, TAGS } from './operations.ts';
import { RpcStatus } from './server-answers.ts';

export type OpenApiDocument = ReturnType<typeof createDocument>;

export interface DocumentOptions {
  /** Answers have the fields that stand here and no others, as a test wants it; clients must bear new ones. */
  closedAnswers?: boolean;
}

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request is wrong: `parameter` or `errors` say where.',
  401: 'No valid API key.',
  403: 'A receiver without API keys was asked under a host that is not one of its `allowedHosts`.',
  404: 'Nobody has this id.',
  409: 'It contradicts what is known: nothing was changed.',
  410: 'It was there, and is gone.',
  413: 'More than 64 MiB, or more than 50,000 records.',
  415: 'A media type or an encoding that is not taken.',
  422: 'It cannot be done, or not yet.',
  429: 'Another one is under way.',
  500: 'An error of the receiver’s own.',
  503: 'Not right now: come again.',
};
/** What any route may answer, and any that takes a body. */
const OF_ALL = [400, 401, 403, 500, 503];
const OF_BODIES = [413, 415];
const OF_OTLP = [400, 401, 403, 413, 415, 503];

const PATH_PARAMETERS: Readonly<Record<string, string>> = {
  recordId: 'Of a usage record, as answers tell it.',
  id: 'Percent-encoded: `a/b` is `a%2Fb`.',
};

/** @returns the same document each time for the same options */
export function openApiDocument({ closedAnswers = false }: DocumentOptions = {}): OpenApiDocument {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    const [method, path] = name.split(' ');
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = operationObject(name, path, operation);
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'otel-usage-meter',
        version: VERSION,
        description:
          'Billing-grade usage from OpenTelemetry. Quantities are decimals as text; times are RFC 3339; lists come in ' +
          'pages; a 2xx to a write means that it is on disk. Answers may get more fields: ignore those you do not know.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'The receiver that serves this description.' }],
      // A receiver without keys, which listens on loopback only, asks for none.
      security: [{ bearer: [] }, {}],
      tags: Object.entries(TAGS).map(([tag, description]) => ({ name: tag, description })),
      paths: paths as ZodOpenApiPathsObject,
      components: {
        responses: refusals(),
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'One of the keys of USAGE_METER_API_KEYS.' },
        },
      },
    },
    {
      allowEmptySchema: { custom: true },
      override: ({ jsonSchema, zodSchema, io }) => {
        const { def } = zodSchema._zod;
        if (io === 'output' && !closedAnswers && jsonSchema.additionalProperties === false)
          delete jsonSchema.additionalProperties;
        // Beside what JSON has, a body's reader knows numbers that keep their digits: for clients they are numbers.
        if (def.type === 'union' && jsonSchema.anyOf)
          jsonSchema.anyOf = jsonSchema.anyOf.filter((option) => Object.keys(option).length > 0);
      },
    },
  );
}

function operationObject(name: string, path: string, operation: Operation): ZodOpenApiOperationObject {
  const {
    tag,
    summary,
    description,
    query,
    headers,
    body,
    example,
    answers,
    refusals = [],
    isOpen,
  } = operation;
  const pathNames = [...path.matchAll(/\{(\w+)\}/g)].map(([, each]) => each);
  const params = {
    ...(pathNames.length === 0 ? {} : { path: pathParameters(pathNames) }),
    ...(query === undefined ? {} : { query }),
    ...(headers === undefined ? {} : { header: headers }),
  };
  const responses: ZodOpenApiOperationObject['responses'] = {};
  for (const [status, answer] of Object.entries(answers)) responses[status as '200'] = answerObject(answer);
  const isOtlp = tag === 'OTLP';
  const refused = isOpen
    ? []
    : isOtlp
      ? OF_OTLP
      : [...OF_ALL, ...(body === undefined ? [] : OF_BODIES), ...refusals].sort((a, b) => a - b);
  for (const status of refused)
    responses[String(status) as '400'] = { $ref: `#/components/responses/${refusalName(status, isOtlp)}` };
  return {
    operationId: operationId(name),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(Object.keys(params).length === 0 ? {} : { requestParams: params }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body, example) } }),
    responses,
    ...(isOpen ? { security: [] } : {}),
  };
}

/** `GET /api/v1/records/{recordId}/signal` is `getRecordsByRecordIdSignal`. */
function operationId(name: string): string {
  const [method, path] = name.split(' ');
  const words = path
    .replace(/^\/(?:api\/v1\/)?/, '')
    .replaceAll(/\{(\w+)\}/g, 'by $1')
    .split(/[^A-Za-z0-9]+/);
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function pathParameters(names: readonly string[]): z.ZodObject {
  return z.object(
    Object.fromEntries(names.map((name) => [name, z.string().describe(PATH_PARAMETERS[name])] as const)),
  );
}

type Content = Record<string, { schema: z.ZodType | { type: 'string' } | object; example?: unknown }>;

function contentOf(body: Readonly<Record<string, z.ZodType>>, example: unknown): Content {
  const content: Content = {};
  for (const [type, schema] of Object.entries(body)) {
    content[type] =
      type === 'application/json'
        ? { schema, ...(example === undefined ? {} : { example }) }
        : // A text of its own, or bytes: OpenAPI 3.1 wants no schema for what is not JSON.
          { schema: {} };
  }
  return content;
}

function answerObject({ description, body, example, types = [], headers = {} }: Answer) {
  const content: Content = {};
  if (body !== undefined)
    content['application/json'] = { schema: body, ...(example === undefined ? {} : { example }) };
  for (const type of types) content[type] = { schema: {} };
  return {
    description,
    ...(Object.keys(content).length === 0 ? {} : { content }),
    ...(Object.keys(headers).length === 0 ? {} : { headers: headerObjects(headers) }),
  };
}

function refusalName(status: number, isOtlp: boolean): string {
  return `${isOtlp ? 'Otlp' : 'Problem'}${status}`;
}

/** Each stands once in the document. */
function refusals() {
  const ofApi = Object.keys(REFUSALS).map((status) => [Number(status), false] as const);
  const ofOtlp = OF_OTLP.map((status) => [status, true] as const);
  return Object.fromEntries(
    [...ofApi, ...ofOtlp].map(([status, isOtlp]) => [refusalName(status, isOtlp), refusal(status, isOtlp)]),
  );
}

function refusal(status: number, isOtlp: boolean) {
  const headers =
    status === 503
      ? { 'Retry-After': 'Seconds.' }
      : status === 401
        ? { 'WWW-Authenticate': '`Bearer`.' }
        : undefined;
  return {
    description: REFUSALS[status],
    content: isOtlp
      ? { 'application/json': { schema: RpcStatus }, 'application/x-protobuf': { schema: {} } }
      : { 'application/problem+json': { schema: Problem } },
    ...(headers === undefined ? {} : { headers: headerObjects(headers) }),
  };
}

function headerObjects(headers: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [
      name,
      { description, schema: { type: 'string' as const } },
    ]),
  );
}
