/** Two ledgers that no receiver has open, compared row by row. */
import { DuckDBInstance } from '@duckdb/node-api';

export interface LedgerDifference {
  view: string;
  rows: number;
  onlyInFirst: number;
  onlyInSecond: number;
  /** A few of the rows that only one has, as JSON. */
  examples: string[];
}

/**
 * What a rebuild must give again: all that is shown, and what only the registry needs. Keys differ between ledgers where
 * frames were grouped otherwise, so tables with keys are compared through their views.
 */
export const COMPARED = [
  'usage_records',
  'usage_voided',
  'customers',
  'dimensions',
  'quarantined',
  'quarantine_resolved',
  'stored.meters',
  'stored.settings',
  'stored.changes',
  'stored.instruments',
] as const;

/** One entry per view or table, also where nothing differs. */
export async function compareLedgers(
  first: string,
  second: string,
  views: readonly string[] = COMPARED,
): Promise<LedgerDifference[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  try {
    const connection = await instance.connect();
    await connection.run(`ATTACH '${quoted(first)}' AS first (READ_ONLY)`);
    await connection.run(`ATTACH '${quoted(second)}' AS second (READ_ONLY)`);
    const number = async (sql: string) => Number((await connection.runAndReadAll(sql)).getRows()[0][0]);
    const differences: LedgerDifference[] = [];
    for (const view of views) {
      const only = (one: string, other: string) => `(FROM ${one}.${view} EXCEPT ALL FROM ${other}.${view})`;
      const examples: string[] = [];
      for (const [one, other] of [
        ['first', 'second'],
        ['second', 'first'],
      ]) {
        const reader = await connection.runAndReadAll(`FROM ${only(one, other)} LIMIT 5`);
        examples.push(...reader.getRowObjectsJson().map((row) => `only in ${one}: ${JSON.stringify(row)}`));
      }
      differences.push({
        view,
        rows: await number(`SELECT count(*) FROM first.${view}`),
        onlyInFirst: await number(`SELECT count(*) FROM ${only('first', 'second')}`),
        onlyInSecond: await number(`SELECT count(*) FROM ${only('second', 'first')}`),
        examples,
      });
    }
    connection.closeSync();
    return differences;
  } finally {
    instance.closeSync();
  }
}

function quoted(path: string): string {
  return path.replaceAll("'", "''");
}
