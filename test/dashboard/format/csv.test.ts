/** CSV that loses nothing and runs nothing. */
import { expect, test } from 'vitest';
import { csvLine, fileName } from '../../../dashboard/format/csv.ts';
import { unitText } from '../../../dashboard/format/unit.ts';

test.each([
  // cell                              written
  ['eu', 'eu'],
  ['-12.500000000001', '-12.500000000001'],
  ['99999999999999999999999999.999999999999', '99999999999999999999999999.999999999999'],
  ['=1+1', "'=1+1"],
  ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
  ['+41 79', "'+41 79"],
  ['-1+cmd', "'-1+cmd"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', `"'\r=1"`],
  ['a,b', '"a,b"'],
  ['two\nlines', '"two\nlines"'],
  ['a "b"', '"a ""b"""'],
  ['', ''],
  [null, ''],
  [undefined, ''],
  [3, '3'],
])('%j', (value, written) => {
  expect(csvLine([value, 'end'])).toBe(`${written},end\r\n`);
});

test('a file has a name of letters that every system takes', () => {
  expect(fileName(['usage', '../<img>/ü', '2026-03-01T00:00:00Z'], 'csv')).toBe(
    'usage-.._img_-2026-03-01T00_00_00Z.csv',
  );
});

test.each([
  ['{token}', 'token'],
  ['1', ''],
  ['GBy', 'GBy'],
  ['GBy.h', 'GBy.h'],
  ['{a}/{b}', '{a}/{b}'],
])('the unit %s is read as "%s"', (unit, read) => {
  expect(unitText(unit)).toBe(read);
});
