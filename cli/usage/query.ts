/** `usage-meter query`: GET /api/v1/usage to its last page, as a table or as JSON. */
import { Temporal } from 'temporal-polyfill';
import {
  cursorParam,
  type FilterFlags,
  filterParams,
  limitOf,
  optional,
  type PageFlags,
  zoneParam,
} from '../flags.ts';
import { type Range, type RangeFlags, readRange, thisMonth } from '../range.ts';
import { type Params, ReceiverApi, type ReceiverFlags } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { UsageError } from '../usage-error.ts';
import { UsageRow } from './usage-row.ts';
import { usageText } from './usage-text.ts';

export interface QueryFlags extends RangeFlags, FilterFlags, ReceiverFlags, PageFlags {
  window: string;
  anchor?: string;
  groupBy?: string;
  fill: boolean;
  asOf?: string;
  freshness: string;
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function queryUsage(flags: QueryFlags, shell: Shell): Promise<void> {
  const api = new ReceiverApi(flags, shell);
  const now = Temporal.Now.instant();
  const range = readRange(flags, now) ?? thisMonth(flags, now);
  if (flags.cursor !== undefined && (flags.last !== undefined || flags.to === undefined))
    throw new UsageError('--cursor needs the --from and --to of the answer that it goes on from');
  const answer = await api.list('/usage', usageParams(flags, range), UsageRow, limitOf(flags));
  if (flags.json) {
    shell.printJson({ ...range, ...answer });
    return;
  }
  shell.print(
    usageText(answer.rows, {
      ...range,
      timeZone: flags.timeZone ?? 'UTC',
      window: flags.window,
      completeUntil: answer.completeUntil,
      width: shell.width,
      strong: (text) => shell.style('bold', text),
      faint: (text) => shell.style('dim', text),
    }),
  );
  shell.noteMore(answer.nextCursor);
}

/** The parameters of GET /api/v1/usage. */
export function usageParams(
  flags: FilterFlags &
    RangeFlags &
    PageFlags &
    Partial<Pick<QueryFlags, 'window' | 'anchor' | 'groupBy' | 'fill' | 'asOf' | 'freshness'>>,
  { from, to }: Range,
): Params {
  return [
    ['from', from],
    ['to', to],
    ...zoneParam(flags),
    ...filterParams(flags),
    ...optional('window', flags.window),
    ...optional('anchor', flags.anchor),
    ...optional('groupBy', flags.groupBy),
    ...(flags.fill === false ? ([['fill', 'false']] as const) : []),
    ...optional('asOf', flags.asOf),
    ...optional('freshness', flags.freshness),
    ...cursorParam(flags),
  ];
}
