/** /api/v1/meters: the rules that turn signals into usage, with their versions. */
import { isDeepStrictEqual } from 'node:util';
import type { Router } from 'express';
import { z } from 'zod';
import {
  type MeterVersion,
  parseMetersQuery,
  type StoredMeter,
  type StoredMeterWithVersions,
  takeActivity,
} from '../../storage/query/index.ts';
import { textFromInstant } from '../../storage/query/instant.ts';
import { QueryParameters } from '../../storage/query/parameters.ts';
import type { Ingest } from '../ingest.ts';
import { BUILTIN_METER_ID } from '../metering/builtin-meter.ts';
import { MeterRule } from '../metering/rules/index.ts';
import { type ApiAccess, type ApiAnswer, type ApiRequest, caughtUp, route } from './api-routes.ts';
import { parseBody } from './field-errors.ts';
import { ProblemError } from './problem.ts';
import { nowUnixNano, settled, takeFreshness } from './questions.ts';
import {
  alreadyDeclared,
  declaredFields,
  locationOf,
  notFound,
  refuseFileManaged,
} from './resource-rules.ts';
import type { Turns } from './turns.ts';

/** The meter that is always there. It is none of the ledger's, and nobody changes it. */
const BUILTIN = {
  id: BUILTIN_METER_ID,
  name: 'Built-in meter',
  description:
    'Signals that carry usage.dimension.id, and metrics and log events whose name begins with "usage."',
  enabled: true,
  signals: ['metrics', 'logs', 'spans'],
  version: 0,
  managedBy: 'builtin',
  createdAt: null,
  deleted: false,
};

export function meterRoutes(router: Router, access: ApiAccess, writes: Turns): void {
  route(router, access, '/meters', {
    GET: list,
    POST: async (request) => {
      const rule = parseBody(MeterRule, declaredFields(request));
      return await writes.take(() => declare(request.ingest, rule, false));
    },
  });
  route(router, access, '/meters/:id', {
    GET: one,
    PUT: async (request) => {
      refuseBuiltin(request.path.id);
      const rule = parseBody(MeterRule, declaredFields(request, request.path.id));
      return await writes.take(() => declare(request.ingest, rule, true));
    },
    DELETE: ({ ingest, path }) => writes.take(() => remove(ingest, path.id)),
  });
}

async function list({ params, ingest }: ApiRequest): Promise<ApiAnswer> {
  const { rest: asked, fresh } = takeFreshness(params);
  const { rest, activity } = takeActivity(asked, nowUnixNano());
  const query = parseMetersQuery(rest);
  const completeUntil = await settled(ingest, fresh);
  const { rows, nextCursor } = await ingest.ledger.query({ type: 'meters', query });
  const meters: { id: string }[] = rows.map(shownMeter);
  // Beside the limit, where its id would stand.
  const isOnPage =
    query.managedBy === null &&
    BUILTIN_METER_ID.startsWith((query.search ?? '').toLowerCase()) &&
    (query.after === null || query.after[0]! < BUILTIN_METER_ID) &&
    (nextCursor === null || rows[rows.length - 1].id > BUILTIN_METER_ID);
  if (isOnPage) {
    meters.push(BUILTIN);
    meters.sort((a, b) => (a.id < b.id ? -1 : 1));
  }
  return { status: 200, body: { rows: await withUse(ingest, meters, activity), nextCursor, completeUntil } };
}

/** What each of them counted and could not count, where it was asked for. */
async function withUse<Shown extends { id: string }>(
  ingest: Ingest,
  meters: Shown[],
  activity: bigint[] | null,
): Promise<Shown[]> {
  if (activity === null) return meters;
  const meterIds = meters.map(({ id }) => id);
  const uses = await ingest.ledger.query({ type: 'meterUse', query: { meterIds, activity } });
  return meters.map((meter, index) => {
    const { meterId: _meterId, ...use } = uses[index];
    return { ...meter, ...use };
  });
}

const Versions = z.enum(['all', 'latest'], { error: 'versions must be all or latest' });

async function one({ ingest, path, params }: ApiRequest): Promise<ApiAnswer> {
  const { rest: asked, fresh } = takeFreshness(params);
  const { rest, activity } = takeActivity(asked, nowUnixNano());
  const versions = new QueryParameters(rest, ['versions']).one('versions', Versions) ?? 'latest';
  await settled(ingest, fresh);
  const shown = await withVersions(ingest, path.id, versions);
  const [body] = await withUse(ingest, [shown], activity);
  return { status: 200, body };
}

async function withVersions(
  ingest: Ingest,
  id: string,
  versions: z.infer<typeof Versions>,
): Promise<{ id: string } & Record<string, unknown>> {
  if (id === BUILTIN_METER_ID) return versions === 'all' ? { ...BUILTIN, versions: [] } : BUILTIN;
  const meter = await find(ingest, id);
  if (meter === null || (meter.deleted && versions === 'latest')) throw notFound('meter', id);
  const body = shownMeter(meter);
  return versions === 'latest' ? body : { ...body, versions: meter.versions.map(shownVersion) };
}

function find(ingest: Ingest, id: string): Promise<StoredMeterWithVersions | null> {
  return ingest.ledger.query({ type: 'meter', query: id });
}

async function declare(ingest: Ingest, rule: MeterRule, replaces: boolean): Promise<ApiAnswer> {
  const { id } = rule;
  await caughtUp(ingest);
  const stored = await find(ingest, id);
  const known = stored?.deleted ? null : stored;
  refuseFileManaged('meter', id, known?.managedBy);
  if (known !== null && !replaces) throw alreadyDeclared('meter', id);
  const plain = JSON.parse(JSON.stringify(rule)) as Record<string, unknown>;
  // A script that says the same at every run makes no versions.
  if (known !== null && isDeepStrictEqual(known.rule, plain)) return { status: 200, body: shownMeter(known) };
  const { receivedAtUnixNano } = await ingest.change({
    changes: [{ type: 'meter_put', id, rule: plain, managedBy: 'api' }],
  });
  const body = {
    ...plain,
    version: (stored?.version ?? 0) + 1,
    managedBy: 'api',
    createdAt: textFromInstant(receivedAtUnixNano),
    deleted: false,
  };
  return known === null ? { status: 201, body, headers: locationOf('meters', id) } : { status: 200, body };
}

async function remove(ingest: Ingest, id: string): Promise<ApiAnswer> {
  refuseBuiltin(id);
  await caughtUp(ingest);
  const known = await find(ingest, id);
  if (known === null || known.deleted) throw notFound('meter', id);
  refuseFileManaged('meter', id, known.managedBy);
  await ingest.change({ changes: [{ type: 'meter_deleted', id }] });
  return { status: 204 };
}

function refuseBuiltin(id: string): void {
  if (id !== BUILTIN_METER_ID) return;
  throw new ProblemError(
    409,
    'BUILTIN',
    'the built-in meter cannot be changed: a meter that names it in "replaces" is asked before it',
  );
}

/** A rule with its version, as it is told. `createdAt` is when the version came. */
function shownMeter(meter: StoredMeter): { id: string } & Record<string, unknown> {
  const { id, rule, version, managedBy, receivedAt, deleted } = meter;
  return { ...rule, id, version, managedBy, createdAt: receivedAt, deleted };
}

function shownVersion({ version, rule, managedBy, receivedAt, since, deletedSequence }: MeterVersion) {
  return { version, rule, managedBy, createdAt: receivedAt, since, deleted: deletedSequence !== null };
}
