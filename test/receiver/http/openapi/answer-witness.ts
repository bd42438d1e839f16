/** Asks a running receiver, and holds what it answers against the description. */
import { expect } from 'vitest';
import type { OpenApiDocument } from '../../../../receiver/http/openapi/document.ts';
import { documentSchemas, escaped, operationsOf } from './document-schemas.ts';

export interface WitnessedReply {
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a test reads of an answer is what the test says it is
  body: any;
}

export interface Witness {
  /** `GET /api/v1/usage 200` and the like. */
  seen: Set<string>;
  /** Asks, and expects this status, described, with a body as described. What is taken is described, too. */
  ask(
    method: string,
    path: string,
    status: number,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<WitnessedReply>;
}

/** Every status of every operation, those of refusals too. */
export function describedAnswers(document: OpenApiDocument): { name: string; status: number }[] {
  return operationsOf(document).flatMap(({ name, operation }) =>
    Object.keys(operation.responses).map((status) => ({ name, status: Number(status) })),
  );
}

/** @param document with closed answers, so that a field that is not described is found */
export function witnessOf(url: string, document: OpenApiDocument, apiKey: string): Witness {
  const schemas = documentSchemas(document);
  const operations = operationsOf(document);
  const seen = new Set<string>();
  const operationAt = (method: string, path: string) => {
    const bare = path.split('?', 1)[0];
    // A path without parameters goes before one with them.
    const found = operations
      .filter((one) => one.method === method && patternOf(one.path).test(bare))
      .sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0];
    if (found === undefined) throw new Error(`${method} ${bare} is not described`);
    return found;
  };
  return {
    seen,
    ask: async (method, path, status, body, headers = {}) => {
      const { name, operation, ...one } = operationAt(method, path);
      const at = `#/paths/${escaped(one.path)}/${method.toLowerCase()}`;
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${apiKey}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const what = `${name}: ${text.slice(0, 500)}`;
      expect(response.status, what).toBe(status);
      const described = operation.responses[status];
      expect(described, `${name} ${status} is not described`).toBeDefined();
      if (status < 300 && body !== undefined && typeof body !== 'string')
        expect(
          schemas.faults(`${at}/requestBody/content/application~1json/schema`, body),
          `${name}: the body was taken`,
        ).toEqual([]);

      const type = (response.headers.get('content-type') ?? '').split(';', 1)[0];
      const pointer = described.$ref ?? `${at}/responses/${status}`;
      const reference = described.$ref?.split('/').at(-1);
      const responses = document.components!.responses as Record<string, typeof described>;
      const { content } = reference === undefined ? described : responses[reference];
      const types = Object.keys(content ?? {});
      if (text === '') {
        expect(types, what).toEqual(status === 204 || status === 304 ? [] : types);
      } else {
        expect(types, what).toContain(type);
        if (type.endsWith('json'))
          expect(
            schemas.faults(`${pointer}/content/${escaped(type)}/schema`, JSON.parse(text)),
            what,
          ).toEqual([]);
      }
      seen.add(`${name} ${status}`);
      return { headers: response.headers, body: type.endsWith('json') ? JSON.parse(text) : text };
    },
  };
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}
