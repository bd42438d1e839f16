/** Usage per group and window: GET /api/v1/usage, the dashboard, the CLI. */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { z } from 'zod';
import { FRACTION_DIGITS, textFromScaled } from '../decimal.ts';
import { KIND_CORRECTION } from '../duckdb/schema.ts';
import { amountText, billableQuantity, type Rounding } from './billable.ts';
import { type CursorPosition, cursorPosition, cursorText, fingerprint } from './cursor.ts';
import { textFromInstant } from './instant.ts';
import { invalid, QueryParameters, type UsageFilter } from './parameters.ts';
import { QueryError } from './query-error.ts';
import {
  type BoundValues,
  behind,
  type FilterKeys,
  filterKeys,
  instant,
  keyConditions,
  matchesNothing,
  metadataValue,
  runSum,
  type SumColumns,
  scaledSum,
  seriesConditions,
} from './statement.ts';
import { estimatedWindowCount, WINDOW_SIZES, type WindowedRange, windowBoundaries } from './windows.ts';

/** Windows of one range. Minutes of two months, hours of eleven years. */
export const MAX_WINDOWS = 100_000;

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
  /** Exact decimal in the unit. */
  quantity: string;
  /** The quantity rounded to the dimension's usage increment, equal to it where there is none. */
  billableQuantity: string;
  /** Billable quantity × unit price, where the dimension has one. */
  amount?: string;
  /** How many usage records are in it. */
  records: number;
}

/** Rows in the order of groupBy (text by its UTF-8 bytes, null first), then by window. */
export interface UsageAnswer {
  rows: UsageRow[];
  /** Asks for the next page; null on the last one. */
  nextCursor: string | null;
}

const PARAMETERS = [
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
  'limit',
  'cursor',
] as const;

/**
 * Reads the parameters of GET /api/v1/usage, percent-decoded, in any order.
 * @throws QueryError naming the parameter at fault
 */
export function parseUsageQuery(params: Iterable<[string, string]>): UsageQuery {
  const parameters = new QueryParameters(params, PARAMETERS);
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
      typeof windowStart === 'string' &&
      /^-?\d{1,19}$/.test(windowStart)
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

function usageFingerprint({ limit: _limit, after: _after, ...question }: UsageQuery): string {
  return fingerprint(question);
}

/**
 * Answers from one snapshot of the ledger.
 * @throws Error where a dimension has an aggregation that is not computed here
 */
export async function queryUsage(connection: DuckDBConnection, query: UsageQuery): Promise<UsageAnswer> {
  const boundaries = windowBoundaries(query);
  if (boundaries.length === 0) return { rows: [], nextCursor: null };
  const keys = await filterKeys(connection, query);
  if (matchesNothing(keys)) return { rows: [], nextCursor: null };
  const totals = await runSum(connection, (sum, bound) =>
    usageStatement(query, boundaries, keys, sum, bound),
  );
  return usagePage(query, boundaries, totals);
}

/**
 * One statement: integer keys are grouped first, and only the groups of this page get their names.
 * Columns: the texts of groupBy, then as {@link usagePage} takes them apart.
 */
function usageStatement(
  query: UsageQuery,
  boundaries: bigint[],
  keys: FilterKeys,
  sum: SumColumns,
  bound: BoundValues,
): string {
  const { groupBy, after } = query;
  const windowCount = boundaries.length - 1;
  const metadataKeys = groupBy.filter((key) => typeof key === 'object');
  const joinsSeries = metadataKeys.length > 0 || query.metadata.length > 0;
  const windows = windowIndex(boundaries, bound);

  // A series' values of the metadata keys that are grouped by become one integer, `attributes`.
  const values = metadataKeys.map(({ metadataKey }) => metadataValue(metadataKey, bound));
  const valueNames = values.map((_, i) => `value${i}`);
  const series = `
    series_attributes AS MATERIALIZED (
      SELECT series, ${valueNames.length === 0 ? '0' : `dense_rank() OVER (ORDER BY ${valueNames.join(', ')})`}
        AS attributes, ${['0 AS no_value', ...valueNames].join(', ')}
      FROM (
        SELECT series, ${['0 AS no_value', ...values.map((value, i) => `${value} AS value${i}`)].join(', ')}
        FROM stored.series WHERE ${seriesConditions(keys, query, bound)})),`;

  const memberKeys = [
    'dimension',
    ...(groupBy.includes('customerId') ? ['customer'] : []),
    ...(metadataKeys.length > 0 ? ['attributes'] : []),
  ];
  const usage = `stored.usage ${joinsSeries ? 'JOIN series_attributes USING (series)' : ''}`;
  const inRange = [
    `time >= ${instant(query.from)}`,
    `time < ${instant(query.to)}`,
    'voided_by IS NULL',
    ...keyConditions(keys),
  ].join(' AND ');
  // Not GROUP BY ALL: that hashes constants too, and a single window is one.
  const totalKeys = windowCount === 1 ? memberKeys : [...memberKeys, 'win'];
  const totals = (source: string) => `
    totals AS MATERIALIZED (
      SELECT ${memberKeys.join(', ')}, ${windows.column} AS win, ${sum.whole} AS whole, ${sum.rest} AS rest,
        count(*) FILTER (kind <> ${KIND_CORRECTION}) AS records
      FROM ${source} ${windows.join} WHERE ${inRange} GROUP BY ${totalKeys.join(', ')})`;

  // The names of a member, and its place in the order.
  let valueIndex = 0;
  const names = groupBy.map((key) => {
    if (key === 'customerId') return 'customers.id';
    if (key === 'dimensionId') return 'dimensions.id';
    return `value${valueIndex++}`;
  });
  const texts = names.map((_, i) => `text${i}`);
  const groupPlaces = names.flatMap((name, i) => {
    const text = after?.[i] ?? null;
    const place = { name, value: text === null ? `''` : bound.text(text) };
    if (typeof groupBy[i] !== 'object') return [place];
    return [
      { name: `(${name} IS NOT NULL)`, value: String(text !== null) },
      { name: `coalesce(${name}, '')`, value: place.value },
    ];
  });
  const resumed =
    after === null
      ? 'false'
      : ['true', ...groupPlaces.map(({ name, value }) => `${name} = ${value}`)].join(' AND ');
  const order = [...texts.map((text) => `${text} NULLS FIRST`), 'win'].join(', ');
  // Each member has at least one row; filled, it has one per window. One more row tells that there is a next page,
  // and the member at which the page before ended may have none left.
  const memberLimit = query.fill ? Math.ceil((query.limit + 1) / windowCount) + 1 : query.limit + 2;
  const page = `
    page AS MATERIALIZED (
      SELECT ${memberKeys.join(', ')}, unit, aggregation, usage_increment, rounding, unit_price,
        ${resumed} AS resumed, ${['0 AS no_text', ...names.map((name, i) => `${name} AS text${i}`)].join(', ')}
      FROM members
        JOIN stored.dimensions USING (dimension)
        ${groupBy.includes('customerId') ? 'JOIN stored.customers USING (customer)' : ''}
        ${metadataKeys.length > 0 ? `JOIN (SELECT DISTINCT attributes, ${valueNames.join(', ')} FROM series_attributes) USING (attributes)` : ''}
      WHERE ${after === null ? 'true' : `(${resumed} OR ${behind(groupPlaces)})`}
      ORDER BY ${[...texts.map((text) => `${text} NULLS FIRST`), 'dimension'].join(', ')} LIMIT ${memberLimit})`;

  // One pass over the usage is enough where the question itself bounds the number of totals. Else a first pass
  // finds the members of this page, so that minutes of a thousand customers are never all in memory.
  const boundedByQuestion =
    windowCount === 1 ||
    (keys.customers !== null &&
      keys.customers.length * windowCount <= MAX_WINDOWS &&
      metadataKeys.length === 0);
  const passes = boundedByQuestion
    ? `${totals(usage)},
      members AS (
        SELECT ${memberKeys.join(', ')} FROM totals GROUP BY ALL HAVING sum(records) > 0),
      ${page}`
    : `members AS (
        SELECT ${memberKeys.join(', ')} FROM ${usage} WHERE ${inRange} GROUP BY ALL
        HAVING count(*) FILTER (kind <> ${KIND_CORRECTION}) > 0),
      ${page},
      ${totals(`${usage} SEMI JOIN page USING (${memberKeys.join(', ')})`)}`;

  const resumeWindow = after === null ? -1 : windowOf(after, boundaries);
  return `
    WITH ${joinsSeries ? series : ''} ${windows.table} ${passes}
    SELECT ${[...texts, ''].join(', ')} resumed, unit, aggregation, usage_increment, rounding, unit_price,
      win, whole, rest, records
    FROM page LEFT JOIN totals
      ON ${memberKeys.map((key) => `page.${key} = totals.${key}`).join(' AND ')}
        AND (NOT resumed OR win > ${resumeWindow})
    ORDER BY ${order} LIMIT ${query.limit + 2}`;
}

/** The window of a cursor. A window start that the boundaries do not have comes only from a forged one. */
function windowOf(after: CursorPosition, boundaries: bigint[]): number {
  return boundaries.indexOf(BigInt(after[after.length - 1]!));
}

/** How a statement finds the window of a record, as its index. `table` ends in a comma. */
interface WindowIndex {
  column: string;
  table: string;
  join: string;
}

/** A table of more buckets costs more than sorting the records by time. */
const MAX_BUCKETS = 1_000_000n;

function windowIndex(boundaries: bigint[], bound: BoundValues): WindowIndex {
  const windowCount = boundaries.length - 1;
  if (windowCount === 1) return { column: '0', table: '', join: '' };
  const lengths = boundaries.slice(1).map((boundary, i) => boundary - boundaries[i]);
  const whole = lengths.slice(1, -1);
  let longest = 0n;
  for (const length of lengths) if (length > longest) longest = length;

  // Windows of one length, cut at most at the edges of the range: a division.
  if (whole.every((length) => length === longest)) {
    const origin = boundaries[1] - longest;
    return { column: `((epoch_ns(time) - ${origin}) // ${longest})::INTEGER`, table: '', join: '' };
  }

  // Days of 23 to 25 hours, months: buckets of the greatest length that divides all windows (for any zone of
  // today an hour, half or a quarter of one), each in one window.
  const bucket = whole.reduce(greatestCommonDivisor);
  const from = boundaries[0];
  const origin = boundaries[1] - ((lengths[0] + bucket - 1n) / bucket) * bucket;
  const bucketStarts = [
    0n,
    ...boundaries.slice(1).map((boundary) => (boundary - origin + bucket - 1n) / bucket),
  ];
  if (bucketStarts[windowCount] <= MAX_BUCKETS) {
    return {
      column: 'bucket_window',
      table: `buckets AS MATERIALIZED (
        SELECT unnest(range(first_bucket, end_bucket))::INTEGER AS bucket, bucket_window FROM (
          SELECT unnest(${bound.bigints(bucketStarts.slice(0, -1))}) AS first_bucket,
            unnest(${bound.bigints(bucketStarts.slice(1))}) AS end_bucket,
            unnest(range(${windowCount}))::INTEGER AS bucket_window)),`,
      join: `JOIN buckets ON bucket = ((epoch_ns(time) - ${origin}) // ${bucket})::INTEGER`,
    };
  }

  // Only where a zone once differed from UTC by odd seconds.
  return {
    column: 'starts_window',
    table: `window_starts AS MATERIALIZED (
      SELECT make_timestamp_ns(unnest(${bound.bigints([from, ...boundaries.slice(1, -1)])})) AS starts_at,
        unnest(range(${windowCount}))::INTEGER AS starts_window),`,
    join: 'ASOF JOIN window_starts ON time >= starts_at',
  };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** Fills windows without a record, and cuts the page. (Pure.) */
function usagePage(query: UsageQuery, boundaries: bigint[], totals: DuckDBValue[][]): UsageAnswer {
  const windowCount = boundaries.length - 1;
  const groupCount = query.groupBy.length;
  const starts = boundaries.map(textFromInstant);
  const rows: UsageRow[] = [];
  /** Where each of the rows stands, as a cursor says it. */
  let last: CursorPosition = [];
  let next: UsageRow | null = null;

  const add = (member: Member, window: number, quantity: bigint, records: number): void => {
    const billable = billableQuantity(quantity, member.usageIncrement, member.rounding);
    const row: UsageRow = {
      ...member.labels,
      unit: member.unit,
      windowStart: starts[window],
      windowEnd: starts[window + 1],
      quantity: textFromScaled(quantity),
      billableQuantity: textFromScaled(billable),
      ...(member.unitPrice === null ? {} : { amount: amountText(billable, member.unitPrice) }),
      records,
    };
    if (rows.length === query.limit) {
      next = row;
    } else {
      rows.push(row);
      last = [...member.texts, String(boundaries[window])];
    }
  };
  const addEmpty = (member: Member, from: number, to: number): void => {
    if (!query.fill) return;
    for (let window = from; window < to && next === null; window++) add(member, window, 0n, 0);
  };

  let member: Member | null = null;
  let nextWindow = 0;
  for (const total of totals) {
    if (next !== null) break;
    const texts = total.slice(0, groupCount) as (string | null)[];
    const [resumed, unit, aggregation, usageIncrement, rounding, unitPrice, window, whole, rest, records] =
      total.slice(groupCount);
    if (member === null || texts.some((text, i) => text !== member?.texts[i])) {
      if (member !== null) addEmpty(member, nextWindow, windowCount);
      member = {
        texts,
        labels: labels(query.groupBy, texts),
        unit: unit as string,
        usageIncrement: scaled(usageIncrement),
        rounding: rounding as Rounding | null,
        unitPrice: scaled(unitPrice),
      };
      nextWindow = resumed ? windowOf(query.after!, boundaries) + 1 : 0;
    }
    // NULL: the page before ended in this member, and nothing of it is left but empty windows.
    if (window === null) continue;
    addEmpty(member, nextWindow, window as number);
    if (next !== null) break;
    const count = Number(records);
    add(member, window as number, aggregated(aggregation as string, scaledSum(whole, rest), count), count);
    nextWindow = (window as number) + 1;
  }
  if (member !== null && next === null) addEmpty(member, nextWindow, windowCount);
  return { rows, nextCursor: next === null ? null : cursorText(usageFingerprint(query), last) };
}

/** A group of rows, and how its dimension is billed. */
interface Member {
  texts: (string | null)[];
  labels: Pick<UsageRow, 'customerId' | 'dimensionId' | 'metadata'>;
  unit: string;
  usageIncrement: bigint | null;
  rounding: Rounding | null;
  unitPrice: bigint | null;
}

function labels(groupBy: GroupKey[], texts: (string | null)[]): Member['labels'] {
  const row: Member['labels'] = {};
  const metadata: [string, string | null][] = [];
  groupBy.forEach((key, i) => {
    if (typeof key === 'object') metadata.push([key.metadataKey, texts[i]]);
    else row[key] = texts[i]!;
  });
  return metadata.length === 0 ? row : { ...row, metadata: Object.fromEntries(metadata) };
}

/** A window's quantity, scaled, by the dimension's aggregation. */
function aggregated(aggregation: string, sum: bigint, records: number): bigint {
  switch (aggregation) {
    case 'sum':
      return sum;
    case 'count':
      return BigInt(records) * 10n ** BigInt(FRACTION_DIGITS);
    default:
      throw new Error(`aggregation ${aggregation} is not computed by this release`);
  }
}

function scaled(decimal: DuckDBValue): bigint | null {
  return decimal === null ? null : (decimal as DuckDBDecimalValue).value;
}
