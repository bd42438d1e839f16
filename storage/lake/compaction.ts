/**
 * Which parts to write anew, next: pure.
 *
 * Every few seconds a small part is added; a query would open thousands of them in a week. So neighbours are merged,
 * several of about one size at a time, so that a record is written a handful of times whatever its day grows to.
 */
import type { Part } from './manifest.ts';
import type { PartRange } from './part-file.ts';

/** Rows of a part beyond which it is left as it is. An export sorts that many in memory. */
export const MAX_PART_ROWS = 1_000_000;
/** Parts of about one size that are merged together, at least. */
const FAN_IN = 8;

export interface Rewrite {
  parts: Part[];
  /** What takes their place: one part, or one for each day. */
  range: PartRange;
  byDay: boolean;
  rows: number;
}

export interface CompactionLimits {
  /** Rows that may be written. */
  rows: number;
  /** Nothing has come for a while: parts are merged as far as they go, whatever their sizes. */
  isQuiet: boolean;
}

/**
 * The most useful rewrite within the limits, or null.
 * 1. A part that is not what its file says: it costs every query.
 * 2. Parts of many days, which belong into their days.
 * 3. Small parts of one day.
 */
export function nextRewrite(parts: readonly Part[], limits: CompactionLimits): Rewrite | null {
  const fits = (rewrite: Rewrite | null) => rewrite !== null && rewrite.rows <= limits.rows;
  for (const candidate of [restated(parts, limits), mixedDays(parts, limits), smallParts(parts, limits)]) {
    if (fits(candidate)) return candidate;
  }
  return null;
}

function restated(parts: readonly Part[], limits: CompactionLimits): Rewrite | null {
  const part = parts.find(({ restatement, rows }) => restatement !== null && rows <= limits.rows);
  return part === undefined ? null : rewriteOf([part], part.firstDay !== part.lastDay && limits.isQuiet);
}

function mixedDays(parts: readonly Part[], { isQuiet, rows: limit }: CompactionLimits): Rewrite | null {
  const mixed = bySequence(parts.filter(({ firstDay, lastDay }) => firstDay !== lastDay));
  const runs = runsOf(mixed, (before, part) => before.throughSequence === part.afterSequence);
  for (const run of runs) {
    const isLarge = run[0].rows >= MAX_PART_ROWS / FAN_IN;
    if (run.length < FAN_IN && !isLarge && !isQuiet) continue;
    // One alone may be larger than what parts are merged to: it is split.
    const taken = takeRows(run, Math.min(limit, Math.max(MAX_PART_ROWS, run[0].rows)));
    if (taken.length > 0) return rewriteOf(taken, true);
  }
  return null;
}

function smallParts(parts: readonly Part[], { isQuiet, rows: limit }: CompactionLimits): Rewrite | null {
  const days = Map.groupBy(
    parts.filter(({ firstDay, lastDay }) => firstDay === lastDay),
    ({ firstDay }) => firstDay,
  );
  const blocked = parts.filter(({ firstDay, lastDay }) => firstDay !== lastDay);
  let best: Part[] = [];
  for (const ofDay of days.values()) {
    // A part of many days may hold rows of this day between two others.
    const runs = runsOf(
      bySequence(ofDay),
      (before, part) =>
        !blocked.some(
          ({ afterSequence, throughSequence }) =>
            afterSequence < part.afterSequence && throughSequence > before.throughSequence,
        ),
    );
    for (const run of runs) {
      const found = isQuiet ? longestRun(run, limit) : sameSizeRun(run, limit);
      if (found.length > best.length) best = found;
    }
  }
  return best.length < 2 ? null : rewriteOf(best, false);
}

/** Neighbours that make a part of the greatest size together; of those, the most. */
function longestRun(run: readonly Part[], limit: number): Part[] {
  let best: Part[] = [];
  for (let from = 0; from < run.length; from++) {
    const taken = takeRows(run.slice(from), Math.min(limit, MAX_PART_ROWS));
    if (taken.length > best.length) best = taken;
  }
  return best.length > 1 ? best : [];
}

/**
 * At least {@link FAN_IN} neighbours, of which none has more than a quarter of their rows: whatever is written anew is in a
 * part four times as large then.
 */
function sameSizeRun(run: readonly Part[], limit: number): Part[] {
  for (let from = 0; from + FAN_IN <= run.length; from++) {
    const taken = takeRows(run.slice(from), Math.min(limit, MAX_PART_ROWS));
    const rows = taken.reduce((sum, part) => sum + part.rows, 0);
    if (taken.length >= FAN_IN && taken.every((part) => part.rows * 4 <= rows)) return taken;
  }
  return [];
}

/** As many from the first on as have so many rows together. */
function takeRows(run: readonly Part[], limit: number): Part[] {
  let rows = 0;
  let count = 0;
  while (count < run.length && rows + run[count].rows <= limit) rows += run[count++].rows;
  return run.slice(0, count);
}

function bySequence(parts: readonly Part[]): Part[] {
  return parts.toSorted((a, b) => a.afterSequence - b.afterSequence);
}

/** Splits where two neighbours do not belong together. */
function runsOf(parts: readonly Part[], together: (before: Part, part: Part) => boolean): Part[][] {
  const runs: Part[][] = [];
  for (const part of parts) {
    const run = runs.at(-1);
    if (run !== undefined && together(run[run.length - 1], part)) run.push(part);
    else runs.push([part]);
  }
  return runs;
}

function rewriteOf(parts: Part[], byDay: boolean): Rewrite {
  const days = parts.flatMap(({ firstDay, lastDay }) => [firstDay, lastDay]).sort();
  return {
    parts,
    byDay,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    range: {
      firstDay: days[0],
      lastDay: days[days.length - 1],
      afterSequence: Math.min(...parts.map(({ afterSequence }) => afterSequence)),
      throughSequence: Math.max(...parts.map(({ throughSequence }) => throughSequence)),
    },
  };
}
