/** Why a cell of a usage answer is what it is: GET /api/v1/usage/explain. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { textFromScaled } from '../decimal.ts';
import type { Aggregation } from '../resources.ts';
import { knownAsOf } from './as-of.ts';
import type { Rounding } from './billable.ts';
import {
  type CursorPosition,
  cursorFault,
  cursorPosition,
  cursorText,
  fingerprint,
  isInstant,
  isOrdinal,
} from './cursor.ts';
import type { MeterInForce, OriginSeries } from './explain-origins.ts';
import { cellParts, type ExplainPart } from './explain-parts.ts';
import { type CarriedLevel, carriedLevel, type ExplainedRecord, explainedPage } from './explain-records.ts';
import type { ExplainPlan } from './explain-statement.ts';
import { type ExplainStep, stepsOf } from './explain-steps.ts';
import { textFromInstant } from './instant.ts';
import { invalid, QueryParameters } from './parameters.ts';
import { QueryError, quoted } from './query-error.ts';
import { isRecordPosition, type RecordPosition } from './record-order.ts';
import { filterKeys, matchesNothing } from './statement.ts';
import {
  parseUsageQuery,
  queryUsage,
  USAGE_PARAMETERS,
  type UsageQuery,
  type UsageRow,
  usageFingerprint,
} from './usage-query.ts';
import { type DimensionTerms, dependsOnInterval, dimensionTerms, type Interval } from './usage-terms.ts';
import { estimatedWindowCount, windowBoundaries } from './windows.ts';

/** Records of one page, unless fewer are asked for. */
export const MAX_EXPLAINED = 1000;
/** Parts of one answer: hours of a year. */
const MAX_PARTS = 10_000;

/** A question that {@link parseExplainQuery} found well-formed. Plain data: it may be posted to another thread. */
export interface ExplainQuery {
  /** The question whose answer has the cell. */
  usage: UsageQuery;
  /** The cell's window, Unix nanoseconds; null: the range is empty. */
  window: { index: number; from: bigint; to: bigint } | null;
  /** Metadata keys of groupBy that the cell's records do not have. */
  missing: string[];
  /** Records of this page at most. */
  limit: number;
  after: ExplainPosition | null;
}

/** The state of the ledger that the pages of one explanation are of, and the last record of the page before. */
interface ExplainPosition {
  through: bigint;
  completeUntil: bigint;
  record: RecordPosition;
}

/** How the cell's dimension is aggregated and billed. */
export interface ExplainedDimension {
  id: string;
  unit: string;
  aggregation: Aggregation;
  uniqueKey: string | null;
  /** Seconds. */
  levelTtl: number | null;
  interval: Interval;
  usageIncrement: string | null;
  rounding: Rounding | null;
  unitPrice: string | null;
}

export interface ExplainAnswer {
  /** As the usage answer has it; null: there is no such row, because nothing was used. */
  cell: UsageRow | null;
  /** null: no such dimension is known. */
  dimension: ExplainedDimension | null;
  /** From records to what is billed. */
  steps: ExplainStep[];
  /** Intervals with a record or a level, in order; one where the dimension has no interval. */
  parts: ExplainPart[];
  /** Of time_weighted and time_integral: the level that holds when the cell begins. */
  carriedIn: CarriedLevel | null;
  /** By timestamp, then in the order in which they came. */
  records: ExplainedRecord[];
  /** What the records refer to. */
  series: OriginSeries[];
  meters: MeterInForce[];
  /** Asks for the next page, of the same state of the ledger; null on the last one. */
  nextCursor: string | null;
}

const OWN_PARAMETERS = ['windowStart', 'missing', 'limit', 'cursor'];

/**
 * Reads the parameters of GET /api/v1/usage/explain: those of GET /api/v1/usage, of which each key of groupBy has one
 * value; `windowStart` as the row says it; `missing` (repeatable) for keys of groupBy `metadata.KEY` that are null in the
 * row.
 * @throws QueryError naming the parameter at fault
 */
export function parseExplainQuery(params: Iterable<[string, string]>): ExplainQuery {
  const all = [...params];
  const parameters = new QueryParameters(all, [...USAGE_PARAMETERS, ...OWN_PARAMETERS]);
  const usage = {
    ...parseUsageQuery(all.filter(([name]) => !OWN_PARAMETERS.includes(name))),
    fill: true,
    limit: 1,
  };
  const missing = parameters.all('missing') ?? [];
  requireOneCell(usage, missing);
  const windowStart = parameters.instant('windowStart', usage.timeZone);
  const query: ExplainQuery = {
    usage,
    missing,
    window: cellWindow(usage, windowStart),
    limit: Math.min(parameters.limit(), MAX_EXPLAINED),
    after: null,
  };
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) {
    const [through, completeUntil, ...record] = cursorPosition(cursor, explainFingerprint(query), isPosition);
    query.after = {
      through: BigInt(through!),
      completeUntil: BigInt(completeUntil!),
      record: record as RecordPosition,
    };
  }
  return query;
}

function isPosition(position: CursorPosition): boolean {
  const [through, completeUntil, ...record] = position;
  return isOrdinal(through) && isInstant(completeUntil) && isRecordPosition(record);
}

function explainFingerprint({ usage, window, missing }: ExplainQuery): string {
  return fingerprint(['explain', usageFingerprint(usage), window, missing]);
}

/** @throws QueryError where the parameters name more rows than one, or none */
function requireOneCell(usage: UsageQuery, missing: readonly string[]): void {
  const { customerIds, dimensionIds, metadata, groupBy } = usage;
  requireOne('dimensionId', dimensionIds);
  if (groupBy.includes('customerId')) requireOne('customerId', customerIds);
  const grouped = groupBy.flatMap((key) => (typeof key === 'object' ? [key.metadataKey] : []));
  for (const key of missing) {
    if (!grouped.includes(key))
      throw invalid(
        'missing',
        'missing must be a KEY of groupBy=metadata.KEY, whose value is null in the row',
        key,
      );
    if (metadata.some((filter) => filter.key === key))
      throw invalid('missing', `missing must not be a key that metadata.${key} asks for`, key);
  }
  for (const key of grouped) {
    if (missing.includes(key)) continue;
    const values = metadata.find((filter) => filter.key === key)?.values ?? null;
    requireOne(`metadata.${key}`, values, `, or missing=${key} where it is null`);
  }
}

function requireOne(name: string, values: readonly string[] | null, otherwise = ''): void {
  if (values?.length === 1) return;
  throw new QueryError(
    values === null ? 'MISSING_PARAMETER' : 'REPEATED_PARAMETER',
    name,
    `${name} must name the one value that the row has${otherwise} (came ${values?.length ?? 0} times)`,
  );
}

/** @throws QueryError naming `windowStart` where it is not the begin of a window */
function cellWindow(usage: UsageQuery, windowStart: bigint | undefined): ExplainQuery['window'] {
  const boundaries = windowBoundaries(usage);
  if (boundaries.length === 0) return null;
  if (windowStart === undefined && boundaries.length > 2) {
    throw new QueryError(
      'MISSING_PARAMETER',
      'windowStart',
      `windowStart is required: the range has ${boundaries.length - 1} windows`,
    );
  }
  const index = windowStart === undefined ? 0 : boundaries.indexOf(windowStart);
  if (index === -1 || index === boundaries.length - 1) {
    throw invalid(
      'windowStart',
      `windowStart must be the begin of a window of window=${usage.window}, as the row says it`,
      textFromInstant(windowStart!),
    );
  }
  return { index, from: boundaries[index], to: boundaries[index + 1] };
}

/**
 * Answers from one state of the ledger, that of the first page for all of them.
 * @throws QueryError naming `window` where the dimension's interval is longer, `asOf` where it is not known
 */
export async function queryExplain(
  connection: DuckDBConnection,
  query: ExplainQuery,
): Promise<ExplainAnswer> {
  const nothing: ExplainAnswer = {
    cell: null,
    dimension: null,
    steps: [],
    parts: [],
    carriedIn: null,
    records: [],
    series: [],
    meters: [],
    nextCursor: null,
  };
  const { window, after } = query;
  const keys = await filterKeys(connection, query.usage);
  const [terms] = keys.dimensions?.length === 1 ? await dimensionTerms(connection, keys) : [];
  if (terms === undefined) return nothing;
  nothing.dimension = shownTerms(terms);
  if (window === null || matchesNothing(keys)) return nothing;

  const loaded = await loadedThrough(connection);
  if (after !== null && after.through > loaded) throw cursorFault();
  const through = after?.through ?? loaded;
  const usage: UsageQuery = {
    ...query.usage,
    asOf: query.usage.asOf ?? { sequence: through },
    completeUntil: after?.completeUntil ?? query.usage.completeUntil,
  };
  const known = await knownAsOf(connection, usage);
  const plan: ExplainPlan = {
    ...window,
    pieces: piecesOf(usage, window, terms),
    terms,
    keys,
    filter: usage,
    missing: query.missing,
    visible: known.visible,
    holdUntil: [window.to, usage.completeUntil ?? window.to, known.holdUntil ?? window.to].reduce((a, b) =>
      a < b ? a : b,
    ),
  };
  const cell = await usageCell(connection, usage, window, query.missing);
  const { parts, carried: span } = await cellParts(connection, plan);
  const carried = span === null ? null : await carriedLevel(connection, span, through);
  const page = await explainedPage(connection, plan, {
    limit: query.limit,
    after: after?.record ?? null,
    through,
  });
  return {
    cell,
    dimension: nothing.dimension,
    steps: cell === null ? [] : stepsOf(terms, cell, parts, carried !== null),
    parts,
    carriedIn: carried?.carriedIn ?? null,
    records: page.records,
    series: union(page.series, carried?.series ?? [], ({ seriesHash }) => seriesHash),
    meters: union(page.meters, carried?.meters ?? [], ({ id, version }) => `${version} ${id}`),
    nextCursor:
      page.next === null
        ? null
        : cursorText(explainFingerprint(query), [
            String(through),
            String(usage.completeUntil ?? window.to),
            ...page.next,
          ]),
  };
}

/** The row of the answer: the one behind that of the window before, or the first of all. */
async function usageCell(
  connection: DuckDBConnection,
  usage: UsageQuery,
  { index, from }: { index: number; from: bigint },
  missing: readonly string[],
): Promise<UsageRow | null> {
  // What is null comes first, so no other row that the parameters name comes before the cell's.
  const texts = usage.groupBy.map((key) => {
    if (key === 'customerId') return usage.customerIds![0];
    if (key === 'dimensionId') return usage.dimensionIds![0];
    if (missing.includes(key.metadataKey)) return null;
    return usage.metadata.find((filter) => filter.key === key.metadataKey)!.values[0];
  });
  const before = index === 0 ? null : windowBoundaries(usage)[index - 1];
  const after = before === null ? null : [...texts, String(before)];
  const { rows } = await queryUsage(connection, { ...usage, after });
  const [row] = rows;
  if (row === undefined || row.windowStart !== textFromInstant(from)) return null;
  return missing.every((key) => row.metadata?.[key] === null) ? row : null;
}

/** Where the intervals of the dimension begin and end in the cell. */
function piecesOf(
  usage: UsageQuery,
  cell: { from: bigint; to: bigint },
  terms: DimensionTerms,
): readonly bigint[] {
  if (!dependsOnInterval(terms)) return [cell.from, cell.to];
  const interval = terms.interval as 'hour' | 'day' | 'month';
  // A billing period is the month of its bill.
  const window = interval === 'month' && usage.window === 'period' ? 'period' : interval;
  const range: UsageQuery = { ...usage, from: cell.from, to: cell.to, window };
  if (estimatedWindowCount(range) > MAX_PARTS) {
    throw new QueryError(
      'TOO_MANY_WINDOWS',
      'window',
      `window must be short enough that it has at most ${MAX_PARTS} intervals of dimension ${quoted(terms.id)}, each ` +
        `of an ${interval}`,
    );
  }
  return windowBoundaries(range);
}

function shownTerms({
  dimension: _key,
  levelTtl,
  usageIncrement,
  unitPrice,
  ...terms
}: DimensionTerms): ExplainedDimension {
  return {
    ...terms,
    levelTtl: levelTtl === null ? null : Number(levelTtl),
    usageIncrement: usageIncrement === null ? null : textFromScaled(usageIncrement),
    unitPrice: unitPrice === null ? null : textFromScaled(unitPrice),
  };
}

function union<T>(first: readonly T[], second: readonly T[], nameOf: (one: T) => string): T[] {
  return [...new Map([...first, ...second].map((one) => [nameOf(one), one])).values()];
}

async function loadedThrough(connection: DuckDBConnection): Promise<bigint> {
  const reader = await connection.runAndReadAll('SELECT sequence FROM stored.position');
  return reader.getRows()[0][0] as bigint;
}
