/** The flags of `usage-meter import`, as its help tells them. */
import { Command } from 'commander';
import type { ImportFlags } from './import-options.ts';
import type { ImportShell } from './import-run.ts';

export function importCommand(shell: ImportShell): Command {
  return new Command('import')
    .description(
      'send usage from CSV, TSV, NDJSON and Parquet files to a running receiver; repeated, each row still counts once',
    )
    .argument('<paths...>', 'files and folders (.csv .tsv .ndjson .jsonl, these also with .gz, and .parquet)')
    .option(
      '--map <field=column>',
      'column of a field (customerId, …, id, metadata.KEY); repeatable',
      collect,
    )
    .option('--set <field=value>', 'the same value for all rows; repeatable', collect)
    .option('--metadata <columns>', 'columns kept as metadata: all, none, or names with commas')
    .option('--time-format <format>', 'text (default), or Unix time in s, ms, us, ns')
    .option('--time-zone <zone>', 'IANA zone of times without an offset (default: they are refused)')
    .option(
      '--round-values',
      'round values of more than 12 fraction digits half to even (default: refuse them)',
    )
    .option('--delimiter <character>', 'between the columns of .csv files (default ",")')
    .option('--dry-run', 'read and check everything, send nothing')
    .option('--rejects <file>', 'where rejected rows are listed (default: FIRST PATH.rejects.csv)')
    .option('--state <folder>', 'how far each file is (default: .usage-meter-import beside the first path)')
    .option('--url <address>', 'the receiver (default http://127.0.0.1:4318; its key in USAGE_METER_API_KEY)')
    .option('--wait <seconds>', 'how long to ask a receiver again that does not answer (default 60)')
    .option('--json', 'the summary for programs')
    .action(async (paths: string[], flags: ImportFlags) => {
      // The other commands have no use for what reads files.
      const { importFiles } = await import('./import-run.ts');
      await importFiles(paths, flags, shell);
    });
}

function collect(value: string, earlier: string[] = []): string[] {
  return [...earlier, value];
}
