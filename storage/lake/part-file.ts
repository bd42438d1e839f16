/** Writes usage records of the ledger as Parquet: flat, sorted by customer and dimension, without keys of the ledger. */
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { KIND_CORRECTION, KIND_RECORD } from '../duckdb/schema.ts';
import { sumsOf } from '../query/statement.ts';
import { folderOf, type Part, syncDirectory, syncFile } from './manifest.ts';

/**
 * Zstandard at its default level: a sixth smaller than Snappy, and no slower to read. Row groups of a quarter of the
 * usual size let a question for one customer leave out four times as much, for 2 % more bytes.
 */
const PARQUET = '(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 30720)';
/** Above, a join does not turn around to the side of the records, which would lose their order. */
const SORTED_BY_JOIN_ROWS = 50_000;

const DAY_MS = 86_400_000;
const NANO_PER_MS = 1_000_000n;
/** The greatest that DuckDB does not take for infinity. */
const LAST_NANO = (1n << 63n) - 2n;

const HASH_HEX = (column: string) => `lower(lpad(hex(${column}), 32, '0'))`;

/** What a part is to hold. */
export interface PartRange {
  firstDay: string;
  lastDay: string;
  afterSequence: number;
  throughSequence: number;
}

/**
 * Stages the usage that counts in `temp.lake_part`, sorted. The sort is over keys, because texts cost several times as
 * much, and four times the memory.
 */
export async function stageRange(connection: DuckDBConnection, range: PartRange): Promise<number> {
  const { firstDay, lastDay, afterSequence, throughSequence } = range;
  // The bounds are constants, so that whole row groups are left out.
  return await stage(
    connection,
    `sequence > ${afterSequence} AND sequence <= ${throughSequence}
      AND time BETWEEN ${startOfDay(firstDay)} AND ${endOfDay(lastDay)}`,
  );
}

/** Stages all days of a range of frames, see {@link stageRange}. @returns rows per day */
export async function stageFrames(
  connection: DuckDBConnection,
  afterSequence: number,
  throughSequence: number,
): Promise<[day: string, rows: number][]> {
  await stage(connection, `sequence > ${afterSequence} AND sequence <= ${throughSequence}`);
  const days = await connection.runAndReadAll(
    'SELECT day::VARCHAR, count(*) FROM temp.lake_part GROUP BY day ORDER BY day',
  );
  return days.getRows().map(([day, rows]) => [String(day), Number(rows)] as const) as [string, number][];
}

async function stage(connection: DuckDBConnection, condition: string): Promise<number> {
  const counts = `${condition} AND voided_by IS NULL`;
  // Only those of the part: there may be a million others.
  await connection.run(`CREATE OR REPLACE TEMP TABLE lake_customers AS
    SELECT customer, id, row_number() OVER (ORDER BY id) AS place FROM stored.customers
    WHERE customer IN (SELECT customer FROM stored.usage WHERE ${counts})`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE lake_dimensions AS
    SELECT dimension, id, unit, row_number() OVER (ORDER BY id) AS place FROM stored.dimensions`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE lake_part AS
    SELECT u.* EXCLUDE (voided_by), u.time::DATE AS day, c.place AS customer_place, d.place AS dimension_place
    FROM stored.usage u
      JOIN temp.lake_customers c USING (customer)
      JOIN temp.lake_dimensions d USING (dimension)
    WHERE ${counts}
    ORDER BY day, customer_place, dimension_place, u.series, u.time`);
  const counted = await connection.runAndReadAll('SELECT count(*) FROM temp.lake_part');
  return Number(counted.getRows()[0][0]);
}

/**
 * Writes what is staged, or one day of it, to two new files, which are on disk when this resolves. A day's quantity that
 * has more digits than a decimal of SQL is NULL: it must not keep everybody else's from being published.
 */
export async function writeStaged(
  connection: DuckDBConnection,
  directory: string,
  { file, dailyFile }: Pick<Part, 'file' | 'dailyFile'>,
  day: string | null,
): Promise<{ rows: number; bytes: number }> {
  const path = join(directory, file);
  const condition = day === null ? 'true' : `day = DATE '${day}'`;
  // One text per series, rather than per record.
  await connection.run(`CREATE OR REPLACE TEMP TABLE lake_series AS
    SELECT s.series, s.metadata, s.meter_id, x.metric_name, x.weak_identity, ${HASH_HEX('s.hash')} AS series_hash
    FROM (SELECT DISTINCT series FROM temp.lake_part WHERE ${condition})
      JOIN stored.series s USING (series)
      JOIN stored.contexts x USING (context)`);
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM temp.lake_part WHERE ${condition}`);
  const rows = Number(counted.getRows()[0][0]);
  const order =
    rows > SORTED_BY_JOIN_ROWS ? '' : 'ORDER BY u.day, u.customer_place, u.dimension_place, u.series, u.time';
  await copyTo(
    connection,
    directory,
    file,
    `SELECT ${FILE_COLUMNS.map(([name, expression]) => `${expression} AS "${name}"`).join(', ')}
    FROM (FROM temp.lake_part WHERE ${condition}) u
      JOIN temp.lake_series s USING (series)
      JOIN temp.lake_customers c USING (customer)
      JOIN temp.lake_dimensions d USING (dimension)
    ${order}`,
  );
  const { whole, rest } = (await sumsOf(connection, 'temp.lake_part')).of('quantity');
  await copyTo(
    connection,
    directory,
    dailyFile,
    `SELECT c.id AS customer_id, d.id AS dimension_id, u.day, TRY(whole::DECIMAL(38, 12) + rest) AS quantity, d.unit,
      u.records
    FROM (
      SELECT customer, dimension, day, ${whole} AS whole, ${rest} AS rest,
        count(*) FILTER (kind <> ${KIND_CORRECTION}) AS records
      FROM temp.lake_part WHERE ${condition} GROUP BY ALL) u
      JOIN temp.lake_customers c USING (customer)
      JOIN temp.lake_dimensions d USING (dimension)
    ORDER BY u.day, c.place, d.place`,
  );
  return { rows, bytes: (await stat(path)).size };
}

async function copyTo(
  connection: DuckDBConnection,
  directory: string,
  file: string,
  select: string,
): Promise<void> {
  const path = join(directory, file);
  await mkdir(folderOf(directory, file), { recursive: true });
  await connection.run(`COPY (${select}) TO ${quoted(path)} ${PARQUET}`);
  await syncFile(path);
  await syncDirectory(folderOf(directory, file));
}

export async function dropStaged(connection: DuckDBConnection): Promise<void> {
  for (const table of ['lake_part', 'lake_series', 'lake_customers', 'lake_dimensions'])
    await connection.run(`DROP TABLE IF EXISTS temp.${table}`);
}

/** The columns of a file, as other engines see them too. What is left of the ledger's view is computed from them. */
const FILE_COLUMNS: readonly (readonly [name: string, expression: string])[] = [
  ['customer_id', 'c.id'],
  ['dimension_id', 'd.id'],
  ['record_value', 'u.quantity'],
  ['unit', 'd.unit'],
  ['timestamp', 'u.time'],
  ['start_time', 'nullif(u.start_time, make_timestamp_ns(0))'],
  ['metadata', 's.metadata'],
  [
    'kind',
    `CASE u.kind WHEN ${KIND_RECORD} THEN 'record' WHEN ${KIND_CORRECTION} THEN 'correction' ELSE 'increment' END`,
  ],
  ['kind_number', 'u.kind'],
  ['meter_id', 's.meter_id'],
  ['metric_name', 's.metric_name'],
  ['event_key', `CASE WHEN u.event IS NOT NULL THEN ${HASH_HEX('u.event')} END`],
  ['series_hash', 's.series_hash'],
  ['weak_identity', 's.weak_identity'],
  ['journal_sequence', 'u.sequence'],
];

/** Where a part of these days belongs: the name of a day's folder is that of a Hive partition. */
export function partFiles(
  { firstDay, lastDay }: Pick<Part, 'firstDay' | 'lastDay'>,
  number: number,
): Pick<Part, 'file' | 'dailyFile'> {
  const folder = firstDay === lastDay ? `/day=${firstDay}` : '';
  const name = `${String(number).padStart(8, '0')}.parquet`;
  return {
    file: `${folder === '' ? 'recent' : 'usage'}${folder}/${name}`,
    dailyFile: `daily${folder}/${name}`,
  };
}

function startOfDay(day: string): string {
  return `make_timestamp_ns(${BigInt(Date.parse(day)) * NANO_PER_MS})`;
}

/** The last nanosecond; the last day that a TIMESTAMP_NS can say ends early. */
function endOfDay(day: string): string {
  const end = BigInt(Date.parse(day) + DAY_MS) * NANO_PER_MS - 1n;
  return `make_timestamp_ns(${end < LAST_NANO ? end : LAST_NANO})`;
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
