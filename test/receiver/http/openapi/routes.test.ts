/** The description against the routes: every route and parameter that one of them knows, the other knows too. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApiDocument } from '../../../../receiver/http/openapi/document.ts';
import { operationsOf } from './document-schemas.ts';
import { type RunningReceiver, runReceiver } from './running-receiver.ts';

const operations = operationsOf(openApiDocument());
let receiver: RunningReceiver;
beforeAll(async () => {
  receiver = await runReceiver();
});
afterAll(() => receiver.stop());

async function ask(method: string, path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${receiver.url}${path}`, { method, headers });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
}

/** Decided in front of Express' routes, because under another method they are ids of meters. */
const METERS_TESTS = ['POST /api/v1/meters/test', 'POST /api/v1/meters/check'];
/** Pages for people. */
const isPage = (path: string) => path.startsWith('/api/docs');

test('every route is described, and what is described is there', async () => {
  const known: string[] = [...METERS_TESTS];
  for (const { path, methods } of receiver.routes) {
    if (isPage(path)) continue;
    const allowed = methods ?? (await ask('PATCH', path)).headers.get('allow')!.split(', ');
    known.push(...allowed.map((method) => `${method} ${path}`));
  }
  expect(known.length).toBeGreaterThan(40);
  expect(known.toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
});

test('POST /api/v1/meters/test is a route, and GET is of a meter', async () => {
  expect((await ask('POST', '/api/v1/meters/test')).status).toBe(415);
  expect((await ask('GET', '/api/v1/meters/test')).status).toBe(404);
});

// Events have no end: what they take is tested with them (live.test.ts).
const questions = operations.filter(
  ({ method, path }) => method === 'GET' && path.startsWith('/api/v1/') && !/openapi.json$|live$/.test(path),
);

/** Names that a route takes, as it says to one who asks with another; some are taken before. */
async function namesTaken(path: string): Promise<string[]> {
  const { status, body } = await ask('GET', `${path}?no.such.parameter=1`);
  expect([status, body.code, body.parameter]).toEqual([400, 'UNKNOWN_PARAMETER', 'no.such.parameter']);
  const [, names] = /expected one of (.*)$/.exec(body.detail)!;
  return names.split(', ').filter((name) => name !== '');
}

describe.each(questions)('parameters of $name', ({ path, operation }) => {
  const described = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const taken = [
    'freshness',
    ...(path.endsWith('/explain') ? ['signals'] : []),
    ...(path.startsWith('/api/v1/meters') ? ['activity', 'timeZone'] : []),
  ];

  test('are those that the route takes', async () => {
    const names = described.map(({ name }) => (name === 'metadata' ? 'metadata.KEY' : name));
    expect(names.toSorted()).toEqual([...new Set([...(await namesTaken(path)), ...taken])].toSorted());
  });

  const required = described.filter((parameter) => parameter.required);
  test('are required where the route requires them', async () => {
    // Ids that nobody has are 404; a missing parameter would be 400 before.
    const given = new URLSearchParams(required.map(({ name }): [string, string] => [name, '2026-03-01']));
    const optionalOnes = path.endsWith('/explain') ? '&customerId=a&dimensionId=b' : '';
    const { status, text } = await ask('GET', `${path}?${given}${optionalOnes}`);
    expect([200, 404], text).toContain(status);
    for (const { name } of required) {
      const others = new URLSearchParams(given);
      others.delete(name);
      const { body } = await ask('GET', `${path}?${others}${optionalOnes}`);
      expect(body).toMatchObject({ status: 400, code: 'MISSING_PARAMETER', parameter: name });
    }
  });

  const closed = described
    .map(({ name, schema }) => ({ name, schema: (schema.items ?? schema) as Record<string, unknown> }))
    .filter(
      ({ schema }) => schema.enum !== undefined || schema.type === 'boolean' || schema.type === 'integer',
    );
  if (closed.length > 0)
    test.each(closed)('$name has these values and no others', async ({ name, schema }) => {
      const query = (value: unknown) => {
        const all = new URLSearchParams({
          ...Object.fromEntries(required.map((each) => [each.name, '2026-03-01'])),
          [name]: String(value),
          ...(path.endsWith('/explain') ? { customerId: 'a', dimensionId: 'b' } : {}),
          ...(value === 'period' ? { anchor: '1' } : {}),
          ...(name === 'anchor' ? { window: 'period' } : {}),
        });
        return `${path}?${all}`;
      };
      const {
        enum: values,
        type,
        minimum,
        maximum,
      } = schema as Record<string, unknown[]> & {
        minimum?: number;
        maximum?: number;
      };
      const good = values ?? ((type as unknown) === 'boolean' ? [true, false] : [minimum, maximum]);
      const bad =
        (type as unknown) === 'integer' ? [minimum! - 1, maximum! + 1, '1.5'] : ['no such value', ''];
      for (const value of good) {
        const { status, text } = await ask('GET', query(value));
        expect([200, 404], `${value}: ${text}`).toContain(status);
      }
      for (const value of bad) {
        const { body } = await ask('GET', query(value));
        expect(body, String(value)).toMatchObject({
          status: 400,
          code: 'INVALID_PARAMETER',
          parameter: name,
        });
        // Its words have every value that is described: none was added to the route alone.
        for (const each of values ?? []) expect(body.detail).toContain(String(each));
        if (values !== undefined) expect(wordsOf(body.detail)).toEqual([...values].map(String).toSorted());
      }
    });
});

/** The values that a refusal names: `must be one of a, b` or `must be a, b or c`. */
function wordsOf(detail: string): string[] {
  const [, list] = /must be (?:one of )?(.*) \(got /s.exec(detail)!;
  return list.split(/, | or /).toSorted();
}

test('metadata is written as the description has it: a parameter by the name of each property', async () => {
  const { status } = await ask(
    'GET',
    '/api/v1/usage?from=2026-03-01&to=2026-04-01&metadata.region=eu&metadata.region=us',
  );
  expect(status).toBe(200);
  expect((await ask('GET', '/api/v1/usage?from=2026-03-01&to=2026-04-01&metadata=eu')).status).toBe(400);
});

test('groupBy takes a list in one parameter', async () => {
  const { status } = await ask(
    'GET',
    '/api/v1/usage?from=2026-03-01&to=2026-04-01&groupBy=dimensionId,metadata.region',
  );
  expect(status).toBe(200);
});
