/** Rows for the tables of facts: usage, readings, quarantine. One method per table, all values as words. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { readBigInt, textFromScaled } from '../decimal.ts';
import {
  type LedgerBatch,
  VALUE_DECIMAL,
  VALUE_DISTRIBUTION,
  VALUE_DOUBLE,
  VALUE_NONE,
  VALUE_TEXT,
} from '../ledger-batch.ts';
import { RESOLUTION_OPEN } from './schema.ts';
import { TableAppender } from './table-appender.ts';
import { copy64, copy128 } from './words.ts';

/** One row of a batch, with the frame that it came in. */
export interface RowOrigin {
  batch: LedgerBatch;
  row: number;
  frame: number;
}

/** What quarantine says of a row besides its own values. */
export interface QuarantineText {
  series: number;
  code: number;
  customerId: string | null;
  dimensionId: string | null;
}

/** The last two: the key of an event, and what voids the row, which is nothing when it comes. */
const USAGE_WIDTHS = [4, 4, 4, 8, 8, 16, 1, 8, 'rare 16', 'null'] as const;
/** Column of the event's key in {@link FactWriter.records} and {@link FactWriter.usage}. */
export const USAGE_EVENT = 8;
const QUARANTINE_EVENT = 15;

export class FactWriter {
  /** Records that are new for certain and have nothing beside them: they may wait for the next commit. */
  readonly records: TableAppender;
  /** All other usage. */
  readonly usage: TableAppender;
  readonly readings: TableAppender;
  readonly quarantine: TableAppender;

  private constructor(
    records: TableAppender,
    usage: TableAppender,
    readings: TableAppender,
    quarantine: TableAppender,
  ) {
    this.records = records;
    this.usage = usage;
    this.readings = readings;
    this.quarantine = quarantine;
  }

  /** @param stagedRecords how many of {@link records} are held at most */
  static async open(connection: DuckDBConnection, stagedRecords: number): Promise<FactWriter> {
    return new FactWriter(
      await TableAppender.create(connection, [null, 'stored', 'usage'], USAGE_WIDTHS, stagedRecords),
      await TableAppender.create(connection, [null, 'stored', 'usage'], USAGE_WIDTHS),
      await TableAppender.create(connection, [null, 'stored', 'readings'], [4, 8, 8, 16, 8]),
      await TableAppender.create(
        connection,
        [null, 'stored', 'quarantine'],
        [4, 8, 8, 1, 8, 8, 16, 'text', 1, 'text', 'text', 8, 8, 8, 4, 'rare 16', 'text', 'null', 'null'],
      ),
    );
  }

  /** A row of usage with the time of a row of the batch. @returns where its quantity belongs, in {@link usage} */
  addUsage({ batch, row, frame }: RowOrigin, keys: UsageKeys, kind: number): number {
    const { usage } = this;
    usage.reserve();
    const at = usage.length;
    usage.words(0)[at] = keys.series;
    usage.words(1)[at] = keys.customer;
    usage.words(2)[at] = keys.dimension;
    copy64(batch.startUnixNano, row, usage.words(3), at);
    copy64(batch.timeUnixNano, row, usage.words(4), at);
    copy128(batch.quantity, row, usage.words(5), at);
    usage.bytes(6)[at] = kind;
    setSequence(usage.words(7), at, batch.frames.sequence[frame]);
    if (hasEventKey(batch, row)) {
      copy128(batch.event, row, usage.words(USAGE_EVENT), at);
      usage.setPresent(USAGE_EVENT);
    }
    usage.length += 1;
    return at;
  }

  addReading({ batch, row, frame }: RowOrigin, series: number): void {
    const { readings } = this;
    readings.reserve();
    const at = readings.length;
    readings.words(0)[at] = series;
    copy64(batch.startUnixNano, row, readings.words(1), at);
    copy64(batch.timeUnixNano, row, readings.words(2), at);
    copy128(batch.quantity, row, readings.words(3), at);
    setSequence(readings.words(4), at, batch.frames.sequence[frame]);
    readings.length += 1;
  }

  /** @param seen when the signal came first and last, two words each, where not with its frame */
  addQuarantine({ batch, row, frame }: RowOrigin, text: QuarantineText, seen: Seen = {}): void {
    const { quarantine } = this;
    quarantine.reserve();
    const at = quarantine.length;
    const valueKind = batch.valueKind[row];
    quarantine.words(0)[at] = text.series;
    copy64(batch.startUnixNano, row, quarantine.words(1), at);
    copy64(batch.timeUnixNano, row, quarantine.words(2), at);
    quarantine.bytes(3)[at] = valueKind;
    copy64(batch.quantity, row * 2, quarantine.words(4), at);
    copy64(batch.quantity, row * 2 + 1, quarantine.words(5), at);
    if (valueKind === VALUE_DECIMAL) copy128(batch.quantity, row, quarantine.words(6), at);
    else quarantine.setNull(6);
    quarantine.setText(7, valueText(valueKind, batch.quantity, row));
    quarantine.bytes(8)[at] = text.code;
    quarantine.setText(9, text.customerId);
    quarantine.setText(10, text.dimensionId);
    if (seen.first === undefined) copy64(batch.frames.receivedAtUnixNano, frame, quarantine.words(11), at);
    else copy64(seen.first, 0, quarantine.words(11), at);
    if (seen.last === undefined) copy64(batch.frames.receivedAtUnixNano, frame, quarantine.words(12), at);
    else copy64(seen.last, 0, quarantine.words(12), at);
    setSequence(quarantine.words(13), at, originOf(batch, row) ?? batch.frames.sequence[frame]);
    quarantine.words(14)[at] = batch.ordinal[row];
    if (hasEventKey(batch, row)) {
      copy128(batch.event, row, quarantine.words(QUARANTINE_EVENT), at);
      quarantine.setPresent(QUARANTINE_EVENT);
    }
    quarantine.setText(16, RESOLUTION_OPEN);
    quarantine.length += 1;
  }

  /** Makes the rows visible to the connection's transaction, but for the staged {@link records}. */
  flush(): void {
    this.records.flushAppended();
    this.usage.flush();
    this.readings.flush();
    this.quarantine.flush();
  }

  /** Rows of usage in the transactions so far. */
  get usageAppended(): number {
    return this.records.appended + this.usage.appended;
  }

  /** Forgets what was not flushed, and ends. */
  discard(): void {
    for (const table of [this.records, this.usage, this.readings, this.quarantine]) table.discard();
  }
}

/** The frame that a row of a replay first came with; null if it comes for the first time. */
export function originOf({ originSequence }: LedgerBatch, row: number): number | null {
  return originSequence.length === 0 || originSequence[row] === 0 ? null : originSequence[row];
}

/** When a signal came, Unix nanoseconds as two words. */
export interface Seen {
  first?: Uint32Array;
  last?: Uint32Array;
}

/** Whether a row is an event: the keys of metric points are zero. */
export function hasEventKey({ event }: LedgerBatch, row: number): boolean {
  const at = row * 4;
  return event.length > 0 && (event[at] | event[at + 1] | event[at + 2] | event[at + 3]) !== 0;
}

export interface UsageKeys {
  series: number;
  customer: number;
  dimension: number;
}

/** The value of a row for people. */
export function valueText(valueKind: number, words: Uint32Array, row: number): string {
  switch (valueKind) {
    case VALUE_DECIMAL:
      return textFromScaled(readBigInt(words, row * 4));
    case VALUE_DOUBLE:
      return String(doubleAt(words, row * 4));
    case VALUE_NONE:
      return 'no value';
    case VALUE_TEXT:
      return 'text';
    case VALUE_DISTRIBUTION: {
      const count = BigInt(words[row * 4]) | (BigInt(words[row * 4 + 1]) << 32n);
      const sum = doubleAt(words, row * 4 + 2);
      return Number.isNaN(sum) ? `count ${count}` : `count ${count}, sum ${sum}`;
    }
    default:
      throw new RangeError(`value kind ${valueKind} of a ledger batch is not known`);
  }
}

function doubleAt(words: Uint32Array, at: number): number {
  return new Float64Array(words.slice(at, at + 2).buffer)[0];
}

/** Writes a journal sequence as BIGINT. */
export function setSequence(words: Uint32Array, row: number, sequence: number): void {
  words[row * 2] = sequence >>> 0;
  words[row * 2 + 1] = Math.floor(sequence / 4294967296);
}
