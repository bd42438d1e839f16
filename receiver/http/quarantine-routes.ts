/** /api/v1/quarantine: what could not be counted, and what people do about it. */
import type { Router } from 'express';
import { z } from 'zod';
import type { SignalCorrection, SignalReference } from '../../storage/changes.ts';
import { decimalText } from '../../storage/decimal-text.ts';
import { QUARANTINE_REASONS } from '../../storage/quarantine-reasons.ts';
import {
  parseQuarantineQuery,
  parseQuarantineSignalsQuery,
  parseQuarantineTotalsQuery,
  type QuarantinedSignal,
  type QuarantineSignalsQuery,
  signalId,
} from '../../storage/query/index.ts';
import { instantFromText } from '../../storage/query/instant.ts';
import { QueryParameters } from '../../storage/query/parameters.ts';
import { QueryError } from '../../storage/query/query-error.ts';
import { ResourceId } from '../../storage/resources.ts';
import { signalsAsJson } from '../explain/signal-json.ts';
import { type Ingest, LookBackError } from '../ingest.ts';
import { type ApiAccess, type ApiAnswer, type ApiRequest, caughtUp, jsonBody, route } from './api-routes.ts';
import { parseBody } from './field-errors.ts';
import { invalidFields } from './problem.ts';
import { type Params, question, settled, takeFreshness } from './questions.ts';
import { Turns } from './turns.ts';

/** Signals of one page that are shown as they were received: each may stand in a frame of its own. */
const MAX_SHOWN = 100;
/** What one change names at most: so much is judged in one turn of the event loop. */
const MAX_REFERENCES = 10_000;
const MAX_FRAMES = 256;

export function quarantineRoutes(router: Router, access: ApiAccess): void {
  // Two replays at once would look at the same signals.
  const turns = new Turns();
  route(router, access, '/quarantine', {
    GET: question((params) => ({ type: 'quarantine', query: parseQuarantineQuery(params) })),
  });
  route(router, access, '/quarantine/reasons', { GET: reasons });
  route(router, access, '/quarantine/totals', {
    GET: question((params) => ({ type: 'quarantineTotals', query: parseQuarantineTotalsQuery(params) })),
  });
  route(router, access, '/quarantine/signals', { GET: signals });
  route(router, access, '/quarantine/resolved', { GET: resolved });
  route(router, access, '/quarantine/replay', {
    POST: async (request) => {
      const { note, correction, dryRun, ...selection } = parseBody(Replay, selectionBody(request));
      const query = selectionQuery(selection);
      const fix = correction == null ? null : correctionOf(correction);
      if (fix !== null) requireSelection(selection, 'what is corrected');
      const { ingest } = request;
      if (dryRun) return await turns.take(() => look(ingest, query));
      return await turns.take(() => replay(ingest, query, fix, note ?? null));
    },
  });
  route(router, access, '/quarantine/dismiss', {
    POST: async (request) => {
      const { note, dryRun, ...selection } = parseBody(Dismissal, selectionBody(request));
      requireSelection(selection, 'what is dismissed');
      const query = selectionQuery(selection);
      const { ingest } = request;
      return await turns.take(() => (dryRun ? look(ingest, query) : dismiss(ingest, query, note)));
    },
  });
}

async function reasons({ params }: ApiRequest): Promise<ApiAnswer> {
  // They are complete at any time, and nothing else can be asked of them: this refuses it.
  new QueryParameters(takeFreshness(params).rest, []);
  return { status: 200, body: { rows: QUARANTINE_REASONS } };
}

async function signals({ params, ingest }: ApiRequest): Promise<ApiAnswer> {
  const { rest, fresh } = takeFreshness(params);
  const query = parseQuarantineSignalsQuery(rest);
  query.limit = Math.min(query.limit, MAX_SHOWN);
  const completeUntil = await settled(ingest, fresh);
  const { rows, nextCursor } = await ingest.ledger.query({ type: 'quarantineSignals', query });
  return { status: 200, body: { rows: await withSignals(ingest, rows), nextCursor, completeUntil } };
}

/** null where the frame has left the journal. */
type ShownSignal = QuarantinedSignal & { signal: object | null };

/** Rows come in the order of the journal: each frame is read and decoded once. */
async function withSignals(ingest: Ingest, rows: readonly QuarantinedSignal[]): Promise<ShownSignal[]> {
  const shown: ShownSignal[] = [];
  for (let from = 0; from < rows.length; ) {
    const { sequence } = rows[from];
    let to = from;
    while (to < rows.length && rows[to].sequence === sequence) to += 1;
    const ofFrame = rows.slice(from, to);
    const frame = await ingest.frameAt(sequence);
    const decoded =
      frame === undefined
        ? null
        : signalsAsJson(
            frame,
            ofFrame.map(({ ordinal }) => ordinal),
          );
    for (const [index, row] of ofFrame.entries()) shown.push({ ...row, signal: decoded?.[index] ?? null });
    from = to;
  }
  return shown;
}

async function resolved({ params, ingest }: ApiRequest): Promise<ApiAnswer> {
  const { rest, fresh } = takeFreshness(params);
  const { limit: _limit, after: _after, ...query } = parseQuarantineQuery(rest);
  const completeUntil = await settled(ingest, fresh);
  const counts = await ingest.ledger.query({ type: 'quarantineResolutions', query });
  return { status: 200, body: { ...counts, completeUntil } };
}

const Texts = z.union([z.string(), z.array(z.string()).max(MAX_REFERENCES)], {
  error: 'must be a text, or a list of texts',
});
const Ids = z.union([ResourceId, z.null(), z.array(ResourceId.nullable()).max(1000)], {
  error: 'must be an id, null for signals that name none, or a list of these',
});

/** Which signals: the parameters of GET /api/v1/quarantine/signals, as JSON. */
const SELECTION = {
  ids: z.array(z.string()).max(MAX_REFERENCES).optional(),
  reason: Texts.optional(),
  meterId: Texts.optional(),
  customerId: Ids.optional(),
  dimensionId: Ids.optional(),
  /** By key; of several values of a key, any. */
  metadata: z.record(z.string().min(1), Texts).optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  timeFrom: z.string().optional(),
  timeTo: z.string().optional(),
};
type Selection = z.infer<z.ZodObject<typeof SELECTION>>;

const Correction = z.strictObject({
  customerId: ResourceId.optional(),
  dimensionId: ResourceId.optional(),
  recordValue: z
    .union([z.string(), z.number()], { error: 'must be a decimal, as a string or a number' })
    .transform(String)
    .pipe(decimalText)
    .optional(),
  timestamp: z.string().optional(),
  startTime: z.string().nullable().optional(),
});

/**
 * The body, unless a key of its metadata is one that zod leaves out: the selection would be wider than it says.
 * @throws ProblemError 400
 */
function selectionBody(request: ApiRequest): unknown {
  const body = jsonBody(request) as { metadata?: unknown } | null;
  const { metadata } = body ?? {};
  if (typeof metadata === 'object' && metadata !== null && Object.hasOwn(metadata, '__proto__'))
    throw invalidFields([
      { path: 'metadata', message: 'a key must not be __proto__: name the signals by ids' },
    ]);
  return body;
}

const Note = z.string().min(1, 'must not be empty').max(4096);
/** The body of POST /api/v1/quarantine/replay. */
export const Replay = z.strictObject({
  ...SELECTION,
  correction: Correction.nullish(),
  note: Note.nullish(),
  dryRun: z.boolean().default(false),
});
/** The body of POST /api/v1/quarantine/dismiss. */
export const Dismissal = z.strictObject({ ...SELECTION, note: Note, dryRun: z.boolean().default(false) });

/** @throws QueryError 400 naming the field */
function selectionQuery({ ids, from, to, metadata, ...lists }: Selection): QuarantineSignalsQuery {
  const params: Params = [];
  for (const [name, value] of Object.entries(lists)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === null) params.push(['missing', name]);
      else if (one !== undefined) params.push([name, one]);
    }
  }
  for (const [key, values] of Object.entries(metadata ?? {}))
    for (const value of Array.isArray(values) ? values : [values]) params.push([`metadata.${key}`, value]);
  if (from !== undefined) params.push(['from', from]);
  if (to !== undefined) params.push(['to', to]);
  for (const id of ids ?? []) params.push(['signal', id]);
  try {
    return { ...parseQuarantineSignalsQuery(params), limit: MAX_REFERENCES };
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    const path = error.parameter === 'signal' ? 'ids' : error.parameter;
    throw invalidFields([{ path, message: error.message }]);
  }
}

/** What cannot be undone is done to signals that somebody named. @throws ProblemError 400 */
function requireSelection(selection: Selection, what: string): void {
  if (
    Object.values(selection).some(
      (value) =>
        value !== undefined &&
        !(typeof value === 'object' && value !== null && Object.keys(value).length === 0),
    )
  )
    return;
  const message = `must say ${what}: ids, or at least one of reason, meterId, customerId, dimensionId, metadata, from, to, timeFrom, timeTo`;
  throw invalidFields([{ path: '', message }]);
}

function correctionOf({
  customerId,
  dimensionId,
  recordValue,
  timestamp,
  startTime,
}: z.infer<typeof Correction>): SignalCorrection {
  const correction: SignalCorrection = {
    ...(customerId === undefined ? {} : { customerId }),
    ...(dimensionId === undefined ? {} : { dimensionId }),
    ...(recordValue === undefined ? {} : { recordValue }),
    ...(timestamp === undefined ? {} : { timeUnixNano: unixNano(timestamp, 'timestamp') }),
    ...(startTime === undefined
      ? {}
      : { startUnixNano: startTime === null ? '0' : unixNano(startTime, 'startTime') }),
  };
  if (Object.keys(correction).length > 0) return correction;
  const message = 'must name at least one of customerId, dimensionId, recordValue, timestamp, startTime';
  throw invalidFields([{ path: 'correction', message }]);
}

function unixNano(text: string, field: string): string {
  const instant = instantFromText(text, 'UTC');
  if (typeof instant === 'bigint' && instant > 0n) return String(instant);
  const wanted = typeof instant === 'bigint' ? 'after 1970-01-01T00:00:00Z' : instant.fault;
  throw invalidFields([{ path: `correction.${field}`, message: `must be ${wanted}` }]);
}

/** Open signals that match, in the order of the journal, a page at a time; none that comes from now on. */
async function* referencePages(
  ingest: Ingest,
  query: QuarantineSignalsQuery,
): AsyncGenerator<SignalReference[]> {
  await caughtUp(ingest);
  const last = ingest.ledger.position;
  let cursor: QuarantineSignalsQuery['after'] = null;
  do {
    const page: QuarantineSignalsQuery = { ...query, after: cursor };
    const answer = await ingest.ledger.query({ type: 'quarantineReferences', query: page });
    const known = answer.signals.filter(({ sequence }) => sequence <= last);
    if (known.length > 0) yield known;
    const end = answer.signals.at(-1);
    cursor =
      answer.nextCursor === null || end === undefined || end.sequence > last
        ? null
        : [String(end.sequence), String(end.ordinal), end.meterId];
  } while (cursor !== null);
}

async function look(ingest: Ingest, query: QuarantineSignalsQuery): Promise<ApiAnswer> {
  let count = 0;
  for await (const page of referencePages(ingest, query)) count += page.length;
  return { status: 200, body: { dryRun: true, signals: count } };
}

/** What became of replayed signals. */
interface ReplayAnswer {
  /** How many were looked at. */
  signals: number;
  /** How many of them left quarantine: they are counted. */
  counted: number;
  /** How many are in quarantine still, by the reason that holds now. */
  quarantined: { reason: string; signals: number }[];
  /** How many could not be looked at: the journal has them no more, or the correction leaves something open. */
  untouched: number;
}

async function replay(
  ingest: Ingest,
  query: QuarantineSignalsQuery,
  correction: SignalCorrection | null,
  note: string | null,
): Promise<ApiAnswer> {
  const answer: ReplayAnswer = { signals: 0, counted: 0, quarantined: [], untouched: 0 };
  const reasons = new Map<string, number>();
  for await (const page of referencePages(ingest, query)) {
    const { firstSequence } = ingest.journal;
    // What other meters make of the same signals is none of this replay's, if it is in quarantine already.
    const asked = new Set(page.map(signalId));
    const others = new Set((await openAt(ingest, page)).map(({ id }) => id).filter((id) => !asked.has(id)));
    for (const signals of chunks(page.filter(({ sequence }) => sequence >= firstSequence)))
      await replayAll(ingest, signals, correction, note);
    await caughtUp(ingest);
    // A signal may have gone back under the name of another meter, which claims it now.
    const open = (await openAt(ingest, page)).filter(({ id }) => !others.has(id));
    const still = new Set(open.map(({ id }) => id));
    const moved = new Set(open.filter(({ id }) => !asked.has(id)).map(placeName));
    answer.signals += page.length;
    answer.counted += page.filter(
      (signal) => !still.has(signalId(signal)) && !moved.has(placeName(signal)),
    ).length;
    for (const { sequence, reason } of open) {
      if (correction !== null || sequence < firstSequence) answer.untouched += 1;
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
  }
  answer.quarantined = [...reasons].map(([reason, signals]) => ({ reason, signals }));
  return { status: 200, body: answer };
}

/** In one change, or in several where the frames of the signals are too large to be looked at together. */
async function replayAll(
  ingest: Ingest,
  signals: SignalReference[],
  correction: SignalCorrection | null,
  note: string | null,
): Promise<void> {
  try {
    await ingest.change({ changes: [{ type: 'quarantine_replayed', signals, correction, note }] });
  } catch (error) {
    if (!(error instanceof LookBackError)) throw error;
    const middle = signals[signals.length >> 1].sequence;
    const isEarlier = ({ sequence }: SignalReference) =>
      sequence < middle || (middle === signals[0].sequence && sequence === middle);
    await replayAll(ingest, signals.filter(isEarlier), correction, note);
    await replayAll(
      ingest,
      signals.filter((signal) => !isEarlier(signal)),
      correction,
      note,
    );
  }
}

/** Open signals at the places of these, whichever meter claims them. */
async function openAt(ingest: Ingest, places: readonly SignalReference[]): Promise<QuarantinedSignal[]> {
  const rows: QuarantinedSignal[] = [];
  let query: QuarantineSignalsQuery = {
    ...parseQuarantineSignalsQuery([]),
    places: [...places],
    limit: MAX_REFERENCES,
  };
  for (;;) {
    const page = await ingest.ledger.query({ type: 'quarantineSignals', query });
    rows.push(...page.rows);
    const end = page.rows.at(-1);
    if (page.nextCursor === null || end === undefined) return rows;
    query = { ...query, after: [String(end.sequence), String(end.ordinal), end.meterId] };
  }
}

/** The place of a signal in the journal. */
function placeName({ sequence, ordinal }: SignalReference): string {
  return `${sequence}.${ordinal}`;
}

async function dismiss(ingest: Ingest, query: QuarantineSignalsQuery, note: string): Promise<ApiAnswer> {
  let dismissed = 0;
  for await (const signals of referencePages(ingest, query)) {
    await ingest.change({
      changes: [{ type: 'quarantine_dismissed', signals, reason: null, meterId: null, note }],
    });
    dismissed += signals.length;
  }
  return { status: 200, body: { dismissed } };
}

/** References as one change takes them. They come in the order of the journal. */
function chunks(references: readonly SignalReference[]): SignalReference[][] {
  const all: SignalReference[][] = [];
  let chunk: SignalReference[] = [];
  let frames = 0;
  let frame = -1;
  for (const reference of references) {
    const isNewFrame = reference.sequence !== frame;
    if (chunk.length > 0 && (chunk.length === MAX_REFERENCES || (isNewFrame && frames === MAX_FRAMES))) {
      all.push(chunk);
      chunk = [];
      frames = 0;
    }
    if (isNewFrame || chunk.length === 0) frames += 1;
    frame = reference.sequence;
    chunk.push(reference);
  }
  if (chunk.length > 0) all.push(chunk);
  return all;
}
