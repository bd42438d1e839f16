/** What the live page holds: the newest, and no more than it shows, paused or not. */
import { expect, test } from 'vitest';
import type { LiveEvent, LiveRecord } from '../../dashboard/api/live.ts';
import {
  type Arrivals,
  type ArrivalsChange,
  changed,
  MOST_SHOWN,
  NO_ARRIVALS,
} from '../../dashboard/pages/live/arrivals.ts';

const record = (recordValue: string): LiveRecord => ({
  recordId: `id-${recordValue}`,
  customerId: 'Acme',
  dimensionId: 'tokens',
  recordValue,
  unit: '1',
  timestamp: '2026-03-01T00:00:00Z',
  metadata: { region: 'EU' },
  meterId: 'api',
  meterVersion: 0,
  kind: 'record',
});

const came = (values: number[], leftOut = 0): ArrivalsChange => ({
  type: 'came',
  event: { type: 'records', rows: values.map((value) => record(String(value))), leftOut } satisfies LiveEvent,
  atMs: 0,
});

const after = (...changes: ArrivalsChange[]): Arrivals => changes.reduce(changed, NO_ARRIVALS);

const shown = ({ shown: all }: Arrivals): string[] =>
  all.map((arrival) =>
    arrival.kind === 'record'
      ? arrival.record.recordValue
      : arrival.kind === 'left-out'
        ? `+${arrival.count}`
        : '',
  );

const many = Array.from({ length: 15 }, (_, event) =>
  came(Array.from({ length: 20 }, (_, index) => event * 20 + index)),
);

test.each([
  //  what happens                                     shown                   held  counted
  ['the newest is on top', [came([1, 2]), came([3])], ['3', '2', '1'], 0, 0],
  ['left out ones came before', [came([1]), came([8, 9], 5)], ['9', '8', '+5', '1'], 0, 0],
  ['a pause holds', [came([1]), { type: 'pause' }, came([2]), came([3], 7)], ['1'], 3, 9],
  ['shown, still paused', [{ type: 'pause' }, came([2]), { type: 'show', isPaused: true }], ['2'], 0, 0],
  ['cleared', [came([1]), { type: 'clear' }], [], 0, 0],
] as [string, ArrivalsChange[], string[], number, number][])('%s', (_, changes, rows, held, counted) => {
  const state = after(...changes);
  expect(shown(state)).toEqual(rows);
  expect(state.held).toHaveLength(held);
  expect(state.heldCount).toBe(counted);
});

test('it holds no more than it shows, shown or held; keys stay apart', () => {
  const state = after(...many);
  expect(state.shown).toHaveLength(MOST_SHOWN);
  expect(shown(state)[0]).toBe('299');
  const paused = after({ type: 'pause' }, ...many);
  expect(paused.held).toHaveLength(MOST_SHOWN);
  expect(paused.heldCount).toBe(300);
  const resumed = changed(after(...many, { type: 'pause' }, ...many), { type: 'show', isPaused: false });
  expect(resumed.shown).toHaveLength(MOST_SHOWN);
  expect(new Set(resumed.shown.map(({ key }) => key)).size).toBe(MOST_SHOWN);
});

test('a search looks into names and values, not into names of fields', () => {
  const [arrival] = after(came([5])).shown;
  for (const word of ['acme', 'tokens', 'region', 'eu', 'id-5']) expect(arrival.text).toContain(word);
  for (const word of ['recordvalue', 'customerid', 'metadata']) expect(arrival.text).not.toContain(word);
});
