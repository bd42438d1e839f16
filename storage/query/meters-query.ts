/** Meters with the versions of their rules: GET /api/v1/meters, and one by its id. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { ManagedBy } from '../resources.ts';
import { textFromInstant } from './instant.ts';
import { QueryParameters } from './parameters.ts';
import {
  booleanParameter,
  LIST_PARAMETERS,
  listConditions,
  listPage,
  listParameters,
  type ResourceList,
  type ResourceListQuery,
  withListCursor,
} from './resource-list.ts';
import { BoundValues } from './statement.ts';

/** A question that {@link parseMetersQuery} found well-formed. */
export interface MetersQuery extends ResourceListQuery {
  /** Whether deleted meters are listed too. */
  deleted: boolean;
}

/** One rule that a meter had. It holds for what arrived from then until the next version, or the meter's end. */
export interface MeterVersion {
  /** From 1. */
  version: number;
  rule: Record<string, unknown>;
  /** RFC 3339 in UTC: running totals that began before count from their first reading on. */
  since: string;
  managedBy: ManagedBy;
  /** When it came, RFC 3339 in UTC. */
  receivedAt: string;
  /** The journal frame that brought it: signals of later frames were judged by it. */
  sequence: number;
  /** The journal frame that deleted it; null where none did. */
  deletedSequence: number | null;
}

/** A meter as people made it, by its latest version. The built-in ones are none of these. */
export interface StoredMeter extends MeterVersion {
  id: string;
  /** It claims nothing any more. Usage that it counted stays. */
  deleted: boolean;
}

export interface StoredMeterWithVersions extends StoredMeter {
  /** All of them, the latest first. */
  versions: MeterVersion[];
}

export type MetersAnswer = ResourceList<StoredMeter>;

/**
 * Reads the parameters of GET /api/v1/meters, all of them optional: `q` is what id or the rule's name begins with, in
 * any case; `deleted=true` lists deleted ones too.
 * @throws QueryError naming the parameter at fault
 */
export function parseMetersQuery(params: Iterable<[string, string]>): MetersQuery {
  const parameters = new QueryParameters(params, ['deleted', ...LIST_PARAMETERS]);
  return withListCursor(parameters, {
    ...listParameters(parameters),
    deleted: booleanParameter(parameters, 'deleted') ?? false,
  });
}

/** Each meter by its latest version, deleted ones too. */
export const LATEST_VERSIONS =
  '(SELECT * FROM stored.meters QUALIFY version = max(version) OVER (PARTITION BY meter_id))';

/** Answers from one snapshot of the ledger. */
export async function queryMeters(connection: DuckDBConnection, query: MetersQuery): Promise<MetersAnswer> {
  const bound = new BoundValues();
  const conditions = listConditions(
    query,
    'meter_id',
    (isFound) => [isFound('meter_id'), isFound(`json_extract_string(rule, '/name')`)],
    bound,
  );
  if (!query.deleted) conditions.push('deleted_sequence IS NULL');
  const found = await versionsWhere(
    connection,
    LATEST_VERSIONS,
    `WHERE ${['true', ...conditions].join(' AND ')} ORDER BY meter_id LIMIT ${query.limit + 1}`,
    bound,
  );
  return listPage(query, found.map(toMeter));
}

/** The meter of this id with all its versions, also a deleted one; null where nobody ever made it. */
export async function queryMeter(
  connection: DuckDBConnection,
  id: string,
): Promise<StoredMeterWithVersions | null> {
  const bound = new BoundValues();
  const found = await versionsWhere(
    connection,
    'stored.meters',
    `WHERE meter_id = ${bound.text(id)} ORDER BY version DESC`,
    bound,
  );
  if (found.length === 0) return null;
  return { ...toMeter(found[0]), versions: found.map(({ version }) => version) };
}

interface FoundVersion {
  id: string;
  version: MeterVersion;
}

function toMeter({ id, version }: FoundVersion): StoredMeter {
  return { id, ...version, deleted: version.deletedSequence !== null };
}

async function versionsWhere(
  connection: DuckDBConnection,
  source: string,
  rest: string,
  bound: BoundValues,
): Promise<FoundVersion[]> {
  const reader = await connection.runAndReadAll(
    `SELECT meter_id, version, rule, epoch_ns(since), managed_by, epoch_ns(received_at), sequence, deleted_sequence
      FROM ${source} ${rest}`,
    bound.values,
  );
  return reader.getRows().map((row) => {
    const [id, version, rule, since, managedBy, receivedAt, sequence, deletedSequence] = row;
    return {
      id: id as string,
      version: {
        version: Number(version),
        rule: JSON.parse(rule as string),
        since: textFromInstant(since as bigint),
        managedBy: managedBy as ManagedBy,
        receivedAt: textFromInstant(receivedAt as bigint),
        sequence: Number(sequence),
        deletedSequence: deletedSequence === null ? null : Number(deletedSequence),
      },
    };
  });
}
