/** `usage-meter statements` and `usage-meter adjustments`. */
import { writeFile } from 'node:fs/promises';
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { cursorParam, limitOf, named, optional, type PageFlags, rangeParams } from '../flags.ts';
import { localTime, wholeSeconds } from '../local-time.ts';
import { type RangeFlags, readRange } from '../range.ts';
import { type Params, ReceiverApi, type ReceiverFlags, segment } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { decimal, printable } from '../text-table.ts';
import { UsageError } from '../usage-error.ts';
import { Adjustment, adjustmentLines, Statement, statementText } from './statement-text.ts';

export interface StatementsFlags extends RangeFlags, ReceiverFlags, PageFlags {
  customer?: string[];
  state?: string;
}

export interface ShowFlags extends ReceiverFlags {
  format: 'text' | 'csv' | 'html';
  output?: string;
}

export interface ReopenFlags extends ReceiverFlags {
  note: string;
}

const StatementRow = z.looseObject({
  id: z.string(),
  customerId: z.string(),
  from: z.string(),
  to: z.string(),
  timeZone: z.string(),
  amount: z.string().nullable(),
  closedAt: z.string(),
  reopened: z.looseObject({ at: z.string() }).nullable(),
});

/** @throws UsageError, RefusedError, ReceiverError */
export async function listStatements(flags: StatementsFlags, shell: Shell): Promise<void> {
  const range = readRange(flags, Temporal.Now.instant());
  const params: Params = [
    ...named('customerId', flags.customer),
    ...rangeParams(range, flags),
    ...optional('state', flags.state),
    ...cursorParam(flags),
  ];
  const answer = await new ReceiverApi(flags, shell).list(
    '/statements',
    params,
    StatementRow,
    limitOf(flags),
  );
  if (flags.json) {
    shell.printJson(answer);
    return;
  }
  if (answer.rows.length === 0) shell.print('No statements.');
  else
    shell.printTable(
      ['statement', 'customer', 'from', 'to', 'amount', 'closed', 'state'],
      answer.rows.map((row) => [
        row.id,
        printable(row.customerId),
        localTime(row.from, row.timeZone),
        localTime(row.to, row.timeZone),
        row.amount === null ? '' : decimal(row.amount),
        wholeSeconds(row.closedAt),
        row.reopened === null ? 'valid' : 're-opened',
      ]),
      [0],
    );
  shell.noteMore(answer.nextCursor);
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function showStatement(id: string, flags: ShowFlags, shell: Shell): Promise<void> {
  const { format, output, json } = flags;
  if (json && format !== 'text') throw new UsageError('either --json or --format');
  const api = new ReceiverApi(flags, shell);
  const path = `/statements/${segment(id)}`;
  const body = await api.get(path, [['format', format === 'text' ? 'json' : format]]);
  // CSV brings the end of its last line.
  const text =
    format !== 'text'
      ? String(body)
      : `${json ? JSON.stringify(body, null, 2) : shownText(Statement.parse(body), shell.width)}\n`;
  if (output === undefined) shell.output.write(text);
  else {
    await writeFile(output, text);
    shell.note(`statement ${id} is in ${output}`);
  }
}

function shownText(statement: Statement, width: number): string {
  const { id, reopened } = statement;
  const title =
    reopened === null
      ? `Statement ${id}`
      : `Statement ${id}, re-opened at ${reopened.at}: it states nothing any more (${printable(reopened.note)})`;
  return statementText(statement, title, width);
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function reopenStatement(id: string, flags: ReopenFlags, shell: Shell): Promise<void> {
  const { body } = await new ReceiverApi(flags, shell).send({
    method: 'POST',
    path: `/statements/${segment(id)}/reopen`,
    body: JSON.stringify({ note: flags.note }),
    isRepeatable: false,
  });
  if (flags.json) shell.printJson(body);
  else shell.print(shownText(Statement.parse(body), shell.width));
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function listAdjustments(flags: StatementsFlags, shell: Shell): Promise<void> {
  const params: Params = [...named('customerId', flags.customer), ...cursorParam(flags)];
  const answer = await new ReceiverApi(flags, shell).list('/adjustments', params, Adjustment, limitOf(flags));
  if (flags.json) {
    shell.printJson(answer);
    return;
  }
  if (answer.rows.length === 0) shell.print('No adjustments: closed periods are as their statements say.');
  else shell.print(adjustmentLines(answer.rows, shell.width).join('\n'));
  shell.noteMore(answer.nextCursor);
}
