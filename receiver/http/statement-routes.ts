/** /api/v1/statements: what closed periods say, as JSON, CSV and a page to print; and re-opening one. */
import type { Router } from 'express';
import { z } from 'zod';
import { parseStatementsQuery, type StoredStatement } from '../../storage/query/index.ts';
import {
  type StatementFormat,
  statementBody,
  statementCsv,
  statementPage,
} from '../periods/statement-documents.ts';
import { type ApiAccess, type ApiAnswer, type ApiRequest, caughtUp, jsonBody, route } from './api-routes.ts';
import { parseBody } from './field-errors.ts';
import { ProblemError } from './problem.ts';
import { question, waited } from './questions.ts';
import { notFound } from './resource-rules.ts';
import type { Turns } from './turns.ts';

/** The body of POST /api/v1/statements/{id}/reopen. */
export const ReopenStatement = z.strictObject({
  note: z.string().min(1, 'must say why').max(4096),
});

export function statementRoutes(router: Router, access: ApiAccess, writes: Turns): void {
  route(router, access, '/statements', {
    GET: question((params) => ({ type: 'statements', query: parseStatementsQuery(params) })),
  });
  route(router, access, '/statements/:id', { GET: shown });
  route(router, access, '/statements/:id/reopen', {
    POST: async (request) => {
      const { note } = parseBody(ReopenStatement, jsonBody(request));
      return await writes.take(() => reopen(request, note));
    },
  });
}

const format = z.enum(['json', 'csv', 'html'], { error: 'format must be json, csv or html' });

async function shown(request: ApiRequest): Promise<ApiAnswer> {
  const parameters = await waited(request, ['format']);
  const as = parameters.one('format', format) ?? acceptedFormat(request.headers.accept);
  const statement = await find(request);
  const headers = { ETag: etagOf(statement, as), Vary: 'Accept', 'Cache-Control': 'private, no-cache' };
  if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(headers.ETag))
    return { status: 304, headers };
  switch (as) {
    case 'json':
      return { status: 200, body: statementBody(statement), headers };
    case 'csv': {
      const disposition = `attachment; filename="statement-${statement.id}.csv"`;
      return {
        status: 200,
        text: statementCsv(statement),
        headers: {
          ...headers,
          'Content-Type': 'text/csv; charset=utf-8',
          'Content-Disposition': disposition,
          'X-Content-Type-Options': 'nosniff',
        },
      };
    }
    case 'html': {
      const { html, styleHash } = statementPage(statement);
      return {
        status: 200,
        text: html,
        headers: {
          ...headers,
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Security-Policy': `default-src 'none'; style-src '${styleHash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
          'X-Content-Type-Options': 'nosniff',
        },
      };
    }
  }
}

/** The content never changes; what is shown beside it changes once, when the statement is re-opened. */
function etagOf({ hash, reopened }: StoredStatement, as: StatementFormat): string {
  const suffix = `${as === 'json' ? '' : `-${as}`}${reopened === null ? '' : '-reopened'}`;
  return `"${hash}${suffix}"`;
}

/** The first that is accepted, as a browser or a spreadsheet asks; JSON otherwise. */
function acceptedFormat(accept = ''): StatementFormat {
  for (const type of accept.split(',').map((part) => part.split(';', 1)[0].trim().toLowerCase())) {
    if (type === 'application/json') return 'json';
    if (type === 'text/csv') return 'csv';
    if (type === 'text/html') return 'html';
  }
  return 'json';
}

async function find({ ingest, path }: ApiRequest): Promise<StoredStatement> {
  const statement = await ingest.ledger.query({ type: 'statement', query: path.id });
  if (statement === null) throw notFound('statement', path.id);
  return statement;
}

/** @throws ProblemError */
async function reopen(request: ApiRequest, note: string): Promise<ApiAnswer> {
  const { ingest } = request;
  await caughtUp(ingest);
  const { id, reopened } = await find(request);
  if (reopened !== null)
    throw new ProblemError(
      409,
      'ALREADY_REOPENED',
      `statement ${id} was re-opened at ${reopened.at}: it states nothing any more`,
    );
  await ingest.change({ changes: [{ type: 'statement_reopened', id, note }] });
  await caughtUp(ingest);
  return { status: 200, body: statementBody(await find(request)) };
}
