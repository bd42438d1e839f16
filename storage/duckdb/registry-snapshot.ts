/** What is known at the ledger's position, for the main thread to judge the frames behind it by. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { DEFAULT_SETTINGS } from '../changes.ts';
import type { RegistrySnapshot } from './ledger-protocol.ts';

/**
 * Reads it. Frames behind the position come again, and must be judged as they were the first time: what they
 * discovered may be stored already, and is left out. What people change is never stored before the position reaches it.
 */
export async function readRegistry(connection: DuckDBConnection): Promise<RegistrySnapshot> {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const judged = 'sequence <= (SELECT sequence FROM stored.position)';
  const customers = await rows(
    `SELECT id FROM stored.customers WHERE NOT deleted AND ${judged} ORDER BY customer`,
  );
  const aliases = await rows(
    `SELECT unnest(aliases), id FROM stored.customers WHERE NOT deleted AND ${judged} ORDER BY 2, 1`,
  );
  const dimensions = await rows(
    `SELECT id, unit, aggregation, credits_allowed, discovered FROM stored.dimensions
    WHERE NOT deleted AND ${judged} ORDER BY dimension`,
  );
  const keptUnits = await rows(
    `SELECT subject, change->>'keptUnit' FROM (
      SELECT subject, type, change FROM stored.changes WHERE type IN ('dimension_put', 'dimension_deleted')
      QUALIFY row_number() OVER (PARTITION BY subject ORDER BY sequence DESC, ordinal DESC) = 1)
    WHERE type = 'dimension_deleted' AND (change->>'keptUnit') IS NOT NULL ORDER BY subject`,
  );
  const instruments = await rows(
    `SELECT lower(lpad(hex(hash), 32, '0')), temporality FROM stored.instruments WHERE ${judged}
    ORDER BY sequence`,
  );
  const meters = await rows(
    `SELECT meter_id, version, rule, epoch_ns(since), deleted_sequence IS NOT NULL FROM stored.meters
    QUALIFY version = max(version) OVER (PARTITION BY meter_id) ORDER BY meter_id`,
  );
  const [settings] = await rows(
    'SELECT discovery, max_future_seconds FROM stored.settings ORDER BY sequence DESC, rowid DESC LIMIT 1',
  );
  return {
    customers: customers.map(([id]) => String(id)),
    aliases: aliases.map(([alias, id]) => [String(alias), String(id)]),
    dimensions: dimensions.map(([id, unit, aggregation, creditsAllowed, discovered]) => ({
      id: String(id),
      unit: String(unit),
      aggregation: String(aggregation),
      creditsAllowed: creditsAllowed === true,
      discovered: discovered === true,
    })),
    keptUnits: keptUnits.map(([id, unit]) => [String(id), String(unit)]),
    instruments: instruments.map(([hash, temporality]) => ({
      hash: String(hash),
      temporality: Number(temporality) as 1 | 2,
    })),
    meters: meters.map(([id, version, rule, since, deleted]) => ({
      id: String(id),
      version: Number(version),
      rule: String(rule),
      sinceUnixNano: since as bigint,
      deleted: deleted === true,
    })),
    settings:
      settings === undefined
        ? DEFAULT_SETTINGS
        : { discovery: settings[0] === true, maxFutureSeconds: Number(settings[1]) },
  };
}
