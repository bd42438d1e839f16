/** The flags of `usage-meter query`, `send`, `export` and `explain`, as their help tells them. */
import { type Command, Option } from 'commander';
import { collect, freshnessOption, withPages, withRange, withReceiver, withUsageFilter } from '../flags.ts';
import type { Shell } from '../shell.ts';
import type { ExplainFlags } from './explain.ts';
import type { QueryFlags } from './query.ts';
import type { SendFlags } from './send.ts';

export function addUsageCommands(program: Command, shell: Shell): void {
  addQuery(program, shell);
  addExplain(program, shell);
  addSend(program, shell);
}

function addQuery(program: Command, shell: Shell): void {
  const query = program
    .command('query')
    .description('how much was used: exact quantities by customer, dimension and window')
    .addHelpText('after', '\nWithout a range: this month.');
  withPages(withReceiver(withUsageFilter(withRange(query))))
    .addOption(windowOption())
    .option('--anchor <day>', 'with --window period: the day of month on which a billing period begins')
    .option(
      '-g, --group-by <keys>',
      'customerId, dimensionId, metadata.KEY, with commas (default the first two)',
    )
    .option('--no-fill', 'leave out windows without usage')
    .option('--as-of <time>', 'what was known then')
    .addOption(freshnessOption())
    .action(async (flags: QueryFlags) => {
      const { queryUsage } = await import('./query.ts');
      await queryUsage(flags, shell);
    });
}

function addExplain(program: Command, shell: Shell): void {
  const explain = program
    .command('explain')
    .description('why a row of usage-meter query is what it is: the records behind it, and how they add up')
    .argument('[record]', 'instead: one record by its id, with the signal as it was received')
    .addHelpText('after', '\nSay what the row says. Without a range: this month.');
  withReceiver(withUsageFilter(withRange(explain)))
    .addOption(windowOption())
    .option('--window-start <time>', 'begin of the window, as the row has it; needed where there are several')
    .option('--anchor <day>', 'with --window period: the day of month on which a billing period begins')
    .option('-g, --group-by <keys>', 'as the query had it')
    .option('--missing <key>', 'the row has no value of metadata.KEY; repeatable', collect)
    .option('--as-of <time>', 'what was known then')
    .option('--signals', 'with each record the signal as it was received, out of the journal')
    .option('--limit <number>', 'so many records at most (default 50, with --json all)')
    .addOption(freshnessOption())
    .action(async (record: string | undefined, flags: ExplainFlags) => {
      const { explainRecord, explainUsage } = await import('./explain.ts');
      if (record === undefined) await explainUsage(flags, shell);
      else await explainRecord(record, flags, shell);
    });
}

function addSend(program: Command, shell: Shell): void {
  const send = program
    .command('send')
    .description('record usage by hand: one record by flags, or a record per line of JSON on stdin')
    .argument('[source]', '- reads NDJSON from stdin: the fields of POST /api/v1/usage')
    .option('-c, --customer <id>', 'who used it')
    .option('-d, --dimension <id>', 'what was used')
    .option('-v, --value <decimal>', 'how much, exactly')
    .option('-t, --time <time>', 'when: RFC 3339 with an offset (default now)')
    .option('--start-time <time>', 'begin of its period')
    .option('-m, --metadata <key=value>', 'repeatable', collect)
    .option('--id <id>', 'makes a repetition the same record; without one, each command counts');
  withReceiver(send).action(async (source: string | undefined, flags: SendFlags) => {
    const { sendUsage } = await import('./send.ts');
    await sendUsage(source, flags, shell);
  });
}

export function windowOption(): Option {
  return new Option('-w, --window <size>', 'a row for each')
    .choices(['total', 'minute', 'hour', 'day', 'week', 'month', 'period'])
    .default('total');
}
