/** Single usage records: one by its id, and those of event keys. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { textFromInstant } from './instant.ts';
import { BoundValues, instant } from './statement.ts';
import { RECORD_COLUMNS, RECORD_WIDTH, toUsageRecord, type UsageRecord, withNames } from './usage-record.ts';

/** A record as it is stored, whether it counts or not. */
export interface StoredUsageRecord extends UsageRecord {
  /** The journal frame that brought it. */
  sequence: number;
  /** null: it counts. */
  voided: VoidedRecord | null;
}

/** Why a record does not count. */
export interface VoidedRecord {
  reason: string;
  /** Whether another record took its place. */
  replaced: boolean;
  /** RFC 3339 in UTC. */
  at: string;
  /** The journal frame that voided it. */
  sequence: number;
}

/** Event keys of one question. */
export const MAX_EVENT_KEYS = 10_000;

/** So many are compared as constants, which costs a scan of all keys a sixth of what a join does. */
const FEW_KEYS = 50;

/** At most {@link MAX_EVENT_KEYS} keys of 32 hex digits each. */
export interface EventKeysQuery {
  eventKeys: string[];
}

export interface EventKeysAnswer {
  /** In the order of the keys; null where no event of this key was ever counted. */
  records: (StoredUsageRecord | null)[];
}

/**
 * The record of this id, voided or not, from one snapshot of the ledger.
 * @param recordId as {@link UsageRecord.recordId} tells it; any other text is nobody's
 */
export async function queryRecord(
  connection: DuckDBConnection,
  recordId: string,
): Promise<StoredUsageRecord | null> {
  // The first half is the record's time: with it DuckDB reads only blocks that can hold the record.
  const time = /^[0-7][0-9a-f]{31}$/.test(recordId) ? BigInt(`0x${recordId.slice(0, 16)}`) : null;
  if (time === null) return null;
  const bound = new BoundValues();
  const found = await storedRecords(
    connection,
    `SELECT * FROM stored.usage WHERE time = ${instant(time)}`,
    (id) => `${id} = ${bound.text(recordId)}`,
    bound,
  );
  return found[0]?.record ?? null;
}

/**
 * What was counted of events, by their keys: an event that is in quarantine has no record.
 * A scan of all events: bounded by how many there are, not by how many keys are asked for.
 */
export async function queryEventKeys(
  connection: DuckDBConnection,
  { eventKeys }: EventKeysQuery,
): Promise<EventKeysAnswer> {
  const bound = new BoundValues();
  // DuckDB's hex texts are no numbers: the keys go as decimals.
  const keys = [...new Set(eventKeys)].map((key) => String(BigInt(`0x${key}`)));
  if (keys.length === 0) return { records: [] };
  const wanted =
    keys.length <= FEW_KEYS
      ? keys.map((key) => `${key}::UHUGEINT`).join(', ')
      : `SELECT unnest(${bound.texts(keys)}::UHUGEINT[])`;
  const found = await storedRecords(
    connection,
    `SELECT * FROM stored.usage WHERE event IN (${wanted})`,
    () => 'true',
    bound,
  );
  const byKey = new Map<bigint, StoredUsageRecord>();
  for (const { eventKey, record } of found) {
    const known = byKey.get(eventKey!);
    // A record that counts says more than one that does not.
    if (known === undefined || known.voided !== null) byKey.set(eventKey!, record);
  }
  return { records: eventKeys.map((key) => byKey.get(BigInt(`0x${key}`)) ?? null) };
}

async function storedRecords(
  connection: DuckDBConnection,
  rows: string,
  condition: (recordId: string) => string,
  bound: BoundValues,
): Promise<{ eventKey: bigint | null; record: StoredUsageRecord }[]> {
  const reader = await connection.runAndReadAll(
    // Found first, so that the joins with names are as small as what was found.
    `WITH rows AS MATERIALIZED (${rows}),
    found AS (
      SELECT ${RECORD_COLUMNS}, u.sequence, u.event, u.voided_by
      FROM ${withNames('rows')})
    SELECT found.*, v.reason, v.replaced, epoch_ns(v.received_at)
    FROM found LEFT JOIN stored.voids v ON v.sequence = found.voided_by AND v.record_id = found.record_id
    WHERE ${condition('found.record_id')}`,
    bound.values,
  );
  return reader.getRows().map(toStoredRecord);
}

function toStoredRecord(row: DuckDBValue[]): { eventKey: bigint | null; record: StoredUsageRecord } {
  const [sequence, event, voidedBy, reason, replaced, voidedAt] = row.slice(RECORD_WIDTH);
  return {
    eventKey: event as bigint | null,
    record: {
      ...toUsageRecord(row),
      sequence: Number(sequence),
      voided:
        voidedBy === null
          ? null
          : {
              reason: reason as string,
              replaced: replaced as boolean,
              at: textFromInstant(voidedAt as bigint),
              sequence: Number(voidedBy),
            },
    },
  };
}
