/** `usage-meter close`: closes a billing period of one customer, or of all. */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { readRange } from '../range.ts';
import { LONG_ANSWER_MS, ReceiverApi, type ReceiverFlags } from '../receiver-api.ts';
import { EXIT, type Shell } from '../shell.ts';
import { counted, printable } from '../text-table.ts';
import { UsageError } from '../usage-error.ts';
import { Statement, StatementContent, statementText } from './statement-text.ts';

export interface CloseFlags extends ReceiverFlags {
  customer?: string;
  all?: boolean;
  month?: string;
  from?: string;
  to?: string;
  timeZone?: string;
  note?: string;
  dryRun?: boolean;
}

const ClosedAll = z.looseObject({
  closed: z.int(),
  alreadyClosed: z.int(),
  conflicting: z.int(),
  conflicts: z.array(
    z.looseObject({ customerId: z.string(), statementId: z.string(), from: z.string(), to: z.string() }),
  ),
});
const Draft = z.looseObject({ statement: StatementContent });

/** @throws UsageError, RefusedError, ReceiverError */
export async function closePeriod(flags: CloseFlags, shell: Shell): Promise<void> {
  const { customer, all, timeZone, note, dryRun } = flags;
  if ((customer === undefined) === (all === undefined))
    throw new UsageError('say whose period: --customer ID, or --all');
  const { from, to } = periodOf(flags);
  const { status, body } = await new ReceiverApi(flags, shell).send({
    method: 'POST',
    path: '/periods/close',
    body: JSON.stringify({
      ...(customer === undefined ? {} : { customerId: customer }),
      from,
      to,
      ...(timeZone === undefined ? {} : { timeZone }),
      ...(note === undefined ? {} : { note }),
      dryRun: dryRun === true,
    }),
    // The same period again gives the statement that there is.
    isRepeatable: true,
    timeoutMs: LONG_ANSWER_MS,
  });
  if (all) {
    tellAll(body, flags, shell);
    return;
  }
  if (flags.json) shell.printJson(body);
  else if (dryRun)
    shell.print(
      statementText(
        Draft.parse(body).statement,
        'Dry run: this would be stated, nothing was closed',
        shell.width,
      ),
    );
  else {
    const statement = Statement.parse(body);
    const title = `Statement ${statement.id}${status === 201 ? '' : ', which was there before'}`;
    shell.print(statementText(statement, title, shell.width));
  }
}

/** Ends with 3 where some customers were left as they are. */
function tellAll(body: unknown, { json, dryRun }: CloseFlags, shell: Shell): void {
  const { closed, alreadyClosed, conflicting, conflicts } = ClosedAll.parse(body);
  if (conflicting > 0) shell.exitCode = EXIT.partial;
  if (json) {
    shell.printJson(body);
    return;
  }
  const dry = dryRun ? ' would be made. Dry run: nothing was closed' : '';
  shell.print(`${counted(closed, 'statement')}${dry}; ${alreadyClosed} there before`);
  if (conflicting === 0) return;
  shell.print(`\n${counted(conflicting, 'customer')} left open, because a closed period overlaps this one:`);
  shell.printTable(
    ['statement', 'customer', 'from', 'to'],
    conflicts.map((one) => [one.statementId, printable(one.customerId), one.from, one.to]),
    [0],
  );
}

/** A period that ends now is a mistake: it has to be said. @throws UsageError */
function periodOf(flags: CloseFlags): { from: string; to: string } {
  if (flags.from !== undefined && flags.to === undefined)
    throw new UsageError('--from needs --to: the period is from one to the other');
  const period = readRange(flags, Temporal.Now.instant());
  if (period !== null) return period;
  throw new UsageError('say which period: --month 2026-10, or --from and --to');
}
