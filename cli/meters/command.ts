/** The flags of `usage-meter meters`, as its help tells them. */
import { type Command, Option } from 'commander';
import { withReceiver } from '../flags.ts';
import type { ReceiverFlags } from '../receiver-api.ts';
import { addDelete, addListAndShow } from '../resources/command.ts';
import { METERS } from '../resources/kinds.ts';
import type { Shell } from '../shell.ts';
import type { TestFlags } from './test-meter.ts';

const URL_FLAG = 'the receiver (default http://127.0.0.1:4318; its key in USAGE_METER_API_KEY)';

export function addMetersCommand(program: Command, shell: Shell): void {
  const meters = program.command('meters').description('look at the rules that turn signals into usage');
  meters
    .command('test')
    .description('say what a rule would count, before it holds; nothing is changed')
    .argument('<rule>', 'YAML or JSON file: one rule, or a usage-meter.yaml with --meter')
    .option('--meter <id>', 'which meter of a usage-meter.yaml')
    .option(
      '--files <paths...>',
      'captured OTLP: JSON, lines of JSON, protobuf, as the Collector writes them; also .gz, .zst, folders',
    )
    .addOption(
      new Option('--signal <signal>', 'what files hold that do not say it').choices([
        'metrics',
        'logs',
        'traces',
      ]),
    )
    .option('--last <duration>', 'without files: of the receiver’s journal, at most 7d (default 24h)')
    .option('--max-signals <number>', 'look at so many at most (default 5000000)')
    .option('--url <address>', URL_FLAG)
    .option('--offline', 'with files: ask no receiver for the version in force, only ./usage-meter.yaml')
    .option('--json', 'the report for programs')
    .action(async (rule: string, flags: TestFlags) => {
      // The other commands have no use for what reads files.
      const { testMeter } = await import('./test-meter.ts');
      shell.exitCode = await testMeter(rule, flags, shell.environment);
    });
  addListAndShow(meters, shell, METERS);
  for (const [name, method, description] of WRITES) {
    const write = meters
      .command(name)
      .description(description)
      .argument('<rule>', 'YAML or JSON file: one rule, or a usage-meter.yaml with --meter')
      .option('--meter <id>', 'which meter of a usage-meter.yaml');
    withReceiver(write).action(async (path: string, flags: WriteFlags) => {
      const { readRuleFile } = await import('./rule-file.ts');
      const { writeResource } = await import('../resources/resources.ts');
      const { rule } = readRuleFile(path, flags.meter);
      await writeResource(METERS, method, rule.id, rule, flags, shell);
    });
  }
  addDelete(meters, shell, METERS);
}

interface WriteFlags extends ReceiverFlags {
  meter?: string;
}

const WRITES = [
  ['create', 'POST', 'declare a meter; one that is declared already is refused'],
  ['put', 'PUT', 'declare a meter, or a new version of it, which applies to what arrives from then on'],
] as const;
