/** /api/v1/dimensions: what is billed. */
import type { Router } from 'express';
import { parseDimensionsQuery } from '../../storage/query/index.ts';
import { type Dimension, DimensionDeclaration } from '../../storage/resources.ts';
import type { Ingest } from '../ingest.ts';
import { isSameUnit, unitFault } from '../metering/units.ts';
import { type ApiAccess, type ApiAnswer, caughtUp, route } from './api-routes.ts';
import { parseBody } from './field-errors.ts';
import { invalidFields, ProblemError } from './problem.ts';
import { nowUnixNano, question, waited } from './questions.ts';
import {
  alreadyDeclared,
  declaredFields,
  locationOf,
  notFound,
  refuseFileManaged,
} from './resource-rules.ts';
import type { Turns } from './turns.ts';

/** A dimension as it was sent: where it says no unit, it keeps the one that it has. */
interface SentDimension {
  dimension: DimensionDeclaration;
  saysUnit: boolean;
}

export function dimensionRoutes(router: Router, access: ApiAccess, writes: Turns): void {
  route(router, access, '/dimensions', {
    GET: question((params) => ({ type: 'dimensions', query: parseDimensionsQuery(params, nowUnixNano()) })),
    POST: async (request) => {
      const sent = readDimension(declaredFields(request));
      return await writes.take(() => declare(request.ingest, sent, false));
    },
  });
  route(router, access, '/dimensions/:id', {
    GET: async (request) => {
      await waited(request);
      const dimension = await find(request.ingest, request.path.id);
      if (dimension === null) throw notFound('dimension', request.path.id);
      return { status: 200, body: dimension };
    },
    PUT: async (request) => {
      const sent = readDimension(declaredFields(request, request.path.id));
      return await writes.take(() => declare(request.ingest, sent, true));
    },
    DELETE: ({ ingest, path }) => writes.take(() => remove(ingest, path.id)),
  });
}

function find(ingest: Ingest, id: string): Promise<Dimension | null> {
  return ingest.ledger.query({ type: 'dimension', query: id });
}

function readDimension(fields: Record<string, unknown>): SentDimension {
  return { dimension: parseBody(DimensionDeclaration, fields), saysUnit: fields.unit !== undefined };
}

async function declare(ingest: Ingest, sent: SentDimension, replaces: boolean): Promise<ApiAnswer> {
  const { id } = sent.dimension;
  await caughtUp(ingest);
  const known = await find(ingest, id);
  refuseFileManaged('dimension', id, known?.managedBy);
  if (known !== null && !known.discovered && !replaces) throw alreadyDeclared('dimension', id);
  // One that was deleted may have usage all the same.
  const present = known?.unit ?? ingest.registry.unitOf(id);
  const unit = sent.saysUnit ? sent.dimension.unit : (present ?? sent.dimension.unit);
  // A unit that was discovered may be none that converts, and is kept all the same.
  if (unit !== present) {
    const fault = unitFault(unit);
    if (fault !== null) throw invalidFields([{ path: 'unit', message: fault }]);
    if (present !== undefined && !isSameUnit(unit, present))
      await refuseUsed(ingest, { id, unit: present }, unit);
  }
  const dimension: DimensionDeclaration = { ...sent.dimension, unit };
  await ingest.change({ changes: [{ type: 'dimension_put', dimension, managedBy: 'api' }] });
  const body: Dimension = { ...dimension, discovered: false, managedBy: 'api' };
  const created = known === null || !replaces;
  return { status: created ? 201 : 200, body, headers: created ? locationOf('dimensions', id) : {} };
}

/** Quantities that are stored would come to mean something else. @throws ProblemError 409 */
async function refuseUsed(
  ingest: Ingest,
  { id, unit }: Pick<Dimension, 'id' | 'unit'>,
  wanted: string,
): Promise<void> {
  const { hasUsage } = await ingest.ledger.query({ type: 'hasUsage', query: { dimensionId: id } });
  if (!hasUsage) return;
  const detail =
    `dimension ${JSON.stringify(id)} has usage in ${JSON.stringify(unit)}, so its unit cannot become ` +
    `${JSON.stringify(wanted)}: declare another dimension for it. Values that come in other units convert by themselves`;
  throw new ProblemError(409, 'HAS_USAGE', detail, [
    { path: 'unit', message: `must stay ${JSON.stringify(unit)}` },
  ]);
}

async function remove(ingest: Ingest, id: string): Promise<ApiAnswer> {
  await caughtUp(ingest);
  const known = await find(ingest, id);
  if (known === null) throw notFound('dimension', id);
  refuseFileManaged('dimension', id, known.managedBy);
  const { hasUsage } = await ingest.ledger.query({ type: 'hasUsage', query: { dimensionId: id } });
  if (hasUsage)
    throw new ProblemError(
      409,
      'HAS_USAGE',
      `dimension ${JSON.stringify(id)} has usage, which would be of nothing: void its records first, or keep it`,
    );
  await ingest.change({ changes: [{ type: 'dimension_deleted', id }] });
  return { status: 204 };
}
