/** The project in examples/dbt, built by dbt itself on the lake of a running receiver, against the receiver's API. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readUsage } from '../../../support/receiver-api.ts';
import type { ReceiverProcess } from '../../../support/receiver-process.ts';
import { pythonClient } from './lake-clients.ts';

const execute = promisify(execFile);
const PROJECT = fileURLToPath(new URL('../../../../examples/dbt/', import.meta.url));
const RANGE = { from: '2020-01-01', to: '2100-01-01' };

export interface DbtOptions {
  receiver: ReceiverProcess;
  /** The path of a program of the environment in which dbt and DuckDB are. */
  program: (name: string) => string;
  /** Where dbt may write. */
  folder: string;
}

/** @returns what was not as it has to be. @throws Error with dbt's output if a model or a test of it fails */
export async function dbtFaults({ receiver, program, folder }: DbtOptions): Promise<string[]> {
  const database = join(folder, 'analytics.duckdb');
  const dbt = (...command: string[]) =>
    execute(
      program('dbt'),
      [
        ...command,
        '--profiles-dir',
        PROJECT,
        '--target-path',
        join(folder, 'target'),
        '--log-path',
        join(folder, 'logs'),
      ],
      {
        cwd: PROJECT,
        env: {
          ...process.env,
          USAGE_LAKE: join(receiver.dataDir, 'lake'),
          ANALYTICS_DATABASE: database,
          DO_NOT_TRACK: '1',
        },
      },
    );
  const { stdout } = await dbt('build');
  console.log(`  ${/Done\. .*/.exec(stdout)?.[0] ?? stdout}`);

  // What dbt wrote is newer than what our binding and the command line can read.
  const client = pythonClient(program('python'), database);
  const faults: string[] = [];
  for (const [model, window] of [
    ['daily_usage', 'day'],
    ['monthly_usage', 'month'],
  ]) {
    const answer = await client.ask(
      `SELECT customer_id, dimension_id, "${window}"::VARCHAR, unit, quantity::VARCHAR, records::VARCHAR FROM ${model}`,
    );
    if ('error' in answer) {
      faults.push(`${model}: ${answer.error}`);
      continue;
    }
    const built = answer.rows.map(([customer, dimension, start, unit, quantity, records]) =>
      [customer, dimension, start, unit, plain(quantity!), records].join(' | '),
    );
    const usage = await readUsage(receiver.url, { ...RANGE, window, fill: 'false' });
    const asked = usage
      .filter(({ dimensionId }) => dimensionId !== 'load')
      .map((row) =>
        [
          row.customerId,
          row.dimensionId,
          row.windowStart.slice(0, 10),
          row.unit,
          row.quantity,
          row.records,
        ].join(' | '),
      );
    faults.push(...differences(model, built, asked));
    console.log(`  ${model}: ${built.length} rows, the API has ${asked.length}`);
  }
  await client.close();
  return faults;
}

function differences(model: string, built: string[], asked: string[]): string[] {
  const ofModel = new Set(built);
  const ofApi = new Set(asked);
  return [
    ...built.filter((row) => !ofApi.has(row)).map((row) => `${model}: ${row}: not so in the API`),
    ...asked.filter((row) => !ofModel.has(row)).map((row) => `${model}: ${row}: only in the API`),
    ...(ofModel.size === built.length ? [] : [`${model}: has rows twice`]),
  ];
}

/** A decimal without the zeros at its end, as the API spells it. */
function plain(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}
