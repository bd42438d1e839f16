/** The flags of the commands that run the receiver, or look after its data while it is stopped. */
import { type Command, Option } from 'commander';
import type { DoctorFlags } from '../doctor/doctor.ts';
import type { Shell } from '../shell.ts';

const CONFIG_FLAG = 'configuration file (default ./usage-meter.yaml where there is one)';
const DATA_DIR_FLAG = 'where journal and ledger are kept (default ./data)';

/** The receiver is loaded by the command that needs it. */
const receiver = () => import('../../receiver/main.ts');

export function addServerCommands(program: Command, shell: Shell): void {
  program
    .command('serve')
    .description('run the receiver and its ledger')
    .option('--host <address>', 'address to listen on (default 127.0.0.1; others need USAGE_METER_API_KEYS)')
    .option('--port <number>', 'port, 0 for a free one (default 4318)')
    .option(
      '--allowed-hosts <names>',
      'names, beside localhost, under which browsers may ask a receiver without API keys, separated by commas',
    )
    .option('--config <file>', CONFIG_FLAG)
    .option('--data-dir <folder>', DATA_DIR_FLAG)
    .addOption(new Option('--log <format>', 'log lines for people or programs').choices(['text', 'json']))
    .action(async (flags) => (await receiver()).serve(flags));

  program
    .command('rebuild')
    .description('make the ledger anew from the journal (the receiver must be stopped)')
    .option('--config <file>', CONFIG_FLAG)
    .option('--data-dir <folder>', DATA_DIR_FLAG)
    .option('--into <file>', 'write the new ledger here and leave the present one alone')
    .action(async (flags) => (await receiver()).rebuild(flags));

  program
    .command('journal')
    .description('look after the journal')
    .command('repair')
    .description(
      'make a corrupt journal open again: save what is whole, say what is lost (the receiver must be stopped)',
    )
    .option('--config <file>', CONFIG_FLAG)
    .option('--data-dir <folder>', DATA_DIR_FLAG)
    .action(async (flags) => (await receiver()).repairJournal(flags));

  program
    .command('config')
    .description('look after the configuration')
    .command('check')
    .description(
      'say what is wrong with the configuration, with lines, or each value and where it comes from',
    )
    .option('--config <file>', CONFIG_FLAG)
    .option('--json', 'one JSON document, for programs')
    .action(async (flags) => (await receiver()).checkConfig(flags));

  program
    .command('doctor')
    .description('check disk, clock, port, configuration, journal and ledger, and the receiver that runs')
    .option('--config <file>', CONFIG_FLAG)
    .option('--data-dir <folder>', DATA_DIR_FLAG)
    .option('--host <address>', 'as serve has it')
    .option('--port <number>', 'as serve has it')
    .option(
      '--url <address>',
      'a receiver elsewhere (its key in USAGE_METER_API_KEY); without --data-dir only that',
    )
    .option('--full', 'read every file of the journal, not only the last')
    .option('--json', 'one JSON document, for programs')
    .action(async (flags: DoctorFlags) => {
      const { examine } = await import('../doctor/doctor.ts');
      await examine(flags, shell);
    });
}
