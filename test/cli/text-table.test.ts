import { describe, expect, test } from 'vitest';
import { localTime } from '../../cli/local-time.ts';
import { Progress } from '../../cli/progress.ts';
import { sparkline } from '../../cli/sparkline.ts';
import { decimal, printable, textTable } from '../../cli/text-table.ts';

describe('tables', () => {
  const head = ['id', 'name', 'quantity'];
  const rows = [
    ['customer-0001-europe', 'a name that is long', '1,234,567.5'],
    ['customer-0002-europe', '漢字漢字', '3'],
  ];

  test.each([
    [
      'without end',
      Number.POSITIVE_INFINITY,
      [],
      [
        'id                    name                    quantity',
        'customer-0001-europe  a name that is long  1,234,567.5',
        'customer-0002-europe  漢字漢字                       3',
      ],
    ],
    [
      'the widest texts are cut in their middle',
      40,
      [],
      [
        'id            name              quantity',
        'custom…urope  a name…s long  1,234,567.5',
        'custom…urope  漢字漢字                 3',
      ],
    ],
    [
      'but not what people copy',
      44,
      [0],
      [
        'id                    name          quantity',
        'customer-0001-europe  a na…long  1,234,567.5',
        'customer-0002-europe  漢字漢字             3',
      ],
    ],
  ])('%s', (_, width, whole, lines) => {
    expect(textTable(head, rows, width, whole)).toEqual(lines);
  });

  test('numbers are never cut, whatever the width', () => {
    expect(textTable(['quantity'], [['12,345,678,901,234']], 5)[1]).toBe('12,345,678,901,234');
  });

  test('a column without a number is text', () => {
    expect(textTable(['customer', 'x'], [['–', '1']], 80)).toEqual(['customer  x', '–         1']);
  });
});

test.each([
  ['0', '0'],
  ['999.5', '999.5'],
  ['1000', '1,000'],
  ['-1234567.000001', '-1,234,567.000001'],
  ['12345678901234567890123456.000000000001', '12,345,678,901,234,567,890,123,456.000000000001'],
])('%s is shown as %s', (text, shown) => {
  expect(decimal(text)).toBe(shown);
});

test('what a signal says does not move the cursor', () => {
  expect(printable('a\u001b[2J\u202eb\nc')).toBe('a\ufffd[2J\ufffdb\ufffdc');
});

test.each([
  // values                                          width  bars
  [['0', '5', '10'], 60, '▁▅█'],
  [['1', '1'], 60, '██'],
  [['0', '0'], 60, '▁▁'],
  [['-10', '0', '10'], 60, '▁▅█'],
  [['10', null, '0'], 60, '█ ▁'],
  [['0', '10', '0', '0'], 2, '█▁'],
  [['123456789012345678901234567890.1'], 60, '█'],
  [[], 60, ''],
])('the bars of %j in %i columns', (values, width, bars) => {
  expect(sparkline(values, width)).toBe(bars);
});

test.each([
  ['2026-03-01T00:00:00Z', 'UTC', '2026-03-01'],
  ['2026-03-01T08:30:00Z', 'UTC', '2026-03-01 08:30 UTC'],
  ['2026-03-01T08:30:01.5Z', 'UTC', '2026-03-01 08:30:01.5 UTC'],
  ['2026-02-28T23:00:00Z', 'Europe/Berlin', '2026-03-01'],
  // The repeated hour, twice.
  ['2026-10-25T00:00:00Z', 'Europe/Berlin', '2026-10-25 02:00 +02:00'],
  ['2026-10-25T01:00:00Z', 'Europe/Berlin', '2026-10-25 02:00 +01:00'],
])('%s in %s is %s', (instant, zone, shown) => {
  expect(localTime(instant, zone)).toBe(shown);
});

test('progress tells the rate and the time that is left, where the end is known', () => {
  let now = 0;
  const output = { write: () => {} };
  const known = new Progress(output, 1_000, () => now);
  const unknown = new Progress(output, null, () => now);
  for (const progress of [known, unknown]) {
    progress.phase('usage.csv');
    progress.line();
    progress.countRows(250);
    progress.advance(250);
  }
  now = 5_000;
  expect(known.line()).toBe('usage.csv: 250 rows, 25 %, 50 rows/s, 0:15 left');
  expect(unknown.line()).toBe('usage.csv: 250 rows, 50 rows/s');
  known.end();
  unknown.end();
});
