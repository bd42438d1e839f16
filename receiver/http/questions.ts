/** Questions to the ledger over HTTP: parameters in, rows and up to when they are complete out. */
import type { QueryRequest } from '../../storage/query/index.ts';
import { QueryParameters } from '../../storage/query/parameters.ts';
import { QueryError } from '../../storage/query/query-error.ts';
import type { Ingest } from '../ingest.ts';
import { type ApiHandler, type ApiRequest, caughtUp } from './api-routes.ts';

export type Params = [string, string][];

/** @param parse reads the parameters; throws QueryError */
export function question(parse: (params: Params) => QueryRequest): ApiHandler {
  return async ({ params, ingest }) => {
    const { rest, fresh } = takeFreshness(params);
    const query = parse(rest);
    const completeUntil = await settledUntil(ingest, fresh);
    // Levels hold until then, not longer, and nothing is known of what comes after.
    if (query.type === 'usage' || query.type === 'records') query.query.completeUntil = completeUntil;
    const answer = await ingest.ledger.query(query);
    return { status: 200, body: { ...answer, completeUntil: millisecondText(completeUntil) } };
  };
}

/** The parameters of one thing: `freshness`, and those named. Waits for the ledger as they say. */
export async function waited(
  { params, ingest }: ApiRequest,
  names: readonly string[] = [],
): Promise<QueryParameters> {
  const { rest, fresh } = takeFreshness(params);
  const parameters = new QueryParameters(rest, names);
  await settled(ingest, fresh);
  return parameters;
}

/** @returns up to when answers are complete, RFC 3339 */
export async function settled(ingest: Ingest, fresh: boolean): Promise<string> {
  return millisecondText(await settledUntil(ingest, fresh));
}

/** @returns up to when answers are complete, Unix nanoseconds, cut to the milliseconds that an answer tells */
export async function settledUntil(ingest: Ingest, fresh: boolean): Promise<bigint> {
  const completeUntil = fresh ? await caughtUp(ingest) : ingest.completeUntil();
  return completeUntil - (completeUntil % 1_000_000n);
}

export function nowUnixNano(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** RFC 3339 in UTC, to the millisecond. */
export function millisecondText(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000n)).toISOString();
}

/** `freshness` says how long to wait, not what to ask: it is taken out before the question is read. */
export function takeFreshness(params: Params): { rest: Params; fresh: boolean } {
  const rest: Params = [];
  let fresh = true;
  for (const [name, value] of params) {
    if (name !== 'freshness') {
      rest.push([name, value]);
    } else if (value === 'available' || value === 'complete') {
      fresh = value === 'complete';
    } else {
      throw new QueryError(
        'INVALID_PARAMETER',
        'freshness',
        `freshness must be complete or available (got "${value}")`,
      );
    }
  }
  return { rest, fresh };
}
