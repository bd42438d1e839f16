import { describe, expect, test } from 'vitest';
import { type TimeFormat, TimestampReader } from '../../../cli/import/timestamp.ts';
import { textFromInstant } from '../../../storage/query/instant.ts';

function told(text: string, format: TimeFormat, timeZone: string | null): string {
  const read = new TimestampReader(format, timeZone).read(text);
  return typeof read === 'bigint' ? textFromInstant(read) : read.problem;
}

describe('date and time with an offset', () => {
  test.each([
    ['2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['2026-03-01t00:00:00z', '2026-03-01T00:00:00Z'],
    ['2026-03-01T00:00:00.123456789Z', '2026-03-01T00:00:00.123456789Z'],
    ['2026-03-01T00:00:00.1234567890Z', '2026-03-01T00:00:00.123456789Z'],
    ['2026-03-01T00:00:00.1234567891Z', 'has more than 9 fraction digits (nanoseconds)'],
    ['2026-03-01 00:00:00+00', '2026-03-01T00:00:00Z'],
    ['2026-03-01 00:00:00 UTC', '2026-03-01T00:00:00Z'],
    ['2026-03-01T05:30:00+05:30', '2026-03-01T00:00:00Z'],
    ['2026-03-01T00:00-0800', '2026-03-01T08:00:00Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['2026-02-29T00:00:00Z', 'must be a date and time that exists'],
    ['2026-13-01T00:00:00Z', 'must be a date and time that exists'],
    ['2026-03-01T24:00:00Z', 'must be a date and time that exists'],
    ['2026-03-01T00:60:00Z', 'must be a date and time that exists'],
    ['2026-03-01T00:00:60Z', 'must be a date and time that exists'],
    ['2026-03-01T00:00:00+24:00', 'has an offset that does not exist'],
    ['1969-12-31T23:59:59Z', 'must lie between the years 1970 and 2262'],
    ['1970-01-01T00:00:00Z', 'must lie between the years 1970 and 2262'],
    ['2262-01-01T00:00:00Z', 'must lie between the years 1970 and 2262'],
    ['0026-03-01T00:00:00Z', 'must lie between the years 1970 and 2262'],
    ['03/01/2026', 'must be a date and time, like 2026-03-01T00:00:00Z'],
    ['infinity', 'must be a date and time, like 2026-03-01T00:00:00Z'],
    ['1772323200', 'must be a date and time (of Unix time, --time-format s, ms, us or ns says the unit)'],
  ])('%s', (text, expected) => {
    expect(told(text, 'text', 'Europe/Berlin')).toBe(expected);
  });
});

describe('date and time without an offset', () => {
  test.each([
    ['2026-03-01', null, 'has no offset from UTC: --time-zone says in which zone it is (such as UTC)'],
    [
      '2026-03-01 00:00:00',
      null,
      'has no offset from UTC: --time-zone says in which zone it is (such as UTC)',
    ],
    ['2026-03-01', 'UTC', '2026-03-01T00:00:00Z'],
    ['2026-03-01 12:30:15.5', 'UTC', '2026-03-01T12:30:15.5Z'],
    ['2026-03-01T12:30', 'Europe/Berlin', '2026-03-01T11:30:00Z'],
    ['2026-07-01 12:30:00', 'Europe/Berlin', '2026-07-01T10:30:00Z'],
    ['2026-07-01', 'America/Los_Angeles', '2026-07-01T07:00:00Z'],
    ['2026-02-29', 'UTC', 'must be a date and time that exists'],
    // Clocks were put forward at 02:00, and back at 03:00: then the earlier of the two.
    ['2026-03-29 02:30:00', 'Europe/Berlin', 'does not exist in Europe/Berlin: clocks were put forward'],
    ['2026-10-25 02:30:00', 'Europe/Berlin', '2026-10-25T00:30:00Z'],
    // A day that began at 01:00.
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00Z'],
  ])('%s in %s', (text, zone, expected) => {
    const reader = new TimestampReader('text', zone);
    // The second time from memory.
    for (let time = 0; time < 2; time++) {
      const read = reader.read(text);
      expect(typeof read === 'bigint' ? textFromInstant(read) : read.problem).toBe(expected);
    }
  });
});

describe('Unix time', () => {
  test.each<[string, TimeFormat, string]>([
    ['1772323200', 's', '2026-03-01T00:00:00Z'],
    ['1772323200.123456789', 's', '2026-03-01T00:00:00.123456789Z'],
    ['1772323200123', 'ms', '2026-03-01T00:00:00.123Z'],
    ['1772323200123456', 'us', '2026-03-01T00:00:00.123456Z'],
    ['1772323200123456789', 'ns', '2026-03-01T00:00:00.123456789Z'],
    ['1.7723232e+09', 's', '2026-03-01T00:00:00Z'],
    ['1772323200.1', 'ns', 'is given finer than nanoseconds'],
    // Milliseconds taken for seconds are caught.
    ['1772323200123', 's', 'must lie between the years 1970 and 2262'],
    ['-1', 's', 'must be Unix time in s, like 1772323200'],
    ['2026-03-01T00:00:00Z', 'ms', 'must be Unix time in ms, like 1772323200000'],
    ['0', 's', 'must lie between the years 1970 and 2262'],
  ])('%s in %s', (text, format, expected) => {
    expect(told(text, format, null)).toBe(expected);
  });
});
