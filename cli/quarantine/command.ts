/** The flags of `usage-meter quarantine`, as its help tells them. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { collect, withPages, withRange, withReceiver } from '../flags.ts';
import type { Shell } from '../shell.ts';
import type { DismissFlags, FixFlags, QuarantineFlags, ReplayFlags, SignalsFlags } from './quarantine.ts';

const quarantine = () => import('./quarantine.ts');

export function addQuarantineCommand(program: Command, shell: Shell): void {
  const parent = program
    .command('quarantine')
    .description('what is claimed as usage and cannot be counted, until somebody repairs it');
  withPages(withReceiver(withSelection(parent.command('list'))))
    .description('how many signals, and how much, by reason, meter, dimension and customer')
    .action(async (flags: QuarantineFlags) => (await quarantine()).listQuarantine(flags, shell));
  parent
    .command('reasons')
    .description('all reasons there are; of those named, what they mean and what helps')
    .argument('[codes...]', 'reasons, as the list names them')
    .option('--json', 'one JSON document, for programs')
    .action(async (codes: string[], flags: { json?: boolean }) =>
      (await import('./reasons.ts')).explainReasons(codes, flags, shell),
    );
  withPages(withReceiver(withSelection(parent.command('signals'))))
    .description('single signals, with --json each as it was received')
    .argument('[ids...]', 'only these')
    .addOption(
      new Option('--resolution <state>', 'what became of them')
        .choices(['open', 'corrected', 'dismissed'])
        .default('open'),
    )
    .action(async (ids: string[], flags: SignalsFlags) =>
      (await quarantine()).listSignals(ids, flags, shell),
    );
  withReceiver(withSelection(parent.command('replay')))
    .description(
      'judge signals again by what is known now: after a customer, dimension or meter was declared',
    )
    .argument('[ids...]', 'signals; or select them by flags')
    .option('--all', 'every signal in quarantine')
    .option('--note <text>', 'kept with them')
    .option('--dry-run', 'say how many are meant, change nothing')
    .action(async (ids: string[], flags: ReplayFlags) =>
      (await quarantine()).replaySignals(ids, flags, shell),
    );
  withReceiver(withSelection(parent.command('fix')))
    .description('count signals as you say')
    .argument('[ids...]', 'signals; or select them by flags')
    .requiredOption(
      '--set <field=value>',
      'customerId, dimensionId, recordValue, timestamp or startTime (empty: none); repeatable',
      collect,
    )
    .option('--note <text>', 'kept with them')
    .option('--dry-run', 'say how many are meant, change nothing')
    .action(async (ids: string[], flags: FixFlags) => (await quarantine()).fixSignals(ids, flags, shell));
  withReceiver(withSelection(parent.command('dismiss')))
    .description('say that signals shall not be counted')
    .argument('[ids...]', 'signals; or select them by flags')
    .requiredOption('--note <text>', 'why')
    .option('--dry-run', 'say how many are meant, change nothing')
    .action(async (ids: string[], flags: DismissFlags) =>
      (await quarantine()).dismissSignals(ids, flags, shell),
    );
}

function withSelection(command: Command): Command {
  return withRange(command)
    .option('-r, --reason <code>', 'with this reason; repeatable: any of them', collect)
    .option('--meter <id>', 'claimed by this meter; repeatable', collect)
    .option('-c, --customer <id>', 'of this customer; repeatable', collect)
    .option('-d, --dimension <id>', 'of this dimension; repeatable', collect)
    .option('--missing <what>', 'that name no customer, or no dimension; repeatable', collectMissing);
}

function collectMissing(value: string, earlier: string[] = []): string[] {
  if (value === 'customer' || value === 'dimension') return [...earlier, value];
  throw new InvalidArgumentError('Allowed choices are customer, dimension.');
}
