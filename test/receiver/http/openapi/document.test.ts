/** The description of the API: well-formed, in step with what ships, and with examples that are what they say. */
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { openApiDocument } from '../../../../receiver/http/openapi/document.ts';
import { contentSchemas, documentSchemas, operationsOf } from './document-schemas.ts';

const document = openApiDocument();

test('is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  expect(document.openapi).toMatch(/^3\.1\./);
});

test('schemas/openapi.json is it: node scripts/openapi.ts writes it', () => {
  const shipped = readFileSync(new URL('../../../../schemas/openapi.json', import.meta.url), 'utf8');
  expect(JSON.parse(shipped)).toEqual(JSON.parse(JSON.stringify(document)));
});

test('each operation has an id of its own, a tag that is described, and a summary', () => {
  const operations = operationsOf(document);
  expect(operations.length).toBeGreaterThan(40);
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const tags = document.tags!.map(({ name }) => name);
  for (const { name, operation } of operations) {
    expect(tags, name).toContain(operation.tags![0]);
    expect(operation.summary, name).toMatch(/^[A-Z][^.]+$/);
  }
});

test('clients that know today’s fields bear new ones, and bodies with unknown fields are refused', () => {
  const schemas = documentSchemas(document);
  const row = { ...EXAMPLE_ROW, added: 'by a later version' };
  expect(schemas.faults('#/components/schemas/UsageRow', row)).toEqual([]);
  const closed = documentSchemas(openApiDocument({ closedAnswers: true }));
  expect(closed.faults('#/components/schemas/UsageRow', row)).not.toEqual([]);
  const body =
    '#/paths/~1api~1v1~1statements~1{id}~1reopen/post/requestBody/content/application~1json/schema';
  expect(schemas.faults(body, { note: 'why', added: 1 })).not.toEqual([]);
});

const EXAMPLE_ROW = {
  unit: '1',
  windowStart: '2026-03-01T00:00:00Z',
  windowEnd: '2026-04-01T00:00:00.000000001Z',
  quantity: '-12.5',
  billableQuantity: '13',
  records: 3,
};

describe('examples', () => {
  const schemas = documentSchemas(openApiDocument({ closedAnswers: true }));
  const examples = contentSchemas(openApiDocument({ closedAnswers: true })).filter(
    ({ example }) => example !== undefined,
  );

  test('are many', () => expect(examples.length).toBeGreaterThan(15));

  test.each(examples)('of $name', ({ pointer, example }) => {
    expect(schemas.faults(pointer, example)).toEqual([]);
  });

  const components = Object.entries(document.components!.schemas!).flatMap(([name, schema]) =>
    ((schema as { examples?: unknown[] }).examples ?? []).map((example) => ({ name, example })),
  );
  test.each(components)('of $name', ({ name, example }) => {
    expect(schemas.faults(`#/components/schemas/${name}`, example)).toEqual([]);
  });
});
