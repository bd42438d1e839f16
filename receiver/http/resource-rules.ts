/** What holds for all that people declare: one id, one owner, and bodies that name what they are sent to. */
import type { ManagedBy } from '../../storage/resources.ts';
import type { ApiRequest } from './api-routes.ts';
import { jsonBody } from './api-routes.ts';
import { invalidFields, ProblemError } from './problem.ts';

/**
 * The fields of a body.
 * @param id that of the URL, where there is one: the body may leave it out, but not say another
 * @throws ProblemError 400, 415
 */
export function declaredFields(request: ApiRequest, id?: string): Record<string, unknown> {
  const body = jsonBody(request);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalidFields([{ path: '', message: 'the body must be a JSON object' }]);
  if (id === undefined) return body as Record<string, unknown>;
  const said = (body as { id?: unknown }).id;
  if (said !== undefined && said !== id) {
    const message = `must be the id of the URL, ${JSON.stringify(id)}, or be left out`;
    throw invalidFields([{ path: 'id', message }]);
  }
  return { ...body, id };
}

/** @throws ProblemError 409 */
export function refuseFileManaged(what: string, id: string, managedBy: ManagedBy | null | undefined): void {
  if (managedBy !== 'file') return;
  throw new ProblemError(
    409,
    'MANAGED_BY_FILE',
    `${what} ${JSON.stringify(id)} is declared in usage-meter.yaml: change it there`,
  );
}

export function alreadyDeclared(what: string, id: string): ProblemError {
  return new ProblemError(
    409,
    'ALREADY_DECLARED',
    `${what} ${JSON.stringify(id)} is declared already: PUT replaces it`,
  );
}

export function notFound(what: string, id: string): ProblemError {
  return new ProblemError(404, 'NOT_FOUND', `there is no ${what} ${JSON.stringify(id.slice(0, 200))}`);
}

export function locationOf(collection: string, id: string): { Location: string } {
  return { Location: `/api/v1/${collection}/${encodeURIComponent(id)}` };
}
