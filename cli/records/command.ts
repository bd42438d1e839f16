/** The flags of `usage-meter records`, as its help tells them. */
import type { Command } from 'commander';
import { collect, withPages, withRange, withReceiver, withUsageFilter } from '../flags.ts';
import type { Shell } from '../shell.ts';
import type { AmendFlags, ListFlags, VoidFlags } from './records.ts';

const records = () => import('./records.ts');

export function addRecordsCommand(program: Command, shell: Shell): void {
  const parent = program
    .command('records')
    .description('usage records as they are stored, and corrections of them');
  withPages(withReceiver(withUsageFilter(withRange(parent.command('list')))), 'default 100, with --json all')
    .description('records by their time; usage-meter export writes many')
    .option('--meter <id>', 'counted by this meter alone; repeatable', collect)
    .option('--as-of <time>', 'what was known then')
    .addHelpText('after', '\nWithout a range: this month.')
    .action(async (flags: ListFlags) => (await records()).listRecords(flags, shell));
  withReceiver(parent.command('show'))
    .description('one record, also one that was voided')
    .argument('<id>')
    .action(async (id: string, flags) => (await records()).showRecord(id, flags, shell));
  withReceiver(parent.command('void'))
    .description('say that a record does not count')
    .argument('<id>')
    .requiredOption('--reason <text>', 'why')
    .action(async (id: string, flags: VoidFlags) => (await records()).voidRecord(id, flags, shell));
  withReceiver(parent.command('amend'))
    .description('put another record in the place of one; fields that are not named stay')
    .argument('<id>')
    .requiredOption('--reason <text>', 'why')
    .option('-c, --customer <id>', 'who used it')
    .option('-d, --dimension <id>', 'what was used')
    .option('-v, --value <decimal>', 'how much, exactly')
    .option('-t, --time <time>', 'when: RFC 3339 with an offset')
    .option('--start-time <time>', 'begin of its period; an empty text: none')
    .option('-m, --metadata <key=value>', 'all of its metadata; repeatable', collect)
    .action(async (id: string, flags: AmendFlags) => (await records()).amendRecord(id, flags, shell));
}
