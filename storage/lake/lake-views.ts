/**
 * The views of usage.duckdb: those of the ledger, by name, column and comment, over the lake's files.
 *
 * A view needs absolute paths, since DuckDB takes relative ones from wherever the reader happens to work. So that a
 * copy of the lake can be read too, each path begins with the variable `usage_lake` where the reader has set it.
 */

import { KIND_RECORD } from '../duckdb/schema.ts';
import { VIEWS } from '../duckdb/views.ts';
import type { Manifest, Part, Restatement } from './manifest.ts';
import { quoted } from './part-file.ts';

/** Views of the ledger that the lake computes from its records, or leaves out because they need all readings. */
const WITHOUT_A_FILE: ReadonlySet<string> = new Set([
  'usage_records',
  'usage_hourly',
  'usage_daily',
  'usage_flags',
]);

/** Views of the ledger that are one file each in the lake. */
export const TABLE_VIEWS: readonly string[] = VIEWS.map(({ name }) => name).filter(
  (name) => !WITHOUT_A_FILE.has(name),
);

/** The name of a session variable that says where the lake is, instead of where it was published. */
export const LAKE_VARIABLE = 'usage_lake';

/**
 * What creates each view with its comments, by name.
 * @param directory the lake's folder, absolute
 */
export function lakeViewStatements(directory: string, manifest: Manifest): Map<string, string[]> {
  return new Map([
    ['usage_records', recordsView(directory, manifest.parts)],
    ['usage_hourly', hourlyView()],
    ['usage_daily', dailyView(directory, manifest.parts)],
    ...TABLE_VIEWS.map((name) => [name, tableView(name, directory, manifest)] as const),
    ['lake_status', statusView(manifest)],
  ]);
}

/**
 * Id of a record from the columns of its file; the same as storage/duckdb/views.ts makes of the ledger's. It is a third
 * of a file's bytes and two thirds of the time that writing takes, so it is computed when somebody asks for it.
 */
const RECORD_ID = `lower(lpad(hex(epoch_ns("timestamp")), 16, '0')) || left(md5(concat_ws(' ', series_hash,
    coalesce(epoch_ns(start_time), 0), epoch_ns("timestamp"), record_value, kind_number,
    CASE WHEN kind_number = ${KIND_RECORD} THEN 0 ELSE journal_sequence END, event_key)), 16)`;

/** Columns of usage_records, in its order, that are not simply those of the files. */
const COMPUTED: Record<string, string> = {
  record_id: RECORD_ID,
  metadata: 'metadata::JSON',
};

/** Types of the files' columns, for a lake without a file. */
const EMPTY_RECORDS = `SELECT NULL::VARCHAR AS customer_id, NULL::VARCHAR AS dimension_id,
  NULL::DECIMAL(38, 12) AS record_value, NULL::VARCHAR AS unit, NULL::TIMESTAMP_NS AS "timestamp",
  NULL::TIMESTAMP_NS AS start_time, NULL::VARCHAR AS metadata, NULL::VARCHAR AS kind, NULL::UTINYINT AS kind_number,
  NULL::VARCHAR AS meter_id, NULL::VARCHAR AS metric_name, NULL::VARCHAR AS event_key, NULL::VARCHAR AS series_hash,
  NULL::BOOLEAN AS weak_identity, NULL::BIGINT AS journal_sequence WHERE false`;

function recordsView(directory: string, parts: readonly Part[]): string[] {
  const { comment, columns } = viewNamed('usage_records');
  const sources = groupsOf(parts).map((group) => restatedFiles(directory, group, group[0].restatement));
  const from = sources.length === 0 ? EMPTY_RECORDS : sources.join('\n  UNION ALL BY NAME ');
  const list = columns.map(([name]) => `  ${COMPUTED[name] ?? `"${name}"`} AS "${name}"`);
  return [
    `CREATE VIEW usage_records AS SELECT\n${list.join(',\n')}\nFROM (${from})`,
    ...comments('usage_records', comment, columns),
  ];
}

/** Parts that are restated in the same way; nearly always, all of them in none. */
function groupsOf(parts: readonly Part[]): Part[][] {
  return [...Map.groupBy(parts, ({ restatement }) => JSON.stringify(restatement)).values()];
}

function parquet(paths: readonly string[]): string {
  return `read_parquet([${paths.join(', ')}], hive_partitioning = false)`;
}

/** The records of some files, as they are by now. */
function restatedFiles(directory: string, parts: readonly Part[], restatement: Restatement | null): string {
  const files = parquet(parts.map(({ file }) => filePath(directory, file)));
  if (restatement === null) return `SELECT * FROM ${files}`;
  const { customers, units, voided } = restatement;
  const replaced = [
    ...replacement('customer_id', 'customer_id', customers),
    ...replacement('unit', 'dimension_id', units),
  ];
  // The id is dear, so it is asked for only where the time is that of a voided record.
  const times = [...new Set(voided.map((id) => `make_timestamp_ns(${BigInt(`0x${id.slice(0, 16)}`)})`))];
  const where =
    voided.length === 0
      ? ''
      : `WHERE NOT ("timestamp" IN (${times.join(', ')}) AND ${RECORD_ID} IN (${voided.map(quoted).join(', ')}))`;
  return `SELECT *${replaced.length === 0 ? '' : ` REPLACE (${replaced.join(', ')})`} FROM ${files} ${where}`;
}

/** A column that has another value where the key is one of those given. */
function replacement(column: string, key: string, values: Record<string, string>): string[] {
  const cases = Object.entries(values).map(([from, to]) => `WHEN ${quoted(from)} THEN ${quoted(to)}`);
  return cases.length === 0 ? [] : [`CASE ${key} ${cases.join(' ')} ELSE ${column} END AS ${column}`];
}

function hourlyView(): string[] {
  const { comment, columns } = viewNamed('usage_hourly');
  const hour = `date_trunc('hour', "timestamp")`;
  return [
    `CREATE VIEW usage_hourly AS SELECT ${sums(hour, 'hour')} FROM usage_records GROUP BY customer_id, dimension_id, ${hour}`,
    ...comments('usage_hourly', comment, columns),
  ];
}

/** From the parts' own sums; of those that are restated, from their records. */
function dailyView(directory: string, parts: readonly Part[]): string[] {
  const { comment, columns } = viewNamed('usage_daily');
  const day = '"timestamp"::DATE';
  const plain = parts.filter(({ restatement }) => restatement === null);
  const restated = groupsOf(parts).filter(([{ restatement }]) => restatement !== null);
  const records = [
    ...restated.map((group) => restatedFiles(directory, group, group[0].restatement)),
    ...(plain.length === 0 ? [EMPTY_RECORDS] : []),
  ];
  const sources = [
    ...(plain.length === 0
      ? []
      : [`SELECT * FROM ${parquet(plain.map(({ dailyFile }) => filePath(directory, dailyFile)))}`]),
    ...records.map(
      (source) => `SELECT ${sums(day, 'day')} FROM (${source}) GROUP BY customer_id, dimension_id, ${day}`,
    ),
  ];
  // Where one part's sum has too many digits it is NULL there, and the sum of the others would be a wrong one. So would be
  // a sum of all that 128 bits do not hold: large ones are taken apart.
  const isLarge = 'abs(quantity) >= 10000000000000000';
  return [
    `CREATE VIEW usage_daily AS SELECT customer_id, dimension_id, "day",
      CASE WHEN is_known AND greatest(abs(whole), abs(whole + trunc(rest)::HUGEINT)) < 100000000000000000000000000
        THEN whole::DECIMAL(38, 12) + rest END AS quantity, unit, records
    FROM (
      SELECT customer_id, dimension_id, "day", count(*) = count(quantity) AS is_known,
        sum(CASE WHEN ${isLarge} THEN trunc(quantity)::HUGEINT ELSE 0 END) AS whole,
        sum(CASE WHEN ${isLarge} THEN quantity - trunc(quantity) ELSE quantity END) AS rest,
        any_value(unit) AS unit, sum(records)::BIGINT AS records
      FROM (${sources.join('\n  UNION ALL BY NAME ')}) GROUP BY customer_id, dimension_id, "day")`,
    ...comments('usage_daily', comment, columns),
  ];
}

/** What a window view sums of records. */
function sums(window: string, name: string): string {
  return `customer_id, dimension_id, ${window} AS "${name}", sum(record_value) AS quantity, any_value(unit) AS unit,
    count(*) FILTER (kind <> 'correction') AS records`;
}

function tableView(name: string, directory: string, { tables }: Manifest): string[] {
  const file = tables[name]?.file;
  if (file === undefined) return [];
  const { comment, columns } = viewNamed(name);
  // Parquet keeps the text; that it is JSON is for the view to say.
  const list = columns.map(([column, expression]) =>
    expression.endsWith('::JSON') ? `"${column}"::JSON AS "${column}"` : `"${column}"`,
  );
  return [
    `CREATE VIEW ${name} AS SELECT ${list.join(', ')} FROM read_parquet(${filePath(directory, file)})`,
    ...comments(name, comment, columns),
  ];
}

function statusView({ position, asOf }: Manifest): string[] {
  return [
    `CREATE VIEW lake_status AS SELECT ${position}::BIGINT AS journal_sequence,
      TIMESTAMPTZ ${quoted(asOf)} AS as_of, now() - TIMESTAMPTZ ${quoted(asOf)} AS age`,
    ...comments('lake_status', 'What this catalogue shows: one row. Open it again for what came since.', [
      ['journal_sequence', '', 'All usage up to this frame of the journal is here.'],
      ['as_of', '', 'The views are as the ledger was at this instant.'],
      ['age', '', 'How long ago that was.'],
    ]),
  ];
}

type Columns = readonly (readonly [name: string, expression: string, comment: string])[];

function comments(view: string, comment: string, columns: Columns): string[] {
  return [
    `COMMENT ON VIEW ${view} IS ${quoted(comment)}`,
    ...columns.map(([name, , text]) => `COMMENT ON COLUMN ${view}."${name}" IS ${quoted(text)}`),
  ];
}

/** A view of the ledger. */
export function viewNamed(name: string): (typeof VIEWS)[number] {
  const view = VIEWS.find((one) => one.name === name);
  if (view === undefined) throw new Error(`the ledger has no view ${name}`);
  return view;
}

function filePath(directory: string, file: string): string {
  return `coalesce(getvariable('${LAKE_VARIABLE}')::VARCHAR, ${quoted(directory)}) || ${quoted(`/${file}`)}`;
}
