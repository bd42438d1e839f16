/** Where bars stand is where the receiver cuts usage: in many zones, over clock changes, for ranges at random. */
import { expect, test } from 'vitest';
import { MAX_PLACES, type WindowSize, windowStarts } from '../../../dashboard/format/windows.ts';
import { instantFromText, textFromInstant } from '../../../storage/query/instant.ts';
import { windowBoundaries } from '../../../storage/query/windows.ts';
import { Random } from '../../support/random.ts';

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'America/St_Johns',
];
const SIZES: WindowSize[] = ['hour', 'day', 'week', 'month', 'period', 'total'];

function cutByTheReceiver(from: string, to: string, window: WindowSize, timeZone: string, anchor: number) {
  return windowBoundaries({
    window,
    timeZone,
    anchor: window === 'period' ? anchor : null,
    from: instantFromText(from, timeZone) as bigint,
    to: instantFromText(to, timeZone) as bigint,
  })
    .slice(0, -1)
    .map(textFromInstant);
}

const random = new Random(11);
const day = (from: number): string => new Date(from).toISOString().slice(0, 10);
const cases = ZONES.flatMap((zone) =>
  SIZES.map((window) => {
    const begin = Date.UTC(2018, 0, 1) + Math.floor(random.next() * 3000) * 86_400_000;
    const days = window === 'hour' ? 40 : window === 'day' ? 400 : 1500;
    return [
      zone,
      window,
      day(begin),
      day(begin + days * 86_400_000),
      1 + Math.floor(random.next() * 31),
    ] as const;
  }),
);

test.each([
  ...cases,
  // A midnight that clocks leave out, half an hour twice, and bounds within a window.
  ['America/Sao_Paulo', 'day', '2018-11-01', '2018-11-08', 1],
  ['Asia/Kolkata', 'hour', '2026-10-25T00:10:00Z', '2026-10-25T04:00:00Z', 1],
  ['Europe/Berlin', 'hour', '2026-10-25T00:10:00+02:00', '2026-10-25T05:00:00+01:00', 1],
  ['Europe/Berlin', 'week', '2026-03-25T13:00:00Z', '2026-04-08', 1],
  ['UTC', 'period', '2024-01-31', '2024-06-30', 31],
] as const)('%s, by %s from %s to %s (anchor %i)', (zone, window, from, to, anchor) => {
  expect(windowStarts({ from, to }, window, zone, anchor)).toEqual(
    cutByTheReceiver(from, to, window, zone, anchor),
  );
});

test('nothing is in an empty range, and too much is no picture', () => {
  expect(windowStarts({ from: '2026-03-01', to: '2026-03-01' }, 'day', 'UTC')).toEqual([]);
  expect(windowStarts({ from: '2026-01-01', to: '2026-03-01' }, 'hour', 'UTC')).toHaveLength(59 * 24);
  expect(windowStarts({ from: '2026-01-01', to: '2026-12-01' }, 'hour', 'UTC')).toBeNull();
  expect(MAX_PLACES).toBeGreaterThan(31 * 24);
});
