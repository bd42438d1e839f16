/** Who changed what: GET /api/v1/audit. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { type CursorPosition, cursorPosition, cursorText, fingerprint } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { invalid, QueryParameters } from './parameters.ts';
import { BoundValues, instant } from './statement.ts';
import { isPlace } from './statements-query.ts';

/** What can be done. A replay of quarantined signals is logged as what it came to: re-judged, or corrected. */
export const AUDIT_KINDS = [
  'customer_put',
  'customer_deleted',
  'dimension_put',
  'dimension_deleted',
  'meter_put',
  'meter_deleted',
  'settings_put',
  'quarantine_dismissed',
  'quarantine_rejudged',
  'quarantine_corrected',
  'record_corrected',
  'period_closed',
  'statement_reopened',
] as const;

/** A question that {@link parseAuditQuery} found well-formed. Plain data. Of each list any; null = all. */
export interface AuditQuery {
  kinds: string[] | null;
  subjects: string[] | null;
  actors: string[] | null;
  /** When it was done, half-open, Unix nanoseconds; null = any time. */
  from: bigint | null;
  to: bigint | null;
  limit: number;
  after: CursorPosition | null;
}

export interface AuditEntry {
  /** The journal frame that made the change, and the place in it. */
  sequence: number;
  ordinal: number;
  /** RFC 3339 in UTC. */
  time: string;
  /** `key:` and the begin of a hash of the API key, `file` or `local`; null: not recorded. */
  actor: string | null;
  kind: string;
  /** Id of what was changed; null where it is not one. */
  subject: string | null;
  note: string | null;
  /** The change itself. */
  change: unknown;
}

export interface AuditAnswer {
  /** Newest first. */
  rows: AuditEntry[];
  nextCursor: string | null;
}

const PARAMETERS = ['kind', 'subject', 'actor', 'from', 'to', 'timeZone', 'limit', 'cursor'] as const;

/** @throws QueryError naming the parameter at fault */
export function parseAuditQuery(params: Iterable<[string, string]>): AuditQuery {
  const parameters = new QueryParameters(params, PARAMETERS);
  const timeZone = parameters.timeZone();
  const kinds = parameters.all('kind');
  for (const kind of kinds ?? []) {
    if (!(AUDIT_KINDS as readonly string[]).includes(kind))
      throw invalid('kind', `kind must be one of ${AUDIT_KINDS.join(', ')}`, kind);
  }
  const query: AuditQuery = {
    kinds,
    subjects: parameters.all('subject'),
    actors: parameters.all('actor'),
    from: parameters.instant('from', timeZone) ?? null,
    to: parameters.instant('to', timeZone) ?? null,
    limit: parameters.limit(),
    after: null,
  };
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) query.after = cursorPosition(cursor, auditFingerprint(query), isPlace);
  return query;
}

function auditFingerprint({ limit: _limit, after: _after, ...question }: AuditQuery): string {
  return fingerprint(['audit', question]);
}

/** Answers from one snapshot of the ledger. */
export async function queryAudit(connection: DuckDBConnection, query: AuditQuery): Promise<AuditAnswer> {
  const { from, to, after, limit } = query;
  const bound = new BoundValues();
  const conditions = ['true'];
  const oneOf = (column: string, values: string[] | null) => {
    if (values !== null) conditions.push(`${column} IN (SELECT unnest(${bound.texts(values)}))`);
  };
  oneOf('type', query.kinds);
  oneOf('subject', query.subjects);
  oneOf('actor', query.actors);
  if (from !== null) conditions.push(`received_at >= ${instant(from)}`);
  if (to !== null) conditions.push(`received_at < ${instant(to)}`);
  if (after !== null)
    conditions.push(`(sequence < ${after[0]} OR (sequence = ${after[0]} AND ordinal < ${after[1]}))`);
  const reader = await connection.runAndReadAll(
    `SELECT sequence, ordinal, epoch_ns(received_at), actor, type, subject, note, change FROM stored.changes
    WHERE ${conditions.join(' AND ')} ORDER BY sequence DESC, ordinal DESC LIMIT ${limit + 1}`,
    bound.values,
  );
  const found = reader.getRows().map(
    ([sequence, ordinal, time, actor, kind, subject, note, change]): AuditEntry => ({
      sequence: Number(sequence),
      ordinal: Number(ordinal),
      time: textFromInstant(time as bigint),
      actor: actor as string | null,
      kind: kind as string,
      subject: subject as string | null,
      note: note as string | null,
      change: JSON.parse(change as string),
    }),
  );
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  const position =
    found.length <= limit || last === undefined ? null : [String(last.sequence), String(last.ordinal)];
  return { rows, nextCursor: position === null ? null : cursorText(auditFingerprint(query), position) };
}
