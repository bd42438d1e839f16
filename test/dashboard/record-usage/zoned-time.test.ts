/** Local times and their instants, over gaps and repeats of clocks; RFC 3339 as it is typed. */
import { expect, test } from 'vitest';
import {
  instantOf,
  localText,
  zonedText,
  zonedTime,
} from '../../../dashboard/pages/customer/record-usage/zoned-time.ts';

test.each<[string, string, string[], string | null]>([
  // local, zone                                    instants                                           instead
  ['2026-03-01T08:00:00', 'UTC', ['2026-03-01T08:00:00Z'], null],
  ['2026-03-01T08:00:00', 'Europe/Berlin', ['2026-03-01T08:00:00+01:00'], null],
  ['2026-07-01T08:00:00', 'Europe/Berlin', ['2026-07-01T08:00:00+02:00'], null],
  ['2026-07-01T08:00:00', 'America/St_Johns', ['2026-07-01T08:00:00-02:30'], null],
  ['2026-01-01T00:00:00', 'Asia/Kathmandu', ['2026-01-01T00:00:00+05:45'], null],
  ['2026-03-29T01:59:59', 'Europe/Berlin', ['2026-03-29T01:59:59+01:00'], null],
  ['2026-03-29T02:00:00', 'Europe/Berlin', [], '2026-03-29T03:00:00+02:00'],
  ['2026-03-29T02:30:00', 'Europe/Berlin', [], '2026-03-29T03:30:00+02:00'],
  ['2026-03-29T03:00:00', 'Europe/Berlin', ['2026-03-29T03:00:00+02:00'], null],
  ['2026-10-25T02:30:00', 'Europe/Berlin', ['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00'], null],
  ['2026-10-25T03:00:00', 'Europe/Berlin', ['2026-10-25T03:00:00+01:00'], null],
  // By half an hour.
  [
    '2026-04-05T01:45:00',
    'Australia/Lord_Howe',
    ['2026-04-05T01:45:00+11:00', '2026-04-05T01:45:00+10:30'],
    null,
  ],
  ['2026-10-04T02:15:00', 'Australia/Lord_Howe', [], '2026-10-04T02:45:00+11:00'],
  // A whole day that was not.
  ['2011-12-30T12:00:00', 'Pacific/Apia', [], '2011-12-31T12:00:00+14:00'],
  // Midnight may be skipped.
  ['2026-04-24T00:30:00', 'Africa/Cairo', [], '2026-04-24T01:30:00+03:00'],
  // RFC 3339 has no offsets with seconds.
  ['1971-01-01T00:00:00', 'Africa/Monrovia', ['1971-01-01T00:44:30Z'], null],
])('%s in %s', (local, zone, instants, instead) => {
  const zoned = zonedTime(local, zone);
  expect(zoned.instants).toEqual(instants);
  expect(zoned.skipped?.instant ?? null).toBe(instead);
});

test('an instant is shown as its clocks do, and read again as the same', () => {
  const unixMs = Date.parse('2026-10-25T01:30:00.750Z');
  for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu']) {
    expect(Date.parse(zonedText(unixMs, zone))).toBe(unixMs - 750);
    expect(zonedText(unixMs, zone)).toContain(localText(unixMs, zone));
  }
});

test.each<[string, bigint | RegExp]>([
  ['2026-03-01T08:00:00Z', 1_772_352_000_000_000_000n],
  ['2026-03-01T09:00:00.123456789+01:00', 1_772_352_000_123_456_789n],
  ['2026-03-01T08:00:00.5Z', 1_772_352_000_500_000_000n],
  ['2024-02-29T00:00:00Z', 1_709_164_800_000_000_000n],
  ['2026-03-01T08:00:00', /offset/],
  ['2026-03-01', /with its offset/],
  ['2026-03-01 08:00:00Z', /with its offset/],
  ['2026-03-01T24:00:00Z', /with its offset/],
  ['2026-03-01T08:00:60Z', /with its offset/],
  ['2026-03-01T08:00:00.1234567890Z', /with its offset/],
  ['2026-02-29T00:00:00Z', /no such date/],
  ['2026-13-01T00:00:00Z', /no such date/],
  ['1970-01-01T00:00:00Z', /later than 1970/],
  ['2262-01-01T00:00:00Z', /earlier than 2262/],
  ['', /with its offset/],
])('%s is read', (text, expected) => {
  const read = instantOf(text);
  if (typeof expected === 'bigint') expect(read).toBe(expected);
  else expect(read).toMatch(expected);
});
