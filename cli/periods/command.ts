/** The flags of `usage-meter close`, `statements`, `adjustments` and `audit`, as their help tells them. */
import { type Command, Option } from 'commander';
import { collect, withPages, withRange, withReceiver } from '../flags.ts';
import type { Shell } from '../shell.ts';
import type { AuditFlags } from './audit.ts';
import type { CloseFlags } from './close.ts';
import type { ReopenFlags, ShowFlags, StatementsFlags } from './statements.ts';

const statements = () => import('./statements.ts');

export function addPeriodCommands(program: Command, shell: Shell): void {
  withReceiver(program.command('close'))
    .description('close a billing period: its usage is stated, and never changes again')
    .option('-c, --customer <id>', 'of this customer')
    .option('--all', 'of every customer with usage in it')
    .option('--month <month>', 'a calendar month: 2026-10, last')
    .option('--from <time>', 'begin: RFC 3339 with an offset, or a date in the time zone')
    .option('--to <time>', 'end, not included; in the past')
    .option('--time-zone <zone>', 'IANA zone of the statement (default that of the customer, else UTC)')
    .option('--note <text>', 'what the statement says of itself')
    .option('--dry-run', 'show what would be stated, close nothing')
    .action(async (flags: CloseFlags) => {
      const { closePeriod } = await import('./close.ts');
      await closePeriod(flags, shell);
    });

  const parent = program.command('statements').description('what closed periods say');
  withPages(withReceiver(withRange(parent.command('list'))))
    .description('the statements, newest first')
    .option('-c, --customer <id>', 'of this customer alone; repeatable', collect)
    .addOption(new Option('--state <state>').choices(['valid', 'reopened', 'all']).default('all'))
    .action(async (flags: StatementsFlags) => (await statements()).listStatements(flags, shell));
  withReceiver(parent.command('show'))
    .description('one statement, as a text, CSV or a page to print')
    .argument('<id>')
    .addOption(new Option('-f, --format <format>').choices(['text', 'csv', 'html']).default('text'))
    .option('-o, --output <file>', 'write it here (default stdout)')
    .action(async (id: string, flags: ShowFlags) => (await statements()).showStatement(id, flags, shell));
  withReceiver(parent.command('reopen'))
    .description('take a statement back: it states nothing any more, and its period is open again')
    .argument('<id>')
    .requiredOption('--note <text>', 'why')
    .action(async (id: string, flags: ReopenFlags) => (await statements()).reopenStatement(id, flags, shell));

  withPages(withReceiver(program.command('adjustments')))
    .description('what closed periods differ by from their statements, until the next close takes it up')
    .option('-c, --customer <id>', 'of this customer alone; repeatable', collect)
    .action(async (flags: StatementsFlags) => (await statements()).listAdjustments(flags, shell));

  withPages(withReceiver(withRange(program.command('audit'))))
    .description('who changed what, newest first')
    .option('--kind <kind>', 'such as dimension_put or period_closed; repeatable', collect)
    .option('--subject <id>', 'of what was changed; repeatable', collect)
    .option('--actor <who>', 'key:…, file or local; repeatable', collect)
    .action(async (flags: AuditFlags) => {
      const { listAudit } = await import('./audit.ts');
      await listAudit(flags, shell);
    });
}
