/**
 * GET /api/v1/openapi.json, and /api/docs: a page made of it. Neither holds anything of anybody's usage, so both are
 * answered without an API key: a browser could not send one before the page has asked for it.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Response, Router } from 'express';
import { ProblemError, sendProblem } from '../problem.ts';

/** Files of Swagger UI that the page loads. */
export const SWAGGER_UI_FILES = ['swagger-ui.css', 'swagger-ui-bundle.js'] as const;

/** Nothing is loaded from any other host, and what the page tries out goes to the receiver alone. */
const CONTENT_SECURITY_POLICY = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self' 'unsafe-inline'`,
  `img-src 'self' data:`,
  `connect-src 'self'`,
  `frame-ancestors 'none'`,
  `base-uri 'none'`,
  `form-action 'none'`,
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>otel-usage-meter: API reference</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/api/docs/swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <noscript>This page needs JavaScript; <a href="/api/v1/openapi.json">openapi.json</a> is what it shows.</noscript>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/reference.js"></script>
  </body>
</html>
`;

/** Without a validator's badge, which would send the address of this receiver elsewhere. */
const SCRIPT = `SwaggerUIBundle({
  url: '/api/v1/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  queryConfigEnabled: false,
});
`;

export function referenceRoutes(): Router {
  const router = Router({ caseSensitive: true });
  let document: Promise<string> | undefined;
  router.get('/api/v1/openapi.json', async (_request, response) => {
    // Made when somebody asks for it: the start of a receiver does not wait for its description.
    document ??= import('./document.ts').then(({ openApiDocument }) => JSON.stringify(openApiDocument()));
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.setHeader('Cache-Control', 'no-cache');
    // It is no secret, and tools that read it in a browser come from other origins.
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.end(await document);
  });
  router.get('/api/docs', (_request, response) => {
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    response.setHeader('Referrer-Policy', 'no-referrer');
    send(response, 'text/html', PAGE);
  });
  router.get('/api/docs/reference.js', (_request, response) => send(response, 'text/javascript', SCRIPT));
  for (const file of SWAGGER_UI_FILES)
    router.get(`/api/docs/${file}`, (_request, response) => sendFile(response, file));
  return router;
}

function send(response: Response, type: string, text: string): void {
  response.setHeader('Content-Type', `${type}; charset=utf-8`);
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.end(text);
}

function sendFile(response: Response, file: string): void {
  const root = swaggerUiDirectory();
  if (root === null) {
    sendMissing(response);
    return;
  }
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.sendFile(file, { root, maxAge: '1 day', etag: true }, (error) => {
    if (error && !response.headersSent) sendMissing(response);
  });
}

function sendMissing(response: Response): void {
  const detail = 'the files of the reference page are not installed';
  sendProblem(response, new ProblemError(404, 'NOT_FOUND', detail).problem);
}

/** Beside this file in the package, whose build copies what the page needs; a development dependency before. */
function swaggerUiDirectory(): string | null {
  const ofPackage = fileURLToPath(new URL('./swagger-ui', import.meta.url));
  if (existsSync(ofPackage)) return ofPackage;
  try {
    return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  } catch {
    return null;
  }
}
