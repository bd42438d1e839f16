/** What arrived, the newest first, and no more of it than is shown. (Pure.) */
import type { LiveEvent, LiveRecord, LiveSignal } from '../../api/live.ts';

/** More would not be looked at; the page holds no others. */
export const MOST_SHOWN = 200;

export type Arrival = { key: string; atMs: number; text: string } & (
  | { kind: 'record'; record: LiveRecord }
  | { kind: 'quarantined'; signal: LiveSignal }
  /** So many came beside, and were not told. */
  | { kind: 'left-out'; count: number }
);

export interface Arrivals {
  shown: readonly Arrival[];
  isPaused: boolean;
  /** What came since the pause, of which `heldCount` is the number, those that are no longer held included. */
  held: readonly Arrival[];
  heldCount: number;
  /** How many events came: makes keys. */
  events: number;
}

export const NO_ARRIVALS: Arrivals = { shown: [], isPaused: false, held: [], heldCount: 0, events: 0 };

export type ArrivalsChange =
  | { type: 'came'; event: LiveEvent; atMs: number }
  | { type: 'pause' }
  /** What is held is shown, and whether it goes on. */
  | { type: 'show'; isPaused: boolean }
  | { type: 'clear' };

export function changed(before: Arrivals, change: ArrivalsChange): Arrivals {
  switch (change.type) {
    case 'clear':
      return { ...NO_ARRIVALS, isPaused: before.isPaused, events: before.events };
    case 'pause':
      return { ...before, isPaused: true };
    case 'show':
      return {
        ...before,
        isPaused: change.isPaused,
        shown: [...before.held, ...before.shown].slice(0, MOST_SHOWN),
        held: [],
        heldCount: 0,
      };
    case 'came': {
      const { event, atMs } = change;
      const came = arrivalsOf(event, atMs, before.events);
      const events = before.events + 1;
      if (!before.isPaused)
        return { ...before, events, shown: [...came, ...before.shown].slice(0, MOST_SHOWN) };
      return {
        ...before,
        events,
        held: [...came, ...before.held].slice(0, MOST_SHOWN),
        heldCount: before.heldCount + event.rows.length + event.leftOut,
      };
    }
  }
}

/** Events tell the oldest first, and leave out what came before that. */
function arrivalsOf(event: LiveEvent, atMs: number, number: number): Arrival[] {
  const rows: Arrival[] =
    event.type === 'records'
      ? event.rows.map((record, index) => ({
          key: `${number}.${index}`,
          atMs,
          text: searched(record.customerId, record.dimensionId, record),
          kind: 'record',
          record,
        }))
      : event.rows.map((signal, index) => ({
          key: `${number}.${index}`,
          atMs,
          text: searched(signal),
          kind: 'quarantined',
          signal,
        }));
  rows.reverse();
  if (event.leftOut > 0)
    rows.push({ key: `${number}.left-out`, atMs, text: '', kind: 'left-out', count: event.leftOut });
  return rows;
}

/** Of a row, what a search looks into: its names and values, not those of its fields. */
function searched(...parts: unknown[]): string {
  const texts: string[] = [];
  const add = (part: unknown): void => {
    if (typeof part === 'string') texts.push(part);
    else if (typeof part === 'object' && part !== null)
      for (const [key, value] of Object.entries(part)) {
        if (key === 'metadata') texts.push(Object.entries(value).flat().join('\n'));
        else add(value);
      }
  };
  for (const part of parts) add(part);
  return texts.join('\n').toLowerCase();
}
