/** `usage-meter query`: GET /api/v1/usage to its last page, as a table or as JSON. */
import { Temporal } from 'temporal-polyfill';
import {
  cursorParam,
  type FilterFlags,
  filterParams,
  limitOf,
  optional,
  type PageFlags,
  rangeParams,
} from '../flags.ts';
import { type Range, type RangeFlags, readRange, thisMonth } from '../range.ts';
import { type ListAnswer, PAGE_ROWS, type Params, ReceiverApi, type ReceiverFlags } from '../receiver-api.ts';
import type { Shell } from '../shell.ts';
import { UsageError } from '../usage-error.ts';
import { noteUnknownIds } from './unknown-ids.ts';
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
  const answer = await usageAnswer(api, flags, range);
  if (flags.json) {
    shell.printJson({ ...range, ...answer });
  } else {
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
    shell.noteMore(answer.nextCursor, answer.asOf);
  }
  if (answer.rows.length === 0 && flags.cursor === undefined) await noteUnknownIds(flags, api, shell);
}

/** To the last page, or as many rows as the flags say. Pages that are read together are of one state of the ledger. */
async function usageAnswer(
  api: ReceiverApi,
  flags: QueryFlags,
  range: Range,
): Promise<ListAnswer<UsageRow> & { asOf?: string }> {
  const limit = limitOf(flags);
  const rows = (most: number, asOf = flags.asOf) =>
    api.list(
      '/usage',
      usageParams({ ...flags, ...(asOf === undefined ? {} : { asOf }) }, range),
      UsageRow,
      most,
    );
  // What goes on from another answer is of the state that it was of.
  if (flags.cursor !== undefined || flags.asOf !== undefined || limit <= PAGE_ROWS) return await rows(limit);
  const first = await rows(PAGE_ROWS);
  if (first.nextCursor === null) return first;
  const asOf = await api.presentState();
  return { asOf, ...(await rows(limit, asOf)) };
}

/** The parameters of GET /api/v1/usage. */
export function usageParams(
  flags: FilterFlags &
    RangeFlags &
    PageFlags &
    Partial<Pick<QueryFlags, 'window' | 'anchor' | 'groupBy' | 'fill' | 'asOf' | 'freshness'>>,
  range: Range,
): Params {
  return [
    ...rangeParams(range, flags),
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
