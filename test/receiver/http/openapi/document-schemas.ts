/** What an OpenAPI document says of bodies, as validators. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { OpenApiDocument } from '../../../../receiver/http/openapi/document.ts';

interface Content {
  schema?: object;
  example?: unknown;
}

interface OperationObject {
  operationId?: string;
  tags?: string[];
  summary?: string;
  parameters?: { in: string; name: string; schema: Record<string, unknown>; required?: boolean }[];
  requestBody?: { content: Record<string, Content> };
  responses: Record<string, { $ref?: string; content?: Record<string, Content> }>;
}

export interface DescribedOperation {
  /** As `GET /api/v1/usage`. */
  name: string;
  method: string;
  path: string;
  operation: OperationObject;
}

export function operationsOf(document: OpenApiDocument): DescribedOperation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, OperationObject>).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

/** Every JSON body of every operation, with where its schema stands and its example. */
export function contentSchemas(
  document: OpenApiDocument,
): { name: string; pointer: string; example: unknown }[] {
  return operationsOf(document).flatMap(({ name, method, path, operation }) => {
    const at = `#/paths/${escaped(path)}/${method.toLowerCase()}`;
    const bodies = Object.entries(operation.requestBody?.content ?? {}).map(([type, { example }]) => ({
      name: `${name}, body`,
      pointer: `${at}/requestBody/content/${escaped(type)}/schema`,
      example,
    }));
    const answers = Object.entries(operation.responses).flatMap(([status, { content }]) =>
      Object.entries(content ?? {}).map(([type, { example }]) => ({
        name: `${name}, ${status}`,
        pointer: `${at}/responses/${status}/content/${escaped(type)}/schema`,
        example,
      })),
    );
    return [...bodies, ...answers];
  });
}

/** Of a JSON pointer. */
export function escaped(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

export interface DocumentSchemas {
  /** What is wrong with a value, as JSON is written and read. */
  faults(pointer: string, value: unknown): string[];
}

export function documentSchemas(document: OpenApiDocument): DocumentSchemas {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(JSON.parse(JSON.stringify(document)), 'openapi');
  return {
    faults: (pointer, value) => {
      const validate = ajv.getSchema(`openapi${pointer}`);
      if (validate === undefined) return [`there is no ${pointer}`];
      if (validate(JSON.parse(JSON.stringify(value)))) return [];
      return (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
    },
  };
}
