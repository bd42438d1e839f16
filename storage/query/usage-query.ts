/** Usage per group and window: GET /api/v1/usage, the dashboard, the CLI. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { z } from 'zod';
import { type AsOf, asOfParameter, knownAsOf } from './as-of.ts';
import { type CursorPosition, cursorPosition, fingerprint, isInstant } from './cursor.ts';
import { invalid, QueryParameters, type UsageFilter } from './parameters.ts';
import { QueryError, quoted } from './query-error.ts';
import { type FilterKeys, filterKeys, instant, keyConditions, matchesNothing, runSum } from './statement.ts';
import { usagePage } from './usage-page.ts';
import { type UsagePlan, usageStatement } from './usage-statement.ts';
import { type DimensionTerms, dependsOnInterval, dimensionTerms } from './usage-terms.ts';
import { everUsed } from './used-keys.ts';
import {
  estimatedWindowCount,
  MAX_WINDOWS,
  WINDOW_SIZES,
  type WindowedRange,
  type WindowSize,
  windowBoundaries,
} from './windows.ts';

export { MAX_WINDOWS } from './windows.ts';

/** What rows are told apart by. */
export type GroupKey = 'customerId' | 'dimensionId' | { metadataKey: string };

/** A question that {@link parseUsageQuery} found well-formed. Plain data: it may be posted to another thread. */
export interface UsageQuery extends UsageFilter, WindowedRange {
  groupBy: GroupKey[];
  /** Whether windows without a record have a row. */
  fill: boolean;
  /** Rows of this page at most. */
  limit: number;
  /** The group and the window start (Unix nanoseconds) of the last row of the page before. */
  after: CursorPosition | null;
  /** What the ledger knew then; null = now. */
  asOf: AsOf | null;
  /**
   * Up to when usage is complete, Unix nanoseconds: levels hold no longer. null = they hold to the end of the range.
   * Whoever asks says it; it is no parameter.
   */
  completeUntil: bigint | null;
}

/** One group's usage in one window. */
export interface UsageRow {
  /** Where grouped by. */
  customerId?: string;
  /** Where grouped by. */
  dimensionId?: string;
  /** Where grouped by: the value of each key, null where the records have none. */
  metadata?: Record<string, string | null>;
  /** The dimension's, UCUM. */
  unit: string;
  /** RFC 3339 in UTC, whatever the query's zone: the repeated hour of a clock change stays two instants. */
  windowStart: string;
  windowEnd: string;
  /** Exact decimal in the unit; of averages and levels, which are quotients, to 12 places half-even. */
  quantity: string;
  /** The exact quantity rounded to the dimension's usage increment; equal to it where there is none. */
  billableQuantity: string;
  /** Billable quantity × unit price, where the dimension has one. */
  amount?: string;
  /** How many usage records are in it; a level that is carried into it is none. */
  records: number;
}

/** Rows in the order of groupBy (text by its UTF-8 bytes, null first), then by window. */
export interface UsageAnswer {
  rows: UsageRow[];
  /** Asks for the next page; null on the last one. */
  nextCursor: string | null;
}

const PAGE_PARAMETERS = ['limit', 'cursor'] as const;
/** Parameters of GET /api/v1/usage that say what is asked. */
export const USAGE_PARAMETERS = [
  'customerId',
  'dimensionId',
  'from',
  'to',
  'window',
  'anchor',
  'timeZone',
  'metadata.',
  'groupBy',
  'fill',
  'asOf',
] as const;

/**
 * Reads the parameters of GET /api/v1/usage, percent-decoded, in any order.
 * @throws QueryError naming the parameter at fault
 */
export function parseUsageQuery(params: Iterable<[string, string]>): UsageQuery {
  const parameters = new QueryParameters(params, [...USAGE_PARAMETERS, ...PAGE_PARAMETERS]);
  const timeZone = parameters.timeZone();
  const window = parameters.one('window', windowSize) ?? 'total';
  const anchor = parameters.one('anchor', anchorDay) ?? null;
  if (window === 'period' && anchor === null) {
    throw new QueryError(
      'MISSING_PARAMETER',
      'anchor',
      'anchor is required with window=period: the day of month on which a period begins, 1 to 31',
    );
  }
  if (window !== 'period' && anchor !== null) {
    throw invalid('anchor', 'anchor may come only with window=period', String(anchor));
  }
  const filter = parameters.filter();
  const query: UsageQuery = {
    ...filter,
    ...parameters.range(timeZone),
    window,
    anchor,
    timeZone,
    groupBy: groupKeys(parameters),
    fill: parameters.one('fill', trueOrFalse) ?? true,
    limit: parameters.limit(),
    after: null,
    asOf: asOfParameter(parameters, timeZone),
    completeUntil: null,
  };
  if (!query.groupBy.includes('dimensionId') && filter.dimensionIds?.length !== 1) {
    throw new QueryError(
      'INVALID_PARAMETER',
      'groupBy',
      'groupBy must name dimensionId unless exactly one dimensionId is asked for: quantities of several ' +
        'dimensions do not add up',
    );
  }
  const windows = estimatedWindowCount(query);
  if (windows > MAX_WINDOWS) {
    throw new QueryError(
      'TOO_MANY_WINDOWS',
      'window',
      `window=${window} must cut the range into at most ${MAX_WINDOWS} windows (got ${windows}): ` +
        'take longer windows or a shorter range',
    );
  }
  const cursor = parameters.one('cursor', z.string());
  if (cursor !== undefined) query.after = cursorPosition(cursor, usageFingerprint(query), isPosition);
  return query;

  function isPosition(position: CursorPosition): boolean {
    const windowStart = position[query.groupBy.length];
    return (
      position.length === query.groupBy.length + 1 &&
      query.groupBy.every((key, i) => typeof position[i] === 'string' || typeof key === 'object') &&
      isInstant(windowStart)
    );
  }
}

const windowSize = z.enum(WINDOW_SIZES, { error: `window must be one of ${WINDOW_SIZES.join(', ')}` });
const anchorDay = z
  .string()
  .regex(/^([1-9]|[12]\d|3[01])$/, { error: 'anchor must be a day of month, 1 to 31' })
  .transform(Number);
const trueOrFalse = z
  .enum(['true', 'false'], { error: 'fill must be true or false' })
  .transform((text) => text === 'true');

/** The keys of `groupBy`, comma-separated or repeated; empty = one group of everything. */
function groupKeys(parameters: QueryParameters): GroupKey[] {
  const texts = parameters.all('groupBy') ?? ['customerId,dimensionId'];
  const names = texts.flatMap((text) => (text === '' ? [] : text.split(',')));
  return [...new Set(names)].map((name) => {
    if (name === 'customerId' || name === 'dimensionId') return name;
    if (name.startsWith('metadata.') && name !== 'metadata.') {
      return { metadataKey: name.slice('metadata.'.length) };
    }
    throw invalid('groupBy', 'groupBy must name customerId, dimensionId or metadata.KEY', name);
  });
}

/** What the pages of one question have in common. */
export function usageFingerprint(query: UsageQuery): string {
  const { limit: _limit, after: _after, completeUntil: _completeUntil, ...question } = query;
  return fingerprint(question);
}

/**
 * Answers from one state of the ledger.
 * @throws QueryError naming `window` where a dimension's interval is longer, `to` where the range has too many of them,
 * `asOf` where it is not known
 */
export async function queryUsage(connection: DuckDBConnection, query: UsageQuery): Promise<UsageAnswer> {
  const boundaries = windowBoundaries(query);
  if (boundaries.length === 0) return { rows: [], nextCursor: null };
  const keys = await filterKeys(connection, query);
  if (matchesNothing(keys)) return { rows: [], nextCursor: null };
  const known = await knownAsOf(connection, query);
  const asked = await answeredTerms(connection, query, keys, known.visible);
  const terms = await usedTerms(connection, keys, asked);
  if (terms.length === 0) return { rows: [], nextCursor: null };
  const plan: UsagePlan = {
    query,
    keys,
    boundaries,
    pieces: intervalPieces(query, boundaries, terms),
    terms,
    visible: known.visible,
    holdUntil: [query.to, query.completeUntil ?? query.to, known.holdUntil ?? query.to].reduce(least),
    resumeWindow: query.after === null ? -1 : windowOf(query.after, boundaries),
  };
  const parts = await runSum(connection, 'stored.usage', (sums, bound) => usageStatement(plan, sums, bound));
  const page = usagePage(plan, parts);
  // A dimension was discovered after its terms were read.
  return page ?? (await queryUsage(connection, query));
}

/** A window start that the boundaries do not have comes only from a forged cursor. */
function windowOf(after: CursorPosition, boundaries: readonly bigint[]): number {
  return boundaries.indexOf(BigInt(after[after.length - 1]!));
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The terms of all dimensions asked for, if each can be told in these windows. */
async function answeredTerms(
  connection: DuckDBConnection,
  query: UsageQuery,
  keys: FilterKeys,
  visible: string,
): Promise<DimensionTerms[]> {
  const terms = await dimensionTerms(connection, keys);
  const faulty = terms.filter((one) => intervalFault(query, one) !== null);
  if (faulty.length === 0) return terms;
  // Where nobody named them, only those with usage are in the way.
  const inTheWay =
    query.dimensionIds === null ? await usedDimension(connection, query, keys, faulty, visible) : 0;
  if (inTheWay === null) return terms.filter((one) => !faulty.includes(one));
  throw intervalFault(query, faulty.find(({ dimension }) => dimension === inTheWay) ?? faulty[0])!;
}

/**
 * Those of the terms that the customers asked for can have rows of: to plan a statement for every kind of aggregation
 * there is takes longer than to find out which are needed.
 */
async function usedTerms(
  connection: DuckDBConnection,
  keys: FilterKeys,
  terms: readonly DimensionTerms[],
): Promise<readonly DimensionTerms[]> {
  if (keys.customers === null || terms.length <= 1) return terms;
  const used = await everUsed(connection, keys);
  return terms.filter(({ dimension }) => used.has(dimension));
}

/** The key of one of the dimensions that the customers asked for have used before the end of the range; null if none. */
async function usedDimension(
  connection: DuckDBConnection,
  query: UsageQuery,
  keys: FilterKeys,
  terms: readonly DimensionTerms[],
  visible: string,
): Promise<number | null> {
  const dimensions = terms.map(({ dimension }) => dimension);
  const conditions = [`time < ${instant(query.to)}`, visible, ...keyConditions({ ...keys, dimensions })];
  const reader = await connection.runAndReadAll(
    `SELECT min(dimension) FROM stored.usage WHERE ${conditions.join(' AND ')}`,
  );
  const [[dimension]] = reader.getRows();
  return dimension === null ? null : Number(dimension);
}

const SIZE_ORDER = ['none', 'minute', 'hour', 'day', 'week', 'month', 'period', 'total'];

/** Why a dimension's interval does not go with the windows or the range; null if it does. */
function intervalFault(query: UsageQuery, one: DimensionTerms): QueryError | null {
  const { interval } = one;
  if (SIZE_ORDER.indexOf(interval) > SIZE_ORDER.indexOf(query.window)) {
    return new QueryError(
      'INVALID_PARAMETER',
      'window',
      `window must not be shorter than the interval of dimension ${quoted(one.id)}, which is ${interval} ` +
        `(got "${query.window}")`,
    );
  }
  if (!dependsOnInterval(one)) return null;
  const count = estimatedWindowCount({ ...query, window: pieceWindow(query, one) });
  if (count <= MAX_WINDOWS) return null;
  return new QueryError(
    'TOO_MANY_WINDOWS',
    'to',
    `to must be near enough to from that the range has at most ${MAX_WINDOWS} intervals of dimension ` +
      `${quoted(one.id)}, each one ${interval} (got ${count})`,
  );
}

/** What an interval is as a window: a billing period is the month of its bill. */
function pieceWindow(query: UsageQuery, { interval }: DimensionTerms): WindowSize {
  if (interval === 'month' && query.window === 'period') return 'period';
  return interval as WindowSize;
}

/** Where the dimensions' intervals begin and end, each cut at the windows. */
function intervalPieces(
  query: UsageQuery,
  boundaries: readonly bigint[],
  terms: readonly DimensionTerms[],
): Map<string, readonly bigint[]> {
  const pieces = new Map<string, readonly bigint[]>();
  for (const one of terms) {
    if (!dependsOnInterval(one) || pieces.has(one.interval)) continue;
    const own = windowBoundaries({ ...query, window: pieceWindow(query, one) });
    const all = [...new Set([...boundaries, ...own])].sort((a, b) => (a < b ? -1 : 1));
    pieces.set(one.interval, all);
  }
  return pieces;
}
