/**
 * The dashboard's page and its files. They hold nothing of anybody's usage, so they need no API key: the page asks for
 * one, and sends it with each question.
 */
import { type Request, type Response, Router } from 'express';
import { BUILD_COMMAND, type DashboardFile, type DashboardState } from '../dashboard.ts';

/** Nothing but the page's own files runs, is shown or is asked: what usage brings with it stays text. */
const CONTENT_SECURITY_POLICY = [
  `default-src 'self'`,
  `img-src 'self' data:`,
  `object-src 'none'`,
  `base-uri 'none'`,
  `form-action 'self'`,
  `frame-ancestors 'none'`,
].join('; ');

/** What programs talk to; nothing below it is a page. */
const NO_PAGES = /^\/(api|v1|healthz|readyz|assets)(\/|$)/;

/** @param state what there is of the page at the moment */
export function dashboardRoutes(state: () => DashboardState): Router {
  const router = Router({ caseSensitive: true });
  router.use((request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next();
    const current = state();
    const isPage = isPageAsked(request);
    if (current.kind === 'ready') {
      const file = current.files.get(request.path) ?? (isPage ? current.files.get('/index.html') : undefined);
      if (file === undefined) return next();
      return send(request, response, 200, file);
    }
    if (!isPage) return next();
    return current.kind === 'building'
      ? send(request, response, 503, BUILDING)
      : send(request, response, 500, FAILED);
  });
  return router;
}

/** People's browsers say so; programs that take anything are told that nothing is there. */
export function isPageAsked({ method, path, headers }: Request): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || NO_PAGES.test(path)) return false;
  return (headers.accept ?? '').toLowerCase().includes('text/html');
}

/** Says why there is no page, as one. @param content HTML: what came of others is {@link escaped} */
export function sendNotice(
  request: Request,
  response: Response,
  status: number,
  title: string,
  content: string,
): void {
  send(request, response, status, plainPage('', title, content));
}

function send(request: Request, response: Response, status: number, file: DashboardFile): void {
  response.setHeader('Content-Type', file.type);
  response.setHeader('Cache-Control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  if (status === 503) response.setHeader('Retry-After', '2');
  let body = file.body;
  if (file.gzip !== null) {
    response.setHeader('Vary', 'Accept-Encoding');
    if (request.acceptsEncodings('gzip') === 'gzip') {
      response.setHeader('Content-Encoding', 'gzip');
      body = file.gzip;
    }
  }
  response.setHeader('Content-Length', body.length);
  response.statusCode = status;
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** It comes again by itself, without a script. */
const BUILDING = plainPage(
  '<meta http-equiv="refresh" content="2">',
  'The dashboard is being built, a moment.',
  '<p>The receiver takes usage meanwhile. This page loads again by itself.</p>',
);

/** Why is for those who run it: what a build says names folders of this machine. */
const FAILED = plainPage(
  '',
  'The dashboard could not be built.',
  `<p>The receiver takes usage all the same. Its log has why; in a clone, <code>${BUILD_COMMAND}</code> says it, too.</p>`,
);

function plainPage(head: string, title: string, content: string): DashboardFile {
  const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    ${head}
    <title>otel-usage-meter</title>
    <link rel="icon" href="data:,">
  </head>
  <body>
    <h1>${title}</h1>
    ${content}
  </body>
</html>
`;
  return { type: 'text/html; charset=utf-8', body: Buffer.from(html), gzip: null, immutable: false };
}

/** Text as HTML. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
