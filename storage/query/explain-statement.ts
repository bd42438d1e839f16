/** The SQL that weighs the records of one cell: which of them count in it, and how much. (Pure.) */
import { KIND_CORRECTION, KIND_RECORD } from '../duckdb/schema.ts';
import { RECORD_ID } from '../duckdb/views.ts';
import type { UsageFilter } from './parameters.ts';
import {
  type BoundValues,
  type FilterKeys,
  instant,
  keyConditions,
  metadataValue,
  type Sums,
  seriesConditions,
} from './statement.ts';
import { INCREMENT_KEY } from './usage-statement.ts';
import { type DimensionTerms, isOfLevels } from './usage-terms.ts';
import { windowIndex } from './window-index.ts';

/** One cell of a usage answer, as its records are found. */
export interface ExplainPlan {
  /** Unix nanoseconds; the first included, the second not. */
  from: bigint;
  to: bigint;
  /** Where the cell's intervals begin and end; the cell itself where it has none. */
  pieces: readonly bigint[];
  terms: DimensionTerms;
  keys: FilterKeys;
  filter: UsageFilter;
  /** Metadata keys that the cell's records do not have. */
  missing: readonly string[];
  /** Condition on stored.usage: which rows count, as far as the question knows. */
  visible: string;
  /** Levels hold no longer than until this, Unix nanoseconds. */
  holdUntil: bigint;
}

/**
 * Common table expressions that end in `weighed`: every row of stored.usage in the cell, as `row` with
 * - piece: the index of its interval;
 * - counts: whether it has a part in the quantity (what decides a maximum, the first of its unique value, …);
 * - begins, ends: from when to when its level holds in the cell, Unix nanoseconds; NULL where it is none;
 * - unique_value: of aggregation unique.
 *
 * Of levels also `spans`: each level that holds in the cell, the one that is carried into it without a piece.
 */
export function weighedRecords(plan: ExplainPlan, sums: Sums, bound: BoundValues): string {
  const { terms } = plan;
  const { table, column, join } = windowIndex(plan.pieces, 'explained', bound);
  const tables = [
    ...(table === '' ? [] : [table.replace(/,$/, '')]),
    ...cellSeries(plan, bound),
    `cell AS MATERIALIZED (
      SELECT usage.rowid AS row, ${USAGE_COLUMNS}, ${column} AS piece FROM stored.usage ${join}
      WHERE ${rowsBetween(plan, [`time >= ${instant(plan.from)}`, `time < ${instant(plan.to)}`])})`,
  ];
  if (isOfLevels(terms)) return [...tables, ...ofLevels(plan, sums)].join(',\n');
  switch (terms.aggregation) {
    case 'max':
    case 'min':
      return [...tables, ...ofExtreme(terms.aggregation, sums)].join(',\n');
    case 'last':
      return [...tables, ...ofLast(sums)].join(',\n');
    case 'unique':
      return [...tables, ...ofUnique(metadataValue(terms.uniqueKey!, bound))].join(',\n');
    case 'average':
      return [...tables, MEASURED, weighedCell(HAS_RECORDS)].join(',\n');
    case 'count':
      return [...tables, weighedCell(`kind <> ${KIND_CORRECTION}`)].join(',\n');
    default:
      return [...tables, weighedCell('true')].join(',\n');
  }
}

/** Of stored.usage, as `weighed` has them. */
export const USAGE_COLUMNS =
  'series, customer, dimension, start_time, time, quantity, kind, sequence, event, voided_by';
const NO_SPAN = 'NULL::BIGINT AS begins, NULL::BIGINT AS ends';
const NO_VALUE = 'NULL::VARCHAR AS unique_value';

/** What readings of one running total added at one time is one fact, with its corrections: known by its first row. */
const WITH_FACTS = `facts AS MATERIALIZED (${factsOf('cell')})`;

function factsOf(rows: string): string {
  return `SELECT *, row AS fact FROM ${rows} WHERE kind = ${KIND_RECORD}
    UNION ALL
    SELECT *, min(row) OVER (PARTITION BY series, start_time, time) FROM ${rows} WHERE kind <> ${KIND_RECORD}`;
}

/** Intervals with a record: corrections alone, which only another customer's increments have, decide nothing. */
const MEASURED = `measured AS MATERIALIZED (
  SELECT piece FROM cell GROUP BY piece HAVING count(*) FILTER (kind <> ${KIND_CORRECTION}) > 0)`;
const HAS_RECORDS = 'piece IN (SELECT piece FROM measured)';

function weighedCell(counts: string): string {
  return `weighed AS (SELECT *, ${counts} AS counts, ${NO_SPAN}, ${NO_VALUE} FROM cell)`;
}

function weighedBy(counts: string, span = NO_SPAN, join = ''): string {
  return `weighed AS (SELECT facts.*, ${counts} AS counts, ${span}, ${NO_VALUE} FROM facts ${join})`;
}

function ofExtreme(pick: 'max' | 'min', sums: Sums): string[] {
  return [
    WITH_FACTS,
    MEASURED,
    `fact_values AS MATERIALIZED (
      SELECT piece, fact, time, quantity AS value FROM facts WHERE kind = ${KIND_RECORD}
      UNION ALL
      SELECT piece, fact, time, ${sums.within('quantity')} FROM facts WHERE kind <> ${KIND_RECORD}
      GROUP BY piece, fact, time)`,
    // The earliest of those that are as great.
    `deciding AS (
      SELECT arg_min(fact, {time: time, fact: fact}) AS fact
      FROM fact_values JOIN (SELECT piece, ${pick}(value) AS value FROM fact_values GROUP BY piece) USING (piece, value)
      GROUP BY piece)`,
    weighedBy(`fact IN (SELECT fact FROM deciding) AND ${HAS_RECORDS}`),
  ];
}

function ofLast(sums: Sums): string[] {
  return [
    WITH_FACTS,
    MEASURED,
    'latest AS (SELECT piece, max(time) AS time FROM facts GROUP BY piece)',
    'tied AS (SELECT facts.* FROM facts SEMI JOIN latest USING (piece, time))',
    `deciding AS (${decidingOf('tied', sums)})`,
    weighedBy(`fact IN (SELECT fact FROM deciding) AND ${HAS_RECORDS}`),
  ];
}

function ofUnique(value: string): string[] {
  return [
    `valued AS MATERIALIZED (
      SELECT cell.*, unique_value FROM cell JOIN (SELECT series, ${value} AS unique_value FROM stored.series) USING (series))`,
    `first_times AS (
      SELECT piece, unique_value, min(time) AS time FROM valued
      WHERE kind <> ${KIND_CORRECTION} AND unique_value IS NOT NULL GROUP BY piece, unique_value)`,
    `firsts AS (
      SELECT min(row) AS row FROM valued JOIN first_times USING (piece, unique_value, time)
      WHERE kind <> ${KIND_CORRECTION} GROUP BY piece, unique_value)`,
    `weighed AS (
      SELECT * EXCLUDE (unique_value), row IN (SELECT row FROM firsts) AS counts, ${NO_SPAN}, unique_value FROM valued)`,
  ];
}

function ofLevels(plan: ExplainPlan, sums: Sums): string[] {
  const { from, holdUntil } = plan;
  const ttlNano = ttlOf(plan.terms);
  const ttl =
    ttlNano === null
      ? ''
      : `CASE WHEN ${holdUntil} - time_nano > ${ttlNano} THEN time_nano + ${ttlNano} END,`;
  return [
    WITH_FACTS,
    `earlier AS MATERIALIZED (
      SELECT usage.rowid AS row, ${USAGE_COLUMNS}, NULL::INTEGER AS piece FROM stored.usage
      WHERE ${rowsBetween(plan, earlierTimes(plan))})`,
    // What holds when the cell begins; its rows are no rows of the cell.
    `latest_earlier AS (SELECT * FROM earlier WHERE time = (SELECT max(time) FROM earlier))`,
    `carried AS (${factsOf('latest_earlier')})`,
    // Keys are made only for what needs them to tell which of several holds.
    `times AS MATERIALIZED (
      SELECT time, count(*) AS stored, any_value(fact) AS fact, any_value(piece) AS piece, any_value(quantity) AS value
      FROM facts GROUP BY time)`,
    `tied AS (SELECT facts.* FROM facts SEMI JOIN (SELECT time FROM times WHERE stored > 1) USING (time))`,
    `deciding AS MATERIALIZED (
      SELECT fact, piece, time, value FROM times WHERE stored = 1
      UNION ALL ${decidingOf('tied', sums)}
      UNION ALL ${decidingOf('carried', sums)})`,
    `spans AS MATERIALIZED (
      SELECT fact, piece, value, greatest(time_nano, ${from}) AS begins, least(next_at, ${ttl} ${holdUntil}) AS ends, time_nano
      FROM (
        SELECT *, epoch_ns(time) AS time_nano, lead(epoch_ns(time)) OVER (ORDER BY time) AS next_at FROM deciding))`,
    weighedBy(
      'coalesce(ends > begins, false)',
      'begins, greatest(begins, ends) AS ends',
      'LEFT JOIN (SELECT fact, begins, ends FROM spans WHERE piece IS NOT NULL) USING (fact)',
    ),
  ];
}

/** Of the facts at one time, the one with the greatest key as bytes: columns fact, piece, time, value. */
function decidingOf(facts: string, sums: Sums): string {
  const source = (kinds: string) =>
    `(SELECT * FROM ${facts} WHERE kind ${kinds} ${KIND_RECORD}) u JOIN (SELECT series, hash FROM stored.series) s USING (series)`;
  return `SELECT fact, piece, time, value FROM (
      SELECT fact, piece, time, quantity AS value, ${RECORD_ID} AS record_key FROM ${source('=')}
      UNION ALL
      SELECT fact, piece, time, ${sums.within('quantity')}, ${INCREMENT_KEY} FROM ${source('<>')}
      GROUP BY fact, piece, series, start_time, time)
    QUALIFY row_number() OVER (PARTITION BY time, piece ORDER BY record_key DESC) = 1`;
}

/** The series of the cell, where its metadata tells them apart. */
function cellSeries({ keys, filter, missing }: ExplainPlan, bound: BoundValues): string[] {
  if (filter.metadata.length === 0 && missing.length === 0) return [];
  const conditions = [
    seriesConditions(keys, filter, bound),
    ...missing.map((key) => `${metadataValue(key, bound)} IS NULL`),
  ];
  return [`cell_series AS MATERIALIZED (SELECT series FROM stored.series WHERE ${conditions.join(' AND ')})`];
}

function rowsBetween({ visible, keys, filter, missing }: ExplainPlan, times: string[]): string {
  const conditions = [...times, visible, ...keyConditions(keys)];
  if (filter.metadata.length > 0 || missing.length > 0)
    conditions.push('series IN (SELECT series FROM cell_series)');
  return conditions.join(' AND ');
}

/** A level that holds for a limited time is not carried from before that. */
function earlierTimes({ from, terms }: ExplainPlan): string[] {
  const ttlNano = ttlOf(terms);
  const times = [`time < ${instant(from)}`];
  if (ttlNano !== null && ttlNano < from) times.push(`time > ${instant(from - ttlNano)}`);
  return times;
}

function ttlOf({ levelTtl }: DimensionTerms): bigint | null {
  return levelTtl === null ? null : levelTtl * 1_000_000_000n;
}
