/** The SQL of a usage question: exact parts of what each group has in each window. (Pure.) */
import { KIND_CORRECTION, KIND_RECORD } from '../duckdb/schema.ts';
import { RECORD_ID } from '../duckdb/views.ts';
import {
  type BoundValues,
  behind,
  type FilterKeys,
  instant,
  keyConditions,
  metadataValue,
  type SumColumns,
  type Sums,
  seriesConditions,
} from './statement.ts';
import type { UsageQuery } from './usage-query.ts';
import { type DimensionTerms, dependsOnInterval, isOfLevels, isZeroWithoutRecords } from './usage-terms.ts';
import { windowIndex } from './window-index.ts';
import { MAX_WINDOWS } from './windows.ts';

/** Everything that the statement depends on. */
export interface UsagePlan {
  query: UsageQuery;
  keys: FilterKeys;
  /** The windows, Unix nanoseconds: window i is [boundary[i], boundary[i + 1]). */
  boundaries: readonly bigint[];
  /** The same for the pieces in which dimensions with an interval are aggregated, each within one window. */
  pieces: ReadonlyMap<string, readonly bigint[]>;
  /** All dimensions that can have a row. */
  terms: readonly DimensionTerms[];
  /** Condition on stored.usage: which rows count, as far as the question knows. */
  visible: string;
  /** Levels hold no longer than until this, Unix nanoseconds. */
  holdUntil: bigint;
  /** The window of the last row of the page before; -1 where it was none. */
  resumeWindow: number;
}

/** What the last columns of a row are, behind the texts of groupBy and an empty column. */
export const PART_COLUMNS = [
  /** Whether the page before ended in this group. */
  'resumed',
  'dimension',
  /** NULL: nothing of this group is left but windows without a record. */
  'win',
  /** The sum of records, levels × nanoseconds or values of intervals, as SumColumns has it. */
  'high',
  'whole',
  'rest',
  /** Where intervals are quotients: the same of each with its divisor; else NULL. */
  'parts',
  'records',
] as const;

/** Dimensions whose totals are one part of the statement. */
interface TermsClass {
  name: string;
  terms: DimensionTerms[];
  aggregation: 'additive' | 'max' | 'min' | 'last' | 'unique' | 'levels';
  /** Whether a total is a quotient. */
  isQuotient: boolean;
  /** A key of UsagePlan.pieces, or none. */
  interval: string;
}

const RECORDS = `count(*) FILTER (kind <> ${KIND_CORRECTION})`;
const NO_PARTS = 'NULL::STRUCT(high HUGEINT, whole HUGEINT, rest DECIMAL(38, 12), divisor HUGEINT)[]';
/** Columns of stored.usage that tell one record from another. */
const RECORD_KEY = 'series, start_time, time, quantity, kind, sequence, event';
/** Of what readings of a running total added at one time: their record ids depend on the order of arrival. */
export const INCREMENT_KEY = `lower(lpad(hex(epoch_ns(time)), 16, '0')) ||
  left(md5(concat_ws(' ', lower(lpad(hex(any_value(s.hash)), 32, '0')), epoch_ns(start_time))), 16)`;

/**
 * One statement, so that all of an answer is of one state of the ledger. Integer keys are grouped first, and only the
 * groups of this page get their names.
 */
export function usageStatement(plan: UsagePlan, sums: Sums, bound: BoundValues): string {
  return new UsageStatement(plan, sums, bound).sql();
}

class UsageStatement {
  readonly #plan: UsagePlan;
  readonly #sums: Sums;
  readonly #bound: BoundValues;
  readonly #classes: TermsClass[];
  /** What tells groups apart, integers all of them. */
  readonly #member: string[];
  readonly #metadataKeys: { metadataKey: string }[];
  /** stored.usage, with the integer `attributes` of its series where metadata matters. */
  readonly #usage: string;
  /** The rows of it that are in the range, under {@link #rowsInRange}. */
  readonly #inRange: string;
  readonly #isReadOnce: boolean;
  readonly #tables: string[] = [];
  readonly #pieces = new Map<string, { column: string; join: string }>();

  constructor(plan: UsagePlan, sums: Sums, bound: BoundValues) {
    const { query, terms } = plan;
    this.#plan = plan;
    this.#sums = sums;
    this.#bound = bound;
    this.#classes = termsClasses(terms);
    this.#metadataKeys = query.groupBy.filter((key) => typeof key === 'object');
    this.#member = [
      'dimension',
      ...(query.groupBy.includes('customerId') ? ['customer'] : []),
      ...(this.#metadataKeys.length > 0 ? ['attributes'] : []),
    ];
    const joinsSeries = this.#metadataKeys.length > 0 || query.metadata.length > 0;
    this.#usage = joinsSeries ? 'stored.usage JOIN series_attributes USING (series)' : 'stored.usage';
    if (joinsSeries) this.#tables.push(this.#seriesAttributes());
    // Few rows of a customer among those of all: they are looked for once, not by each class.
    this.#isReadOnce = plan.keys.customers !== null && this.#classes.length > 1;
    this.#inRange = this.#isReadOnce ? 'asked_rows' : this.#usage;
    if (this.#isReadOnce) {
      const { keys, visible } = plan;
      const attributes = joinsSeries ? ', attributes' : '';
      this.#tables.push(`asked_rows AS MATERIALIZED (
        SELECT customer, dimension, ${RECORD_KEY}${attributes} FROM ${this.#usage}
        WHERE ${[...this.#timesInRange(), visible, ...keyConditions(keys)].join(' AND ')})`);
    }
  }

  sql(): string {
    const { query, boundaries, keys } = this.#plan;
    const member = this.#member.join(', ');
    for (const one of this.#classes) {
      this.#definePieces(one.interval);
      if (one.aggregation === 'levels') this.#defineSpans(one);
    }

    // One pass over the usage is enough where the question itself bounds the number of totals. Else a first pass
    // finds the members of this page, so that minutes of a thousand customers are never all in memory.
    const windowCount = boundaries.length - 1;
    const boundedByQuestion =
      windowCount === 1 ||
      (keys.customers !== null &&
        keys.customers.length * windowCount <= MAX_WINDOWS &&
        this.#metadataKeys.length === 0);
    if (boundedByQuestion) {
      this.#defineTotals('');
      this.#tables.push(
        `members AS (SELECT ${member} FROM totals GROUP BY ALL HAVING sum(records) > 0 OR bool_or(held))`,
        this.#page(),
      );
    } else {
      this.#tables.push(`members AS (${this.#members()})`, this.#page());
      this.#defineTotals(`SEMI JOIN page USING (${member})`);
    }

    const texts = query.groupBy.map((_, i) => `text${i}`);
    return `
    WITH ${this.#tables.join(',\n')}
    SELECT ${[...texts, ''].join(', ')} resumed, page.dimension, win, high, whole, rest, parts, records
    FROM page LEFT JOIN totals
      ON ${this.#member.map((key) => `page.${key} = totals.${key}`).join(' AND ')}${query.after === null ? '' : ' AND win > resumed_at'}
    ORDER BY ${[...texts.map((text) => `${text} NULLS FIRST`), 'win'].join(', ')} LIMIT ${query.limit + 2}`;
  }

  /** A series' values of the metadata keys that are grouped by become one integer, `attributes`. */
  #seriesAttributes(): string {
    const { query, keys } = this.#plan;
    const values = this.#metadataKeys.map(({ metadataKey }) => metadataValue(metadataKey, this.#bound));
    const names = values.map((_, i) => `value${i}`);
    return `series_attributes AS MATERIALIZED (
      SELECT series, ${names.length === 0 ? '0' : `dense_rank() OVER (ORDER BY ${names.join(', ')})`}
        AS attributes, ${['0 AS no_value', ...names].join(', ')}
      FROM (
        SELECT series, ${['0 AS no_value', ...values.map((value, i) => `${value} AS value${i}`)].join(', ')}
        FROM stored.series WHERE ${seriesConditions(keys, query, this.#bound)}))`;
  }

  /** How rows find their piece of an interval, or their window. */
  #definePieces(interval: string): void {
    if (this.#pieces.has(interval)) return;
    const name = interval === 'none' ? 'window' : `${interval}_piece`;
    const { column, table, join } = windowIndex(this.#boundariesOf(interval), name, this.#bound);
    this.#pieces.set(interval, { column, join });
    if (table !== '') this.#tables.push(table.replace(/,$/, ''));
  }

  #boundariesOf(interval: string): readonly bigint[] {
    return this.#plan.pieces.get(interval) ?? this.#plan.boundaries;
  }

  /** Condition on the rows of a class in stored.usage. */
  #rows(one: TermsClass, times: string[]): string {
    const { visible, keys } = this.#plan;
    return [...times, visible, ...keyConditions(keys), ...this.#ofClass(one)].join(' AND ');
  }

  /** Condition on the rows of a class in {@link #inRange}. */
  #rowsInRange(one: TermsClass): string {
    return this.#isReadOnce
      ? ['true', ...this.#ofClass(one)].join(' AND ')
      : this.#rows(one, this.#timesInRange());
  }

  /** The dimensions are named where there are others. */
  #ofClass({ terms }: TermsClass): string[] {
    if (this.#classes.length === 1) return [];
    return [`dimension IN (${terms.map(({ dimension }) => dimension).join(', ')})`];
  }

  #timesInRange(): string[] {
    const { from, to } = this.#plan.query;
    return [`time >= ${instant(from)}`, `time < ${instant(to)}`];
  }

  /** Members with a record in the range, or a level that is carried into it. */
  #members(): string {
    const { visible, keys } = this.#plan;
    const member = this.#member.join(', ');
    const ofLevels = this.#classes.filter(({ aggregation }) => aggregation === 'levels');
    const branches = ofLevels.map(
      ({ name }) => `SELECT DISTINCT ${member} FROM ${name}_spans WHERE records > 0 OR ends > begins`,
    );
    if (ofLevels.length < this.#classes.length) {
      const levels = ofLevels.flatMap(({ terms }) => terms.map(({ dimension }) => dimension));
      const conditions = this.#isReadOnce
        ? ['true']
        : [...this.#timesInRange(), visible, ...keyConditions(keys)];
      if (levels.length > 0) conditions.push(`dimension NOT IN (${levels.join(', ')})`);
      branches.push(`SELECT ${member} FROM ${this.#inRange} WHERE ${conditions.join(' AND ')}
        GROUP BY ALL HAVING ${RECORDS} > 0`);
    }
    return branches.join('\nUNION ALL ');
  }

  /** The members of this page with their names, which are its order. */
  #page(): string {
    const { query, boundaries, terms, resumeWindow } = this.#plan;
    const { groupBy, after } = query;
    let valueIndex = 0;
    const names = groupBy.map((key) => {
      if (key === 'customerId') return 'customers.id';
      if (key === 'dimensionId') return 'dimensions.id';
      return `value${valueIndex++}`;
    });
    const places = names.flatMap((name, i) => {
      const text = after?.[i] ?? null;
      const place = { name, value: text === null ? `''` : this.#bound.text(text) };
      if (typeof groupBy[i] !== 'object') return [place];
      return [
        { name: `(${name} IS NOT NULL)`, value: String(text !== null) },
        { name: `coalesce(${name}, '')`, value: place.value },
      ];
    });
    const resumed =
      after === null
        ? 'false'
        : ['true', ...places.map(({ name, value }) => `${name} = ${value}`)].join(' AND ');
    // A member has at least one row, or one per window where empty ones are filled with zeros. One more row than fits
    // tells that there is a next page, and the member at which the page before ended may have none left.
    const windowCount = boundaries.length - 1;
    const filled = query.fill ? terms.filter(isZeroWithoutRecords).map(({ dimension }) => dimension) : [];
    const leastRows =
      filled.length === 0
        ? '1'
        : filled.length === terms.length
          ? String(windowCount)
          : `CASE WHEN dimension IN (${filled.join(', ')}) THEN ${windowCount} ELSE 1 END`;
    const order = [...names.map((_, i) => `text${i} NULLS FIRST`), 'dimension'].join(', ');
    const values = this.#metadataKeys.map((_, i) => `value${i}`);
    return `page AS MATERIALIZED (
      SELECT ${this.#member.join(', ')}, ${resumed} AS resumed,
        CASE WHEN ${resumed} THEN ${resumeWindow} ELSE -1 END AS resumed_at,
        ${['0 AS no_text', ...names.map((name, i) => `${name} AS text${i}`)].join(', ')}
      FROM members
        JOIN stored.dimensions USING (dimension)
        ${groupBy.includes('customerId') ? 'JOIN stored.customers USING (customer)' : ''}
        ${values.length > 0 ? `JOIN (SELECT DISTINCT attributes, ${values.join(', ')} FROM series_attributes) USING (attributes)` : ''}
      WHERE ${after === null ? 'true' : `(${resumed} OR ${behind(places)})`}
      QUALIFY coalesce(sum(CASE WHEN ${resumed} THEN 0 ELSE ${leastRows} END) OVER (
        ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) <= ${query.limit})`;
  }

  /** @param ofPage what restricts rows to the members of the page; empty for all */
  #defineTotals(ofPage: string): void {
    const totals = this.#classes.map((one) => this.#inWindows(one, this.#totals(one, ofPage)));
    this.#tables.push(`totals AS MATERIALIZED (${totals.join('\nUNION ALL ')})`);
  }

  /** From totals per piece to totals per window. */
  #inWindows(one: TermsClass, totals: string): string {
    const { boundaries, pieces } = this.#plan;
    const member = this.#member.join(', ');
    if (one.interval === 'none') {
      return `SELECT ${member}, piece AS win, high, whole, rest, ${NO_PARTS} AS parts, records, held FROM (${totals})`;
    }
    const pieceBoundaries = pieces.get(one.interval)!;
    let window = 0;
    const windows = pieceBoundaries.slice(0, -1).map((boundary) => {
      while (boundaries[window + 1] <= boundary) window += 1;
      return BigInt(window);
    });
    const inWindow = `SELECT *, (${this.#bound.bigints(windows)})[piece + 1]::INTEGER AS win FROM (${totals})`;
    const counts = 'sum(records)::BIGINT AS records, bool_or(held) AS held';
    if (!one.isQuotient) {
      const rest = this.#sums.of('rest');
      return `SELECT ${member}, win, sum(high) AS high, sum(whole) + ${rest.whole} AS whole, ${rest.rest} AS rest,
          ${NO_PARTS} AS parts, ${counts}
        FROM (${inWindow}) GROUP BY ${member}, win`;
    }
    const lengths = pieceBoundaries.slice(1).map((boundary, i) => boundary - pieceBoundaries[i]);
    const divisor = one.aggregation === 'levels' ? `(${this.#bound.bigints(lengths)})[piece + 1]` : 'records';
    return `SELECT ${member}, win, 0::HUGEINT AS high, 0::HUGEINT AS whole, 0::DECIMAL(38, 12) AS rest,
        list({high: high, whole: whole, rest: rest, divisor: ${divisor}::HUGEINT}) FILTER (records > 0 OR held) AS parts,
          ${counts}
      FROM (${inWindow}) GROUP BY ${member}, win`;
  }

  /** Columns member, piece, high, whole, rest, records, held (a level holds in the piece, or is measured there). */
  #totals(one: TermsClass, ofPage: string): string {
    switch (one.aggregation) {
      case 'additive':
        return this.#additive(one, ofPage);
      case 'max':
      case 'min':
        return this.#extreme(one, ofPage, one.aggregation);
      case 'last':
        return this.#last(one, ofPage);
      case 'unique':
        return this.#unique(one, ofPage);
      case 'levels':
        return this.#levels(one, ofPage);
    }
  }

  #additive(one: TermsClass, ofPage: string): string {
    const member = this.#member.join(', ');
    const { column, join } = this.#pieces.get(one.interval)!;
    const sum = this.#sums.of('quantity');
    // Not GROUP BY ALL: that hashes constants too, and a single window is one.
    const groupBy = column === '0' ? member : `${member}, piece`;
    return `SELECT ${member}, ${column} AS piece, ${columns(sum)}, ${RECORDS} AS records, false AS held
      FROM ${this.#inRange} ${join} ${ofPage} WHERE ${this.#rowsInRange(one)} GROUP BY ${groupBy}`;
  }

  /**
   * Rows of usage as records: what readings of one running total added at one time is one of them, with its
   * corrections, so that it does not matter in which order they came.
   */
  #extreme(one: TermsClass, ofPage: string, pick: 'max' | 'min'): string {
    const member = this.#member.join(', ');
    const { column, join } = this.#pieces.get(one.interval)!;
    const source = `FROM ${this.#inRange} ${join} ${ofPage} WHERE ${this.#rowsInRange(one)}`;
    return `SELECT ${member}, piece, ${columns(value(`${pick}(quantity)`))}, sum(records)::BIGINT AS records, false AS held
      FROM (
        SELECT ${member}, ${column} AS piece, ${pick}(quantity) AS quantity, count(*) AS records
        ${source} AND kind = ${KIND_RECORD} GROUP BY ${member}, piece
        UNION ALL
        SELECT ${member}, ${column} AS piece, ${this.#sums.within('quantity')} AS quantity, ${RECORDS} AS records
        ${source} AND kind <> ${KIND_RECORD} GROUP BY ${member}, piece, series, start_time, time)
      GROUP BY ${member}, piece HAVING sum(records) > 0`;
  }

  #last(one: TermsClass, ofPage: string): string {
    const member = this.#member.join(', ');
    const { column, join } = this.#pieces.get(one.interval)!;
    this.#tables.push(`${one.name}_latest AS MATERIALIZED (
      SELECT ${member}, ${column} AS piece, max(time) AS time, ${RECORDS} AS records
      FROM ${this.#inRange} ${join} ${ofPage} WHERE ${this.#rowsInRange(one)} GROUP BY ${member}, piece)`);
    return `SELECT ${member}, piece, ${columns(value('quantity'))}, records, false AS held
      FROM (${this.#deciding(`${one.name}_latest`, this.#inRange, this.#rowsInRange(one))}) WHERE records > 0`;
  }

  /**
   * Of the records at one time, the one with the greatest key as bytes.
   * @param instants a table of member, piece, time and records
   * @param usage where the records are, under the condition rows
   */
  #deciding(instants: string, usage: string, rows: string): string {
    const member = this.#member.join(', ');
    this.#tables.push(`${instants}_rows AS MATERIALIZED (
      SELECT * FROM (SELECT ${member}, ${RECORD_KEY} FROM ${usage} WHERE ${rows}) JOIN ${instants} USING (${member}, time))`);
    const source = (kinds: string) =>
      `(SELECT * FROM ${instants}_rows WHERE kind ${kinds} ${KIND_RECORD}) u
        JOIN (SELECT series, hash FROM stored.series) s USING (series)`;
    return `SELECT ${member}, piece, time, arg_max(quantity, record_key) AS quantity, any_value(records) AS records
      FROM (
        SELECT ${member}, piece, time, quantity, ${RECORD_ID} AS record_key, records FROM ${source('=')}
        UNION ALL
        SELECT ${member}, piece, time, ${this.#sums.within('quantity')}, ${INCREMENT_KEY}, any_value(records)
        FROM ${source('<>')} GROUP BY ${member}, piece, series, start_time, time)
      GROUP BY ${member}, piece, time`;
  }

  /** How many values of the key its records have; a record without it adds none. */
  #unique(one: TermsClass, ofPage: string): string {
    const member = this.#member.join(', ');
    const { column, join } = this.#pieces.get(one.interval)!;
    const unique = metadataValue(one.terms[0].uniqueKey!, this.#bound);
    return `SELECT ${member}, piece, 0::HUGEINT AS high,
        (count(DISTINCT unique_value) FILTER (records > 0))::HUGEINT AS whole, 0::DECIMAL(38, 12) AS rest,
        sum(records)::BIGINT AS records, false AS held
      FROM (
        SELECT ${member}, ${column} AS piece, series, ${RECORDS} AS records
        FROM ${this.#inRange} ${join} ${ofPage} WHERE ${this.#rowsInRange(one)} GROUP BY ${member}, piece, series)
      JOIN (SELECT series, ${unique} AS unique_value FROM stored.series) USING (series)
      GROUP BY ${member}, piece`;
  }

  /** From when to when each level holds within the range; also records whose level does not, with their piece. */
  #defineSpans(one: TermsClass): void {
    const { query, holdUntil } = this.#plan;
    const member = this.#member.join(', ');
    const { column, join } = this.#pieces.get(one.interval)!;
    const [{ levelTtl }] = one.terms;
    // What holds for centuries holds for good; more nanoseconds do not fit into 64 bits.
    const ttlNano = levelTtl === null || levelTtl > 9_000_000_000n ? null : levelTtl * 1_000_000_000n;
    const before = [`time < ${instant(query.from)}`];
    if (ttlNano !== null && ttlNano < query.from) before.push(`time > ${instant(query.from - ttlNano)}`);
    const { name } = one;
    this.#tables.push(
      `${name}_records AS MATERIALIZED (
        SELECT ${member}, ${column} AS piece, time, count(*) AS stored, any_value(quantity) AS quantity, ${RECORDS} AS records
        FROM ${this.#inRange} ${join} WHERE ${this.#rowsInRange(one)} GROUP BY ${member}, piece, time)`,
      `${name}_carried AS MATERIALIZED (
        SELECT ${member}, NULL::INTEGER AS piece, max(time) AS time, 0 AS records
        FROM ${this.#usage} WHERE ${this.#rows(one, before)} GROUP BY ${member})`,
      `${name}_tied AS MATERIALIZED (SELECT ${member}, piece, time, records FROM ${name}_records WHERE stored > 1)`,
    );
    const tied = this.#deciding(`${name}_tied`, this.#inRange, this.#rowsInRange(one));
    const carried = this.#deciding(`${name}_carried`, this.#usage, this.#rows(one, before));
    this.#tables.push(`${name}_spans AS MATERIALIZED (
        SELECT ${member}, piece, quantity, records, greatest(time_nano, ${query.from}) AS begins,
          least(next_at, ${ttlNano === null ? '' : `CASE WHEN ${holdUntil} - time_nano > ${ttlNano} THEN time_nano + ${ttlNano} END,`}
            ${holdUntil}) AS ends
        FROM (
          SELECT *, epoch_ns(time) AS time_nano, lead(epoch_ns(time)) OVER (PARTITION BY ${member} ORDER BY time) AS next_at
          FROM (
            SELECT ${member}, piece, time, quantity, records FROM ${name}_records WHERE stored = 1
            UNION ALL ${tied}
            UNION ALL ${carried})))`);
  }

  #levels(one: TermsClass, ofPage: string): string {
    const member = this.#member.join(', ');
    const boundaries = this.#boundariesOf(one.interval);
    const spans = `${one.name}_spans ${ofPage}`;
    const held =
      boundaries.length === 2
        ? `SELECT ${member}, 0 AS piece, quantity, ends - begins AS nanoseconds, 0 AS records
          FROM ${spans} WHERE ends > begins`
        : `SELECT ${member}, p.piece, quantity, least(ends, p.ends_at) - greatest(begins, p.begins_at) AS nanoseconds,
            0 AS records
          FROM (SELECT * EXCLUDE (piece) FROM ${spans} WHERE ends > begins) JOIN (
            SELECT unnest(range(${boundaries.length - 1}))::INTEGER AS piece,
              unnest(${this.#bound.bigints(boundaries.slice(0, -1))}) AS begins_at,
              unnest(${this.#bound.bigints(boundaries.slice(1))}) AS ends_at) p
          ON begins < p.ends_at AND ends > p.begins_at`;
    const { from, to } = this.#plan.query;
    const sum = this.#sums.ofProducts('quantity', 'nanoseconds', to - from);
    return `SELECT ${member}, piece, ${columns(sum)}, sum(records)::BIGINT AS records, true AS held
      FROM (
        ${held}
        UNION ALL
        SELECT ${member}, piece, 0::DECIMAL(38, 12), 0, records FROM ${spans} WHERE piece IS NOT NULL)
      GROUP BY ${member}, piece`;
  }
}

function columns({ high, whole, rest }: SumColumns): string {
  return `${high} AS high, ${whole} AS whole, ${rest} AS rest`;
}

/** A quantity where a sum is expected. */
function value(quantity: string): SumColumns {
  return { high: '0::HUGEINT', whole: '0::HUGEINT', rest: quantity };
}

function termsClasses(terms: readonly DimensionTerms[]): TermsClass[] {
  const classes = new Map<string, TermsClass>();
  for (const one of terms) {
    const interval = dependsOnInterval(one) ? one.interval : 'none';
    const aggregation = isOfLevels(one)
      ? 'levels'
      : one.aggregation === 'sum' || one.aggregation === 'count' || one.aggregation === 'average'
        ? 'additive'
        : (one.aggregation as 'max' | 'min' | 'last' | 'unique');
    const isQuotient = one.aggregation === 'average' || one.aggregation === 'time_weighted';
    const id = JSON.stringify([
      aggregation,
      interval,
      // Only where intervals are quotients are their totals kept apart.
      interval !== 'none' && isQuotient,
      aggregation === 'unique' ? one.uniqueKey : null,
      aggregation === 'levels' ? String(one.levelTtl) : null,
    ]);
    const known = classes.get(id);
    if (known !== undefined) known.terms.push(one);
    else classes.set(id, { name: `class${classes.size}`, terms: [one], aggregation, isQuotient, interval });
  }
  return [...classes.values()];
}
