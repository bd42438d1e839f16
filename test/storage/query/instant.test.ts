import { describe, expect, test } from 'vitest';
import { instantFromText, isTimeZone, textFromInstant } from '../../../storage/query/instant.ts';

describe('an instant is RFC 3339 with an offset, or a date in the zone', () => {
  test.each([
    //  text                                   zone                    in UTC
    ['2026-03-01T00:00:00Z', 'Europe/Berlin', '2026-03-01T00:00:00Z'],
    ['2026-03-01t00:00:00z', 'UTC', '2026-03-01T00:00:00Z'],
    ['2026-03-01T00:00:00.000000001Z', 'UTC', '2026-03-01T00:00:00.000000001Z'],
    ['2026-03-01T00:00:00.5+05:30', 'UTC', '2026-02-28T18:30:00.5Z'],
    ['2026-03-01T00:00:00-08:00', 'UTC', '2026-03-01T08:00:00Z'],
    ['1969-12-31T23:59:59.999999999Z', 'UTC', '1969-12-31T23:59:59.999999999Z'],
    ['2024-02-29', 'UTC', '2024-02-29T00:00:00Z'],
    ['2026-03-01', 'America/Los_Angeles', '2026-03-01T08:00:00Z'],
    ['2026-07-01', 'America/Los_Angeles', '2026-07-01T07:00:00Z'],
    ['2026-01-01', 'Australia/Lord_Howe', '2025-12-31T13:00:00Z'],
    ['2026-01-01', 'Asia/Kolkata', '2025-12-31T18:30:00Z'],
    // The clock went from 24:00 to 01:00: the day begins an hour late.
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00Z'],
    // The whole day was left out.
    ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
  ])('%s in %s is %s', (text, zone, expected) => {
    const instant = instantFromText(text, zone);
    expect(typeof instant === 'bigint' ? textFromInstant(instant) : instant).toBe(expected);
  });

  test.each([
    ['2026-03-01T00:00:00', 'without one is ambiguous'],
    ['2026-03-01 00:00:00', 'without one is ambiguous'],
    ['2026-03-01T00:00', 'without one is ambiguous'],
    ['2026-03-01T00:00:00 02:00', '%2B'],
    ['2026-03-01T00:00:00.0000000001Z', 'nanoseconds'],
    ['2026-03-01T00:00:60Z', 'RFC 3339'],
    ['2026-02-29', 'exists'],
    ['2026-13-01T00:00:00Z', 'exists'],
    ['2026-03-01T24:00:00Z', 'exists'],
    ['2026-03-01T00:00:00+24:00', 'exists'],
    ['2026-03-01T00:00:00Z[Europe/Berlin]', 'RFC 3339'],
    ['1899-12-31', 'between the years 1900 and 2262'],
    ['2262-01-01T00:00:00.000000001Z', 'between the years 1900 and 2262'],
    ['+002026-03-01', 'RFC 3339'],
    ['2026', 'RFC 3339'],
    ['1772323200', 'RFC 3339'],
    ['now', 'RFC 3339'],
    ['', 'RFC 3339'],
  ])('%j is none: it must be … %s', (text, fault) => {
    expect(instantFromText(text, 'UTC')).toEqual({ fault: expect.stringContaining(fault) });
  });
});

test.each([
  ['UTC', true],
  ['Europe/Berlin', true],
  ['US/Pacific', true],
  ['Etc/GMT+8', true],
  ['Mars/Olympus', false],
  ['+05:30', false],
  ['2026-03-01T00:00:00Z[Europe/Berlin]', false],
  ['', false],
  ["UTC'", false],
])('%j is a time zone: %s', (text, expected) => {
  expect(isTimeZone(text)).toBe(expected);
});
