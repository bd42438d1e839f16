/**
 * What the readings of a running total add: rules 2 and 3 of docs/semantics.md, as a function of the set of readings.
 *
 * A segment is what one writer counted from one start. Its readings are ordered by time, and by value where they have
 * the same time. Values are scaled decimals (value × 10^12), never negative.
 */

export interface SegmentRule {
  /** Unix nanoseconds; 0n = unknown: then the segment is all readings of the series. */
  startUnixNano: bigint;
  /**
   * A segment that began before this counts from its first reading on, because its meter did not exist yet; 0n = from
   * its start.
   */
  sinceUnixNano: bigint;
  /** An SDK wrote it: a first reading at its own start time counts from zero. */
  fromSdk: boolean;
}

export interface Reading {
  timeUnixNano: bigint;
  value: bigint;
}

/**
 * Whether the first reading of a segment adds nothing, because nobody knows from when it counts: its value is listed
 * as `baseline` then.
 */
export function isBaseline(rule: SegmentRule, first: Reading): boolean {
  if (rule.startUnixNano === 0n || rule.startUnixNano < rule.sinceUnixNano) return true;
  return rule.startUnixNano === first.timeUnixNano && !rule.fromSdk;
}

/**
 * What readings after one with this level count from: the greatest value so far, and where the start is unknown, the
 * last value, because a decrease is a writer that began again there.
 */
export function levelAfter(rule: SegmentRule, level: bigint | null, reading: Reading): bigint {
  if (rule.startUnixNano === 0n || level === null || reading.value > level) return reading.value;
  return level;
}

/** What a reading adds. @param level of the reading before it in its segment; null = it is the first */
export function incrementOf(rule: SegmentRule, level: bigint | null, reading: Reading): bigint {
  if (level === null) return isBaseline(rule, reading) ? 0n : reading.value;
  if (reading.value >= level) return reading.value - level;
  return rule.startUnixNano === 0n ? reading.value : 0n;
}

/** What changes when a reading joins a segment. */
export interface Insertion {
  /** What the reading itself adds. */
  increment: bigint;
  /** The reading is the segment's baseline. */
  isBaseline: boolean;
  /** The reading that was the segment's baseline and is none any more. */
  displacedBaseline: Reading | null;
  /** How many readings of the segment had this time before, with other values. */
  sameTime: number;
  /** Changes of what later readings add; none is zero. */
  corrections: { timeUnixNano: bigint; change: bigint }[];
}

/** The end of a segment, from some reading on, that readings are inserted into in any order. */
export class SegmentTail {
  readonly #rule: SegmentRule;
  /** Level before the first of {@link #readings}; null = the segment begins with them. */
  readonly #before: bigint | null;
  readonly #readings: Reading[] = [];
  /** After each of the readings. */
  readonly #levels: bigint[] = [];

  /**
   * @param before level of the readings that are left out; null if none is
   * @param stored in order
   */
  constructor(rule: SegmentRule, before: bigint | null, stored: readonly Reading[] = []) {
    this.#rule = rule;
    this.#before = before;
    for (const reading of stored) {
      this.#levels.push(levelAfter(rule, this.#levelBefore(this.#readings.length), reading));
      this.#readings.push(reading);
    }
  }

  /** Level at the end; null without any reading. */
  get level(): bigint | null {
    return this.#levelBefore(this.#readings.length);
  }

  /** The baseline whose place a reading would take; null if it would take none. */
  displacedBy(reading: Reading): Reading | null {
    return this.#displacedAt(this.#place(reading));
  }

  #displacedAt(at: number): Reading | null {
    const next = this.#readings.at(at);
    const isFirst = this.#levelBefore(at) === null;
    return isFirst && next !== undefined && isBaseline(this.#rule, next) ? next : null;
  }

  /** Adds a reading that is not there yet. The reading must not precede the readings that were left out. */
  insert(reading: Reading): Insertion {
    const rule = this.#rule;
    const at = this.#place(reading);
    const before = this.#levelBefore(at);
    const insertion: Insertion = {
      increment: incrementOf(rule, before, reading),
      isBaseline: before === null && isBaseline(rule, reading),
      displacedBaseline: this.#displacedAt(at),
      sameTime: this.#countAt(at, reading.timeUnixNano),
      corrections: [],
    };

    let oldLevel = before;
    let newLevel: bigint | null = levelAfter(rule, before, reading);
    this.#readings.splice(at, 0, reading);
    this.#levels.splice(at, 0, newLevel);
    for (let later = at + 1; later < this.#readings.length && oldLevel !== newLevel; later++) {
      const affected = this.#readings[later];
      const change = incrementOf(rule, newLevel, affected) - incrementOf(rule, oldLevel, affected);
      if (change !== 0n) insertion.corrections.push({ timeUnixNano: affected.timeUnixNano, change });
      oldLevel = this.#levels[later];
      newLevel = levelAfter(rule, newLevel, affected);
      this.#levels[later] = newLevel;
    }
    return insertion;
  }

  #levelBefore(index: number): bigint | null {
    return index === 0 ? this.#before : this.#levels[index - 1];
  }

  /** Readings of this time, around an index that keeps the order. */
  #countAt(index: number, timeUnixNano: bigint): number {
    let from = index;
    let to = index;
    while (from > 0 && this.#readings[from - 1].timeUnixNano === timeUnixNano) from -= 1;
    while (to < this.#readings.length && this.#readings[to].timeUnixNano === timeUnixNano) to += 1;
    return to - from;
  }

  /** The index that keeps the order; most readings come in order, so the search begins at the end. */
  #place(reading: Reading): number {
    let at = this.#readings.length;
    if (at === 0 || compareReadings(this.#readings[at - 1], reading) < 0) return at;
    let low = 0;
    while (low < at) {
      const middle = (low + at) >> 1;
      if (compareReadings(this.#readings[middle], reading) < 0) low = middle + 1;
      else at = middle;
    }
    return at;
  }
}

/** The order of readings in a segment. */
export function compareReadings(a: Reading, b: Reading): number {
  if (a.timeUnixNano !== b.timeUnixNano) return a.timeUnixNano < b.timeUnixNano ? -1 : 1;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return 0;
}
