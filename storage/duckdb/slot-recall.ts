/**
 * What memory has lost of known series, after a restart or a reset, and a load needs again: their marks, the times of
 * their quarantined signals, where their running totals stand.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LedgerBatch } from '../ledger-batch.ts';
import { codeNumber } from '../quarantine-codes.ts';
import type { ResolvedSlot } from './dictionaries.ts';
import {
  approximate,
  FLAG_GUESSED_MARK,
  FLAG_HAS_READINGS,
  NO_MARK,
  type SlotTable,
  START_KNOWN,
  START_UNKNOWN,
} from './slot-table.ts';
import { TableAppender } from './table-appender.ts';
import { compare64, copy64, read64, write64 } from './words.ts';

const MIXED_START = codeNumber('mixed_start');

export class SlotRecall {
  readonly #connection: DuckDBConnection;
  readonly #slots: SlotTable;
  /** Slots whose mark is the greatest time of all series. */
  #guessedMarks = 0;

  constructor(connection: DuckDBConnection, slots: SlotTable) {
    this.#connection = connection;
    this.#slots = slots;
  }

  /** All slots are gone. */
  clear(): void {
    this.#guessedMarks = 0;
  }

  /** The mark of a slot that is defined now is the greatest time of all. */
  noteGuess(): void {
    this.#guessedMarks += 1;
  }

  /** Fetches what the slots of known series need: their quarantined times, and of cumulative ones their readings. */
  async recall(known: readonly ResolvedSlot[], quarantineIsEmpty: boolean): Promise<void> {
    const slots = this.#slots;
    const hasCumulative = known.some(({ definition }) => definition.role === 'cumulative');
    if (!hasCumulative && quarantineIsEmpty) return;
    await nameSeries(
      this.#connection,
      known.map(({ definition, series }) => [definition.slot, series]),
    );
    if (!quarantineIsEmpty) {
      const reader = await this.#connection.runAndReadAll(`SELECT w.slot, min(q.time_nano), max(q.time_nano),
          bool_or(q.start_nano = 0) FILTER (q.code > ${MIXED_START}),
          count(*) FILTER (q.code > ${MIXED_START})
        FROM stored.quarantine q JOIN temp.wanted_series w USING (series) GROUP BY w.slot`);
      for (const [slot, from, to, startUnknown, judged] of reader.getRows()) {
        slots.widenQuarantine(Number(slot), Number(from), Number(to));
        if (Number(judged) > 0) slots.startKind[Number(slot)] = startUnknown ? START_UNKNOWN : START_KNOWN;
      }
    }
    if (!hasCumulative) return;
    for (const { definition } of known) {
      if (definition.role !== 'cumulative') continue;
      slots.mark[definition.slot] = NO_MARK;
      this.#trustMark(definition.slot);
    }
    const reader = await this.#connection.runAndReadAll(`SELECT w.slot, epoch_ns(max(r.time)),
        epoch_ns(max(r.start_time))
      FROM stored.readings r JOIN temp.wanted_series w USING (series) GROUP BY w.slot`);
    for (const [slotValue, time, start] of reader.getRows()) {
      const slot = Number(slotValue);
      slots.mark[slot] = Number(time);
      write64(slots.liveStart, slot, BigInt(start as bigint));
      slots.startKind[slot] = Number(start) === 0 ? START_UNKNOWN : START_KNOWN;
      slots.flags[slot] |= FLAG_HAS_READINGS;
    }
  }

  /**
   * Replaces guessed marks where a row would need them: after a restart or a reset, and where clocks differ, the guess
   * may stay ahead of a series for long.
   */
  async findMarks(batches: readonly LedgerBatch[]): Promise<void> {
    if (this.#guessedMarks === 0) return;
    const slots = this.#slots;
    const wanted = new Map<number, number>();
    const earliest = new Uint32Array(2).fill(0xffffffff);
    for (const { length, slot: slotOf, timeUnixNano, code } of batches) {
      for (let row = 0; row < length; row++) {
        const slot = slotOf[row];
        if ((slots.flags[slot] & FLAG_GUESSED_MARK) === 0 || code[row] !== 0) continue;
        if (approximate(timeUnixNano[row * 2], timeUnixNano[row * 2 + 1]) > slots.mark[slot]) {
          if (!wanted.has(slot)) this.#trustMark(slot);
          continue;
        }
        wanted.set(slot, slots.series[slot]);
        if (compare64(timeUnixNano, row, earliest, 0) < 0) copy64(timeUnixNano, row, earliest, 0);
      }
    }
    if (wanted.size === 0) return;
    await nameSeries(this.#connection, [...wanted]);
    const from = read64(earliest, 0);
    const reader = await this.#connection.runAndReadAll(`SELECT w.slot, epoch_ns(max(u.time))
      FROM stored.usage u JOIN temp.wanted_series w USING (series)
      WHERE u.time >= make_timestamp_ns(${from}) GROUP BY w.slot`);
    // Where nothing is stored from the earliest row on, what is stored lies before it.
    for (const slot of wanted.keys()) {
      slots.mark[slot] = approximate(earliest[0], earliest[1]);
      this.#trustMark(slot);
    }
    for (const [slot, time] of reader.getRows()) slots.mark[Number(slot)] = Number(time);
  }

  #trustMark(slot: number): void {
    this.#slots.flags[slot] &= ~FLAG_GUESSED_MARK;
    this.#guessedMarks -= 1;
  }
}

/** Puts slots and their series where SQL can join them, in temp.wanted_series. */
export async function nameSeries(
  connection: DuckDBConnection,
  pairs: readonly (readonly [slot: number, series: number])[],
): Promise<void> {
  await connection.run('CREATE OR REPLACE TEMP TABLE wanted_series (slot INTEGER, series INTEGER)');
  const rows = await TableAppender.create(connection, ['temp', 'main', 'wanted_series'], [4, 4]);
  for (const [slot, series] of pairs) {
    rows.reserve();
    rows.words(0)[rows.length] = slot;
    rows.words(1)[rows.length] = series;
    rows.length += 1;
  }
  rows.close();
}
