/** `usage-meter send`: POST /api/v1/usage with a record from flags, or with the lines of stdin. */
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { pairs } from '../flags.ts';
import { ReceiverApi, type ReceiverFlags, RefusedError } from '../receiver-api.ts';
import { EXIT, type Shell } from '../shell.ts';
import { counted, decimal, printable } from '../text-table.ts';
import { UsageError } from '../usage-error.ts';

export interface SendFlags extends ReceiverFlags {
  customer?: string;
  dimension?: string;
  value?: string;
  time?: string;
  startTime?: string;
  metadata?: string[];
  id?: string;
}

/** Lines that are stored together, or not at all. */
const BATCH_LINES = 1_000;
/** Characters of lines beyond which a batch ends: a body holds 64 MiB. */
const BATCH_CHARACTERS = 8 * 1024 * 1024;

const Sent = z.looseObject({
  records: z
    .array(
      z.looseObject({
        recordId: z.string(),
        customerId: z.string(),
        dimensionId: z.string(),
        recordValue: z.string(),
        unit: z.string(),
        timestamp: z.string(),
        status: z.enum(['stored', 'duplicate']),
      }),
    )
    .min(1),
});
const Counts = z.object({ stored: z.int(), duplicates: z.int() });

/** @throws UsageError, RefusedError, ReceiverError */
export async function sendUsage(source: string | undefined, flags: SendFlags, shell: Shell): Promise<void> {
  if (source !== undefined && source !== '-')
    throw new UsageError(
      `the only source is -, which is stdin (got "${source}"): usage-meter import reads files`,
    );
  const { url: _url, json: _json, ...fields } = flags;
  if (source === undefined) return await sendOne(flags, shell);
  const [field] = Object.keys(fields);
  if (field !== undefined)
    throw new UsageError(`with - every line says its own fields: --${field} is for a single record`);
  await sendLines(flags, shell);
}

async function sendOne(flags: SendFlags, shell: Shell): Promise<void> {
  const { customer, dimension, value } = flags;
  const missing = Object.entries({ customer, dimension, value }).find(([, given]) => given === undefined);
  if (missing !== undefined)
    throw new UsageError(
      `--${missing[0]} is missing: a record needs --customer, --dimension and --value; - reads records from stdin`,
    );
  const metadata = pairs('--metadata', flags.metadata ?? []);
  const record = {
    customerId: customer,
    dimensionId: dimension,
    recordValue: value,
    ...(flags.time === undefined ? {} : { timestamp: flags.time }),
    ...(flags.startTime === undefined ? {} : { startTime: flags.startTime }),
    ...(flags.id === undefined ? {} : { id: flags.id }),
    ...(metadata.length === 0 ? {} : { metadata: Object.fromEntries(metadata) }),
  };
  const api = new ReceiverApi(flags, shell);
  const { body } = await api.send({
    method: 'POST',
    path: '/usage',
    body: JSON.stringify(record),
    headers: flags.id === undefined ? onceOnly() : {},
    isRepeatable: true,
  });
  const [stored] = Sent.parse(body).records;
  if (flags.json) {
    shell.printJson((body as z.infer<typeof Sent>).records[0]);
    return;
  }
  const { status, recordId, customerId, dimensionId, recordValue, unit, timestamp } = stored;
  const amount = unit === '1' ? decimal(recordValue) : `${decimal(recordValue)} ${printable(unit)}`;
  shell.print(
    `${status}: ${printable(customerId)} ${printable(dimensionId)} ${amount} at ${timestamp}, record ${recordId}`,
  );
}

/** A request that is sent again, because its answer got lost, counts once. */
function onceOnly(): Record<string, string> {
  return { 'Idempotency-Key': randomUUID() };
}

/** How far stdin got. */
interface SentLines {
  stored: number;
  duplicates: number;
  /** Lines whose records are stored, or were: of all batches before the one that failed. */
  lines: number;
  error: string | null;
}

async function sendLines(flags: SendFlags, shell: Shell): Promise<void> {
  const api = new ReceiverApi(flags, shell, { patienceMs: 60_000 });
  const sent: SentLines = { stored: 0, duplicates: 0, lines: 0, error: null };
  let batch: string[] = [];
  let characters = 0;
  /** The lines as they are: what a number spells stays exact. Empty ones say nothing. */
  const send = async () => {
    if (batch.some((line) => line.trim() !== '')) {
      const { body } = await api.send({
        method: 'POST',
        path: '/usage',
        body: batch.join('\n'),
        headers: { 'Content-Type': 'application/x-ndjson', Prefer: 'return=minimal', ...onceOnly() },
        isRepeatable: true,
      });
      const { stored, duplicates } = Counts.parse(body);
      sent.stored += stored;
      sent.duplicates += duplicates;
    }
    sent.lines += batch.length;
    batch = [];
    characters = 0;
  };
  try {
    for await (const line of createInterface({ input: shell.input, crlfDelay: Number.POSITIVE_INFINITY })) {
      batch.push(line);
      characters += line.length;
      if (batch.length === BATCH_LINES || characters > BATCH_CHARACTERS) await send();
    }
    await send();
  } catch (error) {
    sent.error = lineError(error, sent.lines, batch);
    shell.exitCode = sent.lines > 0 ? EXIT.partial : EXIT.failed;
  }
  if (flags.json) shell.printJson(sent);
  else if (sent.lines > 0 || sent.error === null)
    shell.print(`${counted(sent.stored, 'record')} stored, ${counted(sent.duplicates, 'duplicate')}`);
  if (sent.error === null) return;
  shell.note(`usage-meter: ${sent.error}`);
  shell.note(
    sent.lines === 0
      ? 'Nothing was stored.'
      : `Lines 1 to ${sent.lines} are stored, none behind them: go on with tail -n +${sent.lines + 1}`,
  );
}

/** The receiver names records by their place among the lines that say something: `[3].recordValue`. */
function lineError(error: unknown, linesBefore: number, batch: readonly string[]): string {
  if (!(error instanceof RefusedError)) return error instanceof Error ? error.message : String(error);
  const numbers = batch.flatMap((line, at) => (line.trim() === '' ? [] : [linesBefore + at + 1]));
  const named = (error.problem.errors ?? []).map(({ path, message }) => {
    const place = /^\[(\d+)\]\.?(.*)$/s.exec(path);
    const line = place === null ? undefined : numbers[Number(place[1])];
    if (line === undefined) return `${path}: ${message}`;
    // Of a line that is no JSON it counts the lines of the batch.
    const fault = message.replace(/^line \d+ is /, 'is ');
    return place![2] === '' ? `line ${line} ${fault}` : `line ${line}: ${place![2]} ${fault}`;
  });
  return named.length === 0 ? error.message : named.join('\n  ');
}
