/** The flags of `usage-meter export`, as its help tells them. */
import { type Command, Option } from 'commander';
import { collect, withRange, withReceiver, withUsageFilter } from '../flags.ts';
import type { Shell } from '../shell.ts';
import { windowOption } from '../usage/command.ts';
import type { ExportFlags } from './export.ts';

export function addExportCommand(program: Command, shell: Shell): void {
  const parent = program
    .command('export')
    .description('write usage to CSV, NDJSON or Parquet, exactly, as the ledger knows it at one moment');
  withOutput(parent.command('records'))
    .description('usage records as they are stored')
    .option('--meter <id>', 'counted by this meter alone; repeatable', collect)
    .action(async (flags: ExportFlags) => {
      const { exportRecords } = await import('./export.ts');
      await exportRecords(flags, shell);
    });
  withOutput(parent.command('usage'))
    .description('quantities, as usage-meter query has them')
    .addOption(windowOption())
    .option('--anchor <day>', 'with --window period: the day of month on which a billing period begins')
    .option(
      '-g, --group-by <keys>',
      'customerId, dimensionId, metadata.KEY, with commas (default the first two)',
    )
    .option('--no-fill', 'leave out windows without usage')
    .action(async (flags: ExportFlags) => {
      const { exportUsage } = await import('./export.ts');
      await exportUsage(flags, shell);
    });
}

function withOutput(command: Command): Command {
  return withReceiver(withUsageFilter(withRange(command)))
    .option('-o, --output <file>', 'write here; its ending may say the format (default stdout)')
    .addOption(new Option('-f, --format <format>', 'default csv').choices(['csv', 'ndjson', 'parquet']))
    .option('--as-of <time>', 'what was known then (default: now)');
}
