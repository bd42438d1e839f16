/** A usage record while it is written: what is in the form, what is wrong with it, and what it becomes. (Pure.) */
import { decimalFault } from '../../../format/decimal.ts';
import { instantOf } from './zoned-time.ts';

export interface MetadataRow {
  /** Tells rows apart while their keys are written. */
  row: number;
  key: string;
  value: string;
}

export interface Draft {
  /** What makes a repetition the same record, by the form or by code. */
  id: string;
  customerId: string;
  dimensionId: string;
  recordValue: string;
  timestamp: string;
  /** Empty: none. */
  startTime: string;
  metadata: readonly MetadataRow[];
}

/** A record as POST /api/v1/usage takes it. */
export interface NewRecord {
  id: string;
  customerId: string;
  dimensionId: string;
  recordValue: string;
  timestamp: string;
  startTime?: string;
  metadata: Readonly<Record<string, string>>;
}

export type DraftField =
  | 'customerId'
  | 'dimensionId'
  | 'recordValue'
  | 'timestamp'
  | 'startTime'
  | 'metadata';

export interface DraftFaults {
  fields: Partial<Record<DraftField, string>>;
  /** Of metadata, by row. */
  cells: ReadonlyMap<number, { key?: string; value?: string }>;
}

/** What the API takes at most. */
const MAX_ID_LENGTH = 1024;
const MAX_PAIRS = 64;
const MAX_KEY_LENGTH = 256;
const MAX_VALUE_LENGTH = 4096;

/** @param creditsAllowed of the dimension; null: nothing is known of it, and the receiver will say */
export function draftFaults(draft: Draft, creditsAllowed: boolean | null): DraftFaults {
  const fields: DraftFaults['fields'] = {};
  const fault = (field: DraftField, text: string | null): void => {
    if (text !== null) fields[field] = text;
  };
  fault('customerId', idFault(draft.customerId, 'Whose usage it is'));
  fault('dimensionId', idFault(draft.dimensionId, 'What was used'));
  fault('recordValue', valueFault(draft, creditsAllowed));
  const timestamp = instantOf(draft.timestamp);
  if (typeof timestamp === 'string') fault('timestamp', timestamp);
  if (draft.startTime !== '') {
    const start = instantOf(draft.startTime);
    if (typeof start === 'string') fault('startTime', start);
    else if (typeof timestamp === 'bigint' && start > timestamp) fault('startTime', 'After the timestamp');
  }
  const pairs = draft.metadata.filter(({ key, value }) => key !== '' || value !== '');
  if (pairs.length > MAX_PAIRS) fault('metadata', `At most ${MAX_PAIRS} pairs (there are ${pairs.length})`);
  return { fields, cells: cellFaults(pairs) };
}

export function hasFaults({ fields, cells }: DraftFaults): boolean {
  return Object.keys(fields).length > 0 || cells.size > 0;
}

/** @param draft without faults */
export function newRecord({
  id,
  customerId,
  dimensionId,
  recordValue,
  timestamp,
  startTime,
  metadata,
}: Draft): NewRecord {
  return {
    id,
    customerId,
    dimensionId,
    recordValue,
    timestamp,
    ...(startTime === '' ? {} : { startTime }),
    metadata: Object.fromEntries(
      metadata.filter(({ key }) => key !== '').map(({ key, value }) => [key, value]),
    ),
  };
}

/** Of a record that comes from here: 128 random bits, also where a page of plain HTTP has no `randomUUID`. */
export function newRecordId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `manual-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function idFault(id: string, what: string): string | null {
  if (id === '') return `${what}: choose one, or type a new one`;
  if (id.length > MAX_ID_LENGTH) return `At most ${MAX_ID_LENGTH} characters`;
  return id.isWellFormed() ? null : 'It has half a character in it';
}

function valueFault({ recordValue, dimensionId }: Draft, creditsAllowed: boolean | null): string | null {
  const fault = decimalFault(recordValue);
  if (fault !== null) return fault;
  return recordValue.startsWith('-') && /[1-9]/.test(recordValue) && creditsAllowed === false
    ? `Negative, but ${dimensionId.slice(0, 80)} does not allow credits`
    : null;
}

function cellFaults(pairs: readonly MetadataRow[]): Map<number, { key?: string; value?: string }> {
  const cells = new Map<number, { key?: string; value?: string }>();
  const seen = new Set<string>();
  for (const { row, key, value } of pairs) {
    const ofKey = keyFault(key) ?? (seen.has(key) ? 'This key is there already' : null);
    const ofValue =
      value.length > MAX_VALUE_LENGTH
        ? `At most ${MAX_VALUE_LENGTH} characters (there are ${value.length})`
        : value.isWellFormed()
          ? null
          : 'It has half a character in it';
    seen.add(key);
    if (ofKey !== null || ofValue !== null)
      cells.set(row, {
        ...(ofKey === null ? {} : { key: ofKey }),
        ...(ofValue === null ? {} : { value: ofValue }),
      });
  }
  return cells;
}

function keyFault(key: string): string | null {
  if (key === '') return 'Name the value';
  if (key.length > MAX_KEY_LENGTH) return `At most ${MAX_KEY_LENGTH} characters (there are ${key.length})`;
  if (key === '__proto__') return 'This key is not allowed';
  return key.isWellFormed() ? null : 'It has half a character in it';
}
