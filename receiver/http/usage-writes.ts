/**
 * POST /api/v1/usage: usage records by hand, all or none.
 *
 * A record with an id counts once, forever: what the ledger has under that id is the answer to a repetition, and
 * other content under it is refused. Records without an id are new each time and wait for nobody but the disk.
 */
import type { RecordInput } from '../../storage/changes.ts';
import { MAX_EVENT_KEYS, type StoredUsageRecord, type UsageRecord } from '../../storage/query/index.ts';
import { instantFromText, textFromInstant } from '../../storage/query/instant.ts';
import { type Ingest, RecordsRefused } from '../ingest.ts';
import { API_METER_ID, recordKey } from '../metering/event-metering.ts';
import type { Registry } from '../metering/registry.ts';
import {
  type ApiAnswer,
  type ApiHandler,
  type ApiRequest,
  caughtUp,
  mediaType,
  utf8Body,
} from './api-routes.ts';
import { fieldErrors, pathText } from './field-errors.ts';
import { type FieldError, invalidFields, ProblemError } from './problem.ts';
import { recordIdOf } from './record-id.ts';
import { refusalErrors } from './record-refusal.ts';
import { RecordId, readUsageJson, readUsageLines, type SentRecord, type UsageBody } from './usage-body.ts';

const LINES_TYPES: readonly string[] = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];

/** A record that was sent, with what is needed to count it once. */
interface Entry {
  sent: SentRecord;
  input: RecordInput;
  /** Of its id, 32 hex digits; null where it has none. */
  key: string | null;
  /** Path of the record in the body. */
  path: string;
}

/** What became of an entry: stored now, or what had been stored under its id, or the same as an earlier entry. */
type Outcome = { stored: true } | { before: StoredUsageRecord } | { sameAs: Entry };

/** The handler, with the ids that are under way. */
export function usageWriter(): ApiHandler {
  const underWay = new KeysUnderWay();
  return async (request) => {
    const body = readUsage(request);
    const idempotencyKey = idempotencyKeyOf(request);
    const entries = entriesOf(body, idempotencyKey);
    const keys = entries.flatMap(({ key }) => key ?? []);
    if (keys.length === 0) {
      return await store(request, entries, new Map());
    }
    // The one behind the last: it is known where the key came with more records before.
    const beyond =
      idempotencyKey === null || entries.length === 0
        ? null
        : idKey(positionId(idempotencyKey, entries.length));
    return await underWay.hold(keys, async () => {
      const known = await storedUnder(request.ingest, beyond === null ? keys : [...keys, beyond]);
      if (idempotencyKey !== null) checkCount(entries, idempotencyKey, known, beyond);
      return await store(request, entries, known);
    });
  };
}

/** Ids of requests under way: a second request with one of them waits until the first has ended. */
class KeysUnderWay {
  readonly #held = new Map<string, Promise<unknown>>();

  async hold<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    for (;;) {
      const holders = new Set(keys.flatMap((key) => this.#held.get(key) ?? []));
      if (holders.size === 0) break;
      await Promise.allSettled(holders);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const key of keys) this.#held.set(key, promise);
    try {
      return await work();
    } finally {
      for (const key of keys) this.#held.delete(key);
      resolve();
    }
  }
}

function readUsage({ headers, body }: ApiRequest): UsageBody {
  const type = mediaType(headers['content-type']);
  if (type === 'application/json') return readUsageJson(utf8Body(body));
  if (LINES_TYPES.includes(type)) return readUsageLines(utf8Body(body));
  throw new ProblemError(
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    `Content-Type must be application/json or application/x-ndjson (got "${headers['content-type'] ?? ''}")`,
  );
}

/** @throws ProblemError 400 */
function idempotencyKeyOf({ headers }: ApiRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  const parsed = RecordId.safeParse(key);
  if (parsed.success) return parsed.data;
  throw invalidFields(fieldErrors(parsed.error.issues, 'Idempotency-Key'));
}

function entriesOf({ records, isSingle }: UsageBody, idempotencyKey: string | null): Entry[] {
  const now = BigInt(Date.now()) * 1_000_000n;
  return records.map((sent, index) => {
    const id = sent.id ?? (idempotencyKey === null ? null : positionId(idempotencyKey, index));
    const { customerId, dimensionId, recordValue, metadata } = sent;
    const input: RecordInput = {
      customerId,
      dimensionId,
      recordValue,
      timeUnixNano: String(sent.timeUnixNano ?? now),
      startUnixNano: String(sent.startUnixNano),
      metadata,
      id,
    };
    return {
      sent,
      input,
      key: id === null ? null : recordKey(input, 0, 0),
      path: isSingle ? '' : `[${index}]`,
    };
  });
}

/** The id of a record that has none of its own. Alone, or first, its id is the Idempotency-Key itself. */
function positionId(idempotencyKey: string, index: number): string {
  return index === 0 ? idempotencyKey : `${idempotencyKey}\0${index}`;
}

function idKey(id: string): string {
  return recordKey({ id } as RecordInput, 0, 0);
}

/** What is counted under these keys. @throws ProblemError 503 while the ledger is far behind */
async function storedUnder(ingest: Ingest, keys: readonly string[]): Promise<Map<string, StoredUsageRecord>> {
  await caughtUp(ingest);
  const known = new Map<string, StoredUsageRecord>();
  for (let from = 0; from < keys.length; from += MAX_EVENT_KEYS) {
    const eventKeys = keys.slice(from, from + MAX_EVENT_KEYS);
    const { records } = await ingest.ledger.query({ type: 'eventKeys', query: { eventKeys } });
    for (const [index, record] of records.entries()) if (record !== null) known.set(eventKeys[index], record);
  }
  return known;
}

/** A repetition under an Idempotency-Key has as many records as the first request. @throws ProblemError 409 */
function checkCount(
  entries: readonly Entry[],
  idempotencyKey: string,
  known: ReadonlyMap<string, StoredUsageRecord>,
  beyond: string | null,
): void {
  const byPosition = entries.filter(({ sent }) => sent.id === null);
  const repeated = byPosition.filter(({ key }) => known.has(key!)).length;
  const hadMore = beyond !== null && known.has(beyond);
  if (!hadMore && (repeated === 0 || repeated === byPosition.length)) return;
  throw new ProblemError(
    409,
    'ID_CONFLICT',
    `Idempotency-Key "${idempotencyKey}" came before with ${hadMore ? 'more' : 'fewer'} records than now ` +
      `(${entries.length}): nothing was changed`,
  );
}

async function store(
  { ingest, headers }: ApiRequest,
  entries: readonly Entry[],
  known: ReadonlyMap<string, StoredUsageRecord>,
): Promise<ApiAnswer> {
  const { outcomes, fresh } = settle(entries, known, ingest.registry);
  // As interpretation sees them, which begins in this turn of the event loop.
  const units = unitsOf(entries, ingest.registry);
  const sequence = fresh.length === 0 ? 0 : await write(ingest, fresh);

  const status = fresh.length === 0 ? 200 : 201;
  const minimal = /(?:^|,)\s*return\s*=\s*"?minimal"?\s*(?:[,;]|$)/i.test(String(headers.prefer ?? ''));
  if (minimal) {
    return {
      status,
      body: { stored: fresh.length, duplicates: entries.length - fresh.length },
      headers: { 'Preference-Applied': 'return=minimal' },
    };
  }
  const places = new Map(fresh.map((entry, ordinal) => [entry, ordinal]));
  const recordOf = (entry: Entry) => {
    const { input } = entry;
    const key = entry.key ?? recordKey(input, sequence, places.get(entry)!);
    return newRecord(input, units.get(input.dimensionId)!, key, ingest.registry);
  };
  const records = entries.map((entry, index) => {
    const outcome = outcomes[index];
    const idPart = entry.sent.id === null ? {} : { id: entry.sent.id };
    if ('before' in outcome) return { ...idPart, ...shownRecord(outcome.before), status: 'duplicate' };
    if ('sameAs' in outcome) return { ...idPart, ...recordOf(outcome.sameAs), status: 'duplicate' };
    return { ...idPart, ...recordOf(entry), status: 'stored' };
  });
  return { status, body: { records } };
}

/** Which entries are new. @throws ProblemError 409 where an id has other content already, here or in the ledger */
function settle(
  entries: readonly Entry[],
  known: ReadonlyMap<string, StoredUsageRecord>,
  registry: Registry,
): { outcomes: Outcome[]; fresh: Entry[] } {
  const fresh: Entry[] = [];
  const first = new Map<string, Entry>();
  const errors: FieldError[] = [];
  let refused: string | null = null;
  const outcomes = entries.map((entry): Outcome => {
    const { key } = entry;
    const before = key === null ? undefined : known.get(key);
    const earlier = key === null ? undefined : first.get(key);
    if (before !== undefined || earlier !== undefined) {
      const other =
        before === undefined ? contentOf(earlier!.input, registry) : contentOfStored(before, registry);
      const differing = differences(entry, other, registry);
      if (differing.length > 0) {
        const whose = before === undefined ? `record ${earlier!.path}` : `record ${before.recordId}`;
        refused ??= `${whose} has the id ${JSON.stringify(shownId(entry))} already, with other content`;
        errors.push(...differing);
      }
      return before === undefined ? { sameAs: earlier! } : { before };
    }
    if (key !== null) first.set(key, entry);
    fresh.push(entry);
    return { stored: true };
  });
  if (refused === null) return { outcomes, fresh };
  const fields = errors.map(({ path }) => path).join(', ');
  const detail = `${refused}: ${fields.length > 200 ? `${fields.slice(0, 200)}…` : fields} differ; nothing was changed`;
  throw new ProblemError(409, 'ID_CONFLICT', detail, errors);
}

/** What makes two records the same, with aliases resolved. */
interface Content {
  customerId: string;
  dimensionId: string;
  recordValue: string;
  timestamp: bigint;
  startTime: bigint;
  metadata: Record<string, string>;
}

function contentOf(input: RecordInput, registry: Registry): Content {
  return {
    customerId: registry.customerOf(input.customerId),
    dimensionId: input.dimensionId,
    recordValue: input.recordValue,
    timestamp: BigInt(input.timeUnixNano),
    startTime: BigInt(input.startUnixNano),
    metadata: input.metadata,
  };
}

function contentOfStored(record: UsageRecord, registry: Registry): Content {
  const { customerId, dimensionId, recordValue, timestamp, startTime, metadata } = record;
  return {
    customerId: registry.customerOf(customerId),
    dimensionId,
    recordValue,
    timestamp: instantFromText(timestamp, 'UTC') as bigint,
    startTime: startTime === undefined ? 0n : (instantFromText(startTime, 'UTC') as bigint),
    metadata,
  };
}

/** A record that says no time was taken at another instant each time: its time is no difference. */
function differences({ sent, input, path }: Entry, other: Content, registry: Registry): FieldError[] {
  const now = contentOf(input, registry);
  const errors: FieldError[] = [];
  const differ = (field: string, came: string, stored: string) => {
    if (came === stored) return;
    errors.push({
      path: path === '' ? field : `${path}.${field}`,
      message: `is ${came}, but ${stored} is stored under this id`,
    });
  };
  const time = (unixNano: bigint) => (unixNano === 0n ? 'none' : textFromInstant(unixNano));
  differ('customerId', JSON.stringify(now.customerId), JSON.stringify(other.customerId));
  differ('dimensionId', JSON.stringify(now.dimensionId), JSON.stringify(other.dimensionId));
  differ('recordValue', now.recordValue, other.recordValue);
  if (sent.timeUnixNano !== null) differ('timestamp', time(now.timestamp), time(other.timestamp));
  differ('startTime', time(now.startTime), time(other.startTime));
  for (const key of new Set([...Object.keys(now.metadata), ...Object.keys(other.metadata)])) {
    const value = (pairs: Record<string, string>) =>
      Object.hasOwn(pairs, key) ? JSON.stringify(pairs[key]) : 'none';
    differ(pathText([key], 'metadata'), value(now.metadata), value(other.metadata));
  }
  return errors;
}

function shownId({ input }: Entry): string {
  return input.id!.split('\0', 1)[0];
}

function unitsOf(entries: readonly Entry[], registry: Registry): Map<string, string> {
  const units = new Map<string, string>();
  for (const { input } of entries) units.set(input.dimensionId, registry.unitOf(input.dimensionId) ?? '1');
  return units;
}

/** @returns the journal's sequence. @throws ProblemError 400 where some cannot be counted */
async function write(ingest: Ingest, fresh: readonly Entry[]): Promise<number> {
  try {
    return (await ingest.records(fresh.map(({ input }) => input))).sequence;
  } catch (error) {
    if (!(error instanceof RecordsRefused)) throw error;
    throw invalidFields(
      error.faults.flatMap(({ index, reason }) => {
        const { input, path } = fresh[index];
        return refusalErrors(reason, input, path, ingest.registry);
      }),
    );
  }
}

/**
 * A record that was stored just now, as GET /api/v1/records will tell it.
 * @param key of its event, 32 hex digits
 */
export function newRecord(input: RecordInput, unit: string, key: string, registry: Registry): UsageRecord {
  const { dimensionId, recordValue, metadata } = input;
  return {
    recordId: recordIdOf(input, unit, key),
    customerId: registry.customerOf(input.customerId),
    dimensionId,
    recordValue,
    unit,
    timestamp: textFromInstant(BigInt(input.timeUnixNano)),
    ...(input.startUnixNano === '0' ? {} : { startTime: textFromInstant(BigInt(input.startUnixNano)) }),
    metadata: Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
    meterId: API_METER_ID,
    meterVersion: 0,
    kind: 'record',
  };
}

/** A stored record without what is nobody's business, and whether it counts only where it does not. */
export function shownRecord({
  sequence: _sequence,
  voided,
  ...record
}: StoredUsageRecord): Record<string, unknown> {
  if (voided === null) return record;
  const { reason, replaced, at } = voided;
  return { ...record, voided: { reason, replaced, at } };
}
