/** `usage-meter explain`: why usage is what it is, down to the signals that came. */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { named, optional } from '../flags.ts';
import { readRange, thisMonth } from '../range.ts';
import { type Params, ReceiverApi, type ReceiverFlags, segment } from '../receiver-api.ts';
import { fieldsText } from '../resources/resources.ts';
import type { Shell } from '../shell.ts';
import { UsageError } from '../usage-error.ts';
import { explanationText } from './explain-text.ts';
import { type QueryFlags, usageParams } from './query.ts';
import { noteUnknownIds } from './unknown-ids.ts';
import { UsageRow } from './usage-row.ts';

export interface ExplainFlags extends Omit<QueryFlags, 'fill'> {
  windowStart?: string;
  missing?: string[];
  signals?: boolean;
}

/** Records of a text, unless more are asked for. */
const TEXT_RECORDS = 50;
/** Records of a page, without and with signals. */
const PAGE_RECORDS = { plain: 1000, signals: 100 };

const Record = z.looseObject({
  recordId: z.string(),
  recordValue: z.string(),
  timestamp: z.string(),
  kind: z.string(),
  meterId: z.string(),
  meterVersion: z.int(),
  contribution: z.string(),
  flags: z.array(z.string()),
  sequence: z.int(),
  signal: z.unknown().optional(),
});

/** As far as people are told; the rest is kept. */
export const Explanation = z.looseObject({
  cell: UsageRow.nullable(),
  steps: z.array(z.looseObject({ text: z.string(), value: z.string() })),
  parts: z.array(
    z.looseObject({ begin: z.string(), end: z.string(), quantity: z.string(), records: z.int() }),
  ),
  carriedIn: z
    .looseObject({ record: z.looseObject({ recordValue: z.string(), timestamp: z.string() }) })
    .nullable(),
  records: z.array(Record),
  series: z.array(z.looseObject({ seriesHash: z.string() })),
  meters: z.array(z.looseObject({ id: z.string(), version: z.int() })),
  nextCursor: z.string().nullable(),
  completeUntil: z.string(),
});
export type Explanation = z.infer<typeof Explanation>;

/** @throws UsageError, RefusedError, ReceiverError */
export async function explainUsage(flags: ExplainFlags, shell: Shell): Promise<void> {
  const api = new ReceiverApi(flags, shell);
  const now = Temporal.Now.instant();
  const range = readRange(flags, now) ?? thisMonth(flags, now);
  const params: Params = [
    ...usageParams({ ...flags, fill: true }, range),
    ...optional('windowStart', flags.windowStart),
    ...named('missing', flags.missing),
    ...optional('signals', flags.signals ? 'true' : undefined),
  ];
  const explanation = await wholeExplanation(api, params, recordsOf(flags), flags.signals === true);
  if (flags.json) shell.printJson({ ...range, ...explanation });
  else
    shell.print(
      explanationText(explanation, {
        timeZone: flags.timeZone ?? 'UTC',
        width: shell.width,
        strong: (text) => shell.style('bold', text),
      }),
    );
  if (explanation.cell === null) await noteUnknownIds(flags, api, shell);
}

/** All pages are of the state of the ledger that the first one is of. */
async function wholeExplanation(
  api: ReceiverApi,
  params: Params,
  limit: number,
  withSignals: boolean,
): Promise<Explanation> {
  const most = withSignals ? PAGE_RECORDS.signals : PAGE_RECORDS.plain;
  const page = async (left: number, cursor: string | null) =>
    Explanation.parse(
      await api.get('/usage/explain', [
        ...params,
        ['limit', String(Math.min(left, most))],
        ...optional('cursor', cursor ?? undefined),
      ]),
    );
  const all = await page(limit, null);
  while (all.nextCursor !== null && all.records.length < limit) {
    const next = await page(limit - all.records.length, all.nextCursor);
    all.records.push(...next.records);
    for (const one of next.series)
      if (!all.series.some(({ seriesHash }) => seriesHash === one.seriesHash)) all.series.push(one);
    for (const one of next.meters)
      if (!all.meters.some(({ id, version }) => id === one.id && version === one.version))
        all.meters.push(one);
    all.nextCursor = next.nextCursor;
  }
  return all;
}

/** @throws UsageError */
function recordsOf({ limit, json }: ExplainFlags): number {
  if (limit === undefined) return json ? Number.POSITIVE_INFINITY : TEXT_RECORDS;
  if (/^[1-9]\d{0,8}$/.test(limit)) return Number(limit);
  throw new UsageError(`--limit must be a whole number from 1 (got "${limit}")`);
}

/** @throws RefusedError, ReceiverError */
export async function explainRecord(recordId: string, flags: ReceiverFlags, shell: Shell): Promise<void> {
  const body = await new ReceiverApi(flags, shell).get(`/records/${segment(recordId)}/signal`);
  if (flags.json) shell.printJson(body);
  else shell.print(fieldsText(body));
}
