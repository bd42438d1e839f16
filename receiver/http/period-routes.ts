/** /api/v1/periods/close, and the adjustments that no statement has taken up yet. */
import type { Router } from 'express';
import { z } from 'zod';
import type { PeriodConflict, StoredStatement } from '../../storage/query/index.ts';
import { parseAdjustmentsQuery } from '../../storage/query/index.ts';
import { isTimeZone } from '../../storage/query/instant.ts';
import { ResourceId } from '../../storage/resources.ts';
import type { Ingest } from '../ingest.ts';
import {
  type ClosedCustomer,
  type CloseRequest,
  closeAll,
  closeCustomer,
  PeriodError,
} from '../periods/close-period.ts';
import { statementBody } from '../periods/statement-documents.ts';
import { type ApiAccess, type ApiAnswer, jsonBody, route } from './api-routes.ts';
import { parseBody } from './field-errors.ts';
import { invalidFields, ProblemError } from './problem.ts';
import { question } from './questions.ts';
import { locationOf, notFound } from './resource-rules.ts';
import { Turns } from './turns.ts';

/** The body of POST /api/v1/periods/close. */
export const ClosePeriod = z.strictObject({
  /** Absent: every customer with usage in the period, or with adjustments of earlier ones. */
  customerId: ResourceId.nullish(),
  from: z.string(),
  to: z.string(),
  timeZone: z
    .string()
    .refine(isTimeZone, 'must be the name of an IANA time zone, as Europe/Berlin')
    .nullish(),
  note: z.string().min(1, 'must not be empty').max(4096).nullish(),
  dryRun: z.boolean().default(false),
});

/** @param writes what people change, one after the other: nobody's registry changes under a statement */
export function periodRoutes(router: Router, access: ApiAccess, writes: Turns): void {
  // Two closes of all at once would do each other's work.
  const closing = new Turns();
  route(router, access, '/periods/close', {
    POST: async (request) => {
      const { customerId, timeZone, note, ...period } = parseBody(ClosePeriod, jsonBody(request));
      const close: CloseRequest = {
        ...period,
        customerId: null,
        timeZone: timeZone ?? null,
        note: note ?? null,
      };
      return await closing.take(() => answered(request.ingest, writes, close, customerId ?? null));
    },
  });
  route(router, access, '/adjustments', {
    GET: question((params) => ({ type: 'adjustments', query: parseAdjustmentsQuery(params) })),
  });
}

/** @throws ProblemError */
async function answered(
  ingest: Ingest,
  writes: Turns,
  close: CloseRequest,
  customerId: string | null,
): Promise<ApiAnswer> {
  try {
    if (customerId !== null)
      return await customerAnswer(
        ingest,
        customerId,
        await closeCustomer(ingest, writes, { ...close, customerId }),
        close,
      );
    return { status: 200, body: { dryRun: close.dryRun, ...(await closeAll(ingest, writes, close)) } };
  } catch (error) {
    if (!(error instanceof PeriodError)) throw error;
    const { code, field, message } = error;
    if (code === 'INVALID_PERIOD') throw invalidFields([{ path: field, message }]);
    throw new ProblemError(422, code, `${field} ${message}`, [{ path: field, message }]);
  }
}

async function customerAnswer(
  ingest: Ingest,
  customerId: string,
  closed: ClosedCustomer,
  { dryRun }: CloseRequest,
): Promise<ApiAnswer> {
  switch (closed.outcome) {
    case 'unknown':
      throw notFound('customer', customerId);
    case 'conflict':
      throw conflictProblem(closed.conflict);
    case 'existing':
      return { status: 200, body: statementBody(await find(ingest, closed.id)) };
    case 'closed':
      if (dryRun) return { status: 200, body: { dryRun, statement: closed.draft.content } };
      return {
        status: 201,
        body: statementBody(await find(ingest, closed.id)),
        headers: locationOf('statements', closed.id),
      };
  }
}

/** It is in the ledger: whoever closed it waited for that. */
async function find(ingest: Ingest, id: string): Promise<StoredStatement> {
  const statement = await ingest.ledger.query({ type: 'statement', query: id });
  if (statement === null) throw new Error(`statement ${id} must be in the ledger when it was made`);
  return statement;
}

function conflictProblem({ customerId, statementId, from, to, isAdjustment }: PeriodConflict): ProblemError {
  const customer = `customer ${JSON.stringify(customerId)}`;
  return isAdjustment
    ? new ProblemError(
        409,
        'PERIOD_ADJUSTED',
        `statement ${statementId} of ${customer} states an adjustment of the period from ${from} to ${to}, which ` +
          'is open again and overlaps this one: close that very period, or re-open the statement',
      )
    : new ProblemError(
        409,
        'PERIOD_OVERLAPS',
        `the period of ${customer} from ${from} to ${to} is closed by statement ${statementId} and overlaps this one`,
      );
}
