/** `usage-meter audit`: the log of every change. */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { cursorParam, limitOf, named, type PageFlags, rangeParams } from '../flags.ts';
import { wholeSeconds } from '../local-time.ts';
import { type RangeFlags, readRange } from '../range.ts';
import { type Params, ReceiverApi, type ReceiverFlags } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { printable } from '../text-table.ts';

export interface AuditFlags extends RangeFlags, ReceiverFlags, PageFlags {
  kind?: string[];
  subject?: string[];
  actor?: string[];
}

const Entry = z.looseObject({
  sequence: z.int(),
  time: z.string(),
  actor: z.string().nullable(),
  kind: z.string(),
  subject: z.string().nullable(),
  note: z.string().nullable(),
});

/** @throws UsageError, RefusedError, ReceiverError */
export async function listAudit(flags: AuditFlags, shell: Shell): Promise<void> {
  const range = readRange(flags, Temporal.Now.instant());
  const params: Params = [
    ...named('kind', flags.kind),
    ...named('subject', flags.subject),
    ...named('actor', flags.actor),
    ...rangeParams(range, flags),
    ...cursorParam(flags),
  ];
  const answer = await new ReceiverApi(flags, shell).list('/audit', params, Entry, limitOf(flags));
  if (flags.json) {
    shell.printJson(answer);
    return;
  }
  if (answer.rows.length === 0) shell.print('Nothing was changed.');
  else
    shell.printTable(
      ['sequence', 'time', 'who', 'what', 'of', 'note'],
      answer.rows.map((row) => [
        String(row.sequence),
        wholeSeconds(row.time),
        row.actor ?? '–',
        row.kind,
        printable(row.subject ?? ''),
        printable(row.note ?? ''),
      ]),
    );
  shell.noteMore(answer.nextCursor);
}
