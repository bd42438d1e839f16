/** `usage-meter quarantine`: looks at what is not counted, and repairs it. */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { reasonTitle } from '../../storage/quarantine-reasons.ts';
import { instantFromText, textFromInstant } from '../../storage/query/instant.ts';
import { cursorParam, limitOf, named, optional, type PageFlags, pairs, rangeParams } from '../flags.ts';
import { wholeSeconds } from '../local-time.ts';
import { type RangeFlags, readRange } from '../range.ts';
import { LONG_ANSWER_MS, type Params, ReceiverApi, type ReceiverFlags } from '../receiver-api.ts';
import { EXIT, type Shell } from '../shell.ts';
import { counted, decimal, number, printable } from '../text-table.ts';
import { UsageError } from '../usage-error.ts';
import { noteReasons } from './reasons.ts';

export interface SelectionFlags extends RangeFlags, ReceiverFlags {
  reason?: string[];
  meter?: string[];
  customer?: string[];
  dimension?: string[];
  missing?: string[];
}

export interface QuarantineFlags extends SelectionFlags, PageFlags {}

export interface SignalsFlags extends QuarantineFlags {
  resolution: string;
}

export interface ReplayFlags extends SelectionFlags {
  all?: boolean;
  note?: string;
  dryRun?: boolean;
}

export interface FixFlags extends SelectionFlags {
  set: string[];
  note?: string;
  dryRun?: boolean;
}

export interface DismissFlags extends SelectionFlags {
  note: string;
  dryRun?: boolean;
}

const id = z.string().nullable();
const Group = z.looseObject({
  reason: z.string(),
  meterId: z.string(),
  dimensionId: id,
  customerId: id,
  signals: z.int(),
  quantity: z.string().nullable(),
  lastSeen: z.string(),
});
const Signal = z.looseObject({
  id: z.string(),
  reason: z.string(),
  customerId: id,
  dimensionId: id,
  value: z.string(),
  unit: z.string(),
  timestamp: z.string().nullable(),
  kind: z.string(),
});
const Replayed = z.looseObject({
  signals: z.int(),
  counted: z.int().optional(),
  quarantined: z.array(z.object({ reason: z.string(), signals: z.int() })).optional(),
  untouched: z.int().optional(),
});
const Dismissed = z.looseObject({ dismissed: z.int().optional(), signals: z.int().optional() });

/** Fields of a correction. */
const CORRECTED = ['customerId', 'dimensionId', 'recordValue', 'timestamp', 'startTime'];

/** @throws UsageError, RefusedError, ReceiverError */
export async function listQuarantine(flags: QuarantineFlags, shell: Shell): Promise<void> {
  const params = [...selectionParams(flags), ...cursorParam(flags)];
  const answer = await new ReceiverApi(flags, shell).list('/quarantine', params, Group, limitOf(flags));
  if (flags.json) {
    shell.printJson(answer);
    return;
  }
  const rows = answer.rows.map((row) => [
    row.reason,
    reasonTitle(row.reason),
    printable(row.meterId),
    nameOf(row.customerId),
    nameOf(row.dimensionId),
    number(row.signals),
    row.quantity === null ? '' : decimal(row.quantity),
    wholeSeconds(row.lastSeen),
  ]);
  const head = ['reason', 'title', 'meter', 'customer', 'dimension', 'signals', 'quantity', 'last seen'];
  printRows(head, rows, shell);
  if (rows.length > 0) noteReasons(shell);
  shell.noteMore(answer.nextCursor);
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function listSignals(ids: readonly string[], flags: SignalsFlags, shell: Shell): Promise<void> {
  const params = [
    ...selectionParams(flags),
    ...named('signal', ids),
    ...optional('resolution', flags.resolution),
    ...cursorParam(flags),
  ];
  const answer = await new ReceiverApi(flags, shell).list(
    '/quarantine/signals',
    params,
    Signal,
    limitOf(flags),
  );
  if (flags.json) {
    shell.printJson(answer);
    return;
  }
  const rows = answer.rows.map((row) => [
    printable(row.id),
    row.reason,
    row.kind,
    nameOf(row.customerId),
    nameOf(row.dimensionId),
    printable(row.value),
    printable(row.unit),
    row.timestamp ?? '–',
  ]);
  printRows(['signal', 'reason', 'kind', 'customer', 'dimension', 'value', 'unit', 'time'], rows, shell);
  shell.noteMore(answer.nextCursor);
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function replaySignals(ids: readonly string[], flags: ReplayFlags, shell: Shell): Promise<void> {
  const selection = flags.all ? {} : selectionOf(ids, flags, '--all');
  if (flags.all && (ids.length > 0 || selectionParams(flags).length > 0))
    throw new UsageError('--all is every signal: it goes with no other selection');
  await replay(selection, flags, shell);
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function fixSignals(ids: readonly string[], flags: FixFlags, shell: Shell): Promise<void> {
  const fields = pairs('--set', flags.set);
  for (const [name] of fields) {
    if (!CORRECTED.includes(name))
      throw new UsageError(`--set knows ${CORRECTED.join(', ')} (got "${name}")`);
  }
  const correction = Object.fromEntries(
    fields.map(([name, value]) => [name, name === 'startTime' && value === '' ? null : value]),
  );
  await replay({ ...selectionOf(ids, flags), correction }, flags, shell);
}

/** Ends with 3 where some signals are still not counted. */
async function replay(body: object, flags: ReplayFlags | FixFlags, shell: Shell): Promise<void> {
  const answer = Replayed.parse(await post('/quarantine/replay', body, flags, shell));
  const { signals, counted: done = 0, quarantined = [], untouched = 0 } = answer;
  if (quarantined.length > 0 || untouched > 0) shell.exitCode = EXIT.partial;
  if (flags.json) {
    shell.printJson(answer);
    return;
  }
  if (flags.dryRun) {
    shell.print(wouldBe(signals));
    return;
  }
  const lines = [`${counted(signals, 'signal')}, ${number(done)} counted`];
  for (const { reason, signals: still } of quarantined)
    lines.push(`  ${number(still)} stay in quarantine: ${reason} (${reasonTitle(reason)})`);
  if (untouched > 0)
    lines.push(
      `  ${number(untouched)} could not be judged: fix them with all that they lack, or dismiss them`,
    );
  shell.print(lines.join('\n'));
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function dismissSignals(
  ids: readonly string[],
  flags: DismissFlags,
  shell: Shell,
): Promise<void> {
  const answer = Dismissed.parse(await post('/quarantine/dismiss', selectionOf(ids, flags), flags, shell));
  if (flags.json) shell.printJson(answer);
  else if (flags.dryRun) shell.print(wouldBe(answer.signals ?? 0));
  else shell.print(`${counted(answer.dismissed ?? 0, 'signal')} dismissed`);
}

function wouldBe(signals: number): string {
  return `${counted(signals, 'signal')}. Dry run: nothing was changed.`;
}

async function post(
  path: string,
  body: object,
  flags: ReceiverFlags & { note?: string; dryRun?: boolean },
  shell: Shell,
): Promise<unknown> {
  const note = flags.note === undefined ? {} : { note: flags.note };
  const { body: answer } = await new ReceiverApi(flags, shell).send({
    method: 'POST',
    path,
    body: JSON.stringify({ ...body, ...note, dryRun: flags.dryRun === true }),
    // A signal counts once, however often it is replayed.
    isRepeatable: true,
    timeoutMs: LONG_ANSWER_MS,
  });
  return answer;
}

/** Parameters of the questions about quarantine. */
function selectionParams(flags: SelectionFlags): Params {
  const range = readRange(flags, Temporal.Now.instant());
  return [
    ...named('reason', flags.reason),
    ...named('meterId', flags.meter),
    ...named('customerId', flags.customer),
    ...named('dimensionId', flags.dimension),
    ...named(
      'missing',
      flags.missing?.map((what) => `${what}Id`),
    ),
    ...rangeParams(range, flags),
  ];
}

/**
 * The same as fields of a body, in which a missing id is null and times have no zone.
 * @throws UsageError where it would be everything
 */
function selectionOf(ids: readonly string[], flags: SelectionFlags, orAll?: string): object {
  const { reason, meter, customer = [], dimension = [], missing = [] } = flags;
  const range = readRange(flags, Temporal.Now.instant());
  const customers = [...customer, ...(missing.includes('customer') ? [null] : [])];
  const dimensions = [...dimension, ...(missing.includes('dimension') ? [null] : [])];
  const selection = {
    ...(ids.length === 0 ? {} : { ids }),
    ...(reason === undefined ? {} : { reason }),
    ...(meter === undefined ? {} : { meterId: meter }),
    ...(customers.length === 0 ? {} : { customerId: customers }),
    ...(dimensions.length === 0 ? {} : { dimensionId: dimensions }),
    ...(range === null
      ? {}
      : { from: instantText('from', range.from, flags), to: instantText('to', range.to, flags) }),
  };
  if (Object.keys(selection).length > 0) return selection;
  const all = orAll === undefined ? '' : `, or ${orAll}`;
  throw new UsageError(`say which signals: their ids, or flags such as --reason or --missing${all}`);
}

function instantText(flag: string, text: string, { timeZone = 'UTC' }: RangeFlags): string {
  const instant = instantFromText(text, timeZone);
  if (typeof instant === 'bigint') return textFromInstant(instant);
  throw new UsageError(`--${flag} must be ${instant.fault} (got "${text}")`);
}

function nameOf(id: string | null): string {
  return id === null ? '–' : printable(id);
}

function printRows(head: readonly string[], rows: readonly string[][], shell: Shell): void {
  if (rows.length === 0) shell.print('Nothing is in quarantine.');
  else shell.printTable(head, rows, head[0] === 'signal' ? [0] : []);
}
