/** `usage-meter records`: looks at single records, voids and amends them. */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import {
  cursorParam,
  type FilterFlags,
  filterParams,
  limitOf,
  named,
  optional,
  type PageFlags,
  pairs,
  rangeParams,
} from '../flags.ts';
import { localTime } from '../local-time.ts';
import { type RangeFlags, readRange, thisMonth } from '../range.ts';
import { type Params, ReceiverApi, type ReceiverFlags, segment } from '../receiver-api.ts';
import { fieldsText } from '../resources/resources.ts';
import type { Shell } from '../shell.ts';
import { decimal, printable } from '../text-table.ts';
import { UsageError } from '../usage-error.ts';

export interface ListFlags extends RangeFlags, FilterFlags, ReceiverFlags, PageFlags {
  meter?: string[];
  asOf?: string;
}

export interface VoidFlags extends ReceiverFlags {
  reason: string;
}

export interface AmendFlags extends VoidFlags {
  customer?: string;
  dimension?: string;
  value?: string;
  time?: string;
  startTime?: string;
  metadata?: string[];
}

/** Records of a text, unless more are asked for. */
const TEXT_RECORDS = 100;

const Record = z.looseObject({
  recordId: z.string(),
  customerId: z.string(),
  dimensionId: z.string(),
  recordValue: z.string(),
  unit: z.string(),
  timestamp: z.string(),
  metadata: z.record(z.string(), z.string()),
  meterId: z.string(),
  kind: z.string(),
});
const Corrected = z.looseObject({ record: Record, replacement: Record.nullable() });

/** @throws UsageError, RefusedError, ReceiverError */
export async function listRecords(flags: ListFlags, shell: Shell): Promise<void> {
  const now = Temporal.Now.instant();
  const range = readRange(flags, now) ?? thisMonth(flags, now);
  const params: Params = [
    ...rangeParams(range, flags),
    ...filterParams(flags),
    ...named('meterId', flags.meter),
    ...optional('asOf', flags.asOf),
    ...cursorParam(flags),
  ];
  const limit = flags.limit === undefined && !flags.json ? TEXT_RECORDS : limitOf(flags);
  const answer = await new ReceiverApi(flags, shell).list('/records', params, Record, limit);
  if (flags.json) {
    shell.printJson({ ...range, ...answer });
    return;
  }
  const zone = flags.timeZone ?? 'UTC';
  if (answer.rows.length === 0) shell.print('No records.');
  else
    shell.printTable(
      ['record', 'time', 'customer', 'dimension', 'value', 'unit', 'kind', 'meter', 'metadata'],
      answer.rows.map((row) => [
        row.recordId,
        localTime(row.timestamp, zone),
        printable(row.customerId),
        printable(row.dimensionId),
        decimal(row.recordValue),
        printable(row.unit),
        row.kind,
        printable(row.meterId),
        printable(
          Object.entries(row.metadata)
            .map((pair) => pair.join('='))
            .join(' '),
        ),
      ]),
      [0],
    );
  shell.noteMore(answer.nextCursor);
}

/** @throws RefusedError, ReceiverError */
export async function showRecord(id: string, flags: ReceiverFlags, shell: Shell): Promise<void> {
  const body = await new ReceiverApi(flags, shell).get(`/records/${segment(id)}`);
  if (flags.json) shell.printJson(body);
  else shell.print(fieldsText(body));
}

/** @throws RefusedError, ReceiverError */
export async function voidRecord(id: string, flags: VoidFlags, shell: Shell): Promise<void> {
  const body = await correct(id, 'void', { reason: flags.reason }, flags, shell);
  if (flags.json) shell.printJson(body);
  else shell.print(`record ${printable(id)} does not count any more`);
}

/** @throws UsageError, RefusedError, ReceiverError */
export async function amendRecord(id: string, flags: AmendFlags, shell: Shell): Promise<void> {
  const { customer, dimension, value, time, startTime, metadata } = flags;
  const fields = {
    ...(customer === undefined ? {} : { customerId: customer }),
    ...(dimension === undefined ? {} : { dimensionId: dimension }),
    ...(value === undefined ? {} : { recordValue: value }),
    ...(time === undefined ? {} : { timestamp: time }),
    ...(startTime === undefined ? {} : { startTime: startTime === '' ? null : startTime }),
    ...(metadata === undefined ? {} : { metadata: Object.fromEntries(pairs('--metadata', metadata)) }),
  };
  if (Object.keys(fields).length === 0)
    throw new UsageError(
      'say what is to be otherwise: --customer, --dimension, --value, --time, --start-time, --metadata',
    );
  const body = await correct(id, 'amend', { reason: flags.reason, ...fields }, flags, shell);
  if (flags.json) shell.printJson(body);
  else
    shell.print(
      `record ${body.replacement!.recordId} counts in the place of ${printable(id)}\n\n${fieldsText(body.replacement)}`,
    );
}

async function correct(
  id: string,
  how: 'void' | 'amend',
  body: object,
  flags: ReceiverFlags,
  shell: Shell,
): Promise<z.infer<typeof Corrected>> {
  const answer = await new ReceiverApi(flags, shell).send({
    method: 'POST',
    path: `/records/${segment(id)}/${how}`,
    body: JSON.stringify(body),
    // A second correction of a record is refused.
    isRepeatable: false,
  });
  return Corrected.parse(answer.body);
}
