/** The flags of `usage-meter sql`, as its help tells them. */
import { type Command, Option } from 'commander';
import { DEFAULT_URL } from '../http-client.ts';
import type { Shell } from '../shell.ts';
import type { SqlFlags } from './sql.ts';

const EXAMPLES = `
Without a query, and on a terminal, it asks for queries until Ctrl-D; else it reads one from stdin.
Examples:
  usage-meter sql "SELECT customer_id, sum(quantity) FROM usage_daily GROUP BY ALL"
  usage-meter sql -f month-by-customer.sql --format csv -o march.csv
  usage-meter sql --lake data/lake "FROM usage_records LIMIT 10"`;

export function addSqlCommand(program: Command, shell: Shell): void {
  program
    .command('sql')
    .description('ask the lake in SQL: one SELECT over its views')
    .argument('[query]', 'the SELECT')
    .option('-f, --file <file>', 'read the query from a file')
    .addOption(
      new Option('--format <format>', 'table is for people, the others are the whole answer')
        .choices(['table', 'csv', 'json', 'parquet', 'arrow'])
        .default('table'),
    )
    .option('-o, --output <file>', 'write the answer here')
    .option('--rows <number>', 'so many rows at most (default: 200 in a table, else a million)')
    .option('--seconds <number>', 'end the query after so long (default 60)')
    .option('--url <address>', `the receiver (default ${DEFAULT_URL}; its key in USAGE_METER_API_KEY)`)
    .option('--lake <folder>', "read a lake's files, without a receiver")
    .addHelpText('after', EXAMPLES)
    .action(async (query: string | undefined, flags: SqlFlags) => {
      const { sql } = await import('./sql.ts');
      await sql(query, flags, shell);
    });
}
