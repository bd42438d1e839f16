/** How a statement finds the window of a row of stored.usage, as its index. (Pure.) */
import type { BoundValues } from './statement.ts';

/** Parts of a statement over a table with the column `time`. */
export interface WindowIndex {
  /** The window of a row; only rows within the boundaries have one. */
  column: string;
  /** A common table expression that {@link join} needs, ending in a comma; or empty. */
  table: string;
  join: string;
}

/** A table of more buckets costs more than sorting the records by time. */
const MAX_BUCKETS = 1_000_000n;

/**
 * @param boundaries Unix nanoseconds: window i is [boundary[i], boundary[i + 1])
 * @param name tells the tables of one statement apart
 */
export function windowIndex(boundaries: readonly bigint[], name: string, bound: BoundValues): WindowIndex {
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
  const origin = boundaries[1] - ((lengths[0] + bucket - 1n) / bucket) * bucket;
  const bucketStarts = [
    0n,
    ...boundaries.slice(1).map((boundary) => (boundary - origin + bucket - 1n) / bucket),
  ];
  if (bucketStarts[windowCount] <= MAX_BUCKETS) {
    return {
      column: `${name}_window`,
      table: `${name}_buckets AS MATERIALIZED (
        SELECT unnest(range(first_bucket, end_bucket))::INTEGER AS ${name}_bucket, ${name}_window FROM (
          SELECT unnest(${bound.bigints(bucketStarts.slice(0, -1))}) AS first_bucket,
            unnest(${bound.bigints(bucketStarts.slice(1))}) AS end_bucket,
            unnest(range(${windowCount}))::INTEGER AS ${name}_window)),`,
      join: `JOIN ${name}_buckets ON ${name}_bucket = ((epoch_ns(time) - ${origin}) // ${bucket})::INTEGER`,
    };
  }

  // Only where a zone once differed from UTC by odd seconds.
  return {
    column: `${name}_window`,
    table: `${name}_starts AS MATERIALIZED (
      SELECT make_timestamp_ns(unnest(${bound.bigints(boundaries.slice(0, -1))})) AS ${name}_start,
        unnest(range(${windowCount}))::INTEGER AS ${name}_window),`,
    join: `ASOF JOIN ${name}_starts ON time >= ${name}_start`,
  };
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
