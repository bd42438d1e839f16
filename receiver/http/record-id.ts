/** The id of a record by hand before the ledger has it: what {@link RECORD_ID} of storage/duckdb/views.ts comes to. Pure. */
import { hash } from 'node:crypto';
import type { RecordInput } from '../../storage/changes.ts';
import { FRACTION_DIGITS } from '../../storage/decimal.ts';
import { KIND_RECORD } from '../../storage/duckdb/schema.ts';
import { recordSeriesHash } from '../metering/event-metering.ts';

/**
 * 16 hex digits of the record's time and 16 of a hash of its key.
 * @param record its recordValue as short as it can be
 * @param unit the dimension's
 * @param key the event's, 32 hex digits
 */
export function recordIdOf(record: RecordInput, unit: string, key: string): string {
  const { timeUnixNano, startUnixNano, recordValue } = record;
  const parts = [
    recordSeriesHash(record, unit),
    startUnixNano,
    timeUnixNano,
    decimalColumnText(recordValue),
    KIND_RECORD,
    // The place of the frame, which is part of the id of increments alone.
    0,
    key,
  ];
  return BigInt(timeUnixNano).toString(16).padStart(16, '0') + hash('md5', parts.join(' ')).slice(0, 16);
}

/** With all its fraction digits, as DuckDB writes a DECIMAL(38,12). */
function decimalColumnText(decimal: string): string {
  const [whole, fraction = ''] = decimal.split('.');
  return `${whole}.${fraction.padEnd(FRACTION_DIGITS, '0')}`;
}
