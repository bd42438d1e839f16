/** The command line: what each sub-command takes, and how its end is told. */
import { Command, Option } from 'commander';
import { checkConfig, rebuild, repairJournal, serve } from '../receiver/main.ts';
import { importCommand } from './import/command.ts';
import { addMetersCommand } from './meters/command.ts';

/** Runs the command and sets the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('usage-meter')
    .description('Billing-grade usage metering from OpenTelemetry')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

  program
    .command('serve')
    .description('run the receiver and its ledger')
    .option('--host <address>', 'address to listen on (default 127.0.0.1; others need USAGE_METER_API_KEYS)')
    .option('--port <number>', 'port, 0 for a free one (default 4318)')
    .option('--config <file>', 'configuration file (default ./usage-meter.yaml where there is one)')
    .option('--data-dir <folder>', 'where journal and ledger are kept (default ./data)')
    .addOption(new Option('--log <format>', 'log lines for people or programs').choices(['text', 'json']))
    .action((flags) => serve(flags));

  program
    .command('rebuild')
    .description('make the ledger anew from the journal (the receiver must be stopped)')
    .option('--config <file>', 'configuration file (default ./usage-meter.yaml where there is one)')
    .option('--data-dir <folder>', 'where journal and ledger are kept (default ./data)')
    .option('--into <file>', 'write the new ledger here and leave the present one alone')
    .action((flags) => rebuild(flags));

  program
    .command('journal')
    .description('look after the journal')
    .command('repair')
    .description(
      'make a corrupt journal open again: save what is whole, say what is lost (the receiver must be stopped)',
    )
    .option('--config <file>', 'configuration file (default ./usage-meter.yaml where there is one)')
    .option('--data-dir <folder>', 'where journal and ledger are kept (default ./data)')
    .action((flags) => repairJournal(flags));

  program
    .command('config')
    .description('look after the configuration')
    .command('check')
    .description(
      'say what is wrong with the configuration, with lines, or each value and where it comes from',
    )
    .option('--config <file>', 'configuration file (default ./usage-meter.yaml where there is one)')
    .option('--json', 'for programs')
    .action((flags) => checkConfig(flags));

  program.addCommand(importCommand());
  addMetersCommand(program);

  try {
    await program.parseAsync(argv);
  } catch (error) {
    console.error(`usage-meter: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
