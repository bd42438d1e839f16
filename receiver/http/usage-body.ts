/** Usage records by hand, as they come over HTTP: what they say, or what is wrong with each. Pure. */
import { z } from 'zod';
import { scaledFromText, textFromScaled } from '../../storage/decimal.ts';
import { instantFromText } from '../../storage/query/instant.ts';
import { ResourceId } from '../../storage/resources.ts';
import { fieldErrors, parseBody, pathText } from './field-errors.ts';
import { type FieldError, invalidFields, ProblemError } from './problem.ts';

/** Records of one request. More become a 413. */
export const MAX_RECORDS = 50_000;
const MAX_PAIRS = 64;
const MAX_KEY_LENGTH = 256;
const MAX_TEXT_LENGTH = 4096;

const LONE_SURROGATE = 'has half of a surrogate pair, which is no character';

/** A number of a JSON body whose digits a double may not hold. */
export class LongNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A record as it was sent, read. */
export interface SentRecord {
  /** Unix nanoseconds; null: it says none, which is the instant at which it is taken. */
  timeUnixNano: bigint | null;
  /** Unix nanoseconds; 0n: it says none. */
  startUnixNano: bigint;
  customerId: string;
  dimensionId: string;
  /** As {@link textFromScaled} writes it. */
  recordValue: string;
  metadata: Record<string, string>;
  id: string | null;
}

export interface UsageBody {
  records: SentRecord[];
  /** Whether it was one record that stood alone: paths then begin with the field. */
  isSingle: boolean;
}

const Text = z.string().max(MAX_TEXT_LENGTH, `must have at most ${MAX_TEXT_LENGTH} characters`);
/** Clients write numbers; those whose digits a double would lose are kept as they were written. */
const NumberValue = z.union([z.number(), z.instanceof(LongNumber)]) as z.ZodType<number | LongNumber, number>;

/** How a record id may look. NUL is kept for ids that are made of an Idempotency-Key. */
export const RecordId = z
  .string()
  .min(1, 'must not be empty')
  .max(1024, 'must have at most 1024 characters')
  .refine((id) => !id.includes('\0'), 'must not have the character NUL');

/** One record of POST /api/v1/usage. */
export const UsageRecordBody = z.strictObject({
  timestamp: z.string().nullish(),
  startTime: z.string().nullish(),
  customerId: ResourceId,
  dimensionId: ResourceId,
  recordValue: z.union([z.string(), NumberValue], { error: 'must be a decimal, as a string or a number' }),
  metadata: z
    .record(
      z.string(),
      z.union([Text, NumberValue, z.boolean()], {
        error: `must be a string of at most ${MAX_TEXT_LENGTH} characters, a number or a boolean`,
      }),
    )
    .nullish(),
  id: RecordId.nullish(),
});

/**
 * Reads a JSON body: one record, or an array of them.
 * @throws ProblemError 400 naming every record's field at fault, 413
 */
export function readUsageJson(text: string): UsageBody {
  const value = parseWhole(text);
  return Array.isArray(value)
    ? { records: readRecords(value), isSingle: false }
    : { records: readRecords([value], true), isSingle: true };
}

/**
 * Reads a record per line; empty lines are none. Paths count records, not lines.
 * @throws ProblemError 400 naming every record's field at fault, 413
 */
export function readUsageLines(text: string): UsageBody {
  const values: unknown[] = [];
  const errors: FieldError[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      values.push(parse(line, (message) => new SyntaxError(message)));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      errors.push({ path: `[${values.length}]`, message: `line ${index + 1} is ${error.message}` });
      // Keeps the places of those that follow.
      values.push(BROKEN);
    }
    if (values.length > MAX_RECORDS) throw tooMany();
  }
  return { records: readRecords(values, false, errors), isSingle: false };
}

/** What an amendment changes; the fields that it does not name stay. */
export type Amendment = Partial<Omit<SentRecord, 'id'>> & { reason: string };

/** Why a record is voided or amended. */
export const Reason = z.strictObject({
  reason: z
    .string()
    .min(1, 'must not be empty')
    .max(MAX_TEXT_LENGTH, `must have at most ${MAX_TEXT_LENGTH} characters`)
    .refine((text) => text.isWellFormed(), LONE_SURROGATE),
});

/** Reads why a record is voided. @throws ProblemError 400 */
export function readReason(text: string): string {
  return parseBody(Reason, parseWhole(text)).reason;
}

/** Reads what a record is to become, and why. @throws ProblemError 400 */
export function readAmendment(text: string): Amendment {
  const value = parseWhole(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidFields([{ path: '', message: 'the body must be a JSON object' }]);
  const { reason, ...fields } = value as Record<string, unknown>;
  const errors: FieldError[] = [];
  const why = Reason.safeParse({ reason });
  if (!why.success) errors.push(...fieldErrors(why.error.issues));
  if (fields.id !== undefined) errors.push({ path: 'id', message: 'a record keeps its id' });
  if (Object.keys(fields).length === 0)
    errors.push({
      path: '',
      message:
        'must name a field to change: recordValue, timestamp, startTime, customerId, dimensionId, metadata',
    });
  // What is required of a record stands in for what the amendment leaves as it is.
  const [record] = readRecords([{ ...STAND_IN, ...fields }], true, errors);
  const amendment: Amendment = { reason: why.data!.reason };
  if (fields.timestamp != null) amendment.timeUnixNano = record.timeUnixNano;
  if (fields.startTime !== undefined) amendment.startUnixNano = record.startUnixNano;
  if (fields.customerId !== undefined) amendment.customerId = record.customerId;
  if (fields.dimensionId !== undefined) amendment.dimensionId = record.dimensionId;
  if (fields.recordValue !== undefined) amendment.recordValue = record.recordValue;
  if (fields.metadata !== undefined) amendment.metadata = record.metadata;
  return amendment;
}

const STAND_IN = { customerId: '-', dimensionId: '-', recordValue: '0' };

function parseWhole(text: string): unknown {
  return parse(text, (message) => new ProblemError(400, 'INVALID_JSON', `the body is ${message}`));
}

const BROKEN = Symbol('a line that is no JSON');

function readRecords(values: unknown[], isSingle = false, errors: FieldError[] = []): SentRecord[] {
  if (values.length > MAX_RECORDS) throw tooMany();
  const records: SentRecord[] = [];
  for (const [index, value] of values.entries()) {
    if (value === BROKEN) continue;
    const record = readRecord(value, isSingle ? '' : `[${index}]`, errors);
    if (record !== null) records.push(record);
  }
  if (errors.length === 0) return records;
  throw invalidFields(errors.sort((a, b) => indexOf(a) - indexOf(b)));
}

function indexOf({ path }: FieldError): number {
  return Number(/^\[(\d+)\]/.exec(path)?.[1] ?? 0);
}

/** @returns null where something is wrong, which is added to the errors */
function readRecord(value: unknown, at: string, errors: FieldError[]): SentRecord | null {
  const parsed = UsageRecordBody.safeParse(value);
  if (!parsed.success) {
    errors.push(...fieldErrors(parsed.error.issues, at));
    return null;
  }
  const { timestamp, startTime, customerId, dimensionId, recordValue, metadata, id } = parsed.data;
  const faults = errors.length;
  const fault = (field: string, message: string) =>
    errors.push({ path: at === '' ? field : `${at}.${field}`, message });

  const time = timestamp == null ? null : readTime(timestamp);
  if (typeof time === 'string') fault('timestamp', time);
  const start = startTime == null ? 0n : readTime(startTime);
  if (typeof start === 'string') fault('startTime', start);
  const decimal = readDecimal(recordValue);
  if (decimal === null) fault('recordValue', NOT_A_DECIMAL);
  for (const [field, text] of [
    ['customerId', customerId],
    ['dimensionId', dimensionId],
    ['id', id ?? ''],
  ])
    if (!text.isWellFormed()) fault(field, LONE_SURROGATE);
  const pairs = metadata == null ? {} : readMetadata(value, at, errors);
  if (errors.length > faults) return null;
  return {
    timeUnixNano: time as bigint | null,
    startUnixNano: start as bigint,
    customerId,
    dimensionId,
    recordValue: decimal!,
    metadata: pairs,
    id: id ?? null,
  };
}

const NOT_A_DECIMAL = 'must be a decimal of at most 26 integer and 12 fraction digits, like "12.5"';

/** Reads what came rather than what zod made of it, which leaves out the key `__proto__`. */
function readMetadata(record: unknown, at: string, errors: FieldError[]): Record<string, string> {
  const { metadata } = record as { metadata: Record<string, string | number | boolean | LongNumber> };
  const path = at === '' ? 'metadata' : `${at}.metadata`;
  const pairs: Record<string, string> = {};
  let count = 0;
  // Sorted, as everything behind wants it.
  for (const key of Object.keys(metadata).sort()) {
    const value = metadata[key];
    const text = typeof value === 'string' ? value : value instanceof LongNumber ? value.text : String(value);
    if (key === '' || key.length > MAX_KEY_LENGTH || key === '__proto__' || !key.isWellFormed())
      errors.push({
        path: pathText([key.slice(0, MAX_KEY_LENGTH)], path),
        message: `a key must have 1 to ${MAX_KEY_LENGTH} characters, and must not be __proto__`,
      });
    else if (!text.isWellFormed()) errors.push({ path: pathText([key], path), message: LONE_SURROGATE });
    else pairs[key] = text;
    count += 1;
  }
  if (count > MAX_PAIRS)
    errors.push({ path, message: `must have at most ${MAX_PAIRS} pairs (got ${count})` });
  return pairs;
}

// The usual form, on a day that every month has: Date.parse takes any of up to 31, and midnight as 24 o'clock.
const USUAL_TIME =
  /^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/** Unix nanoseconds, or what is wrong. */
function readTime(text: string): bigint | string {
  const usual = USUAL_TIME.exec(text);
  if (usual !== null) {
    const [, seconds, fraction, offset] = usual;
    const nanos = fraction === undefined ? 0n : BigInt(fraction.padEnd(9, '0'));
    const unixNano = BigInt(Date.parse(seconds + offset)) * 1_000_000n + nanos;
    if (unixNano > 0n && unixNano < LATEST_UNIX_NANO) return unixNano;
  }
  const instant = /^\d{4}-\d{2}-\d{2}$/.test(text)
    ? { fault: 'RFC 3339 with an offset (2026-03-01T00:00:00Z)' }
    : instantFromText(text, 'UTC');
  if (typeof instant !== 'bigint')
    return `must be ${instant.fault} (got ${JSON.stringify(text.slice(0, 100))})`;
  return instant > 0n ? instant : 'must be after 1970-01-01T00:00:00Z';
}

/** 2262-01-01Z, as for questions. */
const LATEST_UNIX_NANO = 9_214_646_400_000_000_000n;

const DECIMAL_TEXT = /^-?\d{1,26}(\.\d{1,12})?$/;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,5}))?$/;
/** Without a zero too many at either end. */
const SHORTEST = /^(?:-?(?:0|[1-9]\d*)\.\d*[1-9]|0|-?[1-9]\d*)$/;

/** The shortest text of a value; null where it has too many digits, or is none. */
function readDecimal(value: string | number | LongNumber): string | null {
  let text: string | null;
  if (typeof value === 'string') text = DECIMAL_TEXT.test(value) ? value : null;
  else text = plainDecimal(value instanceof LongNumber ? value.text : String(value));
  if (text === null || SHORTEST.test(text)) return text;
  const scaled = scaledFromText(text);
  return scaled === null ? null : textFromScaled(scaled);
}

/** A JSON number without its exponent; null beyond 26 integer and 12 fraction digits. */
function plainDecimal(number: string): string | null {
  const match = NUMBER.exec(number);
  if (match === null) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  // value = digits × 10^power, without zeros at either end
  const leading = (whole + fraction).replace(/^0+/, '');
  const digits = leading.replace(/0+$/, '');
  if (digits === '') return '0';
  const power = Number(exponent) - fraction.length + (leading.length - digits.length);
  if (power < -12 || digits.length + power > 26) return null;
  if (power >= 0) return `${sign}${digits}${'0'.repeat(power)}`;
  const padded = digits.padStart(1 - power, '0');
  return `${sign}${padded.slice(0, power)}.${padded.slice(power)}`;
}

/**
 * JSON.parse makes doubles of numbers. Up to 15 digits the shortest text of the double is what was written, so that
 * only longer numbers, and exponents that a double has not, need their text kept, which is dear.
 */
const LONG_NUMBER = '-?(?:[\\d.eE+-]{16}|[\\d.]+[eE][+-]?\\d{3})';
const MAY_HAVE_LONG = new RegExp(`[:[,]\\s*${LONG_NUMBER}`);
const IS_LONG = new RegExp(`^${LONG_NUMBER}`);

function parse(text: string, failure: (message: string) => Error): unknown {
  try {
    const value = JSON.parse(text);
    // Most bodies have their decimals as texts, and need not be searched.
    return hasNumber(value) && MAY_HAVE_LONG.test(text) ? JSON.parse(text, keepDigits as never) : value;
  } catch (error) {
    throw failure(`not JSON: ${(error as Error).message}`);
  }
}

/** Whether a record, or its metadata, has a number. */
function hasNumber(body: unknown): boolean {
  const isNumber = (value: unknown) => typeof value === 'number';
  return (Array.isArray(body) ? body : [body]).some((record) => {
    if (typeof record !== 'object' || record === null) return false;
    const { metadata } = record as { metadata?: unknown };
    if (Object.values(record).some(isNumber)) return true;
    return typeof metadata === 'object' && metadata !== null && Object.values(metadata).some(isNumber);
  });
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  // By the number alone: what another one in the body looks like must not change how this one reads.
  return IS_LONG.test(context.source) ? new LongNumber(context.source) : value;
}

function tooMany(): ProblemError {
  return new ProblemError(
    413,
    'TOO_MANY_RECORDS',
    `a request must hold at most ${MAX_RECORDS} records: send it in parts`,
  );
}
