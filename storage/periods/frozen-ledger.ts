/**
 * The ledger as it was at one position of the journal, under terms of billing that may not be those of today.
 *
 * A statement is held against what its period would be billed now *by its own terms*: a price that changed since adjusts
 * nothing. The one implementation of usage questions reads `stored.…`; here it reads views of the same names in a
 * database of their own, which leave out later rows and put other terms in the place of today's. So what is stated,
 * what is adjusted and what the API answers come from the same code.
 */
import type { DuckDBConnection, DuckDBDecimalValue, DuckDBValue } from '@duckdb/node-api';
import { textFromScaled } from '../decimal.ts';
import type { Terms } from './statement-content.ts';

/** Name of the database of views. */
const FROZEN = 'frozen';

/** How a dimension is billed. */
export interface BillingTerms {
  /** UCUM. */
  unit: string;
  unitPrice: string | null;
  terms: Terms;
}

const TERMS_TABLE = `CREATE OR REPLACE TEMP TABLE frozen_terms (
  id VARCHAR, aggregation VARCHAR, unique_key VARCHAR, level_ttl BIGINT, "interval" VARCHAR,
  usage_increment DECIMAL(38, 12), unit_price DECIMAL(38, 12), rounding VARCHAR)`;

/** Makes the views. Once for each instance of DuckDB, when the ledger's tables are there. */
export async function attachFrozenViews(connection: DuckDBConnection): Promise<void> {
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const [[database]] = await rows('SELECT current_database()');
  const ledger = `${identifier(String(database))}.stored`;
  const tables = await rows(
    `SELECT table_name FROM duckdb_tables() WHERE schema_name = 'stored' AND database_name = current_database()`,
  );
  await connection.run(`ATTACH ':memory:' AS ${FROZEN}`);
  await connection.run(`CREATE SCHEMA ${FROZEN}.stored`);
  // A view is bound to the tables of whoever asks, but has to find some when it is made.
  await connection.run(TERMS_TABLE);
  for (const [table] of tables) {
    await connection.run(`CREATE VIEW ${FROZEN}.stored.${table} AS ${viewOf(String(table), ledger)}`);
  }
  await connection.run('DROP TABLE temp.main.frozen_terms');
}

function viewOf(table: string, ledger: string): string {
  const asOf = `getvariable('frozen_sequence')::BIGINT`;
  switch (table) {
    case 'usage':
      return `SELECT * REPLACE (NULL::BIGINT AS voided_by) FROM ${ledger}.usage
        WHERE sequence <= ${asOf} AND (voided_by IS NULL OR voided_by > ${asOf})`;
    case 'dimensions': {
      const term = (column: string) =>
        `CASE WHEN f.id IS NULL THEN d.${column} ELSE f.${column} END AS ${column}`;
      const terms = [
        'aggregation',
        'unique_key',
        'level_ttl',
        '"interval"',
        'usage_increment',
        'unit_price',
        'rounding',
      ];
      return `SELECT d.* REPLACE (${terms.map(term).join(', ')})
        FROM ${ledger}.dimensions d LEFT JOIN temp.main.frozen_terms f ON f.id = d.id`;
    }
    default:
      return `SELECT * FROM ${ledger}.${table}`;
  }
}

/** One snapshot of the ledger, at its position. */
export class FrozenLedger {
  /** Questions that are asked here see the ledger so. */
  readonly connection: DuckDBConnection;
  /** Journal sequence up to which everything is seen, and nothing else is. */
  readonly sequence: bigint;
  /** The ledger's own tables, as they are: with rows of later frames. Ends without a dot. */
  readonly ledger: string;

  constructor(connection: DuckDBConnection, sequence: bigint, ledger: string) {
    this.connection = connection;
    this.sequence = sequence;
    this.ledger = ledger;
  }

  /** Terms that hold from here on instead of today's; dimensions that are not named have today's. */
  async bill(terms: ReadonlyMap<string, BillingTerms>): Promise<void> {
    await this.connection.run(TERMS_TABLE);
    for (const [id, { unitPrice, terms: how }] of terms) {
      await this.connection.run(
        `INSERT INTO frozen_terms VALUES ($1, $2, $3::VARCHAR, $4::BIGINT, $5, $6::VARCHAR::DECIMAL(38, 12),
          $7::VARCHAR::DECIMAL(38, 12), $8::VARCHAR)`,
        [
          id,
          how.aggregation,
          how.uniqueKey,
          how.levelTtl === null ? null : BigInt(how.levelTtl),
          how.interval,
          how.usageIncrement,
          unitPrice,
          how.rounding,
        ],
      );
    }
  }

  async rows(sql: string, values: DuckDBValue[] = []): Promise<DuckDBValue[][]> {
    return (await this.connection.runAndReadAll(sql, values)).getRows();
  }

  /** Terms that hold, by dimension. */
  async terms(): Promise<Map<string, BillingTerms & { dimension: number }>> {
    const found = new Map<string, BillingTerms & { dimension: number }>();
    const dimensions = await this.rows(
      `SELECT dimension, id, unit, unit_price, aggregation, unique_key, level_ttl, "interval", usage_increment, rounding
      FROM stored.dimensions`,
    );
    for (const [dimension, id, unit, unitPrice, ...how] of dimensions) {
      const [aggregation, uniqueKey, levelTtl, interval, usageIncrement, rounding] = how;
      const terms: Terms = {
        aggregation: aggregation as Terms['aggregation'],
        uniqueKey: uniqueKey as string | null,
        levelTtl: levelTtl === null ? null : Number(levelTtl),
        interval: interval as Terms['interval'],
        usageIncrement: decimalText(usageIncrement),
        rounding: rounding as Terms['rounding'],
      };
      found.set(id as string, {
        dimension: Number(dimension),
        unit: unit as string,
        unitPrice: decimalText(unitPrice),
        terms,
      });
    }
    return found;
  }
}

/**
 * Asks in one snapshot of the ledger, as of its position.
 * @param connection nobody else's meanwhile
 */
export async function inFrozenLedger<T>(
  connection: DuckDBConnection,
  ask: (frozen: FrozenLedger) => Promise<T>,
): Promise<T> {
  const one = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()[0][0];
  const database = identifier(String(await one('SELECT current_database()')));
  await connection.run('BEGIN');
  try {
    const sequence = BigInt((await one('SELECT sequence FROM stored.position')) as bigint);
    await connection.run(`SET VARIABLE frozen_sequence = ${sequence}::BIGINT`);
    await connection.run(TERMS_TABLE);
    await connection.run(`USE ${FROZEN}`);
    return await ask(new FrozenLedger(connection, sequence, `${database}.stored`));
  } finally {
    // The connection is somebody else's next.
    await connection.run('ROLLBACK').finally(() => connection.run(`USE ${database}`));
  }
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function decimalText(decimal: DuckDBValue): string | null {
  return decimal === null ? null : textFromScaled((decimal as DuckDBDecimalValue).value);
}
