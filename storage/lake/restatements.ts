/** What people changed about records that are in the lake already, and in which parts such records are. */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Part, Restatement, TableFile } from './manifest.ts';
import { quoted } from './part-file.ts';

/** Changes since the parts were written. */
export interface RecordChanges {
  /** Customers that became an alias, with the customer that they belong to now. */
  customers: Record<string, string>;
  /** New units of dimensions. */
  units: Record<string, string>;
  /** Records that somebody voided, with the frame that brought each. */
  voided: { recordId: string; day: string; sequence: number }[];
}

/** @param changesThrough up to where the parts take changes into account */
export async function recordChanges(
  connection: DuckDBConnection,
  directory: string,
  changesThrough: number,
  dimensions: TableFile | undefined,
): Promise<RecordChanges> {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const customers: Record<string, string> = {};
  for (const [change] of await rows(`SELECT change FROM stored.changes
      WHERE type = 'customer_put' AND sequence > ${changesThrough} ORDER BY sequence, ordinal`)) {
    const { customer } = JSON.parse(String(change)) as { customer: { id: string; aliases: string[] } };
    for (const alias of customer.aliases) follow(customers, alias, customer.id);
  }
  const units: Record<string, string> = {};
  if (dimensions !== undefined) {
    const file = quoted(join(directory, dimensions.file));
    for (const [id, unit] of await rows(`SELECT d.id, d.unit FROM stored.dimensions d
        JOIN read_parquet(${file}) was ON was.dimension_id = d.id WHERE was.unit <> d.unit`)) {
      units[String(id)] = String(unit);
    }
  }
  const voids =
    await rows(`SELECT record_id, make_timestamp_ns(('0x' || left(record_id, 16))::BIGINT)::DATE::VARCHAR,
      u.sequence
    FROM stored.voids v JOIN (
      SELECT DISTINCT voided_by, time, sequence FROM stored.usage WHERE voided_by > ${changesThrough}) u
      ON u.voided_by = v.sequence AND epoch_ns(u.time) = ('0x' || left(v.record_id, 16))::BIGINT
    WHERE v.sequence > ${changesThrough}`);
  const voided = voids.map(([recordId, day, sequence]) => ({
    recordId: String(recordId),
    day: String(day),
    sequence: Number(sequence),
  }));
  return { customers, units, voided };
}

/** The parts as they are after the changes. */
export async function restate(
  connection: DuckDBConnection,
  directory: string,
  parts: readonly Part[],
  { customers, units, voided }: RecordChanges,
): Promise<Part[]> {
  const renamed = Object.keys(customers);
  const remeasured = Object.keys(units);
  if (renamed.length + remeasured.length + voided.length === 0) return [...parts];
  const restated: Part[] = [];
  for (const part of parts) {
    const found = [
      ...(await among(connection, join(directory, part.file), 'customer_id', renamed)),
      ...Object.entries(part.restatement?.customers ?? {})
        .filter(([, now]) => now in customers)
        .map(([was]) => was),
    ];
    const measured = await among(connection, join(directory, part.file), 'dimension_id', remeasured);
    const gone = voided.filter(({ day, sequence }) => holds(part, day, sequence));
    if (found.length + measured.length + gone.length === 0) {
      restated.push(part);
      continue;
    }
    const restatement: Restatement = {
      customers: { ...part.restatement?.customers },
      units: { ...part.restatement?.units },
      voided: [...new Set([...(part.restatement?.voided ?? []), ...gone.map(({ recordId }) => recordId)])],
    };
    for (const was of found) {
      const now = restatement.customers[was] ?? was;
      restatement.customers[was] = customers[now] ?? now;
    }
    for (const dimension of measured) restatement.units[dimension] = units[dimension];
    restated.push({ ...part, restatement });
  }
  return restated;
}

/** Notes that an alias is a customer, and that whoever was the alias is it, too. */
function follow(customers: Record<string, string>, alias: string, id: string): void {
  for (const [was, now] of Object.entries(customers)) if (now === alias) customers[was] = id;
  customers[alias] = id;
}

function holds(part: Part, day: string, sequence: number): boolean {
  return (
    day >= part.firstDay &&
    day <= part.lastDay &&
    sequence > part.afterSequence &&
    sequence <= part.throughSequence
  );
}

/** Which of the values a file has in a column. Files are sorted, so few blocks are read. */
async function among(
  connection: DuckDBConnection,
  path: string,
  column: string,
  values: readonly string[],
): Promise<string[]> {
  if (values.length === 0) return [];
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT ${column} FROM read_parquet(${quoted(path)}) WHERE ${column} IN (${values.map(quoted).join(', ')})`,
  );
  return reader.getRows().map(([value]) => String(value));
}
