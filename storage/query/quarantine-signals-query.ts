/**
 * Single signals of quarantine: GET /api/v1/quarantine/signals, the references that a replay takes, and how many were
 * settled.
 */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { z } from 'zod';
import type { SignalReference } from '../changes.ts';
import { textFromScaled } from '../decimal.ts';
import { RESOLUTION_CORRECTED, RESOLUTION_DISMISSED, RESOLUTION_OPEN } from '../duckdb/schema.ts';
import { codeName, type QuarantineCode } from '../quarantine-codes.ts';
import { type CursorPosition, cursorPosition, cursorText, fingerprint, isOrdinal } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { invalid, QueryParameters } from './parameters.ts';
import {
  FILTER_PARAMETERS,
  filterConditions,
  filterParameters,
  type QuarantineFilter,
  signalId,
  signalReference,
} from './quarantine-filter.ts';
import { BoundValues, behind } from './statement.ts';

/** What became of a signal: nothing yet; counted as a person said; not to be counted. */
export const RESOLUTIONS = [RESOLUTION_OPEN, RESOLUTION_CORRECTED, RESOLUTION_DISMISSED] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** A question that {@link parseQuarantineSignalsQuery} found well-formed. */
export interface QuarantineSignalsQuery extends QuarantineFilter {
  resolution: Resolution;
  /** Of these at most; null = all. */
  signals: SignalReference[] | null;
  /** Signals at one of these places, whichever meter claims them; absent = all. */
  places?: Omit<SignalReference, 'meterId'>[];
  /** Rows of this page at most. */
  limit: number;
  /** Sequence, ordinal and meter of the last signal of the page before. */
  after: CursorPosition | null;
}

/** One signal that a meter claimed and that was not counted as it came. */
export interface QuarantinedSignal extends SignalReference {
  /** The three of {@link SignalReference} as one text, for the parameter `signal`. */
  id: string;
  reason: QuarantineCode;
  /** null where it names none. */
  customerId: string | null;
  /** null where it names none. */
  dimensionId: string | null;
  /** The value as text, whatever it is. */
  value: string;
  /** The value where it is an exact decimal in range, else null. */
  quantity: string | null;
  /** Of the value, as the signal says it. */
  unit: string;
  /** The signal's own time as it came, RFC 3339 in UTC; null where it has none. */
  timestamp: string | null;
  /** Begin of its period, where it says one. */
  startTime: string | null;
  metadata: Record<string, string>;
  /** Name of the metric; empty where it has none. */
  metricName: string;
  /** gauge, sum, histogram, exponential_histogram, summary, log, span or record. */
  kind: string;
  /** RFC 3339 in UTC. */
  firstSeen: string;
  lastSeen: string;
  resolution: Resolution;
  /** The journal frame that settled it; null while it is open. */
  resolvedBy: number | null;
  /** When that was, RFC 3339 in UTC, and who did it, as the audit log says it. */
  resolvedAt: string | null;
  actor: string | null;
  /** What the person who settled it noted. */
  note: string | null;
}

/** Signals in the order of the journal. */
export interface QuarantineSignalsAnswer {
  rows: QuarantinedSignal[];
  /** Asks for the next page; null on the last one. */
  nextCursor: string | null;
}

/** References in the order of the journal. */
export interface QuarantineReferencesAnswer {
  signals: SignalReference[];
  /** Asks for the next page; null on the last one. */
  nextCursor: string | null;
}

/** How many signals that match are in which state. */
export type QuarantineResolutions = Record<Resolution, number>;

const resolution = z.enum(RESOLUTIONS, { error: `resolution must be one of ${RESOLUTIONS.join(', ')}` });

/**
 * Reads the parameters of GET /api/v1/quarantine/signals, all of them optional: those of {@link QuarantineFilter},
 * `signal` (repeatable, the `id` of a row) and `resolution` (default open).
 * @throws QueryError naming the parameter at fault
 */
export function parseQuarantineSignalsQuery(params: Iterable<[string, string]>): QuarantineSignalsQuery {
  const parameters = new QueryParameters(params, [
    ...FILTER_PARAMETERS,
    'signal',
    'resolution',
    'limit',
    'cursor',
  ]);
  const query: QuarantineSignalsQuery = {
    ...filterParameters(parameters),
    resolution: parameters.one('resolution', resolution) ?? 'open',
    signals:
      parameters.all('signal')?.map((text) => {
        const reference = signalReference(text);
        if (reference !== null) return reference;
        throw invalid('signal', 'signal must be the id of a quarantined signal, as 12.0.builtin', text);
      }) ?? null,
    limit: parameters.limit(),
    after: null,
  };
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) query.after = cursorPosition(cursor, signalsFingerprint(query), isPosition);
  return query;
}

function isPosition([sequence, ordinal, meterId, ...rest]: CursorPosition): boolean {
  return rest.length === 0 && isOrdinal(sequence) && isOrdinal(ordinal) && typeof meterId === 'string';
}

function signalsFingerprint({ limit: _limit, after: _after, ...question }: QuarantineSignalsQuery): string {
  return fingerprint(question);
}

/** Answers from one snapshot of the ledger. */
export async function queryQuarantineSignals(
  connection: DuckDBConnection,
  query: QuarantineSignalsQuery,
): Promise<QuarantineSignalsAnswer> {
  const read = await readSignals(
    connection,
    query,
    `code, customer_id, dimension_id, value_text, quantity, x.unit, time_nano, start_nano, metadata, metric_name,
      metric_kind, epoch_ns(first_seen), epoch_ns(last_seen), resolution, resolved_by, q.note,
      ${query.resolution === RESOLUTION_OPEN ? 'NULL, NULL' : 'epoch_ns(g.received_at), g.actor'}`,
    `JOIN stored.contexts x USING (context)${query.resolution === RESOLUTION_OPEN ? '' : SETTLED_BY}`,
  );
  const { rows, nextCursor } = signalsPage(query, read, toSignal);
  return { rows, nextCursor };
}

/** All changes of a frame are of one moment and one person. */
const SETTLED_BY = `
  LEFT JOIN (SELECT sequence, any_value(received_at) AS received_at, any_value(actor) AS actor
    FROM stored.changes GROUP BY sequence) g ON g.sequence = resolved_by`;

/** The same signals by their references alone, which are small: `limit` may be as large as a replay takes. */
export async function queryQuarantineReferences(
  connection: DuckDBConnection,
  query: QuarantineSignalsQuery,
): Promise<QuarantineReferencesAnswer> {
  const read = await readSignals(connection, query, '', '');
  const { rows, nextCursor } = signalsPage(query, read, toReference);
  return { signals: rows, nextCursor };
}

/** Counts what matches a filter, settled or not. */
export async function queryQuarantineResolutions(
  connection: DuckDBConnection,
  filter: QuarantineFilter,
): Promise<QuarantineResolutions> {
  const bound = new BoundValues();
  const conditions = ['true', ...filterConditions(filter, bound)];
  const reader = await connection.runAndReadAll(
    `SELECT resolution, count(*) FROM stored.quarantine JOIN stored.series USING (series)
      WHERE ${conditions.join(' AND ')} GROUP BY resolution`,
    bound.values,
  );
  const counts: QuarantineResolutions = { open: 0, corrected: 0, dismissed: 0 };
  for (const [name, signals] of reader.getRows()) counts[name as Resolution] = Number(signals);
  return counts;
}

/** Rows of sequence, ordinal, meter and these columns: one more than the limit, where there are so many. */
async function readSignals(
  connection: DuckDBConnection,
  query: QuarantineSignalsQuery,
  columns: string,
  joins: string,
): Promise<DuckDBValue[][]> {
  const bound = new BoundValues();
  const conditions = [`resolution = ${bound.text(query.resolution)}`, ...filterConditions(query, bound)];
  if (query.signals !== null) {
    const { signals } = query;
    conditions.push(`(q.sequence, q.ordinal, s.meter_id) IN (
      SELECT (${unnestedPlaces(signals, bound)}, unnest(${bound.texts(signals.map(({ meterId }) => meterId))})))`);
  }
  if (query.places !== undefined)
    conditions.push(`(q.sequence, q.ordinal) IN (SELECT (${unnestedPlaces(query.places, bound)}))`);
  if (query.after !== null) {
    const [sequence, ordinal, meterId] = query.after as [string, string, string];
    conditions.push(
      behind([
        { name: 'q.sequence', value: sequence },
        { name: 'q.ordinal', value: ordinal },
        { name: 's.meter_id', value: bound.text(meterId) },
      ]),
    );
  }
  const reader = await connection.runAndReadAll(
    `SELECT ${['q.sequence', 'q.ordinal', 's.meter_id', ...(columns === '' ? [] : [columns])].join(', ')}
      FROM stored.quarantine q JOIN stored.series s USING (series) ${joins}
      WHERE ${conditions.join(' AND ')}
      ORDER BY q.sequence, q.ordinal, s.meter_id LIMIT ${query.limit + 1}`,
    bound.values,
  );
  return reader.getRows();
}

/** Sequences and ordinals as two columns. */
function unnestedPlaces(places: readonly Omit<SignalReference, 'meterId'>[], bound: BoundValues): string {
  const sequences = bound.bigints(places.map(({ sequence }) => BigInt(sequence)));
  const ordinals = bound.bigints(places.map(({ ordinal }) => BigInt(ordinal)));
  return `unnest(${sequences}), unnest(${ordinals})`;
}

function signalsPage<Row extends SignalReference>(
  query: QuarantineSignalsQuery,
  read: DuckDBValue[][],
  toRow: (row: DuckDBValue[]) => Row,
): { rows: Row[]; nextCursor: string | null } {
  const rows = read.slice(0, query.limit).map(toRow);
  if (read.length <= query.limit) return { rows, nextCursor: null };
  const { sequence, ordinal, meterId } = rows[query.limit - 1];
  const position = [String(sequence), String(ordinal), meterId];
  return { rows, nextCursor: cursorText(signalsFingerprint(query), position) };
}

function toReference([sequence, ordinal, meterId]: DuckDBValue[]): SignalReference {
  return { sequence: Number(sequence), ordinal: Number(ordinal), meterId: meterId as string };
}

function toSignal(row: DuckDBValue[]): QuarantinedSignal {
  const [code, customerId, dimensionId, value, quantity, unit, time, start, metadata, ...rest] = row.slice(3);
  const [metricName, kind, firstSeen, lastSeen, settled, resolvedBy, note, resolvedAt, actor] = rest;
  const reference = toReference(row);
  return {
    id: signalId(reference),
    ...reference,
    reason: codeName(Number(code)),
    customerId: customerId as string | null,
    dimensionId: dimensionId as string | null,
    value: value as string,
    quantity: quantity === null ? null : textFromScaled((quantity as DuckDBDecimalValue).value),
    unit: unit as string,
    timestamp: timeText(time),
    startTime: timeText(start),
    metadata: JSON.parse(metadata as string),
    metricName: metricName as string,
    kind: kind as string,
    firstSeen: textFromInstant(firstSeen as bigint),
    lastSeen: textFromInstant(lastSeen as bigint),
    resolution: settled as Resolution,
    resolvedBy: resolvedBy === null ? null : Number(resolvedBy),
    resolvedAt: resolvedAt === null ? null : textFromInstant(resolvedAt as bigint),
    actor: actor as string | null,
    note: note as string | null,
  };
}

/** Any uint64, so also times that no timestamp of the ledger can say. 0 = unknown. */
function timeText(unixNano: DuckDBValue): string | null {
  return unixNano === 0n ? null : textFromInstant(unixNano as bigint);
}
