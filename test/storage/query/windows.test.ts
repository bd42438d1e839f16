import { describe, expect, test } from 'vitest';
import { instantFromText, textFromInstant } from '../../../storage/query/instant.ts';
import {
  estimatedWindowCount,
  WINDOW_SIZES,
  type WindowedRange,
  windowBoundaries,
} from '../../../storage/query/windows.ts';
import { randomNumbers, seedOfThisRun } from './random.ts';
import { windowStartsByStepping } from './window-oracle.ts';

function range(window: string, timeZone: string, from: string, to: string): WindowedRange {
  const [size, anchor] = window.split(':');
  return {
    window: size as WindowedRange['window'],
    anchor: anchor === undefined ? null : Number(anchor),
    timeZone,
    from: instantFromText(from, timeZone) as bigint,
    to: instantFromText(to, timeZone) as bigint,
  };
}

/** Whole and half hours between boundaries: enough to see a day of 23, or an hour of one half. */
function hours(boundaries: bigint[]): number[] {
  return boundaries.slice(1).map((boundary, i) => Number(boundary - boundaries[i]) / 3.6e12);
}

describe('windows where the clock changes', () => {
  test.each([
    //  window  zone                   from                    to                      hours of each window
    ['day', 'America/Los_Angeles', '2026-03-07', '2026-03-10', [24, 23, 24]],
    ['day', 'America/Los_Angeles', '2026-10-31', '2026-11-03', [24, 25, 24]],
    ['day', 'Europe/Berlin', '2026-03-28', '2026-03-31', [24, 23, 24]],
    ['day', 'Europe/Berlin', '2026-10-24', '2026-10-27', [24, 25, 24]],
    ['day', 'Australia/Lord_Howe', '2026-04-04', '2026-04-07', [24, 24.5, 24]],
    ['day', 'Australia/Lord_Howe', '2026-10-03', '2026-10-06', [24, 23.5, 24]],
    ['day', 'Asia/Kolkata', '2026-03-28', '2026-03-30', [24, 24]],
    ['day', 'America/Sao_Paulo', '2018-11-03', '2018-11-06', [24, 23, 24]],
    // Midnight is twice: the day begins at the first.
    ['day', 'America/Havana', '2026-10-31', '2026-11-03', [24, 25, 24]],
    // There was no 30 December.
    ['day', 'Pacific/Apia', '2011-12-29', '2012-01-01', [24, 24]],
    ['week', 'Europe/Berlin', '2026-03-23', '2026-04-06', [167, 168]],
    ['month', 'Europe/Berlin', '2026-03-01', '2026-05-01', [743, 720]],
    ['hour', 'America/Los_Angeles', '2026-03-08T09:00:00Z', '2026-03-08T12:00:00Z', [1, 1, 1]],
    // 01:00 PDT and 01:00 PST are two windows.
    ['hour', 'America/Los_Angeles', '2026-11-01T08:00:00Z', '2026-11-01T11:00:00Z', [1, 1, 1]],
    // At 02:00 the clock goes back to 01:30, which ends the hour; the repeated half hour is one window.
    ['hour', 'Australia/Lord_Howe', '2026-04-04T14:00:00Z', '2026-04-04T16:30:00Z', [1, 0.5, 1]],
    // At 02:00 it goes on to 02:30.
    ['hour', 'Australia/Lord_Howe', '2026-10-03T14:30:00Z', '2026-10-03T17:00:00Z', [1, 0.5, 1]],
    ['hour', 'Asia/Kolkata', '2026-03-01T00:00:00Z', '2026-03-01T02:00:00Z', [0.5, 1, 0.5]],
    ['hour', 'Asia/Kathmandu', '2026-03-01T00:00:00Z', '2026-03-01T02:00:00Z', [0.25, 1, 0.75]],
    ['total', 'Europe/Berlin', '2026-03-01', '2026-04-01', [743]],
  ])('%s in %s from %s to %s', (window, zone, from, to, expected) => {
    expect(hours(windowBoundaries(range(window, zone, from, to)))).toEqual(expected);
  });
});

describe('calendar windows', () => {
  test.each([
    ['week', '2026-01-01', '2026-01-20', ['2026-01-01', '2026-01-05', '2026-01-12', '2026-01-19']],
    ['week', '2026-01-05', '2026-01-12', ['2026-01-05']],
    // The ISO year has 53 weeks; a week does not end with the year.
    ['week', '2026-12-28', '2027-01-05', ['2026-12-28', '2027-01-04']],
    ['month', '2024-01-31', '2024-03-02', ['2024-01-31', '2024-02-01', '2024-03-01']],
    ['period:1', '2026-01-01', '2026-03-01', ['2026-01-01', '2026-02-01']],
    ['period:15', '2026-01-01', '2026-03-16', ['2026-01-01', '2026-01-15', '2026-02-15', '2026-03-15']],
    ['period:31', '2026-01-31', '2026-05-31', ['2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30']],
    ['period:31', '2024-02-28', '2024-03-31', ['2024-02-28', '2024-02-29']],
    ['period:30', '2024-02-28', '2024-03-31', ['2024-02-28', '2024-02-29', '2024-03-30']],
    ['period:30', '2026-01-29', '2026-03-31', ['2026-01-29', '2026-01-30', '2026-02-28', '2026-03-30']],
    ['period:29', '2025-02-01', '2025-03-29', ['2025-02-01', '2025-02-28']],
    ['period:29', '2024-02-29', '2024-03-30', ['2024-02-29', '2024-03-29']],
    ['day', '2024-02-28', '2024-03-02', ['2024-02-28', '2024-02-29', '2024-03-01']],
    ['day', '2026-02-28', '2026-03-02', ['2026-02-28', '2026-03-01']],
  ])('%s from %s to %s begins at', (window, from, to, starts) => {
    for (const zone of ['UTC', 'America/Los_Angeles', 'Pacific/Auckland']) {
      const boundaries = windowBoundaries(range(window, zone, from, to));
      const expected = [...starts, to].map((day) => instantFromText(day, zone));
      expect(boundaries, zone).toEqual(expected);
    }
  });
});

describe('windows are cut to the range', () => {
  test('an empty range has none', () => {
    for (const window of WINDOW_SIZES) {
      expect(windowBoundaries(range(`${window}:1`, 'UTC', '2026-03-01', '2026-03-01'))).toEqual([]);
    }
  });

  test.each([
    ['minute', '2026-03-01T00:00:30.000000001Z', '2026-03-01T00:02:00.5Z'],
    ['hour', '2026-03-01T00:59:59.999999999Z', '2026-03-01T01:00:00.000000001Z'],
    ['day', '2026-03-01T12:00:00Z', '2026-03-01T13:00:00Z'],
  ])('%s from %s to %s begins and ends there', (window, from, to) => {
    const boundaries = windowBoundaries(range(window, 'UTC', from, to)).map(textFromInstant);
    expect([boundaries[0], boundaries.at(-1)]).toEqual([from, to]);
  });
});

const ZONES = [
  'UTC',
  'America/Los_Angeles',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'America/Havana',
  'America/Santiago',
  'Africa/Casablanca',
  'Asia/Beirut',
  'Pacific/Chatham',
  'Europe/Dublin',
];

test('random ranges have the windows that stepping along the local clock finds', () => {
  const seed = seedOfThisRun();
  const random = randomNumbers(seed);
  for (let round = 0; round < 80; round++) {
    const window = random.pick(WINDOW_SIZES);
    const days = { total: 3, minute: 1, hour: 12, day: 60, week: 120, month: 400, period: 400 }[window];
    // After 2012 every change of a clock is at a whole quarter of an hour, which is the oracle's step.
    const from = BigInt(Date.UTC(2013, 0, 1)) + BigInt(random.below(12 * 365 * 96)) * 900_000n;
    const ends = from + BigInt(1 + random.below(days * 96)) * 900_000n;
    const question: WindowedRange = {
      window,
      anchor: window === 'period' ? 1 + random.below(31) : null,
      timeZone: random.pick(ZONES),
      from: from * 1_000_000n,
      to: ends * 1_000_000n,
    };
    const boundaries = windowBoundaries(question);
    const label = `seed ${seed}: ${JSON.stringify(question, (_, value) => (typeof value === 'bigint' ? textFromInstant(value) : value))}`;
    expect(boundaries.map(textFromInstant), label).toEqual(
      [...windowStartsByStepping(question), question.to].map(textFromInstant),
    );
    const estimate = estimatedWindowCount(question);
    expect(Math.abs(estimate - (boundaries.length - 1)), label).toBeLessThanOrEqual(
      window === 'minute' ? 61 : 2,
    );
  }
});
