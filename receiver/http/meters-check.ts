/** POST /api/v1/meters/check: what is wrong with a rule as people write it, each fault at its line. */
import { Router } from 'express';
import { z } from 'zod';
import { ConfigError } from '../config-error.ts';
import { parseRuleFile } from '../config-file.ts';
import { YamlDocument } from '../yaml-document.ts';
import { type ApiAccess, type ApiHandler, jsonBody, route } from './api-routes.ts';
import { parseBody } from './field-errors.ts';

const PATH = '/meters/check';
/** Far more than any rule has. */
const MAX_LENGTH = 1 << 20;

/** The body of POST /api/v1/meters/check. */
export const MetersCheck = z.strictObject({
  text: z
    .string()
    .max(MAX_LENGTH, `must have at most ${MAX_LENGTH} characters`)
    .describe('The rule in YAML or JSON.'),
});

/** Comes before the routes of meters: under any other method, `check` is the id of one. */
export function metersCheckRoutes(access: ApiAccess): Router {
  const router = Router({ caseSensitive: true });
  const checked = Router();
  route(checked, access, PATH, { POST: check });
  router.use((request, response, next) => {
    if (request.method !== 'POST' || request.path !== PATH) return next();
    checked(request, response, next);
  });
  return router;
}

const check: ApiHandler = async (request) => {
  const { text } = parseBody(MetersCheck, jsonBody(request));
  const document = new YamlDocument(text);
  const written = document.isReadable && isObject(document.value) ? document.value : null;
  try {
    return { status: 200, body: { written, rule: parseRuleFile('rule', text), problems: [] } };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map(({ file: _file, ...problem }) => problem);
    return { status: 200, body: { written, rule: null, problems } };
  }
};

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
