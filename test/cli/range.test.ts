import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { type RangeFlags, readRange, thisMonth } from '../../cli/range.ts';

const NOW = Temporal.Instant.from('2026-03-31T22:30:00.5Z');
const NOW_TEXT = '2026-03-31T22:30:00.5Z';
const BERLIN = 'Europe/Berlin';

test.each<[RangeFlags, from: string, to: string]>([
  [{ from: '2026-01-01', to: '2026-02-01' }, '2026-01-01', '2026-02-01'],
  [{ from: '2026-01-01' }, '2026-01-01', NOW_TEXT],
  [{ last: '90m' }, '2026-03-31T21:00:00.5Z', NOW_TEXT],
  [{ last: '24h' }, '2026-03-30T22:30:00.5Z', NOW_TEXT],
  [{ last: 'P1DT12H' }, '2026-03-30T10:30:00.5Z', NOW_TEXT],
  // A calendar day in Berlin that has 23 hours lies between.
  [{ last: '3d', timeZone: BERLIN }, '2026-03-28T23:30:00.5Z', NOW_TEXT],
  [{ last: '72h', timeZone: BERLIN }, '2026-03-28T22:30:00.5Z', NOW_TEXT],
  // February has no 31st.
  [{ last: '1mo' }, '2026-02-28T22:30:00.5Z', NOW_TEXT],
  [{ last: '1y' }, '2025-03-31T22:30:00.5Z', NOW_TEXT],
  [{ month: '2026-02' }, '2026-02-01', '2026-03-01'],
  [{ month: '2025-12' }, '2025-12-01', '2026-01-01'],
  [{ month: 'this' }, '2026-03-01', '2026-04-01'],
  // It is April there already.
  [{ month: 'this', timeZone: BERLIN }, '2026-04-01', '2026-05-01'],
  [{ month: 'last', timeZone: BERLIN }, '2026-03-01', '2026-04-01'],
  [{ day: '2028-02-29' }, '2028-02-29', '2028-03-01'],
  [{ day: 'today', timeZone: BERLIN }, '2026-04-01', '2026-04-02'],
  [{ day: 'yesterday' }, '2026-03-30', '2026-03-31'],
])('%j is from %s to %s', (flags, from, to) => {
  expect(readRange(flags, NOW)).toEqual({ from, to });
});

test('nothing said is no range, or this month', () => {
  expect(readRange({ timeZone: BERLIN }, NOW)).toBeNull();
  expect(thisMonth({ timeZone: BERLIN }, NOW)).toEqual({ from: '2026-04-01', to: '2026-05-01' });
});
