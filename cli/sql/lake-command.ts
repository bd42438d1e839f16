/** The flags of `usage-meter lake`, as its help tells them. */
import type { Command } from 'commander';
import type { Shell } from '../shell.ts';
import { counted, number } from '../text-table.ts';

export function addLakeCommand(program: Command, shell: Shell): void {
  program
    .command('lake')
    .description('look after the lake: the Parquet files and views that analysts read')
    .command('rebuild')
    .description('make the lake anew from the ledger (the receiver must be stopped)')
    .option('--config <file>', 'configuration file (default ./usage-meter.yaml where there is one)')
    .option('--data-dir <folder>', 'where journal, ledger and lake are kept (default ./data)')
    .action(async (flags: { config?: string; dataDir?: string }) => {
      const { readDataDir } = await import('../../receiver/config.ts');
      const { rebuildLake } = await import('../../receiver/lake-rebuild.ts');
      const { directory, rows, parts } = await rebuildLake({
        dataDir: readDataDir(flags, shell.environment),
        onProgress: (done) => shell.note(`${number(done)} records`),
      });
      shell.print(`rebuilt ${directory}: ${counted(rows, 'record')} in ${counted(parts, 'file')}`);
    });
}
